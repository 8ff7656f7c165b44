# SPDX-License-Identifier: Apache-2.0
"""Models whose weights lie in files of their own: written by `atc --external_weight`, loaded in every way."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper

import acl
from dump_support import dump_files, write_config
from model_support import (
    assert_close,
    conv_model,
    dense_model,
    expected_outputs,
    load,
    message,
    must_load,
    must_unload,
    random_inputs,
    run_once,
    sizes,
)

pytestmark = pytest.mark.usefixtures("device")

LOAD_TYPE, PATH, MEMORY, SIZE, WEIGHT, WEIGHT_SIZE, WORK, WORK_SIZE, WEIGHT_PATH = 1, 2, 3, 4, 5, 6, 7, 8, 14
GE_FAILURE, GE_PARAM_INVALID, INVALID_PARAM = 500002, 145000, 100000


@pytest.fixture
def network():
    return conv_model(31, channels=40, size=12)


@pytest.fixture
def convert(atc_path, tmp_path):
    """convert(network, mode, name) -> path of an .om in a folder of its own."""

    def run(network, mode, name="net"):
        folder = tmp_path / f"mode{mode}_{name}"
        folder.mkdir()
        source = folder / "net.onnx"
        source.write_bytes(network.SerializeToString())
        command = [atc_path, f"--model={source}", "--framework=5", f"--output={folder}/{name}"]
        done = subprocess.run([*command, f"--external_weight={mode}"], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout
        return folder / f"{name}.om"

    return run


@pytest.fixture
def library():
    """The library that `acl` drives, for a function that Python does not have."""
    path = os.environ.get("PYACLMDL_LIBRARY") or str(Path(acl.__file__).with_name("libascendcl.so"))
    library = ctypes.CDLL(path)
    library.aclmdlSetExternalWeightAddress.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_void_p,
        ctypes.c_size_t,
    ]
    return library


def from_file(path):
    model_id, ret = acl.mdl.load_from_file(str(path))
    assert ret == 0, message()
    return model_id


def configured(**values):
    handle = acl.mdl.create_config_handle()
    for name, value in values.items():
        if name == "weight_path":  # wants the address of a C string, which it copies
            text = ctypes.create_string_buffer(value.encode())
            value = ctypes.addressof(text)
        assert acl.mdl.set_config_opt(handle, globals()[name.upper()], value) == 0, message()
    return handle


def from_memory(data, weight_path=None, **more):
    """A configuration that loads `data` with a folder of weights."""
    values = {"load_type": 3, "memory": acl.util.bytes_to_ptr(data), "size": len(data), **more}
    if weight_path is not None:
        values["weight_path"] = str(weight_path)
    return configured(**values)


def load_and_destroy(handle):
    result = acl.mdl.load_with_config(handle)
    assert acl.mdl.destroy_config_handle(handle) == 0
    return result


def result_of(model_id, inputs):
    outputs = run_once(model_id, inputs)
    must_unload(model_id)
    return outputs


@pytest.mark.parametrize("mode", [1, 2])
def test_results_are_those_of_weights_inside(mode, network, convert):
    inputs = random_inputs(network, 1)
    inside, outside = convert(network, 0), convert(network, mode)
    assert not (inside.parent / "weight").exists()
    files = sorted(path.name for path in (outside.parent / "weight").iterdir())
    if mode == 1:
        assert len(files) >= 2 and all(name.startswith("weight_") for name in files)
    else:
        assert files == ["net_weight_combined"]
    assert outside.stat().st_size < inside.stat().st_size / 2
    wanted = result_of(from_file(inside), inputs)
    got = result_of(from_file(outside), inputs)
    assert got[0].tobytes() == wanted[0].tobytes()
    assert_close(got, expected_outputs(network, inputs))
    assert sizes(outside.read_bytes()) == sizes(inside.read_bytes()), "sizes need no files"


@pytest.mark.parametrize("mode", [1, 2])
def test_a_folder_for_a_model_in_memory(mode, network, convert, tmp_path):
    inputs = random_inputs(network, 2)
    path = convert(network, mode)
    data = path.read_bytes()
    wanted = result_of(from_file(path), inputs)
    elsewhere = tmp_path / "elsewhere"
    shutil.move(path.parent / "weight", elsewhere)
    for folder in (elsewhere, f"{elsewhere}/"):
        model_id, ret = load_and_destroy(from_memory(data, folder))
        assert ret == 0, message()
        assert result_of(model_id, inputs)[0].tobytes() == wanted[0].tobytes()
    work, weight = sizes(data)
    areas = [acl.rt.malloc(size, 0)[0] for size in (work, weight)]
    handle = from_memory(
        data, elsewhere, load_type=4, work=areas[0], work_size=work, weight=areas[1], weight_size=weight
    )
    model_id, ret = load_and_destroy(handle)
    assert ret == 0, message()
    shutil.rmtree(elsewhere)
    assert result_of(model_id, inputs)[0].tobytes() == wanted[0].tobytes(), "files are read during the load only"
    for area in areas:
        assert acl.rt.free(area) == 0


def test_the_folder_is_beside_the_real_file(network, convert, tmp_path, monkeypatch):
    path = convert(network, 1)
    inputs = random_inputs(network, 8)
    wanted = result_of(from_file(path), inputs)
    link = tmp_path / "link.om"
    link.symlink_to(path)
    assert result_of(from_file(link), inputs)[0].tobytes() == wanted[0].tobytes()
    monkeypatch.chdir(path.parent)
    assert result_of(from_file(path.name), inputs)[0].tobytes() == wanted[0].tobytes()


def test_registered_memory_takes_the_place_of_files(network, convert, library):
    inputs = random_inputs(network, 3)
    path = convert(network, 1)
    wanted = result_of(from_file(path), inputs)
    handle = from_memory(path.read_bytes())
    kept = []
    for file in sorted((path.parent / "weight").iterdir()):
        content = file.read_bytes()
        size = (len(content) + 31) // 32 * 32
        address, ret = acl.rt.malloc(size, 0)
        assert ret == 0
        ctypes.memmove(address, content, len(content))
        kept.append(address)
        assert library.aclmdlSetExternalWeightAddress(handle, file.name.encode(), address, size) == 0, message()
    shutil.rmtree(path.parent / "weight")
    model_id, ret = acl.mdl.load_with_config(handle)
    assert ret == 0, message()
    assert run_once(model_id, inputs)[0].tobytes() == wanted[0].tobytes()
    for address in kept:
        assert acl.rt.free(address) == 0
    assert result_of(model_id, inputs)[0].tobytes() == wanted[0].tobytes()
    assert acl.mdl.load_with_config(handle)[1] == GE_PARAM_INVALID
    assert "freed" in message(), "a second load finds the memory freed"
    assert acl.mdl.destroy_config_handle(handle) == 0


def test_refused_registrations(network, convert, library):
    path = convert(network, 1)
    names = [file.name for file in (path.parent / "weight").iterdir()]
    memory, ret = acl.rt.malloc(1 << 20, 0)
    assert ret == 0
    handle = from_memory(path.read_bytes())
    register = library.aclmdlSetExternalWeightAddress
    for arguments, words in (
        ((None, b"w", memory, 32), "handle"),
        ((handle, None, memory, 32), "weightFileName"),
        ((handle, b"w", None, 32), "devPtr"),
        ((handle, b"w", memory, 0), "size"),
        ((handle, b"w", memory, 33), "33"),
    ):
        assert register(*arguments) == INVALID_PARAM
        assert words in message()
    for name in names:
        assert register(handle, name.encode(), memory, 32) == 0
    assert acl.mdl.load_with_config(handle) == (0, GE_PARAM_INVALID)
    text = message()
    assert "E10001" in text and any(name in text for name in names)
    assert acl.mdl.destroy_config_handle(handle) == 0
    handle = from_memory(path.read_bytes())
    assert register(handle, b"weight_of_another_model", memory, 1 << 20) == 0
    assert acl.mdl.load_with_config(handle) == (0, GE_FAILURE)
    text = message()
    assert "E13001" in text and any(name in text for name in names)
    assert acl.mdl.destroy_config_handle(handle) == 0
    assert acl.rt.free(memory) == 0


@pytest.mark.parametrize("mode", [1, 2])
def test_missing_and_short_files(mode, network, convert):
    path = convert(network, mode)
    files = sorted((path.parent / "weight").iterdir(), key=lambda file: file.stat().st_size)
    content = files[-1].read_bytes()
    files[-1].write_bytes(content[:-1])
    assert acl.mdl.load_from_file(str(path)) == (0, GE_FAILURE)
    text = message()
    assert "E13015" in text and files[-1].name in text and str(len(content) - 1) in text
    files[-1].unlink()
    assert acl.mdl.load_from_file(str(path)) == (0, GE_FAILURE)
    text = message()
    assert "E13001" in text and str(files[-1]) in text
    files[-1].mkdir()
    assert acl.mdl.load_from_file(str(path)) == (0, GE_FAILURE)
    assert "E13001" in message()
    files[-1].rmdir()
    files[-1].write_bytes(content)
    must_unload(from_file(path))


def test_without_a_folder_nothing_is_guessed(network, convert, monkeypatch):
    path = convert(network, 1)
    monkeypatch.chdir(path.parent / "weight")
    assert load(path.read_bytes()) == (0, GE_FAILURE)
    text = message()
    assert "E13001" in text and "memory" in text


def test_folders_that_a_load_does_not_take(network, convert):
    path, inside = convert(network, 1), convert(network, 0)
    handle = configured(load_type=1, path=str(path), weight_path=str(path.parent / "weight"))
    assert load_and_destroy(handle) == (0, INVALID_PARAM)
    assert "EH0001" in message()
    assert load_and_destroy(from_memory(inside.read_bytes(), path.parent / "weight")) == (0, GE_FAILURE)
    assert "no external weights" in message()
    assert load_and_destroy(from_memory(path.read_bytes(), "/no/such/folder")) == (0, GE_FAILURE)
    assert "E13001" in message()


def test_paths_out_of_the_folder(network, convert, tmp_path):
    path = convert(network, 1)
    data = path.read_bytes()
    name = max((path.parent / "weight").iterdir(), key=lambda file: file.stat().st_size).name
    secret = tmp_path / ("s" * (len(name) - 3))
    secret.write_bytes((path.parent / "weight" / name).read_bytes())
    for evil in (f"../{secret.name}", f"a/../{secret.name}"[: len(name)], "..".rjust(len(name), "/")):
        evil = evil.ljust(len(name), "x")
        changed = data.replace(name.encode(), evil.encode())
        assert changed != data
        (path.parent / "evil.om").write_bytes(changed)
        assert acl.mdl.load_from_file(str(path.parent / "evil.om")) == (0, GE_FAILURE)
        assert "outside" in message()
    absolute = ("/" + "w" * (len(name) - 1)).encode()
    (path.parent / "evil.om").write_bytes(data.replace(name.encode(), absolute))
    assert acl.mdl.load_from_file(str(path.parent / "evil.om")) == (0, GE_FAILURE)
    assert f"{path.parent}/weight/www" in message(), "only the file's name counts"


def test_numbers_that_do_not_fit(network, convert):
    """Whatever the attributes of the model say, the load is refused or reads within the file."""
    path = convert(network, 2)
    data = bytearray(path.read_bytes())
    inputs = random_inputs(network, 4)
    for key in (b"offset", b"length", b"shape"):
        at = data.find(key)
        while at >= 0:
            for step in range(len(key), len(key) + 12):
                changed = bytearray(data)
                changed[at + step] ^= 0xFF
                (path.parent / "odd.om").write_bytes(changed)
                model_id, ret = acl.mdl.load_from_file(str(path.parent / "odd.om"))
                if ret == 0:
                    acl.mdl.execute(model_id, acl.mdl.create_dataset(), acl.mdl.create_dataset())
                    must_unload(model_id)
                acl.get_recent_err_msg()
            at = data.find(key, at + 1)
    result_of(from_file(path), inputs)


def test_weights_of_two_folders_are_told_apart(convert, tmp_path):
    network = dense_model(32, inner=200, features=64, classes=30)
    path = convert(network, 2)
    data = path.read_bytes()
    inputs = random_inputs(network, 5)
    other = tmp_path / "other"
    shutil.copytree(path.parent / "weight", other)
    (file,) = other.iterdir()
    file.write_bytes((np.frombuffer(file.read_bytes(), np.float32) * 2).tobytes())
    first, ret = load_and_destroy(from_memory(data, path.parent / "weight"))
    assert ret == 0, message()
    second, ret = load_and_destroy(from_memory(data, other))
    assert ret == 0, message()
    assert run_once(first, inputs)[0].tobytes() != run_once(second, inputs)[0].tobytes()
    assert_close(run_once(first, inputs), expected_outputs(network, inputs))
    must_unload(first, second)

    _, size = sizes(data)
    area, ret = acl.rt.malloc(size, 0)
    assert ret == 0
    shared = {"load_type": 4, "weight": area, "weight_size": size}
    first, ret = load_and_destroy(from_memory(data, path.parent / "weight", **shared))
    assert ret == 0, message()
    same, ret = load_and_destroy(from_memory(data, path.parent / "weight", **shared))
    assert ret == 0, message()
    assert load_and_destroy(from_memory(data, other, **shared)) == (0, GE_PARAM_INVALID)
    assert "another loaded model" in message()
    must_unload(first, same)
    assert acl.rt.free(area) == 0


def test_dumps_with_external_weights(network, convert, tmp_path):
    path = convert(network, 1)
    inputs = random_inputs(network, 6)
    config, out = write_config(tmp_path, dump_mode="all")
    assert acl.mdl.init_dump() == 0 and acl.mdl.set_dump(config) == 0
    model_id = from_file(path)
    outputs = run_once(model_id, inputs)
    must_unload(model_id)
    assert acl.mdl.finalize_dump() == 0
    files = [file for file in dump_files(out) if file.op_name == "conv3"]
    last = next(file for file in files if file.outputs)
    np.testing.assert_array_equal(last.outputs[0].ravel(), outputs[0].ravel())
    read = next(file for file in files if file.inputs)
    np.testing.assert_array_equal(read.inputs[1], numpy_helper.to_array(network.graph.initializer[3]))


def test_small_constants_stay_inside(make_model, convert):
    network = dense_model(33)
    path = convert(network, 1)
    assert not (path.parent / "weight").exists()
    inputs = random_inputs(network, 7)
    inside = must_load(make_model(network))
    assert result_of(from_file(path), inputs)[0].tobytes() == result_of(inside, inputs)[0].tobytes()

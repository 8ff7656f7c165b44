# SPDX-License-Identifier: Apache-2.0
"""Memory that a program takes away from a loaded model: a code and a sentence, no signal, no harm to handlers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import acl
from dump_support import dump_files, write_config
from model_support import Area, add_model, conv_model, dataset, dense_model, message, must_load, must_unload, sizes
from test_aipp import convert_with, dynamic, parameters, set_source  # noqa: F401
from test_dump import dumping
from test_gears import SELECTOR, conv_net

INVALID_PARAM = 100000
MODEL_EXECUTE = 507011
AREA_INVALID = 145000
HERE = Path(__file__).parent
INCLUDE = HERE.parents[1] / "Sources" / "CAscendCL" / "include"

SCENARIOS = [
    "unmapped", "partly", "read_only", "no_access", "cut_off", "asynchronous", "threads", "meanwhile", "forked",
    "crashes", "handler_before", "handler_after", "handlers_that_hand_down", "blocked", "thousand", "copies", "areas",
]  # fmt: skip


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    library = Path(os.environ.get("PYACLMDL_LIBRARY") or Path(acl.__file__).with_name("libascendcl.so")).resolve()
    path = tmp_path_factory.mktemp("program") / "taken"
    options = ["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", f"-I{INCLUDE}"]
    command = ["cc", *options, HERE / "taken_program.c", "-o", path, library, f"-Wl,-rpath,{library.parent}"]
    built = subprocess.run(command, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return path


@pytest.fixture(scope="module")
def model_file(make_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "conv.om"
    path.write_bytes(make_model(conv_model(3)))
    return path


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_program(program, model_file, monkeypatch, scenario, threads):
    monkeypatch.setenv("PYACLMDL_NUM_THREADS", threads)
    done = subprocess.run([program, model_file, scenario], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


SCRIPT = """
import ctypes, faulthandler, sys
import numpy as np
import acl
from model_support import must_load, dataset

order, om = sys.argv[1:]
if "before" in order:
    faulthandler.enable()
acl.init(), acl.rt.set_device(0)
model = must_load(open(om, "rb").read())
count = 400_000
y = np.empty(count, np.float32)
outputs, _ = dataset([y])

def attempt():
    a, b = np.ones(count, np.float32), np.full(count, 2, np.float32)
    inputs, buffers = dataset([a, b])
    codes = [acl.mdl.execute(model, inputs, outputs)]
    assert (y == 3).all()
    if "after" in order:
        faulthandler.enable()
    if "off" in order:
        faulthandler.disable()
    del b
    codes.append(acl.mdl.execute(model, inputs, outputs))
    text = acl.get_recent_err_msg()
    del a
    codes.append(acl.mdl.execute(model, inputs, outputs))
    return codes, text

for _ in range(3):
    codes, text = attempt()
    print(codes, "the buffer of input 1" in text and "not mapped" in text, flush=True)
if "crash" in order:
    ctypes.string_at(8)
"""


@pytest.mark.parametrize("order", ["never", "before", "after", "before after", "before off", "after off"])
@pytest.mark.parametrize("end", ["", " crash"])
def test_freed_arrays_with_faulthandler(make_model, tmp_path, order, end):
    om = tmp_path / "add.om"
    om.write_bytes(make_model(add_model(400_000)))
    command = [sys.executable, "-c", SCRIPT, order + end, om]
    # Arrays of this size come from mmap, whatever was freed before.
    environment = {"PYTHONPATH": str(HERE), "MALLOC_MMAP_THRESHOLD_": "65536", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env=environment)
    assert done.stdout == f"[0, {INVALID_PARAM}, {INVALID_PARAM}] True\n" * 3, done.stderr
    is_reported = bool(end) and order not in ("never", "before off", "after off")
    assert done.stderr.count("Fatal Python error: Segmentation fault") == int(is_reported), done.stderr
    assert done.returncode == (-signal.SIGSEGV if end else 0)


class Buffers:
    """Datasets over areas whose pages a test protects."""

    def __init__(self, model_id, areas, outputs):
        self.id, self.areas = model_id, areas
        arrays = [area.array() for area in areas]
        self.inputs, self._given = dataset(arrays[:-outputs])
        self.outputs, self._taken = dataset(arrays[-outputs:])

    def execute(self):
        return acl.mdl.execute(self.id, self.inputs, self.outputs)

    def close(self):
        for one, buffers in ((self.inputs, self._given), (self.outputs, self._taken)):
            assert acl.mdl.destroy_dataset(one) == 0
            for buffer in buffers:
                assert acl.destroy_data_buffer(buffer) == 0
        must_unload(self.id)


@pytest.mark.parametrize("missing", [0, 17, 32])
def test_short_buffers(device, make_model, missing):
    """Buffers shorter than their tensors are copied, before and after the execution."""
    areas = [Area(4 * 1024), Area(4 * 1024 - missing), Area(4 * 1024 - missing)]
    for area in areas[:2]:
        area.array()[:] = 0
    buffers = Buffers(must_load(make_model(add_model(1024))), areas, outputs=1)
    assert buffers.execute() == 0, message()
    for area, name in zip(areas, ("input 0", "input 1", "output 0"), strict=True):
        area.no_access()
        assert buffers.execute() == INVALID_PARAM
        text = message()
        assert name in text and "may not be" in text
        area.writable()
        assert buffers.execute() == 0, message()
    areas[2].read_only()
    assert buffers.execute() == INVALID_PARAM
    areas[2].writable()
    buffers.close()


def test_gear_input(device, make_model):
    model_id = must_load(make_model(conv_net(), "x:-1,3,12,10", "--dynamic_batch_size=1,2,4"))
    desc = acl.mdl.create_desc()
    assert acl.mdl.get_desc(desc, model_id) == 0
    index, _ = acl.mdl.get_input_index_by_name(desc, SELECTOR)
    areas = [Area(acl.mdl.get_input_size_by_index(desc, i)) for i in range(acl.mdl.get_num_inputs(desc))]
    areas += [Area(acl.mdl.get_output_size_by_index(desc, i)) for i in range(acl.mdl.get_num_outputs(desc))]
    buffers = Buffers(model_id, areas, outputs=2)
    assert acl.mdl.set_dynamic_batch_size(model_id, buffers.inputs, index, 2) == 0, message()
    assert buffers.execute() == 0, message()
    areas[index].read_only()
    assert acl.mdl.set_dynamic_batch_size(model_id, buffers.inputs, index, 4) == INVALID_PARAM
    assert "may not be written" in message()
    assert buffers.execute() == 0, message()
    areas[index].no_access()
    assert buffers.execute() == INVALID_PARAM
    assert f"input {index}" in message()
    areas[index].writable()
    assert acl.mdl.destroy_desc(desc) == 0
    buffers.close()


def test_aipp_parameters(dynamic, parameters):  # noqa: F811
    area = Area(dynamic.parameters.nbytes)
    inputs, given = dataset([dynamic.images, area.array()])
    set_source(parameters, "RGB888_U8", 8, 6)
    assert acl.mdl.set_input_aipp(dynamic.id, inputs, 1, parameters) == 0, message()
    assert acl.mdl.execute(dynamic.id, inputs, dynamic.outputs) == 0, message()
    area.read_only()
    assert acl.mdl.set_input_aipp(dynamic.id, inputs, 1, parameters) == INVALID_PARAM
    assert "may not be written" in message()
    area.no_access()
    assert acl.mdl.set_input_aipp(dynamic.id, inputs, 1, parameters) == INVALID_PARAM
    assert acl.mdl.execute(dynamic.id, inputs, dynamic.outputs) == INVALID_PARAM
    assert "input 1" in message()
    area.writable()
    assert acl.mdl.destroy_dataset(inputs) == 0
    for buffer in given:
        assert acl.destroy_data_buffer(buffer) == 0


def test_nothing_is_dumped_of_an_execution_that_fails(device, make_model, tmp_path):
    areas = [Area(4 * 2 * 24), Area(4 * 2 * 10)]
    areas[0].array()[:] = 0
    config, folder = write_config(tmp_path)
    with dumping(config):
        buffers = Buffers(must_load(make_model(dense_model(2))), areas, outputs=1)
        assert buffers.execute() == 0, message()
        before = len(dump_files(folder))
        assert before > 0
        areas[0].no_access()
        assert buffers.execute() == INVALID_PARAM
        assert len(dump_files(folder)) == before
        areas[0].writable()
        assert buffers.execute() == 0, message()
        assert len(dump_files(folder)) == 2 * before
        buffers.close()


def test_areas_of_the_device_may_be_protected(device, make_model):
    """Memory of `aclrtMalloc` is the library's own, but a program can protect it."""
    model = make_model(conv_model(4))
    for argument, size in zip(("work_ptr", "weight_ptr"), sizes(model), strict=True):
        area, ret = device.rt.malloc(size, 0)
        assert ret == 0
        places = {"work_ptr": (0, 0), "weight_ptr": (0, 0)} | {argument: (area, size)}
        acl_load = device.mdl.load_from_mem_with_mem
        assert Area._libc.mprotect(area, 4096, 1) == 0
        pointer = device.util.bytes_to_ptr(model)
        _, ret = acl_load(pointer, len(model), *places["work_ptr"], *places["weight_ptr"])
        assert ret == AREA_INVALID
        text = message()
        assert argument in text and "may not be written" in text
        assert Area._libc.mprotect(area, 4096, 3) == 0
        model_id, ret = acl_load(pointer, len(model), *places["work_ptr"], *places["weight_ptr"])
        assert ret == 0, message()
        given = np.ones((1, 3, 24, 24), np.float32)
        result = np.empty((1, 16, 24, 24), np.float32)
        inputs, _ = dataset([given])
        outputs, _ = dataset([result])
        assert device.mdl.execute(model_id, inputs, outputs) == 0, message()
        assert Area._libc.mprotect(area, 4096, 0) == 0
        assert device.mdl.execute(model_id, inputs, outputs) == MODEL_EXECUTE
        assert argument in message()
        assert Area._libc.mprotect(area, 4096, 3) == 0
        assert device.mdl.execute(model_id, inputs, outputs) == 0, message()
        must_unload(model_id)
        assert device.rt.free(area) == 0

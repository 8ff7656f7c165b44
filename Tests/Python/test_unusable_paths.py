# SPDX-License-Identifier: Apache-2.0
"""Paths that lead to pipes, devices, folders, links and endless files: refused at once, with the documented code."""

import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_support import conv_model, random_inputs
from test_atc import FAILURE, make_graph, relu_model

HERE = Path(__file__).parent
# Beside Python and numpy, nothing may take more memory than this.
MEMORY = 4 << 30


@pytest.fixture
def paths(tmp_path):
    """Kind -> a path that is not a file to read."""
    folder = tmp_path / "paths"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(folder / "socket"))
    with open(folder / "endless", "wb") as file:
        file.truncate(1 << 42)
    (folder / "loop").symlink_to("loop")
    (folder / "zero").symlink_to("/dev/zero")
    names = ["pipe", "folder", "socket", "endless", "loop"]
    return {name: str(folder / name) for name in names} | {
        "zero": "/dev/zero",
        "tty": "/dev/tty",
        "link to a device": str(folder / "zero"),
        "missing": str(folder / "none"),
        "kernel": "/proc/kmsg",
        "empty": "",
    }


KINDS = [
    "pipe",
    "folder",
    "socket",
    "endless",
    "loop",
    "zero",
    "tty",
    "link to a device",
    "missing",
    "kernel",
    "empty",
]

READ = """
import sys
sys.path.insert(0, sys.argv[1])
import acl
path = sys.argv[3]
assert acl.init() == 0 and acl.rt.set_device(0) == 0
if sys.argv[2] == "set_dump":
    assert acl.mdl.init_dump() == 0
call = {
    "load_from_file": lambda: acl.mdl.load_from_file(path)[1],
    "load_from_file_with_mem": lambda: acl.mdl.load_from_file_with_mem(path, 0, 0, 0, 0)[1],
    "query_size": lambda: acl.mdl.query_size(path)[2],
    "get_desc_from_file": lambda: acl.mdl.get_desc_from_file(acl.mdl.create_desc(), path),
    "bundle_load_from_file": lambda: acl.mdl.bundle_load_from_file(path)[1],
    "set_dump": lambda: acl.mdl.set_dump(path),
}[sys.argv[2]]
print(call())
print(acl.get_recent_err_msg())
"""

INIT = "import sys, acl; print(acl.init(sys.argv[3])); print(acl.get_recent_err_msg())"


def run(*command, **options):
    limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))}
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        **limit | options,
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("call", "codes"),
    [
        # Files that begin wrong, or have fewer than four bytes, are 145000, 145006 and 100000.
        ("load_from_file", {145002, 145006, 145000}),
        ("load_from_file_with_mem", {145002, 145006, 145000}),
        ("query_size", {145002, 145006, 145000}),
        ("get_desc_from_file", {145002, 145006, 145000}),
        ("bundle_load_from_file", {145002, 145006, 145000, 100000}),
        ("set_dump", {100003}),
        ("init", {100003}),
    ],
)
def test_the_library_refuses(call, codes, kind, paths):
    done = run(sys.executable, "-c", INIT if call == "init" else READ, HERE, call, paths[kind])
    assert done.returncode == 0, done.stderr
    code, text = done.stdout.split("\n", 1)
    if kind in ("empty", "kernel") and call in ("init", "set_dump"):
        # No path and an empty file are configurations that say nothing.
        codes = codes | {0}
    assert int(code) in codes, done.stdout
    if int(code):
        expected = {"pipe": "named pipe", "folder": "a folder", "zero": "a device", "endless": "bytes"}
        assert expected.get(kind, "") in text, text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", ["--model", "--insert_op_conf", "--om"])
def test_atc_refuses(atc_path, option, kind, paths, tmp_path):
    (tmp_path / "net.onnx").write_bytes(relu_model((1, 3, 8, 8)).SerializeToString())
    options = {"--model": tmp_path / "net.onnx", "--framework": "5", "--output": tmp_path / "net"}
    if option == "--om":
        options = {"--mode": "6"}
    options[option] = paths[kind]
    done = run(atc_path, *(f"{name}={value}" for name, value in options.items()))
    if (option, kind) == ("--insert_op_conf", "empty"):
        assert done.returncode == 0, "an empty option is none"
        return
    assert done.returncode == 255, (done.returncode, done.stdout, done.stderr)
    lines = done.stdout.splitlines()
    error = lines[lines.index(FAILURE) + 1]
    code = {
        "pipe": "E13003",
        "folder": "E13003",
        "socket": "E13001",
        "endless": "E13015",
        "loop": "E13001",
        "zero": "E13003",
        "link to a device": "E13003",
        "missing": "E13001",
    }.get(kind)
    if option == "--model" and kind in ("missing", "loop"):
        code = "E10001"
    assert error.startswith(code or "E"), error


# --- Weights in files of their own ---


@pytest.fixture
def network():
    return conv_model(31, channels=40, size=12)


LOAD = """
import sys
sys.path.insert(0, sys.argv[1])
import acl, numpy as np
from model_support import run_once
assert acl.init() == 0 and acl.rt.set_device(0) == 0
model_id, ret = acl.mdl.load_from_file(sys.argv[2])
print(ret)
print(acl.get_recent_err_msg() if ret else float(np.sum(run_once(model_id, [np.load(sys.argv[3])])[0])))
"""


@pytest.fixture
def offline(atc_path, network, tmp_path):
    """An offline model with its weights in weight/net_weight_combined, and a function that loads it."""
    folder = tmp_path / "model"
    folder.mkdir()
    source = folder / "net.onnx"
    source.write_bytes(network.SerializeToString())
    done = run(atc_path, f"--model={source}", "--framework=5", f"--output={folder}/net", "--external_weight=2")
    assert done.returncode == 0, done.stdout
    np.save(folder / "x.npy", random_inputs(network, 1)[0])

    def load(**environment):
        command = [sys.executable, "-c", LOAD, HERE, folder / "net.om", folder / "x.npy"]
        # The stacks of Python's and the library's threads count as address space.
        done = run(*command, env=os.environ | environment)
        assert done.returncode == 0, done.stderr
        code, text = done.stdout.split("\n", 1)
        return int(code), text

    load.file = folder / "weight/net_weight_combined"
    return load


def in_the_way(path, kind):
    """Puts something else in the place of a file; the file itself lies beside the folders then."""
    kept = path.parent.parent / "kept"
    if kind == "linked folder":
        kept.mkdir()
        shutil.move(path, kept / path.name)
        path.parent.rmdir()
        path.parent.symlink_to(kept)
        return
    shutil.move(path, kept)
    match kind:
        case "link":
            path.symlink_to(kept)
        case "relative link":
            path.symlink_to("../kept")
        case "hard link":
            os.link(kept, path)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "endless":
            with open(path, "wb") as file:
                file.truncate(1 << 42)


LINKS = ["link", "relative link", "hard link", "linked folder"]
OTHERS = ["pipe", "folder", "link to a device"]


@pytest.mark.parametrize("kind", LINKS + OTHERS + ["endless"])
def test_weights_stay_in_their_folder(offline, kind):
    code, expected = offline()
    assert code == 0
    in_the_way(offline.file, kind)
    code, text = offline()
    assert code == 500002 and "E13001" in text and "net_weight_combined" in text, text
    assert ("PYACLMDL_WEIGHT_LINKS=follow" in text) == (kind in LINKS or kind.startswith("link")), text
    code, text = offline(PYACLMDL_WEIGHT_LINKS="follow")
    assert (code, text) == ((0, expected) if kind in LINKS else (500002, text)), text


@pytest.fixture
def external(atc_path, tmp_path):
    """An ONNX model with its weights in data/w.bin, and a function that converts it."""
    folder = tmp_path / "onnx"
    (folder / "data").mkdir(parents=True)
    weights = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    (folder / "data/w.bin").write_bytes(b"\0" * 16 + weights.raw_data)
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    model = make_graph([node], {"x": [2, 4]}, {"y": [2, 4]}, [weights])
    tensor = model.graph.initializer[0]
    tensor.raw_data = b""
    tensor.data_location = TensorProto.EXTERNAL

    def convert(entries=None, **environment):
        del tensor.external_data[:]
        for key, value in ({"location": "data/w.bin", "offset": "16", "length": "64"} | (entries or {})).items():
            if value is not None:
                tensor.external_data.add(key=key, value=value)
        (folder / "net.onnx").write_bytes(model.SerializeToString())
        command = [atc_path, f"--model={folder}/net.onnx", "--framework=5", f"--output={folder}/net"]
        done = run(*command, env=os.environ | environment)
        if done.returncode == 0:
            return "", done.stdout
        assert done.returncode == 255, (done.returncode, done.stdout, done.stderr)
        lines = done.stdout.splitlines()
        return lines[lines.index(FAILURE) + 1].split(":")[0], done.stdout

    convert.file = folder / "data/w.bin"
    return convert


@pytest.mark.parametrize("kind", LINKS + OTHERS)
def test_external_data_stays_in_the_folder_of_the_model(external, kind):
    assert external()[0] == ""
    in_the_way(external.file, kind)
    code, text = external()
    is_linked = kind in LINKS or kind.startswith("link")
    assert code == ("E13026" if is_linked else "E13003"), text
    assert ("PYACLMDL_WEIGHT_LINKS=follow" in text) == is_linked
    code, text = external(PYACLMDL_WEIGHT_LINKS="follow")
    assert code == ("" if kind in LINKS else "E13003"), text
    # What onnx itself refuses is refused here.
    if kind != "pipe":
        with pytest.raises(Exception, match=r"link|outside|regular|reject|open"):
            onnx.load(external.file.parent.parent / "net.onnx")


def test_of_an_endless_file_of_external_data_only_the_part_is_read(external):
    with open(external.file, "r+b") as file:
        file.truncate(1 << 42)
    assert external()[0] == ""
    assert external({"length": None})[0] == "", "without a length it is that of the tensor"
    assert external({"length": str(1 << 42), "offset": "0"})[0] == "E13014"


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ({"location": "/etc/passwd"}, "E13026"),
        ({"location": "../onnx/data/w.bin"}, "E13026"),
        ({"location": "data/../../onnx/data/w.bin"}, "E13026"),
        ({"location": ""}, "E13026"),
        ({"location": "."}, "E13026"),
        ({"location": "data"}, "E13003"),
        ({"location": "data/w.bin\0x"}, "E13001"),
        ({"location": "data//./w.bin"}, ""),
        ({"location": None}, "E13014"),
        ({"offset": "-1"}, "E13014"),
        ({"offset": "many"}, "E13014"),
        ({"offset": str(1 << 62)}, "E13015"),
        ({"offset": str(1 << 64)}, "E13014"),
        ({"offset": "17"}, "E13015"),
        ({"length": "63"}, "E13014"),
        ({"length": "-64"}, "E13014"),
        ({"length": None}, ""),
    ],
)
def test_entries_of_external_data(external, entries, code):
    assert external(entries)[0] == code


# --- What a terminal sees ---


def test_names_out_of_files_do_not_steer_a_terminal(atc_path, tmp_path):
    evil = "n\x1b]0;owned\x07\r\x9b31m\u202e\u2028"
    node = helper.make_node("NoSuchOperator", ["x"], ["y"], name=evil)
    (tmp_path / "net.onnx").write_bytes(make_graph([node], {"x": [1]}, {"y": [1]}).SerializeToString())
    command = [atc_path, f"--model={tmp_path}/net.onnx", "--framework=5", f"--output={tmp_path}/net"]
    done = run(*command)
    assert done.returncode == 255 and r"n\u{1b}]0;owned\u{7}" in done.stdout
    (tmp_path / "net.onnx").write_bytes(relu_model((1, 3, 8, 8)).SerializeToString())
    assert run(*command, f"--soc_version={evil}", "--log=debug").returncode == 0
    shown = run(atc_path, "--mode=6", f"--om={tmp_path}/net.om")
    assert r"soc_version[n\u{1b}]0" in shown.stdout
    usage = run(atc_path, f"--{evil}=1")
    for text in (done.stdout, done.stderr, shown.stdout, usage.stdout, usage.stderr):
        assert all(line.isprintable() for line in text.split("\n")), ascii(text)


@pytest.mark.usefixtures("device")
def test_messages_of_the_library_do_not_steer_a_terminal(tmp_path):
    import acl

    assert acl.mdl.load_from_file(str(tmp_path / "n\x1b[31m\r\x07"))[1] == 145002
    text = acl.get_recent_err_msg()
    assert r"n\u{1b}[31m\u{d}\u{7}" in text
    assert all(line.isprintable() for line in text.split("\n")), ascii(text)
    acl.mdl.load_from_file(str(tmp_path / "n") + "x" * 100_000)
    assert len(acl.get_recent_err_msg()) < 40_000, "a message does not grow with what it shows"


# --- One place ---


def test_files_are_opened_in_one_place():
    """`Sources/Files` alone knows how; the others open what the kernel shows in /proc, no path that anyone gives."""
    sources = HERE.parents[1] / "Sources"
    allowed = {
        "CMemoryGuard/maps.c",
        "CoreLoader/Memory/PhysicalMemory.swift",
        "CoreLoader/Memory/SharedMemory.swift",
    }
    functions = r"(?:open|openat|fopen|freopen|creat|mkstemp|rename|renameat|mkdir)\("
    opening = {
        ".swift": rf"\bunsafe (?:Glibc\.)?{functions}|FileManager|contentsOf: *URL",
        ".c": rf"\b{functions}",
    }
    found = set()
    for path in sources.rglob("*"):
        name = str(path.relative_to(sources))
        if (
            path.suffix in opening
            and not name.startswith("Files/")
            and re.search(opening[path.suffix], path.read_text())
        ):
            found.add(name)
    assert found == allowed

# SPDX-License-Identifier: Apache-2.0
"""What a program leaves alive, on standard error in debug mode (`ASCEND_GLOBAL_LOG_LEVEL=0`)."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from model_support import dense_model

BEGIN = """
import sys
import acl
acl.init(); acl.rt.set_device(0)
def load():
    data = open(sys.argv[1], "rb").read()
    return acl.mdl.load_from_mem(acl.util.bytes_to_ptr(data), len(data))[0]
"""


@pytest.fixture
def report_of(make_model, tmp_path):
    """report_of(program, level="0", **settings): the lines about what is left, without the prefix."""

    def run(program, level="0", **settings):
        model = tmp_path / "dense.om"
        model.write_bytes(make_model(dense_model(3)))
        environment = os.environ | settings | {"ASCEND_GLOBAL_LOG_LEVEL": level}
        command = [sys.executable, "-c", BEGIN + program, model]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        lines = done.stderr.splitlines()
        assert all(line.startswith("pyaclmdl: ") for line in lines), done.stderr
        return [line.removeprefix("pyaclmdl: ") for line in lines]

    return run


LEAVING = """
stream = acl.rt.create_stream()[0]
event = acl.rt.create_event()[0]
memory = [acl.rt.malloc(size, 0)[0] for size in (512, 1 << 20, 4096, 8192, 600)]
host = acl.rt.malloc_host(100)[0]
model = load()
dataset = acl.mdl.create_dataset()
buffers = [acl.create_data_buffer(memory[0], 512) for _ in range(6)]
for buffer in buffers:
    acl.mdl.add_dataset_buffer(dataset, buffer)
desc = acl.mdl.create_desc()
tensor = acl.create_tensor_desc(0, [2, 3], 2)
acl.mdl.set_dataset_tensor_desc(dataset, tensor, 0)
"""
AT_RESET = "Left alive at aclrtResetDevice (device 0):"
AT_FINALIZE = "Left alive at aclFinalize:"


def kinds(lines):
    return [re.match(r"  ([^,]+), ended by (\w+): (\d+)", line).groups() for line in lines]


def test_everything_that_is_left_is_listed(report_of):
    lines = report_of(LEAVING + "acl.rt.reset_device(0); acl.finalize()")
    end = lines.index(AT_FINALIZE)
    assert lines[0] == AT_RESET
    assert kinds(lines[1:end]) == [
        ("device memory", "aclrtFree", "5"),
        ("model", "aclmdlUnload", "1"),
        ("stream", "aclrtDestroyStream", "1"),
    ]
    # The largest first, and no more than four.
    assert re.fullmatch(
        r".*: 5 of 1061976 bytes: 1048576 at 0x\w+, 8192 at 0x\w+, 4096 at 0x\w+, 600 at 0x\w+ and 1 more", lines[1]
    )
    assert re.search(r": 1: 1 '[^']+'$", lines[2])
    # Memory and stream have gone with the device.
    assert kinds(lines[end + 1 :]) == [
        ("pinned host memory", "aclrtFreeHost", "1"),
        ("model", "aclmdlUnload", "1"),
        ("event", "aclrtDestroyEvent", "1"),
        ("dataset", "aclmdlDestroyDataset", "1"),
        ("data buffer", "aclDestroyDataBuffer", "6"),
        ("model description", "aclmdlDestroyDesc", "1"),
        # The copy in the dataset is not listed.
        ("tensor description", "aclDestroyTensorDesc", "1"),
    ]
    assert "1 of 100 bytes: 100 at 0x" in lines[end + 1]


def test_handles_are_shown_as_the_program_knows_them(report_of):
    tell = "import os; os.write(2, f'pyaclmdl: {stream:#x} {memory[1]:#x}\\n'.encode()); acl.rt.reset_device(0)"
    lines = report_of(LEAVING + tell)
    stream, memory = lines[0].split()
    assert lines[1] == AT_RESET
    assert f"1048576 at {memory}" in lines[2]
    assert lines[-1].endswith(f": 1: {stream}")


ENDING = """
for buffer in buffers:
    acl.destroy_data_buffer(buffer)
acl.mdl.destroy_dataset(dataset)
acl.mdl.destroy_desc(desc)
acl.destroy_tensor_desc(tensor)
acl.mdl.unload(model)
for address in memory:
    acl.rt.free(address)
acl.rt.free_host(host)
acl.rt.destroy_event(event)
acl.rt.destroy_stream(stream)
"""


def test_silence_when_nothing_is_left(report_of):
    assert report_of(LEAVING + ENDING + "assert acl.rt.reset_device(0) == 0 and acl.finalize() == 0") == []


@pytest.mark.parametrize("level", ["1", "3", "4"])
def test_silence_outside_of_debug_mode(report_of, level):
    assert report_of(LEAVING + "acl.rt.reset_device(0); acl.finalize()", level) == []


def test_a_reset_that_ends_nothing_says_nothing(report_of):
    """Another set_device, or a context of the program's own, keeps the device."""
    program = LEAVING + ENDING + "acl.rt.set_device(0); kept = acl.rt.malloc(64, 0)[0]; acl.rt.reset_device(0);"
    assert report_of(program + "acl.rt.free(kept); acl.rt.reset_device(0); acl.finalize()") == []
    program = "kept = acl.rt.malloc(64, 0)[0]; context = acl.rt.create_context(0)[0]; acl.rt.reset_device(0);"
    assert report_of(program + "acl.rt.free(kept); acl.rt.destroy_context(context); acl.finalize()") == []


def test_contexts_and_devices(report_of):
    lines = report_of("acl.rt.create_context(0); acl.finalize()")
    assert lines[0] == AT_FINALIZE
    assert kinds(lines[1:]) == [("context", "aclrtDestroyContext", "1"), ("device", "aclrtResetDevice", "1")]
    lines = report_of(
        "acl.rt.reset_device(0); context = acl.rt.create_context(0)[0]; acl.rt.create_stream(); acl.rt.malloc(64, 0);"
        "acl.rt.destroy_context(context); acl.finalize()"
    )
    assert lines[0] == "Left alive at aclrtDestroyContext (device 0):"
    assert kinds(lines[1:]) == [("device memory", "aclrtFree", "1"), ("stream", "aclrtDestroyStream", "1")]


def test_what_other_devices_hold_is_not_told(report_of):
    program = "near = acl.rt.malloc(64, 0); acl.rt.set_device(1); far = acl.rt.malloc(128, 0); acl.rt.reset_device(1)"
    lines = report_of(program, PYACLMDL_DEVICE_COUNT="2")
    assert lines[0] == "Left alive at aclrtResetDevice (device 1):"
    assert [line.split(":")[1] for line in lines[1:]] == [" 1 of 128 bytes"]


def test_the_report_is_short_however_much_is_left(report_of):
    lines = report_of("[acl.mdl.create_dataset() for _ in range(5000)]; acl.rt.reset_device(0); acl.finalize()")
    assert len(lines) == 2
    assert lines[1].startswith("  dataset, ended by aclmdlDestroyDataset: 5000: 0x") and len(lines[1]) < 200
    assert lines[1].endswith(" and 4996 more")

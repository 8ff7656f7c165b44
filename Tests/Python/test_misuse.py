# SPDX-License-Identifier: Apache-2.0
"""Wrong addresses in every pointer argument of every function: a code and a message, never a crash."""

from __future__ import annotations

import ctypes
import json
import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from binding_standin import FUNCTIONS
from model_support import add_model, message, must_load, must_unload

WORKER = Path(__file__).parent / "misuse_worker.py"
CALLED = [f for f in FUNCTIONS if f.args and f.prototype != "-" and f.status != "missing"]
FAMILIES = sorted({f.module for f in CALLED})

# Functions that only note an address, or that answer what any address is.
ANY_ADDRESS = {
    "acl.update_data_buffer", "acl.rt.reserve_mem_address", "acl.rt.pointer_get_attributes",
    # A stream that is gone has no allocator either.
    "acl.rt.allocator_unregister",
}  # fmt: skip
# Documented: these do nothing for a null description.
NULL_IS_FINE = {"acl.set_tensor_format", "acl.set_tensor_storage_format", "acl.set_tensor_origin_format"}
NULL_MEANS = {"aclrtStream": "the default stream", "aclrtContext": "nothing"}


@pytest.fixture(scope="module", params=FAMILIES)
def answers(request):
    """Every call with what came back; the last one without an answer is the one that crashed."""
    names = [f.python for f in CALLED if f.module == request.param]
    command = [sys.executable, str(WORKER), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"{lines[-1:]}\n{done.stderr[-4000:]}"
    found = [line for line in lines if "message" in line]
    assert 2 * len(found) == len(lines) > 0
    return found


def test_failures_leave_a_message(answers):
    codes = {f.python for f in CALLED if f.returns and f.returns[-1].name == "ret"}
    silent = [one for one in answers if one["function"] in codes and one.get("code") and not one["message"]]
    assert silent == []


def test_wrong_handles_are_refused(answers):
    codes = {f.python for f in CALLED if f.returns and f.returns[-1].name == "ret"} - ANY_ADDRESS
    accepted = [
        one
        for one in answers
        if one["kind"] != "memory" and one["function"] in codes and one.get("code") == 0
        and not (one["value"] == "null" and (one["kind"] in NULL_MEANS or one["function"] in NULL_IS_FINE))
    ]  # fmt: skip
    assert accepted == []


def test_memory_that_is_known_to_be_unusable_is_refused(answers):
    codes = {f.python for f in CALLED if f.returns and f.returns[-1].name == "ret"} - ANY_ADDRESS
    known = {"freed", "inside freed", "past the end"}
    accepted = [
        one
        for one in answers
        if one["kind"] == "memory" and one["function"] in codes and one["value"] in known and one.get("code") == 0
    ]
    assert accepted == []


@pytest.fixture
def guard():
    """The address of a page that may not be touched: the kernel knows of it, the library's table does not."""
    pages = mmap.mmap(-1, mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    protect = ctypes.CDLL(None).mprotect
    assert protect(ctypes.c_void_p(address), mmap.PAGESIZE, 0) == 0
    yield address
    protect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)


def test_memory_that_may_not_be_touched_is_refused(device, guard):
    memory, ret = device.rt.malloc(64, 0)
    assert ret == 0
    for call in (
        lambda: device.rt.memset(guard, 64, 0, 64),
        lambda: device.rt.memcpy(memory, 64, guard, 64, 1),
        lambda: device.rt.memcpy(guard, 64, memory, 64, 2),
        lambda: device.media.dvpp_jpeg_get_image_info(guard, 64)[-1],
    ):
        assert call() in (100000, 107000)
        assert "may not be read" in device.get_recent_err_msg()
    assert device.rt.free(memory) == 0


def test_models_do_not_follow_addresses_that_are_not_there(device, make_model, guard):
    model_id = must_load(make_model(add_model(4)))
    fine = np.ones(4, np.float32)
    pages = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ)
    read_only = np.frombuffer(pages, np.float32, 4).ctypes.data
    good = fine.ctypes.data
    for addresses, code, words in (
        ((1, good, good), 100000, "not mapped"),
        ((good, guard, good), 100000, "may not be read"),
        ((good, good, 16), 100000, "not mapped"),
        ((good, good, read_only), 100000, "may not be written"),
    ):
        buffers = [device.create_data_buffer(address, 16) for address in addresses]
        inputs, outputs = device.mdl.create_dataset(), device.mdl.create_dataset()
        for dataset, buffer in zip((inputs, inputs, outputs), buffers, strict=True):
            assert device.mdl.add_dataset_buffer(dataset, buffer)[1] == 0
        assert device.mdl.execute(model_id, inputs, outputs) == code
        assert words in message()
        for dataset in (inputs, outputs):
            assert device.mdl.destroy_dataset(dataset) == 0
        for buffer in buffers:
            assert device.destroy_data_buffer(buffer) == 0
    must_unload(model_id)

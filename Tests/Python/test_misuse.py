# SPDX-License-Identifier: Apache-2.0
"""Wrong addresses in every pointer argument of every function: a code and a message, never a crash."""

from __future__ import annotations

import ctypes
import json
import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from binding_standin import FUNCTIONS

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


def test_memory_that_may_not_be_touched_is_refused(device):
    """A guard page of the program's own: the kernel knows of it, the library's table does not."""
    guard = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(guard))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, 0) == 0
    memory, ret = device.rt.malloc(64, 0)
    assert ret == 0
    try:
        for call in (
            lambda: device.rt.memset(address, 64, 0, 64),
            lambda: device.rt.memcpy(memory, 64, address, 64, 1),
            lambda: device.rt.memcpy(address, 64, memory, 64, 2),
            lambda: device.media.dvpp_jpeg_get_image_info(address, 64)[-1],
        ):
            assert call() in (100000, 107000)
            assert "may not be read" in device.get_recent_err_msg()
    finally:
        libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_WRITE)
        assert device.rt.free(memory) == 0

# SPDX-License-Identifier: Apache-2.0
"""acl.util: addresses of Python objects, objects over addresses, raw threads."""

from __future__ import annotations

import ctypes
import gc
import signal
import subprocess
import sys
import threading
import traceback
import unittest.mock
import warnings
import weakref

import numpy as np
import pytest

import acl


def at(address: int, size: int) -> bytes:
    return ctypes.string_at(address, size)


def quietly(function, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*arguments)


def test_bytes_to_ptr_is_the_objects_own_buffer():
    text = bytes(range(200)) * 3
    address = acl.util.bytes_to_ptr(text)
    assert at(address, len(text) + 1) == text + b"\0"
    ctypes.memset(address, 7, 3)
    assert text[:4] == b"\x07\x07\x07\x03", "programs copy device memory into bytes objects"


@pytest.mark.parametrize("wrong", [bytearray(b"a"), memoryview(b"a"), "a", None, 1])
def test_bytes_to_ptr_takes_bytes_only(wrong):
    with pytest.raises(ValueError, match="^needs an byte as argument$"):
        acl.util.bytes_to_ptr(wrong)


class Bytes(bytes):
    pass


def test_bytes_to_ptr_takes_subclasses():
    text = Bytes(b"abc")
    assert at(acl.util.bytes_to_ptr(text), 3) == b"abc"


@pytest.mark.parametrize("size", [10, 1000, 1 << 20, 100 << 20])
def test_temporaries_survive_the_call_they_are_passed_to(size):
    def copy(first: int, second: int) -> tuple[bytes, bytes]:
        junk = [bytes(size) for _ in range(3)]
        del junk
        return at(first, 10), at(second, 10)

    pair = copy(acl.util.bytes_to_ptr(b"a" * size), acl.util.bytes_to_ptr(np.full(size, 98, np.uint8).tobytes()))
    assert pair == (b"a" * 10, b"b" * 10)


def test_arguments_are_not_kept_for_ever():
    class Watched(np.ndarray):
        pass

    array = np.zeros(4).view(Watched)
    watch = weakref.ref(array)
    quietly(acl.util.numpy_to_ptr, array)
    del array
    for _ in range(16):
        acl.util.bytes_to_ptr(b"x")
    gc.collect()
    assert watch() is None


def test_ptr_to_bytes_copies():
    buffer = ctypes.create_string_buffer(b"abcdef", 6)
    copy = acl.util.ptr_to_bytes(ctypes.addressof(buffer), 6)
    buffer[0] = b"z"
    assert copy == b"abcdef" and acl.util.ptr_to_bytes(ctypes.addressof(buffer), 0) == b""
    assert acl.util.ptr_to_bytes(0, 5) == bytes(5)
    large = bytes(range(256)) * 8192
    assert acl.util.ptr_to_bytes(acl.util.bytes_to_ptr(large), len(large)) == large


def test_ptr_to_bytes_of_one_byte_is_not_shared():
    source = ctypes.create_string_buffer(b"q", 1)
    one = acl.util.ptr_to_bytes(ctypes.addressof(source), 1)
    ctypes.memset(acl.util.bytes_to_ptr(one), ord("w"), 1)
    assert one == b"w" and bytes([ord("q")]) == b"q"


@pytest.mark.parametrize("size", [2**63, 2**64 - 1, 2**62])
def test_ptr_to_bytes_refuses_impossible_sizes(size):
    with pytest.raises(ValueError, match="^convert c pointer to bytes failed$"):
        acl.util.ptr_to_bytes(1, size)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8, object, "U3", "datetime64[s]"])
def test_numpy_to_ptr_is_the_first_elements_address(dtype):
    array = np.zeros((3, 4), dtype)
    assert quietly(acl.util.numpy_to_ptr, array) == array.ctypes.data
    assert quietly(acl.util.numpy_to_ptr, array[1:, 2:]) == array[1:, 2:].ctypes.data
    assert quietly(acl.util.numpy_to_ptr, np.ma.masked_array(array)) != 0


def test_numpy_functions_warn():
    array = np.zeros((2, 3))
    with pytest.warns(Warning, match="bytes_to_ptr") as caught:
        acl.util.numpy_to_ptr(array)
    assert [w.category for w in caught] == [Warning] and caught[0].filename == __file__
    with pytest.warns(Warning) as caught:
        acl.util.numpy_to_ptr(array.T)
    assert len(caught) == 2
    with pytest.warns(Warning, match="bytes_to_ptr"):
        acl.util.numpy_contiguous_to_ptr(array)
    with pytest.warns(Warning, match="ptr_to_bytes"):
        acl.util.ptr_to_numpy(array.ctypes.data, (2, 3), 12)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Warning):
            acl.util.numpy_to_ptr(array)


@pytest.mark.parametrize("function", [acl.util.numpy_to_ptr, acl.util.numpy_contiguous_to_ptr])
@pytest.mark.parametrize("wrong", [[1, 2], b"a", None, 3])
def test_numpy_functions_take_arrays_only(function, wrong):
    with pytest.raises(ValueError, match="^needs an ndarray as argument$"):
        quietly(function, wrong)


def test_numpy_contiguous_to_ptr():
    array = np.arange(6.0).reshape(2, 3)
    address, same = quietly(acl.util.numpy_contiguous_to_ptr, array)
    assert same is array and address == array.ctypes.data
    address, copy = quietly(acl.util.numpy_contiguous_to_ptr, array.T)
    assert copy.flags.c_contiguous and address == copy.ctypes.data
    np.testing.assert_array_equal(copy, array.T)


NUMBERS = {
    0: np.bool_,
    1: np.int8,
    2: np.uint8,
    3: np.int16,
    4: np.uint16,
    5: np.int32,
    6: np.uint32,
    7: np.int64,
    8: np.uint64,
    9: np.longlong,
    10: np.ulonglong,
    11: np.float32,
    12: np.float64,
    23: np.float16,
}


@pytest.mark.parametrize(("number", "dtype"), NUMBERS.items())
def test_ptr_to_numpy_is_a_view(number, dtype):
    source = np.arange(24).astype(dtype)
    view = quietly(acl.util.ptr_to_numpy, source.ctypes.data, (2, 3, 4), number)
    assert view.dtype == np.dtype(dtype) and view.shape == (2, 3, 4)
    np.testing.assert_array_equal(view.ravel(), source)
    assert view.flags.writeable and not view.flags.owndata and view.base is None and view.flags.c_contiguous
    view[1, 2, 3] = 0
    assert source[23] == 0


def test_ptr_to_numpy_edges():
    source = np.arange(4.0)
    assert quietly(acl.util.ptr_to_numpy, source.ctypes.data, (), 12) == 0.0
    assert quietly(acl.util.ptr_to_numpy, source.ctypes.data, (0, 3), 12).size == 0
    assert quietly(acl.util.ptr_to_numpy, 0, (5,), 11).flags.owndata
    for shape, kind, text in (
        ([4], ValueError, "^shape is empty$"),
        (4, ValueError, "^shape is empty$"),
        ((4.0,), TypeError, "^the second argument is not list of int$"),
        ((np.int64(4),), TypeError, "^the second argument is not list of int$"),
        ((2**65,), ValueError, "^PyLong_AsVoidPtr failed$"),
        ((-1,), ValueError, "negative"),
        ((1,) * 65, ValueError, "64"),
    ):
        with pytest.raises(kind, match=text):
            quietly(acl.util.ptr_to_numpy, source.ctypes.data, shape, 12)
    for number in (17, 18, 19, 20, 99, -1):
        with pytest.raises((ValueError, TypeError)):
            quietly(acl.util.ptr_to_numpy, source.ctypes.data, (1,), number)


def test_threads_run_and_are_joined():
    seen = []
    identifier, ret = acl.util.start_thread(lambda given: seen.append((given, threading.get_ident())), ["x"])
    assert ret == 0 and acl.util.stop_thread(identifier) == 0
    assert seen == [(["x"], identifier)]
    identifier, _ = acl.util.start_thread(lambda: seen.append("without"), None)
    assert acl.util.stop_thread(identifier) == 0 and seen[-1] == "without"


def test_joining_twice_or_an_unknown_thread_is_an_error_code():
    identifier, _ = acl.util.start_thread(lambda: None, None)
    assert acl.util.stop_thread(identifier) == 0
    assert acl.util.stop_thread(identifier) == 3
    assert acl.util.stop_thread(12345) == 3


def test_stop_thread_releases_the_gil():
    go = threading.Event()
    identifier, _ = acl.util.start_thread(go.wait, None)
    threading.Timer(0.05, go.set).start()
    assert acl.util.stop_thread(identifier) == 0


def test_a_raising_thread_is_unraisable_and_raises_in_stop_thread(monkeypatch):
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)

    def fail(given):
        raise KeyError("lost")

    identifier, _ = acl.util.start_thread(fail, [])
    with pytest.raises(RuntimeError, match="^exception=KeyError,msg=thread call failed;$") as caught:
        acl.util.stop_thread(identifier)
    assert isinstance(caught.value.__cause__, KeyError)
    assert traceback.extract_tb(caught.value.__cause__.__traceback__)[-1].name == "fail"
    assert raised[0].object is fail and raised[0].exc_value is caught.value.__cause__
    assert traceback.extract_tb(raised[0].exc_traceback)[-1].name == "fail"
    identifier, _ = acl.util.start_thread(sys.exit, 4)
    with pytest.raises(RuntimeError, match="SystemExit"):
        acl.util.stop_thread(identifier)
    assert [one.exc_type for one in raised] == [KeyError, SystemExit]


def test_thread_arguments_are_checked():
    with pytest.raises(TypeError, match="^parameter must be callable$"):
        acl.util.start_thread(1, [])
    with pytest.raises(TypeError, match="2 arguments"):
        acl.util.start_thread(print)
    with pytest.raises(TypeError, match="^acl.util.stop_thread args parse failed$"):
        acl.util.stop_thread(None)


def test_ctrl_c_still_works_after_start_thread():
    program = (
        "import acl, os, signal, time\n"
        "identifier, _ = acl.util.start_thread(time.sleep, 0)\n"
        "acl.util.stop_thread(identifier)\n"
        "try:\n    os.kill(os.getpid(), signal.SIGINT); time.sleep(10)\n"
        "except KeyboardInterrupt:\n    print('interrupted')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "interrupted\n"
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_DFL


def test_modules_can_be_imported_and_patched():
    import acl.mdl as mdl
    from acl.rt import malloc

    assert mdl is acl.mdl and sys.modules["acl.mdl"] is mdl and malloc is acl.rt.malloc
    with unittest.mock.patch("acl.rt.set_device") as patched:
        acl.rt.set_device("anything")
    patched.assert_called_once_with("anything")
    assert type(acl.rt.set_device) is type(len)
    assert "bytes_to_ptr" in dir(acl.util)


def test_functions_do_not_become_methods():
    class Holder:
        mode = acl.rt.get_run_mode
        table = {"run_mode": acl.rt.get_run_mode}

    assert Holder().mode() == Holder.table["run_mode"]() == acl.rt.get_run_mode()

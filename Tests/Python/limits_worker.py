# SPDX-License-Identifier: Apache-2.0
"""A program that runs into a limit of the system; every check is an assertion.

usage: limits_worker.py CASE MODEL.om FOLDER, with MODEL's input and output beside it
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np
import numpy.testing  # noqa: F401 - numpy would import it at its first use, under the limit

import acl
from dump_support import dump_files, write_config
from model_support import Runner, assert_close, message, must_load, must_unload, run_once

PATH_INVALID, WRITE_FILE, INVALID_FILE, NO_THREAD = 145002, 100004, 100003, 207005


def open_files(model, folder, check):
    """No further file can be opened: loads from files fail, everything else goes on."""
    content = model.read_bytes()
    kept = must_load(content)
    # Python loads some of its modules only now.
    check(kept)
    held = []
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    assert acl.mdl.load_from_file(str(model))[1] == PATH_INVALID
    assert "Too many open files" in message()
    assert acl.mdl.query_size(str(model))[2] == PATH_INVALID
    assert "Too many open files" in message()
    check(kept)
    stream, ret = acl.rt.create_stream()
    assert ret == 0, message()
    assert acl.rt.destroy_stream(stream) == 0
    for file in held:
        os.close(file)
    loaded, ret = acl.mdl.load_from_file(str(model))
    assert ret == 0, message()
    check(loaded)


def threads(model, folder, check):
    """No further thread can be started: executions on streams say so, those of the caller are slower."""
    first = must_load(model.read_bytes())
    check(first)
    must_unload(first)
    if os.getuid() == 0:
        # The limit does not count for root. Nobody has other processes here, or the limit is below them.
        os.setuid(65534)
    resource.setrlimit(resource.RLIMIT_NPROC, (0, resource.getrlimit(resource.RLIMIT_NPROC)[1]))
    streams_without_threads(model, check)


def streams_without_threads(model, check, relieve=None):
    loaded = must_load(model.read_bytes())
    check(loaded)
    must_unload(loaded)
    # A model is executed in one way or the other.
    queued = must_load(model.read_bytes())
    stream, ret = acl.rt.create_stream()
    assert ret == 0, message()
    with Runner(queued, [np.load(model.with_name("input.npy"))]) as runner:
        for _ in range(3):
            assert acl.mdl.execute_async(queued, runner.input_set, runner.output_set, stream) == NO_THREAD
            assert "No thread for stream" in message()
        # Nothing was queued, so there is nothing to wait for.
        assert acl.rt.synchronize_stream(stream) == 0, message()
        assert acl.rt.synchronize_device() == 0, message()
        if relieve:
            relieve()
            runner.enqueue(stream)
            assert acl.rt.synchronize_stream(stream) == 0, message()
            assert_close(runner.outputs, [np.load(model.with_name("output.npy"))])
    assert acl.rt.destroy_stream(stream) == 0
    must_unload(queued)


def threads_for_a_while(model, folder, check):
    """The same with a system that refuses threads for some time (LIMIT_THREADS=0)."""
    faults = ctypes.CDLL(None)
    streams_without_threads(model, check, lambda: faults.limit_threads(ctypes.c_long(-1)))


def file_size(model, folder, check):
    """Dumps beyond the limit of file sizes, whose signal ends a program that does nothing about it."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    dump_without_room(model, folder, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (200, resource.RLIM_INFINITY)))
    # The signal of the refused writes is not left behind.
    assert signal.SIGXFSZ not in signal.sigpending()


def dump_without_room(model, folder, limit):
    config, out = write_config(folder)
    assert acl.mdl.init_dump() == 0, message()
    assert acl.mdl.set_dump(config) == 0, message()
    loaded = must_load(model.read_bytes())
    limit()
    with Runner(loaded, [np.load(model.with_name("input.npy"))]) as runner:
        assert acl.mdl.execute(loaded, runner.input_set, runner.output_set) == WRITE_FILE
        text = message()
        assert "cannot be written" in text and ("File too large" in text or "No space left" in text), text
        # The execution itself has happened.
        assert_close(runner.outputs, [np.load(model.with_name("output.npy"))])
    # Reads each file that is there, which half a one would fail.
    dump_files(out)
    assert acl.mdl.finalize_dump() == 0, message()
    must_unload(loaded)


def disk(model, folder, check):
    """Dumps onto a disk that becomes full: with room for LIMIT_ROOM bytes."""
    room = ctypes.c_long(int(os.environ["LIMIT_ROOM"]))
    dump_without_room(model, folder, lambda: ctypes.CDLL(None).limit_disk(room))


def cut_model(model, folder, check):
    """A model that becomes shorter while it is read (LIMIT_CUT)."""
    copy = Path(folder) / "cut.om"
    copy.write_bytes(model.read_bytes())
    assert acl.mdl.load_from_file(str(copy))[1] == PATH_INVALID
    assert "it became shorter while it was read" in message()
    loaded, ret = acl.mdl.load_from_file(str(model))
    assert ret == 0, message()
    check(loaded)


def cut_configuration(model, folder, check):
    """The same of a configuration, which is padded so that the first read is not all."""
    config = Path(folder) / "cut.json"
    config.write_text("{}" + " " * 100000)
    assert acl.finalize() == 0
    assert acl.init(str(config)) == INVALID_FILE
    assert "it became shorter while it was read" in message()
    assert (acl.init(), acl.rt.set_device(0)) == (0, 0)


def main():
    case, model, folder = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    given, expected = (np.load(model.with_name(f"{name}.npy")) for name in ("input", "output"))
    assert (acl.init(), acl.rt.set_device(0)) == (0, 0)
    globals()[case](model, folder, lambda loaded: assert_close(run_once(loaded, [given]), [expected]))
    print("done")


main()

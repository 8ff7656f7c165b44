# SPDX-License-Identifier: Apache-2.0
"""Children of processes that use acl, whatever their threads are doing when the process forks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_support import assert_close, conv_model, dense_model, expected_outputs, random_inputs
from test_hangs import results

HERE = Path(__file__).parent

PROGRAM = """
import os, sys
import numpy as np
import acl
from model_support import must_load, must_unload, run_once

model, given, folder = sys.argv[1:]
model = open(model, "rb").read()
given = [np.load(given)]
children = []
for number in range(3):
    child = os.fork()
    if child == 0:
        import faulthandler
        faulthandler.dump_traceback_later(30, exit=True)
        assert acl.init() == 0 and acl.rt.set_device(0) == 0
        model_id = must_load(model)
        np.save(os.path.join(folder, f"output{number}"), run_once(model_id, given)[0])
        must_unload(model_id)
        assert acl.rt.reset_device(0) == 0 and acl.finalize() == 0
        os._exit(0)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children])
"""


@pytest.mark.parametrize("threads", ["1", "2"])
def test_models_run_in_forked_children(make_model, tmp_path, monkeypatch, threads):
    model = conv_model(3, channels=32, size=48)
    given = random_inputs(model, 4)
    (tmp_path / "model.om").write_bytes(make_model(model))
    np.save(tmp_path / "given.npy", given[0])
    monkeypatch.setenv("PYACLMDL_NUM_THREADS", threads)
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    command = [sys.executable, "-c", PROGRAM, tmp_path / "model.om", tmp_path / "given.npy", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.stdout == "[0, 0, 0]\n", done.stderr
    for number in range(3):
        assert_close([np.load(tmp_path / f"output{number}.npy")], expected_outputs(model, given))


@pytest.fixture
def archive(make_model, tmp_path):
    """Models with inputs and what they compute, for `fork_worker.py`."""
    arrays = {}
    for name, model in {"conv": conv_model(3, channels=32, size=24), "dense": dense_model(1)}.items():
        inputs = random_inputs(model, 4)
        arrays[f"{name}.om"] = np.frombuffer(make_model(model), np.uint8)
        arrays |= {f"{name}.input{index}": array for index, array in enumerate(inputs)}
        arrays |= {f"{name}.output{index}": array for index, array in enumerate(expected_outputs(model, inputs))}
    np.savez(tmp_path / "models.npz", **arrays)
    return tmp_path / "models.npz"


HAMMERS = [
    "load+load_other+areas",
    "queue+streams+callbacks",
    "memory+handles+contexts+errors",
    "load+queue+areas+streams+memory+handles+errors+callbacks",
]


@pytest.mark.parametrize("threads", ["1", "2"])
@pytest.mark.parametrize("hammers", HAMMERS)
def test_children_of_a_busy_process_use_everything(archive, monkeypatch, hammers, threads):
    monkeypatch.setenv("PYACLMDL_NUM_THREADS", threads)
    command = [sys.executable, HERE / "fork_worker.py", archive, hammers, "50", threads]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.stdout == "{}\n", done.stdout + done.stderr[-8000:]


@pytest.mark.parametrize("first_refused", ["1", "2"])
def test_children_of_a_process_that_may_not_use_membarrier(archive, tmp_path, monkeypatch, first_refused):
    """Not at all, or not any more when it forks."""
    library = tmp_path / "fault.so"
    source = HERE / "membarrier_fault.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", source, "-o", library, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("FAULT_AT", first_refused)
    command = [sys.executable, HERE / "fork_worker.py", archive, HAMMERS[-1], "25", "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.stdout == "{}\n", done.stdout + done.stderr[-8000:]


CHILD = """
def fork(work):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            work()
        except BaseException as error:
            os.write(2, repr(error).encode())
            os._exit(3)
        os._exit(0)
    return os.waitpid(child, 0)[1]

def use():
    good(rt.set_device(0))
    made, memory = good(rt.create_stream()), good(rt.malloc(64, 0))
    good(rt.memset_async(memory, 64, 5, 64, made)); good(rt.synchronize_stream(made))
    assert acl.util.ptr_to_bytes(memory, 64) == b"\\5" * 64
    good(rt.destroy_stream(made)); good(rt.free(memory)); good(acl.finalize())
"""


def test_a_fork_waits_for_no_thread_that_waits():
    """And in the child whatever they waited for is over."""
    program = (
        CHILD
        + """
flag = good(rt.malloc(64, 0)); good(rt.memset(flag, 64, 0, 64)); good(rt.value_wait(flag, 1, 0, stream))
event = good(rt.create_event_with_flag(1)); good(rt.record_event(event, stream))
other = good(rt.create_stream()); good(rt.stream_wait_event(other, event)); late = good(rt.create_event())
good(rt.record_event(late, other))
ready = threading.Barrier(6)
def wait(function):
    good(rt.set_device(0)); ready.wait(); function()
identifier = good(acl.util.start_thread(lambda: wait(lambda: rt.process_report(-1)), None))
good(rt.subscribe_report(identifier, other))
waits = [lambda: rt.synchronize_stream(stream), lambda: rt.synchronize_event(late), rt.synchronize_device,
    lambda: rt.destroy_stream(stream)]
threads = [threading.Thread(target=wait, args=(function,)) for function in waits]
for thread in threads: thread.start()
ready.wait()
import time; time.sleep(0.2)

def everything_is_over():
    print([rt.synchronize_event(late), rt.synchronize_event(event), rt.synchronize_stream(stream),
        rt.synchronize_stream(other), rt.query_event_wait_status(event), acl.util.stop_thread(identifier)], flush=True)
    memory = good(rt.malloc(64, 0))
    for one in (stream, other):
        good(rt.memset_async(memory, 64, 9, 64, one)); good(rt.synchronize_stream(one))
    good(rt.unsubscribe_report(identifier, other)); good(rt.subscribe_report(me, other))
    seen = []
    good(rt.launch_callback(seen.append, 1, 1, other)); good(rt.process_report(5000)); assert seen == [1]
    for one in (stream, other): good(rt.destroy_stream(one))
    good(rt.reset_device_force(0))
    use()
print(fork(everything_is_over))
good(rt.memset(flag, 64, 1, 64))
for thread in threads: thread.join()
good(rt.unsubscribe_report(identifier, other))
print(acl.util.stop_thread(identifier))
"""
    )
    over, child, stopped = results(program)
    assert over == [0, 0, 0, 0, (0, 0), 3] and child == 0 and stopped == 0


CALLERS = {
    "process_report": """
good(rt.subscribe_report(me, stream)); good(rt.launch_callback(fork_here, [], 1, stream)); good(rt.process_report(5000))
""",
    "exception": """
good(rt.set_exception_info_callback(fork_here)); bad = good(rt.create_event_with_flag(1))
good(rt.set_op_wait_timeout(1)); good(rt.stream_wait_event(stream, bad))
assert rt.synchronize_stream(stream) == 507047
""",
    "thread": """
good(acl.util.stop_thread(good(acl.util.start_thread(fork_here, []))))
""",
    "dump": """
from model_support import Runner, random_inputs, dense_model
good(acl.mdl.dump_reg_callback(fork_here, 0)); good(acl.mdl.init_dump())
model_id = good(acl.mdl.load_from_file(__import__("sys").argv[1]))
with Runner(model_id, random_inputs(dense_model(5), 1)) as runner:
    good(acl.mdl.execute(model_id, runner.input_set, runner.output_set))
    good(acl.mdl.execute(model_id, runner.input_set, runner.output_set))
    acl.mdl.dump_unreg_callback(); good(acl.mdl.finalize_dump())
good(acl.mdl.unload(model_id))
""",
}


@pytest.mark.parametrize("caller", CALLERS)
def test_callbacks_fork(make_model, tmp_path, caller):
    (tmp_path / "model.om").write_bytes(make_model(dense_model(5)))
    program = CHILD + "statuses = []\nfork_here = lambda *given: statuses.append(fork(use))\n" + CALLERS[caller]
    (statuses,) = results(program + "print(set(statuses))", tmp_path / "model.om")
    assert statuses == {0}


def test_a_callback_goes_on_in_the_child():
    """The child returns from the callback, the call and the task in which the parent was."""
    program = """
pids = []
def forks(given):
    pids.append(os.fork())
    if not pids[0]:
        signal.alarm(20)
good(rt.subscribe_report(me, stream))
good(rt.launch_callback(forks, [], 1, stream))
memory = good(rt.malloc(64, 0))
good(rt.memset_async(memory, 64, 8, 64, stream))
good(rt.process_report(5000))
good(rt.synchronize_stream(stream))
present = acl.util.ptr_to_bytes(memory, 1) if pids[0] else None
good(rt.memset_async(memory, 64, 2, 64, stream)); good(rt.synchronize_stream(stream))
assert acl.util.ptr_to_bytes(memory, 64) == b"\2" * 64
good(rt.unsubscribe_report(me, stream)); good(rt.destroy_stream(stream)); good(rt.reset_device(0))
if not pids[0]:
    os._exit(0)
print([os.waitpid(pids[0], 0)[1], present])
"""
    assert results(program) == [[0, b"\x08"]]

# SPDX-License-Identifier: Apache-2.0
"""The module and the library together: report threads, callbacks that call acl, fork, interpreter exit."""

from __future__ import annotations

import subprocess
import sys
import threading
import traceback

import pytest

import acl


@pytest.fixture
def device():
    acl.init()
    assert acl.rt.set_device(0) == 0
    yield 0
    assert acl.rt.reset_device(0) == 0


@pytest.fixture
def stream(device):
    made, ret = acl.rt.create_stream()
    assert ret == 0
    yield made
    assert acl.rt.destroy_stream(made) == 0


class ReportThread:
    """A raw thread that runs the callbacks of streams, as client programs write it."""

    def __init__(self):
        self.context, ret = acl.rt.get_context()
        assert ret == 0
        self.running = True
        self.id, ret = acl.util.start_thread(self.work, [100])
        assert ret == 0

    def work(self, arguments):
        assert acl.rt.set_context(self.context) == 0
        while self.running:
            acl.rt.process_report(arguments[0])

    def stop(self):
        self.running = False
        assert acl.util.stop_thread(self.id) == 0


def test_callbacks_run_in_stream_order_on_the_report_thread(stream):
    reporter = ReportThread()
    assert acl.rt.subscribe_report(reporter.id, stream) == 0
    seen = []
    for number in range(50):
        ret = acl.rt.launch_callback(lambda given: seen.append((given[0], threading.get_ident())), [number], 1, stream)
        assert ret == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert seen == [(number, reporter.id) for number in range(50)]
    assert acl.rt.unsubscribe_report(reporter.id, stream) == 0
    reporter.stop()


def test_callbacks_may_call_acl(stream):
    reporter = ReportThread()
    assert acl.rt.subscribe_report(reporter.id, stream) == 0
    seen = []

    def call(_):
        memory, ret = acl.rt.malloc(4096, 2)
        seen.append((ret, acl.rt.memset(memory, 4096, 7, 4096), acl.rt.free(memory)))

    assert acl.rt.launch_callback(call, None, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert seen == [(0, 0, 0)]
    acl.rt.unsubscribe_report(reporter.id, stream)
    reporter.stop()


def test_what_a_callback_raises_is_unraisable_and_the_stream_goes_on(stream, monkeypatch):
    raised, codes = [], []
    monkeypatch.setattr(sys, "unraisablehook", raised.append)

    def work():
        while not raised:
            codes.append(acl.rt.process_report(100))

    def fail(given):
        return 1 // given

    reporter, _ = acl.util.start_thread(work, None)
    assert acl.rt.subscribe_report(reporter, stream) == 0
    assert acl.rt.launch_callback(fail, 0, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0, "the stream goes on"
    assert acl.util.stop_thread(reporter) == 0
    assert codes[-1] == 0
    assert [(one.exc_type, one.object) for one in raised] == [(ZeroDivisionError, fail)]
    assert traceback.extract_tb(raised[0].exc_traceback)[-1].name == "fail"
    assert acl.rt.unsubscribe_report(reporter, stream) == 0


def test_a_callback_that_raises_in_the_calling_thread_does_not_end_process_report(stream, monkeypatch):
    raised, seen = [], []
    monkeypatch.setattr(sys, "unraisablehook", lambda one: raised.append(one.exc_type))

    def fail(given):
        seen.append(given)
        raise given

    assert acl.rt.subscribe_report(threading.get_ident(), stream) == 0
    for error in (RuntimeError("boo"), SystemExit(4), GeneratorExit()):
        assert acl.rt.launch_callback(fail, error, 1, stream) == 0
        assert acl.rt.process_report(5000) == 0
        assert raised.pop() is type(error) and seen.pop() is error
    assert acl.rt.process_report(10) == 507012
    assert acl.rt.synchronize_stream(stream) == 0
    assert acl.rt.unsubscribe_report(threading.get_ident(), stream) == 0


def test_waiting_lets_other_python_threads_run(stream):
    """The stream waits for a notify that another Python thread records."""
    other, ret = acl.rt.create_stream()
    assert ret == 0
    blocked, ret = acl.rt.create_notify(0)
    assert ret == 0
    assert acl.rt.wait_and_reset_notify(blocked, stream, 0) == 0
    context, _ = acl.rt.get_context()

    def release():
        assert acl.rt.set_context(context) == 0
        assert acl.rt.record_notify(blocked, other) == 0

    timer = threading.Timer(0.05, release)
    timer.start()
    assert acl.rt.synchronize_stream(stream) == 0
    timer.join()
    for ret in (acl.rt.destroy_notify(blocked), acl.rt.destroy_stream(other)):
        assert ret == 0


def run_program(program: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, **options)


def test_forked_children_initialise_and_run():
    program = """
import os
import acl
acl.init(); acl.rt.set_device(0)
kept, _ = acl.rt.malloc(1 << 20, 2)
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        acl.init()
        stream = None
        ok = acl.rt.set_device(0) == 0
        stream, ret = acl.rt.create_stream()
        memory, malloc_ret = acl.rt.malloc(4096, 2)
        ok = ok and ret == malloc_ret == acl.rt.memset_async(memory, 4096, 1, 4096, stream) == 0
        ok = ok and acl.rt.synchronize_stream(stream) == 0 and acl.util.ptr_to_bytes(memory, 4) == b"\\1" * 4
        os._exit(0 if ok else 1)
    children.append(child)
print([os.waitpid(child, 0)[1] for child in children], acl.rt.free(kept))
"""
    done = run_program(program)
    assert done.stdout == "[0, 0, 0] 0\n", done.stderr


ENDINGS = {
    "plain": "",
    "finalize": "acl.finalize()",
    "atexit": "atexit.register(acl.finalize)",
    "exit": "import sys\nsys.exit(3)",
    "del": """
class Late:
    def __del__(self, acl=acl):
        acl.rt.free(1); acl.rt.destroy_stream(0); acl.finalize()
late = Late()
""",
    "thread": "acl.util.start_thread(time.sleep, 60)",
    "report-thread": """
def report(given):
    while True:
        acl.rt.process_report(50)
identifier, _ = acl.util.start_thread(report, [])
acl.rt.subscribe_report(identifier, s)
acl.rt.launch_callback(print, None, 0, s)
""",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_interpreter_exit_with_everything_left_open(ending):
    program = (
        "import atexit, time, acl\nacl.init(); acl.rt.set_device(0)\ns, _ = acl.rt.create_stream()\n"
        "m, _ = acl.rt.malloc(1 << 20, 2)\nacl.rt.memset_async(m, 1 << 20, 0, 1 << 20, s)\n"
        "acl.rt.set_exception_info_callback(print)\n" + ENDINGS[ending]
    )
    done = run_program(program)
    assert done.returncode == (3 if ending == "exit" else 0), done.stderr
    assert "Traceback" not in done.stderr and "Fatal" not in done.stderr


def test_ctrl_c_during_a_wait_interrupts_python_and_leaves_the_stream_usable():
    program = """
import os, signal, threading, time
import acl
acl.init(); acl.rt.set_device(0)
waiting, _ = acl.rt.create_stream()
other, _ = acl.rt.create_stream()
notify, _ = acl.rt.create_notify(0)
acl.rt.wait_and_reset_notify(notify, waiting, 0)
context, _ = acl.rt.get_context()
def interrupt_then_release():
    acl.rt.set_context(context)
    time.sleep(0.1)
    os.kill(os.getpid(), signal.SIGINT)
    acl.rt.record_notify(notify, other)
threading.Thread(target=interrupt_then_release).start()
try:
    acl.rt.synchronize_stream(waiting)
    time.sleep(10)
except KeyboardInterrupt:
    print("interrupted", acl.rt.synchronize_stream(waiting))
"""
    done = run_program(program)
    assert done.stdout == "interrupted 0\n", done.stderr
    assert done.returncode == 0

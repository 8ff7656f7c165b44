# SPDX-License-Identifier: Apache-2.0
"""Calls that could wait for ever answer a documented code, and nothing is lost. A program that hangs ends itself."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from model_support import dense_model

SECONDS = 60
WAITS, ENDS = 107000, 107037

START = f"""
import faulthandler, os, signal, threading
import acl
faulthandler.dump_traceback_later({SECONDS}, exit=True)
rt = acl.rt
def good(answer):
    values = answer if isinstance(answer, tuple) else (answer,)
    assert values[-1] == 0, (answer, acl.get_recent_err_msg())
    return values[0]
def message():
    return acl.get_recent_err_msg() or ""
good(acl.init()); good(rt.set_device(0))
me = threading.get_ident()
stream = good(rt.create_stream())
"""


def results(program: str, *arguments: object, **environment: str) -> list:
    """What the program has printed, one value per line."""
    command = [sys.executable, "-c", START + program, *map(str, arguments)]
    settings = {"PYTHONPATH": str(Path(__file__).parent), "PATH": "/usr/bin", **environment}
    done = subprocess.run(command, capture_output=True, text=True, timeout=2 * SECONDS, env=settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return [ast.literal_eval(line) for line in done.stdout.splitlines()]


def test_what_ends_a_stream_refuses_one_that_stands_still():
    """One thread per device; each stream waits for what never comes, until the program gives it after all."""
    program = """
def value(stream):
    flag = good(rt.malloc(64, 0)); good(rt.memset(flag, 64, 0, 64)); good(rt.value_wait(flag, 1, 0, stream))
    return lambda: good(rt.memset(flag, 64, 1, 64))
def notify(stream):
    made, other = good(rt.create_notify(0)), good(rt.create_stream())
    good(rt.wait_and_reset_notify(made, stream, 0))
    return lambda: (good(rt.record_notify(made, other)), good(rt.synchronize_stream(other)))
def event(stream):
    made, other = good(rt.create_event_with_flag(1)), good(rt.create_stream())
    good(rt.stream_wait_event(stream, made))
    return lambda: good(rt.record_event(made, other))
def callback(stream):
    over = threading.Event()
    idle = threading.Thread(target=over.wait, daemon=True); idle.start()
    good(rt.subscribe_report(idle.ident, stream)); good(rt.launch_callback(print, [], 1, stream))
    return lambda: (good(rt.unsubscribe_report(idle.ident, stream)), over.set())

codes, texts = {}, {}
def work(device, name, stand, end):
    good(rt.set_device(device))
    stream = good(rt.create_stream())
    release = stand(stream)
    first = end(device, stream)
    texts[name] = message()
    release()
    good(rt.synchronize_stream(stream))
    codes[name] = (first, end(device, stream))
reset = lambda device, stream: rt.reset_device(device)
force = lambda device, stream: rt.reset_device_force(device)
destroy = lambda device, stream: rt.destroy_stream(stream)
cases = {f"{end} {stand}": (globals()[stand], globals()[end])
    for stand in ("value", "notify", "event", "callback") for end in ("reset", "force", "destroy")}
threads = [threading.Thread(target=work, args=(number, name, *case))
    for number, (name, case) in enumerate(cases.items(), 1)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(codes); print(texts)
"""
    codes, texts = results(program, PYACLMDL_DEVICE_COUNT="13")
    assert len(codes) == 12 and set(codes.values()) == {(ENDS, 0)}
    obstacles = {
        "value": "a value at 0x",
        "notify": "notify ",
        "event": "event ",
        "callback": "has not run (aclrtProcessReport)",
    }
    for name, text in texts.items():
        end, stand = name.split()
        assert obstacles[stand] in text and "aclrtStreamAbort" in text
        assert ("Stream" if end == "destroy" else "Device") in text


def test_a_subscriber_is_told_that_it_waits_for_itself():
    program = """
other, event = good(rt.create_stream()), good(rt.create_event())
late = good(rt.create_event())
good(rt.subscribe_report(me, stream))
seen = []
good(rt.launch_callback(seen.append, 1, 1, stream))
good(rt.record_event(event, stream))
good(rt.stream_wait_event(other, event))
good(rt.record_event(late, other))
print([rt.synchronize_stream(stream), rt.synchronize_stream_with_timeout(stream, -1), rt.synchronize_device(),
    rt.synchronize_device_with_timeout(-1), rt.synchronize_event(event), rt.synchronize_event_with_timeout(event, -1)])
print([rt.synchronize_stream(other), rt.synchronize_event(late)])
print(rt.synchronize_stream_with_timeout(stream, 5))
print([rt.destroy_stream(stream), rt.destroy_stream(other), rt.reset_device(0), rt.reset_device_force(0)])
print(message())
print(seen)
good(rt.process_report(1000))
print(seen)
print([rt.synchronize_stream(stream), rt.synchronize_stream(other), rt.synchronize_event(late)])
print([rt.destroy_stream(other), rt.destroy_stream(stream), rt.reset_device(0)])
"""
    waits, chains, timeout, ends, text, before, after, good, ended = results(
        program.replace("print(message())", "print(repr(message()))")
    )
    assert waits == [WAITS] * 6 and chains == [WAITS] * 2 and timeout == 507046 and ends == [ENDS] * 4
    assert "aclrtProcessReport" in text and "cannot be destroyed" in text
    assert before == [] and after == [1] and good == [0, 0, 0] and ended == [0, 0, 0]


def test_a_callback_inside_a_callback_cannot_wait_for_the_outer_stream():
    program = """
inner = good(rt.create_stream())
good(rt.subscribe_report(me, stream)); good(rt.subscribe_report(me, inner))
codes = []
def outer(given):
    good(rt.launch_callback(lambda given: codes.extend([
        rt.synchronize_stream(stream), rt.destroy_stream(stream), rt.synchronize_stream(inner), rt.reset_device(0),
        rt.synchronize_device()]), [], 1, inner))
    good(rt.process_report(5000))
good(rt.launch_callback(outer, [], 1, stream))
good(rt.process_report(5000))
print(codes)
print([rt.synchronize_device(), rt.destroy_stream(stream), rt.destroy_stream(inner)])
"""
    codes, after = results(program)
    assert codes == [WAITS] * 5 and after == [0, 0, 0]


def test_contexts_end_at_once_whatever_their_streams_wait_for():
    program = """
context = good(rt.create_context(0))
waiting, notify = good(rt.create_stream()), good(rt.create_notify(0))
good(rt.wait_and_reset_notify(notify, waiting, 0))
good(rt.subscribe_report(me, stream := good(rt.create_stream())))
good(rt.launch_callback(print, [], 1, stream))
print([rt.destroy_context(context), acl.finalize()])
"""
    assert results(program) == [[0, 0]]


@pytest.mark.parametrize("ending", ["acl.mdl.unload(model_id)", "rt.reset_device(0)", "rt.destroy_stream(stream)"])
def test_a_dump_callback_cannot_end_the_execution_that_calls_it(make_model, tmp_path, ending):
    (tmp_path / "model.om").write_bytes(make_model(dense_model(5)))
    program = f"""
from model_support import Runner, random_inputs, dense_model
codes = []
good(acl.mdl.dump_reg_callback(lambda chunk: codes.append({ending}), 0))
good(acl.mdl.init_dump())
model_id = good(acl.mdl.load_from_file(__import__("sys").argv[1]))
with Runner(model_id, random_inputs(dense_model(5), 1)) as runner:
    good(acl.mdl.execute_async(model_id, runner.input_set, runner.output_set, stream))
    good(rt.synchronize_stream(stream))
print(codes[0])
acl.mdl.dump_unreg_callback(); good(acl.mdl.finalize_dump())
print([acl.mdl.unload(model_id), rt.destroy_stream(stream), rt.reset_device(0)])
"""
    code, after = results(program, tmp_path / "model.om")
    assert code == (ENDS if "unload" in ending else WAITS) and after == [0, 0, 0]

# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends every wait of the main thread, other handlers run during it, and everything can be used after it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import helper

from model_support import _initializer
from test_hangs import results

# The waits never end by themselves: without an interruption a program ends after the time limit of `results`.
WAITING = """
import time
flag = good(rt.malloc(64, 0)); good(rt.memset(flag, 64, 0, 64)); good(rt.value_wait(flag, 1, 0, stream))
event = good(rt.create_event()); good(rt.record_event(event, stream))
context = good(rt.get_context())
def interrupt(number=signal.SIGINT):
    threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
def release():
    good(rt.memset(flag, 64, 1, 64)); good(rt.synchronize_stream(stream))
def caught(wait):
    interrupt()
    try:
        return ["ended", wait()]
    except KeyboardInterrupt:
        return "interrupted"
"""

WAITS = {
    "synchronize_stream": "rt.synchronize_stream(stream)",
    "synchronize_stream_with_timeout": "rt.synchronize_stream_with_timeout(stream, -1)",
    "synchronize_device": "rt.synchronize_device()",
    "synchronize_device_with_timeout": "rt.synchronize_device_with_timeout(60000)",
    "synchronize_event": "rt.synchronize_event(event)",
    "synchronize_event_with_timeout": "rt.synchronize_event_with_timeout(event, 60000)",
    "destroy_stream": "rt.destroy_stream(stream)",
    "reset_device": "rt.reset_device(0)",
    "reset_device_force": "rt.reset_device_force(0)",
    "memcpy_async": "rt.memcpy_async(flag, 64, acl.util.bytes_to_ptr(bytes(64)), 64, 1, stream)",
}


@pytest.mark.parametrize("wait", WAITS)
def test_ctrl_c_ends_a_wait_for_a_stream(wait):
    program = f"""
print(repr(caught(lambda: {WAITS[wait]})))
print(rt.synchronize_stream_with_timeout(stream, 5))
release()
print([rt.synchronize_stream(stream), rt.synchronize_event(event), rt.destroy_stream(stream), rt.reset_device(0)])
"""
    assert results(WAITING + program) == ["interrupted", 507046, [0, 0, 0, 0]]


def test_ctrl_c_ends_process_report_and_stop_thread():
    program = """
good(rt.subscribe_report(me, stream))
print(repr(caught(lambda: rt.process_report(-1))))
print(repr(caught(lambda: rt.process_report(60000))))
seen = []
release()
good(rt.launch_callback(seen.append, 1, 1, stream)); good(rt.process_report(5000))
good(rt.unsubscribe_report(me, stream))
go = threading.Event()
identifier = good(acl.util.start_thread(go.wait, None))
print(repr(caught(lambda: acl.util.stop_thread(identifier))))
go.set()
print([acl.util.stop_thread(identifier), acl.util.stop_thread(identifier), seen])
"""
    assert results(WAITING + program) == ["interrupted", "interrupted", "interrupted", [0, 3, [1]]]


def test_ctrl_c_in_a_callback_ends_the_call_that_runs_it():
    program = """
def long(given):
    while True:
        time.sleep(0.01)
release()
good(rt.subscribe_report(me, stream))
good(rt.launch_callback(long, 1, 1, stream))
print(repr(caught(lambda: rt.process_report(-1))))
print([rt.synchronize_stream(stream), rt.process_report(10), rt.unsubscribe_report(me, stream)])
"""
    assert results(WAITING + program) == ["interrupted", [0, 507012, 0]]


HANDLERS = {
    "a handler that returns": "signal.signal(signal.SIGINT, lambda *given: seen.append('called'))",
    "a handler that uses acl": "signal.signal(signal.SIGINT, lambda *given: seen.append(rt.stream_query(stream)))",
    "an ignored signal": "signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "a wake-up descriptor": """
ends = os.pipe(); os.set_blocking(ends[1], False); signal.set_wakeup_fd(ends[1])
signal.signal(signal.SIGINT, lambda *given: seen.append(os.read(ends[0], 10) == bytes([signal.SIGINT])))""",
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_wait_goes_on_after_other_handlers(handler):
    program = f"""
seen = []
{HANDLERS[handler]}
interrupt()
threading.Timer(1, lambda: (good(rt.set_context(context)), good(rt.memset(flag, 64, 1, 64)))).start()
print([rt.synchronize_stream(stream), seen])
"""
    seen = {"a handler that returns": ["called"], "a handler that uses acl": [(1, 0)], "a wake-up descriptor": [True]}
    assert results(WAITING + program) == [[0, seen.get(handler, [])]]


def test_a_handler_may_raise_what_it_likes_and_end_what_is_waited_for():
    program = """
def stop(*given):
    raise TimeoutError("enough")
signal.signal(signal.SIGALRM, stop)
interrupt(signal.SIGALRM)
try:
    rt.synchronize_stream(stream)
except TimeoutError as error:
    print(repr(str(error)))
signal.signal(signal.SIGALRM, lambda *given: good(rt.stream_abort(stream)))
interrupt(signal.SIGALRM)
print(rt.synchronize_stream(stream))
"""
    assert results(WAITING + program) == ["enough", 0]


def test_other_threads_wait_on():
    program = """
codes = []
def wait():
    good(rt.set_context(context)); codes.append(rt.synchronize_stream(stream))
thread = threading.Thread(target=wait); thread.start()
print(repr(caught(lambda: rt.synchronize_stream(stream))))
print(codes)
release(); thread.join()
print(codes)
"""
    assert results(WAITING + program) == ["interrupted", [], [0]]


def test_the_thread_that_forked_is_interrupted_in_the_child():
    program = """
def fork():
    process = os.fork()
    if process == 0:
        signal.alarm(30)
        good(rt.set_context(context)); made = good(rt.create_stream()); memory = good(rt.malloc(64, 0))
        good(rt.memset(memory, 64, 0, 64)); good(rt.value_wait(memory, 1, 0, made))
        os._exit(0 if caught(lambda: rt.synchronize_stream(made)) == "interrupted" else 1)
    print(os.waitpid(process, 0)[1])
thread = threading.Thread(target=fork); thread.start(); thread.join()
"""
    assert results(WAITING + program) == [0]


SIZE = (1024, 4096)


def chain(steps, operator, size, *weights):
    """A model that applies one operator again and again; the last step writes the result."""
    second = [weight.name for weight in weights]
    nodes = [helper.make_node(operator, [f"t{step}", *second], [f"t{step + 1}"]) for step in range(steps)]
    ends = [helper.make_tensor_value_info(f"t{end}", onnx.TensorProto.FLOAT, size) for end in (0, steps)]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], list(weights))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


EXECUTING = (
    WAITING
    + """
import sys
import numpy as np
from model_support import Runner
release()
model_id = good(acl.mdl.load_from_file(sys.argv[1]))
given = np.random.default_rng(2).standard_normal(eval(sys.argv[2]), np.float32)
runner = Runner(model_id, [given])
execute = lambda: acl.mdl.execute(model_id, runner.input_set, runner.output_set)
untouched = lambda: bool(np.isnan(runner.outputs[0]).all())
"""
)


@pytest.fixture(scope="module")
def slow_om(make_model, tmp_path_factory):
    """A model whose steps take some milliseconds, and which takes far longer than it takes to interrupt it."""
    path = tmp_path_factory.mktemp("slow") / "slow.om"
    path.write_bytes(make_model(chain(4000, "Softmax", SIZE)))
    return path


def test_ctrl_c_ends_an_execution_between_its_steps(slow_om):
    program = """
print([caught(execute), untouched()])
print([caught(execute), untouched()])
print([acl.mdl.unload(model_id)])
"""
    assert results(EXECUTING + program, slow_om, SIZE) == [["interrupted", True], ["interrupted", True], [0]]


def test_ctrl_c_ends_the_wait_for_another_execution(slow_om):
    """Of the same model: an execution, an unload and a reset wait for the one that another thread has begun."""
    program = """
config = acl.mdl.create_exec_config_handle()
def run():
    good(rt.set_context(context)); execute()
thread = threading.Thread(target=run, daemon=True); thread.start()
time.sleep(0.5)
other = Runner(model_id, [given])
print([caught(lambda: acl.mdl.execute(model_id, other.input_set, other.output_set)),
    caught(lambda: acl.mdl.unload(model_id)), caught(lambda: rt.reset_device(0)),
    caught(lambda: acl.mdl.execute_v2(model_id, other.input_set, other.output_set, stream, config)), thread.is_alive()])
sys.stdout.flush(); os._exit(0)
"""
    assert results(EXECUTING + program, slow_om, SIZE) == [["interrupted"] * 4 + [True]]


def test_a_handler_cannot_disturb_the_execution_that_it_interrupts(slow_om):
    program = """
codes = []
def handler(*given):
    codes.extend([execute(), acl.mdl.unload(model_id), rt.reset_device(0)])
    raise KeyboardInterrupt
signal.signal(signal.SIGINT, handler)
print([caught(execute), codes, untouched()])
print(acl.mdl.unload(model_id))
"""
    assert results(EXECUTING + program, slow_om, SIZE) == [["interrupted", [107037] * 3, True], 0]


def test_a_model_computes_right_after_an_interruption(make_model, tmp_path):
    size, doublings = (1024, 1024), 7
    weights = (np.random.default_rng(1).standard_normal(size) / 32).astype(np.float32)
    (tmp_path / "model.om").write_bytes(make_model(chain(2**doublings, "MatMul", size, _initializer("w", weights))))
    np.save(tmp_path / "weights.npy", weights)
    program = f"""
outcome = caught(execute)
power = np.load(sys.argv[3]).astype(np.float64)
for _ in range({doublings}):
    power = power @ power
expected = given @ power
good(execute())
difference = np.abs(runner.outputs[0] - expected).max() / np.abs(expected).max()
print([outcome, bool(difference < 1e-3)])
"""
    found = results(EXECUTING + program, tmp_path / "model.om", size, tmp_path / "weights.npy")
    assert found == [["interrupted", True]]


# Of five times the middle one counts, for the machine may be busy.
PROMPT = """
import time
def lateness(wait):
    killed, late = [], []
    def kill():
        killed.append(time.monotonic()); os.kill(os.getpid(), signal.SIGINT)
    for index in range(5):
        threading.Timer(0.2 + index * 0.011, kill).start()
        try:
            wait()
        except KeyboardInterrupt:
            late.append(time.monotonic() - killed[-1])
    return sorted(late)[2]
"""


@pytest.mark.parametrize("wait", ["rt.synchronize_stream(stream)", "rt.process_report(-1)"])
def test_a_wait_ends_within_a_fifth_of_a_second(wait):
    assert (
        results(WAITING + PROMPT + f"good(rt.subscribe_report(me, stream)); print(lateness(lambda: {wait}))")[0] < 0.2
    )


def test_an_execution_ends_within_a_fifth_of_a_second(slow_om):
    assert results(EXECUTING + PROMPT + "print(lateness(execute))", slow_om, SIZE)[0] < 0.2

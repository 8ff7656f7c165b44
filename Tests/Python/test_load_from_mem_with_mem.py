# SPDX-License-Identifier: Apache-2.0
"""What the documentation promises about acl.mdl.load_from_mem_with_mem, sentence by sentence."""

import ctypes
import mmap
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import acl
from model_support import (
    Area,
    Runner,
    add_model,
    assert_close,
    conv_model,
    dense_model,
    expected_outputs,
    load,
    message,
    must_load,
    must_unload,
    random_inputs,
    run_once,
    sizes,
)

PARAM_INVALID = 100000
GE_PARAM_INVALID = 145000
MODEL_ID_INVALID = 145003
CONTEXT_NULL = 107002
HUGE_PAGE_FIRST = 0

pytestmark = pytest.mark.usefixtures("device")


class Case:
    """A model with inputs and the result of a plain load."""

    def __init__(self, make_model, onnx_model, seed=7):
        self.onnx = onnx_model
        self.model = make_model(onnx_model)
        self.inputs = random_inputs(onnx_model, seed)
        self.work, self.weight = sizes(self.model)
        model_id = must_load(self.model)
        self.outputs = run_once(model_id, self.inputs)
        must_unload(model_id)
        assert_close(self.outputs, expected_outputs(onnx_model, self.inputs))

    def check(self, outputs):
        """Bit for bit what the plain load computed."""
        for got, wanted in zip(outputs, self.outputs, strict=True):
            assert got.tobytes() == wanted.tobytes()

    def check_run(self, model_id):
        self.check(run_once(model_id, self.inputs))


@pytest.fixture(scope="module")
def cases(make_model):
    assert acl.init() in (0, 100002)
    assert acl.rt.set_device(0) == 0
    yield {
        "conv": Case(make_model, conv_model(1)),
        "dense": Case(make_model, dense_model(2)),
        "add": Case(make_model, add_model(5)),
    }
    assert acl.rt.reset_device(0) == 0


@pytest.mark.parametrize("name", ["conv", "dense", "add"])
def test_the_first_id_is_positive_and_ids_are_not_reused(cases, name):
    case = cases[name]
    first = must_load(case.model)
    must_unload(first)
    second = must_load(case.model)
    assert second > first >= 1
    must_unload(second)


@pytest.mark.parametrize("name", ["conv", "dense", "add"])
@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("offset", [0, 1, 8, 63])
def test_exact_sizes_suffice_at_any_alignment(cases, name, at_end, offset):
    case = cases[name]
    work, weight = Area(case.work, at_end, offset), Area(case.weight, at_end, offset)
    model_id = must_load(case.model, (work.address, case.work), (weight.address, case.weight))
    case.check_run(model_id)
    must_unload(model_id)
    work.check()
    weight.check()


@pytest.mark.parametrize("name", ["conv", "dense"])
def test_one_byte_less_is_refused_and_nothing_stays(cases, name):
    case = cases[name]
    work, weight = Area(case.work), Area(case.weight)
    untouched = weight.bytes(), work.bytes()
    for work_size, weight_size in [
        (case.work, case.weight - 1),
        (case.work, 0),
        (case.work - 1, case.weight),
        (0, case.weight),
    ]:
        model_id, ret = load(case.model, (work.address, work_size), (weight.address, weight_size))
        assert (model_id, ret) == (0, GE_PARAM_INVALID)
        text = message()
        too_small, needed = (weight_size, case.weight) if weight_size < case.weight else (work_size, case.work)
        assert str(too_small) in text and str(needed) in text
        if weight_size < case.weight:
            assert "E13025" in text
    assert (weight.bytes(), work.bytes()) == untouched, "a refused load wrote into the caller's memory"
    # Nothing of the refused loads is left that would be in the way of other models in the same memory.
    other = cases["dense" if name == "conv" else "conv"]
    free = Area(max(case.weight, other.weight))
    for one in (case, other):
        model_id = must_load(one.model, (0, 0), (free.address, one.weight))
        one.check_run(model_id)
        must_unload(model_id)


def test_a_failed_load_gives_its_weight_area_back(cases):
    """The weights are looked at first; a workspace that is too small must not keep them claimed."""
    conv, dense = cases["conv"], cases["dense"]
    work, weight = Area(conv.work), Area(max(conv.weight, dense.weight))
    _, ret = load(conv.model, (work.address, conv.work - 1), (weight.address, conv.weight))
    assert ret == GE_PARAM_INVALID
    message()
    model_id = must_load(dense.model, (0, 0), (weight.address, dense.weight))
    dense.check_run(model_id)
    must_unload(model_id)


@pytest.mark.parametrize("sizes_given", [(0, 0), (1, 1), (2**63, 2**63)])
@pytest.mark.parametrize("own_work", [False, True])
@pytest.mark.parametrize("own_weight", [False, True])
def test_null_pointers_let_the_system_manage_and_ignore_the_sizes(cases, own_work, own_weight, sizes_given):
    case = cases["conv"]
    work, weight = Area(case.work), Area(case.weight)
    model_id = must_load(
        case.model,
        (work.address, case.work) if own_work else (0, sizes_given[0]),
        (weight.address, case.weight) if own_weight else (0, sizes_given[1]),
    )
    case.check_run(model_id)
    must_unload(model_id)


def test_a_model_without_weights_ignores_the_weight_pointer(cases):
    case = cases["add"]
    assert case.weight == 0
    model_id = must_load(case.model, (0, 0), (Area(16).address, 0))
    case.check_run(model_id)
    must_unload(model_id)


@pytest.mark.parametrize("own_memory", [False, True])
def test_the_model_bytes_may_go_away_after_the_load(cases, own_memory):
    case = cases["conv"]
    source = mmap.mmap(-1, len(case.model))
    source.write(case.model)
    address = ctypes.addressof(ctypes.c_char.from_buffer(source))
    work, weight = Area(case.work), Area(case.weight)
    memory = (work.address, case.work, weight.address, case.weight) if own_memory else (0, 0, 0, 0)
    model_id, ret = acl.mdl.load_from_mem_with_mem(address, len(case.model), *memory)
    assert ret == 0, message()
    ctypes.memset(address, 0xFF, len(case.model))
    libc = ctypes.CDLL(None)
    libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    assert libc.mprotect(address, len(case.model), 0) == 0
    case.check_run(model_id)
    must_unload(model_id)


def test_device_memory_serves_for_model_weights_and_workspace(cases):
    case = cases["conv"]
    pointers = []
    for size in (len(case.model), case.work, case.weight):
        pointer, ret = acl.rt.malloc(size, HUGE_PAGE_FIRST)
        assert ret == 0
        pointers.append(pointer)
    model, work, weight = pointers
    assert acl.rt.memcpy(model, len(case.model), acl.util.bytes_to_ptr(case.model), len(case.model), 1) == 0
    model_id, ret = acl.mdl.load_from_mem_with_mem(model, len(case.model), work, case.work, weight, case.weight)
    assert ret == 0, message()
    assert acl.rt.free(model) == 0
    case.check_run(model_id)
    must_unload(model_id)
    assert acl.rt.free(work) == 0
    assert acl.rt.free(weight) == 0


def test_freed_and_too_small_device_memory_is_refused(cases):
    case = cases["conv"]
    freed, ret = acl.rt.malloc(case.weight, HUGE_PAGE_FIRST)
    assert ret == 0
    assert acl.rt.free(freed) == 0
    assert load(case.model, (0, 0), (freed, case.weight))[1] == GE_PARAM_INVALID
    assert "freed" in message()
    assert load(case.model, (freed, case.work), (0, 0))[1] == GE_PARAM_INVALID
    assert "freed" in message()
    small, ret = acl.rt.malloc(64, HUGE_PAGE_FIRST)
    assert ret == 0
    assert load(case.model, (0, 0), (small, case.weight))[1] == GE_PARAM_INVALID
    message()
    assert load(case.model, (small, case.work), (0, 0))[1] == GE_PARAM_INVALID
    message()
    assert acl.rt.free(small) == 0


def test_memory_freed_while_the_model_is_loaded_is_not_used(cases):
    case = cases["conv"]
    work, ret = acl.rt.malloc(case.work, HUGE_PAGE_FIRST)
    assert ret == 0
    model_id = must_load(case.model, (work, case.work), (0, 0))
    case.check_run(model_id)
    assert acl.rt.free(work) == 0
    with Runner(model_id, case.inputs) as runner:
        assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) != 0
        assert "freed" in message()
    must_unload(model_id)


def in_threads(count, body):
    """Runs body(index) in threads that have set device 0; their exceptions are raised here."""
    failures = []
    barrier = threading.Barrier(count)

    def work(index):
        try:
            assert acl.rt.set_device(0) == 0
            barrier.wait(60)
            body(index)
            assert acl.rt.reset_device(0) == 0
        except BaseException as error:  # handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def test_later_loads_and_all_executions_only_read_the_weights(cases):
    case = cases["conv"]
    weight = Area(case.weight)
    ids = [must_load(case.model, (0, 0), (weight.address, case.weight))]
    weight.read_only()
    case.check_run(ids[0])

    def body(_):
        model_id = must_load(case.model, (0, 0), (weight.address, case.weight))
        ids.append(model_id)
        for _ in range(20):
            case.check_run(model_id)

    in_threads(3, body)
    assert len(set(ids)) == 4
    must_unload(*ids)
    weight.writable()
    weight.check()


def test_four_threads_execute_at_once_on_shared_weights(cases):
    case = cases["conv"]
    weight = Area(case.weight)
    works = [Area(case.work) for _ in range(4)]
    ids = [None] * 4

    def body(index):
        # All four load into the fresh area at the same time: one writes, the others wait for it.
        ids[index] = must_load(case.model, (works[index].address, case.work), (weight.address, case.weight))
        inputs = random_inputs(case.onnx, 100 + index)
        with Runner(ids[index], inputs) as runner:
            results[index] = [runner.run() for _ in range(50)]

    results = [None] * 4
    in_threads(4, body)
    single = must_load(case.model)
    for index in range(4):
        wanted = run_once(single, random_inputs(case.onnx, 100 + index))
        for got in results[index]:
            assert [array.tobytes() for array in got] == [array.tobytes() for array in wanted]
    must_unload(single, *ids)
    for area in [weight, *works]:
        area.check()


def three_in_one_workspace(cases):
    size = max(case.work for case in cases.values())
    work = Area(size)
    return work, {name: must_load(case.model, (work.address, size)) for name, case in cases.items()}


def test_three_models_share_one_workspace_under_a_lock(cases):
    work, ids = three_in_one_workspace(cases)
    lock = threading.Lock()
    names = list(cases)

    def body(index):
        name = names[index]
        with Runner(ids[name], cases[name].inputs) as runner:
            for _ in range(50):
                with lock:
                    outputs = runner.run()
                cases[name].check(outputs)

    in_threads(3, body)
    must_unload(*ids.values())
    work.check()


def test_three_models_share_one_workspace_on_one_stream(cases):
    work, ids = three_in_one_workspace(cases)
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    runners = {name: Runner(model_id, cases[name].inputs) for name, model_id in ids.items()}
    for _ in range(20):
        for runner in runners.values():
            runner.enqueue(stream)
    assert acl.rt.synchronize_stream(stream) == 0
    for name, runner in runners.items():
        cases[name].check(runner.outputs)
        runner.close()
    assert acl.rt.destroy_stream(stream) == 0
    must_unload(*ids.values())
    work.check()


def test_a_shared_workspace_survives_callers_who_forget_the_lock(cases):
    """The original corrupts the results; here the executions take turns."""
    work, ids = three_in_one_workspace(cases)
    names = list(cases)

    def body(index):
        name = names[index]
        with Runner(ids[name], cases[name].inputs) as runner:
            for _ in range(100):
                cases[name].check(runner.run())

    in_threads(3, body)
    must_unload(*ids.values())
    work.check()


def test_a_different_model_into_weights_in_use_is_refused(cases):
    conv, dense = cases["conv"], cases["dense"]
    weight = Area(max(conv.weight, dense.weight) + 64)
    model_id = must_load(conv.model, (0, 0), (weight.address, conv.weight))
    for address in (weight.address, weight.address + 32, weight.address + conv.weight - 1 - dense.weight):
        assert load(dense.model, (0, 0), (address, dense.weight)) == (0, GE_PARAM_INVALID)
        assert f"0x{address:x}" in message()
    # The same model at an overlapping address would overwrite them as well.
    assert load(conv.model, (0, 0), (weight.address + 16, conv.weight)) == (0, GE_PARAM_INVALID)
    message()
    conv.check_run(model_id)
    must_unload(model_id)
    # After the last unload the area is free for anything.
    model_id = must_load(dense.model, (0, 0), (weight.address, dense.weight))
    dense.check_run(model_id)
    must_unload(model_id)


def test_a_workspace_over_weights_in_use_is_refused(cases):
    conv, dense = cases["conv"], cases["dense"]
    area = Area(max(conv.weight, conv.work, dense.work) + 64)
    model_id = must_load(conv.model, (0, 0), (area.address, conv.weight))
    assert load(dense.model, (area.address, dense.work), (0, 0)) == (0, GE_PARAM_INVALID)
    message()
    conv.check_run(model_id)
    must_unload(model_id)
    model_id = must_load(conv.model, (area.address, conv.work), (0, 0))
    assert load(dense.model, (0, 0), (area.address, dense.weight)) == (0, GE_PARAM_INVALID)
    message()
    # Weights and workspace of one load in the same memory.
    must_unload(model_id)
    assert load(conv.model, (area.address, conv.work), (area.address, conv.weight)) == (0, GE_PARAM_INVALID)
    message()


def test_overwritten_weights_are_not_trusted(cases):
    case = cases["conv"]
    weight = Area(case.weight)
    model_id = must_load(case.model, (0, 0), (weight.address, case.weight))
    saved = weight.bytes()
    ctypes.memset(weight.address + case.weight // 2, 0x11, 64)
    assert load(case.model, (0, 0), (weight.address, case.weight)) == (0, GE_PARAM_INVALID)
    assert "overw" in message()
    ctypes.memmove(weight.address, saved, case.weight)
    second = must_load(case.model, (0, 0), (weight.address, case.weight))
    case.check_run(second)
    must_unload(model_id, second)


def test_weights_are_written_again_after_the_last_unload(cases):
    case = cases["conv"]
    weight = Area(case.weight)
    must_unload(must_load(case.model, (0, 0), (weight.address, case.weight)))
    ctypes.memset(weight.address, 0, case.weight)
    model_id = must_load(case.model, (0, 0), (weight.address, case.weight))
    case.check_run(model_id)
    must_unload(model_id)


def test_models_that_differ_in_one_weight_are_told_apart(cases, make_model):
    """Same structure and size, other numbers: neither the kernels' weights nor the area may be mixed up."""
    one, other = Case(make_model, dense_model(11)), Case(make_model, dense_model(12))
    ids = [must_load(one.model), must_load(other.model)]
    one.check_run(ids[0])
    other.check_run(ids[1])
    weight = Area(one.weight)
    ids.append(must_load(one.model, (0, 0), (weight.address, one.weight)))
    assert load(other.model, (0, 0), (weight.address, other.weight)) == (0, GE_PARAM_INVALID)
    message()
    must_unload(*ids)


def test_contexts(cases):
    case = cases["conv"]
    model_id = must_load(case.model)
    runner = Runner(model_id, case.inputs)

    # Another context of the same device works.
    context, ret = acl.rt.create_context(0)
    assert ret == 0
    case.check(runner.run())
    second = must_load(case.model)
    must_unload(second)
    assert acl.rt.destroy_context(context) == 0

    # No context at all: neither load nor execution.
    def without_context():
        outcome.append((load(case.model), message()))
        outcome.append((acl.mdl.execute(model_id, runner.input_set, runner.output_set), message()))

    outcome = []
    thread = threading.Thread(target=without_context)
    thread.start()
    thread.join()
    assert outcome[0][0] == (0, CONTEXT_NULL)
    assert outcome[1][0] in (CONTEXT_NULL, 500002)

    assert acl.rt.set_device(0) == 0
    runner.run()
    runner.close()
    must_unload(model_id)


def test_unknown_ids_and_double_unload(cases):
    case = cases["conv"]
    model_id = must_load(case.model)
    runner = Runner(model_id, case.inputs)
    must_unload(model_id)
    for wrong in (model_id, 0, 2**32 - 1, model_id + 1000):
        assert acl.mdl.unload(wrong) == MODEL_ID_INVALID
        assert str(wrong) in message()
        assert acl.mdl.execute(wrong, runner.input_set, runner.output_set) == MODEL_ID_INVALID
        message()
        desc = acl.mdl.create_desc()
        assert acl.mdl.get_desc(desc, wrong) == MODEL_ID_INVALID
        message()
        assert acl.mdl.destroy_desc(desc) == 0
    runner.close()


def test_unload_while_an_execution_is_queued(cases):
    """Whatever unload answers, nothing is lost and nothing crashes."""
    case = cases["conv"]
    work, weight = Area(case.work), Area(case.weight)
    model_id = must_load(case.model, (work.address, case.work), (weight.address, case.weight))
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    with Runner(model_id, case.inputs) as runner:
        for _ in range(20):
            runner.enqueue(stream)
        assert acl.mdl.unload(model_id) == 0, message()
        assert acl.rt.synchronize_stream(stream) == 0
        case.check(runner.outputs)
    assert acl.mdl.unload(model_id) == MODEL_ID_INVALID
    message()
    assert acl.rt.destroy_stream(stream) == 0
    work.check()
    weight.check()


def test_eight_loads_share_weights_and_workspace(cases):
    case = cases["conv"]
    work, weight = Area(case.work), Area(case.weight)
    ids = [must_load(case.model, (work.address, case.work), (weight.address, case.weight)) for _ in range(8)]
    for model_id in ids:
        case.check_run(model_id)
    must_unload(*ids[:-1])
    case.check_run(ids[-1])
    must_unload(ids[-1])


def test_bad_arguments(cases):
    case = cases["conv"]
    pointer = acl.util.bytes_to_ptr(case.model)
    size = len(case.model)
    for arguments, code in [
        ((0, size), PARAM_INVALID),
        ((pointer, 0), PARAM_INVALID),
        ((pointer, 3), 145006),
        ((pointer, 255), PARAM_INVALID),
        ((pointer, size - 1), GE_PARAM_INVALID),
    ]:
        assert acl.mdl.load_from_mem_with_mem(*arguments, 0, 0, 0, 0) == (0, code)
        message()
    broken = b"XXXX" + case.model[4:]
    assert acl.mdl.load_from_mem_with_mem(acl.util.bytes_to_ptr(broken), size, 0, 0, 0, 0) == (0, GE_PARAM_INVALID)
    assert "E10001" in message()
    # Ranges that cannot be.
    top = 2**64 - 4096
    assert acl.mdl.load_from_mem_with_mem(pointer, size, top, case.work + 8192, 0, 0)[1] != 0
    message()
    assert acl.mdl.load_from_mem_with_mem(pointer, size, 0, 0, top, case.weight + 8192)[1] != 0
    message()


def test_load_of_bytes_in_freed_device_memory(cases):
    case = cases["conv"]
    pointer, ret = acl.rt.malloc(len(case.model), HUGE_PAGE_FIRST)
    assert ret == 0
    assert acl.rt.free(pointer) == 0
    assert acl.mdl.load_from_mem_with_mem(pointer, len(case.model), 0, 0, 0, 0)[1] != 0
    assert "freed" in message()


def test_query_size_is_what_the_loads_need(cases, tmp_path):
    for name, case in cases.items():
        path = tmp_path / f"{name}.om"
        path.write_bytes(case.model)
        assert acl.mdl.query_size(str(path)) == (case.work, case.weight, 0)
        work, weight = Area(case.work), Area(case.weight)
        model_id, ret = acl.mdl.load_from_file_with_mem(str(path), work.address, case.work, weight.address, case.weight)
        assert ret == 0, message()
        path.unlink()
        case.check_run(model_id)
        must_unload(model_id)
        work.check()
        weight.check()


def test_results_of_repeated_runs_are_the_same_whatever_the_workspace_held(cases):
    case = cases["conv"]
    work = Area(case.work)
    model_id = must_load(case.model, (work.address, case.work))
    for fill in (0x00, 0xFF, 0x7F):
        ctypes.memset(work.address, fill, case.work)
        case.check_run(model_id)
    must_unload(model_id)


def test_a_context_of_another_device_is_refused(cases, tmp_path):
    """On a host with two devices, which a process of its own plays."""
    case = cases["dense"]
    (tmp_path / "model.om").write_bytes(case.model)
    program = """
import sys
import acl
import numpy as np
from model_support import Runner, load, message, must_load, must_unload

model = open(sys.argv[1], "rb").read()
assert acl.init() == 0
assert acl.rt.get_device_count() == (2, 0)
assert acl.rt.set_device(0) == 0
model_id = must_load(model)
with Runner(model_id, [np.ones((2, 24), np.float32)]) as runner:
    first = runner.run()
    assert acl.rt.set_device(1) == 0
    assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == 107004
    assert "device 0" in message() and runner.outputs[0].tobytes() == first[0].tobytes()
    assert acl.mdl.unload(model_id) == 107004
    message()
    other = must_load(model)
    with Runner(other, [np.ones((2, 24), np.float32)]) as second:
        assert second.run()[0].tobytes() == first[0].tobytes()
    must_unload(other)
    assert acl.rt.set_device(0) == 0
    assert runner.run()[0].tobytes() == first[0].tobytes()
must_unload(model_id)

# A reset takes the device's memory away; the model can only be unloaded.
model_id = must_load(model)
with Runner(model_id, [np.ones((2, 24), np.float32)]) as runner:
    runner.run()
    while acl.rt.reset_device(0) == 0:
        pass
    assert acl.rt.set_device(0) == 0
    acl.get_recent_err_msg()
    assert acl.mdl.execute(model_id, runner.input_set, runner.output_set) == 107002
    assert "reset" in message()
must_unload(model_id)
must_unload(must_load(model))
assert acl.finalize() == 0
assert load(model) == (0, 145001)
assert "aclInit" in message()
"""
    environment = dict(os.environ, PYACLMDL_DEVICE_COUNT="2")
    environment["PYTHONPATH"] = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "model.om")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_numpy_arrays_serve_as_memory(cases):
    case = cases["conv"]
    work = np.empty(case.work, dtype=np.uint8)
    weight = np.empty(case.weight, dtype=np.uint8)
    model_id = must_load(case.model, (work.ctypes.data, case.work), (weight.ctypes.data, case.weight))
    case.check_run(model_id)
    must_unload(model_id)

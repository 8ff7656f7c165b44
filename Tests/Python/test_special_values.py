# SPDX-License-Identifier: Apache-2.0
"""NaN and infinities follow the specification: alone and behind other operators, in small tensors and in large ones.

The oracle is numpy, operator by operator, since ONNX Runtime itself loses NaN in some poolings.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from oracle_support import assert_like_oracle, one_node, oracle_outputs, small_model

SPECIAL = np.float32([np.nan, np.inf, -np.inf, -2.5, -0.0, 0.0, 2.5, 1e30, -1e30, 4.0, 88.0, -104.0])
# Small tensors and large ones are computed by different kernels; the last one has a remainder for every vector length.
SIZES = (12, 5003)
UNARY = {
    "Relu": {}, "LeakyRelu": {}, "Elu": {}, "Selu": {}, "Celu": {}, "Sigmoid": {}, "HardSigmoid": {}, "HardSwish": {},
    "Tanh": {}, "Exp": {}, "Softplus": {}, "Softsign": {}, "Erf": {}, "Abs": {}, "Sign": {}, "Log": {}, "Sqrt": {},
    "Neg": {}, "Floor": {}, "Ceil": {}, "Round": {}, "Reciprocal": {}, "ThresholdedRelu": {}, "Shrink": {},
}  # fmt: skip
# Operators that are computed together with what they follow.
FOLLOWERS = ("Relu", "HardSigmoid", "HardSwish", "Exp", "Clip", "Max", "Min", "LeakyRelu", "Sigmoid", "Tanh", "Elu")


def evaluated(model, feeds):
    with np.errstate(all="ignore"):
        return [np.asarray(array, np.float32) for array in ReferenceEvaluator(model).run(None, feeds)]


@pytest.fixture
def agrees(atc_path, device, tmp_path):
    def check(model, feeds, wanted=None):
        assert_like_oracle(atc_path, device, tmp_path, model, feeds, wanted or evaluated(model, feeds))

    return check


def special(*shape):
    return np.resize(SPECIAL, shape)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("op", UNARY)
def test_functions_of_one_operand(agrees, op, size):
    feeds = {"x": special(size)}
    agrees(one_node(op, feeds, **UNARY[op]), feeds)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("op", "opset", "attributes"), [("Gelu", 20, {}), ("Gelu", 20, {"approximate": "tanh"}), ("Mish", 18, {})]
)
def test_functions_of_later_opsets(agrees, op, opset, attributes, size):
    feeds = {"x": special(size)}
    agrees(one_node(op, feeds, opset=opset, **attributes), feeds)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("op", "attributes"),
    [("Relu", {}), ("Exp", {}), ("Clip", {"min": -1.0, "max": 3.0}), ("HardSigmoid", {}), ("Softmax", {"axis": 0})],
)
def test_functions_of_earlier_opsets(agrees, op, attributes, size):
    feeds = {"x": special(size)}
    wanted = np.full_like(feeds["x"], np.nan) if op == "Softmax" else None
    if op == "Clip":
        wanted = np.clip(feeds["x"], -1, 3)
    agrees(one_node(op, feeds, opset=10, **attributes), feeds, None if wanted is None else [wanted])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
def test_functions_of_two_operands(agrees, op, size):
    feeds = {"a": special(size), "b": np.roll(special(size), 5)}
    agrees(one_node(op, feeds), feeds)


@pytest.mark.parametrize("size", SIZES)
def test_slopes(agrees, size):
    """PRelu gives 0 for 0, whatever the slope is; the onnx package's evaluator multiplies."""
    x, slope = special(size), np.roll(special(size), 5)
    with np.errstate(all="ignore"):
        agrees(one_node("PRelu", {"x": x, "slope": slope}), {"x": x, "slope": slope}, [np.where(x < 0, slope * x, x)])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("op", ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
def test_comparisons(atc_path, device, tmp_path, op, size):
    feeds = {"a": special(size), "b": np.roll(special(size), 5)}
    model = one_node(op, feeds, output=TensorProto.BOOL)
    assert_like_oracle(atc_path, device, tmp_path, model, feeds)


@pytest.mark.parametrize("size", SIZES)
def test_where_takes_either_as_it_is(agrees, size):
    feeds = {"c": np.resize([True, False, False], size), "a": special(size), "b": np.roll(special(size), 5)}
    agrees(one_node("Where", feeds), feeds)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [-1, 1, 0])
@pytest.mark.parametrize("columns", [5, 600])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax_of_rows_with_one_special_value(agrees, op, columns, axis, value):
    x = np.random.default_rng(1).standard_normal((3, 5, columns)).astype(np.float32)
    x[1, 2, columns // 2] = value
    x[2, 4, 0] = value
    feeds = {"x": x}
    agrees(one_node(op, feeds, axis=axis), feeds)


@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("columns", [5, 600])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
def test_softmax_of_masked_rows(agrees, op, columns, axis):
    """Masks of negative infinity are common, and a row of nothing else is NaN."""
    x = np.random.default_rng(2).standard_normal((4, columns)).astype(np.float32)
    x[:, ::2] = -np.inf
    x[2] = -np.inf
    feeds = {"x": x}
    agrees(one_node(op, feeds, axis=axis), feeds)


@pytest.mark.parametrize("axes", [(1,), (0,), (0, 1), (2, 3)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin", "ReduceMean", "ReduceSum"])
def test_reductions(agrees, op, value, axes):
    shape = (2, 3, 40, 40) if axes == (2, 3) else (70, 90)
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    x.reshape(-1)[[0, 777, -1]] = value
    # Nothing but the value in some rows and columns.
    if x.ndim == 2:
        x[5], x[:, 7] = value, value
    else:
        x[1, 1] = value
    feeds = {"x": x}
    function = getattr(np, op.removeprefix("Reduce").lower())
    with np.errstate(all="ignore"):
        wanted = function(x.astype(np.float64), axis=axes, keepdims=True).astype(np.float32)
    agrees(one_node(op, feeds, axes=list(axes), opset=17 if op != "ReduceSum" else 11), feeds, [wanted])


def pooled(x, fold, padding):
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=padding)
    with np.errstate(all="ignore"):
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        return fold(windows, axis=(-1, -2)).astype(np.float32)


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_maximum_pooling(agrees, value, blocked):
    """Behind a convolution, in the layout that its kernel likes, too; windows full of the value among others."""
    x = np.random.default_rng(4).standard_normal((2, 16, 20, 17)).astype(np.float32)
    x[0, 3, 4, 5] = x[1, 15, 0, 0] = x[1, 0, 19, 16] = value
    x[1, 7, 8:13, 8:13] = value
    feeds, constants = {"x": x}, {}
    nodes = [helper.make_node("MaxPool", ["c" if blocked else "x"], ["y"], kernel_shape=[3, 3], pads=[1] * 4)]
    if blocked:
        # Each channel by itself, so that the value stays in its own.
        constants["w"] = np.ones((16, 1, 1, 1), np.float32)
        nodes.insert(0, helper.make_node("Conv", ["x", "w"], ["c"], group=16))
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants)
    agrees(model, feeds, [pooled(x, np.max, -np.inf)])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_average_pooling(agrees, value):
    x = np.random.default_rng(5).standard_normal((1, 8, 20, 17)).astype(np.float32)
    x[0, 3, 4, 5] = value
    feeds = {"x": x}
    model = one_node("AveragePool", feeds, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
    agrees(model, feeds, [pooled(x, np.mean, 0)])


def test_global_maximum(agrees):
    x = np.random.default_rng(6).standard_normal((2, 8, 30, 30)).astype(np.float32)
    x[0, 1], x[1, 2, 3, 4], x[1, 5, 0, 0] = -np.inf, np.nan, np.inf
    feeds = {"x": x}
    agrees(one_node("GlobalMaxPool", feeds), feeds, [x.max(axis=(2, 3), keepdims=True)])


def _leaders():
    """By name: what makes nodes from x to l and their constants, x's shape, and numpy's function where onnx's evaluator
    loses NaN or spreads it over neighbours."""
    rng = np.random.default_rng(7)

    def node(op, *inputs, constants=None, **attributes):
        return [helper.make_node(op, ["x", *inputs], ["l"], **attributes)], constants or {}

    def conv(kernel, group, op="Conv"):
        filters = np.zeros((16, 16 // group, kernel, kernel), np.float32)
        filters[:, 0, kernel // 2, kernel // 2] = 1
        return node(op, "w", constants={"w": filters}, pads=[kernel // 2] * 4, group=group)

    def windows(fold):
        return lambda x: fold(np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(2, 3)), axis=(-1, -2))

    def double(x):
        return x.repeat(2, axis=2).repeat(2, axis=3)

    image, matrix = (2, 16, 9, 11), rng.standard_normal((33, 20)).astype(np.float32)
    statistics = {name: np.full(16, 0.5, np.float32) for name in "sbmv"}
    resizing = {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"}
    scales = {"scales": np.float32([1, 1, 2, 2])}
    offsets = {"w": matrix.T.copy(), "b": rng.standard_normal(20).astype(np.float32)}
    return {
        "conv1": (conv(1, 1), image, None),
        "conv3": (conv(3, 1), image, None),
        "depthwise": (conv(3, 16), image, None),
        "transposed": (conv(3, 1, "ConvTranspose"), image, None),
        "matmul": (node("MatMul", "w", constants={"w": matrix}), (70, 33), None),
        "matmul3": (node("MatMul", "w", constants={"w": matrix}), (2, 35, 33), None),
        "gemm": (node("Gemm", "w", "b", constants=offsets, transB=1), (70, 33), None),
        "batch_normalization": (node("BatchNormalization", *statistics, constants=statistics), image, None),
        "add": (node("Add", "w", constants={"w": np.ones((16, 1, 1), np.float32)}), image, None),
        "global_average": (node("GlobalAveragePool"), image, None),
        "average_pool": (node("AveragePool", kernel_shape=[2, 2]), image, windows(np.mean)),
        "max_pool": (node("MaxPool", kernel_shape=[2, 2]), image, windows(np.max)),
        "mean": (node("ReduceMean", axes=[-1]), image, None),
        "resize": (node("Resize", "", "scales", constants=scales, **resizing), image, double),
    }


LEADERS = _leaders()


@pytest.mark.parametrize("leader", LEADERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_followers_in_one_kernel(agrees, leader, value):
    """Each follower behind a leader of its own, and several that lose NaN easily in a row."""
    (leading, weights), shape, function = LEADERS[leader]
    x = np.random.default_rng(8).standard_normal(shape).astype(np.float32)
    x.reshape(-1)[[0, x.size // 3, x.size - 1]] = value
    bounds = {"low": np.float32(-1), "high": np.float32(3), "one": np.float32([0.5])}
    more_inputs = {"Clip": ["low", "high"], "Max": ["one"], "Min": ["one"]}
    alone = small_model(leading, {"x": x}, {"l": TensorProto.FLOAT}, weights)
    led = function(x) if function else evaluated(alone, {"x": x})[0]
    nodes, following, outputs = [], [], {}
    for number, chain in enumerate([[op] for op in FOLLOWERS] + [["Max", "Relu", "Tanh", "Clip", "HardSigmoid"]]):
        last = f"l{number}"
        for node in leading:
            nodes.append(helper.make_node(node.op_type, node.input, [last]))
            nodes[-1].attribute.extend(node.attribute)
        following.append(helper.make_node("Identity", ["l"], [last]))
        for step, op in enumerate(chain):
            follower = helper.make_node(op, [last, *more_inputs.get(op, [])], [f"y{number}_{step}"])
            last = f"y{number}_{step}"
            nodes.append(follower)
            following.append(follower)
        outputs[last] = TensorProto.FLOAT
    wanted = evaluated(small_model(following, {"l": led}, outputs, bounds), {"l": led})
    agrees(small_model(nodes, {"x": x}, outputs, weights | bounds), {"x": x}, wanted)


@pytest.mark.parametrize("factor", [np.inf, -np.inf, np.nan, 0.0])
@pytest.mark.parametrize("op", ["Mul", "Div", "Add"])
def test_constants_behind_weights(agrees, op, factor):
    """A constant that would be folded into the weights, were it a finite one."""
    (nodes, weights), shape, _ = LEADERS["matmul"]
    feeds = {"x": np.random.default_rng(10).standard_normal(shape).astype(np.float32)}
    nodes = [*nodes, helper.make_node(op, ["l", "c"], ["y"])]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, weights | {"c": np.float32([factor])})
    agrees(model, feeds, evaluated(model, feeds))


@pytest.mark.parametrize("op", ["Conv", "MatMul"])
def test_weights_that_are_nan(agrees, op):
    rng = np.random.default_rng(11)
    shape, weights = ((2, 3, 12, 12), (20, 3, 3, 3)) if op == "Conv" else ((50, 12), (12, 50))
    feeds = {"x": rng.standard_normal(shape).astype(np.float32)}
    constants = {"w": rng.standard_normal(weights).astype(np.float32)}
    constants["w"].reshape(-1)[3] = np.nan
    nodes = [helper.make_node(op, ["x", "w"], ["l"]), helper.make_node("Relu", ["l"], ["y"])]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants)
    agrees(model, feeds, evaluated(model, feeds))


def test_a_deep_network_hands_nan_on(agrees):
    """ONNX Runtime keeps NaN here as well."""
    rng = np.random.default_rng(9)
    nodes, constants, last = [], {}, "x"
    for block in range(6):
        constants[f"w{block}"] = (rng.standard_normal((24, 24 if block else 3, 3, 3)) * 0.1).astype(np.float32)
        nodes.append(helper.make_node("Conv", [last, f"w{block}"], [f"c{block}"], pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{block}"], [f"r{block}"]))
        last = f"r{block}"
    nodes.append(helper.make_node("GlobalAveragePool", [last], ["g"]))
    nodes.append(helper.make_node("Flatten", ["g"], ["f"]))
    nodes.append(helper.make_node("Softmax", ["f"], ["y"]))
    x = rng.standard_normal((2, 3, 32, 32)).astype(np.float32)
    model = small_model(nodes, {"x": x}, {"y": TensorProto.FLOAT, last: TensorProto.FLOAT}, constants)
    for place in (None, (0, 1, 5, 6), (1, 0, 31, 31)):
        feeds = {"x": x.copy()}
        if place:
            feeds["x"][place] = np.nan
        agrees(model, feeds, oracle_outputs(model, feeds))

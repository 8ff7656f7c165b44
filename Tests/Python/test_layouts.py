# SPDX-License-Identifier: Apache-2.0
"""Operators on row-major images, and on images with the channels innermost, as convolutions leave them.

`test_cpu_levels.py` runs this file again with every lower level of instructions that the machine has.
"""

import numpy as np
import pytest
from onnx import TensorProto, helper

from oracle_support import converted_outputs, oracle_outputs, small_model

RNG = np.random.default_rng(11)
BATCH, CHANNELS, HEIGHT, WIDTH = IMAGE = (2, 19, 9, 37)


def floats(*shape):
    return np.asarray(RNG.uniform(-1, 1, shape), np.float32)


def node(op, inputs="x", **attributes):
    return lambda: (helper.make_node(op, inputs.split(), ["y"], **attributes), {})


def with_constant(op, shape, first=True, **attributes):
    inputs = ["x", "c"] if first else ["c", "x"]
    return lambda: (helper.make_node(op, inputs, ["y"], **attributes), {"c": floats(*shape)})


def resized(mode, scales, coordinates):
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    return lambda: (
        helper.make_node("Resize", ["x", "", "s"], ["y"], **attributes),
        {"s": np.array([1, 1, *scales], np.float32)},
    )


def reduced(op, axes, keeps):
    if op == "ReduceSum":
        return lambda: (helper.make_node(op, ["x", "a"], ["y"], keepdims=keeps), {"a": np.array(axes, np.int64)})
    return node(op, axes=axes, keepdims=keeps)


WINDOWS = [
    {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]},
    {"kernel_shape": [2, 2], "strides": [2, 2]},
    {"kernel_shape": [3, 5], "strides": [2, 2], "pads": [0, 2, 1, 3], "ceil_mode": 1},
    {"kernel_shape": [3, 2], "strides": [1, 3], "pads": [2, 1, 0, 0]},
    {"kernel_shape": [9, 30], "pads": [4, 29, 4, 0]},
]
CASES = {f"MaxPool-{place}": node("MaxPool", **window) for place, window in enumerate(WINDOWS)}
CASES |= {f"AveragePool-{place}": node("AveragePool", **window) for place, window in enumerate(WINDOWS)}
CASES |= {
    f"AveragePool-padded-{place}": node("AveragePool", count_include_pad=1, **window)
    for place, window in enumerate(WINDOWS)
    if "ceil_mode" not in window
}
CASES["MaxPool-dilated"] = node("MaxPool", kernel_shape=[2, 3], dilations=[3, 2], pads=[1, 2, 0, 1])
CASES["GlobalMaxPool"] = node("GlobalMaxPool")
CASES["GlobalAveragePool"] = node("GlobalAveragePool")
CASES |= {
    f"{op}-{axes}-{keeps}": reduced(op, axes, keeps)
    for op in ("ReduceSum", "ReduceMax", "ReduceProd")
    for axes in ([0], [1], [2, 3], [1, 3], [0, 2], [3], [0, 1, 2, 3])
    for keeps in (0, 1)
}
REPEATED = [
    (), (1,), (WIDTH,), (HEIGHT, 1), (CHANNELS, 1, 1), (BATCH, CHANNELS, 1, 1), (BATCH, 1, HEIGHT, WIDTH),
    (1, 1, HEIGHT, WIDTH), (CHANNELS, 1, WIDTH), (CHANNELS, HEIGHT, WIDTH), (BATCH, 1, 1, 1), IMAGE,
]  # fmt: skip
CASES |= {
    f"{op}-{shape}-{first}": with_constant(op, shape, first)
    for op in ("Sub", "Div", "Max")
    for shape in REPEATED
    for first in (True, False)
}
CASES |= {f"Concat-{axis}": with_constant("Concat", IMAGE, axis % 2 == 0, axis=axis) for axis in range(4)}
CASES["Concat-uneven"] = with_constant("Concat", (BATCH, 5, HEIGHT, WIDTH), axis=1)
CASES |= {
    f"Resize-{mode}-{scales}-{coordinates}": resized(mode, scales, coordinates)
    for mode in ("nearest", "linear")
    for scales in ((2, 2), (1, 2), (3, 1), (0.5, 0.7), (1.7, 2.3))
    for coordinates in ("half_pixel", "asymmetric", "align_corners")
}
CASES |= {
    f"Transpose-{order}": node("Transpose", perm=order)
    for order in ([0, 2, 3, 1], [0, 3, 1, 2], [1, 0, 2, 3], [3, 2, 1, 0], [0, 1, 3, 2])
}
CASES |= {op: node(op) for op in ("Relu", "Erf", "Log", "Softplus")}
CASES |= {f"Softmax-{axis}": node("Softmax", axis=axis) for axis in range(4)}


@pytest.mark.parametrize("is_convolved", [False, True], ids=["row-major", "channels-last"])
@pytest.mark.parametrize("name", CASES)
def test_operator(atc_path, device, tmp_path, name, is_convolved):
    operator, constants = CASES[name]()
    nodes = [operator, helper.make_node("LeakyRelu", ["y"], ["z"], alpha=0.25)]
    feeds = {"x": floats(*IMAGE)}
    if name == "Log":
        feeds["x"] = np.abs(feeds["x"])
    if is_convolved:
        # A permutation of the channels: what follows is computed on the same numbers.
        constants |= {"w": np.eye(CHANNELS, dtype=np.float32)[::-1].reshape(CHANNELS, CHANNELS, 1, 1).copy()}
        nodes.insert(0, helper.make_node("Conv", ["image", "w"], ["x"]))
        feeds = {"image": feeds["x"]}
    model = small_model(nodes, feeds, {"z": TensorProto.FLOAT}, constants)
    wanted = oracle_outputs(model, feeds)
    (got,) = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)
    np.testing.assert_allclose(got, wanted[0], rtol=2e-5, atol=2e-6 * float(np.abs(wanted[0]).max()))


@pytest.mark.parametrize("op", ["Sub", "Div", "Mul"])
def test_two_operands_that_both_repeat(atc_path, device, tmp_path, op):
    feeds = {"a": floats(3, 1, 5, 40), "b": 1 + np.abs(floats(7, 1, 40))}
    nodes = [helper.make_node(op, ["a", "b"], ["c"]), helper.make_node("Abs", ["c"], ["y"])]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, {})
    wanted = oracle_outputs(model, feeds)
    (got,) = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)
    np.testing.assert_allclose(got, wanted[0], rtol=2e-6)


@pytest.mark.parametrize("spatial", [(50,), (4, 7, 9)], ids=["one", "three"])
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("is_convolved", [False, True])
def test_pooling_over_other_dimensions(atc_path, device, tmp_path, spatial, op, is_convolved):
    rank = len(spatial)
    nodes = [helper.make_node(op, ["x"], ["y"], kernel_shape=[3] * rank, strides=[2] * rank, pads=[1] * 2 * rank)]
    feeds, constants = {"x": floats(2, 18, *spatial)}, {}
    if is_convolved:
        constants["w"] = floats(18, 18, *[1] * rank)
        nodes.insert(0, helper.make_node("Conv", ["image", "w"], ["x"]))
        feeds = {"image": feeds["x"]}
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants)
    wanted = oracle_outputs(model, feeds)
    (got,) = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)
    np.testing.assert_allclose(got, wanted[0], rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 3, 15, 16, 17, 40])
@pytest.mark.parametrize("columns", [1, 3, 15, 16, 33, 1000])
@pytest.mark.parametrize("kind", [np.float32, np.int8, np.float16])
def test_matrices_are_turned(atc_path, device, tmp_path, rows, columns, kind):
    feeds = {"x": RNG.integers(-100, 100, (3, rows, columns)).astype(kind)}
    turned = helper.make_node("Transpose", ["x"], ["y"], perm=[0, 2, 1])
    model = small_model([turned], feeds, {"y": helper.np_dtype_to_tensor_dtype(np.dtype(kind))}, {})
    wanted = [feeds["x"].transpose(0, 2, 1)]
    (got,) = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)
    np.testing.assert_array_equal(got, wanted[0])


@pytest.mark.parametrize("shape", [(1, 5), (128, 384), (197, 768), (1, 512), (3, 2000)])
@pytest.mark.parametrize("offset", [0, 30])
def test_rows_are_normalised(atc_path, device, tmp_path, shape, offset):
    feeds = {"x": floats(*shape) + np.float32(offset)}
    constants = {"scale": 1 + floats(shape[1]), "shift": floats(shape[1])}
    nodes = [helper.make_node("LayerNormalization", ["x", "scale", "shift"], ["y"], epsilon=1e-5)]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants)
    x = feeds["x"].astype(np.float64)
    normal = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
    wanted = [(normal * constants["scale"] + constants["shift"]).astype(np.float32)]
    (got,) = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)
    # The numbers around an offset have fewer digits that differ.
    np.testing.assert_allclose(got, wanted[0], rtol=0, atol=1e-6 * np.abs(wanted[0]).max() * max(1, offset))

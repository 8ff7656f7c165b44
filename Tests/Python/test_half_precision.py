# SPDX-License-Identifier: Apache-2.0
"""Networks in float16: each result is rounded as ONNX says, whatever type the kernels compute in."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from oracle_support import converted_outputs, oracle_outputs, small_model

HALF = TensorProto.FLOAT16


def halves(seed, *shape, scale=1.0):
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float16)


def residual(size=24):
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], name="c1", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("Relu", ["c1"], ["r1"], name="r1"),
        helper.make_node("MaxPool", ["r1"], ["m"], name="m", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Conv", ["m", "w2"], ["c2"], name="c2", pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c2", "s", "o", "mean", "var"], ["n"], name="n"),
        helper.make_node("Add", ["n", "m"], ["a"], name="a"),
        helper.make_node("Relu", ["a"], ["r2"], name="r2"),
        helper.make_node("GlobalAveragePool", ["r2"], ["g"], name="g"),
        helper.make_node("Flatten", ["g"], ["f"], name="f"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["l"], name="l"),
        helper.make_node("Softmax", ["l"], ["y"], name="y"),
    ]
    constants = {
        "w1": halves(1, 16, 3, 3, 3, scale=0.3),
        "b1": halves(2, 16),
        "w2": halves(3, 16, 16, 3, 3, scale=0.1),
        "s": np.ones(16, np.float16),
        "o": halves(4, 16, scale=0.1),
        "mean": halves(5, 16, scale=0.1),
        "var": np.full(16, 1.5, np.float16),
        "w3": halves(6, 16, 10, scale=0.3),
        "b3": halves(7, 10),
    }
    feeds = {"x": halves(8, 2, 3, size, size)}
    return small_model(nodes, feeds, {"y": HALF, "a": HALF}, constants, opset=13), feeds


def test_a_residual_network(atc_path, device, tmp_path):
    model, feeds = residual()
    wanted = oracle_outputs(model, feeds)
    for got, want in zip(converted_outputs(atc_path, device, tmp_path, model, feeds, wanted), wanted, strict=True):
        assert got.dtype == np.float16
        np.testing.assert_allclose(got.astype(np.float32), want.astype(np.float32), rtol=5e-3, atol=5e-3)


def test_attention(atc_path, device, tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "wq"], ["q"], name="q"),
        helper.make_node("MatMul", ["x", "wk"], ["k"], name="k"),
        helper.make_node("Transpose", ["k"], ["kt"], name="kt", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["q", "kt"], ["s"], name="s"),
        helper.make_node("Mul", ["s", "scale"], ["sc"], name="sc"),
        helper.make_node("Softmax", ["sc"], ["p"], name="p", axis=-1),
        helper.make_node("MatMul", ["p", "x"], ["o"], name="o"),
        helper.make_node("LayerNormalization", ["o", "g", "b"], ["y"], name="y"),
    ]
    constants = {
        "wq": halves(1, 32, 32, scale=0.2),
        "wk": halves(2, 32, 32, scale=0.2),
        "scale": np.float16(0.177),
        "g": halves(3, 32),
        "b": halves(4, 32),
    }
    feeds = {"x": halves(5, 2, 20, 32)}
    model = small_model(nodes, feeds, {"y": HALF}, constants)
    wanted = oracle_outputs(model, feeds)
    got = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)[0]
    np.testing.assert_allclose(got.astype(np.float32), wanted[0].astype(np.float32), rtol=2e-2, atol=2e-2)


def test_each_result_is_rounded(atc_path, device, tmp_path):
    """1 + 2^-11 is 1 in float16: had the sum not been rounded, the difference would show."""
    feeds = {"x": np.float16([1, 1.0009766, -1, 2048, 60000])}
    nodes = [
        helper.make_node("Add", ["x", "small"], ["a"], name="a"),
        helper.make_node("Sub", ["a", "x"], ["d"], name="d"),
        helper.make_node("Mul", ["d", "large"], ["m"], name="m"),
        helper.make_node("Floor", ["m"], ["y"], name="y"),
        helper.make_node("Mul", ["x", "large"], ["i"], name="i"),
    ]
    constants = {"small": np.float16(2**-11), "large": np.float16(2**11)}
    model = small_model(nodes, feeds, {"y": HALF, "i": HALF}, constants)
    x = feeds["x"]
    with np.errstate(over="ignore"):
        rounded = ((x + constants["small"]).astype(np.float16) - x).astype(np.float16)
        wanted = [
            np.floor((rounded * constants["large"]).astype(np.float16)),
            (x * constants["large"]).astype(np.float16),
        ]
    for got, want in zip(converted_outputs(atc_path, device, tmp_path, model, feeds, wanted), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("kind", [np.float32, np.int32, np.float16])
def test_casts_round_and_reach_every_reader(atc_path, device, tmp_path, kind):
    feeds = {"x": np.array([1.0002, 3.14159, 100000, -7.77, 2049]).astype(kind)}
    nodes = [
        helper.make_node("Cast", ["x"], ["h"], name="h", to=HALF),
        helper.make_node("Cast", ["h"], ["f"], name="f", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["h", "h"], ["m"], name="m"),
        helper.make_node("Add", ["m", "h"], ["y"], name="y"),
        helper.make_node("Cast", ["m"], ["i"], name="i", to=TensorProto.INT32),
    ]
    outputs = {"y": HALF, "f": TensorProto.FLOAT, "h": HALF}
    model = small_model(nodes, feeds, outputs)
    wanted = oracle_outputs(model, feeds)
    for got, want in zip(converted_outputs(atc_path, device, tmp_path, model, feeds, wanted), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


def test_bfloat16_is_rounded_too(atc_path, device, tmp_path):
    feeds = {"x": np.float32([1.0, 1.0039, 3.1415926, -2.71828, 1e38])}
    nodes = [
        helper.make_node("Cast", ["x"], ["b"], name="b", to=TensorProto.BFLOAT16),
        helper.make_node("Mul", ["b", "b"], ["m"], name="m"),
        helper.make_node("Cast", ["m"], ["y"], name="y", to=TensorProto.FLOAT),
    ]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, opset=13)

    def rounded(values):
        bits = values.astype(np.float32).view(np.uint32)
        bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
        return bits.astype(np.uint32).view(np.float32)

    with np.errstate(over="ignore"):
        b = rounded(feeds["x"])
        wanted = [rounded(b * b)]
    np.testing.assert_array_equal(converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)[0], wanted[0])


def test_large_weights_stay_in_the_file(atc_path, device, tmp_path):
    """A matrix that is read from the file's weights, not from the graph."""
    matrix = halves(11, 96, 200, scale=0.1)
    feeds = {"x": halves(12, 7, 96)}
    model = small_model([helper.make_node("MatMul", ["x", "w"], ["y"], name="y")], feeds, {"y": HALF}, {"w": matrix})
    assert numpy_helper.to_array(model.graph.initializer[0]).nbytes > 4096
    wanted = [(feeds["x"].astype(np.float64) @ matrix.astype(np.float64)).astype(np.float16)]
    got = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)[0]
    np.testing.assert_allclose(got.astype(np.float32), wanted[0].astype(np.float32), rtol=2e-3, atol=1e-3)

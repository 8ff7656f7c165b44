# SPDX-License-Identifier: Apache-2.0
"""QuantizeLinear and DequantizeLinear, exactly as ONNX Runtime computes them, alone and in a network."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from oracle_support import assert_like_oracle, converted_outputs, oracle_outputs, small_model

TYPES = {
    np.int8: TensorProto.INT8,
    np.uint8: TensorProto.UINT8,
    np.int16: TensorProto.INT16,
    np.uint16: TensorProto.UINT16,
}


def feed(*shape):
    rng = np.random.default_rng(4)
    x = (rng.standard_normal(shape) * 3).astype(np.float32)
    # Halves, and numbers that do not fit.
    x.flat[:6] = [0.25, -0.25, 0.75, 1e9, -1e9, 0]
    return {"x": x}


def parameters(kind, zero_point, count=None):
    scale = np.float32(0.5) if count is None else np.linspace(0.01, 0.5, count, dtype=np.float32)
    limits = np.iinfo(kind)
    offset = np.clip(zero_point, limits.min, limits.max)
    return {"s": scale, "z": np.full(np.shape(scale), offset, kind)}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("zero_point", [0, 3, -100, 200])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_there_and_back(atc_path, device, tmp_path, kind, zero_point, axis):
    feeds = feed(4, 5, 6)
    count = None if axis is None else feeds["x"].shape[axis]
    extra = {} if axis is None else {"axis": axis}
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], name="quantize", **extra),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], name="dequantize", **extra),
    ]
    model = small_model(
        nodes, feeds, {"q": TYPES[kind], "y": TensorProto.FLOAT}, parameters(kind, zero_point, count), opset=21
    )
    assert_like_oracle(atc_path, device, tmp_path, model, feeds)


@pytest.mark.parametrize("zero_point", [0, 7])
def test_dequantize_keeps_all_bits_of_int32(atc_path, device, tmp_path, zero_point):
    feeds = {"x": np.int32([2**24 + 1, -(2**31) + 8, 2**31 - 1, 0, 7, -5])}
    nodes = [helper.make_node("DequantizeLinear", ["x", "s", "z"], ["y"], name="dequantize")]
    model = small_model(
        nodes, feeds, {"y": TensorProto.FLOAT}, {"s": np.float32(0.3), "z": np.int32(zero_point)}, opset=13
    )
    wanted = ((feeds["x"].astype(np.int64) - zero_point).astype(np.float32) * np.float32(0.3)).astype(np.float32)
    np.testing.assert_array_equal(converted_outputs(atc_path, device, tmp_path, model, feeds, [wanted])[0], wanted)


def test_a_quantised_network(atc_path, device, tmp_path):
    """As quantize_static of ONNX Runtime makes them: int8 weights per channel, int32 bias, uint8 activations."""
    rng = np.random.default_rng(9)
    feeds = {"x": rng.random((1, 3, 12, 12)).astype(np.float32)}
    weight_scale = np.linspace(0.002, 0.01, 8, dtype=np.float32)
    constants = {
        "xs": np.float32(1 / 255),
        "xz": np.uint8(0),
        "w": rng.integers(-127, 128, (8, 3, 3, 3)).astype(np.int8),
        "ws": weight_scale,
        "wz": np.zeros(8, np.int8),
        "b": rng.integers(-2000, 2000, 8).astype(np.int32),
        "bs": weight_scale / np.float32(255),
        "bz": np.zeros(8, np.int32),
        "ys": np.float32(0.02),
        "yz": np.uint8(120),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "xs", "xz"], ["xq"], name="q0"),
        helper.make_node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"], name="d0"),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], name="d1", axis=0),
        helper.make_node("DequantizeLinear", ["b", "bs", "bz"], ["bd"], name="d2", axis=0),
        helper.make_node("Conv", ["xd", "wd", "bd"], ["c"], name="conv", pads=[1, 1, 1, 1]),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["cq"], name="q1"),
        helper.make_node("DequantizeLinear", ["cq", "ys", "yz"], ["y"], name="d3"),
    ]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants, opset=13)
    wanted = oracle_outputs(model, feeds)
    found = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)[0]
    # A sum that another order of additions moves across a half becomes the next number.
    steps = np.abs(found - wanted[0]) / 0.02
    assert steps.max() < 1.01
    assert (steps > 0.5).mean() < 0.01


def test_what_is_not_exact_is_refused(atc_path, tmp_path):
    from model_support import convert

    feeds = feed(4, 6)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], name="blocks", axis=1, block_size=3)]
    constants = {"s": np.ones((4, 2), np.float32), "z": np.zeros((4, 2), np.uint8)}
    model = small_model(nodes, feeds, {"y": TensorProto.UINT8}, constants, opset=21)
    run, _ = convert(atc_path, model.SerializeToString(), tmp_path)
    assert run.returncode != 0
    assert "block_size" in run.stdout

# SPDX-License-Identifier: Apache-2.0
"""Convolutions, products, poolings, softmax and element-wise functions of every kind of size, against double precision.

`test_cpu_levels.py` runs this file again with every lower level of instructions that the machine has.
"""

import math

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from oracle_support import converted_outputs, one_node, oracle_outputs, small_model

RNG = np.random.default_rng(7)


def floats(*shape):
    return np.asarray(RNG.uniform(-1, 1, shape), np.float32)


def assert_close(atc_path, device, folder, model, feeds, wanted=None):
    wanted = wanted if wanted is not None else oracle_outputs(model, feeds)
    for got, want in zip(converted_outputs(atc_path, device, folder, model, feeds, wanted), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5 * max(1, float(np.abs(want).max(initial=0))))


# Batch, channels, height, width, outputs, window, strides, dilations, pads (top, left, bottom, right).
CONVOLUTIONS = [
    (1, 1, 1, 1, 1, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    (1, 3, 19, 23, 16, (7, 7), (2, 2), (1, 1), (3, 3, 3, 3)),
    (2, 5, 9, 11, 21, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    (3, 17, 7, 7, 33, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 16, 14, 13, 48, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0)),
    (1, 40, 5, 5, 15, (1, 1), (2, 2), (1, 1), (0, 0, 0, 0)),
    (2, 4, 16, 10, 32, (5, 3), (2, 1), (1, 1), (2, 0, 1, 2)),
    (1, 8, 20, 20, 24, (3, 3), (1, 1), (2, 3), (2, 3, 2, 3)),
    (1, 2, 4, 4, 64, (4, 4), (1, 1), (1, 1), (3, 3, 3, 3)),
    (1, 6, 3, 40, 7, (1, 9), (1, 2), (1, 1), (0, 4, 0, 4)),
    (1, 200, 3, 3, 100, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1)),
    (1, 7, 30, 1, 18, (3, 1), (1, 1), (1, 1), (1, 0, 1, 0)),
]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: "x".join(map(str, case[:5])))
@pytest.mark.parametrize("has_bias", [False, True])
def test_convolution(atc_path, device, tmp_path, case, has_bias):
    batch, channels, height, width, outputs, window, strides, dilations, pads = case
    feeds = {"x": floats(batch, channels, height, width)}
    constants = {"w": floats(outputs, channels, *window)} | ({"b": floats(outputs)} if has_bias else {})
    model = one_node("Conv", feeds, constants, strides=strides, dilations=dilations, pads=pads)
    assert_close(atc_path, device, tmp_path, model, feeds)


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda case: "x".join(map(str, case[:4])))
def test_depthwise_convolution(atc_path, device, tmp_path, case):
    batch, channels, height, width, _, window, strides, dilations, pads = case
    feeds = {"x": floats(batch, channels, height, width)}
    constants = {"w": floats(channels, 1, *window), "b": floats(channels)}
    model = one_node("Conv", feeds, constants, strides=strides, dilations=dilations, pads=pads, group=channels)
    assert_close(atc_path, device, tmp_path, model, feeds)


# Convolutions of 3 by 3 that are computed by tiles of four rows, or of two.
# Batch, channels, height, width, outputs, pads.
TILED = [
    (1, 32, 16, 16, 32, (1, 1, 1, 1)),
    (2, 33, 17, 30, 47, (1, 1, 1, 1)),
    (1, 40, 27, 33, 40, (0, 2, 1, 0)),
    (3, 16, 11, 22, 72, (2, 2, 2, 2)),
    (1, 96, 14, 14, 96, (1, 1, 1, 1)),
    (2, 100, 11, 13, 90, (1, 0, 2, 1)),
    (1, 128, 28, 28, 64, (1, 1, 1, 1)),
]


def convolved(x, w, pads):
    """A convolution without strides in double precision."""
    top, left, bottom, right = pads
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, w.shape[2:], (2, 3))
    return np.einsum("nchwij,ocij->nohw", windows, w.astype(np.float64), optimize=True)


def conv_then(nodes, x, w, constants, pads):
    """A model of a convolution and other nodes, which read `c`, `x` or constants and write `y`."""
    conv = helper.make_node("Conv", ["x", "w", "b"] if "b" in constants else ["x", "w"], ["c"], pads=pads)
    return small_model([conv, *nodes], {"x": x}, {"y": TensorProto.FLOAT}, {"w": w} | constants)


@pytest.mark.parametrize("case", TILED, ids=lambda case: "x".join(map(str, case[:5])))
@pytest.mark.parametrize("end", ["bias", "clip", "sum", "swish", "quotient"])
def test_convolution_by_tiles(atc_path, device, tmp_path, case, end):
    """Within 1e-5 of the range of the sums."""
    batch, channels, height, width, outputs, pads = case
    x, w, b = floats(batch, channels, height, width), floats(outputs, channels, 3, 3), floats(outputs)
    c = convolved(x, w, pads) + b[:, None, None]
    other = floats(*c.shape)
    nodes, wanted, constants = {
        "bias": ([helper.make_node("Identity", ["c"], ["y"])], c, {}),
        "clip": (
            [helper.make_node("Clip", ["c", "low", "high"], ["y"])],
            np.clip(c, -0.5, 4),
            {"low": np.float32(-0.5), "high": np.float32(4)},
        ),
        "sum": (
            [helper.make_node("Add", ["other", "c"], ["s"]), helper.make_node("Relu", ["s"], ["y"])],
            np.maximum(c + other, 0),
            {"other": other},
        ),
        "swish": (
            [helper.make_node("Sigmoid", ["c"], ["s"]), helper.make_node("Mul", ["c", "s"], ["y"])],
            c / (1 + np.exp(-c)),
            {},
        ),
        "quotient": (
            [helper.make_node("Div", ["c", "two"], ["y"])],
            c / 2,
            {"two": np.full((outputs, 1, 1), 2, np.float32)},
        ),
    }[end]
    model = conv_then(nodes, x, w, {"b": b} | constants, pads)
    like = [wanted.astype(np.float32)]
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, like)
    assert np.abs(found - wanted).max() <= 1e-5 * np.ptp(c)


@pytest.mark.parametrize("case", [TILED[1], TILED[5]], ids=["four", "two"])
@pytest.mark.parametrize("place", [(0, 0, 0), (3, 5, 6), (20, 10, 12)])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, np.float32(3e38)])
def test_special_values_in_tiles(atc_path, device, tmp_path, case, place, value):
    """One pixel changes those results only whose windows contain it; great numbers do not run over on the way."""
    batch, channels, height, width, outputs, pads = case
    x, w = floats(batch, channels, height, width), floats(outputs, channels, 3, 3)
    w *= np.float32(1e-3) if value == np.float32(3e38) else np.float32(1)
    x[(0, *place)] = value
    model = conv_then([helper.make_node("Identity", ["c"], ["y"])], x, w, {}, pads)
    with np.errstate(all="ignore"):
        wanted = convolved(x, w, pads).astype(np.float32)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [wanted])
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    finite = np.isfinite(wanted)
    assert finite.any()
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    error = np.abs(found[finite].astype(np.float64) - wanted[finite])
    assert error.max() <= 1e-5 * max(np.abs(wanted[finite]).max(), 100)


@pytest.mark.parametrize("case", [TILED[0], TILED[4]], ids=["four", "two"])
def test_infinite_weights_of_tiles(atc_path, device, tmp_path, case):
    batch, channels, height, width, outputs, pads = case
    x, w = floats(batch, channels, height, width), floats(outputs, channels, 3, 3)
    w[5, 3, 1, 1] = np.inf
    x[0, 3] = np.abs(x[0, 3]) + 1
    model = conv_then([helper.make_node("Identity", ["c"], ["y"])], x, w, {}, pads)
    wanted = oracle_outputs(model, {"x": x})
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, wanted)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(wanted[0]))
    finite = np.isfinite(wanted[0])
    assert not finite.all() and np.abs(found[finite] - wanted[0][finite]).max() < 1e-3


@pytest.mark.parametrize("length, stride, pads", [(1, 1, (0, 0)), (40, 1, (1, 1)), (37, 3, (2, 0))])
def test_convolution_over_one_dimension(atc_path, device, tmp_path, length, stride, pads):
    feeds = {"x": floats(2, 9, length)}
    size = min(length + sum(pads), 3)
    model = one_node("Conv", feeds, {"w": floats(20, 9, size)}, strides=[stride], pads=pads)
    assert_close(atc_path, device, tmp_path, model, feeds)


@pytest.mark.parametrize("rows", [1, 2, 5, 6, 7, 8, 9, 17, 49, 100])
@pytest.mark.parametrize("depth, columns", [(1, 1), (3, 16), (64, 33), (70, 47), (128, 130)])
def test_product_with_constants(atc_path, device, tmp_path, rows, depth, columns):
    feeds = {"x": floats(rows, depth)}
    model = one_node("MatMul", feeds, {"w": floats(depth, columns)})
    wanted = [(feeds["x"].astype(np.float64) @ model_constant(model, "w")).astype(np.float32)]
    assert_close(atc_path, device, tmp_path, model, feeds, wanted)


def model_constant(model, name):
    return next(numpy_helper.to_array(i) for i in model.graph.initializer if i.name == name).astype(np.float64)


def test_rows_do_not_depend_on_how_a_product_is_cut(atc_path, device, tmp_path):
    """25 rows are cut into 24 and one, which is not added up like the only row of a product."""
    x, w = floats(26, 64), floats(64, 16)
    results = []
    for rows in (25, 26):
        feeds = {"x": x[:rows]}
        model = one_node("MatMul", feeds, {"w": w})
        wanted = oracle_outputs(model, feeds)
        (tmp_path / str(rows)).mkdir()
        results += converted_outputs(atc_path, device, tmp_path / str(rows), model, feeds, wanted)
    np.testing.assert_array_equal(results[0], results[1][:25])


@pytest.mark.parametrize("channels", [1, 3, 16, 37])
@pytest.mark.parametrize(
    "window, strides, pads",
    [((2, 2), (2, 2), (0, 0, 0, 0)), ((3, 3), (2, 1), (1, 1, 1, 1)), ((1, 5), (1, 1), (0, 2, 0, 2))],
)
@pytest.mark.parametrize("op", ["MaxPool", "AveragePool"])
def test_pooling(atc_path, device, tmp_path, op, window, strides, pads, channels):
    feeds = {"x": floats(2, channels, 9, 12)}
    for include in [0, 1] if op == "AveragePool" else [None]:
        options = {} if include is None else {"count_include_pad": include}
        model = one_node(op, feeds, kernel_shape=window, strides=strides, pads=pads, **options)
        folder = tmp_path / f"include_{include}"
        folder.mkdir()
        assert_close(atc_path, device, folder, model, feeds)


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("op", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 7), (3, 16, 4, 70), (1, 33, 2, 16)])
def test_softmax(atc_path, device, tmp_path, op, shape, axis):
    feeds = {"x": 20 * floats(*shape)}
    model = one_node(op, feeds, axis=axis)
    x = feeds["x"].astype(np.float64)
    powers = np.exp(x - x.max(axis, keepdims=True))
    wanted = powers / powers.sum(axis, keepdims=True)
    wanted = np.log(wanted) if op == "LogSoftmax" else wanted
    assert_close(atc_path, device, tmp_path, model, feeds, [wanted.astype(np.float32)])


def _softplus(x):
    return np.logaddexp(0, x)


_erfc = np.vectorize(math.erfc)

# What each function gives in double precision. Not the whole range: near zeros of a function no error is relative.
FUNCTIONS = {
    "Sigmoid": lambda x: np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x))),
    "Tanh": np.tanh,
    "Exp": np.exp,
    "Elu": lambda x: np.where(x < 0, np.expm1(np.minimum(x, 0)), x),
    "Softplus": _softplus,
    "Mish": lambda x: x * np.tanh(_softplus(x)),
    "Erf": np.vectorize(math.erf),
    "Reciprocal": lambda x: 1 / x,
    "HardSwish": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "Gelu": lambda x: 0.5 * x * _erfc(-x / math.sqrt(2)),
}


@pytest.mark.parametrize("op", FUNCTIONS)
def test_functions_over_all_exponents(atc_path, device, tmp_path, op):
    """Within 4 units in the last place; HardSwish, which rounds 1/6 first, near its zero to an absolute bound."""
    bits = np.arange(0, 0x7F800000, 0x7F800000 // 6000, dtype=np.uint32).view(np.float32)
    x = np.concatenate([bits, -bits, np.linspace(-110, 100, 3001, dtype=np.float32)])
    model = one_node(op, {"x": x}, opset=20 if op == "Gelu" else 18)
    with np.errstate(all="ignore"):
        wanted = FUNCTIONS[op](x.astype(np.float64))
        rounded = wanted.astype(np.float32)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [rounded])
    finite = np.isfinite(rounded)
    np.testing.assert_array_equal(found[~finite], rounded[~finite])
    unit = np.spacing(np.abs(rounded[finite]))
    error = np.abs(found[finite].astype(np.float64) - wanted[finite])
    allowed = 4 * unit + (1e-6 if op == "HardSwish" else 0)
    worst = int(np.argmax(error / allowed))
    assert (error <= allowed).all(), (op, x[finite][worst], found[finite][worst], wanted[finite][worst])


SPECIAL = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5, 3e38, -3e38, 1e-42])


@pytest.mark.parametrize(
    "op", ["Relu", "LeakyRelu", "HardSigmoid", "Sigmoid", "Tanh", "Exp", "Abs", "Sqrt", "Softplus", "Elu"]
)
@pytest.mark.parametrize("repeats", [1, 1000])
def test_special_values_of_functions(atc_path, device, tmp_path, op, repeats):
    x = np.tile(SPECIAL, repeats)
    model = one_node(op, {"x": x})
    with np.errstate(all="ignore"):
        wanted = oracle_outputs(model, {"x": x})
        if op == "HardSigmoid":  # ONNX Runtime loses NaN here.
            wanted = [np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1)]
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, wanted)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted[0]))
    # ONNX Runtime's tangent is not precise for the least numbers.
    np.testing.assert_allclose(found, wanted[0], rtol=1e-6, atol=1e-41)


@pytest.mark.parametrize("shape", [(3, 1), (2, 5), (4, 3, 16), (2, 3, 7, 70), (1, 200)])
@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin"])
def test_reduction_of_rows(atc_path, device, tmp_path, op, shape):
    x = np.tile(floats(*shape), (90,) + (1,) * (len(shape) - 1))
    fold = getattr(np, {"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "max", "ReduceMin": "min"}[op])
    options = {} if op == "ReduceSum" else {"axes": [-1]}
    model = one_node(op, {"x": x}, {"axes": np.int64([-1])} if op == "ReduceSum" else None, opset=17, **options)
    wanted = [fold(x.astype(np.float64), -1, keepdims=True).astype(np.float32)]
    assert_close(atc_path, device, tmp_path, model, {"x": x}, wanted)


@pytest.mark.parametrize("op", ["Add", "Sub", "Mul", "Div", "Max", "Min"])
@pytest.mark.parametrize("other", [(), (1,), (41,), (90, 1), (3, 90, 1), (3, 1, 41), (3, 90, 41)])
def test_two_operands(atc_path, device, tmp_path, op, other):
    feeds = {"a": floats(3, 90, 41), "b": np.asarray(floats(*other) + np.float32(3), np.float32)}
    functions = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
    function = functions.get(op) or getattr(np, op.lower() + "imum")
    wanted = [function(feeds["a"], feeds["b"])]
    assert_close(atc_path, device, tmp_path, one_node(op, feeds), feeds, wanted)


@pytest.mark.parametrize("exponent", [2, 3, 4, -1, 0.5])
def test_powers(atc_path, device, tmp_path, exponent):
    x = np.float32([*np.linspace(0.1, 50, 5000)])
    model = one_node("Pow", {"x": x}, {"p": np.float32(exponent)})
    wanted = [(x.astype(np.float64) ** exponent).astype(np.float32)]
    assert_close(atc_path, device, tmp_path, model, {"x": x}, wanted)


@pytest.mark.parametrize("place", [0, 5, 16, 40])
def test_not_a_number_in_maxima_and_rows(atc_path, device, tmp_path, place):
    image = floats(1, 41, 4, 4)
    image[0, place, 1, 2] = np.nan
    model = one_node("MaxPool", {"x": image}, kernel_shape=[2, 2])
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": image}, [np.zeros((1, 41, 3, 3), np.float32)])
    expected = np.zeros((41, 3, 3), bool)
    expected[place, 0:2, 1:3] = True
    np.testing.assert_array_equal(np.isnan(found[0]), expected)

    rows = floats(3, 41)
    rows[1, place] = np.nan
    folder = tmp_path / "rows"
    folder.mkdir()
    (found,) = converted_outputs(atc_path, device, folder, one_node("Softmax", {"x": rows}), {"x": rows}, [rows])
    assert np.isnan(found[1]).all() and not np.isnan(found[[0, 2]]).any()


def test_maxima_of_nothing_but_minus_infinity(atc_path, device, tmp_path):
    image = np.full((1, 20, 4, 4), -np.inf, np.float32)
    model = one_node("MaxPool", {"x": image}, kernel_shape=[2, 2], strides=[2, 2], output=TensorProto.FLOAT)
    wanted = [np.full((1, 20, 2, 2), -np.inf, np.float32)]
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": image}, wanted)
    np.testing.assert_array_equal(found, wanted[0])

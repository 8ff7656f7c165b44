# SPDX-License-Identifier: Apache-2.0
"""Kernels besides convolutions and products, also large enough to be cut into parts, against numpy and ONNX Runtime.

`test_cpu_levels.py` runs this file again with every lower level of instructions that the machine has.
"""

import itertools

import numpy as np
import pytest
from onnx import TensorProto, helper

from oracle_support import assert_like_oracle, converted_outputs, one_node, oracle_outputs, small_model

RNG = np.random.default_rng(11)


def floats(*shape):
    return np.asarray(RNG.uniform(-1, 1, shape), np.float32)


def with_specials(x):
    """The same with NaN and infinities in some places."""
    flat = x.reshape(-1)
    places = RNG.choice(flat.size, min(9, flat.size), replace=False)
    flat[places] = np.resize(np.float32([np.nan, np.inf, -np.inf]), places.size)
    return x


def assert_equals(atc_path, device, folder, model, feeds, *wanted):
    for got, want in zip(converted_outputs(atc_path, device, folder, model, feeds, wanted), wanted, strict=True):
        np.testing.assert_array_equal(got, want)


FOLDS = {"ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceMin": np.min}
AXES = [axes for count in (1, 2, 3, 4) for axes in itertools.combinations(range(4), count)]


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize("op", FOLDS)
def test_fold_over_any_dimensions(atc_path, device, tmp_path, op, axes):
    x = floats(3, 5, 17, 70)
    options = {} if op == "ReduceSum" else {"axes": axes}
    constants = {"axes": np.int64(axes)} if op == "ReduceSum" else None
    model = one_node(op, {"x": x}, constants, keepdims=0, **options)
    wanted = FOLDS[op](x.astype(np.float64), axes).astype(np.float32)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [wanted])
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5 if op in ("ReduceSum", "ReduceMean") else 0)


@pytest.mark.parametrize(
    "shape, axis", [((4, 9, 21), 0), ((4, 9, 21), 1), ((4, 9, 21), 2), ((40, 7), 1), ((3, 300), 1)]
)
@pytest.mark.parametrize("op", FOLDS)
def test_special_values_in_folds(atc_path, device, tmp_path, op, shape, axis):
    x = with_specials(floats(*shape))
    options = {} if op == "ReduceSum" else {"axes": [axis]}
    model = one_node(op, {"x": x}, {"axes": np.int64([axis])} if op == "ReduceSum" else None, keepdims=0, **options)
    with np.errstate(all="ignore"):
        wanted = FOLDS[op](x.astype(np.float64), axis).astype(np.float32)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [wanted])
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def test_sum_of_a_long_column_keeps_its_digits(atc_path, device, tmp_path):
    x = np.full((100_000, 3), 0.1, np.float32)
    model = one_node("ReduceMean", {"x": x}, axes=[0], keepdims=0)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [np.zeros(3, np.float32)])
    np.testing.assert_allclose(found, 0.1, rtol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 5, 7), (17, 33, 40), (9, 100, 70)])
@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_place_of_the_extreme(atc_path, device, tmp_path, op, shape, axis):
    ties = RNG.integers(-9, 9, shape).astype(np.float32)
    for name, x in (("ties", ties), ("specials", with_specials(floats(*shape)))):
        folder = tmp_path / name
        folder.mkdir()
        wanted = (np.argmax if op == "ArgMax" else np.argmin)(x, axis)
        model = one_node(op, {"x": x}, axis=axis, keepdims=0, output=TensorProto.INT64)
        assert_equals(atc_path, device, folder, model, {"x": x}, wanted)


def saturated(x, dtype):
    bounds = np.iinfo(dtype)
    whole = np.trunc(np.nan_to_num(x.astype(np.float64), nan=0.0, posinf=1e30, neginf=-1e30))
    return np.array([min(max(int(v), bounds.min), bounds.max) for v in whole.reshape(-1)], dtype).reshape(x.shape)


@pytest.mark.parametrize("count", [1, 15, 16, 37, 50_000])
@pytest.mark.parametrize("target", [np.int8, np.uint8, np.int32, np.int64])
def test_cast_of_floats_to_integers(atc_path, device, tmp_path, target, count):
    edges = np.float32(
        [np.nan, np.inf, -np.inf, 2**31, -(2**31), 2**63, -(2**63), 2147483520, 127.9, -128.9, 255.5, -0.9]
    )
    x = np.resize(np.concatenate([edges, 300 * floats(200), 1e10 * floats(50)]), count)
    model = one_node("Cast", {"x": x}, to=helper.np_dtype_to_tensor_dtype(np.dtype(target)),
                     output=helper.np_dtype_to_tensor_dtype(np.dtype(target)))  # fmt: skip
    assert_equals(atc_path, device, tmp_path, model, {"x": x}, saturated(x, target))


@pytest.mark.parametrize("count", [1, 15, 16, 37, 65_536])
def test_cast_between_floats_and_halves(atc_path, device, tmp_path, count):
    halves = np.arange(65_536, dtype=np.uint32).astype(np.uint16).view(np.float16)[-count:]
    model = one_node("Cast", {"x": halves}, to=TensorProto.FLOAT)
    assert_equals(atc_path, device, tmp_path, model, {"x": halves}, halves.astype(np.float32))
    x = np.resize(np.concatenate([np.float32([65519, 65520, 1e-8, 6e-8, np.nan, -np.inf]), 70000 * floats(999)]), count)
    folder = tmp_path / "down"
    folder.mkdir()
    model = one_node("Cast", {"x": x}, to=TensorProto.FLOAT16, output=TensorProto.FLOAT16)
    with np.errstate(over="ignore"):
        wanted = x.astype(np.float16)
    assert_equals(atc_path, device, folder, model, {"x": x}, wanted)


@pytest.mark.parametrize("op, function", [("Floor", np.floor), ("Ceil", np.ceil), ("Round", np.rint)])
def test_rounding(atc_path, device, tmp_path, op, function):
    x = np.concatenate([with_specials(9 * floats(5000)), np.float32([0.5, 1.5, 2.5, -0.5, -1.5, -0.0, 8388607.5, 3e9])])
    assert_equals(atc_path, device, tmp_path, one_node(op, {"x": x}), {"x": x}, function(x))


@pytest.mark.parametrize("op, function", [("Sin", np.sin), ("Cos", np.cos)])
def test_sines_over_all_sizes(atc_path, device, tmp_path, op, function):
    x = np.concatenate(
        [with_specials(4 * floats(3001)), 1e5 * floats(3001), 10 ** (38 * floats(2000)), np.float32([-0.0])]
    )
    with np.errstate(all="ignore"):
        wanted = function(x.astype(np.float64))
    (found,) = converted_outputs(atc_path, device, tmp_path, one_node(op, {"x": x}), {"x": x}, [x])
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    finite = np.isfinite(wanted)
    error = np.abs(found[finite] - wanted[finite]) / np.spacing(np.abs(wanted[finite]).astype(np.float32))
    assert error.max() <= 4, (x[finite][error.argmax()], error.max())
    assert np.signbit(found[-1]) == (op == "Sin")


@pytest.mark.parametrize("shape", [(1, 5, 7), (2, 3, 40, 41), (3, 64, 9, 9)], ids=str)
def test_normalisation_of_channels(atc_path, device, tmp_path, shape):
    x = 3 * floats(*shape) + 5
    constants = {"scale": floats(shape[1]), "bias": floats(shape[1])}
    model = one_node("InstanceNormalization", {"x": x}, constants, epsilon=1e-3)
    axes, vector = tuple(range(2, x.ndim)), (-1,) + (1,) * (x.ndim - 2)
    wide = x.astype(np.float64)
    normal = (wide - wide.mean(axes, keepdims=True)) / np.sqrt(wide.var(axes, keepdims=True) + 1e-3)
    wanted = normal * constants["scale"].reshape(vector) + constants["bias"].reshape(vector)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [x])
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


# Cell, hidden, batch, attributes.
RECURRENT = [
    ("LSTM", 16, 1, {}),
    ("LSTM", 5, 3, {"direction": "bidirectional"}),
    ("LSTM", 37, 20, {"direction": "reverse"}),
    ("LSTM", 24, 9, {"direction": "bidirectional", "clip": 0.4}),
    ("LSTM", 8, 4, {"input_forget": 1}),
    ("LSTM", 20, 2, {"activations": ["HardSigmoid", "Relu", "Elu"]}),
    ("LSTM", 20, 2, {"activations": ["Sigmoid", "Softsign", "Tanh"]}),
    ("GRU", 16, 1, {}),
    ("GRU", 5, 3, {"direction": "bidirectional"}),
    ("GRU", 37, 20, {"direction": "reverse", "linear_before_reset": 1}),
    ("GRU", 24, 9, {"direction": "bidirectional", "clip": 0.4}),
    ("GRU", 40, 6, {"direction": "bidirectional", "linear_before_reset": 1}),
]


@pytest.mark.parametrize("has_options", [False, True])
@pytest.mark.parametrize("case", RECURRENT, ids=lambda case: "-".join(map(str, case[:3])))
def test_recurrent_networks(atc_path, device, tmp_path, case, has_options):
    op, hidden, batch, attributes = case
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    gates, steps, width = 4 if op == "LSTM" else 3, 6, 11
    if "activations" in attributes:
        attributes = attributes | {"activations": attributes["activations"] * directions}
    feeds = {"x": floats(steps, batch, width)}
    constants = {"w": floats(directions, gates * hidden, width), "r": floats(directions, gates * hidden, hidden) / 3}
    inputs = ["x", "w", "r"]
    if has_options:
        feeds["lengths"] = RNG.integers(1, steps + 1, batch).astype(np.int32)
        feeds["h"] = floats(directions, batch, hidden)
        constants["b"] = floats(directions, 2 * gates * hidden)
        inputs += ["b", "lengths", "h"]
        if op == "LSTM":
            feeds["c"] = floats(directions, batch, hidden)
            constants["p"] = floats(directions, 3 * hidden)
            inputs += ["c", "p"]
            # ONNX Runtime is not right about peepholes with coupled gates.
            if "input_forget" in attributes:
                inputs.pop()
                del constants["p"]
    names = ["y", "y_h"] + (["y_c"] if op == "LSTM" else [])
    node = helper.make_node(op, inputs, names, name="node", hidden_size=hidden, **attributes)
    model = small_model([node], feeds, {name: TensorProto.FLOAT for name in names}, constants)
    wanted = oracle_outputs(model, feeds)
    for got, want in zip(converted_outputs(atc_path, device, tmp_path, model, feeds, wanted), wanted, strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-5)


PERMUTATIONS = [(0, 1, 3, 2), (0, 2, 1, 3), (0, 2, 3, 1), (0, 3, 1, 2), (3, 2, 1, 0), (2, 0, 3, 1)]


@pytest.mark.parametrize("shape", [(2, 19, 37, 33), (1, 64, 33, 16), (3, 2, 130, 70), (1, 16, 1, 17)], ids=str)
def test_transposition(atc_path, device, tmp_path, shape):
    x = floats(*shape)
    for permutation in PERMUTATIONS:
        folder = tmp_path / "".join(map(str, permutation))
        folder.mkdir()
        model = one_node("Transpose", {"x": x}, perm=permutation)
        assert_equals(atc_path, device, folder, model, {"x": x}, x.transpose(permutation))


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.int32, np.int64])
def test_transposition_of_other_types(atc_path, device, tmp_path, dtype):
    x = RNG.integers(0, 99, (300, 171)).astype(dtype)
    model = one_node("Transpose", {"x": x}, perm=[1, 0], output=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    assert_equals(atc_path, device, tmp_path, model, {"x": x}, x.T)


@pytest.mark.parametrize("coordinates", ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"])
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("sizes", [(1, 3, 14, 22), (1, 3, 60, 1), (1, 3, 3, 40)], ids=str)
def test_resize(atc_path, device, tmp_path, sizes, mode, coordinates):
    feeds = {"x": floats(1, 3, 7, 11)}
    if mode == "cubic" and coordinates == "align_corners" and 1 in sizes[2:]:
        pytest.skip("ONNX Runtime divides by 0")
    model = one_node(
        "Resize", feeds, {"sizes": np.int64(sizes)}, inputs=["x", "", "", "sizes"], mode=mode,
        coordinate_transformation_mode=coordinates)  # fmt: skip
    wanted = oracle_outputs(model, feeds)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, feeds, wanted)
    np.testing.assert_allclose(found, wanted[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.int64])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_gather_of_many_slices(atc_path, device, tmp_path, axis, dtype):
    x = RNG.integers(0, 200, (40, 70, 90)).astype(dtype)
    indices = RNG.integers(-x.shape[axis], x.shape[axis], (3, 35))
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    feeds = {"x": x, "i": indices}
    assert_equals(
        atc_path, device, tmp_path, one_node("Gather", feeds, axis=axis, output=kind), feeds, np.take(x, indices, axis)
    )


@pytest.mark.parametrize("axis", [0, 1])
def test_gather_and_scatter_of_elements(atc_path, device, tmp_path, axis):
    x = floats(200, 300)
    indices = np.stack([RNG.permutation(200 if axis == 0 else 300)[:150] for _ in range(120)])
    indices = np.ascontiguousarray(indices.T if axis == 0 else indices)
    feeds = {"x": x, "i": indices - (200 if axis == 0 else 300)}
    model = one_node("GatherElements", feeds, axis=axis)
    wanted = np.take_along_axis(x[:, :120] if axis == 0 else x[:120], indices, axis)
    assert_equals(atc_path, device, tmp_path, model, feeds, wanted)
    feeds |= {"u": floats(*indices.shape)}
    wanted = x.copy()
    np.put_along_axis(wanted[:, :120] if axis == 0 else wanted[:120], indices, feeds["u"], axis)
    folder = tmp_path / "scatter"
    folder.mkdir()
    assert_equals(atc_path, device, folder, one_node("ScatterElements", feeds, axis=axis), feeds, wanted)


def test_gather_by_tuples(atc_path, device, tmp_path):
    feeds = {"x": floats(30, 40, 50), "i": RNG.integers(-30, 30, (2, 700, 2))}
    wanted = feeds["x"][feeds["i"][..., 0], feeds["i"][..., 1]]
    assert_equals(atc_path, device, tmp_path, one_node("GatherND", feeds), feeds, wanted)


BROADCASTS = [
    ((40, 50, 60), (40, 50, 60)),
    ((60,), (40, 50, 60)),
    ((40, 1, 60), (50, 1)),
    ((900, 1), (1, 700)),
    ((1,), (9, 99, 99)),
]


@pytest.mark.parametrize("shapes", BROADCASTS, ids=str)
@pytest.mark.parametrize("op", ["Sub", "Pow", "Less", "PRelu"])
def test_broadcast_of_large_operands(atc_path, device, tmp_path, op, shapes):
    feeds = {"a": floats(*shapes[0]), "b": floats(*shapes[1])}
    if op == "PRelu":
        feeds["a"] = floats(*np.broadcast_shapes(*shapes))
    if op == "Pow":
        feeds["a"] = np.abs(feeds["a"]) + np.float32(0.5)
    model = one_node(op, feeds, output=TensorProto.BOOL if op == "Less" else TensorProto.FLOAT)
    assert_like_oracle(atc_path, device, tmp_path, model, feeds)


def test_broadcast_of_no_rows(atc_path, device, tmp_path):
    feeds = {"a": floats(3, 40_000), "b": floats(40_000)}
    nodes = [
        helper.make_node("Slice", ["a", "zero", "zero", "zero"], ["none"]),
        helper.make_node("Pow", ["none", "b"], ["still_none"]),
        helper.make_node("Concat", ["a", "still_none"], ["y"], axis=0),
    ]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, {"zero": np.int64([0])})
    assert_equals(atc_path, device, tmp_path, model, feeds, feeds["a"])


CHOICES = [((), ()), ((400, 300), ()), ((), (400, 300)), ((300,), (400, 1)), ((400, 300), (400, 300))]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8, np.int64])
@pytest.mark.parametrize("shapes", CHOICES, ids=str)
def test_choice_between_large_tensors(atc_path, device, tmp_path, shapes, dtype):
    feeds = {"c": RNG.integers(0, 2, (400, 300)).astype(bool)}
    feeds |= {
        name: np.asarray(RNG.integers(0, 99, shape)).astype(dtype) for name, shape in zip("ab", shapes, strict=True)
    }
    model = one_node("Where", feeds, output=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))
    assert_equals(atc_path, device, tmp_path, model, feeds, np.where(*feeds.values()))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_joining_of_large_tensors(atc_path, device, tmp_path, axis):
    feeds = {
        name: floats(*(size if a == axis else 61 for a in range(3)))
        for name, size in zip("abc", (70, 1, 33), strict=True)
    }
    model = one_node("Concat", feeds, axis=axis)
    assert_equals(atc_path, device, tmp_path, model, feeds, np.concatenate(list(feeds.values()), axis))


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("exclusive, reverse", [(0, 0), (1, 1)])
def test_running_sums(atc_path, device, tmp_path, axis, exclusive, reverse):
    feeds = {"x": floats(20, 70, 150)}
    model = one_node("CumSum", feeds, {"axis": np.int64(axis)}, exclusive=exclusive, reverse=reverse)
    x = np.flip(feeds["x"], axis) if reverse else feeds["x"]
    sums = np.cumsum(x.astype(np.float64), axis) - (x if exclusive else 0)
    wanted = np.flip(sums, axis) if reverse else sums
    (found,) = converted_outputs(atc_path, device, tmp_path, model, feeds, [wanted.astype(np.float32)])
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("axis", [0, 1])
def test_best_of_many_rows(atc_path, device, tmp_path, axis, largest):
    x = with_specials(RNG.integers(-50, 50, (90, 200)).astype(np.float32))
    order = np.argsort(-x if largest else x, axis, kind="stable")
    if largest:  # NaN counts as the largest
        order = np.argsort(np.where(np.isnan(x), -np.inf, -np.clip(x, -1e30, 1e30)), axis, kind="stable")
    best = np.take(order, range(7), axis)
    node = helper.make_node("TopK", ["x", "k"], ["y", "i"], name="node", axis=axis, largest=largest)
    model = small_model([node], {"x": x}, {"y": TensorProto.FLOAT, "i": TensorProto.INT64}, {"k": np.int64([7])})
    assert_equals(atc_path, device, tmp_path, model, {"x": x}, np.take_along_axis(x, best, axis), best)


def test_slopes_between_convolutions(atc_path, device, tmp_path):
    x = floats(1, 3, 30, 31)
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["a"]),
        helper.make_node("PRelu", ["a", "s1"], ["b"]),
        helper.make_node("MaxPool", ["b"], ["c"], kernel_shape=[3, 3], strides=[2, 2]),
        helper.make_node("Conv", ["c", "w2", "b2"], ["d"]),
        helper.make_node("PRelu", ["d", "s2"], ["e"]),
        helper.make_node("Conv", ["e", "w3", "b3"], ["f"]),
        helper.make_node("PRelu", ["f", "s3"], ["y"]),
    ]
    constants = {"w1": floats(28, 3, 3, 3), "b1": floats(28), "s1": floats(28, 1, 1), "w2": floats(48, 28, 3, 3),
                 "b2": floats(48), "s2": floats(48, 1, 1), "w3": floats(20, 48, 2, 2), "b3": floats(20),
                 "s3": floats(1, 1, 1)}  # fmt: skip
    model = small_model(nodes, {"x": x}, {"y": TensorProto.FLOAT}, constants)
    wanted = oracle_outputs(model, {"x": x})
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, wanted)
    np.testing.assert_allclose(found, wanted[0], rtol=1e-4, atol=1e-2)

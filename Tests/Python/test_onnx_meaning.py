# SPDX-License-Identifier: Apache-2.0
"""Operators whose ONNX meaning is not that of the GE operator of the same name, or has corners easily missed."""

import numpy as np
import pytest
from onnx import TensorProto, helper

from model_support import convert
from oracle_support import assert_like_oracle, one_node, small_model

SPECIAL = np.float32([np.nan, np.inf, -np.inf, -2.5, -0.0, 0.0, 2.5, 1e30, -1e30, 4.0])
# Small tensors and large ones are computed by different kernels.
SIZES = (10, 5000)


@pytest.fixture
def agrees(atc_path, device, tmp_path):
    def check(model, feeds, wanted=None):
        assert_like_oracle(atc_path, device, tmp_path, model, feeds, wanted)

    return check


def special(size):
    return np.resize(SPECIAL, size)


# A slope of PRelu broadcasts as in numpy, also where it could be taken for one number for each channel.
@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("slope", [(4,), (1,), (1, 4), (4, 1), (4, 1, 1), (3, 1, 1), (1, 4, 1, 1), (2, 4, 4, 4), ()])
def test_slopes_of_prelu_broadcast_from_the_last_dimension(agrees, slope, known):
    rng = np.random.default_rng(3)
    channels = 3 if slope == (3, 1, 1) else 4
    x = rng.standard_normal((2, channels, 4, 4)).astype(np.float32)
    slopes = np.asarray(rng.standard_normal(slope), np.float32)
    feeds = {"x": x} if known else {"x": x, "slope": slopes}
    agrees(one_node("PRelu", feeds, {"slope": slopes} if known else None), feeds)


@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 4, 4)])
def test_slopes_of_prelu_in_few_dimensions(agrees, shape):
    rng = np.random.default_rng(4)
    feeds = {"x": rng.standard_normal(shape).astype(np.float32), "slope": rng.standard_normal(4).astype(np.float32)}
    agrees(one_node("PRelu", feeds), feeds)


@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.float32])
def test_one_hot_rows_of_indices_outside_are_off(agrees, kind, axis):
    indices = np.array([[0, 3, 4, 5, -1], [-4, -5, -9, 100, 2]], kind)
    constants = {"depth": np.int64(4), "values": np.float32([0.25, 7])}
    feeds = {"indices": indices}
    places = np.where(indices < 0, indices + 4, indices)
    wanted = np.where(np.expand_dims(places, axis) == np.moveaxis(np.arange(4).reshape(4, 1, 1), 0, axis), 7, 0.25)
    agrees(one_node("OneHot", feeds, constants, axis=axis), feeds, [wanted.astype(np.float32)])


def test_one_hot_of_constants(agrees):
    """Folded by atc."""
    constants = {"indices": np.int64([0, 7, -1, -5, 3]), "depth": np.int64(4), "values": np.float32([0, 1])}
    nodes = [
        helper.make_node("OneHot", ["indices", "depth", "values"], ["rows"]),
        helper.make_node("Add", ["x", "rows"], ["y"]),
    ]
    feeds = {"x": np.zeros((5, 4), np.float32)}
    agrees(small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants), feeds)


# Bounds of Clip: known to atc or not, in either order, NaN, absent.
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "bounds",
    [(0, 6), (5, 3), (3, 3), (-np.inf, np.inf), (np.nan, 3), (-1, np.nan), (np.nan, np.nan), (np.inf, 1), (2, -np.inf)],
)
@pytest.mark.parametrize("known", [True, False])
def test_clip_between_two_bounds(agrees, bounds, size, known):
    x = special(size)
    limits = {"low": np.array(bounds[0], np.float32), "high": np.array(bounds[1], np.float32)}
    feeds = {"x": x} if known else {"x": x, **limits}
    agrees(one_node("Clip", feeds, limits if known else None), feeds)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("inputs", [["x"], ["x", "bound"], ["x", "", "bound"]])
@pytest.mark.parametrize("known", [True, False])
def test_clip_without_a_bound_keeps_to_finite_numbers(agrees, inputs, size, known):
    bound = {"bound": np.array(1, np.float32)} if "bound" in inputs else {}
    feeds = {"x": special(size), **({} if known else bound)}
    agrees(one_node("Clip", feeds, bound if known else None, inputs=inputs), feeds)


@pytest.mark.parametrize("attributes", [{}, {"min": -1.0}, {"max": 2.0}, {"min": -1.0, "max": 2.0}])
def test_clip_with_attributes(agrees, attributes):
    feeds = {"x": special(5000)}
    agrees(one_node("Clip", feeds, opset=10, **attributes), feeds)


def test_clip_with_attributes_in_the_wrong_order(agrees):
    """ONNX Runtime refuses this model; by the specification the upper bound wins."""
    feeds = {"x": special(5000)}
    wanted = np.where(np.isnan(feeds["x"]), np.nan, 3).astype(np.float32)
    agrees(one_node("Clip", feeds, opset=10, min=5.0, max=3.0), feeds, [wanted])


@pytest.mark.parametrize("bounds", [(0, 6), (5, 3)])
@pytest.mark.parametrize("kind", [np.float16, np.float64, np.int32, np.int8])
def test_clip_of_other_types(agrees, bounds, kind):
    feeds = {"x": np.arange(-10, 10).astype(kind)}
    limits = {"low": kind(bounds[0]), "high": kind(bounds[1])}
    output = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
    wanted = [np.minimum(np.maximum(feeds["x"], limits["low"]), limits["high"])]
    agrees(one_node("Clip", feeds, limits, output=output), feeds, wanted)


def test_a_slope_of_zero_times_infinity(agrees):
    feeds = {"x": special(5000)}
    agrees(one_node("PRelu", feeds, {"slope": np.zeros(1, np.float32)}), feeds)


def test_clip_behind_a_convolution(agrees):
    rng = np.random.default_rng(5)
    feeds = {"x": rng.standard_normal((1, 3, 9, 9)).astype(np.float32)}
    constants = {
        "w": rng.standard_normal((8, 3, 3, 3)).astype(np.float32),
        "low": np.float32(1),
        "high": np.float32(-1),
    }
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node("Clip", ["c", "low", "high"], ["y"])]
    agrees(small_model(nodes, feeds, {"y": TensorProto.FLOAT}, constants), feeds)


def refused(atc_path, folder, model, *texts):
    run, _ = convert(atc_path, model.SerializeToString(), folder)
    assert run.returncode == 255, run.stdout
    for text in texts:
        assert text in run.stdout


def dropout(**more):
    return {"ratio": np.float32(0.5), "training_mode": np.bool_(True), **more}


def test_dropout_in_training_is_refused(atc_path, tmp_path):
    model = one_node("Dropout", {"x": np.zeros(6, np.float32)}, dropout())
    refused(atc_path, tmp_path, model, "E11010", "[node]", "training_mode")


def test_dropout_whose_mode_is_an_input_is_refused(atc_path, tmp_path):
    constants = dropout()
    feeds = {"x": np.zeros(6, np.float32), "training_mode": constants.pop("training_mode").reshape(())}
    model = one_node("Dropout", feeds, constants, inputs=["x", "ratio", "training_mode"])
    refused(atc_path, tmp_path, model, "E11010", "[node]", "training_mode")


@pytest.mark.parametrize("more", [{"training_mode": np.bool_(False)}, {"ratio": np.float32(0)}])
def test_dropout_that_drops_nothing(agrees, more):
    feeds = {"x": special(10)}
    nodes = [helper.make_node("Dropout", ["x", "ratio", "training_mode"], ["y", "mask"])]
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT, "mask": TensorProto.BOOL}, dropout(**more))
    agrees(model, feeds, [feeds["x"], np.ones(10, bool)])

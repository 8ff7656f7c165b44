# SPDX-License-Identifier: Apache-2.0
"""Convolutions of every kind, and their transposes, against sums in double precision.

`test_cpu_levels.py` runs this file again with every lower level of instructions that the machine has.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from onnx import TensorProto, helper

from oracle_support import converted_outputs, oracle_outputs, small_model

RNG = np.random.default_rng(23)


@dataclass
class Case:
    """A convolution, or its transpose if `extra` is given: the padding of its output."""

    batch: int
    channels: int
    image: tuple
    outputs: int
    window: tuple
    groups: int = 1
    strides: tuple = ()
    dilations: tuple = ()
    pads: tuple = ()
    extra: tuple | None = None
    attributes: dict = field(init=False)

    def __post_init__(self):
        rank = len(self.image)
        self.strides = self.strides or (1,) * rank
        self.dilations = self.dilations or (1,) * rank
        self.pads = self.pads or (0,) * 2 * rank
        self.attributes = {
            "strides": self.strides, "dilations": self.dilations, "pads": self.pads, "group": self.groups,
        }  # fmt: skip
        if self.extra is not None:
            self.extra = self.extra or (0,) * rank
            self.attributes["output_padding"] = self.extra

    @property
    def operator(self):
        return "Conv" if self.extra is None else "ConvTranspose"

    @property
    def filter_shape(self):
        if self.extra is None:
            return (self.outputs, self.channels // self.groups, *self.window)
        return (self.channels, self.outputs // self.groups, *self.window)

    def arrays(self):
        x = RNG.uniform(-1, 1, (self.batch, self.channels, *self.image))
        return x.astype(np.float32), RNG.uniform(-1, 1, self.filter_shape).astype(np.float32)

    def __str__(self):
        sizes = "x".join(map(str, (self.batch, self.channels, *self.image)))
        text = f"{sizes} to {self.outputs} by {'x'.join(map(str, self.window))}"
        for name, values, usual in (
            ("s", self.strides, 1), ("d", self.dilations, 1), ("p", self.pads, 0), ("e", self.extra or (), 0),
        ):  # fmt: skip
            if any(value != usual for value in values):
                text += f" {name}{','.join(map(str, values))}"
        return text + (f" g{self.groups}" if self.groups > 1 else "") + (" transposed" if self.extra else "")


def taps(case):
    """Every tap of the window, with how far it lies from the first."""
    for tap in itertools.product(*map(range, case.window)):
        yield tap, [place * dilation for place, dilation in zip(tap, case.dilations, strict=True)]


def span(start, count, stride):
    return slice(start, start + (count - 1) * stride + 1, stride)


def summed(case, x, w):
    """What the operator's definition says, tap by tap."""
    rank, groups = len(case.image), case.groups
    x = x.astype(np.float64).reshape(case.batch, groups, -1, *case.image)
    before, after = case.pads[:rank], case.pads[rank:]
    reach = [(size - 1) * dilation + 1 for size, dilation in zip(case.window, case.dilations, strict=True)]
    w = w.astype(np.float64)
    if case.extra is None:
        w = w.reshape(groups, -1, *w.shape[1:])
        padded = np.pad(x, ((0, 0), (0, 0), (0, 0), *zip(before, after, strict=True)))
        sizes = [
            (length - far) // stride + 1
            for length, far, stride in zip(padded.shape[3:], reach, case.strides, strict=True)
        ]
        y = np.zeros((case.batch, groups, w.shape[1], *sizes))
        for tap, offset in taps(case):
            places = tuple(map(span, offset, sizes, case.strides))
            y += np.einsum("ngc...,goc->ngo...", padded[(..., *places)], w[(..., *tap)])
    else:
        w = w.reshape(groups, -1, *w.shape[1:])
        full = [
            (length - 1) * stride + far + more
            for length, stride, far, more in zip(case.image, case.strides, reach, case.extra, strict=True)
        ]
        y = np.zeros((case.batch, groups, w.shape[2], *full))
        for tap, offset in taps(case):
            places = tuple(map(span, offset, case.image, case.strides))
            y[(..., *places)] += np.einsum("ngc...,gco->ngo...", x, w[(..., *tap)])
        cut = tuple(slice(a, size - b) for a, b, size in zip(before, after, full, strict=True))
        y = y[(..., *cut)]
    return y.reshape(case.batch, case.outputs, *y.shape[3:])


DEPTHWISE = [
    Case(1, 1, (1, 1), 1, (1, 1)),
    Case(2, 3, (5, 6), 3, (3, 3), 3, pads=(1, 1, 1, 1)),
    Case(3, 8, (9, 7), 8, (3, 3), 8, (2, 2), pads=(1, 1, 1, 1)),
    Case(1, 24, (14, 14), 24, (5, 5), 24, pads=(2, 2, 2, 2)),
    Case(1, 40, (7, 7), 40, (5, 5), 40, (2, 1), pads=(2, 2, 2, 2)),
    Case(1, 33, (12, 31), 33, (3, 5), 33, (1, 3), (2, 3), (1, 4, 2, 0)),
    Case(2, 16, (4, 4), 16, (7, 7), 16, pads=(6, 6, 6, 6)),
    Case(1, 17, (4, 5), 17, (4, 5), 17),
    Case(1, 5, (40, 1), 5, (3, 1), 5, pads=(1, 0, 1, 0)),
    Case(1, 6, (20, 20), 12, (3, 3), 6, pads=(1, 1, 1, 1)),
    Case(2, 7, (6, 9), 21, (3, 3), 7, (2, 2), pads=(0, 1, 2, 1)),
    Case(1, 9, (5, 5), 45, (2, 2), 9),
    Case(1, 2, (6, 6), 40, (3, 3), 2, pads=(1, 1, 1, 1)),
    Case(1, 32, (100,), 32, (9,), 32, pads=(4, 4)),
    Case(3, 19, (11,), 38, (4,), 19, (3,), (2,), (5, 1)),
    Case(1, 20, (5, 6, 7), 20, (3, 3, 3), 20, pads=(1, 1, 1, 1, 1, 1)),
]

GROUPED = [
    Case(1, 4, (5, 5), 6, (3, 3), 2, pads=(1, 1, 1, 1)),
    Case(3, 32, (7, 9), 64, (3, 3), 2, pads=(1, 1, 1, 1)),
    Case(1, 32, (14, 14), 32, (3, 3), 8, pads=(1, 1, 1, 1)),
    Case(2, 48, (6, 5), 96, (1, 1), 3),
    Case(1, 40, (8, 8), 60, (3, 2), 2, (2, 1), (1, 2), (3, 0, 1, 2)),
    Case(1, 80, (3, 3), 20, (3, 3), 5, pads=(4, 4, 4, 4)),
    Case(1, 36, (33,), 24, (5,), 3, (2,), pads=(2, 2)),
    Case(1, 16, (4, 6, 5), 24, (2, 3, 3), 2, pads=(1, 1, 1, 0, 1, 1)),
]

SPATIAL = [
    Case(1, 3, (6, 7, 8), 5, (3, 3, 3), pads=(1, 1, 1, 1, 1, 1)),
    Case(2, 17, (5, 4, 6), 33, (2, 3, 1), 1, (2, 1, 2), (1, 1, 1), (1, 2, 0, 0, 1, 3)),
    Case(1, 16, (8, 3, 3), 16, (3, 1, 1), 1, (1, 1, 1), (3, 1, 1), (3, 0, 0, 3, 0, 0)),
    Case(1, 1, (4, 1, 1), 18, (2, 1, 1)),
    Case(3, 20, (1, 1, 1), 20, (3, 3, 3), pads=(2, 1, 1, 1, 2, 1)),
]

FEW_CHANNELS = [
    Case(1, 3, (33, 41), 32, (7, 7), 1, (2, 2), pads=(3, 3, 3, 3)),
    Case(2, 3, (20, 20), 24, (3, 3), 1, (2, 2), pads=(1, 1, 1, 1)),
    Case(1, 4, (9, 50), 17, (5, 5), 1, (4, 4), (2, 2), (9, 7, 5, 9)),
    Case(3, 1, (28, 28), 6, (5, 5), pads=(2, 2, 2, 2)),
    Case(1, 15, (6, 4), 40, (3, 3), pads=(5, 5, 5, 5)),
    Case(2, 2, (700,), 20, (8,), 1, (2,), pads=(3, 4)),
    Case(1, 3, (50, 1), 16, (3, 1), pads=(1, 0, 1, 0)),
]

TRANSPOSED = [
    Case(1, 1, (1, 1), 1, (1, 1), extra=()),
    Case(1, 16, (7, 7), 24, (2, 2), 1, (2, 2), extra=()),
    Case(2, 20, (5, 6), 17, (3, 3), 1, (2, 2), pads=(1, 1, 1, 1), extra=(1, 1)),
    Case(3, 18, (6, 5), 33, (4, 4), 1, (2, 2), pads=(1, 1, 1, 1), extra=()),
    Case(1, 40, (9, 9), 32, (3, 3), pads=(1, 1, 1, 1), extra=()),
    Case(1, 9, (4, 4), 20, (3, 2), 1, (3, 4), pads=(0, 1, 2, 0), extra=(2, 3)),
    Case(1, 8, (6, 7), 12, (3, 3), 1, (2, 3), (2, 3), (1, 2, 3, 4), ()),
    Case(1, 8, (6, 7), 12, (4, 3), 1, (4, 6), (6, 4), (3, 2, 1, 4), (3, 5)),
    Case(1, 24, (1, 1), 16, (4, 4), extra=()),
    Case(2, 24, (1, 3), 16, (4, 4), 1, (3, 2), pads=(1, 0, 0, 3), extra=()),
    Case(1, 21, (5, 5), 21, (4, 4), 21, (2, 2), pads=(1, 1, 1, 1), extra=()),
    Case(1, 7, (5, 5), 14, (3, 3), 7, (2, 2), pads=(1, 1, 1, 1), extra=()),
    Case(1, 24, (6, 6), 36, (3, 3), 3, (2, 2), extra=(1, 0)),
    Case(2, 32, (25,), 16, (16,), 1, (8,), pads=(4, 4), extra=()),
    Case(1, 6, (12,), 40, (3,), 2, pads=(2, 2), extra=()),
    Case(1, 20, (3, 4, 5), 18, (2, 2, 2), 1, (2, 2, 2), extra=()),
    Case(2, 5, (3, 3, 3), 8, (3, 3, 3), 1, (1, 2, 2), pads=(1, 1, 1, 1, 1, 1), extra=(0, 1, 1)),
    Case(1, 2, (2, 2), 3, (2, 2), 1, (70, 70), extra=(5, 3)),
    Case(1, 16, (14, 14), 64, (3, 3), pads=(2, 2, 2, 2), extra=()),
]

ALL = DEPTHWISE + GROUPED + SPATIAL + FEW_CHANNELS + TRANSPOSED
# One of every kind, for what does not depend on the sizes.
SOME = [DEPTHWISE[1], DEPTHWISE[4], DEPTHWISE[10], GROUPED[1], GROUPED[2], SPATIAL[1], FEW_CHANNELS[1], TRANSPOSED[2],
        TRANSPOSED[5], TRANSPOSED[10], TRANSPOSED[15]]  # fmt: skip


def model_of(case, x, constants, inputs=(), nodes=(), kinds=None):
    """The node `c`, whose filter and bias are constants or inputs, and what follows it."""
    names = ["x", "w", *(["b"] if "b" in constants or "b" in inputs else [])]
    conv = helper.make_node(case.operator, names, ["c"], name="node", **case.attributes)
    nodes = list(nodes) or [helper.make_node("Identity", ["c"], ["y"])]
    return small_model([conv, *nodes], {"x": x} | dict(inputs), kinds or {"y": TensorProto.FLOAT}, constants)


def assert_near(found, wanted, scale=None):
    """Within 1e-5 of the range of the sums."""
    assert found.shape == wanted.shape
    scale = max(np.ptp(wanted), np.abs(wanted).max()) if scale is None else scale
    assert np.abs(found - wanted).max() <= 1e-5 * max(scale, 1e-3)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_sums(atc_path, device, tmp_path, case):
    x, w = case.arrays()
    b = RNG.uniform(-1, 1, case.outputs).astype(np.float32)
    wanted = summed(case, x, w) + b.reshape(-1, *[1] * len(case.image))
    model = model_of(case, x, {"w": w, "b": b})
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [wanted.astype(np.float32)])
    assert_near(found, wanted)
    np.testing.assert_allclose(found, oracle_outputs(model, {"x": x})[0], rtol=1e-4, atol=1e-4 * np.ptp(wanted))


@pytest.mark.parametrize("case", SOME, ids=str)
def test_filter_and_bias_that_are_computed(atc_path, device, tmp_path, case):
    x, w = case.arrays()
    b = RNG.uniform(-1, 1, case.outputs).astype(np.float32)
    inputs = {"w": w, "b": b}
    model = model_of(case, x, {}, inputs)
    wanted = summed(case, x, w) + b.reshape(-1, *[1] * len(case.image))
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x} | inputs, [wanted.astype(np.float32)])
    assert_near(found, wanted)


FOLLOWERS = {
    "clip": ([("Clip", ["c", "low", "high"], "y")], lambda c, o: np.clip(c, -0.5, 1)),
    "sum": ([("Add", ["other", "c"], "s"), ("Relu", ["s"], "y")], lambda c, o: np.maximum(c + o, 0)),
    "swish": ([("Sigmoid", ["c"], "s"), ("Mul", ["c", "s"], "y")], lambda c, o: c / (1 + np.exp(-c))),
    "channel": (
        [("Mul", ["c", "each"], "s"), ("Tanh", ["s"], "t"), ("Add", ["t", "other"], "y")],
        lambda c, o: np.tanh(c * 0.5) + o,
    ),
}


@pytest.mark.parametrize("case", SOME, ids=str)
@pytest.mark.parametrize("name", FOLLOWERS)
def test_what_follows(atc_path, device, tmp_path, case, name):
    x, w = case.arrays()
    c = summed(case, x, w)
    other = RNG.uniform(-1, 1, c.shape).astype(np.float32)
    parts, function = FOLLOWERS[name]
    names = {part for _, inputs, _ in parts for part in inputs}
    each = np.full((case.outputs, *[1] * len(case.image)), 0.5, np.float32)
    constants = {"low": np.float32(-0.5), "high": np.float32(1), "each": each, "other": other}
    nodes = [helper.make_node(op, inputs, [result]) for op, inputs, result in parts]
    model = model_of(case, x, {"w": w} | {k: v for k, v in constants.items() if k in names}, nodes=nodes)
    wanted = function(c, other)
    (found,) = converted_outputs(atc_path, device, tmp_path, model, {"x": x}, [wanted.astype(np.float32)])
    assert_near(found, wanted, np.ptp(c))


@pytest.mark.parametrize("case", SOME, ids=str)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_special_values_reach_what_sees_them(atc_path, device, tmp_path, case, value):
    x, w = case.arrays()
    for place in (0, x.size // 2, x.size - 1):
        x.flat[place] = value
    with np.errstate(invalid="ignore"):
        wanted = summed(case, x, w).astype(np.float32)
    (found,) = converted_outputs(atc_path, device, tmp_path, model_of(case, x, {"w": w}), {"x": x}, [wanted])
    finite = np.isfinite(wanted)
    assert not finite.all()
    np.testing.assert_array_equal(np.isnan(found), np.isnan(wanted))
    np.testing.assert_array_equal(found[~finite], wanted[~finite])
    np.testing.assert_allclose(found[finite], wanted[finite], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [DEPTHWISE[3], GROUPED[2], FEW_CHANNELS[0], TRANSPOSED[2]], ids=str)
def test_channels_last(atc_path, device, tmp_path, case):
    """Between transpositions, as models for channels-last images have them."""
    x, w = case.arrays()
    wanted = np.moveaxis(summed(case, x, w), 1, -1)
    conv = helper.make_node(case.operator, ["t", "w"], ["c"], name="node", **case.attributes)
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]), conv,
        helper.make_node("Transpose", ["c"], ["y"], perm=[0, 2, 3, 1]),
    ]  # fmt: skip
    feeds = {"x": np.ascontiguousarray(np.moveaxis(x, 1, -1))}
    model = small_model(nodes, feeds, {"y": TensorProto.FLOAT}, {"w": w})
    (found,) = converted_outputs(atc_path, device, tmp_path, model, feeds, [wanted.astype(np.float32)])
    assert_near(found, wanted)

# SPDX-License-Identifier: Apache-2.0
"""Operators that follow another one, each behind every kind of leader, against ONNX Runtime without optimizations.

One kernel often computes a leader and what follows it. Each model here holds many such pairs side by side, for images
of one size: a size of 1 in any dimension makes memory layouts look alike that are not.
"""

import itertools
import random

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from oracle_support import converted_outputs, oracle_outputs

CHANNELS = (1, 5, 16)
SPATIAL = ((1, 1), (1, 5), (4, 1), (3, 4))


class Pairs:
    """A model in the making, for images [batch, channels, *spatial]."""

    def __init__(self, seed, batch, channels, spatial):
        self.rng = np.random.default_rng(seed)
        self.random = random.Random(seed)
        self.image = [batch, channels, *spatial]
        self.nodes, self.initializers, self.feeds, self.outputs = [], [], {}, []
        self._count = itertools.count()

    def name(self, stem):
        return f"{stem}_{next(self._count)}"

    def array(self, shape, low=0.5, high=1.5):
        signs = self.rng.choice(np.float32([-1, 1]), shape)
        return np.asarray(signs * self.rng.uniform(low, high, shape), np.float32)

    def constant(self, array, stem="constant"):
        name = self.name(stem)
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def input(self, shape):
        name = self.name("input")
        self.feeds[name] = self.array(shape)
        return name

    def operand(self, shape):
        """Every other operand is known to atc."""
        return self.input(shape) if self.random.random() < 0.5 else self.constant(self.array(shape))

    def node(self, op, inputs, **attributes):
        output = self.name(op)
        self.nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def output(self, name, shape):
        self.outputs.append((name, shape))

    def model(self):
        def info(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes,
            "pairs",
            [info(name, array.shape) for name, array in self.feeds.items()],
            [info(name, shape) for name, shape in self.outputs],
            self.initializers,
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


def _filter(pairs, shape):
    return pairs.constant(pairs.array(shape, 0.1, 0.5), "filter")


def _conv(kernel, grouped=False):
    def make(pairs):
        batch, channels, *spatial = pairs.image
        outputs = channels if grouped else channels + 3
        filters = _filter(pairs, [outputs, 1 if grouped else channels, kernel, kernel])
        pads = [kernel // 2] * 4
        x = pairs.input(pairs.image)
        result = pairs.node("Conv", [x, filters], pads=pads, group=channels if grouped else 1)
        return result, [batch, outputs, *spatial]

    return make


def _conv_transpose(pairs):
    batch, channels, *spatial = pairs.image
    filters = _filter(pairs, [channels, 6, 3, 3])
    return pairs.node("ConvTranspose", [pairs.input(pairs.image), filters], pads=[1] * 4), [batch, 6, *spatial]


def _conv_1d(pairs):
    batch, channels, height, _ = pairs.image
    x = pairs.input([batch, channels, height])
    return pairs.node("Conv", [x, _filter(pairs, [6, channels, 3])], pads=[1, 1]), [batch, 6, height]


def _pool(op):
    def make(pairs):
        x = pairs.input(pairs.image)
        return pairs.node(op, [x], kernel_shape=[3, 3], pads=[1] * 4), pairs.image

    return make


def _pool_blocked(pairs):
    """Behind a convolution, in the layout that its kernel likes."""
    x, shape = _conv(3)(pairs)
    return pairs.node("MaxPool", [x], kernel_shape=[3, 3], pads=[1] * 4), shape


def _global(op, blocked):
    def make(pairs):
        x, shape = _conv(1)(pairs) if blocked else (pairs.input(pairs.image), pairs.image)
        return pairs.node(op, [x]), shape[:2] + [1, 1]

    return make


def _mean(keep):
    def make(pairs):
        x = pairs.input(pairs.image)
        shape = pairs.image[:2] + ([1, 1] if keep else [])
        return pairs.node("ReduceMean", [x], axes=[2, 3], keepdims=int(keep)), shape

    return make


def _reduce_last(pairs):
    return pairs.node("ReduceMax", [pairs.input(pairs.image)], axes=[-1]), pairs.image[:3] + [1]


def _matmul_constant(pairs):
    batch, rows, *_ = pairs.image
    x = pairs.input([batch, rows, 7])
    return pairs.node("MatMul", [x, _filter(pairs, [7, 6])]), [batch, rows, 6]


def _matmul_batched(pairs):
    batch, channels, rows, columns = pairs.image
    left, right = pairs.input([batch, channels, rows, 7]), pairs.input([batch, channels, 7, columns])
    return pairs.node("MatMul", [left, right]), pairs.image


def _gemm(pairs):
    batch, channels, *_ = pairs.image
    x, w = pairs.input([batch, channels]), _filter(pairs, [9, channels])
    return pairs.node("Gemm", [x, w, pairs.operand([9])], transB=1), [batch, 9]


def _binary(op, pick):
    def make(pairs):
        other = [size if kept else 1 for size, kept in zip(pairs.image, pick, strict=True)]
        return pairs.node(op, [pairs.input(pairs.image), pairs.input(other)]), pairs.image

    return make


def _binary_blocked(pairs):
    x, shape = _conv(3)(pairs)
    y = pairs.node("Conv", [pairs.input(pairs.image), _filter(pairs, [shape[1], pairs.image[1], 1, 1])])
    return pairs.node("Add", [pairs.node("Tanh", [x]), pairs.node("Tanh", [y])]), shape


def _binary_turned(pairs):
    """A sum of views in another order of dimensions."""
    order = [0, 2, 3, 1]
    views = [pairs.node("Transpose", [pairs.input(pairs.image)], perm=order) for _ in range(2)]
    return pairs.node("Add", views), [pairs.image[axis] for axis in order]


def _unary(op):
    return lambda pairs: (pairs.node(op, [pairs.input(pairs.image)]), pairs.image)


def _normalization(pairs):
    channels = pairs.image[1]
    numbers = [pairs.constant(np.abs(pairs.array([channels]))) for _ in range(4)]
    return pairs.node("BatchNormalization", [pairs.input(pairs.image), *numbers]), pairs.image


def _resize(pairs):
    batch, channels, *spatial = pairs.image
    scales = pairs.constant(np.float32([1, 1, 2, 2]))
    result = pairs.node("Resize", [pairs.input(pairs.image), "", scales], mode="linear")
    return result, [batch, channels, *(2 * size for size in spatial)]


def _softmax(pairs):
    return pairs.node("Softmax", [pairs.input(pairs.image)], axis=1), pairs.image


LEADERS = {
    "conv1": _conv(1),
    "conv3": _conv(3),
    "conv_depthwise": _conv(3, grouped=True),
    "conv_1d": _conv_1d,
    "conv_transpose": _conv_transpose,
    "max_pool": _pool("MaxPool"),
    "average_pool": _pool("AveragePool"),
    "max_pool_blocked": _pool_blocked,
    "global_average": _global("GlobalAveragePool", False),
    "global_average_blocked": _global("GlobalAveragePool", True),
    "global_max": _global("GlobalMaxPool", False),
    "mean": _mean(True),
    "mean_dropped": _mean(False),
    "reduce_last": _reduce_last,
    "matmul_constant": _matmul_constant,
    "matmul_batched": _matmul_batched,
    "gemm": _gemm,
    "add": _binary("Add", (1, 1, 1, 1)),
    "mul_channel": _binary("Mul", (0, 1, 0, 0)),
    "sub_batch": _binary("Sub", (1, 0, 0, 0)),
    "div_column": _binary("Div", (0, 0, 0, 1)),
    "binary_blocked": _binary_blocked,
    "binary_turned": _binary_turned,
    "sigmoid": _unary("Sigmoid"),
    "relu": _unary("Relu"),
    "batch_normalization": _normalization,
    "resize": _resize,
    "softmax": _softmax,
}


def _follow(pairs, op, x, shape, other):
    """One follower whose further operand has the shape `other`."""
    if op == "BatchNormalization":
        numbers = [pairs.constant(np.abs(pairs.array([shape[1]]))) for _ in range(4)]
        return pairs.node(op, [x, *numbers])
    if op == "PRelu":
        return pairs.node(op, [x, pairs.operand(other)])
    operands = [x, pairs.operand(other)]
    if op in ("Sub", "Add", "Max") and pairs.random.random() < 0.5:
        operands.reverse()
    return pairs.node(op, operands)


FOLLOWERS = ("Add", "Mul", "Sub", "Div", "Max", "Min", "PRelu", "BatchNormalization")


def _operand_shapes(shape):
    """All that broadcast to `shape`: any dimensions of 1, and with the leading ones left out."""
    shapes = {
        tuple(size if kept else 1 for size, kept in zip(shape, pick, strict=True))
        for pick in itertools.product((True, False), repeat=len(shape))
    }
    for other in list(shapes):
        while other and other[0] == 1:
            other = other[1:]
            shapes.add(other)
    return sorted(shapes)


def _compare(atc_path, device, folder, pairs):
    model = pairs.model()
    wanted = oracle_outputs(model, pairs.feeds)
    found = converted_outputs(atc_path, device, folder, model, pairs.feeds, wanted)
    wrong = []
    for (name, shape), got, want in zip(pairs.outputs, found, wanted, strict=True):
        scale = max(float(np.abs(want).max(initial=0)), 1.0)
        if not np.allclose(got, want, rtol=1e-4, atol=1e-5 * scale, equal_nan=True):
            wrong.append(f"{name} {shape}: {np.abs(got - want).max()}")
    assert not wrong, f"{len(wrong)} of {len(wanted)} results are wrong: {wrong[:20]}"


IMAGES = [
    pytest.param(batch, channels, spatial, id=f"{batch}x{channels}x{'x'.join(map(str, spatial))}")
    for batch in (1, 3)
    for channels in CHANNELS
    for spatial in SPATIAL
]


@pytest.mark.parametrize(("batch", "channels", "spatial"), IMAGES)
def test_each_follower_behind_each_leader(atc_path, device, tmp_path, batch, channels, spatial):
    """The operand takes turns among all shapes; one number for each channel comes with each follower."""
    pairs = Pairs(channels, batch, channels, spatial)
    for leader in LEADERS.values():
        first = pairs.random.randrange(64)
        for number, op in enumerate(FOLLOWERS):
            x, shape = leader(pairs)
            others = _operand_shapes(shape)
            choices = {others[(first + 7 * number) % len(others)]}
            if len(shape) > 1:
                choices.add((shape[1],) + (1,) * (len(shape) - 2))
            for index, other in enumerate(sorted(choices)):
                if index > 0:
                    x, shape = leader(pairs)
                pairs.output(_follow(pairs, op, x, shape, other), shape)
    _compare(atc_path, device, tmp_path, pairs)


@pytest.mark.parametrize(("batch", "channels", "spatial"), IMAGES)
def test_chains_of_followers(atc_path, device, tmp_path, batch, channels, spatial):
    pairs = Pairs(100 + channels, batch, channels, spatial)
    for leader in LEADERS.values():
        for _ in range(3):
            x, shape = leader(pairs)
            for _ in range(pairs.random.randrange(2, 6)):
                op = pairs.random.choice((*FOLLOWERS, "Tanh", "Relu", "Sigmoid", "Abs"))
                if op in FOLLOWERS:
                    x = _follow(pairs, op, x, shape, pairs.random.choice(_operand_shapes(shape)))
                else:
                    x = pairs.node(op, [x])
            pairs.output(x, shape)
    _compare(atc_path, device, tmp_path, pairs)

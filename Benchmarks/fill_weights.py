# SPDX-License-Identifier: Apache-2.0
"""Real weights for the onnx package's "light" models, whose weights are all one constant."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import numpy_helper

# What a tensor is to the operator that takes it as that input.
ROLES = {
    ("Conv", 1): "kernel",
    ("Conv", 2): "bias",
    ("Gemm", 1): "matrix",
    ("Gemm", 2): "bias",
    ("BatchNormalization", 1): "scale",
    ("BatchNormalization", 2): "bias",
    ("BatchNormalization", 3): "bias",
    ("BatchNormalization", 4): "variance",
    ("Mul", 1): "scale",
    ("Add", 1): "bias",
}


def _values(role: str, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """He-initialised kernels, and normalisation parameters as a trained network's: near one and near zero."""
    if role == "kernel":
        fan_in = math.prod(shape[1:])
        return generator.normal(0, math.sqrt(2 / fan_in), shape)
    if role == "matrix":
        return generator.normal(0, 1 / math.sqrt(max(shape)), shape)
    if role == "residual scale":  # smaller, or the sum over all blocks of a residual network saturates its softmax
        return generator.uniform(0.4, 0.6, shape)
    if role == "bias":
        return generator.normal(0, 0.1, shape)
    return generator.uniform(0.8, 1.2, shape)


def fill_constant_weights(model: onnx.ModelProto, seed: int) -> None:
    """Replaces every weight of `model`, constant node or initializer, by a seeded random initializer, in place."""
    graph = model.graph
    initializers = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    behind = {}  # tensor name -> the weight behind an Unsqueeze
    for node in graph.node:
        if node.op_type == "Unsqueeze":
            behind[node.output[0]] = node.input[0]

    shapes = {name: array.shape for name, array in initializers.items()}
    constants = [n for n in graph.node if n.op_type == "ConstantOfShape"]
    for node in constants:
        shapes[node.output[0]] = tuple(int(d) for d in initializers[node.input[0]])

    summed = {name for node in graph.node if node.op_type == "Sum" for name in node.input}
    roles = {}
    for node in graph.node:
        for slot, name in enumerate(node.input):
            weight = behind.get(name, name)
            if weight in shapes and (node.op_type, slot) in ROLES:
                role = ROLES[node.op_type, slot]
                residual = role == "scale" and node.output[0] in summed
                roles[weight] = "residual scale" if residual else role
    missing = [n.output[0] for n in constants if n.output[0] not in roles]
    if missing:
        raise ValueError(f"no role known for the weights {missing}")

    generator = np.random.default_rng(seed)
    filled = {name: _values(role, shapes[name], generator).astype(np.float32) for name, role in roles.items()}
    unused = {n.input[0] for n in constants}
    kept = [i for i in graph.initializer if i.name not in filled and i.name not in unused]
    nodes = [n for n in graph.node if n.op_type != "ConstantOfShape"]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in filled.items())
    del graph.node[:]
    graph.node.extend(nodes)

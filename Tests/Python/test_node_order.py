# SPDX-License-Identifier: Apache-2.0
"""atc links nodes by the names of tensors, in whatever order a model lists them."""

import numpy as np
import onnx
from onnx import TensorProto, helper

from model_support import convert
from oracle_support import assert_like_oracle, oracle_outputs, small_model


def sorted_model():
    x = np.random.default_rng(1).standard_normal((2, 4)).astype(np.float32)
    w = np.random.default_rng(2).standard_normal((3, 4)).astype(np.float32)
    nodes = [
        helper.make_node("Transpose", ["w"], ["t"], name="transpose", perm=[1, 0]),
        helper.make_node("MatMul", ["x", "t"], ["m"], name="product"),
        helper.make_node("Relu", ["m"], ["r"], name="relu"),
        helper.make_node("Add", ["r", "m"], ["y"], name="sum"),
    ]
    return small_model(nodes, {"x": x}, {"y": TensorProto.FLOAT}, {"w": w}), {"x": x}


def test_any_order_gives_the_same(atc_path, device, tmp_path):
    source, feeds = sorted_model()
    wanted = oracle_outputs(source, feeds)
    rng = np.random.default_rng(5)
    for _ in range(4):
        shuffled = onnx.ModelProto.FromString(source.SerializeToString())
        nodes = [shuffled.graph.node[index] for index in rng.permutation(len(source.graph.node))]
        del shuffled.graph.node[:]
        shuffled.graph.node.extend(nodes)
        assert_like_oracle(atc_path, device, tmp_path, shuffled, feeds, wanted)


def test_a_circle_is_refused(atc_path, tmp_path):
    source, _ = sorted_model()
    source.graph.node[1].input[0] = "y"
    run, _ = convert(atc_path, source.SerializeToString(), tmp_path)
    assert run.returncode != 0
    assert "E13014" in run.stdout
    assert "depends on its own result" in run.stdout


def test_a_tensor_of_two_nodes_is_refused(atc_path, tmp_path):
    """Found by fuzzing; which of the two a reader means would be a guess."""
    source, _ = sorted_model()
    double = source.graph.node.add()
    double.CopyFrom(source.graph.node[0])
    double.name = "double"
    run, _ = convert(atc_path, source.SerializeToString(), tmp_path)
    assert run.returncode != 0
    assert "E13014" in run.stdout
    assert "is a result of node" in run.stdout
    assert "[double]" in run.stdout

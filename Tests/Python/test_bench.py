# SPDX-License-Identifier: Apache-2.0
"""The benchmark's own arithmetic: an error must be seen, and the models must carry real weights."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import bench
import figures
import fill_weights


def test_relative_error_is_over_the_range():
    reference = np.array([0.0, 10.0])
    assert figures.relative_error(np.array([0.0, 10.1]), reference) == pytest.approx(0.01)
    assert figures.relative_error(reference.copy(), reference) == 0


@pytest.mark.parametrize("result", [[0.0, np.nan], [0.0, np.inf], [0.0], [[0.0, 10.0]]])
def test_a_broken_result_is_an_infinite_error(result):
    assert figures.relative_error(np.array(result), np.array([0.0, 10.0])) == np.inf


def test_a_constant_reference_still_shows_errors():
    assert figures.relative_error(np.array([1, 2]), np.array([1, 1])) == pytest.approx(1)


def test_ratio_is_against_the_faster_peer():
    row = {"acl": {"ms": 3.0}, "ort": {"ms": 4.0}, "ov": {"ms": 2.0}}
    assert bench.ratio(row, "ms") == 1.5
    assert bench.geometric_mean([0.5, 2.0]) == pytest.approx(1)


def test_a_missed_goal_fails_the_report(capsys):
    report = bench.Report()
    report.goal("fine", 0.5, 1.0)
    assert report.summary()
    report.goal("slow", 1.5, 1.0)
    assert not report.summary()
    assert "MISSED" in capsys.readouterr().out


def constant(name: str, shape: list[int]) -> tuple[onnx.NodeProto, onnx.TensorProto]:
    node = helper.make_node("ConstantOfShape", [f"{name}_shape"], [name])
    return node, numpy_helper.from_array(np.array(shape, np.int64), f"{name}_shape")


def test_constant_weights_become_seeded_random_ones():
    weight, shape = constant("w", [8, 4, 3, 3])
    nodes = [weight, helper.make_node("Conv", ["x", "w"], ["y"])]
    values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in ("x", "y")]

    def filled(seed):
        model = helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:], [shape]))
        fill_weights.fill_constant_weights(model, seed)
        assert [n.op_type for n in model.graph.node] == ["Conv"]
        return {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}

    first, again, other = filled(0), filled(0), filled(1)
    assert list(first) == ["w"] and first["w"].shape == (8, 4, 3, 3)
    np.testing.assert_array_equal(first["w"], again["w"])
    assert not np.array_equal(first["w"], other["w"])
    assert first["w"].std() == pytest.approx(np.sqrt(2 / 36), rel=0.15)


def test_an_unknown_use_of_a_weight_is_an_error():
    weight, shape = constant("w", [2])
    nodes = [weight, helper.make_node("Erf", ["w"], ["y"])]
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    with pytest.raises(ValueError, match="w"):
        fill_weights.fill_constant_weights(helper.make_model(helper.make_graph(nodes, "g", [], [y], [shape])), 0)

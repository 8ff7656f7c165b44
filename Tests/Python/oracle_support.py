# SPDX-License-Identifier: Apache-2.0
"""ONNX models beside ONNX Runtime, which runs them operator by operator."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from model_support import convert, model_outputs


def small_model(nodes, feeds, outputs, constants=None, opset=17):
    """A model whose inputs are like the arrays of `feeds`; constants by name; outputs as {name: element type}."""
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in feeds.items()
        ],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def one_node(op, feeds, constants=None, opset=17, output=TensorProto.FLOAT, inputs=None, **attributes):
    """A model of the node `node`, whose inputs are the feeds, then the constants, unless `inputs` names them."""
    names = inputs or [*feeds, *(constants or {})]
    node = helper.make_node(op, names, ["y"], name="node", **attributes)
    return small_model([node], feeds, {"y": output}, constants, opset)


def oracle_outputs(model, feeds):
    """What ONNX Runtime computes without optimizations."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def converted_outputs(atc_path, device, folder, model, feeds, like):
    """What the converted model computes; arrays like `like`."""
    run, om = convert(atc_path, model.SerializeToString(), folder)
    assert run.returncode == 0, run.stdout + run.stderr
    return model_outputs(device, om.read_bytes(), list(feeds.values()), like)


def assert_like_oracle(atc_path, device, folder, model, feeds, wanted=None):
    """NaN and infinities where the oracle has them, other numbers close to its."""
    wanted = wanted or oracle_outputs(model, feeds)
    found = converted_outputs(atc_path, device, folder, model, feeds, wanted)
    for got, want in zip(found, wanted, strict=True):
        if want.dtype.kind == "f":
            np.testing.assert_allclose(got, want, rtol=2e-3 if want.itemsize == 2 else 1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(got, want)

# SPDX-License-Identifier: Apache-2.0
"""ONNX's own test cases of single operators, converted by atc and run.

Inputs but the first one become constants of the model, since shapes, axes and bounds must be known at conversion.
"""

import re
import warnings

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.loader import load_model_tests

from model_support import convert, model_outputs

# Operators that atc imports and the runtime computes.
OPERATORS = set(
    """Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitwiseAnd BitwiseNot
    BitwiseOr BitwiseXor Ceil Celu Clip Concat Constant Conv ConvTranspose Cos Cosh CumSum DepthToSpace Div
    Dropout Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm
    GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax
    Identity InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log
    LogSoftmax LpNormalization LpPool MatMul Max MaxPool Mean MeanVarianceNormalization Min Mish Mod Mul Neg Not
    Or PRelu Pad Pow Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence Round ScatterElements ScatterND
    Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze
    Sub Sum Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor""".split()
)

# Cases that atc refuses, by the start of their name, with the code that it must give.
REFUSED = {
    "averagepool_.*_dilations": "E11010",
    "lppool_2d_dilations": "E11010",
    "lppool_3d": "E11010",
    "batchnorm_.*_training_mode": "E11010",
    "gathernd_.*_batch_dim1": "E11010",
    "maxpool_with_argmax": "E11010",
    "resize_.*_antialias": "E11010",
    "scatternd_multiply": "E11010",
    # No opset version that is supported.
    "not_[234]d": "E16002",
}

# Cases whose results follow a rule of a later opset, or in which ONNX Runtime decides otherwise than the test.
DIFFERENT = (
    "bitshift_.*_negative_shift",
    "spacetodepth_crd",
    "resize_downsample_scales_(linear|cubic)_align_corners",
)


def _numeric(arrays):
    return all(isinstance(a, np.ndarray) and a.dtype.kind in "fiub" and a.dtype.isbuiltin for a in arrays)


def _cases():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = load_model_tests(kind="node")
    for test in tests:
        model = test.model
        if model is None or len(model.graph.node) != 1 or not test.data_sets:
            continue
        name = test.name.removeprefix("test_")
        if model.graph.node[0].op_type not in OPERATORS or any(re.match(pattern, name) for pattern in DIFFERENT):
            continue
        inputs, outputs = test.data_sets[0]
        if _numeric([*inputs, *outputs]):
            yield pytest.param(model, inputs, outputs, id=name)


def _freeze(model, inputs):
    """The model with all inputs but the first as initializers, of an opset that atc reads."""
    frozen = onnx.ModelProto()
    frozen.CopyFrom(model)
    graph = frozen.graph
    for value, array in list(zip(graph.input, inputs, strict=True))[1:]:
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), value.name))
        graph.input.remove(value)
    for opset in frozen.opset_import:
        if opset.domain == "":
            opset.version = min(opset.version, 21)
    return frozen


@pytest.mark.parametrize(("model", "inputs", "outputs"), list(_cases()))
def test_node(atc_path, device, tmp_path, request, model, inputs, outputs):
    run, om = convert(atc_path, _freeze(model, inputs).SerializeToString(), tmp_path)
    name = request.node.callspec.id
    code = next((code for pattern, code in REFUSED.items() if re.match(pattern, name)), None)
    if code:
        assert run.returncode == 255
        assert f"\n{code}: " in run.stdout
        return
    assert run.returncode == 0, run.stdout + run.stderr
    given = [np.ascontiguousarray(array) for array in inputs[:1]]
    for got, wanted in zip(model_outputs(device, om.read_bytes(), given, outputs), outputs, strict=True):
        if wanted.dtype.kind == "f":
            relative, absolute = (2e-3, 1e-3) if wanted.dtype == np.float16 else (1e-4, 1e-4)
            np.testing.assert_allclose(got, wanted, rtol=relative, atol=absolute)
        else:
            np.testing.assert_array_equal(got, wanted)

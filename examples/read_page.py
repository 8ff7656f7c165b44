# SPDX-License-Identifier: Apache-2.0
"""Reads the text in a picture with three models that share one workspace.

RapidOCR's own code prepares the pictures and decodes the results; its sessions are replaced by models that `atc`
converted and `acl.mdl.load_from_mem_with_mem` loaded. The same page is read with ONNX Runtime first: that tells the
shapes to convert for, and the text that must come out.

    python examples/read_page.py [picture] [--output page-text.png]
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
import onnxruntime
import rapidocr_onnxruntime
from PIL import Image, ImageDraw, ImageFont
from rapidocr_onnxruntime.ch_ppocr_cls import text_cls
from rapidocr_onnxruntime.ch_ppocr_det import text_detect
from rapidocr_onnxruntime.ch_ppocr_rec import text_recognize

from acl_model import Device, LoadedModel, OfflineModel, free, malloc
from convert import convert

CACHE = Path(__file__).resolve().parent.parent / ".cache" / "demo"
USERS_OF_SESSIONS = (text_detect, text_cls, text_recognize)


def progress(text: str) -> None:
    print(f"==> {text}", flush=True)


class RecordingSession(text_detect.OrtInferSession):
    """RapidOCR's own session, which also notes the shape of every single picture that it is given."""

    def __init__(self, shapes: dict[Path, set[tuple[int, ...]]], config: dict):
        super().__init__(config)
        self._shapes = shapes.setdefault(Path(config["model_path"]), set())

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        self._shapes.add((1, *batch.shape[1:]))
        return super().__call__(batch)


class AclSession:
    """What RapidOCR asks of a session, on loaded offline models: one per picture shape."""

    def __init__(self, models: dict[tuple[Path, tuple[int, ...]], LoadedModel], config: dict):
        self._path = Path(config["model_path"])
        self._models = models

    def __call__(self, batch: np.ndarray) -> list[np.ndarray]:
        model = self._models[self._path, (1, *batch.shape[1:])]
        results = [model(picture[np.newaxis]) for picture in batch]
        return [np.concatenate(outputs) for outputs in zip(*results, strict=True)]

    def have_key(self, key: str = "character") -> bool:
        return key in self._metadata

    def get_character_list(self, key: str = "character") -> list[str]:
        return self._metadata[key].splitlines()

    @functools.cached_property
    def _metadata(self) -> dict[str, str]:
        """The alphabet stands in the ONNX file's metadata, which an offline model does not carry."""
        return onnxruntime.InferenceSession(self._path).get_modelmeta().custom_metadata_map


def read(picture: Path, session: object) -> list[tuple[list, str, float]]:
    """(corners, text, score) of each line that RapidOCR finds in `picture` when its sessions are made by `session`."""
    with ExitStack() as stack:
        for module in USERS_OF_SESSIONS:
            stack.enter_context(mock.patch.object(module, "OrtInferSession", session))
        lines, _ = rapidocr_onnxruntime.RapidOCR()(str(picture))
    return [(box, text, float(score)) for box, text, score in lines or []]


def annotate(picture: Path, lines: list[tuple[list, str, float]], output: Path) -> None:
    """Writes the picture with a frame around each line, and the text that was read beside it."""
    page = Image.open(picture).convert("RGB")
    scale = max(1, 1200 // page.width)
    page = page.resize((page.width * scale, page.height * scale))
    both = Image.new("RGB", (page.width * 2, page.height), "white")
    both.paste(page)
    draw = ImageDraw.Draw(both)
    for box, text, score in lines:
        corners = [(x * scale, y * scale) for x, y in box]
        draw.polygon(corners, outline="red", width=2)
        height = max(10, (corners[3][1] - corners[0][1]) * 0.6)
        left, top = corners[0]
        draw.text((page.width + left, top), text, fill="black", font=ImageFont.load_default(height))
        draw.text((page.width + left, top + height), f"{score:.3f}", fill="red", font=ImageFont.load_default(12))
    both.save(output)


def default_picture() -> Path:
    """page.png of scikit-image, found without importing it."""
    return Path(importlib.util.find_spec("skimage").origin).parent / "data" / "page.png"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", nargs="?", type=Path, default=default_picture())
    parser.add_argument("--output", type=Path, default=CACHE / "page-text.png", help="the annotated picture (PNG)")
    options = parser.parse_args()

    progress("Reading the page with RapidOCR on ONNX Runtime, for comparison")
    shapes: dict[Path, set[tuple[int, ...]]] = {}
    start = time.perf_counter()
    expected = read(options.picture, functools.partial(RecordingSession, shapes))
    print(f"    {len(expected)} lines, {time.perf_counter() - start:.2f} s with loading")

    wanted = [(path, shape) for path, all_shapes in shapes.items() for shape in sorted(all_shapes)]
    files = {}
    for path, shape in wanted:
        dims = ",".join(map(str, shape))
        progress(f"Converting {path.name} for x:{dims}")
        start = time.perf_counter()
        files[path, shape] = convert(path, f"x:{dims}", CACHE)
        print(f"    {time.perf_counter() - start:.2f} s: {files[path, shape].name}")

    with Device():
        progress("Loading the models from memory: weights of their own, one workspace for all")
        offline = {key: OfflineModel(file) for key, file in files.items()}
        work_size = max(model.work_size for model in offline.values())
        workspace = malloc(work_size)
        models = {key: model.load(workspace, work_size) for key, model in offline.items()}
        for key, model in models.items():
            size = offline[key]
            print(
                f"    {key[0].stem:36} weights {size.weight_size / 1e6:7.2f} MB   needs workspace "
                f"{size.work_size / 1e6:7.2f} MB   loaded in {model.load_seconds * 1e3:7.1f} ms"
            )
        print(f"    one shared workspace of {work_size / 1e6:.2f} MB")

        progress(f"Reading {options.picture.name} with acl")
        start = time.perf_counter()
        lines = read(options.picture, functools.partial(AclSession, models))
        seconds = time.perf_counter() - start
        for _, text, score in lines:
            print(f"    {score:.3f}  {text}")
        for (path, _), model in models.items():
            times = ", ".join(f"{t * 1e3:.1f}" for t in model.seconds)
            print(f"    {path.stem:36} inference ms: {times}")
        print(f"    {seconds:.2f} s in all, RapidOCR's own work included")

        for model in models.values():
            model.unload()
        free(workspace)

    options.output.parent.mkdir(parents=True, exist_ok=True)
    annotate(options.picture, lines, options.output)
    print(f"    annotated picture: {options.output}")
    same = [text for _, text, _ in lines] == [text for _, text, _ in expected]
    if same:
        print("==> The text equals what RapidOCR reads on ONNX Runtime.")
        return 0
    print("==> The text DIFFERS from what RapidOCR reads on ONNX Runtime:")
    for _, text, score in expected:
        print(f"    {score:.3f}  {text}")
    return 1


if __name__ == "__main__":
    sys.exit(main())

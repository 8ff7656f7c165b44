# SPDX-License-Identifier: Apache-2.0
"""`make demo`: the page is read with models on acl, and a wrong reading is reported."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
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


@pytest.fixture
def read_page(monkeypatch, tmp_path):
    import read_page

    monkeypatch.setattr(sys, "argv", ["read_page.py", "--output", str(tmp_path / "out.png")])
    return read_page


def test_a_different_text_fails(read_page, monkeypatch, capsys):
    """The demo's verdict can be negative: one letter changed on the way back from acl."""
    real = read_page.read

    def misread(picture, session):
        lines = real(picture, session)
        if session.func is read_page.AclSession:
            box, text, score = lines[0]
            lines[0] = (box, text[:-1] + "?", score)
        return lines

    monkeypatch.setattr(read_page, "read", misread)
    assert read_page.main() == 1
    assert "DIFFERS" in capsys.readouterr().out

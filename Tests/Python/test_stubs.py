# SPDX-License-Identifier: Apache-2.0
"""The installed type stubs: mypy accepts right programs, reports wrong ones, and stubs and module agree."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import acl

pytest.importorskip("mypy")
FOLDER = Path(__file__).parent / "typing"
PACKAGE = Path(acl.__file__).parent


def mypy(*arguments: str) -> subprocess.CompletedProcess[str]:
    # With sys.path set through PYTHONPATH, as for a package that is not installed, mypy must be told too.
    environment = {**os.environ, "MYPYPATH": os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--no-incremental", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_a_right_program_passes_strict_checks():
    done = mypy("--strict", str(FOLDER / "example.py"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_wrong_lines_are_reported_and_no_others():
    lines = (FOLDER / "wrong.py").read_text().splitlines()
    expected = {(n, m[1]) for n, line in enumerate(lines, 1) if (m := re.search(r"# expect: (\S+)", line))}
    done = mypy(str(FOLDER / "wrong.py"))
    reported = re.findall(r"wrong\.py:(\d+): error: .*\[(\S+)\]", done.stdout)
    assert {(int(line), code) for line, code in reported} == expected, done.stdout


@pytest.mark.parametrize("module", ["acl", "acl.rt", "acl.mdl", "acl.media", "acl.util"])
def test_stubs_and_module_have_the_same_functions(module):
    stub = PACKAGE / f"{'__init__' if module == 'acl' else module.removeprefix('acl.')}.pyi"
    declared = {node.name for node in ast.parse(stub.read_text()).body if isinstance(node, ast.FunctionDef)}
    there = {name for name, value in vars(sys.modules[module]).items() if type(value) is type(len)}
    assert declared == there
    assert (PACKAGE / "py.typed").exists()

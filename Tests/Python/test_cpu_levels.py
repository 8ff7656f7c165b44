# SPDX-License-Identifier: Apache-2.0
"""The levels of instructions: each gives right results, and none leaks its instructions into other code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
# As it was linked: the installed one has no names of functions.
BUILD = Path(os.environ.get("PYACLMDL_BUILD_PATH", FOLDER.parent.parent / ".build"))
LIBRARY = BUILD / "release" / "libascendcl.so"
LEVELS = ["baseline", "avx2", "avx512"]
MODULES = {"baseline": "VectorBaseline", "avx2": "VectorAVX2", "avx512": "VectorAVX512"}


def lower_levels() -> list[str]:
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    best = 2 if " avx512vl " in flags else 1 if " avx2 " in flags and " fma " in flags else 0
    return LEVELS[:best]


@pytest.mark.parametrize("level", lower_levels())
def test_kernels_with_a_lower_level(level):
    files = [
        "test_vector_kernels.py",
        "test_native_kernels.py",
        "test_followers.py",
        "test_convolutions.py",
        "test_layouts.py",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(str(FOLDER / file) for file in files)],
        env=os.environ | {"PYACLMDL_CPU_LEVEL": level},
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert " passed" in done.stdout


def disassembled_functions():
    """Name and instructions of each function of the library."""
    swift = shutil.which(os.environ.get("SWIFT", "swift"))
    beside = Path(os.path.realpath(swift)).parent / "llvm-objdump" if swift else None
    tool = shutil.which("objdump") or (str(beside) if beside and beside.exists() else None)
    if not tool or not LIBRARY.exists():
        pytest.skip("no objdump, or no release build beside the tests")
    shown = subprocess.run([tool, "-d", "--no-show-raw-insn", LIBRARY], capture_output=True, text=True, check=True)
    name, lines = "", []
    for line in shown.stdout.splitlines():
        if match := re.match(r"[0-9a-f]+ <(.*)>:$", line):
            yield name, lines
            name, lines = match[1], []
        else:
            lines.append(line)
    yield name, lines


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="only x86-64 has several levels")
def test_instructions_of_a_level_stay_in_its_module():
    widest = {module: {"ymm": 0, "zmm": 0, "vfmadd": 0} for module in MODULES.values()}
    strays = []
    for name, lines in disassembled_functions():
        module = next((m for m in MODULES.values() if f"{len(m)}{m}" in name[:40]), None)
        text = "\n".join(lines)
        if module:
            for word in widest[module]:
                widest[module][word] += text.count(word)
        elif re.search(r"%[yz]mm|\tv[a-z]+[ \t]", text):
            strays.append(name)
    assert not strays, strays[:20]
    assert widest["VectorBaseline"] == {"ymm": 0, "zmm": 0, "vfmadd": 0}
    assert widest["VectorAVX2"]["vfmadd"] > 100 and widest["VectorAVX2"]["ymm"] > 1000
    assert widest["VectorAVX2"]["zmm"] == 0
    assert widest["VectorAVX512"]["vfmadd"] > 100 and widest["VectorAVX512"]["zmm"] > 1000

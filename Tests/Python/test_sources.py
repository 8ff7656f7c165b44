# SPDX-License-Identifier: Apache-2.0
"""Rules for the sources that the compiler cannot enforce alone."""

import pathlib
import re

import pytest

SOURCES = pathlib.Path(__file__).parents[2] / "Sources"
# Everything between the bytes of a file and the program that runs.
CHECKED = [
    "Graph",
    "OfflineModel",
    "Operators",
    "ONNXImport",
    "Plan",
    "Executable",
    "CoreLoader/Model",
    "CoreLoader/Dump/DumpSettings+Reading.swift",
    "CoreLoader/Media/JPEGHeader.swift",
    "CoreLoader/Runtime/Configuration.swift",
    "CoreLoader/Support/JSONValue.swift",
]
IMPORT = re.compile(r"^import SaturatingArithmetic$", re.MULTILINE)
# An operator as the formatter sets it, or one that is passed on, or a conversion without a label.
ARITHMETIC = re.compile(r"[^ ] [-+*/%]=? |, [-+*/%]\)|\(-\w|\bU?Int(8|16|32|64)?\((?!\w+:)")


def swift_files():
    for name in CHECKED:
        path = SOURCES / name
        assert path.exists(), f"{name} is listed here and gone"
        yield from [path] if path.is_file() else sorted(path.rglob("*.swift"))


def code(text):
    """The text without comments."""
    return re.sub(r"//.*", "", text)


@pytest.mark.parametrize(
    "path", [p for p in swift_files() if not p.name.endswith(".pb.swift")], ids=lambda p: str(p.relative_to(SOURCES))
)
def test_arithmetic_on_numbers_from_files_cannot_trap(path):
    """With the import, operators saturate and conversions that trap are errors, see decision 0011."""
    text = path.read_text()
    if ARITHMETIC.search(code(text)):
        assert IMPORT.search(text), f"{path} computes and must import SaturatingArithmetic"
    else:
        assert not IMPORT.search(text), f"{path} does not compute"


def test_operators_that_wrap_are_for_bit_patterns():
    """None of these is a size."""
    wrapping = {path.name for path in swift_files() if re.search(r" &[-+*]=? ", code(path.read_text()))}
    assert wrapping <= {"Numbers.swift", "ContentDigest.swift"}

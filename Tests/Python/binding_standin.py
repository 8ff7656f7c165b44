# SPDX-License-Identifier: Apache-2.0
"""A stand-in for libascendcl.so that records each call and writes known values, and a process that drives it.

The C source is made from the prototypes in functions.tsv alone, so it knows nothing of how arguments are converted.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Sources" / "PyAclMdl"))
import function_table  # noqa: E402
from function_table import Function, Parameter  # noqa: E402

FUNCTIONS = function_table.read()
POINTER_BASE = 0xABC000
NUMBER_BASE = 1000
WRITTEN_FLOAT = 1.5
WRITTEN_TEXT = "text"

C_PART = (Path(__file__).parent / "binding_standin.c").read_text(encoding="utf-8")
# Functions whose C side is more than parameters in and out, and the structs that the C part writes and records.
BODIES = set(re.findall(r"^(?:aclError|void) (acl\w+)\(", C_PART, re.MULTILINE))
STRUCTS_WRITTEN = set(re.findall(r"^static void write_(acl\w+)\(", C_PART, re.MULTILINE))
STRUCTS_TAKEN = set(re.findall(r"^static void take_(acl\w+)\(", C_PART, re.MULTILINE))


def _write(parameter: Parameter, position: int) -> str:
    base = parameter.type[:-1].strip()
    target = parameter.name
    if base in STRUCTS_WRITTEN:
        return f"write_{base}({target});"
    if base == "char":
        return f'strcpy({target}, "{WRITTEN_TEXT}");'
    if base == "float":
        return f"*{target} = {WRITTEN_FLOAT}f;"
    if base.endswith("*") or base.startswith("aclrt") and base.removeprefix("aclrt") in POINTER_HANDLES:
        return f"*{target} = ({base})(uintptr_t){POINTER_BASE + position};"
    return f"*{target} = ({base}){NUMBER_BASE + position};"


POINTER_HANDLES = {
    "BinHandle",
    "FuncHandle",
    "ArgsHandle",
    "ParamHandle",
    "Binary",
    "Stream",
    "Event",
    "Context",
    "Notify",
    "DrvMemHandle",
    "AllocatorDesc",
}


def _take(parameter: Parameter, units: dict[str, str]) -> str:
    base = parameter.type.removesuffix("*").strip().removeprefix("const ")
    unit = units.get(parameter.name)
    if parameter.type.endswith("*") and base == "char" and unit == "s":
        return f"take_text({parameter.name});"
    if unit in ("dims", "notifies"):
        return f"take64((const int64_t *){parameter.name}, num_{parameter.name});"
    if unit in ("shape_range", "value_range"):
        return f"take64((const int64_t *){parameter.name}, 2 * num_{parameter.name});"
    if unit == "pids":
        return f"take32({parameter.name}, num_{parameter.name});"
    if base in STRUCTS_TAKEN and unit not in ("k", "K"):
        return f"take_{base}({parameter.name});"
    if parameter.type == "float":
        return f"take_float({parameter.name});"
    if parameter.type == "double":
        return f"take_double({parameter.name});"
    return f"take((long long){parameter.name});"


def delivered(function: Function) -> list[Parameter]:
    names = {result.name for result in function.returns} - {a.name for a in function.args or ()} | {"op_name"}
    return [p for p in function.c_parameters if p.name in names and p.type.endswith("*")]


def _body(function: Function) -> str:
    begin = f'begin("{function.c_name}");'
    units = {a.name: a.unit for a in function.args or ()}
    out = delivered(function)
    takes = " ".join(_take(p, units) for p in function.c_parameters if p not in out)
    writes = " ".join(_write(p, function.c_parameters.index(p)) for p in out)
    result = function.c_result
    if result == "void":
        answer = ""
    elif result == "aclError":
        answer = f"if (!code) {{ {writes} }} return code;"
    elif result.endswith("char *"):
        answer = f'return code ? NULL : "{WRITTEN_TEXT}";'
    elif result == "float":
        answer = f"return {WRITTEN_FLOAT}f;"
    elif result.endswith("*") or result.removeprefix("aclrt") in POINTER_HANDLES:
        answer = f"return ({result})(uintptr_t){POINTER_BASE};"
    else:
        answer = f"return ({result}){NUMBER_BASE};"
    return f"{begin} {takes} {answer}"


def source() -> str:
    parts = [C_PART]
    for function in {f.c_name: f for f in FUNCTIONS if f.c_name and f.c_name not in BODIES}.values():
        parts.append(f"{function.prototype}\n{{ {_body(function)} }}")
    return "\n".join(parts)


def build(folder: Path) -> Path:
    """Compiles the stand-in; returns the library."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "a C compiler is needed"
    (folder / "standin.c").write_text(source(), encoding="utf-8")
    library = folder / "libascendcl.so"
    subprocess.run(
        [
            compiler,
            "-shared",
            "-fPIC",
            "-w",
            "-I",
            str(ROOT / "Sources/CAscendCL/include"),
            str(folder / "standin.c"),
            "-o",
            str(library),
            "-lpthread",
        ],
        check=True,
    )
    return library


class Driver:
    """A Python process whose acl module drives the stand-in. Expressions are evaluated there."""

    def __init__(self, library: Path) -> None:
        environment = {**os.environ, "PYACLMDL_LIBRARY": str(library), "PYTHONWARNINGS": "ignore"}
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "binding_worker.py"), str(library)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def ask(self, expression: str, code: int = 0, hold: int = 0) -> dict:
        """Evaluates with C answering `code`, in `hold` threads at once when given.

        The answer has `value` or `error` (type and text), and `c`: name, values, texts of the last C call.
        """
        self.process.stdin.write(json.dumps([expression, code, hold]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the process ended while it evaluated {expression}"
        return json.loads(line)

    def close(self) -> int:
        self.process.stdin.close()
        return self.process.wait(timeout=60)

# SPDX-License-Identifier: Apache-2.0
"""Reads functions.tsv, the one description of every Python function.

Columns:
  python     full name
  args       `unit name` per argument, `?` before the unit of an optional one; `-`: arguments are not looked at
  returns    `unit name` per result, `unit name=preset` where C may leave it unset; `None`: always None
  prototype  the C function; a parameter named as an argument receives it, one named as a result delivers it,
             `num_X` receives the length of list X; `-`: no C function
  error      text of the TypeError for arguments that do not fit; `python`: CPython's own message; `-`: cannot happen
  gil        `release` or `keep` around the C call; `-`: the converter decides
  converter  hand-written C function that makes the call; `-`: generated
  status     works, emulated, or unsupported
  summary    what the function does, one phrase
  notes      what differs from the original, and why it is unsupported; may be empty

Units are those of PyArg_ParseTuple and Py_BuildValue (k K I H B b h i l L f d s O), or the name of a container that
shapes.c, options.c or infos.c reads or makes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "functions.tsv"


@dataclass(frozen=True)
class Argument:
    unit: str
    name: str
    optional: bool = False


@dataclass(frozen=True)
class Result:
    unit: str
    name: str
    preset: str = "0"


@dataclass(frozen=True)
class Parameter:
    """A parameter of the C function: `type` ends in `*` for pointers."""

    type: str
    name: str
    array: str = ""

    @property
    def declaration(self) -> str:
        space = "" if self.type.endswith("*") else " "
        return f"{self.type}{space}{self.name}{self.array}"


@dataclass(frozen=True)
class Function:
    python: str
    args: tuple[Argument, ...] | None
    returns: tuple[Result, ...]
    prototype: str
    error: str
    gil: str
    converter: str
    status: str
    summary: str
    notes: str

    @property
    def module(self) -> str:
        return self.python.rpartition(".")[0]

    @property
    def name(self) -> str:
        return self.python.rpartition(".")[2]

    @property
    def c_name(self) -> str:
        """Name of the C function, or an empty string."""
        return "" if self.prototype == "-" else re.match(r".*?(\w+)\(", self.prototype)[1]

    @property
    def c_result(self) -> str:
        return re.match(r"(.*?)\w+\(", self.prototype)[1].strip()

    @property
    def c_parameters(self) -> list[Parameter]:
        inside = re.match(r".*?\w+\((.*)\)$", self.prototype)[1]
        found = []
        for text in inside.split(", "):
            if match := re.match(r"(.*?)(\w+)((?:\[.*\])*)$", text):
                if match[1]:
                    found.append(Parameter(match[1].strip(), match[2], match[3]))
        return found


def _split(text: str) -> list[tuple[str, str]]:
    return [tuple(part.split(" ", 1)) for part in text.split(", ")]


def read(path: Path = TABLE) -> list[Function]:
    """All functions, in the table's order; ValueError names the line that cannot be read."""
    functions = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if number == 1 or not line:
            continue
        fields = line.split("\t")
        if len(fields) != 10:
            raise ValueError(f"{path.name}:{number}: {len(fields)} columns, expected 10")
        python, args, returns, *rest = fields
        arguments = None
        if args != "-":
            arguments = tuple(Argument(u.lstrip("?"), n, u.startswith("?")) for u, n in _split(args))
        results = ()
        if returns != "None":
            results = tuple(Result(u, n.partition("=")[0], n.partition("=")[2] or "0") for u, n in _split(returns))
        functions.append(Function(python, arguments, results, *rest))
    return functions

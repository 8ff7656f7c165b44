#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the reference, one page per module, into docs/reference/ from functions.tsv.

usage: generate_reference.py [--counts]
  --counts  print only how many functions work, are emulated, unsupported, or missing, per module
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Sources" / "PyAclMdl"))
sys.path.insert(0, str(ROOT / "scripts"))
import function_table  # noqa: E402
from function_table import Function  # noqa: E402

import generate_stubs  # noqa: E402

STATUSES = {
    "works": "does what the original does",
    "emulated": "answers as a device would, without one",
    "unsupported": "checks its arguments and returns code 207000, or what the notes say",
    "missing": "not in the library yet: RuntimeError when called",
}


# Functions of the original, by module.
ORIGINAL = {"acl": 47, "acl.rt": 193, "acl.mdl": 86, "acl.media": 177, "acl.util": 7}


def counts(functions: list[Function]) -> str:
    """A Markdown table: functions per module and status, and how many the original has."""
    per_module: dict[str, Counter[str]] = {}
    for function in functions:
        per_module.setdefault(function.module, Counter())[function.status] += 1
    used = [status for status in STATUSES if any(counter[status] for counter in per_module.values())]
    lines = [f"| module | functions | of pyACL's | {' | '.join(used)} |", f"|---|---|---|{'---|' * len(used)}"]
    for module, counter in per_module.items():
        numbers = [counter.total(), ORIGINAL[module], *(counter[status] for status in used)]
        lines.append(f"| `{module}` | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def entry(function: Function) -> str:
    lines = [f"### {function.name}", "", f"{function.summary[0].upper()}{function.summary[1:]}.", ""]
    lines += ["```python", generate_stubs.signature(function).removesuffix(": ..."), "```", ""]
    if function.returns:
        lines.append(f"- Returns: {', '.join(f'`{result.name}`' for result in function.returns)}")
    if function.c_name:
        lines.append(f"- C: `{function.prototype}`")
    if function.error not in ("-", "python"):
        lines.append(f"- Wrong arguments: TypeError `{function.error}`")
    lines.append(f"- Here: {function.status}")
    if function.notes:
        lines.append(f"- Note: {function.notes}")
    return "\n".join(lines)


def page(module: str, functions: list[Function]) -> str:
    lines = [f"# {module}", "", f'{len(functions)} functions. Words under "Here":', ""]
    lines += [f"- {status}: {text}" for status, text in STATUSES.items() if any(f.status == status for f in functions)]
    lines += ["", "A failing C call raises nothing: its code is the last result.", ""]
    return "\n".join([*lines, "\n\n".join(entry(function) for function in functions), ""])


def main() -> None:
    functions = function_table.read()
    if sys.argv[1:] == ["--counts"]:
        print(counts(functions))
        return
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    folder = ROOT / "docs" / "reference"
    for module in dict.fromkeys(function.module for function in functions):
        own = [function for function in functions if function.module == module]
        (folder / f"{module}.md").write_text(page(module, own), encoding="utf-8")
        print(folder / f"{module}.md")


if __name__ == "__main__":
    main()

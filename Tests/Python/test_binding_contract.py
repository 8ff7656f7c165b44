# SPDX-License-Identifier: Apache-2.0
"""Compares functions.tsv with the contract's table, where that lies beside the repository."""

from __future__ import annotations

import re

import pytest

from binding_standin import FUNCTIONS, ROOT

CONTRACT = ROOT.parent / "shared" / "contract" / "pyacl.tsv"
if not CONTRACT.exists():
    pytest.skip("the contract's table is not here", allow_module_level=True)
ROWS = [line.split("\t") for line in CONTRACT.read_text(encoding="utf-8").splitlines()[1:]]
# Of acl.media: memory, descriptions and work of the image processor, without lists and without parameters by number.
MEDIA = re.compile(r"acl\.media\.dvpp_(?!(set|get)_channel_desc_param|png_(get|predict)|vpc_batch)\w+")
ROWS = {
    row[0]: row
    for row in ROWS
    if re.fullmatch(r"acl(\.rt|\.mdl|\.util)?\.[a-z0-9_]+", row[0])
    or (MEDIA.fullmatch(row[0]) and "USE_MDL" not in row[4])
}
# Argument errors that the contract's table does not tell: with an exclamation mark, but for these.
WITHOUT_MARK = re.compile(r"dvpp_(vpc_crop_resize_async|jpeg_\w+|(create|destroy|set)_jpege_config\w*)")
# Containers stand for O. Later bindings have functions whose formats were not seen.
UNSEEN = {name for name, row in ROWS.items() if row[2].startswith("?")}


def unit(text: str) -> str:
    return text if len(text) == 1 else "O"


def test_the_table_has_exactly_the_contracts_functions():
    assert {f.python for f in FUNCTIONS} == set(ROWS)
    counts = {
        module: sum(f.module == module for f in FUNCTIONS) for module in dict.fromkeys(f.module for f in FUNCTIONS)
    }
    assert counts == {"acl": 47, "acl.rt": 193, "acl.mdl": 86, "acl.media": 87, "acl.util": 7}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.python)
def test_formats_and_texts(function):
    _, c_name, args, returns, notes = ROWS[function.python]
    assert function.c_name == ("" if c_name == "-" else c_name)
    if function.python in UNSEEN:
        return
    if function.args is None:
        assert args == "-"
    else:
        optional = "|" if any(a.optional for a in function.args) else ""
        assert optional + "".join(unit(a.unit) for a in function.args) == args.split()[0]
    formats = "".join(unit(r.unit) for r in function.returns)
    assert (formats or "None") == returns.split()[0]
    if function.args and function.error != "python":
        text = re.search(r'msg="(.*?)"', notes)
        expected = text[1] if text else f"{function.python} args parse failed" + ("!" if "msg!" in notes else "")
        if function.module == "acl.media":
            expected = f"{function.python} args parse failed" + ("" if WITHOUT_MARK.fullmatch(function.name) else "!")
            expected = re.sub("(?<=border_config_)top", "Top", expected)
        assert function.error == expected

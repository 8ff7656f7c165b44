#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the type stubs of the package acl (.pyi files and py.typed) from functions.tsv.

usage: generate_stubs.py OUTPUT_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "Sources" / "PyAclMdl"))
import function_table  # noqa: E402
from function_table import Argument, Function, Result  # noqa: E402

# k and K want a real int; the other integer units take anything with __index__.
ARGUMENT_TYPES = {
    "k": "int",
    "K": "int",
    "I": "SupportsIndex",
    "H": "SupportsIndex",
    "B": "SupportsIndex",
    "b": "SupportsIndex",
    "h": "SupportsIndex",
    "i": "SupportsIndex",
    "l": "SupportsIndex",
    "L": "SupportsIndex",
    "f": "SupportsFloat | SupportsIndex",
    "d": "SupportsFloat | SupportsIndex",
    "s": "str",
    "dims": "list[int]",
    "shape_range": "list[list[int]]",
    "value_range": "list[list[int]]",
    "notifies": "list[int]",
    "pids": "list[int]",
    "placeholders": "list[dict[str, int]]",
    "binary_options": "list[dict[str, int]]",
    "launch_config": "list[dict[str, int]]",
    "malloc_config": "dict[str, Any]",
    "physical_prop": "dict[str, Any]",
}
RESULT_TYPES = {
    "f": "float",
    "d": "float",
    "s": "str",
    "iodims": "Dims",
    "dynamic_batch": "DynamicBatch",
    "dynamic_hw": "DynamicHW",
    "dims_range": "DimsRange",
    "utilization": "Utilization",
    "pointer_attributes": "PointerAttributes",
    "uuid": "dict[str, list[int]]",
    "cann_version": "dict[str, str]",
}
# Arguments and results that are plain objects for the conversion.
OBJECT_TYPES = {
    ("launch_callback", "fn"): "Callable[[Any], object]",
    ("launch_callback", "user_data_list"): "object",
    ("set_exception_info_callback", "fn"): "Callable[[int], object] | None",
    ("set_stream_attribute", "value"): "dict[str, Any]",
    ("get_stream_attribute", "value"): "dict[str, Any]",
    ("allocator_set_alloc_func_to_desc", "func"): "Callable[[int, int], int]",
    ("allocator_set_free_func_to_desc", "func"): "Callable[[int, int], object]",
    ("allocator_set_alloc_advise_func_to_desc", "func"): "Callable[[int, int, int], int]",
    ("allocator_set_get_addr_from_block_func_to_desc", "func"): "Callable[[int], int]",
    ("get_group_info_detail", "attr_value"): "list[int]",
    ("get_mem_uce_info", "mem_uce_info"): "list[dict[str, Any]]",
    ("mem_uce_repair", "mem_uce_info"): "list[dict[str, Any]]",
    ("get_first_aipp_info", "aipp_info"): "dict[str, Any] | None",
    ("set_input_dynamic_dims", "dims"): "dict[str, Any]",
    ("get_input_dynamic_dims", "dims"): "list[Dims] | None",
    ("dump_reg_callback", "func"): "Callable[[dict[str, Any]], object]",
    ("set_config_opt", "attr_value"): "int | str",
    ("get_tensor_desc_dim_range", "dim_range"): "list[int] | None",
    ("get_cann_attribute_list", "attr_list"): "list[int]",
    ("numpy_to_ptr", "ndarray"): "numpy.ndarray[Any, Any]",
    ("numpy_contiguous_to_ptr", "ndarray"): "numpy.ndarray[Any, Any]",
    ("ptr_to_numpy", "ndarray"): "numpy.ndarray[Any, Any]",
    ("ptr_to_numpy", "shape"): "tuple[int, ...]",
    ("bytes_to_ptr", "bytes"): "bytes",
    ("ptr_to_bytes", "bytes"): "bytes",
    ("start_thread", "thr_func"): "Callable[..., object]",
    ("start_thread", "args_list"): "object",
}
TYPES_STUB = '''"""Dicts that functions of acl return. For type checkers only: there is no such module at run time."""

from typing import TypedDict

class Dims(TypedDict, total=False):
    name: str
    dimCount: int
    dims: list[int]

class DynamicBatch(TypedDict, total=False):
    batchCount: int
    batch: list[int]

class DynamicHW(TypedDict, total=False):
    hwCount: int
    hw: list[list[int]]

class DimsRange(TypedDict):
    rangeCount: int
    range: list[list[int]]

class Utilization(TypedDict):
    cube_utilization: int
    vector_utilization: int
    aicpu_utilization: int
    memory_utilization: int
    utilization_extend: int

class Location(TypedDict):
    id: int
    type: int

class PointerAttributes(TypedDict):
    location: Location
    page_size: int
    rsv: list[int]
'''


def argument_type(function: Function, argument: Argument) -> str:
    return OBJECT_TYPES[function.name, argument.name] if argument.unit == "O" else ARGUMENT_TYPES[argument.unit]


def result_type(function: Function, result: Result) -> str:
    if result.unit == "O":
        return OBJECT_TYPES[function.name, result.name]
    if result.unit == "s" and len(function.returns) == 1:
        return "str | None"
    return RESULT_TYPES.get(result.unit, "int")


def signature(function: Function) -> str:
    if function.args is None:
        arguments = "*args: object"
    else:
        parts = [f"{a.name}: {argument_type(function, a)}" + (" = ..." if a.optional else "") for a in function.args]
        arguments = ", ".join([*parts, "/"])
    results = [result_type(function, result) for result in function.returns]
    returned = f"tuple[{', '.join(results)}]" if len(results) > 1 else (results or ["None"])[0]
    return f"def {function.name}({arguments}) -> {returned}: ..."


def stub(module: str, functions: list[Function], submodules: list[str]) -> str:
    body = [signature(function) for function in functions]
    text = "\n".join(body)
    lines = []
    if "Callable[" in text:
        lines.append("from collections.abc import Callable")
    typing = [name for name in ("Any", "SupportsFloat", "SupportsIndex") if name in text]
    if typing:
        lines.append(f"from typing import {', '.join(typing)}")
    if "numpy." in text:
        lines += ["", "import numpy"]
    dicts = [
        name
        for name in ("Dims", "DimsRange", "DynamicBatch", "DynamicHW", "PointerAttributes", "Utilization")
        if any(name in part for part in text.replace("[", " ").replace(",", " ").replace("]", " ").split())
    ]
    if dicts:
        lines += ["", f"from acl._types import {', '.join(dicts)}"]
    if submodules:
        lines += ["", "from acl import " + ", ".join(f"{name} as {name}" for name in submodules)]
    title = f'"""{module}: generated from functions.tsv."""'
    return "\n".join([title, "", *lines, "", *body, ""])


def write(folder: Path) -> None:
    """Writes the stubs into `folder`, the package acl."""
    functions = function_table.read()
    modules = list(dict.fromkeys(function.module for function in functions))
    folder.mkdir(parents=True, exist_ok=True)
    for module in modules:
        own = [function for function in functions if function.module == module]
        submodules = [name.removeprefix("acl.") for name in modules if name != "acl"] if module == "acl" else []
        name = "__init__" if module == "acl" else module.removeprefix("acl.")
        (folder / f"{name}.pyi").write_text(stub(module, own, submodules), encoding="utf-8")
    (folder / "_types.pyi").write_text(TYPES_STUB, encoding="utf-8")
    (folder / "py.typed").write_text("", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(Path(sys.argv[1]))

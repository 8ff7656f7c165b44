# SPDX-License-Identifier: Apache-2.0
"""Walks the table of functions: each exists, converts its arguments, refuses wrong ones, returns what C delivers.

C is a stand-in that records what it receives; what it should receive is worked out here from units and prototypes.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys

import pytest

import binding_standin
from binding_standin import BODIES, FUNCTIONS, NUMBER_BASE, POINTER_BASE, WRITTEN_FLOAT, WRITTEN_TEXT, Driver

# unit -> (Python expression, what C receives).
VALID = {
    "k": ("2**64 + 12345", [12345]),
    "K": ("2**64 + 54321", [54321]),
    "I": ("2**32 + 77", [77]),
    "H": ("2**16 + 5", [5]),
    "B": ("256 + 7", [7]),
    "b": ("100", [100]),
    "h": ("-3", [-3]),
    "i": ("5", [5]),
    "l": ("-7", [-7]),
    "L": ("7", [7]),
    "f": ("0.5", [struct.unpack("i", struct.pack("f", 0.5))[0]]),
    "d": ("0.1", [struct.unpack("q", struct.pack("d", 0.1))[0]]),
    "s": ("'n\\u00e4me'", [1]),
    "dims": ("[1, -1, True]", [1, -1, 1]),
    "shape_range": ("[[1, 2], [3, -1, 'ignored']]", [1, 2, 3, -1]),
    "value_range": ("[[4, 5]]", [4, 5]),
    "notifies": ("[2**40, -1]", [2**40, -1]),
    "pids": ("[11, -12]", [11, -12]),
    "placeholders": ("[{'addrOffset': 3, 'dataOffset': 4}]", [1, 3, 4]),
    "binary_options": ("[{'type': 1, 'value': 2, 'more': None}]", [1, 1, 1, 2]),
    "launch_config": ("[{'id': 2, 'value': 2**32 + 9}]", [1, 1, 2, 9]),
    "malloc_config": ("{'numAttrs': 1, 'attrs': [{'attr': 1, 'value': {'moduleId': 65536 + 3}}]}", [1, 1, 1, 3]),
    "physical_prop": (
        "{'handleType': 2, 'memAttr': 'wrong type', 'location': {'id': 6, 'type': 1}, 'reserve': 8}",
        [2, 0, 6, 1, 8],
    ),
}
LENGTHS = {"dims": 3, "shape_range": 2, "value_range": 1, "notifies": 2, "pids": 2}
# Arguments that later checks limit.
SMALL = {"dim_range_num": 2, "op_name_len": 16, "gear_count": 2, "place_holder_num": 1}
OBJECTS = {
    "fn": "id",
    "user_data_list": "[1]",
    "func": "id",
    "value": "{'reserved': [1, 2]}",
    "mem_uce_info": "[{'addr': 5, 'len': 6, 'reserved': [7, 8]}]",
    "dims": "{'dimCount': 2, 'dims': [4, 5, 6], 'name': 'n'}",
    "attr_value": "9",
    "ndarray": "__import__('numpy').zeros(2)",
    "shape": "(2,)",
    "bytes": "b'ab'",
    "thr_func": "id",
    "args_list": "[1]",
}
WRONG = {
    **{unit: ["None", "'1'", "1.0", "Index(3)", "b'1'"] for unit in "kK"},
    **{unit: ["None", "'1'", "1.0", "b'1'"] for unit in "IHB"},
    "b": ["None", "'1'", "1.0", "256", "-1"],
    "h": ["None", "1.0", "2**15", "-2**15 - 1"],
    "i": ["None", "'1'", "1.0", "2**31", "-2**31 - 1", "2**80"],
    "l": ["None", "1.0", "2**63", "-2**63 - 1"],
    "L": ["None", "1.0", "2**63", "-2**63 - 1"],
    "f": ["None", "'1'", "b'1'"],
    "d": ["None", "'1'", "b'1'"],
    "s": ["None", "b'a'", "1", "'a\\0b'", "'\\ud800'"],
}
NOT_2 = ("ValueError", "argument 2 only support the format of list")
REFUSED_CONTAINERS = {
    "dims": [
        ("(1, 2)", "TypeError", "argument 2 is not list"),
        ("[1.0]", "TypeError", "invalid data type"),
        ("[2**63]", "ValueError", "PyLong_AsLongLong failed"),
        ("[Index(1)]", "TypeError", "invalid data type"),
    ],
    "shape_range": [
        ("((1, 2),)", "TypeError", "argument 2 is not list"),
        ("[(1, 2)]", "TypeError", "the list argument is not list"),
        ("[[1]]", "TypeError", "the list argument is not list of int"),
        ("[[1, 2.0]]", "TypeError", "the list argument is not list of int"),
        ("[[1, 2**70]]", "ValueError", "PyLong_AsLongLong failed"),
    ],
    "value_range": [
        ("None", "TypeError", "int64_t argument is not list"),
        ("[1]", "TypeError", "the list argument is not list"),
    ],
    "notifies": [
        ("(1,)", "ValueError", "argument only support the format of list"),
        ("['1']", "ValueError", "get notify pointers from PyList failed"),
        ("[2**64]", "ValueError", "get notify pointers from PyList failed"),
    ],
    "pids": [
        ("(1,)", *NOT_2),
        ("[2**31]", "ValueError", "get values from PyList failed"),
        ("[None]", "ValueError", "get values from PyList failed"),
    ],
    "placeholders": [("()", *NOT_2)],
    "binary_options": [("()", *NOT_2), ("[1]", "TypeError", "the bin_option argument is not dict")],
    "launch_config": [("()", *NOT_2), ("[1]", "TypeError", "the cfg argument is not dict")],
    "malloc_config": [
        ("[]", "TypeError", "pyCfg is not dict!"),
        ("{'numAttrs': 1}", "TypeError", "the aclrtMallocAttrValue argument is not dict"),
        ("{'numAttrs': 1, 'attrs': ()}", "TypeError", "cfg.attrs malloc failed!"),
        ("{'numAttrs': 2, 'attrs': [{}]}", "KeyError", "'The numAttrs inputed does not match the expected numAttrs'"),
        (
            "{'numAttrs': 1, 'attrs': [{'attr': 1, 'value': {}}]}",
            "KeyError",
            "'No valid key found in aclrtMallocAttrValue'",
        ),
    ],
    "physical_prop": [
        ("[]", "TypeError", "the aclrtPhysicalMemProp argument is not dict"),
        ("{'location': 1}", "TypeError", "the aclrtMemLocation argument is not dict"),
        ("{'handleType': 2**63}", "ValueError", "PyLong_AsLong failed"),
    ],
}
# What a filled struct looks like, and what an erring call leaves.
MADE = {
    "iodims": ({"dimCount": 2, "dims": [3, -1], "name": "text"}, {}),
    "dynamic_batch": ({"batchCount": 2, "batch": [1, 4]}, {}),
    "dynamic_hw": ({"hwCount": 1, "hw": [[224, 112]]}, {}),
    "dims_range": ({"rangeCount": 1, "range": [[1, -1]]}, {"rangeCount": 0, "range": []}),
    "utilization": (
        {
            "cube_utilization": 1,
            "vector_utilization": 2,
            "aicpu_utilization": 3,
            "memory_utilization": -1,
            "utilization_extend": 0,
        },
        {
            "cube_utilization": 0,
            "vector_utilization": 0,
            "aicpu_utilization": 0,
            "memory_utilization": 0,
            "utilization_extend": 0,
        },
    ),
    "pointer_attributes": (
        {"location": {"id": 7, "type": 1}, "page_size": 4096, "rsv": [0, 0, 0, 9]},
        {"location": {"id": 0, "type": 0}, "page_size": 0, "rsv": [0, 0, 0, 0]},
    ),
    "uuid": ({"bytes": [*b"0123456789abcde", 0]}, {"bytes": [0] * 16}),
    "cann_version": (
        {
            "version": "8.1.RC2",
            "major_version": "8",
            "minor_version": "",
            "release_version": "",
            "patch_version": "",
            "reserved": "",
        },
        dict.fromkeys(
            ["version", "major_version", "minor_version", "release_version", "patch_version", "reserved"], ""
        ),
    ),
}
WITH_C = [f for f in FUNCTIONS if f.c_name]
# Functions with containers of their own kind are tested in test_binding_converters.py.
PLAIN = [
    f
    for f in WITH_C
    if f.c_name not in BODIES
    and f.name != "launch_kernel_with_host_args"
    and all(item.unit != "O" for item in (*(f.args or ()), *f.returns))
]
WITH_ARGUMENTS = [f for f in FUNCTIONS if f.args]


def named(functions):
    return pytest.mark.parametrize("function", functions, ids=lambda f: f.python)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    made = Driver(binding_standin.build(tmp_path_factory.mktemp("standin")))
    yield made
    assert made.close() == 0


def argument_expressions(function):
    expressions = []
    for argument in function.args or ():
        if argument.name in SMALL:
            expressions.append(str(SMALL[argument.name]))
        elif argument.name == "len":
            expressions.append("64")
        elif argument.unit == "O":
            expressions.append(OBJECTS[argument.name])
        else:
            expressions.append(VALID[argument.unit][0])
    return expressions


def expression(function, arguments):
    return f"{function.python}({', '.join(arguments)})"


def expected_in_c(function):
    """Values and texts that C should receive, in C's order."""
    arguments = {a.name: a for a in function.args or ()}
    out = binding_standin.delivered(function)
    values, texts = [], []
    for parameter in function.c_parameters:
        if parameter in out:
            continue
        listed = arguments.get(parameter.name.removeprefix("num_"))
        if parameter.name in SMALL:
            values.append(SMALL[parameter.name])
        elif parameter.name == "len":
            values.append(64)
        elif parameter.name in arguments:
            unit = arguments[parameter.name].unit
            values += VALID[unit][1]
            if unit == "s":
                texts.append("n\u00e4me")
        elif listed:
            values.append(LENGTHS[listed.unit])
    return values, texts


def number_of_bits(unit, value):
    """What a Py_BuildValue unit makes of a C number."""
    return value & {"I": 0xFFFFFFFF, "B": 0xFF}.get(unit, -1)


def expected_results(function, code):
    out = binding_standin.delivered(function)
    parameters = {p.name: (position, p) for position, p in enumerate(function.c_parameters) if p in out}
    arguments = {a.name: a for a in function.args or ()}
    results = []
    for result in function.returns:
        if result.name == "ret":
            results.append(code)
        elif result.name in arguments and function.c_result == "aclError":
            results.append(VALID[arguments[result.name].unit][1][0])
        elif result.unit in MADE:
            results.append(MADE[result.unit][1 if code else 0])
        elif result.name in parameters:
            position, parameter = parameters[result.name]
            base = parameter.type[:-1].strip()
            if code:
                results.append(0.0 if result.unit == "f" else "" if base == "char" else int(result.preset, 0))
            elif base == "char":
                results.append(WRITTEN_TEXT)
            elif base == "float":
                results.append(WRITTEN_FLOAT)
            elif base.endswith("*") or base.removeprefix("aclrt") in binding_standin.POINTER_HANDLES:
                results.append(POINTER_BASE + position)
            else:
                results.append(number_of_bits(result.unit, NUMBER_BASE + position))
        else:
            c_type = function.c_result
            if result.unit == "s":
                results.append(None if code else WRITTEN_TEXT)
            elif c_type == "float":
                results.append(WRITTEN_FLOAT)
            elif c_type.endswith("*") or c_type.removeprefix("aclrt") in binding_standin.POINTER_HANDLES:
                results.append(POINTER_BASE)
            else:
                results.append(number_of_bits(result.unit, NUMBER_BASE))
    return tuple(results) if len(results) > 1 else results[0] if results else None


@named(PLAIN)
def test_arguments_reach_c_and_results_come_back(driver, function):
    call = expression(function, argument_expressions(function))
    answer = driver.ask(call)
    values, texts = expected_in_c(function)
    assert answer["c"] == {"name": function.c_name, "values": values, "texts": texts}
    assert eval(answer["value"]) == expected_results(function, 0)
    answer = driver.ask(call, code=507000)
    assert eval(answer["value"]) == expected_results(function, 507000), "a failing C call raises nothing"


@named(WITH_ARGUMENTS)
def test_wrong_arguments_are_refused_with_the_functions_text(driver, function):
    good = argument_expressions(function)
    refusal = ["TypeError", function.error]
    required = [a for a in function.args if not a.optional]
    calls = [[*good, "0"], *([good[: len(required) - 1]] if required else [])]
    for position, argument in enumerate(function.args):
        calls += [[*good[:position], wrong, *good[position + 1 :]] for wrong in WRONG.get(argument.unit, ())]
    for arguments in calls:
        answer = driver.ask(expression(function, arguments))
        if function.error == "python":
            assert answer["error"][0] == "TypeError" and "argument" in answer["error"][1]
        else:
            assert answer["error"] == refusal, arguments
        assert answer["context"] == "None", "the first error must not stay"
        assert answer["calls"] == 0


@named([f for f in WITH_ARGUMENTS if any(a.unit in REFUSED_CONTAINERS for a in f.args)])
def test_wrong_containers_are_refused(driver, function):
    good = argument_expressions(function)
    for position, argument in enumerate(function.args):
        for wrong, kind, text in REFUSED_CONTAINERS.get(argument.unit, ()):
            answer = driver.ask(expression(function, [*good[:position], wrong, *good[position + 1 :]]))
            assert answer["error"] == [kind, text], wrong
            assert answer["calls"] == 0


@named([f for f in WITH_C if any(a.unit in ("i", "I", "H", "B", "b", "h", "l", "L") for a in f.args or ())])
def test_integer_units_take_what_has_an_index(driver, function):
    good = argument_expressions(function)
    for position, argument in enumerate(function.args):
        if argument.unit in ("i", "I", "H", "B", "b", "h", "l", "L"):
            answer = driver.ask(expression(function, [*good[:position], "Index(1)", *good[position + 1 :]]))
            assert "value" in answer, answer
            answer = driver.ask(expression(function, [*good[:position], "True", *good[position + 1 :]]))
            assert "value" in answer, answer


@named([f for f in FUNCTIONS if f.args is None])
def test_functions_without_arguments_ignore_any(driver, function):
    assert "value" in driver.ask(expression(function, ["1", "'x'", "None"]))


@named(FUNCTIONS)
def test_functions_are_builtins_that_refuse_keywords(driver, function):
    answer = driver.ask(f"{function.python}(nonsense=1)")
    shown = function.python if function.module == "acl" else function.name
    assert answer["error"] == ["TypeError", f"{shown}() takes no keyword arguments"]
    shown = driver.ask(f"(type({function.python}).__name__, {function.python}.__name__, {function.python}.__module__)")
    module = "acl" if function.module == "acl" else None
    assert eval(shown["value"]) == ("builtin_function_or_method", function.name, module)


@named([f for f in WITH_C if f.gil == "release"])
def test_the_gil_is_released(driver, function):
    """Two threads are inside the C function at the same time; each waits for the other."""
    answer = driver.ask(expression(function, argument_expressions(function)), hold=2)
    assert answer["met"], "the second thread could not enter while the first was in C"


# Callbacks are held until they have run, threads until they are joined.
HOLDING = {"acl.rt.launch_callback", "acl.util.start_thread"}
# Reads the address it is given.
READING = {"acl.util.ptr_to_bytes"}


@named([f for f in FUNCTIONS if f.python not in HOLDING | READING])
def test_calls_do_not_leak(driver, function):
    """Neither good calls, nor failing ones, nor refused ones; a block or two may be caches of the interpreter."""
    good = argument_expressions(function)
    bad = [["None"] * len(good), [*good, "0"]]
    for position, argument in enumerate(function.args or ()):
        bad += [
            [*good[:position], wrong, *good[position + 1 :]]
            for wrong, _, _ in REFUSED_CONTAINERS.get(argument.unit, ())
        ]
    for code, calls in ((0, [good]), (100000, [good, *bad])):
        for arguments in calls:
            answer = driver.ask(f"leaked({expression(function, arguments)!r})", code=code)
            assert eval(answer["value"]) < 20, arguments


def test_unknown_rank_and_negative_numbers_keep_their_bits(driver):
    assert driver.ask("acl.rt.malloc(-1, 0)")["c"]["values"] == [-1, 0]
    assert driver.ask("acl.rt.set_device(-5)")["c"]["values"] == [-5]
    assert driver.ask("acl.mdl.get_dynamic_hw(1, -1)")["c"]["values"] == [1, -1]


def test_missing_functions_raise_only_when_called(tmp_path):
    library = tmp_path / "libempty.so"
    (tmp_path / "empty.c").write_text("int nothing;\n")
    subprocess.run(
        [shutil.which("cc") or "gcc", "-shared", "-fPIC", str(tmp_path / "empty.c"), "-o", str(library)], check=True
    )
    program = "import acl\ntry:\n    acl.rt.malloc(1, 0)\nexcept RuntimeError as error:\n    print(error)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYACLMDL_LIBRARY": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"the AscendCL library {library} has no function aclrtMalloc\n"


def test_a_library_that_cannot_be_loaded_is_an_import_error(tmp_path):
    program = "try:\n    import acl\nexcept ImportError as error:\n    print(error)"
    path = tmp_path / "none.so"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYACLMDL_LIBRARY": str(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("acl cannot load the AscendCL library: ") and str(path) in done.stdout

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes bindings.h and bindings.c, the wrappers and method tables of the extension, from functions.tsv.

usage: generate_bindings.py OUTPUT_FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "Sources" / "PyAclMdl"))
import function_table  # noqa: E402
from function_table import Argument, Function, Parameter, Result  # noqa: E402

UNIT_TYPES = {
    "k": "uint64_t",
    "K": "uint64_t",
    "I": "uint32_t",
    "H": "uint16_t",
    "B": "uint8_t",
    "b": "uint8_t",
    "h": "int16_t",
    "i": "int32_t",
    "l": "int64_t",
    "L": "int64_t",
    "f": "float",
    "d": "double",
    "s": "const char *",
    "O": "PyObject *",
}
INTEGERS = {
    "size_t",
    "int",
    "int8_t",
    "uint8_t",
    "int16_t",
    "uint16_t",
    "int32_t",
    "uint32_t",
    "int64_t",
    "uint64_t",
    "aclError",
    "aclFloat16",
}
# Containers going in: C type, reader, and whether C gets `.items` and `.count` (a list) or `.value` (a struct).
CONTAINERS = {
    "dims": ("struct list64", "read_dims", "list"),
    "shape_range": ("struct list64", "read_shape_range", "list"),
    "value_range": ("struct list64", "read_value_range", "list"),
    "notifies": ("struct list64", "read_notifies", "list"),
    "pids": ("struct list32", "read_pids", "list"),
    "placeholders": ("struct placeholders", "read_placeholders", "list"),
    "binary_options": ("struct binary_options", "read_binary_options", "struct"),
    "launch_config": ("struct launch_config", "read_launch_config", "struct"),
    "malloc_config": ("struct malloc_config", "read_malloc_config", "struct"),
    "physical_prop": ("struct physical_prop", "read_physical_prop", "struct"),
}


def literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def identifier(function: Function) -> str:
    return function.python.removeprefix("acl.").replace(".", "_")


def reads(argument: Argument, position: int) -> str:
    if argument.unit == "O":
        return ""
    return f"read_{argument.unit}(args[{position}], &a_{argument.name})"


def pass_in(parameter: Parameter, argument: Argument) -> str:
    """The C expression that hands an argument to a C parameter."""
    value = f"a_{argument.name}"
    kind = CONTAINERS.get(argument.unit)
    if kind:
        return f"(void *){value}.items" if kind[2] == "list" else f"{value}.value"
    if argument.unit in "kK" and parameter.type.removeprefix("const ") not in INTEGERS:
        return f"({parameter.type})(uintptr_t){value}"
    return f"({parameter.type}){value}"


def delivered_type(parameter: Parameter) -> str:
    assert parameter.type.endswith("*"), parameter
    return parameter.type[:-1].strip()


def make(result: Result, expression: str, c_type: str) -> str:
    """The C expression that turns a C value into a Python object."""
    if result.unit in "kK":
        if c_type.removeprefix("const ") in INTEGERS - {"int", "int32_t"}:
            return f"make_k((uint64_t){expression})"
        if c_type.endswith("*") or c_type in POINTER_TYPES:
            return f"make_k((uint64_t)(uintptr_t){expression})"
        return f"make_k((uint32_t){expression})"
    if result.unit in UNIT_TYPES:
        return f"make_{result.unit}(({UNIT_TYPES[result.unit]}){expression})"
    return f"make_{result.unit}(&{expression}, ret)"


POINTER_TYPES = {
    "aclrtBinHandle",
    "aclrtFuncHandle",
    "aclrtArgsHandle",
    "aclrtParamHandle",
    "aclrtBinary",
    "aclrtStream",
    "aclrtEvent",
    "aclrtContext",
    "aclrtNotify",
    "aclrtDrvMemHandle",
    "aclrtAllocatorDesc",
}


def converter_parameters(function: Function) -> list[str]:
    types = ["PyObject *self"]
    if function.c_name:
        types.append(f"{function.c_name}_fn call")
    for argument in function.args or ():
        kind = CONTAINERS.get(argument.unit)
        c_type = f"{kind[0]} *" if kind else UNIT_TYPES[argument.unit]
        types.append(f"{c_type}{'' if c_type.endswith('*') else ' '}{argument.name}")
    return types


def declarations(function: Function) -> list[str]:
    lines = []
    for argument in function.args or ():
        kind = CONTAINERS.get(argument.unit)
        c_type = kind[0] if kind else UNIT_TYPES[argument.unit]
        initial = " = {0}" if kind else " = NULL" if argument.optional else ""
        lines.append(f"{c_type}{'' if c_type.endswith('*') else ' '}a_{argument.name}{initial};")
    return lines


def parsing(function: Function) -> list[str]:
    """Counts and converts scalars first, as the original parses before it looks into containers."""
    if function.args is None:
        return ["(void)args;", "(void)nargs;"]
    if function.error == "python":
        units = "".join(a.unit for a in function.args)
        targets = ", ".join(f"&a_{a.name}" for a in function.args)
        return [f'if (!parse_like_python(args, nargs, "{units}", {targets})) {{', "    return NULL;", "}"]
    required = sum(not a.optional for a in function.args)
    count = len(function.args)
    tests = [f"nargs != {count}" if required == count else f"nargs > {count}"]
    lines = []
    for position, argument in enumerate(function.args):
        if argument.unit in CONTAINERS or argument.unit == "O":
            continue
        test = f"!{reads(argument, position)}"
        tests.append(f"(nargs > {position} && {test})" if argument.optional else test)
    lines += [f"if ({' || '.join(tests)}) {{", f"    return refuse({literal(function.error)});", "}"]
    for position, argument in enumerate(function.args):
        if argument.unit == "O":
            value = f"args[{position}]"
            lines.append(
                f"a_{argument.name} = "
                + (f"nargs > {position} ? {value} : NULL;" if argument.optional else f"{value};")
            )
    return lines


def containers(function: Function) -> list[str]:
    lines = []
    for position, argument in enumerate(function.args or ()):
        if kind := CONTAINERS.get(argument.unit):
            lines += [f"if (!{kind[1]}(args[{position}], &a_{argument.name})) {{", "    goto done;", "}"]
    return lines


def call(function: Function, leave: str) -> tuple[list[str], list[str], str]:
    """Declarations, statements, and the result of a generated call. `leave` is what ends an interrupted one."""
    arguments = {a.name: a for a in function.args or ()}
    results = {r.name: r for r in function.returns}
    before, passed, types = [], [], {}
    for parameter in function.c_parameters:
        listed = arguments.get(parameter.name.removeprefix("num_"))
        if parameter.name in arguments:
            passed.append(pass_in(parameter, arguments[parameter.name]))
        elif parameter.name in results:
            c_type = delivered_type(parameter)
            types[parameter.name] = c_type
            result = results[parameter.name]
            initial = "{0}" if result.unit not in UNIT_TYPES else f"({c_type}){result.preset}"
            before.append(f"{c_type}{'' if c_type.endswith('*') else ' '}r_{parameter.name} = {initial};")
            passed.append(f"&r_{parameter.name}")
        elif listed and parameter.name.startswith("num_"):
            passed.append(f"({parameter.type})a_{listed.name}.count")
        else:
            raise ValueError(f"{function.python}: nothing fits the C parameter {parameter.name}")
    expression = f"call({', '.join(passed)})"
    if function.c_result == "void":
        before_call, finish = "", "make_none()"
    elif "ret" in results:
        before.append("aclError ret;")
        before_call = "ret = "
        made = []
        for result in function.returns:
            if result.name == "ret":
                made.append(f"make_{result.unit}(({UNIT_TYPES[result.unit]})ret)")
            elif result.name in types:
                made.append(make(result, f"r_{result.name}", types[result.name]))
            elif result.name in arguments:
                made.append(f"make_{result.unit}(a_{result.name})")
            else:
                raise ValueError(f"{function.python}: nothing delivers {result.name}")
        finish = made[0] if len(made) == 1 else f"pack{len(made)}({', '.join(made)})"
    else:
        (result,) = function.returns
        c_type = function.c_result
        before.append(f"{c_type}{'' if c_type.endswith('*') else ' '}value;")
        before_call = "value = "
        finish = make(result, "value", c_type)
    statement = f"{before_call}{expression};"
    if function.gil == "release":
        before.insert(0, "struct call released;")
        ended = ["if (!end_call(&released)) {", f"    {leave}", "}"]
        return before, ["begin_call(&released);", statement, *ended], finish
    if function.gil == "keep":
        return before, [statement], finish
    raise ValueError(f"{function.python}: gil is {function.gil!r}, expected release or keep")


def wrapper(function: Function) -> str:
    body = declarations(function) + parsing(function)
    has_containers = any(a.unit in CONTAINERS for a in function.args or ())
    if has_containers:
        body.insert(0, "PyObject *made = NULL;")
    if function.c_name:
        body += [
            f"{function.c_name}_fn call = ({function.c_name}_fn)c_function(C_{function.c_name});",
            "if (!call) {",
            "    return NULL;",
            "}",
        ]
    statements = containers(function)
    if function.converter != "-":
        passed = ["self"] + (["call"] if function.c_name else [])
        passed += [("&" if a.unit in CONTAINERS else "") + f"a_{a.name}" for a in function.args or ()]
        finish = f"{function.converter}({', '.join(passed)})"
    else:
        body.append("(void)self;")
        before, lines, finish = call(function, "goto done;" if has_containers else "return NULL;")
        body += before
        statements += lines
    if has_containers:
        statements += [f"made = {finish};", "done:"]
        for argument in reversed(function.args):
            if argument.unit in CONTAINERS:
                statements.append(f"free_{CONTAINERS[argument.unit][0].removeprefix('struct ')}(&a_{argument.name});")
        statements.append("return made;")
    else:
        statements.append(f"return {finish};")
    lines = "\n".join(f"    {line}" for line in body + statements)
    head = f"static PyObject *wrap_{identifier(function)}(PyObject *self, PyObject *const *args, Py_ssize_t nargs)"
    return f"{head}\n{{\n{lines}\n}}\n"


def docstring(function: Function) -> str:
    """CPython shows the first line as the signature and the rest as the text."""
    if function.args is None:
        signature = "*args"
    else:
        signature = ", ".join(a.name + ("=None" if a.optional else "") for a in function.args) + ", /"
    return literal(f"{function.name}({signature})\\n--\\n\\n{function.summary}").replace("\\\\n", "\\n")


def header(functions: list[Function]) -> str:
    prototypes = {f.c_name: f.prototype for f in functions if f.c_name}
    lines = [
        "/* Generated from functions.tsv. */",
        "#ifndef PYACLMDL_BINDINGS_H",
        "#define PYACLMDL_BINDINGS_H",
        "",
        '#include "containers.h"',
        "",
    ]
    for name, prototype in prototypes.items():
        lines += [f"{prototype};", f"typedef __typeof__({name}) *{name}_fn;"]
    lines += ["", "enum {"] + [f"    C_{name}," for name in prototypes] + ["    C_FUNCTION_COUNT", "};", ""]
    for function in functions:
        if function.converter != "-":
            lines.append(f"PyObject *{function.converter}({', '.join(converter_parameters(function))});")
    return "\n".join(lines + ["", "#endif", ""])


def source(functions: list[Function]) -> str:
    names = dict.fromkeys(f.c_name for f in functions if f.c_name)
    parts = [
        "/* Generated from functions.tsv. */",
        '#include "bindings.h"',
        '#include "values.h"',
        "",
        "const char *const c_function_names[] = {",
    ]
    parts += [f"    {literal(name)}," for name in names] + [
        "};",
        "const int c_function_count = C_FUNCTION_COUNT;",
        "void *c_functions[C_FUNCTION_COUNT];",
        "",
    ]
    parts += [wrapper(function) for function in functions]
    modules = dict.fromkeys(f.module for f in functions)
    for module in modules:
        for stateful in (False, True):
            table = f"methods_{module.replace('.', '_')}{'_stateful' if stateful else ''}"
            parts.append(f"static PyMethodDef {table}[] = {{")
            for function in functions:
                if function.module == module and (function.converter != "-") == stateful:
                    parts.append(
                        f"    {{{literal(function.name)}, (PyCFunction)(void (*)(void))wrap_"
                        f"{identifier(function)}, METH_FASTCALL,\n     {docstring(function)}}},"
                    )
            parts += ["    {NULL, NULL, 0, NULL}", "};", ""]
    parts.append("const struct module_table module_tables[] = {")
    for module in modules:
        table = f"methods_{module.replace('.', '_')}"
        parts.append(f"    {{{literal(module)}, {table}, {table}_stateful}},")
    parts += ["    {NULL, NULL, NULL}", "};", ""]
    return "\n".join(parts)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    functions = function_table.read()
    for name, text in (("bindings.h", header(functions)), ("bindings.c", source(functions))):
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Writes one C function per function of the AscendCL headers that calls it with random arguments of its types.

usage: generate.py INCLUDE_FOLDER OUTPUT.c [COMPILER]
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HEADERS = '#include "acl/acl.h"\n#include "acl/acl_rt_memory_soma.h"\n#include "acl/ops/acl_dvpp.h"\n'
# Functions that take no handle and end the library for everybody, or write files and the log.
LEFT_OUT = {
    "aclInit", "aclFinalize", "aclFinalizeReference", "aclInitCallbackRegister", "aclInitCallbackUnRegister",
    "aclFinalizeCallbackRegister", "aclFinalizeCallbackUnRegister", "aclAppLog", "aclmdlInitDump", "aclmdlSetDump",
    "aclmdlFinalizeDump", "aclmdlCreateAndGetOpDesc", "aclrtExit",
}  # fmt: skip
# Values that are followed without any means to check them: the caller's word counts, so these get what is valid.
TRUSTED = {"attrValue", "attr", "value", "attributes", "cfg", "config", "tensorName", "opName", "userData", "model"}
GIVING_UP = re.compile(r"Destroy|Free|Release|Unload|Close|Unregister")
NUMBERS = {
    "size_t": 8, "uint64_t": 8, "int64_t": 8, "uint32_t": 4, "int32_t": 4, "int": 4, "uint16_t": 2, "int16_t": 2,
    "uint8_t": 1, "int8_t": 1, "char": 1, "float": 4, "double": 8, "aclFloat16": 2, "bool": 1, "_Bool": 1,
}  # fmt: skip


@dataclass
class Parameter:
    """A parameter: its type without const and stars, the stars, whether const, its name."""

    base: str
    stars: int
    const: bool
    name: str
    spelled: str


@dataclass
class Function:
    result: str
    name: str
    parameters: list[Parameter]


class Headers:
    """Types and functions of the preprocessed headers."""

    def __init__(self, text: str) -> None:
        text = re.sub(r"__attribute__\s*\(\(.*?\)\)", "", text)
        self.callbacks = set(re.findall(r"typedef[^;{]*\(\s*\*\s*(\w+)\s*\)\s*\([^;]*;", text))
        text = re.sub(r"typedef[^;{]*\(\s*\*\s*\w+\)[^;]*;", "", text)
        self.pointers = set(re.findall(r"typedef\s+(?:const\s+)?(?:struct\s+)?\w+\s*\*\s*(\w+)\s*;", text))
        self.enums = set(re.findall(r"typedef\s+enum[^;{]*\{[^}]*\}\s*(\w+)\s*;", text))
        tags = re.findall(r"typedef\s+struct\s+(\w+)\s+(\w+)\s*;", text)
        self.opaque = {name for tag, name in tags if not re.search(rf"struct\s+{tag}\s*\{{", text)}
        self.aliases = {
            new: old for old, new in re.findall(r"typedef\s+(u?int\d+_t|int|size_t|float)\s+(acl\w+)\s*;", text)
        }
        self.functions = list(self._functions(text))
        # What a function creates is a handle even where the header shows what is inside.
        made = (re.fullmatch(r"(\w+) \*", f.result) for f in self.functions if "Create" in f.name)
        self.opaque |= {match[1] for match in made if match}

    def _functions(self, text: str):
        for match in re.finditer(r"([\w\s*]+?)\b(acl\w+)\s*\(([^;{}()]*)\)\s*;", text):
            result = " ".join(match[1].replace("extern", "").split())
            parameters = []
            if match[3].strip() not in ("", "void"):
                parameters = [self._parameter(part) for part in match[3].split(",")]
            if None not in parameters:
                yield Function(result, match[2], parameters)

    @staticmethod
    def _parameter(text: str) -> Parameter | None:
        spelled = " ".join(text.split())
        match = re.fullmatch(r"(.*?)(\w+)\s*((?:\[\w*\]\s*)*)", spelled)
        if not match or not match[1].strip():
            return None
        words = match[1].replace("*", " * ").split()
        stars = words.count("*") + match[3].count("[")
        base = " ".join(word for word in words if word not in ("*", "const", "struct", "enum"))
        return Parameter(base, stars, "const" in words, match[2], match[1].strip())


class Generator:
    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.kinds: dict[str, int] = {}

    def kind(self, name: str) -> int:
        return self.kinds.setdefault(name, len(self.kinds))

    def handle(self, parameter: Parameter) -> str | None:
        """The kind of handle that is passed."""
        h = self.headers
        if parameter.base in h.pointers and parameter.stars == 0:
            return parameter.base
        return parameter.base if parameter.base in h.opaque and parameter.stars == 1 else None

    def made(self, parameter: Parameter) -> str | None:
        """The kind of handle that comes back through a parameter."""
        h = self.headers
        if parameter.const:
            return None
        if parameter.base in h.pointers and parameter.stars == 1:
            return parameter.base
        return parameter.base if parameter.base in h.opaque and parameter.stars == 2 else None

    def argument(self, function: Function, index: int) -> str:
        p = function.parameters[index]
        name = p.name.lower()
        base = self.headers.aliases.get(p.base, p.base)
        others = function.parameters
        only_memory = all(o.stars == 0 or (o.base == "void" and o.stars == 1) or self.handle(o) for o in others)
        if kind := self.handle(p):
            return f"pick_handle(c, {self.kind(kind)})"
        if p.base in self.headers.pointers or p.base in self.headers.opaque:
            return f"pick_handles(c, {index}, {self.kind(p.base)})"
        if p.base in self.headers.callbacks:
            return f"({p.base})pick_function(c)" if p.stars == 0 else f"pick_structure(c, {index})"
        if p.stars == 0:
            if base in self.headers.enums:
                return f"({p.base})pick_count(c)"
            if base == "float":
                return "pick_float(c)"
            if name == "modelid":
                return "pick_model(c)"
            if name == "modelsize":
                return "pick_model_size(c)"
            if "timeout" in name or name in ("ms", "delay", "waittime"):
                return f"({p.base})pick_timeout(c)"
            if name in ("deviceid", "device", "dev", "peerdeviceid"):
                return f"({p.base})pick_device(c)"
            if base in NUMBERS:
                if not only_memory:
                    return f"({p.base})pick_count(c)"
                return f"({p.base}){'pick_size' if NUMBERS[base] == 8 else 'pick_number'}(c)"
            return f"*({p.base} *)pick_value(c, {index})"
        if p.base == "void" and p.stars == 1:
            if p.name == "model":
                return "(void *)model_bytes()"
            if p.name in TRUSTED or not only_memory:
                return "pick_block(c)"
            return "pick_address(c)"
        if p.base == "void":
            return f"pick_addresses(c, {index})"
        if base == "char" and p.const:
            return "pick_text(c)" if p.stars == 1 else f"pick_structure(c, {index})"
        if base in NUMBERS and base != "char" and p.stars == 1:
            return f"pick_numbers(c, {index}, {NUMBERS[base]})"
        return f"pick_structure(c, {index})"

    def write(self, function: Function) -> str:
        f = function
        made = next((k for p in f.parameters if (k := self.made(p))), None)
        returned = re.fullmatch(r"(\w+) \*", f.result)
        if not made and returned and returned[1] in self.headers.opaque and "const" not in f.result:
            made = returned[1] if "Create" in f.name else None
        elif not made and f.result in self.headers.pointers and "Create" in f.name:
            made = f.result
        gives_memory = bool(re.search(r"Malloc|Alloc", f.name)) and any(
            p.base == "void" and p.stars == 2 for p in f.parameters
        )
        lines = [f"static int run_{f.name}(struct caller *c, int *code)", "{"]
        lines += ["    (void)c;", "    (void)code;"]
        if made:
            lines += [f"    if (!has_room({self.kind(made)}))", "        return 0;"]
        for index, p in enumerate(f.parameters):
            if self.made(p) == made and made:
                value = f"pick_structure(c, {index})"
            elif gives_memory and p.base == "void" and p.stars == 2:
                value = f"pick_structure(c, {index})"
            elif gives_memory and p.base == "size_t":
                value = "draw(c, 8) ? BLOCK : pick_size(c)"
            else:
                value = self.argument(f, index)
            spelled = p.spelled.replace("const", "").strip() if p.stars == 0 else ""
            declared = spelled or "void *"
            if p.stars == 0 and p.base in self.headers.callbacks | self.headers.pointers | self.headers.enums:
                declared = p.base
            lines.append(f"    {declared} a{index} = {value};")
        arguments = ", ".join(f"a{i}" for i in range(len(f.parameters)))
        call = f"{f.name}({arguments})"
        success = "1"
        if f.result == "aclError":
            lines.append(f"    *code = {call};")
            success = "*code == ACL_SUCCESS"
        elif f.result == "void":
            lines.append(f"    {call};")
        elif made and (returned or f.result == made):
            lines.append(f"    void *result = (void *){call};")
            lines.append(f"    if (result) keep_handle({self.kind(made)}, result);")
        else:
            lines.append(f"    (void){call};")
        after = []
        for index, p in enumerate(f.parameters):
            if made and self.made(p) == made:
                after.append(f"if (a{index}) keep_handle({self.kind(made)}, *(void **)a{index});")
            if gives_memory and p.base == "void" and p.stars == 2:
                after.append(f"if (a{index}) keep_block(c, *(void **)a{index});")
            if p.base == "uint32_t" and p.stars == 1 and p.name.lower() == "modelid":
                after.append(f"if (a{index}) keep_model(*(uint32_t *)a{index});")
            if GIVING_UP.search(f.name) and (kind := self.handle(p)):
                after.append(f"drop_handle(c, {self.kind(kind)}, (void *)a{index});")
            if GIVING_UP.search(f.name) and p.base == "void" and p.stars == 1:
                after.append(f"drop_block(c, a{index});")
        if after:
            lines += [f"    if ({success}) {{", *(f"        {line}" for line in after), "    }"]
        lines += ["    return 1;", "}"]
        self.table.append(f'    {{"{f.name}", run_{f.name}, {self.kind(made) if made else -1}}},')
        return "\n".join(lines) + "\n"

    def destroyer(self, kind: str) -> str | None:
        """The function that takes a handle of the kind alone and gives it up; one that forces it, if there is any."""
        found = [
            f.name
            for f in self.headers.functions
            if re.search(r"Destroy|Free|UnLoad", f.name) and len(f.parameters) == 1
            and self.handle(f.parameters[0]) == kind
        ]  # fmt: skip
        return max(found, key=lambda name: "Force" in name, default=None)

    def source(self) -> str:
        self.table: list[str] = []
        functions = [f for f in self.headers.functions if f.name not in LEFT_OUT]
        bodies = [self.write(f) for f in functions]
        destroyers = "".join(
            f"    case {number}: {function}(handle); break;\n"
            for kind, number in self.kinds.items()
            if (function := self.destroyer(kind))
        )
        names = "".join(f'    "{name}",\n' for name in self.kinds)
        return (
            '#include "stress.h"\n\n'
            "static void *pick_block(struct caller *c) { return c->blocks[draw(c, BLOCKS)]; }\n"
            "static void *pick_value(struct caller *c, int index)\n"
            "{\n    void *value = pick_structure(c, index);\n    return value ? value : c->scratch[0];\n}\n\n"
            + "\n".join(bodies)
            + "\nconst struct call calls[] = {\n"
            + "\n".join(self.table)
            + "\n};\n"
            f"const int call_count = {len(self.table)};\nconst int kind_count = {len(self.kinds)};\n"
            "const char *const kind_names[] = {\n" + names + "};\n"
            "\nvoid destroy(int kind, void *handle)\n{\n    switch (kind) {\n"
            + destroyers
            + "    default: break;\n    }\n}\n"
        )


def generate(include: Path, compiler: str = "cc") -> str:
    command = [compiler, "-E", "-P", f"-I{include}", "-x", "c", "-"]
    text = subprocess.run(command, input=HEADERS, capture_output=True, text=True, check=True).stdout
    return Generator(Headers(text)).source()


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(generate(Path(sys.argv[1]), *sys.argv[3:]))

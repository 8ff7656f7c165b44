# SPDX-License-Identifier: Apache-2.0
"""The C interface: headers that compile alone, the exported symbols, and C programs against the library."""

import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
INCLUDE = ROOT / "Sources" / "CAscendCL" / "include"
HEADERS = sorted(path.relative_to(INCLUDE).as_posix() for path in INCLUDE.rglob("acl*/**/*.h"))
C_COMPILERS = [name for name in ("gcc", "clang") if shutil.which(name)]
CXX_COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{INCLUDE}"]

# Names that libraries of the original export without declaring them.
# The last is between the library and the Python module.
UNDECLARED = {
    "aclAppLogWithArgs",
    "aclrtSetDeviceWithoutTsdVXX",
    "aclrtResetDeviceWithoutTsdVXX",
    "pyaclmdlSetInterruption",
}


def library() -> Path:
    """The library under test: the one named by the environment, the installed one, the one of the release build."""
    candidates = [os.environ.get("PYACLMDL_LIBRARY")]
    spec = importlib.util.find_spec("acl")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        candidates.append(os.path.join(folder, "libascendcl.so"))
    candidates.append(str(ROOT / ".build" / "release" / "libascendcl.so"))
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate).resolve()
    raise FileNotFoundError("libascendcl.so: install the package or run the release build first")


def run(command: list[str], **options) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


def declared() -> set[str]:
    """Every function that the headers declare."""
    source = "".join(f'#include "{header}"\n' for header in HEADERS)
    text = run([C_COMPILERS[0], "-E", "-P", f"-I{INCLUDE}", "-x", "c", "-"], input=source)
    text = re.sub(r"typedef[^;{]*\(\s*\*\s*\w+\)[^;]*;", "", text)
    return set(re.findall(r"\b(acl\w+)\s*\([^;{}]*\)\s*;", text))


def exported() -> set[str]:
    lines = run(["nm", "-D", "--defined-only", str(library())]).splitlines()
    entries = (line.split() for line in lines)
    # A lower-case type marks a symbol that is local in spite of its place in the table.
    return {entry[2].split("@")[0] for entry in entries if len(entry) == 3 and entry[1].isupper()}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("compiler", C_COMPILERS + CXX_COMPILERS)
def test_header_compiles_alone(header, compiler, tmp_path):
    plus = compiler.endswith("++")
    source = tmp_path / ("alone.cpp" if plus else "alone.c")
    source.write_text(f'#include "{header}"\n#include "{header}"\nint unused(void);\n')
    run([compiler, "-std=c++17" if plus else "-std=c11", *STRICT, "-fsyntax-only", str(source)])


@pytest.mark.parametrize("compiler", C_COMPILERS + CXX_COMPILERS)
def test_sizes_and_values(compiler, tmp_path):
    language = ["-x", "c++", "-std=c++17"] if compiler.endswith("++") else ["-std=c11"]
    run([compiler, *language, *STRICT, "-c", str(HERE / "abi.c"), "-o", str(tmp_path / "abi.o")])


def test_every_declared_function_is_exported():
    missing = declared() - exported()
    assert not missing, sorted(missing)


def test_nothing_else_is_exported():
    extra = exported() - declared() - UNDECLARED
    assert not extra, sorted(extra)


def test_declarations_are_found():
    names = declared()
    assert len(names) > 500
    assert {"aclInit", "aclrtMemcpy", "aclmdlLoadFromMemWithMem", "aclrtMemPoolTrimTo"} <= names
    assert {"acldvppMalloc", "aclblasHgemm", "aclopCreateAttr", "aclCreateTensor"} <= names


def test_library_has_its_name():
    assert "SONAME" in run(["readelf", "-d", str(library())])
    assert re.search(r"soname: \[libascendcl\.so\]", run(["readelf", "-d", str(library())]))


PROGRAMS = {
    "device": {
        "PYACLMDL_DEVICE_COUNT": "4",
        "ASCEND_RT_VISIBLE_DEVICES": "1,3",
        "PYACLMDL_SOC_NAME": "Ascend910B3",
    },
    "media": {},
    "memory": {"PYACLMDL_DEVICE_MEMORY": "1G"},
    "operator": {},
    "stream": {},
    "fork": {},
}


@pytest.mark.parametrize("compiler", C_COMPILERS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_program(program, compiler, tmp_path):
    path = library()
    binary = tmp_path / program
    command = [compiler, "-std=gnu11", "-O1", *STRICT, str(HERE / f"{program}.c"), "-o", str(binary)]
    run([*command, f"-L{path.parent}", "-lascendcl", "-pthread", f"-Wl,-rpath,{path.parent}"])
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYACLMDL_", "ASCEND_"))}
    run([str(binary)], env=environment | PROGRAMS[program])

# SPDX-License-Identifier: Apache-2.0
"""Builds the extension from its generated sources, the library and `atc` with Swift, and gathers the wheel."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "scripts"))
HEADERS = ROOT / "Sources" / "CAscendCL" / "include"
EXTENSION = ROOT / "Sources" / "PyAclMdl"


def swift_build() -> Path:
    """Builds the library and atc; returns the folder that holds them."""
    swift = os.environ.get("SWIFT") or shutil.which("swift")
    if not swift:
        sys.exit("Swift 6.3 is needed to build pyaclmdl: put `swift` on PATH or set SWIFT")
    command = [swift, "build", "-c", "release", "-Xswiftc", "-static-stdlib", "--package-path", str(ROOT)]
    command += ["--scratch-path", os.environ.get("PYACLMDL_BUILD_PATH") or str(ROOT / ".build")]
    for product in ("ascendcl", "atc"):
        subprocess.run([*command, "--product", product], check=True)
    shown = subprocess.run([*command, "--show-bin-path"], check=True, stdout=subprocess.PIPE, text=True)
    return Path(shown.stdout.strip())


def copy_stripped(source: Path, target: Path) -> None:
    """Copies a binary, without symbols."""
    shutil.copyfile(source, target)
    if strip := shutil.which("strip"):
        subprocess.run([strip, "--strip-unneeded", str(target)], check=True)
    target.chmod(0o755)


class BuildPackage(build_py):
    """Adds to the package `acl`: the library, atc, the headers and the generated type stubs."""

    def run(self) -> None:
        # Files of an earlier build must not get into the wheel.
        shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()
        import generate_stubs

        package = Path(self.build_lib) / "acl"
        generate_stubs.write(package)
        headers = package / "include"
        shutil.rmtree(headers, ignore_errors=True)
        for name in ("acl", "aclnn"):
            shutil.copytree(HEADERS / name, headers / name)
        built = swift_build()
        copy_stripped(built / "libascendcl.so", package / "libascendcl.so")
        copy_stripped(built / "atc", package / "atc")


class BuildExtension(build_ext):
    def run(self) -> None:
        generated = Path(self.build_temp) / "generated"
        script = ROOT / "scripts" / "generate_bindings.py"
        subprocess.run([sys.executable, str(script), str(generated)], check=True)
        (extension,) = self.extensions
        extension.sources.append(str(generated / "bindings.c"))
        extension.include_dirs.append(str(generated))
        super().run()

    def build_extensions(self) -> None:
        # Python's own linker options may name the folder of its library, which the extension does not need.
        linker = self.compiler.linker_so
        self.compiler.linker_so = [part for part in linker if not re.match(r"-Wl,-+(rpath|R)\b|-R", part)]
        super().build_extensions()


setup(
    cmdclass={"build_py": BuildPackage, "build_ext": BuildExtension},
    ext_modules=[
        Extension(
            "acl._native",
            sources=sorted(str(path.relative_to(ROOT)) for path in EXTENSION.glob("*.c")),
            depends=sorted(
                str(path.relative_to(ROOT)) for path in [*EXTENSION.glob("*.h"), EXTENSION / "functions.tsv"]
            ),
            include_dirs=[str(EXTENSION.relative_to(ROOT)), str(HEADERS.relative_to(ROOT))],
            define_macros=[("Py_LIMITED_API", "0x030A0000")],
            extra_compile_args=["-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-missing-field-initializers"],
            extra_link_args=["-ldl", "-lpthread", "-Wl,-s"],
            py_limited_api=True,
        )
    ],
)

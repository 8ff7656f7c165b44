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
DNNL = "libdnnl.so.3"


def onednn_root() -> Path:
    """ONEDNN_ROOT, else the packages of the build environment, else what an earlier build put there."""
    if root := os.environ.get("ONEDNN_ROOT"):
        return Path(root)
    import link_onednn

    try:
        return link_onednn.link()
    except LookupError as error:
        if (link_onednn.DESTINATION / "lib" / DNNL).exists():
            return link_onednn.DESTINATION
        sys.exit(f"oneDNN 3.x is needed: {error}; install it, or set ONEDNN_ROOT to a folder with include/ and lib/")


def find_dnnl(root: Path) -> Path:
    for folder in ("lib", "lib64", f"lib/{os.uname().machine}-linux-gnu"):
        if (root / folder / DNNL).exists():
            return root / folder / DNNL
    sys.exit(f"no {DNNL} in {root}/lib or lib64: ONEDNN_ROOT must name an installation of oneDNN 3.x")


def swift_build(root: Path) -> Path:
    """Builds the library and atc; returns the folder that holds them."""
    swift = os.environ.get("SWIFT") or shutil.which("swift")
    if not swift:
        sys.exit("Swift 6.3 is needed to build pyaclmdl: put `swift` on PATH or set SWIFT")
    command = [swift, "build", "-c", "release", "-Xswiftc", "-static-stdlib", "--package-path", str(ROOT)]
    command += ["--scratch-path", os.environ.get("PYACLMDL_BUILD_PATH") or str(ROOT / ".build")]
    environment = {**os.environ, "ONEDNN_ROOT": str(root)} if "ONEDNN_ROOT" in os.environ else None
    for product in ("ascendcl", "atc"):
        subprocess.run([*command, "--product", product], check=True, env=environment)
    shown = subprocess.run(
        [*command, "--show-bin-path"], check=True, env=environment, stdout=subprocess.PIPE, text=True
    )
    return Path(shown.stdout.strip())


def copy_stripped(source: Path, target: Path) -> None:
    """Copies a binary, without symbols, and with $ORIGIN as the only place where the loader looks for oneDNN."""
    content = source.read_bytes()
    for path in set(re.findall(rb"\$ORIGIN:[^\0]*(?=\0)", content)):
        content = content.replace(path + b"\0", b"$ORIGIN".ljust(len(path) + 1, b"\0"))
    target.write_bytes(content)
    if strip := shutil.which("strip"):
        subprocess.run([strip, "--strip-unneeded", str(target)], check=True)
    target.chmod(0o755)


class BuildPackage(build_py):
    """Adds to the package `acl`: the library, oneDNN, atc, the headers and the generated type stubs."""

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
        root = onednn_root()
        built = swift_build(root)
        copy_stripped(built / "libascendcl.so", package / "libascendcl.so")
        copy_stripped(built / "atc", package / "atc")
        import onednn_threads

        (package / DNNL).write_bytes(onednn_threads.use_own_threads(find_dnnl(root).read_bytes()))
        if (notices := root / "THIRD-PARTY-PROGRAMS").exists():
            (package / "licenses").mkdir(exist_ok=True)
            shutil.copy(notices, package / "licenses" / "onednn-THIRD-PARTY-PROGRAMS")


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

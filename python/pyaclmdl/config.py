# SPDX-License-Identifier: Apache-2.0
"""pyaclmdl-config: tells builds where headers and libraries are, makes a prefix that looks like CANN."""

from __future__ import annotations

import argparse
import os
import shlex
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "acl"
# The names that programs link. All are the one library, so that its state exists once however it was found.
LIBRARIES = (
    "libascendcl.so",
    "libacl_rt.so",
    "libacl_mdl.so",
    "libacl_cblas.so",
    "libacl_dvpp.so",
    "libnnopbase.so",
)
HEADERS = ("acl", "aclnn")
# Where the various CANN releases keep headers and libraries, in the prefix and in its folder for the processor.
ROOTS = ("", f"{os.uname().machine}-linux/")
HEADER_FOLDERS = tuple(root + folder for root in ROOTS for folder in ("include", "runtime/include", "acllib/include"))
LIBRARY_FOLDERS = tuple(
    root + folder
    for root in ROOTS
    for folder in ("lib64", "devlib", "runtime/lib64", "runtime/lib64/stub", "acllib/lib64", "acllib/lib64/stub")
)


def variables(prefix: Path) -> dict[str, str]:
    """The environment that a project written for CANN expects."""
    return {
        "ASCEND_HOME_PATH": str(prefix),
        "ASCEND_TOOLKIT_HOME": str(prefix),
        "ASCEND_CANN_PACKAGE_PATH": str(prefix),
        "CANN_PATH": str(prefix),
        "DDK_PATH": str(prefix),
        "NPU_HOST_LIB": str(prefix / "runtime" / "lib64" / "stub"),
    }


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        raise FileExistsError(f"{link} exists and is not a link: choose another prefix")
    link.symlink_to(target)


def create(prefix: Path) -> None:
    """Makes the prefix out of links to the installed package; an older prefix there is brought up to date."""
    prefix = prefix.resolve()
    for folder in HEADER_FOLDERS:
        for name in HEADERS:
            _link(prefix / folder / name, PACKAGE / "include" / name)
    for folder in LIBRARY_FOLDERS:
        for name in LIBRARIES:
            _link(prefix / folder / name, PACKAGE / "libascendcl.so")
        _link(prefix / folder / "libdnnl.so.3", PACKAGE / "libdnnl.so.3")
    for folder in ("bin", "compiler/bin"):
        _link(prefix / folder / "atc", PACKAGE / "atc")
    version = metadata.version("pyaclmdl")
    for name in ("version.cfg", "runtime/version.info"):
        (prefix / name).write_text(f"Version={version}\nproduct=pyaclmdl\n", encoding="utf-8")
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables(prefix).items()]
    lines.append(f"export LD_LIBRARY_PATH={shlex.quote(str(prefix / 'lib64'))}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}")
    lines.append(f"export PATH={shlex.quote(str(prefix / 'bin'))}:$PATH")
    (prefix / "set_env.sh").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="pyaclmdl-config", description=__doc__)
    parser.add_argument("--version", action="version", version=metadata.version("pyaclmdl"))
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--create", metavar="PREFIX", type=Path, help="make a CANN-like prefix of links to this package")
    what.add_argument("--env", metavar="PREFIX", type=Path, help="print the shell commands that select a prefix")
    what.add_argument("--cflags", action="store_true", help="print the compiler's options")
    what.add_argument("--libs", action="store_true", help="print the linker's options")
    what.add_argument("--library", action="store_true", help="print the path of libascendcl.so")
    chosen = parser.parse_args(arguments)
    if chosen.create:
        try:
            create(chosen.create)
        except OSError as error:
            parser.exit(1, f"pyaclmdl-config: {error}\n")
        print(f"source {shlex.quote(str(chosen.create.resolve() / 'set_env.sh'))}")
    elif chosen.env:
        script = chosen.env.resolve() / "set_env.sh"
        if not script.exists():
            parser.exit(1, f"pyaclmdl-config: {chosen.env} is no prefix: make one with --create\n")
        print(script.read_text(encoding="utf-8"), end="")
    elif chosen.cflags:
        print(f"-I{shlex.quote(str(PACKAGE / 'include'))}")
    elif chosen.libs:
        folder = shlex.quote(str(PACKAGE))
        print(f"-L{folder} -Wl,-rpath,{folder} -lascendcl")
    else:
        print(PACKAGE / "libascendcl.so")


if __name__ == "__main__":
    main()

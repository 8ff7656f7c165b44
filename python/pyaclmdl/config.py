# SPDX-License-Identifier: Apache-2.0
"""pyaclmdl-config: tells builds where headers and libraries are, makes a prefix that looks like CANN."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import os
import secrets
import shlex
import signal
import sys
from collections.abc import Callable
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
# The packages whose versions CANN lists.
PACKAGES = ("runtime", "compiler", "hccl", "opp", "toolkit", "aoe", "ncs", "opp_kernel")
# By this line a prefix is known again.
MARK = "# Made by pyaclmdl-config: no CANN is installed here."
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


def simulated_version() -> str:
    """The version of CANN that the library plays, as it says itself."""
    # An installed CANN would answer instead.
    os.environ.pop("ASCEND_HOME_PATH", None)
    text = ctypes.create_string_buffer(256)
    if code := ctypes.CDLL(str(PACKAGE / "libascendcl.so")).aclsysGetVersionStr(b"runtime", text):
        raise OSError(f"aclsysGetVersionStr failed with {code}")
    return text.value.decode()


def version_cfg(version: str) -> str:
    """CANN's list of versions: of the package before the colon, of CANN after it; here they are the same."""
    lines = ["# version: 1.0", MARK]
    for state in ("running", "upgrade", "installed"):
        lines += [f"{package}_{state}_version=[{version}:{version}]" for package in PACKAGES]
    return "\n".join(lines) + "\n"


def set_env(prefix: Path) -> str:
    """A POSIX script that selects the prefix; it may be sourced any number of times."""
    lines = [MARK, *(f"export {name}={shlex.quote(value)}" for name, value in variables(prefix).items())]
    for name, folder in (("LD_LIBRARY_PATH", "lib64"), ("PATH", "bin")):
        path = shlex.quote(str(prefix / folder))
        lines += [
            f'case ":${{{name}:-}}:" in',
            f"    *:{path}:*) ;;",
            f"    *) export {name}={path}${{{name}:+:${name}}} ;;",
            "esac",
        ]
    return "\n".join(lines) + "\n"


def contents(prefix: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """What a prefix consists of, by paths below it: links with their targets, and files with their texts."""
    links = {f"{folder}/{name}": PACKAGE / "include" / name for folder in HEADER_FOLDERS for name in HEADERS}
    for folder in LIBRARY_FOLDERS:
        links |= {f"{folder}/{name}": PACKAGE / "libascendcl.so" for name in LIBRARIES}
    links |= {f"{folder}/atc": PACKAGE / "atc" for folder in ("bin", "compiler/bin")}
    version = simulated_version()
    files = {"version.cfg": version_cfg(version), "set_env.sh": set_env(prefix), "bin/setenv.bash": set_env(prefix)}
    files |= {f"{folder}/version.info": f"Version={version}\n" for folder in ("runtime", "compiler", "toolkit")}
    machine = os.uname().machine
    files[f"{machine}-linux/ascend_toolkit_install.info"] = (
        f"package_name=Ascend-cann-toolkit\nversion={version}\narch={machine}\nos=linux\npath={prefix}/{machine}-linux\n"
    )
    return links, files


def _check(prefix: Path, links: dict[str, Path], files: dict[str, str]) -> None:
    """Refuses a prefix in which something else lies, before anything is written."""
    mark = prefix / "version.cfg"
    if mark.is_symlink() or (mark.exists() and "pyaclmdl" not in mark.read_text(encoding="utf-8", errors="replace")):
        raise FileExistsError(f"{mark} belongs to something else: choose another prefix")
    for name in [*links, *files]:
        path = prefix / name
        for folder in [parent for parent in path.parents if prefix in parent.parents]:
            if folder.is_symlink():
                raise FileExistsError(f"{folder} is a link: choose another prefix")
        if name in links and path.exists() and not path.is_symlink():
            raise FileExistsError(f"{path} exists and is not a link: choose another prefix")
        if name in files and (path.is_symlink() or (path.exists() and not path.is_file())):
            raise FileExistsError(f"{path} exists and is not a file: choose another prefix")


def _place(path: Path, make: Callable[[str], None]) -> None:
    """Gives `path` what `make` makes under a name of its own; whatever is there, is replaced and not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = str(path.parent / f".{secrets.token_hex(16)}.tmp")
    try:
        make(temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _write(temporary: str, text: str) -> None:
    # "x" is O_EXCL: no link of this name is followed.
    with open(temporary, "x", encoding="utf-8") as file:
        file.write(text)


def create(prefix: Path) -> None:
    """Makes the prefix out of links to the installed package; an older prefix there is brought up to date."""
    prefix = prefix.resolve()
    links, files = contents(prefix)
    _check(prefix, links, files)
    for name, target in links.items():
        _place(prefix / name, functools.partial(os.symlink, target))
    for name, text in files.items():
        _place(prefix / name, functools.partial(_write, text=text))


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
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                # As an exception, so that no temporary file stays.
                signal.signal(number, lambda number, _: sys.exit(128 + number))
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

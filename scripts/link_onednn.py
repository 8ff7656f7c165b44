#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts oneDNN where Package.swift looks for it: .deps/onednn/include and .deps/onednn/lib.

The headers and the library come from the PyPI packages onednn-devel-cpu-gomp and onednn-cpu-gomp of the environment
that runs this script. They are copied: a build environment of pip is gone before the next build, and the library is
changed to run on this project's threads.
Set ONEDNN_ROOT instead to build against another oneDNN 3.x; this script is then not needed.

usage: link_onednn.py
"""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

from onednn_threads import use_own_threads

VERSION = "2023.2.0"
PACKAGES = ("onednn-devel-cpu-gomp", "onednn-cpu-gomp")
DESTINATION = Path(__file__).resolve().parent.parent / ".deps" / "onednn"
LIBRARY = "libdnnl.so.3"


def installed_files() -> dict[str, Path]:
    """Path below the destination -> installed file; LookupError names the package that is missing."""
    found = {}
    for package in PACKAGES:
        try:
            distribution = metadata.distribution(package)
        except metadata.PackageNotFoundError:
            raise LookupError(f"{package}=={VERSION} is not installed") from None
        if distribution.version != VERSION:
            raise LookupError(f"{package} is {distribution.version}, expected {VERSION}")
        for file in distribution.files or ():
            path = Path(distribution.locate_file(file)).resolve()
            parts = path.parts
            if path.suffix in (".h", ".hpp") and "include" in parts:
                start = len(parts) - 1 - parts[::-1].index("include")
                found["/".join(parts[start:])] = path
            elif path.name == LIBRARY:
                found[f"lib/{LIBRARY}"] = path
            elif path.name in ("LICENSE", "THIRD-PARTY-PROGRAMS"):
                found[path.name] = path
    if f"lib/{LIBRARY}" not in found or "include/dnnl.h" not in found:
        raise LookupError(f"{' and '.join(PACKAGES)} hold no {LIBRARY} or no dnnl.h")
    return found


def link(destination: Path = DESTINATION) -> Path:
    """Copies what is missing or differs; returns the destination."""
    for name, source in installed_files().items():
        target = destination / name
        content = source.read_bytes()
        if target.name == LIBRARY:
            content = use_own_threads(content)
        if target.exists() and target.read_bytes() == content:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    alias = destination / "lib" / "libdnnl.so"
    if not alias.is_symlink():
        alias.symlink_to(LIBRARY)
    return destination


if __name__ == "__main__":
    try:
        link()
    except LookupError as error:
        sys.exit(f"link_onednn.py: {error}")

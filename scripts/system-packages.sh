#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Looks for what the build takes from Debian and installs what is missing, if it may; says what to install otherwise.
set -euo pipefail

python=${1:?usage: system-packages.sh PYTHON}
missing=()

need() { # need PACKAGE COMMAND...: asks for PACKAGE unless COMMAND succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

has_header() { "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")'; }
has_venv() { "$python" -c 'import ensurepip, venv'; }

need python3 command -v "$python"
need libpython3-dev has_header
need python3-venv has_venv
need gcc command -v gcc
need libc6-dev test -e /usr/include/stdio.h
need make command -v make
need git command -v git

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
    root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    root=(sudo -n)
else
    echo "Missing Debian packages, and no right to install them. Please run:" >&2
    echo "    apt-get install ${missing[*]}" >&2
    exit 1
fi
command -v apt-get >/dev/null || {
    echo "Not a Debian system; please install the equivalents of: ${missing[*]}" >&2
    exit 1
}
echo "==> Debian packages: ${missing[*]}"
"${root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"

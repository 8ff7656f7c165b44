#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Looks for all that the build takes from the system, before anything is made. Versions and moved checkouts get a sentence
# each; missing Debian packages are installed if that is allowed, and named otherwise.
set -euo pipefail

usage="usage: system-packages.sh PYTHON SWIFT"
python=${1:?$usage}
swift=${2:?$usage}
missing=()
# An ordinary user of Debian has neither on PATH.
PATH=$PATH:/usr/sbin:/sbin

stop() { # stop SENTENCE...: ends with a reason
    printf '%s\n' "$@" >&2
    exit 1
}

need() { # need PACKAGE COMMAND...: asks for PACKAGE unless COMMAND succeeds
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}

check_python() {
    command -v "$python" >/dev/null || return 0 # asked for as a package
    local version
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) ||
        stop "$python does not start: set PYTHON to a Python 3.11 or newer."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        stop "$python is Python $version, and 3.11 or newer is needed: install it from Debian 12 (apt-get install python3)" \
            "or from https://www.python.org/downloads/, and set PYTHON to it."
}

check_swift() {
    local place="install it from https://www.swift.org/install/linux/, and put it on PATH or set SWIFT to it."
    command -v "$swift" >/dev/null || stop "There is no Swift at $swift, and 6.3 or newer is needed: $place"
    local text version
    if ! text=$({ "$swift" --version && "$swift" build --version; } 2>&1); then
        need_swift_libraries
        [ ${#missing[@]} -eq 0 ] || return 0 # looked at again when they are there
        stop "$swift does not start, and Swift 6.3 or newer is needed: $place" "    $(tail -n 1 <<<"$text")"
    fi
    version=$(sed -n 's/.*Swift version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' <<<"$text" | head -n 1)
    [ -n "$version" ] || stop "$swift does not tell its version, and Swift 6.3 or newer is needed: $place"
    [ "$(printf '%s\n' 6.3 "$version" | sort -V | head -n 1)" = 6.3 ] ||
        stop "$swift is Swift $version, and 6.3 or newer is needed: $place"
}

# The archives of swift.org do not bring these along.
need_swift_libraries() {
    need libcurl4 has_library libcurl.so.4
    need libncurses6 has_library libncurses.so.6
    need libsqlite3-0 has_library libsqlite3.so.0
    need libxml2 has_library libxml2.so.2
}

has_library() { ldconfig -p | grep -F "$1"; }
has_header() { "$python" -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")'; }
# Those that Swift's own clang++ looks for.
has_cxx_headers() { compgen -G '/usr/include/c++/*/new'; }
has_venv() { "$python" -c 'import ensurepip, venv'; }

check_python
check_swift
need python3 command -v "$python"
need libpython3-dev has_header
need python3-venv has_venv
need gcc command -v gcc
need g++ has_cxx_headers
need libc6-dev test -e /usr/include/stdio.h
need ca-certificates compgen -G '/etc/ssl/certs/*'
need make command -v make
need git command -v git

[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -eq 0 ]; then
    root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    root=(sudo -n)
else
    stop "Missing Debian packages, and no right to install them. Please run as root:" "    apt-get install ${missing[*]}"
fi
command -v apt-get >/dev/null || stop "Not a Debian system; please install the equivalents of: ${missing[*]}"
echo "==> Debian packages: ${missing[*]}"
"${root[@]}" apt-get update -qq
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
# Python may have come with them, and Swift may start now.
missing=()
check_python
check_swift

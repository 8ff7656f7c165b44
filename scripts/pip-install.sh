#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs a requirements file; where the index cannot be reached, says so in a sentence instead of pip's many.
set -euo pipefail

usage="usage: pip-install.sh PYTHON REQUIREMENTS"
python=${1:?$usage}
requirements=${2:?$usage}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --progress-bar off --log "$folder/log" -r "$requirements" 2>"$folder/errors" && exit 0

# Only the log says that an index was not reached; the errors then speak of packages that do not exist.
reason=$(grep -m 1 -oE 'Could not fetch URL .*: (connection error|There was a problem confirming the ssl).*' "$folder/log" ||
    grep -m 1 -oE '(NewConnection|NameResolution|ConnectTimeout|ReadTimeout|Proxy|SSL)Error.*' "$folder/log" || true)
if [ -n "$reason" ]; then
    echo "pip cannot reach its package index, from which $requirements is installed: connect to the network, or set" >&2
    echo "PIP_INDEX_URL to a mirror, and run make again. The first attempt ended so:" >&2
    echo "    ${reason:0:300}" >&2
else
    cat "$folder/errors" >&2
fi
exit 1

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ends with a sentence where the checkout was moved or copied after a build: environment and build hold absolute paths.
set -euo pipefail

here=$(pwd -P)
place=.venv/stamps/place
[ -e "$place" ] || exit 0
built=$(cat "$place")
if [ "$built" != "$here" ]; then
    echo "This checkout was set up in $built and lies in $here now; .venv and .build hold the old paths:" >&2
    echo "run \`make clean\` and then make again." >&2
    exit 1
fi

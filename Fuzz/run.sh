#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Feeds damaged files to one part of the library for some time. What it has found to be worth keeping stays in the folder
# for the next time; a file that ends the program is left beside it.
#
# usage: run.sh FOLDER TARGET SECONDS [libFuzzer's options]
set -euo pipefail

folder=${1:?} target=${2:?} seconds=${3:?}
shift 3
mkdir -p "$folder/found/$target" "$folder/crashes"
options=(-max_total_time="$seconds" -timeout=60 -rss_limit_mb=8192 -malloc_limit_mb=2048 -max_len=32768
    -artifact_prefix="$folder/crashes/$target-" -print_final_stats=1)
[ -e "$folder/seeds/$target.dict" ] && options+=(-dict="$folder/seeds/$target.dict")
# Leaks are not looked for: what Swift keeps in globals under tagged pointers counts as leaked.
export FUZZ_TARGET=$target FUZZ_WORDS=$folder/seeds/words PYACLMDL_NUM_THREADS=1 SWIFT_BACKTRACE=enable=no
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=0
inputs=("$folder/found/$target" "$folder/seeds/$target")
# Single files are run once each, and nothing else is.
for argument; do [ -f "$argument" ] && inputs=(); done
exec "$folder/debug/fuzz" "${options[@]}" "$@" "${inputs[@]}"

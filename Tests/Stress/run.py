# SPDX-License-Identifier: Apache-2.0
"""Builds the stress program against a libascendcl.so that was built with a sanitizer, and runs it.

usage: run.py address|thread FOLDER_OF_LIBRARY [--threads 8] [--calls 10000] [--seeds 1 2 3] [--forks 2000]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
INCLUDE = ROOT / "Sources" / "CAscendCL" / "include"
sys.path[:0] = [str(HERE), str(ROOT / "Tests" / "Python")]
ROUNDS = 4
# Tables of memory and handles grow with what was ever in use at once; a leak grows with every call.
BYTES_PER_CALL = 8

OPTIONS = {
    "ASAN_OPTIONS": "handle_segv=2:allow_user_segv_handler=0:detect_leaks=1",
    "LSAN_OPTIONS": f"suppressions={HERE / 'leak.supp'}:print_suppressions=0",
    "TSAN_OPTIONS": f"suppressions={HERE / 'thread.supp'}:halt_on_error=0:exitcode=66",
}


def tools() -> tuple[Path, Path]:
    """clang and swiftc of the toolchain that built the library, so that all parts have the same sanitizer."""
    swift = os.environ.get("SWIFT") or shutil.which("swift") or "/usr/bin/swift"
    answer = subprocess.run([swift, "-print-target-info"], capture_output=True, text=True, check=True).stdout
    programs = Path(json.loads(answer)["paths"]["runtimeResourcePath"]).parents[1] / "bin"
    return programs / "clang", programs / "swiftc"


def build(sanitizer: str, library: Path, folder: Path) -> Path:
    from generate import generate

    clang, swiftc = tools()
    calls = folder / "stress_calls.c"
    calls.write_text(generate(INCLUDE, str(clang)), encoding="utf-8")
    objects = []
    for source in (HERE / "stress.c", HERE / "programs.c", HERE / "forks.c", calls):
        objects.append(folder / f"{source.stem}.o")
        flags = ["-g", "-O1", "-std=gnu11", "-Wall", "-Wextra", "-Werror", f"-fsanitize={sanitizer}"]
        folders = [f"-I{HERE}", f"-I{INCLUDE}"]
        subprocess.run([clang, *flags, *folders, "-c", source, "-o", objects[-1]], check=True)
    program = folder / "stress"
    link = [swiftc, f"-sanitize={sanitizer}", *objects, "-o", program, f"-L{library}", "-lascendcl"]
    paths = ["-Xlinker", f"-rpath={library}"]
    # gold warns about symbols of the sanitizer's own runtime.
    subprocess.run([*map(str, link), *paths, "-use-ld=lld"], check=True)
    return program


def model(folder: Path) -> Path:
    from model_support import dense_model

    source = folder / "model.onnx"
    source.write_bytes(dense_model(1).SerializeToString())
    atc = Path(sys.executable).with_name("atc")
    command = [atc, f"--model={source}", "--framework=5", f"--output={folder / 'model'}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return folder / "model.om"


def check(sanitizer: str, program: Path, om: Path, threads: int, calls: int, seed: int, forks: int) -> bool:
    """Runs one seed; prints what was found."""
    environment = os.environ | OPTIONS | {
        "PYACLMDL_NUM_THREADS": "1", "PYACLMDL_DEVICE_COUNT": "2",
        "SWIFT_BACKTRACE": "enable=no",
    }  # fmt: skip
    command = [program, om, threads, calls, seed, ROUNDS, forks]
    done = subprocess.run(map(str, command), env=environment, capture_output=True, text=True, check=False)
    sizes = [int(size) for size in re.findall(r"(\d+) bytes allocated", done.stderr)]
    problems = []
    if done.returncode != 0:
        problems.append(f"exit status {done.returncode}")
    if " 0 without a message" not in done.stdout:
        problems.append("failures without a message")
    if sanitizer == "address" and len(sizes) == ROUNDS and not forks:
        growth = (sizes[-1] - sizes[1]) / (threads * calls * (ROUNDS - 2) / ROUNDS)
        if growth > BYTES_PER_CALL:
            problems.append(f"{growth:.1f} bytes more per call")
    print(
        f"{sanitizer} seed {seed}, {forks} forks: {done.stdout.strip() or 'no result'}", *problems, sep="; ", flush=True
    )
    if problems:
        print(done.stderr[-20000:], file=sys.stderr)
    return not problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sanitizer", choices=["address", "thread"])
    parser.add_argument("library", type=Path)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--calls", type=int, default=10000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--forks", type=int, default=2000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = build(chosen.sanitizer, chosen.library.resolve(), folder)
        om = model(folder)
        results = [
            check(chosen.sanitizer, program, om, chosen.threads, chosen.calls, seed, forks)
            for seed, forks in [*((seed, 0) for seed in chosen.seeds), (len(chosen.seeds) + 1, chosen.forks)]
        ]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

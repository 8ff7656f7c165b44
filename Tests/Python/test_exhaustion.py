# SPDX-License-Identifier: Apache-2.0
"""Each allocation of each call fails in turn: a code and a sentence, nothing lost, and everything works afterwards.

`PYACLMDL_SWEEP_STRIDE=1` tries all allocations; by default a part of the later ones is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

import acl
from model_support import conv_model, dense_model

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCES = ROOT / "Sources"
RESERVE = SOURCES / "CMemoryReserve"
STRIDE = int(os.environ.get("PYACLMDL_SWEEP_STRIDE", "5"))
WARNINGS = ["-Wall", "-Wextra", "-Werror", "-g", "-O1"]
# The system's memory: 200000 in the interface, 2070xx for what the runtime makes, 245000 in the model engine.
DOCUMENTED = {"200000", "207001", "207005", "207007", "207008", "207009", "245000"}
# Whose every allocation makes the call fail; what the others need may come out of the reserve.
STRICT = {"query", "load", "load_with_areas", "load_with_configuration", "load_file"}
SCENARIOS = STRICT | {
    *("first_execution", "execution", "execution_with_nan", "stream", "unload", "dataset", "description"),
    *("description_of_file", "memory", "initialization"),
}
# Table entries and the like, which the library keeps for next time.
KEPT_BLOCKS = 24
KEPT_RESERVE = 1024


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    library = tmp_path_factory.mktemp("faults") / "liballocation_faults.so"
    source = HERE / "allocation_faults.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-fno-builtin", *WARNINGS, "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture(scope="module")
def sweep(faults, tmp_path_factory):
    """sweep(model, stride, *scenarios) -> what the program found, by scenario and mode."""
    program = faults.with_name("exhaustion_program")
    folder = Path(acl.__file__).parent
    command = ["gcc", "-std=gnu11", *WARNINGS, f"-I{SOURCES / 'CAscendCL' / 'include'}", "-o", program]
    command += [HERE / "exhaustion_program.c", f"-L{folder}", "-lascendcl", faults, f"-Wl,-rpath,{folder}"]
    subprocess.run([*command, "-Wl,--allow-shlib-undefined"], check=True)

    def run(model, stride, *scenarios):
        place = tmp_path_factory.mktemp("sweep")
        (place / "given.om").write_bytes(model)
        environment = os.environ | {"LD_PRELOAD": str(faults), "PYACLMDL_NUM_THREADS": "1"}
        command = [program, place / "given.om", place, str(stride), *scenarios]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return {(line["scenario"], line["mode"]): line for line in found}

    return run


def check(found):
    for line in found.values():
        assert set(line["codes"]) <= DOCUMENTED, line
        assert line["lost"] <= KEPT_BLOCKS, line
        assert line["reserve"] <= KEPT_RESERVE, line


@pytest.mark.parametrize(
    ("model", "has_tiles"), [(dense_model(1), False), (conv_model(1, channels=32), True)], ids=["dense", "tiles"]
)
def test_every_failing_allocation_of_every_call(make_model, sweep, model, has_tiles):
    found = sweep(make_model(model), STRIDE)
    check(found)
    assert {scenario for scenario, _ in found} == SCENARIOS
    for (scenario, _), line in found.items():
        if scenario in STRICT:
            # All but a few that are made after the call has succeeded.
            assert line["calls"] > 50 and line["failures"] >= line["calls"] - 8, line
        if scenario in {"first_execution", "execution", "unload"}:
            # What these need for a moment is there.
            assert line["failures"] == 0, line
        if scenario == "execution_with_nan":
            # Convolutions by tiles are computed again by others, which are made then.
            assert line["failures"] > 20 if has_tiles else line["failures"] == 0, line


def test_every_failing_allocation_of_the_first_calls_of_a_process(make_model, sweep):
    found = sweep(make_model(dense_model(2)), 8 * STRIDE, "first")
    check(found)
    for line in found.values():
        assert line["last"] > 1500 and line["failures"] > line["calls"] / 2, line


def test_address_space_that_is_used_up(make_model, sweep):
    found = sweep(make_model(conv_model(3)), 1, "space")
    check(found)
    (line,) = found.values()
    assert line["failures"] > 25, line


def conversion_numbers(count, stride):
    """The first allocations, some on the way, and the last ones, which come when the file is there already."""
    return sorted({*range(1, 4), *range(4, count, max(1, count * stride // 200)), *range(count - 3, count + 1)})


def test_every_failing_allocation_of_a_conversion(faults, tmp_path):
    source, output = tmp_path / "given.onnx", tmp_path / "made.om"
    source.write_bytes(conv_model(4).SerializeToString())
    # The program itself; the one on PATH is begun by Python.
    program = Path(acl.__file__).parent / "atc"
    command = [program, f"--model={source}", "--framework=5", f"--output={output.with_suffix('')}"]

    def convert(**environment):
        environment = os.environ | environment | {"LD_PRELOAD": str(faults)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)

    done = convert(FAULTS_FIRST="0")
    assert done.returncode == 0, done.stdout
    expected = output.read_bytes()
    count = int(re.search(r"allocations: (\d+)", done.stderr)[1])
    assert count > 2000
    failures = 0
    for mode in ({}, {"FAULTS_ON": "1"}):
        for number in conversion_numbers(count, STRIDE):
            output.unlink(missing_ok=True)
            done = convert(FAULTS_FIRST=str(number), **mode)
            what = f"{number} {mode}: {done.returncode}\n{done.stdout}{done.stderr}"
            assert done.returncode in (0, 255), what
            left = sorted(path.name for path in tmp_path.iterdir())
            if done.returncode == 0:
                assert left == ["given.onnx", "made.om"] and output.read_bytes() == expected, what
            else:
                failures += 1
                assert "E19999: The system has no memory left for the conversion." in done.stdout, what
                assert left == ["given.onnx"], what
    assert failures > 40


def test_heap_of_the_reserve(tmp_path):
    program = tmp_path / "reserve_program"
    command = [
        "gcc",
        "-std=gnu11",
        *WARNINGS,
        "-fsanitize=address,undefined",
        f"-I{RESERVE}",
        f"-I{RESERVE / 'include'}",
    ]
    sources = [HERE / "reserve_program.c", RESERVE / "reserve.c"]
    stubs = tmp_path / "system.c"
    stubs.write_text(
        "#include <CMemoryReserve.h>\nbool memory_reserve_system_has(size_t bytes) { return bytes == 4096; }\n"
    )
    subprocess.run([*command, *sources, stubs, "-o", program, "-pthread"], check=True)
    done = subprocess.run([program, "1"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr

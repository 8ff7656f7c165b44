# SPDX-License-Identifier: Apache-2.0
"""Limits of the system: open files, threads, file sizes, full disks, files that become shorter while they are read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model_support import conv_model, expected_outputs, random_inputs

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    library = tmp_path_factory.mktemp("faults") / "liblimit_faults.so"
    source = HERE / "limit_faults.c"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.fixture(scope="module")
def network():
    return conv_model(5)


@pytest.fixture
def run_case(make_model, network, faults, tmp_path):
    """run_case(name, threads, **limits): the case of limits_worker.py, with limit_faults.c if there are limits."""

    def run(case, threads=1, **limits):
        model = tmp_path / "model.om"
        model.write_bytes(make_model(network))
        given = random_inputs(network, 6)
        np.save(tmp_path / "input.npy", given[0])
        np.save(tmp_path / "output.npy", expected_outputs(network, given)[0])
        # Of another user, as the case may become.
        for path in [tmp_path, *tmp_path.parents[:3]]:
            path.chmod(path.stat().st_mode | 0o755)
        environment = os.environ | limits | {"PYACLMDL_NUM_THREADS": str(threads), "PYTHONPATH": str(HERE)}
        environment["OPENBLAS_NUM_THREADS"] = "1"
        if limits:
            environment["LD_PRELOAD"] = str(faults)
        command = [sys.executable, HERE / "limits_worker.py", case, model, tmp_path]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr

    return run


def test_no_more_open_files(run_case):
    run_case("open_files")


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads(run_case, threads):
    run_case("threads", threads)


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_threads_for_a_while(run_case, threads):
    run_case("threads_for_a_while", threads, LIMIT_THREADS="0")


def test_dump_beyond_the_limit_of_file_sizes(run_case):
    run_case("file_size")


@pytest.mark.parametrize("room", ["0", "1", "5000"])
def test_dump_onto_a_full_disk(run_case, room):
    run_case("disk", LIMIT_ROOM=room)


def test_model_that_is_cut_while_it_is_read(run_case):
    run_case("cut_model", LIMIT_CUT="/cut.om")


def test_configuration_that_is_cut_while_it_is_read(run_case):
    run_case("cut_configuration", LIMIT_CUT="/cut.json")


@pytest.fixture
def convert(atc_path, faults, network, tmp_path):
    """convert(**environment) -> the finished process and the files that are then beside the model."""

    def run(*options, preload=faults, **limits):
        source = tmp_path / "model.onnx"
        source.write_bytes(network.SerializeToString())
        command = [atc_path, f"--model={source}", "--framework=5", f"--output={tmp_path / 'converted'}", *options]
        environment = os.environ | limits | {"LD_PRELOAD": str(preload)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100)
        left = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
        left.remove("model.onnx")
        return done, left

    return run


@pytest.mark.parametrize("options", [[], ["--external_weight=1"], ["--external_weight=2"]])
@pytest.mark.parametrize("room", ["0", "1", "4000", "9000"])
def test_conversion_onto_a_full_disk(convert, room, options):
    done, left = convert(*options, LIMIT_DISK=room)
    assert done.returncode == 255, done.stdout
    assert "E13004" in done.stdout and "No space left on device" in done.stdout
    assert left == []


def test_conversion_without_open_files(convert):
    done, left = convert(LIMIT_OPEN="/model.onnx")
    assert done.returncode == 255
    assert re.search(r"E1300\d", done.stdout) and "Too many open files" in done.stdout
    assert left == []


def test_conversion_of_a_model_that_is_cut_while_it_is_read(convert):
    done, left = convert(LIMIT_CUT="/model.onnx")
    assert done.returncode == 255
    assert re.search(r"E1300\d", done.stdout) and "it became shorter while it was read" in done.stdout
    assert left == []

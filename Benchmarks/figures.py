# SPDX-License-Identifier: Apache-2.0
"""What is measured, each figure as one function: engines in turn, in a new order every round."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines import ENGINES
from parent import Process, medians, shuffled


@dataclass(frozen=True)
class Effort:
    """How much work goes into a figure: rounds, and seconds of each timed stretch."""

    rounds: int
    cold_rounds: int
    seconds: float


def relative_error(result: np.ndarray, reference: np.ndarray) -> float:
    """Largest difference over the reference's range; infinite for other shapes, or anything that is not finite."""
    if result.shape != reference.shape:
        return float("inf")
    result, reference = result.astype(np.float64), reference.astype(np.float64)
    spread = float(np.ptp(reference)) or max(float(np.abs(reference).max()), 1e-30)
    error = float(np.abs(result - reference).max()) / spread
    return error if np.isfinite(error) else float("inf")


def results(name: str) -> float:
    """Largest relative error of any output against ONNX Runtime on the same inputs."""
    outputs = {}
    with tempfile.TemporaryDirectory() as folder:
        for engine in ("acl", "ort"):
            with Process(engine, name, threads=2) as process:
                process.ask("first")
                path = Path(folder) / f"{engine}.npz"
                process.ask("outputs", path=str(path))
                with np.load(path) as arrays:
                    outputs[engine] = [arrays[key] for key in arrays.files]
    if len(outputs["acl"]) != len(outputs["ort"]):
        return float("inf")
    return max(relative_error(a, b) for a, b in zip(outputs["acl"], outputs["ort"], strict=True))


def cold(name: str, threads: int, effort: Effort) -> dict[str, dict]:
    """First load of a fresh process, load plus first inference, and further loads, in ms."""
    order, rounds = random.Random(name), {engine: [] for engine in ENGINES}
    for _ in range(effort.cold_rounds):
        for engine in shuffled(ENGINES, order):
            with Process(engine, name, threads) as process:
                rounds[engine].append(process.ask("first") | process.ask("further", count=5))
    return medians(rounds)


def memory(name: str) -> dict[str, dict]:
    """Bytes that one load and eight loads add to a fresh process."""
    values = {}
    for engine in ENGINES:
        with Process(engine, name, threads=1) as process:
            values[engine] = process.ask("memory", loads=8)
    return values


def _interleaved(name: str, threads: int, rounds: int, command: str, **options) -> dict[str, dict]:
    """The engines side by side, one at work at a time."""
    processes = {engine: Process(engine, name, threads) for engine in ENGINES}
    order, rows = random.Random(name), {engine: [] for engine in ENGINES}
    try:
        for process in processes.values():
            process.ask("first")
            process.ask(command, **options)
        for _ in range(rounds):
            for engine in shuffled(ENGINES, order):
                rows[engine].append(processes[engine].ask(command, **options))
    finally:
        for process in processes.values():
            process.__exit__()
    return medians(rows)


def steady(name: str, threads: int, effort: Effort) -> dict[str, dict]:
    """Latency of one inference in ms, after warming up."""
    return _interleaved(name, threads, effort.rounds, "steady", seconds=effort.seconds)


def add_call(effort: Effort) -> dict[str, dict]:
    """Microseconds of one call from Python on a model that is one addition of one element."""
    return _interleaved("add", 1, effort.rounds, "calls", count=5000)


def small_model(effort: Effort) -> float:
    """Milliseconds of one inference of the smallest timed model, ours alone."""
    with Process("acl", "ppocr_cls", 1) as process:
        process.ask("first")
        rounds = [process.ask("steady", seconds=effort.seconds) for _ in range(effort.rounds)]
    return medians({"row": rounds})["row"]["ms"]


def trivial_call(effort: Effort) -> dict[str, float]:
    """Nanoseconds of a call of `acl` that does nothing, and of the cheapest of CPython's own."""
    with Process("acl", "add", 1) as process:
        rounds = [process.ask("trivial", count=100_000) for _ in range(effort.rounds)]
    return medians({"row": rounds})["row"]


def throughput(name: str, effort: Effort) -> dict[str, dict]:
    """Inferences per second of four Python threads at once, one engine thread each."""
    order, rows = random.Random(name), {engine: [] for engine in ENGINES}
    for _ in range(max(1, effort.rounds // 3)):
        for engine in shuffled(ENGINES, order):
            with Process(engine, name, threads=1, pin=False) as process:
                rows[engine].append(process.ask("throughput", threads=4, seconds=effort.seconds * 4))
    return medians(rows)


def operators(pattern: str, effort: Effort) -> Iterator[dict]:
    """Microseconds of single operators on `acl` and ONNX Runtime, as `operator_worker.py` finds them."""
    command = [sys.executable, Path(__file__).with_name("operator_worker.py"), str(effort.seconds / 4), pattern]
    environment = os.environ | {"PYACLMDL_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise RuntimeError(f"the measurement of single operators exited with {process.returncode}")

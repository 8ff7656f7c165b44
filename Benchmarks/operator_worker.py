# SPDX-License-Identifier: Apache-2.0
"""Measures single operators on `acl` and ONNX Runtime in one process, one thread each; a JSON line per operator.

Started as `operator_worker.py SECONDS PATTERN`. The engines take turns run by run, and what counts is the processor
time of the thread, so that other programs on the machine disturb both alike, and little.
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime

import operators
from engines import AclEngine
from figures import relative_error


class Peer:
    """ONNX Runtime bound to arrays, so that a run does nothing but compute."""

    def __init__(self, model: bytes, feeds: dict[str, np.ndarray]):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        wanted = self._session.run(None, feeds)
        self._binding = self._session.io_binding()
        for name, array in feeds.items():
            self._binding.bind_cpu_input(name, array)
        self.outputs = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in wanted]
        for output, value in zip(self._session.get_outputs(), self.outputs, strict=True):
            self._binding.bind_ortvalue_output(output.name, value)

    def run(self) -> None:
        self._session.run_with_iobinding(self._binding)


def measure(functions: dict[str, object], seconds: float) -> dict[str, float]:
    """Microseconds of each function: the median of runs that take turns."""
    times: dict[str, list[int]] = {name: [] for name in functions}
    now, end = time.thread_time_ns, None
    while end is None or len(times["acl"]) < 7 or time.perf_counter() < end:
        for name, function in functions.items():
            start = now()
            function()
            times[name].append(now() - start)
        end = end or time.perf_counter() + seconds
    return {name: statistics.median(values[1:]) / 1e3 for name, values in times.items()}


def figure(case: operators.Case, folder: Path, seconds: float) -> dict:
    from convert import convert

    path = folder / "operator.onnx"
    path.write_bytes(case.model())
    shapes = ";".join(f"{name}:{','.join(map(str, array.shape))}" for name, array in case.feeds.items())
    model = AclEngine(convert(path, shapes, folder), 1).load()
    model.bind(case.feeds)
    peer = Peer(path.read_bytes(), case.feeds)
    times = measure({"acl": model.run, "ort": peer.run}, seconds)
    error = max(relative_error(a, b.numpy()) for a, b in zip(model.outputs(), peer.outputs, strict=True))
    return {"name": case.name, "family": case.family, "error": error} | times


def main() -> None:
    seconds, pattern = float(sys.argv[1]), re.compile(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        for case in operators.cases():
            if not pattern.search(f"{case.family} {case.name}"):
                continue
            try:
                row = figure(case, Path(folder), seconds)
            except Exception as error:  # one operator that fails does not keep the others from being measured
                row = {"name": case.name, "family": case.family, "failed": str(error)[-300:]}
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

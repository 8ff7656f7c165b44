# SPDX-License-Identifier: Apache-2.0
"""One engine with one model in a process of its own, driven by JSON lines on standard input.

Started as `worker.py ENGINE MODEL_FILE MODEL_NAME THREADS`; pinned to one core by its parent if THREADS is 1.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import threading
import time
import timeit
from collections.abc import Callable
from pathlib import Path

import numpy as np

import engines
import models


def resident() -> int:
    """Resident bytes of this process."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("no Rss in smaps_rollup")


class Worker:
    """The commands: each method answers with something that JSON can hold."""

    def __init__(self, engine: str, path: str, name: str, threads: int):
        self._inputs = models.inputs(name)
        self._engine = engines.ENGINES[engine](Path(path), threads)

    def first(self) -> dict:
        """Milliseconds of the first load of the process, and of the load with the first inference."""
        start = time.perf_counter()
        self._model = self._engine.load()
        loaded = time.perf_counter()
        self._model.bind(self._inputs)
        self._model.run()
        done = time.perf_counter()
        return {"load": (loaded - start) * 1e3, "first": (done - start) * 1e3}

    def further(self, count: int) -> dict:
        """Milliseconds of further loads of the same model (median), each kept until the last is done."""
        times, kept = [], []
        for _ in range(count):
            start = time.perf_counter()
            kept.append(self._engine.load_further(self._model))
            times.append((time.perf_counter() - start) * 1e3)
        return {"further": statistics.median(times)}

    def memory(self, loads: int) -> dict:
        """Bytes added by one load and by `loads` of them, each run once, in turn and on the same buffers."""
        base = resident()
        self._model = self._engine.load()
        self._model.bind(self._inputs)
        self._model.run()
        one = resident() - base
        kept = []
        for _ in range(loads - 1):
            kept.append(self._engine.load_further(self._model))
            kept[-1].bind_like(self._model)
            kept[-1].run()
        return {"one": one, "all": resident() - base}

    def steady(self, seconds: float) -> dict:
        """Median milliseconds of one inference, over about `seconds`."""
        times = []
        end = time.perf_counter() + seconds
        while len(times) < 5 or time.perf_counter() < end:
            start = time.perf_counter()
            self._model.run()
            times.append((time.perf_counter() - start) * 1e3)
        return {"ms": statistics.median(times)}

    def calls(self, count: int) -> dict:
        """Microseconds of one call in a tight loop of `count`."""
        run = self._model.run
        start = time.perf_counter()
        for _ in range(count):
            run()
        return {"us": (time.perf_counter() - start) / count * 1e6}

    def trivial(self, count: int) -> dict:
        """Nanoseconds of `acl.rt.get_run_mode()`, and of the cheapest of CPython's own functions without arguments."""
        import acl

        def nanoseconds(function: Callable[[], object]) -> float:
            return min(timeit.repeat(function, number=count, repeat=5)) / count * 1e9

        builtin = min(map(nanoseconds, (sys.getrecursionlimit, gc.isenabled, threading.get_ident, time.perf_counter)))
        return {"acl": nanoseconds(acl.rt.get_run_mode), "builtin": builtin}

    def throughput(self, threads: int, seconds: float) -> dict:
        """Inferences per second of `threads` Python threads at once, each with a model of its own or a shared one."""
        load = getattr(self._engine, "load_shared", self._engine.load)
        first = load()
        each = [first] + [first.for_thread() for _ in range(threads - 1)]
        for model in each:
            model.bind(self._inputs)
            model.run()
        counts = [0] * threads
        errors: list[BaseException] = []
        barrier = threading.Barrier(threads + 1)

        def work(index: int) -> None:
            self._engine.enter_thread()
            barrier.wait()
            end = time.perf_counter() + seconds
            try:
                while time.perf_counter() < end:
                    each[index].run()
                    counts[index] += 1
            except RuntimeError as error:
                errors.append(error)

        running = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for thread in running:
            thread.start()
        barrier.wait()
        start = time.perf_counter()
        for thread in running:
            thread.join()
        if errors:
            raise errors[0]
        return {"per_second": sum(counts) / (time.perf_counter() - start)}

    def outputs(self, path: str) -> dict:
        """Writes the outputs of one run on the model's inputs to a .npz file."""
        np.savez(path, *self._model.outputs())
        return {}


def main() -> None:
    engine, path, name, threads = sys.argv[1:]
    worker = Worker(engine, path, name, int(threads))
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command, options = json.loads(line)
        print(json.dumps(getattr(worker, command)(**options)), flush=True)


if __name__ == "__main__":
    main()

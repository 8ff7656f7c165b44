# SPDX-License-Identifier: Apache-2.0
"""Starts workers, drives them in turn, and keeps them from disturbing each other."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import engines


class WorkerFailed(Exception):
    """A worker died; the text is the end of what it wrote to standard error."""


class Process:
    """A running worker. Commands are its methods' names: `process.ask("steady", seconds=1)`."""

    def __init__(
        self, engine: str, name: str, threads: int, pin: bool = True, environment: dict[str, str] | None = None
    ):
        self.label = f"{engine} {name} with {threads} thread(s)"
        cpus = os.sched_getaffinity(0)
        allowed = {max(cpus)} if pin and threads == 1 else cpus
        self._process = subprocess.Popen(
            [
                sys.executable,
                Path(__file__).with_name("worker.py"),
                engine,
                engines.model_file(engine, name),
                name,
                str(threads),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYACLMDL_NUM_THREADS": str(threads)} | (environment or {}),
            preexec_fn=lambda: os.sched_setaffinity(0, allowed),
        )
        self._answer()

    def _answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            _, errors = self._process.communicate()
            raise WorkerFailed(f"{self.label} exited with {self._process.returncode}: {errors[-1500:]}")
        return json.loads(line)

    def ask(self, command: str, **options) -> dict:
        self._process.stdin.write(json.dumps([command, options]) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.communicate()


def shuffled(items: Iterable[str], generator: random.Random) -> list[str]:
    order = list(items)
    generator.shuffle(order)
    return order


def medians(rounds: dict[str, list[dict]]) -> dict[str, dict]:
    """Per engine the median over its rounds of each value measured."""
    return {
        engine: {key: statistics.median(one[key] for one in rows) for key in rows[0]} for engine, rows in rounds.items()
    }

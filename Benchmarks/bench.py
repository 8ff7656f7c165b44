# SPDX-License-Identifier: Apache-2.0
"""Compares `acl` with ONNX Runtime and OpenVINO on real models, in one run; prints medians, ratios and goals.

    python Benchmarks/bench.py [--quick] [--only steady,cold] [--models ppocr_cls] [--json figures.json]
    python Benchmarks/bench.py --only operators [--operators "resize|transpose"]

Ratios are against the faster peer, geometric means over the models. One thread means pinned to one core. Single
operators are compared with ONNX Runtime only, by the processor time of one thread.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from pathlib import Path

import figures
import models
from engines import ENGINES, PEERS
from parent import WorkerFailed

FIGURES = ("results", "steady", "cold", "memory", "call", "threads", "operators")
LABELS = {"acl": "acl", "ort": "ONNX Runtime", "ov": "OpenVINO"}


def geometric_mean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def ratio(row: dict[str, dict], key: str) -> float:
    """Ours over the faster peer's."""
    return row["acl"][key] / min(row[peer][key] for peer in PEERS)


class Report:
    """Collects figures, prints them as they come, and the table of goals at the end."""

    def __init__(self):
        self.data: dict[str, object] = {"machine": platform.processor() or platform.machine()}
        self._goals: list[tuple[str, str, str, bool]] = []

    def section(self, title: str) -> None:
        print(f"\n{title}", flush=True)

    def row(self, label: str, row: dict[str, dict], key: str, unit: str) -> None:
        cells = "".join(f"{LABELS[e]:>14} {row[e][key]:9.3f}" for e in ENGINES)
        print(f"  {label:24}{cells} {unit:4} ratio {ratio(row, key):6.3f}", flush=True)

    def goal(self, figure: str, reached: float, limit: float, form: str = "{:.3f}") -> None:
        self._goals.append((figure, form.format(limit), form.format(reached), reached <= limit))
        self.data.setdefault("goals", {})[figure] = {"reached": reached, "limit": limit}

    def summary(self) -> bool:
        self.section("Goals")
        print(f"  {'figure':62} {'goal':>9} {'reached':>9}")
        for figure, limit, reached, met in self._goals:
            print(f"  {figure:62} ≤ {limit:>7} {reached:>9}  {'' if met else 'MISSED'}")
        return all(met for *_, met in self._goals)


def run_results(report: Report, names: list[str]) -> None:
    report.section("Results: largest difference from ONNX Runtime over the output's range")
    errors = {}
    for name in names:
        errors[name] = figures.results(name)
        print(f"  {name:24}{errors[name]:.2e}", flush=True)
    report.data["results"] = errors
    report.goal("results: largest error of any model", max(errors.values()), 1e-4, "{:.1e}")


def run_steady(report: Report, names: list[str], effort: figures.Effort) -> None:
    for threads in (1, 2):
        report.section(f"Steady latency, {threads} thread(s)")
        rows = {}
        for name in names:
            rows[name] = figures.steady(name, threads, effort)
            report.row(name, rows[name], "ms", "ms")
        report.data[f"steady_{threads}"] = rows
        report.goal(
            f"steady latency, {threads} thread(s)", geometric_mean([ratio(r, "ms") for r in rows.values()]), 1.0
        )


def run_cold(report: Report, names: list[str], effort: figures.Effort) -> None:
    figures_of_cold = (
        ("load", "load from memory, first in a fresh process", 0.6),
        ("first", "load plus first inference", 0.6),
        ("further", "further load, shared weights", 0.05),
    )
    for threads in (1, 2):
        report.section(f"Loads, {threads} thread(s)")
        rows = {}
        for name in names:
            rows[name] = figures.cold(name, threads, effort)
            for key, _, _ in figures_of_cold:
                report.row(f"{name} {key}", rows[name], key, "ms")
        report.data[f"cold_{threads}"] = rows
        for key, label, limit in figures_of_cold:
            report.goal(f"{label}, {threads} thread(s)", geometric_mean([ratio(r, key) for r in rows.values()]), limit)


def run_memory(report: Report, names: list[str]) -> None:
    report.section("Resident memory added by one and by eight loads, MiB (acl: sharing weights and workspace)")
    rows, growth = {}, []
    for name in names:
        rows[name] = figures.memory(name)
        cells = "".join(
            f"{LABELS[e]:>14} {rows[name][e]['one'] / 2**20:7.1f} {rows[name][e]['all'] / 2**20:7.1f}" for e in ENGINES
        )
        growth.append(rows[name]["acl"]["all"] / rows[name]["acl"]["one"])
        print(f"  {name:24}{cells}  growth {growth[-1]:.3f}", flush=True)
    report.data["memory"] = rows
    report.goal("memory of eight loads over one, worst model", max(growth), 1.15)


def run_call(report: Report, effort: figures.Effort) -> None:
    report.section("One call from Python on a one-element addition")
    row = figures.add_call(effort)
    report.row("add", row, "us", "us")
    report.data["call"] = row
    report.goal("execute of a one-element Add over ONNX Runtime's run", row["acl"]["us"] / row["ort"]["us"], 0.5)
    # A call that computes next to nothing is all checks, conversion and bookkeeping: more than the checks alone cost.
    small = figures.small_model(effort)
    share = row["acl"]["us"] / 1e3 / small
    print(f"  that whole call, checks and all, is {share:.2%} of an execution of ppocr_cls ({small:.3f} ms)")
    report.data["checks"] = {"call_us": row["acl"]["us"], "small_ms": small}
    report.goal("all but the computing over an execution of ppocr_cls", share, 0.05, "{:.4f}")
    trivial = figures.trivial_call(effort)
    print(f"  acl.rt.get_run_mode() {trivial['acl']:.0f} ns, the cheapest of CPython's own {trivial['builtin']:.0f} ns")
    report.data["trivial"] = trivial
    report.goal("a trivial call over the cheapest of CPython's own", trivial["acl"] / trivial["builtin"], 2.0)


def run_threads(report: Report, names: list[str], effort: figures.Effort) -> None:
    report.section("Four Python threads at once, inferences per second (ratio over the faster peer: higher is better)")
    rows = {}
    for name in names:
        rows[name] = figures.throughput(name, effort)
        cells = "".join(f"{LABELS[e]:>14} {rows[name][e]['per_second']:9.1f}" for e in ENGINES)
        best = max(rows[name][peer]["per_second"] for peer in PEERS)
        print(f"  {name:24}{cells} /s   ratio {rows[name]['acl']['per_second'] / best:6.3f}", flush=True)
    report.data["threads"] = rows


def run_operators(report: Report, pattern: str, effort: figures.Effort) -> None:
    report.section("Single operators, 1 thread: processor time in µs, ratio, largest error over the output's range")
    rows, families = [], {}
    for row in figures.operators(pattern, effort):
        if "failed" in row:
            print(f"  {row['name']:52} FAILED: {row['failed']}", flush=True)
            continue
        row["ratio"] = row["acl"] / row["ort"]
        rows.append(row)
        families.setdefault(row["family"], []).append(row["ratio"])
        print(
            f"  {row['name']:52} {row['acl']:9.1f} {row['ort']:9.1f} {row['ratio']:7.3f} {row['error']:8.1e}",
            flush=True,
        )
    if not rows:
        raise RuntimeError(f"no operator matches {pattern!r}")
    report.section("Families of operators: geometric means, and the ten operators that are worst")
    for family, ratios in families.items():
        print(f"  {family:52} {geometric_mean(ratios):7.3f}")
    rows.sort(key=lambda row: -row["ratio"])
    for row in rows[:10]:
        print(f"  {row['name']:52} {row['ratio']:7.3f}")
    report.data["operators"] = rows
    report.goal("single operators, geometric mean", geometric_mean([row["ratio"] for row in rows]), 0.9)
    report.goal("single operators, worst", rows[0]["ratio"], 1.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few rounds: rough numbers in about three minutes")
    parser.add_argument("--only", default=",".join(FIGURES), help=f"figures, of {','.join(FIGURES)}")
    parser.add_argument("--models", default=",".join(models.TIMED), help="models of the timed figures")
    parser.add_argument("--operators", default="", help="a regular expression for families and names of operators")
    parser.add_argument("--json", type=Path, help="write every number to this file")
    options = parser.parse_args()
    only, timed = options.only.split(","), options.models.split(",")
    if unknown := [f for f in only if f not in FIGURES] + [m for m in timed if m not in models.SOURCES]:
        parser.error(f"unknown: {', '.join(unknown)}")
    effort = figures.Effort(2, 2, 0.2) if options.quick else figures.Effort(9, 5, 0.5)

    report, start = Report(), time.monotonic()
    steps = {
        "results": lambda: run_results(report, list(models.SOURCES)),
        "steady": lambda: run_steady(report, timed, effort),
        "cold": lambda: run_cold(report, timed, effort),
        "memory": lambda: run_memory(report, timed),
        "call": lambda: run_call(report, effort),
        "threads": lambda: run_threads(report, timed, effort),
        "operators": lambda: run_operators(report, options.operators, effort),
    }
    failed = False
    for figure in only:
        try:
            steps[figure]()
        except (WorkerFailed, RuntimeError) as error:
            failed = True
            print(f"  FAILED: {error}", file=sys.stderr, flush=True)
    met = report.summary()
    print(f"\n{time.monotonic() - start:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(report.data, indent=1))
    return 0 if met and not failed else 1


if __name__ == "__main__":
    sys.exit(main())

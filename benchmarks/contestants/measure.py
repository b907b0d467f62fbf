"""How a comparison is measured: pairs of runs in alternating order, medians and quartiles."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from time import sleep

import numpy as np

from contestants.workload import Contestant

PACKAGES = ("neuromem-snn", "numpy", "numba", "brian2", "Cython", "nest-simulator", "PyNN")
#: Short runs are repeated within a round until they have taken this long (s).
LEAST_SECONDS = 0.02
#: Before every run (s): idle threads of OpenMP keep a processor busy for a while after their work,
#: which would be taken from the one that runs next.
PAUSE_SECONDS = 0.25


@dataclass(frozen=True)
class Pair:
    """One round: the CPU seconds of ours and of the other, run next to each other."""

    ours: float
    other: float

    @property
    def ratio(self) -> float:
        """Times that ours is faster."""
        return self.other / self.ours


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process and its children on one processor."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


@contextmanager
def silent() -> Iterator[None]:
    """Drop what a simulator prints."""
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield


def pair(ours: Callable[[], float], other: Callable[[], float], number: int) -> Pair:
    """Run both, the first of them changing from round to round, each after a pause."""
    seconds = {}
    for run in (ours, other) if number % 2 == 0 else (other, ours):
        sleep(PAUSE_SECONDS)
        seconds[run] = run()
    return Pair(seconds[ours], seconds[other])


def run_seconds(contestant: Contestant) -> tuple[float, np.ndarray]:
    """Return the median CPU seconds of a run, repeated if it is short, and its spike counts."""
    seconds, counts = contestant.run()
    times = [seconds]
    while sum(times) < LEAST_SECONDS:
        times.append(contestant.run()[0])
    return float(np.median(times)), counts


def same_counts(counts: np.ndarray, others: np.ndarray) -> bool:
    """Return whether every neuron fired equally often."""
    return bool(np.array_equal(counts, others))


def quartiles(values: list[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper quartile."""
    low, middle, high = np.percentile(values, (25, 50, 75))
    return float(low), float(middle), float(high)


def environment() -> dict[str, object]:
    """Return processor, Python and package versions."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = None
    return {
        "cpu": _cpu(),
        "processors": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": versions,
    }


def _cpu() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()

"""Where the native engine's time goes: by kind of operation, in a live call, and when compiling.

CPU seconds of one thread, medians. Run it: ``python benchmarks/memory_profile.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from statistics import median
from time import process_time

import cyclopts
import numpy as np
from rich.console import Console
from rich.table import Table

from contestants.measure import pinned
from contestants.workload import PERIOD
from neuromem import Learn, Memory, RecallByContent, RecallByCue
from neuromem.memory import Operation, Session
from neuromem.memory.operations import stimulus

SIZES = ((5, 10), (32, 64), (256, 512))
COMPILE = """
import collections, time
from numba.core import event
spent, stack = collections.Counter(), []
class Listener(event.Listener):
    def on_start(self, e):
        stack.append((e.data["dispatcher"].py_func.__name__, time.process_time()))
    def on_end(self, e):
        name, start = stack.pop()
        spent[name] += time.process_time() - start
        if stack:
            spent[stack[-1][0]] -= time.process_time() - start
event.register("numba:compile", Listener())
start = time.process_time()
import neuromem.backends.native.kernel
total = time.process_time() - start
spent["linking and optimising the whole"] = total - sum(spent.values())
for name, seconds in spent.most_common():
    print(f"{name}\\t{seconds}")
"""


def microseconds(session: Session, operations: list[Operation]) -> tuple[float, float]:
    """Run operations 8 ms apart in one call; return microseconds and spikes per operation."""
    simulation, memory = session.simulation, session.memory
    first = simulation.tick
    starts = [first + PERIOD * number for number in range(len(operations))]
    lines = memory.cues + memory.content
    trains = stimulus(operations, starts, memory.model, memory.cues, lines)
    simulation.stimulate({"input": trains})
    before = total_spikes(session)
    begin = process_time()
    simulation.run(PERIOD * len(operations))
    seconds = process_time() - begin
    return 1e6 * seconds / len(operations), (total_spikes(session) - before) / len(operations)


def total_spikes(session: Session) -> int:
    """Return the number of spikes so far."""
    return sum(len(session.simulation.spikes(p.name)) for p in session.memory.network.populations)


def by_kind(cues: int, content: int, rng: np.random.Generator) -> list[tuple[str, float, float]]:
    """Return name, microseconds and spikes per operation of each kind."""
    n = min(cues, 64)
    learns: list[Operation] = [
        Learn(cue=cue, content=tuple(rng.choice(content, content // 2, replace=False).tolist()))
        for cue in rng.permutation(cues)[:n].tolist()
    ]
    recalls: list[Operation] = [RecallByCue(cue=op.cue) for op in learns if isinstance(op, Learn)]
    queries: list[Operation] = [
        RecallByContent(content=op.content[:1]) for op in learns if isinstance(op, Learn)
    ]
    session = Memory(cues, content, post_history=None).start()
    microseconds(session, learns)
    kinds = (("learn", learns), ("recall by cue", recalls), ("recall by content", queries))
    rows = []
    for name, operations in kinds:
        repeats = [microseconds(session, operations * (1 + 200 // n)) for _ in range(5)]
        rows.append((name, median(r[0] for r in repeats), median(r[1] for r in repeats)))
    return rows


def live_call() -> list[tuple[str, float]]:
    """Return the parts of a live recall by cue at 5 x 10, in microseconds."""
    session = Memory(5, 10).start(spacing_ms=PERIOD)
    session.learn(0, [0, 1, 8, 9])
    simulation = session.simulation
    lines = [0]

    def spent(call: Callable[[], object], n: int = 2000) -> float:
        rounds = []
        for _ in range(7):
            begin = process_time()
            for _ in range(n):
                call()
            rounds.append(1e6 * (process_time() - begin) / n)
        return median(rounds)

    present = spent(lambda: simulation.present("input", lines, simulation.tick, 1, PERIOD))
    fired = spent(lambda: simulation.fired("output", 0))
    whole = spent(lambda: session.recall_by_cue(0))
    return [
        ("the engine: 8 ticks with their input", present),
        ("reading the output, twice", 2 * fired),
        ("checking, scheduling and building the answer", whole - present - 2 * fired),
        ("the whole call", whole),
    ]


def compiling() -> list[tuple[str, float]]:
    """Return the CPU seconds that each function of the kernel takes to compile, cache empty."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
        done = subprocess.run(
            [sys.executable, "-c", COMPILE],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [(name, float(seconds)) for name, seconds in rows]


def main() -> None:
    """Measure and print the three tables."""
    console = Console()
    table = Table("C x M", "operation", "us", "spikes", "ns per spike", box=None)
    with pinned():
        for cues, content in SIZES:
            for name, us, spikes in by_kind(cues, content, np.random.default_rng(1)):
                per_spike = 1000 * us / spikes
                size = f"{cues} x {content}"
                table.add_row(size, name, f"{us:.1f}", f"{spikes:.0f}", f"{per_spike:.0f}")
        live = live_call()
    console.print(table)
    for title, rows, unit in (
        ("a live recall by cue, 5 x 10", live, "us"),
        ("compiling the kernel", compiling(), "s"),
    ):
        table = Table(title, unit, box=None)
        for name, value in rows:
            table.add_row(name, f"{value:.2f}")
        console.print()
        console.print(table)


if __name__ == "__main__":
    cyclopts.run(main)

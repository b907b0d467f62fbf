"""``native``: neuromem's own fast engine, by a call for the whole run or one per operation."""

from __future__ import annotations

from time import perf_counter

import numpy as np
from contestants.workload import LEARN_TICKS, PERIOD, SOURCE, Workload

from neuromem.backends.native.fast import FastEngine
from neuromem.backends.native.translate import translate


class Native:
    """The fast engine; a run is one call for all ticks, and reading out every spike."""

    def __init__(self, work: Workload) -> None:
        start = perf_counter()
        self.plan = translate(work.network)
        self.ticks = work.ticks
        self.events = source_cells(work.events, self.plan.groups[SOURCE][0])
        FastEngine(self.plan).advance(1, self.events[:0])
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return wall seconds and the spikes of every neuron."""
        engine = FastEngine(self.plan)
        start = perf_counter()
        engine.advance(self.ticks, self.events)
        _, cells = engine.take_spikes()
        seconds = perf_counter() - start
        return seconds, np.bincount(cells, minlength=self.plan.n_cells)[: self.plan.n_neurons]

    def close(self) -> None:
        """Nothing is held."""


def source_cells(events: np.ndarray, first: int) -> np.ndarray:
    """Return input spikes with lines numbered as the engine numbers its cells."""
    return np.ascontiguousarray(events + [0, first])


def run_interactive_native(work: Workload, n_operations: int) -> float:
    """Return the seconds an operation takes when each is one live call that decodes its answer.

    The answer is the set of output lines that fire six ticks after the operation began.
    """
    plan = translate(work.network)
    engine = FastEngine(plan)
    first, output = plan.groups[SOURCE][0], plan.groups["output"][0]
    asked = [
        [(int(tick), int(line) + first) for tick, line in operation]
        for operation in split_operations(work, n_operations)
    ]
    flat = [[number for pair in pairs for number in pair] for pairs in asked]
    engine.advance(PERIOD, ())
    engine.take_spikes()
    answers = 0
    start = perf_counter()
    for number, events in enumerate(flat, 1):
        engine.advance(PERIOD, events)
        ticks, cells = engine.take_spikes()
        answer = cells[(ticks == number * PERIOD + 6) & (cells >= output) & (cells < first)]
        answers += len(answer.tolist())
    seconds = perf_counter() - start
    if answers == 0:
        raise RuntimeError("no operation was answered: the interactive run measures nothing")
    return seconds / n_operations


def split_operations(work: Workload, n_operations: int) -> list[np.ndarray]:
    """Return the input spikes of each of the first operations."""
    started = np.unique(work.events[:, 0] // PERIOD)[:n_operations]
    if len(started) < n_operations:
        raise ValueError(f"{n_operations} operations: the workload holds {len(started)}")
    bounds = np.searchsorted(work.events[:, 0], np.append(started, started[-1] + 1) * PERIOD)
    return [work.events[a:b] for a, b in zip(bounds, bounds[1:], strict=False)]

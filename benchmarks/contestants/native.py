"""``native``: neuromem's own fast engine, by a call for the whole run or one per operation."""

from __future__ import annotations

from time import perf_counter, process_time

import numpy as np

from contestants.workload import PERIOD, SOURCE, Workload
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
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        engine = FastEngine(self.plan)
        start = process_time()
        engine.advance(self.ticks, self.events)
        _, cells = engine.take_spikes()
        seconds = process_time() - start
        return seconds, np.bincount(cells, minlength=self.plan.n_cells)[: self.plan.n_neurons]

    def close(self) -> None:
        """Nothing is held."""


def source_cells(events: np.ndarray, first: int) -> np.ndarray:
    """Return input spikes with lines numbered as the engine numbers its cells."""
    return np.ascontiguousarray(events + np.array([0, first]))


def run_interactive_native(work: Workload) -> float:
    """Return the CPU seconds of an operation when each is one live call that returns its answer."""
    session = work.memory.start(backend="native", spacing_ms=PERIOD)
    answers = []
    start = process_time()
    for operation in work.operations:
        answers.append(session.perform(operation))
    return (process_time() - start) / len(answers)

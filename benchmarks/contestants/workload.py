"""What every contestant runs: the CA3 memory, and the same input spikes for all of them.

An operation starts every 8 ms. Which one (learn, recall by cue, recall by content), on which cue
and with which content is drawn from a seeded generator. Content is half full: a learn stores
M // 2 of the M bits. A recall by content shows one of the bits last learned for a cue: the query
that this memory answers exactly (more bits return false cues, see the tests of its defects).

The network keeps every post spike for its plasticity (``post_history=None``), as the peers do; the
board's limit of 15 is left out.

A time is CPU time of the one thread that computes: on an idle machine that is wall time, and on a
shared one it is what wall time would have been.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from neuromem.memory import Learn, Memory, Operation, RecallByContent, RecallByCue
from neuromem.memory.operations import stimulus
from neuromem.network import Network

#: Ticks (ms) from one operation to the next.
PERIOD = 8
SEED = 20240606
SOURCE = "input"


@dataclass(frozen=True)
class Workload:
    """One size of the memory with its input.

    ``events`` are (tick, input line) pairs, sorted; lines 0..cues-1 are cues, the rest content.
    The first operation starts in tick 8, the second in tick 16, and so on.
    """

    memory: Memory
    ticks: int
    operations: list[Operation]
    events: np.ndarray

    @property
    def network(self) -> Network:
        """The definition."""
        return self.memory.network

    @property
    def seconds(self) -> float:
        """Biological time (s)."""
        return self.ticks / 1000

    @property
    def lines(self) -> int:
        """Number of input lines."""
        return self.memory.cues + self.memory.content

    def line_times(self) -> list[np.ndarray]:
        """Return the spike times (ms) of every input line."""
        order = np.argsort(self.events[:, 1], kind="stable")
        times, lines = self.events[order].T
        bounds = np.searchsorted(lines, np.arange(self.lines + 1))
        return [times[a:b].astype(float) for a, b in pairwise(bounds)]

    def split(self) -> list[np.ndarray]:
        """Return the input spikes of each operation."""
        starts = PERIOD * np.arange(1, len(self.operations) + 2)
        bounds = np.searchsorted(self.events[:, 0], starts)
        return [self.events[a:b] for a, b in pairwise(bounds)]


class Contestant(Protocol):
    """One simulator, ready to run one workload."""

    compile_seconds: float

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        ...

    def close(self) -> None:
        """Free what the contestant holds."""
        ...


def workload(cues: int, content: int, seconds: float) -> Workload:
    """Return the memory of one size and its input."""
    memory = Memory(cues, content, post_history=None)
    ticks = round(seconds * 1000)
    asked = operations(cues, content, ticks // PERIOD - 1, np.random.default_rng(SEED))
    starts = [PERIOD * (number + 1) for number in range(len(asked))]
    trains = stimulus(asked, starts, memory.model, cues, cues + content)
    pairs = np.stack([np.rint(trains.times_ms).astype(np.int64), trains.neurons], axis=1)
    return Workload(memory, ticks, asked, pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))])


def operations(cues: int, content: int, n: int, rng: np.random.Generator) -> list[Operation]:
    """Return random operations on half-full content."""
    learned: dict[int, tuple[int, ...]] = {}
    asked: list[Operation] = []
    for _ in range(n):
        kind = rng.choice(["learn", "by cue", "by content"]) if learned else "learn"
        if kind == "learn":
            cue = int(rng.integers(cues))
            bits = rng.choice(content, content // 2, replace=False)
            learned[cue] = tuple(np.sort(bits).tolist())
            asked.append(Learn(cue=cue, content=learned[cue]))
        else:
            cue = list(learned)[rng.integers(len(learned))]
            by_cue = kind == "by cue"
            bit = int(rng.choice(learned[cue]))
            asked.append(RecallByCue(cue=cue) if by_cue else RecallByContent(content=(bit,)))
    return asked

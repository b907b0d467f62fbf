"""The state of a run, and what drives the compiled tick."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neuromem.backends.arithmetic.translate import Plan

#: How many spikes are kept between two calls of the kernel, at least.
LOG_ROOM = 1 << 16
#: Entries of a post neuron's memory; the first of them stands for time 0.
ENTRIES = 16


class State(NamedTuple):
    """Everything that the next tick depends on, as 64-bit integers.

    ``arrivals`` is [tick modulo slots, receptor * neurons + neuron]; ``times``, ``traces`` and
    ``known`` are the post neurons' history; ``last`` and ``trace`` are each pre cell's last spike
    by plastic part, and ``weight`` the plastic weights' 16 bits.
    """

    v: np.ndarray
    currents: np.ndarray
    refractory: np.ndarray
    arrivals: np.ndarray
    times: np.ndarray
    traces: np.ndarray
    known: np.ndarray
    last: np.ndarray
    trace: np.ndarray
    weight: np.ndarray
    saturated: np.ndarray


class Engine:
    """Runs a plan with its input: (tick, cell) of every input spike, sorted by tick."""

    def __init__(self, plan: Plan, inputs: np.ndarray, ticks: int) -> None:
        from neuromem.backends.arithmetic import kernel

        self._run, self.plan, self.tick = kernel.run, plan, 0
        size, cells = len(plan.neurons.v_init), len(plan.static.first) - 1
        parts = len(plan.labels)
        self.state = State(
            v=plan.neurons.v_init.copy(),
            currents=_zeros(2, size),
            refractory=_zeros(size),
            arrivals=_zeros(plan.slots, 2 * size),
            times=_zeros(size, ENTRIES),
            traces=_zeros(size, ENTRIES),
            known=np.ones(size, dtype=np.int64),
            last=_zeros(parts, cells),
            trace=_zeros(parts, cells),
            weight=plan.plastic.weight.copy(),
            saturated=_zeros(1),
        )
        self._first_input = np.searchsorted(inputs[:, 0], np.arange(ticks + 1))
        self._inputs = np.ascontiguousarray(inputs[:, 1])
        self._log = _zeros(max(LOG_ROOM, 2 * cells), 2)
        self._spikes: list[np.ndarray] = []

    def advance(self, until: int) -> None:
        """Run up to a tick."""
        while self.tick < until:
            self.tick, found = self._run(
                self.tick, until, self.plan.neurons, self.plan.static, self.plan.plastic,
                self.state, self._first_input, self._inputs, self._log,
            )  # fmt: skip
            self._spikes.append(self._log[:found].copy())

    @property
    def spikes(self) -> np.ndarray:
        """Return the (tick, cell) of every spike, inputs included."""
        return np.concatenate([_zeros(0, 2), *self._spikes])

    @property
    def saturated(self) -> int:
        """Return how often a neuron's input in a tick stayed at its limit."""
        return int(self.state.saturated[0])


def _zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, dtype=np.int64)

"""A plan laid out flat, and run by the compiled kernel."""

from __future__ import annotations

import numpy as np

from neuromem.backends.arithmetic import arena as at
from neuromem.backends.arithmetic.synapses import PLASTIC
from neuromem.backends.arithmetic.translate import Plan
from neuromem.backends.native.arena import Pool
from neuromem.backends.spinnaker.definition import POST_HISTORY
from neuromem.backends.spinnaker.fixed_point import LARGEST_RAW

#: Spikes that the log holds between two calls of the kernel, and at first a population's log of
#: post spikes, besides those of two ticks in which all neurons fire.
LOG_ROOM = 1 << 16
STATES = {"v": at.H_V, "isyn_exc": at.H_E, "isyn_inh": at.H_I}


class Engine:
    """Runs a plan with its input: (tick, cell) of every input spike, sorted."""

    def __init__(self, plan: Plan, inputs: np.ndarray) -> None:
        from neuromem.backends.arithmetic import kernel

        self._run, self.plan = kernel.run, plan
        self._inputs = np.ascontiguousarray(inputs, dtype=np.int32)
        self._spikes: list[np.ndarray] = []
        self._build()

    @property
    def tick(self) -> int:
        """Number of completed ticks."""
        return int(self._k[at.K_TICK])

    def advance(self, until: int) -> None:
        """Run up to a tick."""
        ticks, width = self._inputs[:, 0], self._inputs.strides[0]
        last = np.searchsorted(ticks, until)
        while (left := until - self.tick) > 0:
            first = int(np.searchsorted(ticks[:last], self.tick))
            events = self._inputs.ctypes.data + first * width
            if self._run(*self._addresses, events, int(last) - first, left) < left:
                self._make_room()

    @property
    def spikes(self) -> np.ndarray:
        """Return the (tick, neuron) of every spike so far, in order."""
        self._drain()
        self._spikes = [np.concatenate([np.zeros((0, 2), np.int32), *self._spikes])]
        return self._spikes[0]

    @property
    def saturated(self) -> int:
        """Return how often a neuron's input in a tick stayed at its limit."""
        return int(self._k[at.K_SATURATED])

    def state(self, variable: str, population: str) -> np.ndarray:
        """Return a state variable of a population's neurons, in bits."""
        first, stop = self.plan.groups[population]
        start = self._k[STATES[variable]]
        return self._i[start + first : start + stop]

    def weights(self, number: int) -> np.ndarray:
        """Return the 16-bit weights [pre, post] of a plastic part, as they are stored."""
        part = self.plan.parts[number]
        first = self._parts[number, at.Q_DATA]
        held = self._i[first : first + part.weights.size].reshape(part.weights.shape)
        return (held >> self._parts[number, at.Q_SHIFT]) & LARGEST_RAW

    def full_memories(self) -> int:
        """Return how many neurons have no room for another post spike."""
        full = 0
        for population, neurons in self.plan.learning().items():
            first = self._populations[population, at.P_COUNT]
            counts = self._i[first : first + len(neurons)]
            full += int(np.count_nonzero(neurons & (counts >= POST_HISTORY)))
        return full

    def _build(self) -> None:
        plan, k, i, w = self.plan, Pool(np.int64, at.HEADER), Pool(np.int32), Pool(np.uint16)
        cells = [0, *(stop for _, stop in plan.groups.values())]
        size = sum(p.size for p in plan.neurons)
        header = {at.H_V: i.add(np.repeat(*_v_init(plan)))}
        for field, length in (
            (at.H_E, size), (at.H_I, size),
            (at.H_REFRACTORY, size), (at.H_WAITING, size), (at.H_FIRED, cells[-1] + 1),
            (at.H_ROWS, cells[-1] + 1),
        ):  # fmt: skip
            header[field] = i.add(np.zeros(length))
        populations = [at.population_row(p, i) for p in plan.neurons]
        for part in plan.parts:
            if part.kind == PLASTIC and not populations[part.post][at.P_LEARNS]:
                at.learning_fields(populations[part.post], part, i)
        start = 0
        for row in populations:
            if row[at.P_LEARNS]:
                row[at.P_HISTORY] = start
                row[at.P_HISTORY_ROOM] = LOG_ROOM + 2 * row[at.P_SIZE]
                start += row[at.P_HISTORY_ROOM]
        parts = [at.part_row(p, i, w) for p in plan.parts]
        header[at.K_POP_ROWS] = k.add(np.array(populations, dtype=np.int64))
        header[at.K_PART_ROWS] = k.add(np.array(parts, dtype=np.int64))
        header[at.K_GROUP_ROWS] = k.add(np.array(cells))
        header[at.K_N_FIRED] = k.add(np.zeros(len(plan.groups)))
        header[at.K_NEURONS] = size
        header[at.K_POPULATIONS], header[at.K_GROUPS] = len(populations), len(plan.groups)
        header[at.K_PARTS] = len(parts)
        self._log = np.zeros((LOG_ROOM + 2 * size, 2), dtype=np.int32)
        self._h = np.zeros((max(start, 1), at.H_WIDTH), dtype=np.int32)
        self._k, self._i, self._w = k.build(), i.build(), w.build()
        self._k[list(header)] = list(header.values())
        self._k[at.K_LOG_ROOM] = len(self._log)
        self._populations = self._rows(at.K_POP_ROWS, len(populations), at.P_FIELDS)
        self._parts = self._rows(at.K_PART_ROWS, len(parts), at.Q_FIELDS)
        self._point()

    def _rows(self, field: int, number: int, width: int) -> np.ndarray:
        first = self._k[field]
        return self._k[first : first + number * width].reshape(number, width)

    def _point(self) -> None:
        arrays = (self._k, self._i, self._w, self._h, self._log)
        self._addresses = tuple(array.ctypes.data for array in arrays)

    def _drain(self) -> None:
        if found := int(self._k[at.K_LOG]):
            self._spikes.append(self._log[:found].copy())
            self._k[at.K_LOG] = 0

    def _make_room(self) -> None:
        """Empty the log of spikes; double the logs of post spikes that are full."""
        self._drain()
        regions, start = [], 0
        for p in self._populations[self._populations[:, at.P_LEARNS] > 0]:
            kept = self._h[p[at.P_HISTORY] :][: p[at.P_HISTORY_N]]
            room = p[at.P_HISTORY_ROOM] * (1 + (len(kept) + p[at.P_SIZE] > p[at.P_HISTORY_ROOM]))
            regions.append((start, room, kept))
            start += room
        if start > len(self._h):
            grown = np.zeros((start, at.H_WIDTH), dtype=np.int32)
            learning = np.flatnonzero(self._populations[:, at.P_LEARNS])
            for number, (first, room, kept) in zip(learning, regions, strict=True):
                grown[first : first + len(kept)] = kept
                self._populations[number, [at.P_HISTORY, at.P_HISTORY_ROOM]] = first, room
            self._h = grown
            self._point()


def _v_init(plan: Plan) -> tuple[list[int], list[int]]:
    return [p.v_init for p in plan.neurons], [p.size for p in plan.neurons]

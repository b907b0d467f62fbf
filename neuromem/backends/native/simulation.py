"""A simulation on one of the native engines."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neuromem._version import __version__
from neuromem.backends.interruption import interruptions_deferred
from neuromem.backends.native.reference import ReferenceEngine
from neuromem.backends.native.translate import translate
from neuromem.backends.sampling import interval_ticks, sample_shape, sample_unit
from neuromem.backends.simulation import Progress, Simulation
from neuromem.backends.stimulus import LAST_TICK, Stimulus, input_ticks
from neuromem.network import Network, Recording, SpikeTrains, dumps, loads
from neuromem.results import Result, Samples, provenance, write_tree

#: How many ticks pass before the first look at the progress and at an interruption, and how long
#: the next looks should be apart (s).
CHUNK_TICKS = 200
CHUNK_SECONDS = 0.1
KIND = "simulation"


class NativeSimulation(Simulation):
    """A network on a native engine; see :class:`neuromem.backends.Simulation`."""

    def __init__(self, network: Network, backend: str, seed: int | None = None) -> None:
        self.network, self.backend, self.seed = network, backend, seed
        self.plan = translate(network)
        if backend == "native":
            # Imported here because it compiles, or loads, the kernel.
            from neuromem.backends.native.fast import FastEngine

            self.engine: Any = FastEngine(self.plan)
        else:
            self.engine = ReferenceEngine(self.plan)
        self._events = np.zeros((0, 2), dtype=np.int64)
        self._spikes: list[np.ndarray] = []
        self._sampled = [r for r in network.recordings if r.variable != "spikes"]
        self._samples: list[tuple[list[int], list[np.ndarray]]] = [([], []) for _ in self._sampled]

    @property
    def tick(self) -> int:
        """Number of completed ticks."""
        return self.engine.tick

    def stimulate(self, stimulus: Stimulus) -> None:
        """Add input spikes; see :meth:`neuromem.backends.Simulation.stimulate`."""
        parts = [self._events]
        for name, trains in stimulus.items():
            ticks = input_ticks(self.network, name, trains, self.engine.tick)
            first = self.plan.groups[name][0]
            parts.append(np.stack([ticks, first + trains.neurons], axis=1))
        # Sorted by tick, then cell; a line can spike once in a tick.
        self._events = np.unique(np.concatenate(parts), axis=0)

    def run(self, duration_ms: float, progress: Progress | None = None) -> None:
        """Advance by a duration; see :meth:`neuromem.backends.Simulation.run`."""
        first, n = self.engine.tick, self.network.ticks(duration_ms, "duration_ms")
        h = self.network.timestep_ms
        if first + n > LAST_TICK:
            raise ValueError(f"duration_ms = {duration_ms}: the last tick is {LAST_TICK}")
        chunk = CHUNK_TICKS
        while self.engine.tick < first + n:
            started = time.perf_counter()
            with interruptions_deferred():
                self._advance(min(chunk, first + n - self.engine.tick))
            chunk = max(1, round(chunk * min(CHUNK_SECONDS / (time.perf_counter() - started), 4)))
            if progress is not None:
                progress((self.engine.tick - first) * h, n * h)

    def present(
        self, source: str, lines: Sequence[int], start_tick: int, hold_ticks: int, n_ticks: int
    ) -> None:
        """Drive input lines and advance; see :meth:`neuromem.backends.Simulation.present`."""
        first, engine = self.plan.groups[source][0], self.engine
        stop = start_tick + hold_ticks
        if self._sampled or len(self._events) or stop > engine.tick + n_ticks:
            held = [(tick, first + line) for tick in range(start_tick, stop) for line in lines]
            added = np.array(held, dtype=np.int64).reshape(-1, 2)
            self._events = np.unique(np.concatenate([self._events, added]), axis=0)
            self._advance(n_ticks)
        else:
            engine.present(first, lines, start_tick, hold_ticks, n_ticks)

    def fired(self, population: str, ticks_ago: int = 0) -> list[int]:
        """Return who fired lately; see :meth:`neuromem.backends.Simulation.fired`."""
        if ticks_ago < self.plan.ring - 1:
            return self.engine.fired_cells(population, ticks_ago)
        return super().fired(population, ticks_ago)

    def spikes(self, population: str) -> SpikeTrains:
        """Return all spikes of a population so far."""
        self.network.population(population)
        start, stop = self.plan.groups[population]
        log = self._log()
        chosen = log[(log[:, 1] >= start) & (log[:, 1] < stop)]
        times = chosen[:, 0] * self.network.timestep_ms
        return SpikeTrains(times, chosen[:, 1] - start, stop - start)

    def weights(self, label: str, *, settled: bool = False) -> np.ndarray:
        """Return a projection's weights; see :meth:`neuromem.backends.Simulation.weights`."""
        projection = self.network.projection(label)
        matrix = self.network.weight_matrix(projection)
        if not projection.plastic:
            return matrix
        for part in self.plan.labels[label]:
            rule = self.plan.projections[part].plastic
            assert rule is not None
            stored = self.engine.weights(part, settled)
            mask = np.ones(stored.shape, dtype=bool) if rule.mask is None else rule.mask
            matrix[mask] = stored[mask]
        return matrix

    def result(self) -> Result:
        """Return everything recorded so far."""
        states: dict[str, dict[str, Samples]] = {}
        weights: dict[str, Samples] = {}
        for recording, (ticks, values) in zip(self._sampled, self._samples, strict=True):
            times = np.array(ticks) * self.network.timestep_ms
            shape = (0, *sample_shape(self.network, recording))
            table = np.array(values) if values else np.zeros(shape)
            samples = Samples(times, table, sample_unit(self.network, recording))
            if recording.variable == "weights":
                weights[recording.target] = samples
            else:
                states.setdefault(recording.target, {})[recording.variable] = samples
        return Result(
            network=self.network,
            start_ms=0.0,
            stop_ms=self.time_ms,
            spikes={
                r.target: self.spikes(r.target)
                for r in self.network.recordings
                if r.variable == "spikes"
            },
            provenance=provenance(self.network.digest(), self.backend, __version__, self.seed),
            states=states,
            weights=weights,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the complete state to an HDF5 file, from which it continues bit-identically."""
        return write_tree(path, KIND, self.tree())

    def tree(self) -> dict[str, Any]:
        """Return the complete state as a tree of arrays and texts."""
        return {
            "backend": self.backend,
            "network": dumps(self.network),
            "seed": -1 if self.seed is None else self.seed,
            "state": self.engine.state(),
            "events": self._events[self._events[:, 0] >= self.engine.tick],
            "spikes": self._log(),
            "samples": {
                str(number): {"ticks": np.array(ticks, dtype=np.int64), "values": np.array(values)}
                for number, (ticks, values) in enumerate(self._samples)
            },
        }

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any], backend: str) -> NativeSimulation:
        """Return the simulation in a tree made by :meth:`tree`."""
        seed = int(tree["seed"])
        simulation = cls(loads(tree["network"]), backend, None if seed < 0 else seed)
        simulation.engine.restore(tree["state"])
        rows = (np.asarray(tree[name], dtype=np.int64) for name in ("events", "spikes"))
        simulation._events, spikes = (table.reshape(-1, 2) for table in rows)
        simulation._spikes = [spikes]
        for number, (ticks, values) in enumerate(simulation._samples):
            ticks.extend(tree["samples"][str(number)]["ticks"].tolist())
            values.extend(tree["samples"][str(number)]["values"])
        return simulation

    def _advance(self, n_ticks: int) -> None:
        """Advance with the queued input, stopping to sample where something is sampled."""
        stop = self.engine.tick + n_ticks
        while (tick := self.engine.tick) < stop:
            until = min([stop, *(self._next_sample(r, tick) + 1 for r in self._sampled)])
            low, high = np.searchsorted(self._events[:, 0], (tick, until))
            self.engine.advance(until - tick, self._events[low:high])
            for recording, (ticks, values) in zip(self._sampled, self._samples, strict=True):
                if self._next_sample(recording, until - 1) == until - 1:
                    ticks.append(until - 1)
                    values.append(self._sample(recording))
        self._events = self._events[np.searchsorted(self._events[:, 0], stop) :]

    def _next_sample(self, recording: Recording, tick: int) -> int:
        every = interval_ticks(self.network, recording)
        return -(-tick // every) * every

    def _sample(self, recording: Recording) -> np.ndarray:
        if recording.variable == "weights":
            return self.weights(recording.target)
        start, stop = self.plan.groups[recording.target]
        return self.engine.values(recording.variable)[start:stop]

    def _log(self) -> np.ndarray:
        """Return all spikes so far as (tick, cell) rows, ordered."""
        ticks, cells = self.engine.take_spikes()
        if len(ticks):
            self._spikes.append(np.stack([ticks, cells], axis=1))
        if len(self._spikes) > 1:
            self._spikes = [np.concatenate(self._spikes)]
        return self._spikes[0] if self._spikes else np.zeros((0, 2), dtype=np.int64)

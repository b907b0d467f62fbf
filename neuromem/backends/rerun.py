"""A simulation in another library, as one pure function from a job to its outcome.

Other simulators keep global state, cannot always go on from where they stopped, and one may be
asked for twice at a time. Each run therefore starts from t = 0 with all input so far, when a result
is asked for that is not known yet: repeating it gives the same, and a saved state is its input.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.plasticity import overflow, settled
from neuromem.backends.sampling import sample_shape, sample_unit
from neuromem.backends.simulation import Capabilities, Fidelity, Progress, Simulation
from neuromem.backends.stimulus import LAST_TICK, Stimulus, input_ticks
from neuromem.network import Network, SpikeSource, SpikeTrains, dumps
from neuromem.results import Result, Samples, provenance, write_tree

KIND = "simulation"


@dataclass(frozen=True)
class Job:
    """All that a run depends on.

    Parameters
    ----------
    network
        What to run; it asks for nothing that the backend's capabilities lack.
    stimulus
        Spikes of every source, on the grid, each line at most once a tick, all before ``ticks``.
    ticks
        How many ticks to run from t = 0.
    backend
        The backend's full name, as ``"pynn:nest"``.
    fidelity
        ``"exact"`` or ``"native"``.
    seed
        Seed of the run's random parts.
    options
        The backend's own options.
    progress
        Called with (done, total) in ms, where the library can tell.
    """

    network: Network
    stimulus: Mapping[str, SpikeTrains]
    ticks: int
    backend: str
    fidelity: Fidelity = "exact"
    seed: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    progress: Progress | None = None

    @property
    def duration_ms(self) -> float:
        """Duration of the run (ms)."""
        return self.ticks * self.network.timestep_ms


@dataclass(frozen=True)
class Outcome:
    """What a run gave, in the definition's own time and units.

    Parameters
    ----------
    spikes
        Spikes of every population, recorded or not, sources included.
    weights
        For each plastic projection's label the weights as stored at the end, [pre, post], NaN
        where there is no connection.
    samples
        What the network's recordings sample, by (target, variable).
    settings
        What the backend did to get there, for the provenance.
    """

    spikes: Mapping[str, SpikeTrains]
    weights: Mapping[str, np.ndarray] = field(default_factory=dict)
    samples: Mapping[tuple[str, str], Samples] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


class RerunSimulation(Simulation):
    """A network that is run from t = 0 whenever something new is asked of it.

    Parameters
    ----------
    simulate
        The backend: a :class:`Job` in, its :class:`Outcome` out.
    capabilities
        Of that backend.
    network, seed, fidelity, options
        As in :class:`Job`.
    """

    def __init__(
        self,
        simulate: Callable[[Job], Outcome],
        capabilities: Capabilities,
        network: Network,
        seed: int | None,
        fidelity: Fidelity,
        options: Mapping[str, Any],
    ) -> None:
        self._simulate, self._can = simulate, capabilities
        self.network, self.backend, self.fidelity = network, capabilities.name, fidelity
        self.seed, self.options = seed, dict(options)
        self._tick = 0
        self._known: Outcome | None = None
        self._events = {
            source.name: np.zeros((0, 2), dtype=np.int64)
            for source in network.populations
            if isinstance(source, SpikeSource)
        }

    @property
    def tick(self) -> int:
        """Number of completed ticks."""
        return self._tick

    def stimulate(self, stimulus: Stimulus) -> None:
        """Add input spikes; see :meth:`neuromem.backends.Simulation.stimulate`."""
        added = {
            name: np.stack([input_ticks(self.network, name, t, self._tick), t.neurons], axis=1)
            for name, t in stimulus.items()
        }
        for name, rows in added.items():
            self._events[name] = np.unique(np.concatenate([self._events[name], rows]), axis=0)

    def run(self, duration_ms: float, progress: Progress | None = None) -> None:
        """Advance by a duration; see :meth:`neuromem.backends.Simulation.run`."""
        until = self._tick + self.network.ticks(duration_ms, "duration_ms")
        if until > LAST_TICK:
            raise ValueError(f"duration_ms = {duration_ms}: the last tick is {LAST_TICK}")
        self._known = self._outcome(until, progress)
        self._tick = until

    def present(
        self, source: str, lines: Sequence[int], start_tick: int, hold_ticks: int, n_ticks: int
    ) -> None:
        """Drive input lines and let time pass; nothing is simulated until something is read."""
        ticks = np.repeat(np.arange(start_tick, start_tick + hold_ticks), len(lines))
        rows = np.stack([ticks, np.tile(np.asarray(lines, dtype=np.int64), hold_ticks)], axis=1)
        self._events[source] = np.unique(np.concatenate([self._events[source], rows]), axis=0)
        self._tick += n_ticks
        self._known = None

    def spikes(self, population: str) -> SpikeTrains:
        """Return all spikes of a population so far."""
        self.network.population(population)
        return self._outcome(self._tick).spikes[population]

    def weights(self, label: str, *, settled: bool = False) -> np.ndarray:
        """Return a projection's weights; see :meth:`neuromem.backends.Simulation.weights`."""
        projection = self.network.projection(label)
        if projection.plastic:
            outcome = self._outcome(self._tick)
            return self._settled(label, outcome) if settled else outcome.weights[label].copy()
        return self.network.weight_matrix(projection)

    def result(self) -> Result:
        """Return everything recorded so far."""
        outcome = self._outcome(self._tick)
        states: dict[str, dict[str, Samples]] = {}
        weights: dict[str, Samples] = {}
        for (target, variable), samples in outcome.samples.items():
            if variable == "weights":
                weights[target] = samples
            else:
                states.setdefault(target, {})[variable] = samples
        return Result(
            network=self.network,
            start_ms=0.0,
            stop_ms=self.time_ms,
            spikes={
                r.target: outcome.spikes[r.target]
                for r in self.network.recordings
                if r.variable == "spikes"
            },
            provenance=provenance(
                self.network.digest(),
                self.backend,
                self._can.version,
                self.seed,
                self._can.packages,
                fidelity=self.fidelity,
                settings={**{k: str(v) for k, v in self.options.items()}, **outcome.settings},
            ),
            states=states,
            weights=weights,
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the input so far to an HDF5 file, from which the run can be repeated."""
        return write_tree(path, KIND, self.tree())

    def tree(self) -> dict[str, Any]:
        """Return the complete state: the definition and its input."""
        return {
            "backend": self.backend,
            "fidelity": self.fidelity,
            "network": dumps(self.network),
            "seed": -1 if self.seed is None else self.seed,
            "options": json.dumps(self.options),
            "tick": self._tick,
            "input": dict(self._events),
        }

    def _outcome(self, until: int, progress: Progress | None = None) -> Outcome:
        if self._known is not None and until == self._tick:
            return self._known
        h = self.network.timestep_ms
        stimulus = {}
        for name, rows in self._events.items():
            early = rows[rows[:, 0] < until]
            size = self.network.population(name).size
            stimulus[name] = SpikeTrains(early[:, 0] * h, early[:, 1], size)
        job = Job(
            self.network, stimulus, until, self.backend, self.fidelity, self.seed, self.options,
            progress,
        )  # fmt: skip
        found = self._simulate(job) if until else at_rest(self.network)
        unlimited = self.fidelity == "exact" and not self._can.verified
        if unlimited and (where := overflow(self.network, found.spikes)):
            raise Unsupported(
                f"backend {self.backend!r} remembers every post spike, and here that matters: "
                f"{where}; use the native backend, fidelity='native', or post_history=None"
            )
        if until == self._tick:
            self._known = found
        return found

    def _settled(self, label: str, outcome: Outcome) -> np.ndarray:
        stored = outcome.weights[label].copy()
        if self._can.convention.weights_are_current and self.fidelity == "native":
            return stored
        projection = self.network.projection(label)
        return settled(self.network, projection, stored, outcome.spikes, self.time_ms)


def at_rest(network: Network) -> Outcome:
    """Return the outcome of no time at all."""
    none = np.zeros(0)
    spikes = {p.name: SpikeTrains(none, none.astype(int), p.size) for p in network.populations}
    weights = {p.label: network.weight_matrix(p) for p in network.projections if p.plastic}
    samples = {
        (r.target, r.variable): Samples(
            none, np.zeros((0, *sample_shape(network, r))), sample_unit(network, r)
        )
        for r in network.recordings
        if r.variable != "spikes"
    }
    return Outcome(spikes, weights, samples)

"""What every backend offers: a network being simulated, with its state kept between calls."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neuromem.network import Network, SpikeTrains
from neuromem.results import Result

Stimulus = Mapping[str, SpikeTrains]
Progress = Callable[[float, float], None]


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do.

    Parameters
    ----------
    name
        The backend's name.
    version
        Version of the simulator behind it.
    what
        What it is, in a line.
    neurons, synapses
        Names of the neuron models and synapse types it runs.
    resumes
        Whether its state can be saved and resumed.
    """

    name: str
    version: str
    what: str
    neurons: tuple[str, ...]
    synapses: tuple[str, ...]
    resumes: bool


class Simulation(ABC):
    """A network being simulated.

    Time is in ms since the start. Spikes of a source at t reach their targets at t + delay.
    """

    backend: str
    network: Network

    @property
    @abstractmethod
    def tick(self) -> int:
        """Number of completed ticks."""

    @property
    def time_ms(self) -> float:
        """Simulated time so far (ms)."""
        return self.tick * self.network.timestep_ms

    @abstractmethod
    def stimulate(self, stimulus: Stimulus) -> None:
        """Add input spikes, none in the past: a SpikeTrains for each source's name.

        Raises
        ------
        ValueError
            For an unknown source, a size that does not fit, or a time in the past or off the grid.
        """

    @abstractmethod
    def run(self, duration_ms: float, progress: Progress | None = None) -> None:
        """Advance by a duration (ms), reporting (done, total) to ``progress``.

        An interruption (``KeyboardInterrupt``) leaves the simulation whole, at an earlier time.
        """

    def present(
        self, source: str, lines: Sequence[int], start_tick: int, hold_ticks: int, n_ticks: int
    ) -> None:
        """Drive input lines for some ticks from ``start_tick``, and advance by ``n_ticks``.

        One call per operation of a live session: lines are ascending and in range, the start is
        not in the past; nothing is checked.
        """
        h = self.network.timestep_ms
        times = np.repeat(np.arange(start_tick, start_tick + hold_ticks), len(lines)) * h
        size = self.network.population(source).size
        trains = SpikeTrains(times, np.tile(np.asarray(lines, dtype=np.int64), hold_ticks), size)
        self.stimulate({source: trains})
        self.run(n_ticks * h)

    def fired(self, population: str, ticks_ago: int = 0) -> list[int]:
        """Return which neurons of a population fired in the last tick, or some ticks before."""
        h = self.network.timestep_ms
        time = self.time_ms - (ticks_ago + 1) * h
        return self.spikes(population).between(time - h / 2, time + h / 2).neurons.tolist()

    @abstractmethod
    def spikes(self, population: str) -> SpikeTrains:
        """Return all spikes of a population so far."""

    @abstractmethod
    def weights(self, label: str, *, settled: bool = False) -> np.ndarray:
        """Return a projection's weights [pre, post], NaN where there is no connection.

        ``settled`` includes the potentiation that a plastic synapse takes over only at its next
        pre spike, by posts still on their way too; otherwise the weights are those stored now.
        """

    @abstractmethod
    def result(self) -> Result:
        """Return everything recorded so far."""

    @abstractmethod
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the complete state to an HDF5 file, from which it continues bit-identically."""

    @abstractmethod
    def tree(self) -> dict[str, Any]:
        """Return the complete state as a tree of arrays and texts."""

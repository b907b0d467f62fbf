"""What every backend offers: a network being simulated, with its state kept between calls."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neuromem._version import __version__
from neuromem.backends.stimulus import Stimulus
from neuromem.network import Network, SpikeTrains
from neuromem.results import Result

OURSELVES = "neuromem-snn"
Progress = Callable[[float, float], None]
#: ``"exact"``: the definition's spikes, or an error; ``"native"``: as the simulator would.
Fidelity = Literal["exact", "native"]


@dataclass(frozen=True)
class Convention:
    """What a simulator does of itself where simulators differ.

    Parameters
    ----------
    stdp_delay
        Where the delay of a plastic synapse lies: ``"dendritic"``, ``"axonal"`` or ``"either"``.
    dt_zero
        What a pair at dt = 0 does: ``"depress"``, ``"potentiate"``, ``"ignore"`` or ``"any"``.
    weights_are_current
        Whether weights read at the end of a run include posts since the last pre spike.
    extra_delay_ticks
        How many ticks later than defined a spike acts on an IF_curr_exp neuron.
    reset
        What happens in a tick, in order, in a line.
    """

    stdp_delay: str
    dt_zero: str
    weights_are_current: bool
    extra_delay_ticks: float
    reset: str


@dataclass(frozen=True)
class Capabilities:
    """What a backend can do.

    Parameters
    ----------
    name
        The backend's name.
    what
        What it is, in a line.
    extra
        The extra of this package that installs it; empty where nothing more is needed.
    packages
        Packages that it needs, the simulator's own first; their versions are the provenance.
    exact, native
        Names in :data:`neuromem.backends.FEATURES` that it has with each fidelity.
    convention
        What it does of itself, with ``fidelity="native"``.
    options
        What its options mean, by name.
    verified
        Whether an exact outcome has been compared with the native engine's, post history included.
    runs
        Whether it can run a network here; False for one that only maps it onto a board.
    """

    name: str
    what: str
    extra: str
    packages: tuple[str, ...]
    exact: frozenset[str]
    native: frozenset[str]
    convention: Convention
    options: Mapping[str, str] = field(default_factory=dict)
    verified: bool = False
    runs: bool = True

    def features(self, fidelity: Fidelity) -> frozenset[str]:
        """Return what it can do with that fidelity."""
        return self.exact if fidelity == "exact" else self.native

    @property
    def versions(self) -> dict[str, str | None]:
        """Version of each package that it needs; None where it is not installed."""
        return {name: _version(name) for name in self.packages}

    @property
    def missing(self) -> tuple[str, ...]:
        """Packages that it needs and that are not installed."""
        return tuple(name for name, version in self.versions.items() if version is None)

    @property
    def version(self) -> str:
        """Version of the simulator that was found; empty where it is not installed."""
        return _version(self.packages[0]) or ""

    def require(self) -> None:
        """Raise ModuleNotFoundError naming the extra to install, where a package is missing."""
        if self.missing:
            raise ModuleNotFoundError(
                f"backend {self.name!r} needs {' and '.join(self.missing)}: "
                f"pip install 'neuromem-snn[{self.extra}]'"
            )


def _version(package: str) -> str | None:
    if package == OURSELVES:
        return __version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


class Simulation(ABC):
    """A network being simulated.

    Time is in ms since the start. Spikes of a source at t reach their targets at t + delay.
    """

    backend: str
    network: Network
    fidelity: Fidelity = "exact"

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

"""The one result type: what a network did, whichever backend ran it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from neuromem.network import Network, SpikeTrains, dumps, loads
from neuromem.results.hdf5 import read_tree, write_tree
from neuromem.results.provenance import Provenance

if TYPE_CHECKING:
    import neo

KIND = "result"


@dataclass(frozen=True)
class Samples:
    """A quantity sampled over time.

    Parameters
    ----------
    times_ms
        Sampling times (ms), shape (n,): the state after the tick of that time.
    values
        Values, shape (n, neurons) for a state or (n, pre, post) for weights; NaN where there is
        no connection.
    unit
        Unit of the values; ``"1"`` where dimensionless.
    """

    times_ms: np.ndarray
    values: np.ndarray
    unit: str


@dataclass(frozen=True)
class Result:
    """Spikes, states and weights over time, with the provenance that made them.

    Parameters
    ----------
    network
        What was run.
    start_ms, stop_ms
        Span of the run (ms).
    spikes
        Spike trains of every recorded population.
    states
        ``states[population][variable]``: sampled state variables.
    weights
        ``weights[projection label]``: sampled weights.
    provenance
        What made the result.
    """

    network: Network
    start_ms: float
    stop_ms: float
    spikes: dict[str, SpikeTrains]
    provenance: Provenance
    states: dict[str, dict[str, Samples]] = field(default_factory=dict)
    weights: dict[str, Samples] = field(default_factory=dict)

    @property
    def duration_ms(self) -> float:
        """Length of the run (ms)."""
        return self.stop_ms - self.start_ms

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the result to an HDF5 file, whole or not at all, and return its path."""
        return write_tree(path, KIND, self.tree())

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Result:
        """Read a result from an HDF5 file; raise ValueError when it holds none."""
        tree = read_tree(path, KIND)
        try:
            return cls.from_tree(tree)
        except (KeyError, ValueError, TypeError, msgspec.DecodeError) as error:
            raise ValueError(f"{path}: damaged result: {error}") from None

    def tree(self) -> dict[str, Any]:
        """Return the result as a tree of arrays and texts."""
        return {
            "network": dumps(self.network),
            "provenance": msgspec.json.encode(self.provenance).decode(),
            "span_ms": np.array([self.start_ms, self.stop_ms]),
            "spikes": {
                name: {"times_ms": s.times_ms, "neurons": s.neurons, "size": s.size}
                for name, s in self.spikes.items()
            },
            "states": {
                name: {variable: _tree(samples) for variable, samples in states.items()}
                for name, states in self.states.items()
            },
            # Numbered, because a label may hold any character.
            "weights": {
                str(number): {"label": label, **_tree(samples)}
                for number, (label, samples) in enumerate(self.weights.items())
            },
        }

    @classmethod
    def from_tree(cls, tree: dict[str, Any]) -> Result:
        """Return the result in a tree made by :meth:`tree`."""
        start_ms, stop_ms = (float(t) for t in tree["span_ms"])
        return cls(
            network=loads(tree["network"]),
            start_ms=start_ms,
            stop_ms=stop_ms,
            spikes={
                name: SpikeTrains(s["times_ms"], s["neurons"], int(s["size"]))
                for name, s in tree["spikes"].items()
            },
            provenance=msgspec.json.decode(tree["provenance"], type=Provenance),
            states={
                name: {variable: _samples(s) for variable, s in states.items()}
                for name, states in tree["states"].items()
            },
            weights={
                tree["weights"][number]["label"]: _samples(tree["weights"][number])
                for number in sorted(tree["weights"], key=int)
            },
        )

    def to_neo(self) -> neo.Block:
        """Return spikes and sampled states as a Neo block with one segment.

        Raises
        ------
        ModuleNotFoundError
            When neo is not installed; the message names the extra to install.
        """
        from neuromem.results.neo import to_neo

        return to_neo(self)


def _tree(samples: Samples) -> dict[str, Any]:
    return {"times_ms": samples.times_ms, "values": samples.values, "unit": samples.unit}


def _samples(tree: dict[str, Any]) -> Samples:
    return Samples(tree["times_ms"], tree["values"], str(tree["unit"]))

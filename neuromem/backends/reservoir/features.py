"""What is kept of a liquid's activity: spike counts, membrane, trace and latency per time bin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: Type of every output.
OUTPUTS = {"count": np.uint16, "membrane": np.float32, "trace": np.float32, "latency": np.uint16}
Features = dict[str, np.ndarray]


@dataclass(frozen=True)
class Readout:
    """Which outputs are kept, in which time bins.

    Parameters
    ----------
    steps
        Time steps of a sample.
    bins
        Number of bins; bin k covers the steps floor(k steps / bins) up to, not including,
        floor((k + 1) steps / bins).
    outputs
        Names in ``OUTPUTS``.
    trace_decay
        Factor by which the trace decays in a step, 0..1.

    Raises
    ------
    ValueError
        For an unknown output, or bins that are fewer than one, empty, or too long to count in.
    """

    steps: int
    bins: int
    outputs: tuple[str, ...]
    trace_decay: float

    def __post_init__(self) -> None:
        unknown = [name for name in self.outputs if name not in OUTPUTS]
        if unknown or not self.outputs:
            asked = repr(unknown[0]) if unknown else "nothing"
            raise ValueError(f"outputs: {asked} asked for; there are {', '.join(OUTPUTS)}")
        if not 1 <= self.bins <= self.steps:
            raise ValueError(f"bins = {self.bins}: must be in 1..{self.steps}, the batch's steps")
        if self.lengths.max() > np.iinfo(np.uint16).max:
            raise ValueError(
                f"a bin of {self.lengths.max()} steps: 16 bits count to 65535; use more bins"
            )
        if not 0 <= self.trace_decay <= 1:
            raise ValueError(f"trace_decay = {self.trace_decay}: must be in 0..1")

    @classmethod
    def of(cls, steps: int, bins: int, outputs: Sequence[str], trace_decay: float) -> Readout:
        """Build from one name or several."""
        names = (outputs,) if isinstance(outputs, str) else tuple(dict.fromkeys(outputs))
        return cls(steps, int(bins), names, float(trace_decay))

    @cached_property
    def edges(self) -> np.ndarray:
        """First step of every bin, and the number of steps."""
        return np.arange(self.bins + 1, dtype=np.int64) * self.steps // self.bins

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of steps in every bin."""
        return np.diff(self.edges)

    def empty(self, samples: int, neurons: int) -> Features:
        """Return what the outputs are before the first step, each (samples, bins, N)."""
        features = {
            name: np.zeros((samples, self.bins, neurons), dtype=OUTPUTS[name])
            for name in self.outputs
        }
        if "latency" in features:
            features["latency"][:] = self.lengths[:, None]
        return features


class Recorder:
    """Fills the outputs of some samples step by step.

    Parameters
    ----------
    readout
        What to keep.
    features
        Where, as made by ``Readout.empty``: filled in place.
    """

    def __init__(self, readout: Readout, features: Features) -> None:
        self.readout = readout
        self.features = features
        self._trace = np.float32(0)

    def step(self, t: int, u: np.ndarray, fired: np.ndarray) -> None:
        """Take the membrane before the reset and who fired, both (samples, N)."""
        edges = self.readout.edges
        k = int(np.searchsorted(edges, t, side="right")) - 1
        kept = {name: array[:, k] for name, array in self.features.items()}
        last = t + 1 == edges[k + 1]
        if "count" in kept:
            kept["count"] += fired
        if "membrane" in kept:
            kept["membrane"] += u
            if last:
                kept["membrane"] /= np.float32(edges[k + 1] - edges[k])
        if "trace" in kept:
            self._trace = np.float32(self.readout.trace_decay) * self._trace + fired
            if last:
                kept["trace"][:] = self._trace
        if "latency" in kept:
            first = fired & (kept["latency"] == edges[k + 1] - edges[k])
            kept["latency"][first] = t - edges[k]

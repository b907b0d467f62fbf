"""Spike trains: what goes into a network and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SpikeTrains:
    """The spikes of one population, ordered by time and then neuron.

    Parameters
    ----------
    times_ms
        Spike times (ms), shape (n,).
    neurons
        Index of the neuron that fired, shape (n,), each below ``size``.
    size
        Number of neurons.

    Raises
    ------
    ValueError
        When shapes differ, a time is negative or not finite, or an index is out of range.
    """

    times_ms: np.ndarray
    neurons: np.ndarray
    size: int

    def __post_init__(self) -> None:
        times = np.asarray(self.times_ms, dtype=np.float64)
        neurons = np.asarray(self.neurons)
        if neurons.size and neurons.dtype.kind not in "iu":
            raise ValueError(f"spike neurons of dtype {neurons.dtype}: give whole indices")
        neurons = neurons.astype(np.int64)
        if self.size < 0:
            raise ValueError(f"size = {self.size}: must not be negative")
        if times.shape != neurons.shape or times.ndim != 1:
            raise ValueError(
                f"spike times {times.shape} and neurons {neurons.shape}: give as many of each"
            )
        if times.size:
            if not np.all(np.isfinite(times)) or times.min() < 0:
                bad = times[~(np.isfinite(times) & (times >= 0))][0]
                raise ValueError(f"spike time {bad} ms: must be finite and not negative")
            if neurons.min() < 0 or neurons.max() >= self.size:
                bad = neurons[(neurons < 0) | (neurons >= self.size)][0]
                raise ValueError(f"spike of neuron {bad}: must be in 0..{self.size - 1}")
            if np.any(times[1:] < times[:-1]) or np.any(
                (times[1:] == times[:-1]) & (neurons[1:] < neurons[:-1])
            ):
                order = np.lexsort((neurons, times))
                times, neurons = times[order], neurons[order]
        object.__setattr__(self, "times_ms", times)
        object.__setattr__(self, "neurons", neurons)

    @classmethod
    def of(
        cls,
        trains: Mapping[int, Iterable[float]] | Sequence[Iterable[float]],
        size: int | None = None,
    ) -> SpikeTrains:
        """Build from a spike-time list per neuron: ``{neuron: [times_ms]}`` or ``[[times_ms]]``."""
        items = list(trains.items() if isinstance(trains, Mapping) else enumerate(trains))
        lists = [(int(neuron), [float(t) for t in times]) for neuron, times in items]
        if size is None:
            size = (
                len(lists)
                if not isinstance(trains, Mapping)
                else 1 + max((neuron for neuron, _ in lists), default=-1)
            )
        neurons = [neuron for neuron, times in lists for _ in times]
        times = [t for _, train in lists for t in train]
        return cls(np.array(times, dtype=np.float64), np.array(neurons, dtype=np.int64), size)

    def __len__(self) -> int:
        """Return the number of spikes."""
        return len(self.times_ms)

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same spikes of as many neurons."""
        if not isinstance(other, SpikeTrains):
            return NotImplemented
        return (
            self.size == other.size
            and np.array_equal(self.times_ms, other.times_ms)
            and np.array_equal(self.neurons, other.neurons)
        )

    __hash__ = None  # type: ignore[assignment]

    def per_neuron(self) -> list[list[float]]:
        """Return a list of spike times (ms) for every neuron, silent ones included."""
        trains: list[list[float]] = [[] for _ in range(self.size)]
        for time, neuron in zip(self.times_ms.tolist(), self.neurons.tolist(), strict=True):
            trains[neuron].append(time)
        return trains

    def pairs(self) -> set[tuple[float, int]]:
        """Return the spikes as a set of (time in ms, neuron)."""
        return set(zip(self.times_ms.tolist(), self.neurons.tolist(), strict=True))

    def between(self, start_ms: float, stop_ms: float) -> SpikeTrains:
        """Return the spikes with ``start_ms <= time < stop_ms``."""
        low, high = np.searchsorted(self.times_ms, (start_ms, stop_ms))
        return SpikeTrains(self.times_ms[low:high], self.neurons[low:high], self.size)

"""How the conductance of formed cells varies from cell to cell."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.neurons import NonNegative, Positive

Shape = tuple[int, ...]


class NormalConductance(Spec, frozen=True, kw_only=True):
    """Conductances of a normal distribution; draws below 0 become 0.

    Parameters
    ----------
    mean_us, sd_us
        Mean and standard deviation (µS).
    """

    mean_us: Positive
    sd_us: NonNegative

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Return conductances (µS), float64."""
        return np.maximum(rng.normal(self.mean_us, self.sd_us, shape), 0.0)


class LognormalConductance(Spec, frozen=True, kw_only=True):
    """Conductances whose logarithm is normal.

    Parameters
    ----------
    mean_us, sd_us
        Mean and standard deviation of the conductance itself (µS).
    """

    mean_us: Positive
    sd_us: NonNegative

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Return conductances (µS), float64."""
        variance = math.log1p((self.sd_us / self.mean_us) ** 2)
        return rng.lognormal(math.log(self.mean_us) - variance / 2, math.sqrt(variance), shape)


class UniformConductance(Spec, frozen=True, kw_only=True):
    """Conductances spread evenly over a range.

    It stands for cells programmed to random targets, where a device is programmed to a target
    and has no distribution of its own.

    Parameters
    ----------
    lowest_us, highest_us
        Range (µS).

    Raises
    ------
    ValueError
        When the range is empty.
    """

    lowest_us: NonNegative
    highest_us: Positive

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lowest_us < self.highest_us:
            raise ValueError(
                f"UniformConductance.lowest_us = {self.lowest_us}: must be below highest_us = "
                f"{self.highest_us}"
            )

    @property
    def mean_us(self) -> float:
        """Mean (µS)."""
        return (self.lowest_us + self.highest_us) / 2

    @property
    def sd_us(self) -> float:
        """Standard deviation (µS)."""
        return (self.highest_us - self.lowest_us) / math.sqrt(12)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Return conductances (µS), float64."""
        return rng.uniform(self.lowest_us, self.highest_us, shape)


class HistogramConductance(Spec, frozen=True, kw_only=True):
    """Conductances as in a measured histogram, even within a bin.

    Parameters
    ----------
    edges_us
        Edges of the bins (µS), ascending, not negative.
    counts
        Cells in each bin, one fewer than edges.

    Raises
    ------
    ValueError
        When edges do not ascend or counts do not fit them.
    """

    edges_us: Annotated[tuple[float, ...], Meta(min_length=2)]
    counts: tuple[NonNegative, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        edges, counts = np.array(self.edges_us), np.array(self.counts)
        if not (np.all(np.isfinite(edges)) and edges[0] >= 0 and np.all(np.diff(edges) > 0)):
            raise ValueError(
                "HistogramConductance.edges_us: must be finite, ascending and not negative"
            )
        if len(counts) != len(edges) - 1:
            raise ValueError(
                f"HistogramConductance.counts: {len(counts)} counts to {len(edges)} edges; give "
                f"{len(edges) - 1}"
            )
        if not (np.isfinite(counts.sum()) and counts.sum() > 0):
            raise ValueError("HistogramConductance.counts: at least one bin must hold cells")

    @property
    def mean_us(self) -> float:
        """Mean (µS)."""
        return self._moment(1)

    @property
    def sd_us(self) -> float:
        """Standard deviation (µS)."""
        return math.sqrt(self._moment(2) - self._moment(1) ** 2)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Return conductances (µS), float64."""
        edges, share = np.array(self.edges_us), np.cumsum(self.counts) / np.sum(self.counts)
        which = np.searchsorted(share, rng.random(shape), side="right")
        return edges[which] + (edges[which + 1] - edges[which]) * rng.random(shape)

    def _moment(self, order: int) -> float:
        low, high = np.array(self.edges_us[:-1]), np.array(self.edges_us[1:])
        raw = (high ** (order + 1) - low ** (order + 1)) / ((order + 1) * (high - low))
        return float(np.average(raw, weights=self.counts))


Conductance = NormalConductance | LognormalConductance | UniformConductance | HistogramConductance

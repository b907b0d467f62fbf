"""Differential pairs: a weight is the difference of two cells, and each cell has its own fate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromem.rram.noise import ReadNoise


@dataclass(frozen=True, eq=False)
class Pairs:
    """The conductances of the cells behind signed weights.

    Parameters
    ----------
    g_plus_us, g_minus_us
        Conductances of the two cells of each weight (µS), of one shape, not negative.

    Raises
    ------
    ValueError
        When the shapes differ or a conductance is negative or not finite.
    """

    g_plus_us: np.ndarray
    g_minus_us: np.ndarray

    def __post_init__(self) -> None:
        if self.g_plus_us.shape != self.g_minus_us.shape:
            raise ValueError(
                f"G+ of shape {self.g_plus_us.shape} and G- of shape {self.g_minus_us.shape}: "
                "give two arrays of one shape"
            )
        for name, cells in (("G+", self.g_plus_us), ("G-", self.g_minus_us)):
            if cells.size and not 0 <= cells.min() <= cells.max() < np.inf:
                raise ValueError(f"{name}: every conductance must be finite and at least 0 µS")

    @property
    def difference_us(self) -> np.ndarray:
        """G+ - G- (µS)."""
        return self.g_plus_us - self.g_minus_us


class NoisyDifferences:
    """The differential weights as read, step by step; see :func:`noisy_differences`."""

    def __init__(
        self, pairs: Pairs, noise: ReadNoise, step_ms: float, rng: np.random.Generator
    ) -> None:
        self._cells = [g.astype(np.float32) for g in (pairs.g_plus_us, pairs.g_minus_us)]
        self._noise = [noise.process(g.shape, step_ms, rng) for g in self._cells]
        self._read = [np.empty_like(g) for g in self._cells]

    def step(self) -> np.ndarray:
        """Return G+ - G- as read in the next step (µS), float32; the array is reused."""
        for cells, noise, read in zip(self._cells, self._noise, self._read, strict=True):
            np.multiply(cells, noise.step(), out=read)
        plus, minus = self._read
        plus -= minus
        return plus


def noisy_differences(
    pairs: Pairs, noise: ReadNoise, step_ms: float, rng: np.random.Generator
) -> NoisyDifferences:
    """Return the weights of the pairs under read noise, independent in G+ and G-.

    Parameters
    ----------
    pairs
        The cells.
    noise
        Law of the noise.
    step_ms
        Time from one read to the next (ms).
    rng
        Where the noise comes from.
    """
    return NoisyDifferences(pairs, noise, step_ms, rng)

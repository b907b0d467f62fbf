"""Read noise: how the conductance of a cell fluctuates from read to read.

A law makes a process, and a process makes one array of factors (1 + noise) per time step, which
multiply the conductances of that step. Every process is stationary from its first step and has
mean 1; its array is reused, so copy what is to be kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Protocol

import numpy as np
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.neurons import NonNegative, Positive

Fraction = Annotated[float, Meta(ge=0, le=1)]
Shape = int | Sequence[int]

#: Components of a 1/f process at most: their signs share one byte a cell.
_MOST_COMPONENTS = 8
_COMPONENTS_A_DECADE = 1.5
_SLOTS = 1 << 16


class NoiseProcess(Protocol):
    """The factors of an array of cells, step by step."""

    def step(self) -> np.ndarray:
        """Return the factors (1 + noise) of the next step, float32; the array is reused."""
        ...


class WhiteReadNoise(Spec, frozen=True, kw_only=True):
    """Normal noise, fresh for every cell and read.

    Parameters
    ----------
    relative_sd
        Standard deviation as a fraction of the conductance.
    """

    relative_sd: NonNegative

    def process(self, shape: Shape, step_ms: float, rng: np.random.Generator) -> NoiseProcess:
        """Return the process of an array of cells; a step lasts ``step_ms``."""
        _check_step(step_ms)
        return _White(self.relative_sd, shape, rng)


class TelegraphNoise(Spec, frozen=True, kw_only=True):
    r"""Random telegraph noise: a trap switches a cell between a high and a low level.

    .. math::
        p_h = \frac{\tau_h}{\tau_h + \tau_l}, \qquad
        P(h \to l) = (1 - p_h)\,(1 - e^{-\lambda \Delta t}), \qquad
        \lambda = 1/\tau_h + 1/\tau_l

    Dwell times are exponential with means :math:`\tau_h, \tau_l`; the two-state process is
    sampled exactly at the steps :math:`\Delta t`, so what happens between two reads is not lost.
    The levels are :math:`1 + a (1 - p_h)` and :math:`1 - a p_h`.

    Parameters
    ----------
    relative_amplitude
        Distance a of the levels as a fraction of the mean conductance, 0..1.
    dwell_high_ms, dwell_low_ms
        Mean dwell times (ms).
    fraction
        Fraction of the cells that have such a trap; the others are silent.

    Notes
    -----
    Source of the law: Ambrogio et al., IEEE Transactions on Electron Devices 61 (2014),
    doi 10.1109/TED.2014.2330202 (two levels with bias-dependent switching times in HfOx). Dwell
    times of real cells spread over many decades: there is no default. Chances of a switch are
    resolved to 6e-8 a step, which tells mean dwells up to some 10^6 steps apart.
    """

    relative_amplitude: Fraction
    dwell_high_ms: Positive
    dwell_low_ms: Positive
    fraction: Fraction = 1.0

    @property
    def high_share(self) -> float:
        """Share of the time that a trapped cell is high."""
        return self.dwell_high_ms / (self.dwell_high_ms + self.dwell_low_ms)

    @property
    def relative_sd(self) -> float:
        """Standard deviation over time of a cell with a trap, as a fraction of its mean."""
        return self.relative_amplitude * math.sqrt(self.high_share * (1 - self.high_share))

    def process(self, shape: Shape, step_ms: float, rng: np.random.Generator) -> NoiseProcess:
        """Return the process of an array of cells; a step lasts ``step_ms``."""
        _check_step(step_ms)
        return _Telegraph(self, shape, step_ms, rng)


class FlickerNoise(Spec, frozen=True, kw_only=True):
    r"""1/f noise: fluctuators of log-spaced rates, superposed.

    .. math::
        S(f) \propto f^{-\gamma}, \qquad f_{min} \le f \le f_{max}

    and flat below :math:`f_{min}`. Each component is a two-level fluctuator, sampled exactly; its
    variance is that of its band of :math:`f^{-\gamma}`. What lies above half the rate of the steps
    is folded back by reading, and appears as white noise.

    Parameters
    ----------
    relative_sd
        Standard deviation of a single read, over all frequencies, as a fraction of the
        conductance.
    exponent
        Slope γ of the spectrum, 0..2.
    f_min_hz
        Lowest frequency: below it the spectrum is flat. No component dwells longer than 65,536
        steps on average.
    f_max_hz
        Highest frequency, the bandwidth of a read; half the rate of the steps where None.

    Notes
    -----
    Source of the law: S_G / G^2 = Q / f in phase-change memory, Nandakumar et al., ICECS 2019,
    doi 10.1109/ICECS46596.2019.8964852; 1/f and telegraph noise in RRAM, Ambrogio et al., IEEE
    Transactions on Electron Devices 62 (2015), doi 10.1109/TED.2015.2475598.

    Raises
    ------
    ValueError
        When the band is empty, or, for a process, lies above half the rate of the steps.
    """

    relative_sd: NonNegative
    exponent: Annotated[float, Meta(gt=0, lt=2)] = 1.0
    f_min_hz: Positive
    f_max_hz: Positive | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.f_max_hz is not None and not self.f_min_hz < self.f_max_hz:
            raise ValueError(
                f"FlickerNoise.f_min_hz = {self.f_min_hz}: must be below f_max_hz = {self.f_max_hz}"
            )

    def process(self, shape: Shape, step_ms: float, rng: np.random.Generator) -> NoiseProcess:
        """Return the process of an array of cells; a step lasts ``step_ms``."""
        _check_step(step_ms)
        half_rate = 500.0 / step_ms
        if not self.f_min_hz < half_rate:
            raise ValueError(
                f"FlickerNoise.f_min_hz = {self.f_min_hz}: with steps of {step_ms:g} ms it must "
                f"be below {half_rate:g}, or use WhiteReadNoise"
            )
        return _Flicker(self, shape, step_ms, rng)

    def share(self, low_hz: float, high_hz: float) -> float:
        """Return the integral of f^-exponent over a band, in arbitrary units."""
        if self.exponent == 1:
            return math.log(high_hz / low_hz)
        power = 1 - self.exponent
        return (high_hz**power - low_hz**power) / power


ReadNoise = WhiteReadNoise | TelegraphNoise | FlickerNoise


class _White:
    def __init__(self, sd: float, shape: Shape, rng: np.random.Generator) -> None:
        self._values, self._rng = 1 + _normal_values(sd), rng
        self._factor = np.ones(shape, dtype=np.float32)
        self._flat = self._factor.reshape(-1)

    def step(self) -> np.ndarray:
        choice = self._rng.integers(0, _SLOTS, self._flat.size, dtype=np.uint16)
        np.take(self._values, choice, out=self._flat, mode="clip")
        return self._factor


class _Telegraph:
    def __init__(
        self, law: TelegraphNoise, shape: Shape, step_ms: float, rng: np.random.Generator
    ) -> None:
        share, amplitude = law.high_share, law.relative_amplitude
        rate = 1 / law.dwell_high_ms + 1 / law.dwell_low_ms
        forget = -math.expm1(-rate * step_ms)
        self._rng = rng
        self._factor = np.ones(shape, dtype=np.float32)
        self._flat = self._factor.reshape(-1)
        self._cells = np.flatnonzero(rng.random(self._flat.size) < law.fraction)
        # The chance to be high next, of a cell that is low or high now.
        self._next_high = np.array([share * forget, 1 - (1 - share) * forget], dtype=np.float32)
        self._levels = np.array([1 - amplitude * share, 1 + amplitude * (1 - share)], np.float32)
        self._high = rng.random(self._cells.size) < share

    def step(self) -> np.ndarray:
        chance = self._next_high[self._high.view(np.uint8)]
        np.less(self._rng.random(self._cells.size, dtype=np.float32), chance, out=self._high)
        levels = self._levels[self._high.view(np.uint8)]
        if levels.size == self._flat.size:
            self._flat[:] = levels
        else:
            self._flat[self._cells] = levels
        return self._factor


class _Flicker:
    """The sign of each component is a bit of a cell's byte.

    A random 16-bit number a cell chooses the signs to flip from a table, in which component k
    flips in a share p_k of the entries. The flips of different components may coincide: by
    symmetry of the signs, this leaves every correlation over time as if they were independent.
    """

    def __init__(
        self, law: FlickerNoise, shape: Shape, step_ms: float, rng: np.random.Generator
    ) -> None:
        half_rate = 500.0 / step_ms
        top = law.f_max_hz or half_rate
        inner = min(top, half_rate)
        wanted = math.ceil(_COMPONENTS_A_DECADE * math.log10(inner / law.f_min_hz))
        count = min(max(wanted, 1), _MOST_COMPONENTS)
        edges = np.geomspace(law.f_min_hz, inner, count + 1)
        variances = np.array([law.share(*band) for band in pairwise(edges)])
        white = law.share(inner, top) if top > inner else 0.0
        scale = law.relative_sd / math.sqrt(variances.sum() + white)
        self._white = _normal_values(scale * math.sqrt(white)) if white else None

        corners = np.sqrt(edges[:-1] * edges[1:])
        flip = -np.expm1(-2 * math.pi * corners * step_ms / 1000) / 2
        self._flips = np.zeros(_SLOTS, dtype=np.uint8)
        for bit, slots in enumerate(np.maximum(np.rint(flip * _SLOTS), 1).astype(int)):
            self._flips[rng.permutation(_SLOTS)[:slots]] |= 1 << bit
        signs = 2.0 * (np.arange(256)[:, None] >> np.arange(count) & 1) - 1
        self._levels = (1 + signs @ (scale * np.sqrt(variances))).astype(np.float32)

        self._rng = rng
        self._factor = np.ones(shape, dtype=np.float32)
        self._flat = self._factor.reshape(-1)
        self._signs = rng.integers(0, 256, self._flat.size, dtype=np.uint8)

    def step(self) -> np.ndarray:
        choice = self._rng.integers(0, _SLOTS, self._signs.size, dtype=np.uint16)
        self._signs ^= self._flips[choice]
        np.take(self._levels, self._signs, out=self._flat, mode="clip")
        if self._white is not None:
            choice = self._rng.integers(0, _SLOTS, self._signs.size, dtype=np.uint16)
            self._flat += self._white[choice]
        return self._factor


def _normal_values(sd: float) -> np.ndarray:
    """Return 65,536 equally likely values of a normal distribution, float32.

    Choosing among them is several times faster than drawing; what lies beyond 4.3 standard
    deviations, 1.5e-5 of all draws, is lost.
    """
    from scipy.special import ndtri

    values = ndtri((np.arange(_SLOTS) + 0.5) / _SLOTS)
    return (sd * values / values.std()).astype(np.float32)


def _check_step(step_ms: float) -> None:
    if not (math.isfinite(step_ms) and step_ms > 0):
        raise ValueError(f"step_ms = {step_ms}: must be a time above 0 ms")

"""Retention: what becomes of a conductance after it was written, continuous in time.

At time 0 nothing has changed. A cell keeps one random fate: the same generator state gives the
same cell's conductance at any other time, on one smooth course.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.neurons import NonNegative, Positive

#: Boltzmann constant (eV/K), exact in the SI: 1.380649e-23 / 1.602176634e-19.
BOLTZMANN_EV = 8.617333262e-5
Activation = Annotated[float, Meta(gt=0, le=10)]


class LogRetention(Spec, frozen=True, kw_only=True):
    r"""Relaxation with the logarithm of time: the mean sinks, the spread grows.

    .. math::
        G(t) = \max\!\left(0,\; G_0 - a \ln(1 + t/t_a) + z\, b \ln(1 + t/t_b)\right)

    with z standard normal, one number a cell.

    Parameters
    ----------
    shift_us, shift_onset_s
        Loss a of the mean (µS per factor e in time), and its onset t_a (s).
    spread_us, spread_onset_s
        Growth b of the standard deviation (µS per factor e in time), and its onset t_b (s).
    activation_ev
        Activation energy E (eV), where measured: time at temperature T counts as
        :math:`t\, e^{E/k (1/T_{ref} - 1/T)}`.
    reference_k
        Temperature of the measurement (K).
    """

    shift_us: NonNegative
    shift_onset_s: Positive
    spread_us: NonNegative
    spread_onset_s: Positive
    activation_ev: Activation | None = None
    reference_k: Positive = 298.15

    def after(
        self,
        g_us: np.ndarray,
        time_s: float,
        rng: np.random.Generator,
        *,
        temperature_k: float | None = None,
    ) -> np.ndarray:
        """Return the conductances (µS) a time (s) after they were ``g_us``."""
        time_s = _effective(self, time_s, temperature_k)
        shift = self.shift_us * math.log1p(time_s / self.shift_onset_s)
        spread = self.spread_us * math.log1p(time_s / self.spread_onset_s)
        fate = rng.standard_normal(np.shape(g_us))
        return np.maximum(g_us - shift + spread * fate, 0.0)


class Exponent(Spec, frozen=True, kw_only=True):
    r"""A drift exponent that may depend on the conductance.

    .. math:: \nu(G) = \mathrm{clip}(\nu_1 + c \ln(G / G_{full}),\; lowest,\; highest)

    Parameters
    ----------
    at_full
        Value at full conductance, before the bounds apply.
    per_log
        Change c per factor e of conductance.
    lowest, highest
        Bounds.
    """

    at_full: float
    per_log: float = 0.0
    lowest: NonNegative = 0.0
    highest: NonNegative = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lowest > self.highest:
            raise ValueError(
                f"Exponent.lowest = {self.lowest}: must not exceed highest = {self.highest}"
            )

    def of(self, relative: np.ndarray) -> np.ndarray:
        """Return the value at conductances given as a fraction of the full one."""
        logarithm = np.log(np.maximum(relative, 1e-12))
        return np.clip(self.at_full + self.per_log * logarithm, self.lowest, self.highest)


class PowerRetention(Spec, frozen=True, kw_only=True):
    r"""Structural drift: a power law of time.

    .. math::
        G(t) = G_0 \left(1 + t/t_0\right)^{-\nu}, \qquad \nu = \max(0, \mu(G_0) + \sigma(G_0) z)

    with z standard normal, one number a cell.

    Parameters
    ----------
    exponent, exponent_sd
        Mean :math:`\mu` and standard deviation :math:`\sigma` of the exponent.
    full_us
        Conductance to which the exponents refer (µS).
    onset_s
        Time t_0 from programming to the first read (s).
    activation_ev, reference_k
        As in :class:`LogRetention`.
    """

    exponent: Exponent
    exponent_sd: Exponent
    full_us: Positive
    onset_s: Positive
    activation_ev: Activation | None = None
    reference_k: Positive = 298.15

    def after(
        self,
        g_us: np.ndarray,
        time_s: float,
        rng: np.random.Generator,
        *,
        temperature_k: float | None = None,
    ) -> np.ndarray:
        """Return the conductances (µS) a time (s) after they were ``g_us``."""
        time_s = _effective(self, time_s, temperature_k)
        relative = np.asarray(g_us) / self.full_us
        fate = rng.standard_normal(relative.shape)
        drift = np.maximum(self.exponent.of(relative) + self.exponent_sd.of(relative) * fate, 0.0)
        return g_us * np.exp(-drift * math.log1p(time_s / self.onset_s))


Retention = LogRetention | PowerRetention


def _effective(law: Retention, time_s: float, temperature_k: float | None) -> float:
    """Return the time at the reference temperature that does as much."""
    if not (math.isfinite(time_s) and time_s >= 0):
        raise ValueError(f"retention time {time_s} s: must be finite and not negative")
    if temperature_k is None:
        return time_s
    if law.activation_ev is None:
        raise ValueError(
            f"temperature_k = {temperature_k}: this retention law has no activation energy; leave "
            "the temperature out, or give a law with activation_ev"
        )
    if not (math.isfinite(temperature_k) and temperature_k > 0):
        raise ValueError(f"temperature_k = {temperature_k}: must be finite and above 0 K")
    inverse = 1 / law.reference_k - 1 / temperature_k
    return time_s * math.exp(law.activation_ev / BOLTZMANN_EV * inverse)

"""Quantisation: of weights to int8, and of conductances to levels."""

from __future__ import annotations

import numpy as np


def quantise_int8(weights: np.ndarray) -> tuple[np.ndarray, float]:
    r"""Quantise a matrix symmetrically to 8 bits.

    .. math:: q = \mathrm{round}(w / s), \qquad s = \max|w| / 127, \qquad |w - s q| \le s / 2

    Returns
    -------
    tuple
        q as int8 in -127..127, and the scale s (1 where all weights are 0).

    Raises
    ------
    ValueError
        When a weight is not finite.
    """
    weights = np.asarray(weights, dtype=np.float64)
    largest = float(np.abs(weights).max(initial=0.0))
    if not np.isfinite(largest):
        raise ValueError("weights to quantise: every weight must be finite")
    scale = largest / 127 or 1.0
    return np.rint(weights / scale).astype(np.int8), scale


def quantise_levels(
    g_us: np.ndarray, levels: int, lowest_us: float, highest_us: float
) -> np.ndarray:
    """Return conductances moved to the nearest of evenly spaced levels (µS).

    Parameters
    ----------
    g_us
        Conductances (µS); those outside the range go to its ends.
    levels
        Number of levels, at least 2.
    lowest_us, highest_us
        First and last level (µS).

    Raises
    ------
    ValueError
        When there are fewer than two levels or the range is empty.
    """
    if levels < 2:
        raise ValueError(f"levels = {levels}: must be at least 2")
    if not lowest_us < highest_us:
        raise ValueError(f"levels from {lowest_us} to {highest_us} µS: the range is empty")
    spacing = (highest_us - lowest_us) / (levels - 1)
    number = np.rint((np.asarray(g_us) - lowest_us) / spacing)
    return lowest_us + spacing * np.clip(number, 0, levels - 1)

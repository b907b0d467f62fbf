"""Weights of 8 bits: what a matrix becomes when it is stored as whole multiples of one scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Largest magnitude of a weight; -128 is left out, so that the grid is symmetric.
LARGEST = 127


@dataclass(frozen=True, eq=False)
class Quantised:
    r"""A matrix on a symmetric grid of 255 values.

    .. math::
        q = \mathrm{rint}(w / a), \qquad a = \max|w| / 127

    Parameters
    ----------
    values
        q, int8, of the matrix's shape.
    scale
        a, float32; 1 for a matrix of zeros.
    """

    values: np.ndarray
    scale: np.float32

    @classmethod
    def of(cls, weights: np.ndarray) -> Quantised:
        """Return the nearest whole multiples of the scale."""
        largest = float(np.abs(weights).max(initial=0.0))
        scale = largest / LARGEST if largest > 0 else 1.0
        values = np.rint(weights.astype(np.float64) / scale).astype(np.int8)
        return cls(values, np.float32(scale))

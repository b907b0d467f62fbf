"""Who reaches whom in a liquid: wiring laws, each a probability of connection between two places.

Every law answers one question, :meth:`mask`: which (pre, post) pairs are connected, given where
the two lie. Places are (column, row) in pixels of the input window.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from msgspec import Meta

from neuromem.network import Spec

Positive = Annotated[float, Meta(gt=0)]
Probability = Annotated[float, Meta(gt=0, le=1)]


class Dense(Spec, frozen=True, kw_only=True):
    """Every pair is connected, as a crossbar is: the published liquid."""

    def mask(self, pre: np.ndarray, post: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the connections, bool [pre, post]."""
        return np.ones((len(pre), len(post)), dtype=bool)


class Sparse(Spec, frozen=True, kw_only=True):
    """Each pair is connected with the same probability.

    Parameters
    ----------
    p_connect
        The probability, above 0, at most 1.
    """

    p_connect: Probability

    def mask(self, pre: np.ndarray, post: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the connections, bool [pre, post]."""
        return rng.random((len(pre), len(post))) < self.p_connect


class ReceptiveField(Spec, frozen=True, kw_only=True):
    r"""A neuron sees the pixels of a square around its place.

    .. math::
        \max(|x_i - x_j|, |y_i - y_j|) \le size / 2

    A square that would leave the window is moved inside, so that with a whole number of pixels
    every neuron sees as many.

    Parameters
    ----------
    size_px
        Edge of the square (pixels), above 0.
    """

    size_px: Positive

    def mask(self, pre: np.ndarray, post: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the connections, bool [pre, post]."""
        low, high = pre.min(axis=0) - 0.5, pre.max(axis=0) + 0.5
        half = self.size_px / 2
        inside = np.clip(post, np.minimum(low + half, (low + high) / 2),
                         np.maximum(high - half, (low + high) / 2))  # fmt: skip
        return np.abs(pre[:, None] - inside[None]).max(axis=2) <= half


class DistanceDependent(Spec, frozen=True, kw_only=True):
    r"""The nearer two neurons lie, the likelier they are connected.

    .. math::
        P(i \to j) = C \, e^{-(D_{ij} / \lambda)^2}

    Parameters
    ----------
    length_px
        The length lambda (pixels).
    p_connect
        The probability C at distance 0.

    Notes
    -----
    Source: Maass, Natschläger and Markram, Neural Computation 14:2531-2560 (2002),
    doi 10.1162/089976602760407955.
    """

    length_px: Positive
    p_connect: Probability = 1.0

    def mask(self, pre: np.ndarray, post: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the connections, bool [pre, post]."""
        squared = ((pre[:, None] - post[None]) ** 2).sum(axis=2)
        probability = self.p_connect * np.exp(-squared / self.length_px**2)
        return rng.random(probability.shape) < probability


Wiring = Dense | Sparse | ReceptiveField | DistanceDependent

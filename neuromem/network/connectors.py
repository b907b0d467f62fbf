"""Connectors: which neuron of one population reaches which of another.

Every connector answers one question, :meth:`pairs`: the connected (pre, post) indices, counted
within the two sides of a projection, in ascending order of pre and then post.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.network.spec import Spec, Values

Pairs = tuple[np.ndarray, np.ndarray]


class OneToOneConnector(Spec, frozen=True, kw_only=True):
    """Neuron i reaches neuron i; both sides must have the same size."""

    def pairs(self, n_pre: int, n_post: int) -> Pairs:
        """Return the connected indices; raise ValueError when the sizes differ."""
        if n_pre != n_post:
            raise ValueError(f"one-to-one between sizes {n_pre} and {n_post}: they must be equal")
        index = np.arange(n_pre)
        return index, index


class AllToAllConnector(Spec, frozen=True, kw_only=True):
    """Every neuron reaches every other.

    Parameters
    ----------
    skip_same_index
        Leave out i -> i. Unlike PyNN's ``allow_self_connections=False`` this also masks between
        two *different* populations, where PyNN masks nothing.
    """

    skip_same_index: bool = False

    def pairs(self, n_pre: int, n_post: int) -> Pairs:
        """Return the connected indices."""
        return _pairs_of(_full(n_pre, n_post, self.skip_same_index))


class FixedProbabilityConnector(Spec, frozen=True, kw_only=True):
    """Each pair is connected with the same probability, drawn once from the seed.

    Parameters
    ----------
    p_connect
        Probability, 0..1.
    seed
        Seed of ``numpy.random.default_rng``: the same seed gives the same pairs everywhere.
    skip_same_index
        Leave out i -> i.
    """

    p_connect: Annotated[float, Meta(ge=0, le=1)]
    seed: Annotated[int, Meta(ge=0)]
    skip_same_index: bool = False

    def pairs(self, n_pre: int, n_post: int) -> Pairs:
        """Return the connected indices."""
        drawn = np.random.default_rng(self.seed).random((n_pre, n_post)) < self.p_connect
        return _pairs_of(drawn & _full(n_pre, n_post, self.skip_same_index))


class FromListConnector(Spec, frozen=True, kw_only=True):
    """An explicit list of (pre, post) pairs.

    Parameters
    ----------
    connections
        Sequence of (pre, post) index pairs, kept in ascending order; none may occur twice.

    Raises
    ------
    ValueError
        When a pair occurs twice or, at build time of the network, lies outside the populations.
    """

    connections: tuple[tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=0)]], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        ordered = tuple(sorted(self.connections))
        for one, next_one in pairwise(ordered):
            if one == next_one:
                raise ValueError(f"connection {one} is listed twice: merge the two")
        msgspec.structs.force_setattr(self, "connections", ordered)

    def pairs(self, n_pre: int, n_post: int) -> Pairs:
        """Return the connected indices; raise ValueError for one outside the populations."""
        for pre, post in self.connections:
            if pre >= n_pre or post >= n_post:
                raise ValueError(
                    f"connection ({pre}, {post}): indices must be below ({n_pre}, {n_post})"
                )
        table = np.array(self.connections, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]


class ArrayConnector(Spec, frozen=True, kw_only=True):
    """A boolean matrix [pre, post] of the connections.

    Parameters
    ----------
    array
        Matrix whose non-zero elements are connections.
    """

    array: Values

    def pairs(self, n_pre: int, n_post: int) -> Pairs:
        """Return the connected indices; raise ValueError when the shape does not fit."""
        mask = self.array.array
        if mask.shape != (n_pre, n_post):
            raise ValueError(
                f"connection matrix of shape {mask.shape}: must be {(n_pre, n_post)} [pre, post]"
            )
        return _pairs_of(mask != 0)


Connector = (
    OneToOneConnector
    | AllToAllConnector
    | FixedProbabilityConnector
    | FromListConnector
    | ArrayConnector
)


def _full(n_pre: int, n_post: int, skip_same_index: bool) -> np.ndarray:
    mask = np.ones((n_pre, n_post), dtype=bool)
    if skip_same_index:
        np.fill_diagonal(mask, False)
    return mask


def _pairs_of(mask: np.ndarray) -> Pairs:
    pre, post = np.nonzero(mask)
    return pre, post

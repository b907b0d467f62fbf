"""Connections as the twin keeps them, and the pair rule's tables.

The word of a plastic synapse holds its delay modulo the length of the ring buffers, which is the
longest delay onto the population rounded up to a power of two. Where a plastic delay is that length
it becomes 0: the rule takes it so, and the weight is never delivered, as if it had come too late.

Source: sPyNNaker 7.4.1, ``synapse_dynamics_stdp.py``, ``stdp/common.py``,
``synapse_dynamics_stdp_common.h`` and ``population_vertex.py`` (``max_delay_steps_incoming``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from neuromem.backends.arithmetic.fixed import encoded, wrapped
from neuromem.backends.spinnaker.fixed_point import LARGEST_RAW
from neuromem.network import STDPSynapse

#: The traces' and tables' 1, with 11 fractional bits.
TRACE_ONE = 1 << 11
#: The largest trace, which has 16 bits with a sign.
TRACE_MOST = 0x7FFF
#: How connections are kept: one weight for all; one a neuron; a matrix; row by row; a matrix of
#: weights that learn.
CONSTANT, ONE_TO_ONE, DENSE, SPARSE, PLASTIC = range(5)
#: A static part denser than this is kept as a matrix: its rows can be added without an index.
DENSE_FROM = 0.25


class Rule(NamedTuple):
    """The pair rule of a projection in the board's numbers; tables are 0 for all longer times."""

    a_plus: int
    a_minus: int
    w_min: int
    w_max: int
    nearest: bool
    plus: np.ndarray
    minus: np.ndarray

    @property
    def may_overflow(self) -> bool:
        """Whether a trace may exceed its 16 bits, or a change its 32: then no change is harmless.

        A trace is largest where a neuron fires in every tick: 1 / (1 - e^(-h / tau)).
        """
        largest = TRACE_ONE
        if not self.nearest:
            slowest = max(self.plus[1], self.minus[1])
            largest = TRACE_ONE**2 // (TRACE_ONE - slowest) if slowest < TRACE_ONE else 2**31
        change = (max(self.a_plus, self.a_minus) * largest) >> 11
        return largest > TRACE_MOST or change + self.w_max >= 2**31


@dataclass(frozen=True)
class PartPlan:
    """Connections of one projection, of one sign and one delay.

    Parameters
    ----------
    label
        The projection's.
    kind
        One of CONSTANT, ONE_TO_ONE, DENSE, SPARSE and PLASTIC.
    pre, post
        Numbers of the two populations.
    pre_start, n_pre
        Where the pre cells start in their population, and how many there are.
    post_start, n_post
        The first post neuron, counted through the network, and how many there are.
    receptor
        0: excitatory, 1: inhibitory.
    delay
        In ticks; 0 delivers nothing.
    late
        Of the delay, the ticks for which a delay core holds the spikes back.
    shift
        That of the ring buffer.
    weights
        16-bit weights: a number (CONSTANT), one for each connection (ONE_TO_ONE, SPARSE), or a
        matrix [pre, post] (DENSE, PLASTIC).
    mask
        Which pairs of a matrix are connected; None where all are.
    skip_same_index
        Whether cell r of an all-to-all projection leaves out neuron r.
    row_start, columns
        SPARSE: connections of row r are ``row_start[r]:row_start[r + 1]``, to these neurons.
    rule
        PLASTIC: how they learn.
    """

    label: str
    kind: int
    pre: int
    pre_start: int
    n_pre: int
    post: int
    post_start: int
    n_post: int
    receptor: int
    delay: int
    shift: int
    weights: np.ndarray
    late: int = 0
    mask: np.ndarray | None = None
    skip_same_index: bool = False
    row_start: np.ndarray | None = None
    columns: np.ndarray | None = None
    rule: Rule | None = None

    @property
    def widened(self) -> np.ndarray:
        """Return the weights as the pair rule takes them."""
        return (self.weights.astype(np.int64) << self.shift).astype(np.int32)

    @property
    def kept_bits(self) -> int:
        """Return the bits of a widened weight that its 16 bits keep."""
        return wrapped(LARGEST_RAW << self.shift)

    @property
    def careful(self) -> bool:
        """Whether a post spike without an effect may still change a weight, by its bounds."""
        assert self.rule is not None
        return self.rule.may_overflow or bool(np.any(self.widened > self.rule.w_max))


def rule(synapse: STDPSynapse, timestep_ms: float) -> Rule:
    """Return a pair rule in the board's numbers."""
    return Rule(
        *(encoded(getattr(synapse, name)) for name in ("A_plus", "A_minus", "w_min", "w_max")),
        nearest=synapse.pairing == "nearest",
        plus=decay_table(synapse.tau_plus_ms, timestep_ms),
        minus=decay_table(synapse.tau_minus_ms, timestep_ms),
    )


def decay_table(tau_ms: float, timestep_ms: float) -> np.ndarray:
    """Return e^(-k h / tau) for k = 0, 1, ... with 11 fractional bits, rounded down."""
    rate = timestep_ms / tau_ms
    pairs = math.ceil(math.log(TRACE_ONE) / rate / 2)
    return np.floor(np.exp(np.arange(2 * pairs) * -rate) * TRACE_ONE).astype(np.int64)

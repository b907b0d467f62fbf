"""The board's number formats: 16-bit weights, ring buffers, and s16.15 for everything else.

Ring buffer, per target population and receptor type, with its shift r:

    raw = round(|w| 2^(15 - r)),    0 <= raw <= 65535,    w' = raw / 2^(15 - r)

A slot of the ring buffer adds up the raw weights that arrive in one tick, and stays at 65535 where
they exceed it. The host chooses r so that the sum it expects stays below 2^r, half of that range.

Source: sPyNNaker 7.4.1, ``population_vertex.py`` (``get_ring_buffer_shifts``,
``get_weight_scales``) and ``synapse_dynamics_static.py``.
"""

from __future__ import annotations

import math

import numpy as np

#: Largest raw weight, and largest sum in a ring buffer's slot.
LARGEST_RAW = 2**16 - 1
#: Range and step of a signed number with 16 integer and 15 fractional bits.
LARGEST_S1615 = 2**16
STEP_S1615 = 2.0**-15


def weight_scale(shift: int) -> float:
    """Return how many raw steps a weight of 1 has."""
    return 2.0 ** (15 - shift)


def raw_weights(weights: np.ndarray, shift: int) -> np.ndarray:
    """Return the 16-bit weights of the board, ties to even, of magnitudes or signed weights."""
    raw = np.rint(np.abs(weights) * weight_scale(shift))
    return raw.astype(np.int64) & LARGEST_RAW


def quantised(weights: np.ndarray, shift: int) -> np.ndarray:
    """Return weights as the board holds them, with their signs."""
    return np.sign(weights) * raw_weights(weights, shift) / weight_scale(shift)


def needed_shift(largest_sum: float) -> int:
    """Return the smallest shift whose range 2^r lies above a sum of weights.

    This is the rule of the host; the sum is what it expects to arrive in one tick.
    """
    if largest_sum <= 0:
        return 0
    shift = math.ceil(max(0.0, math.log2(largest_sum)))
    return shift + 1 if 2**shift <= largest_sum else shift


def largest_raw_sum(shift: int) -> int:
    """Return the largest sum of raw weights that reaches the neuron as it is.

    A slot holds 65535. From a shift of 16 on, the shifted sum exceeds 32 bits before that, and
    changes its sign.
    """
    return min(LARGEST_RAW, (2**31 - 1) >> shift)


def inputs_to_exceed(raw: np.ndarray, limit: int, post: np.ndarray | None = None) -> int | None:
    """Return the smallest number of these raw weights whose sum exceeds a limit, or None.

    With ``post``, the neuron of each weight: of the weights of one neuron, whichever it is.
    """
    neurons = np.zeros(len(raw), dtype=np.int64) if post is None else post
    largest_first = np.lexsort((-raw, neurons))
    raw, neurons = raw[largest_first], neurons[largest_first]
    first = np.searchsorted(neurons, neurons)
    before = np.concatenate([[0], np.cumsum(raw)])
    too_much = np.flatnonzero(before[1:] - before[first] > limit)
    return int((too_much - first[too_much]).min()) + 1 if len(too_much) else None


def to_s1615(value: float) -> float:
    """Return the nearest number that the board's 32-bit fixed point holds.

    Raises
    ------
    ValueError
        When the value is outside its range.
    """
    if not abs(value) < LARGEST_S1615:
        raise ValueError(
            f"{value:g}: the board's numbers lie in -65536..65536; scale the model's parameters"
        )
    return round(value / STEP_S1615) * STEP_S1615

"""Connections as the board's memory holds them: rows of 16-bit weights, and the pair rule's tables.

A target is a neuron's ring buffer: ``receptor * neurons + neuron``.

The word of a plastic synapse holds its delay modulo the length of the ring buffers, which is the
longest delay onto the population rounded up to a power of two. Where a plastic delay is that length
it becomes 0: the rule takes it so, and the weight is never delivered, as if it had come too late.

Source: sPyNNaker 7.4.1, ``synapse_dynamics_stdp.py``, ``stdp/common.py``,
``synapse_dynamics_stdp_common.h`` and ``population_vertex.py`` (``max_delay_steps_incoming``).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from neuromem.backends.arithmetic.fixed import encoded
from neuromem.network import STDPSynapse

#: The traces' and tables' 1, with 11 fractional bits.
TRACE_ONE = 1 << 11


class Rows(NamedTuple):
    """Connections by their pre cell: those of cell i are ``first[i]:first[i + 1]``."""

    first: np.ndarray
    target: np.ndarray
    delay: np.ndarray
    weight: np.ndarray


class Rules(NamedTuple):
    """The pair rule of each plastic part; tables end with a 0 for all longer times."""

    a_plus: np.ndarray
    a_minus: np.ndarray
    w_min: np.ndarray
    w_max: np.ndarray
    nearest: np.ndarray
    plus: np.ndarray
    minus: np.ndarray


class PlasticRows(NamedTuple):
    """All plastic connections; those of cell i in part p are ``first[p, i]:first[p, i + 1]``.

    ``rule_of`` is the part whose rule a neuron's traces follow, -1 where it does not learn: all
    plastic projections onto a population have the same.
    """

    first: np.ndarray
    target: np.ndarray
    delay: np.ndarray
    weight: np.ndarray
    post: np.ndarray
    shift: np.ndarray
    rule_of: np.ndarray
    rules: Rules


def static_rows(columns: list[np.ndarray], cells: int) -> Rows:
    """Return connections given as (pre, target, delay, weight) columns."""
    return _rows(np.concatenate([np.zeros((4, 0), dtype=np.int64), *columns], axis=1), cells)


def plastic_rows(
    parts: list[tuple[np.ndarray, int, STDPSynapse]], cells: int, neurons: int, timestep_ms: float
) -> PlasticRows:
    """Return plastic parts given as their columns, the ring buffer's shift, and the rule."""
    rows = [_rows(columns, cells) for columns, _, _ in parts]
    ends = np.cumsum([0, *(len(r.target) for r in rows)])
    first = [r.first + end for r, end in zip(rows, ends, strict=False)]
    target, delay, weight = (
        np.concatenate([np.zeros(0, dtype=np.int64), *(r[field] for r in rows)])
        for field in (1, 2, 3)
    )
    post = target % max(neurons, 1)
    rule_of = np.full(neurons, -1)
    for part in range(len(parts)):
        rule_of[post[ends[part] : ends[part + 1]]] = part
    return PlasticRows(
        first=np.array(first, dtype=np.int64).reshape(len(parts), cells + 1),
        target=target,
        delay=delay,
        weight=weight,
        post=post,
        shift=np.array([shift for _, shift, _ in parts], dtype=np.int64),
        rule_of=rule_of,
        rules=_rules([synapse for _, _, synapse in parts], timestep_ms),
    )


def decay_table(tau_ms: float, timestep_ms: float) -> np.ndarray:
    """Return e^(-k h / tau) for k = 0, 1, ... with 11 fractional bits, rounded down."""
    rate = timestep_ms / tau_ms
    pairs = math.ceil(math.log(TRACE_ONE) / rate / 2)
    return np.floor(np.exp(np.arange(2 * pairs) * -rate) * TRACE_ONE).astype(np.int64)


def _rules(synapses: list[STDPSynapse], timestep_ms: float) -> Rules:
    names = ("A_plus", "A_minus", "w_min", "w_max")
    numbers = [[encoded(getattr(s, name)) for s in synapses] for name in names]
    tables = [
        [decay_table(getattr(s, name), timestep_ms) for s in synapses]
        for name in ("tau_plus_ms", "tau_minus_ms")
    ]
    return Rules(
        *np.array(numbers, dtype=np.int64).reshape(4, -1),
        nearest=np.array([s.pairing == "nearest" for s in synapses], dtype=bool),
        plus=_padded(tables[0]),
        minus=_padded(tables[1]),
    )


def _padded(tables: list[np.ndarray]) -> np.ndarray:
    width = 1 + max(map(len, tables), default=0)
    rows = np.zeros((len(tables), width), dtype=np.int64)
    for row, table in zip(rows, tables, strict=True):
        row[: len(table)] = table
    return rows


def _rows(columns: np.ndarray, cells: int) -> Rows:
    pre, target, delay, weight = np.ascontiguousarray(
        columns[:, np.argsort(columns[0], kind="stable")]
    )
    return Rows(np.searchsorted(pre, np.arange(cells + 1)), target, delay, weight)

"""Where everything lies in the kernel's four flat arrays.

``k`` holds 64-bit integers: a header (H_, where arrays start in ``i``; K_, plain numbers), a row of
parameters and state for each population (P_) and each part of a projection (Q_). ``i`` holds what
the board has in 32 bits, ``w`` its 16-bit static weights, ``h`` the post spikes of learning
populations, with H_WIDTH numbers each: tick, neuron, its how-manieth spike, the trace after it, and
the tick of the one before.
"""

from __future__ import annotations

import numpy as np

from neuromem.backends.arithmetic.neurons import NeuronPlan
from neuromem.backends.arithmetic.synapses import CONSTANT, PLASTIC, PartPlan
from neuromem.backends.native.arena import Pool

# fmt: off
(H_V, H_E, H_I, H_REFRACTORY, H_WAITING, H_FIRED, H_ROWS) = range(7)
(K_NEURONS, K_POPULATIONS, K_GROUPS, K_PARTS, K_POP_ROWS, K_PART_ROWS, K_GROUP_ROWS, K_N_FIRED,
 K_TICK, K_LOG, K_LOG_ROOM, K_PENDING, K_SATURATED) = range(7, 20)
HEADER = 20

(P_EXP, P_START, P_SIZE, P_REST, P_RESET, P_THRESH, P_RESISTANCE, P_OFFSET, P_DECAY_V,
 P_REFRACTORY, P_SCALE, P_DECAY_E, P_DECAY_I, P_ARRIVE_E, P_ARRIVE_I, P_SHIFT_E, P_SHIFT_I,
 P_DUE, P_CURRENT, P_WAITING, P_LEARNS, P_TABLE, P_REACH, P_LATEST, P_TRACE, P_COUNT,
 P_HISTORY, P_HISTORY_N, P_HISTORY_ROOM, P_LEVEL, P_CALM, P_READY, P_RING,
 P_TOUCHED, P_SLOTS, P_FIELDS) = range(36)

(Q_KIND, Q_PRE, Q_PRE_START, Q_N_PRE, Q_POST, Q_POST_START, Q_N_POST, Q_RECEPTOR, Q_DELAY, Q_SKIP,
 Q_DATA, Q_ROW_START, Q_COLUMNS, Q_SHIFT, Q_A_PLUS, Q_A_MINUS, Q_W_MIN, Q_W_MAX, Q_NEAREST,
 Q_CAREFUL, Q_MASK, Q_TABLE_PLUS, Q_REACH_PLUS, Q_TABLE_MINUS, Q_REACH_MINUS, Q_LAST, Q_TRACE,
 Q_CURSOR, Q_ARRIVED, Q_LATEST, Q_LATEST_TRACE, Q_LATEST_NUMBER, Q_DROP, Q_FLOOR,
 Q_FIELDS) = range(35)
# fmt: on

H_WIDTH = 5
#: How every function of the kernel is compiled.
JIT = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
#: Half of the numbers' range: differences of potentials within it have no overflow.
CALM = 2**30
#: The lowest 32-bit number: a weight's bound where there is none.
LOWEST = -(2**31)


def population_row(p: NeuronPlan, i: Pool) -> list[int]:
    """Return a population's row; what learning needs is filled in by :func:`learning_fields`."""
    row = [0] * P_FIELDS
    row[P_EXP], row[P_START], row[P_SIZE] = int(p.exponential), p.start, p.size
    row[P_REST], row[P_RESET], row[P_THRESH] = p.v_rest, p.v_reset, p.v_thresh
    row[P_RESISTANCE], row[P_OFFSET], row[P_DECAY_V] = p.resistance, p.offset, p.decay_v
    row[P_REFRACTORY], row[P_SCALE] = p.refractory, p.scale
    row[P_DECAY_E], row[P_DECAY_I] = p.decay
    row[P_ARRIVE_E], row[P_ARRIVE_I] = p.arrive
    row[P_SHIFT_E], row[P_SHIFT_I] = p.shift
    row[P_LEVEL], row[P_CALM] = p.level, int(-CALM <= p.level < p.v_thresh <= CALM)
    row[P_DUE], row[P_SLOTS] = 1, p.slots
    row[P_RING] = i.add(np.zeros(2 * p.slots * p.size))
    row[P_TOUCHED] = i.add(np.zeros(p.slots))
    return row


def learning_fields(row: list[int], part: PartPlan, i: Pool) -> None:
    """Fill in what a population needs whose inputs learn: the memory of its own spikes."""
    assert part.rule is not None
    row[P_LEARNS] = 1
    row[P_TABLE], row[P_REACH] = i.add(part.rule.minus), len(part.rule.minus)
    for field in (P_LATEST, P_TRACE, P_COUNT):
        row[field] = i.add(np.zeros(row[P_SIZE]))


def part_row(p: PartPlan, i: Pool, w: Pool) -> list[int]:
    """Return a part's row; its arrays go to the pools."""
    q = [0] * Q_FIELDS
    q[Q_KIND], q[Q_PRE], q[Q_PRE_START], q[Q_N_PRE] = p.kind, p.pre, p.pre_start, p.n_pre
    q[Q_POST], q[Q_POST_START], q[Q_N_POST] = p.post, p.post_start, p.n_post
    q[Q_RECEPTOR], q[Q_DELAY], q[Q_SKIP] = p.receptor, p.delay, int(p.skip_same_index)
    if p.row_start is not None and p.columns is not None:
        q[Q_ROW_START], q[Q_COLUMNS] = i.add(p.row_start), i.add(p.columns)
    if p.kind == CONSTANT:
        q[Q_DATA] = int(p.weights)
    elif p.kind != PLASTIC:
        q[Q_DATA] = w.add(p.weights)
    if p.rule is None:
        return q
    rule = p.rule
    q[Q_DATA] = i.add(p.widened)
    q[Q_SHIFT], q[Q_NEAREST], q[Q_CAREFUL] = p.shift, int(rule.nearest), int(p.careful)
    q[Q_A_PLUS], q[Q_A_MINUS] = rule.a_plus, rule.a_minus
    q[Q_W_MIN], q[Q_W_MAX] = rule.w_min, rule.w_max
    q[Q_MASK] = -1 if p.mask is None else i.add(p.mask * p.kept_bits)
    q[Q_TABLE_PLUS], q[Q_REACH_PLUS] = i.add(rule.plus), len(rule.plus)
    q[Q_TABLE_MINUS], q[Q_REACH_MINUS] = i.add(rule.minus), len(rule.minus)
    for field in (Q_LAST, Q_TRACE, Q_CURSOR):
        q[field] = i.add(np.zeros(p.n_pre))
    for field in (Q_LATEST, Q_LATEST_TRACE, Q_LATEST_NUMBER, Q_DROP):
        q[field] = i.add(np.zeros(p.n_post))
    q[Q_FLOOR] = i.add(np.full(p.n_post, LOWEST))
    return q

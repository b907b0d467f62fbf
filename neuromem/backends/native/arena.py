"""Where everything lies in the fast engine's two flat arrays.

``k`` (integers) begins with a header: where each named array ``H_*`` starts, then the scalars
``K_*``. Per population ``P_*`` (in ``k``) and ``F_*`` (in ``f``), and per projection ``Q_*`` and
``G_*``, name the columns of four small tables; the offsets in them point into ``f`` or ``k``.
"""

from __future__ import annotations

import numpy as np

from neuromem.backends.native.translate import (
    CONSTANT,
    NEVER,
    PLASTIC,
    PopulationPlan,
    ProjectionPlan,
)

# fmt: off
(H_V, H_IE, H_II, H_RING_E, H_RING_I, H_NOTHING, H_WAITING, H_UNTIL, H_TOUCHED, H_FIRED, H_N_FIRED,
 H_ROWS, H_GROUPS, H_POP_I, H_POP_F, H_PROJ_I, H_PROJ_F, H_SENDERS, H_LEARNERS, H_INBOX) = range(20)
(K_NEURONS, K_CELLS, K_RING, K_POPULATIONS, K_GROUPS, K_PROJECTIONS, K_LEARNERS, K_MOST_LAG, K_TICK,
 K_N_LOGGED, K_LOG_ROOM, K_PENDING) = range(20, 32)
# Addresses of ``f``, the log of post spikes and the log of all spikes; then what a call is given.
(K_F, K_POSTS, K_LOG, K_WHEN, K_WHO, K_EVENTS, K_FIRST_CELL, K_HOLDS, K_TICKS) = range(32, 41)
HEADER = 41

(P_MODEL, P_START, P_STOP, P_REFRACTORY, P_INHIBITED, P_N_WAITING, P_READY, P_FIELDS) = range(8)

(F_REST, F_RESISTANCE, F_OFFSET, F_RESET, F_THRESH, F_DECAY_V, F_DECAY_E, F_DECAY_I, F_ARRIVE_E,
 F_ARRIVE_I, F_UNAIDED, F_QUIET, F_QUIET_LENGTH, F_FIELDS) = range(14)

(Q_KIND, Q_PRE_POP, Q_PRE_START, Q_PRE_STOP, Q_POST_POP, Q_POST_START, Q_POST_STOP, Q_RECEPTOR,
 Q_LAG, Q_AHEAD, Q_SKIP, Q_DATA, Q_ROW_START, Q_COLUMNS, Q_AXONAL, Q_POST_DELAY, Q_TIE, Q_NEAREST,
 Q_HISTORY, Q_MASK, Q_TABLE_PLUS, Q_REACH_PLUS, Q_TABLE_MINUS, Q_REACH_MINUS, Q_LAST_PRE,
 Q_TRACE_PRE, Q_LAST_POST, Q_TRACE_POST, Q_COUNT, Q_CURSOR, Q_DROPPED, Q_DROP, Q_HIST_START,
 Q_HIST_N, Q_HIST_ROOM, Q_ARRIVED, Q_STRIDE, Q_PLACE, Q_COLUMN, Q_LIVE, Q_SUM, Q_FIELDS) = range(42)

G_WEIGHT, G_A_PLUS, G_A_MINUS, G_W_MIN, G_W_MAX, G_FIELDS = range(6)
# fmt: on

#: How every function of the kernel is compiled.
JIT = {"error_model": "numpy", "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

#: Why a population must advance: excitatory or inhibitory weights arrive, or it does not rest.
EXC_ARRIVES, INH_ARRIVES, DUE = 1, 2, 4

#: A neuron within this many mV of its threshold counts as one that may fire by itself.
MARGIN = 1e-6

TIES = ("depress", "potentiate", "ignore")
TIE_DEPRESS, TIE_POTENTIATE, TIE_IGNORE = range(3)


class Pool:
    """A flat array under construction: pieces are appended and remembered by their offset."""

    def __init__(self, dtype: type, reserved: int = 0) -> None:
        self.dtype = dtype
        self.size = reserved
        self.pieces: list[np.ndarray] = [np.zeros(reserved, dtype)]

    def add(self, values: np.ndarray) -> int:
        """Append values and return where they start."""
        start = self.size
        flat = np.ascontiguousarray(values, dtype=self.dtype).ravel()
        self.pieces.append(flat)
        self.size += flat.size
        return start

    def build(self) -> np.ndarray:
        """Return everything as one array."""
        return np.concatenate(self.pieces)


def unaided(p: PopulationPlan) -> float:
    """Return the current (nA) from which a neuron of IF_curr_exp may reach its threshold alone."""
    return (p.v_thresh - MARGIN - p.v_rest) / p.resistance - p.offset


def population_row(p: PopulationPlan, inhibited: bool, f: Pool) -> tuple[list[int], list[float]]:
    """Return a population's rows of the two population tables; its table of rest goes to ``f``."""
    integers = [0] * P_FIELDS
    integers[P_MODEL], integers[P_START], integers[P_STOP] = p.model, p.start, p.stop
    integers[P_REFRACTORY], integers[P_INHIBITED] = p.refractory, int(inhibited)
    floats = [0.0] * F_FIELDS
    floats[F_REST], floats[F_RESISTANCE], floats[F_OFFSET] = (
        p.v_rest,
        p.resistance,
        p.offset,
    )
    floats[F_RESET], floats[F_THRESH], floats[F_DECAY_V] = p.v_reset, p.v_thresh, p.decay_v
    floats[F_DECAY_E], floats[F_DECAY_I] = p.decay_e, p.decay_i
    floats[F_ARRIVE_E], floats[F_ARRIVE_I] = p.arrive_e, p.arrive_i
    if p.model == 0:
        floats[F_UNAIDED] = unaided(p)
        quiet = p.quiet
        floats[F_QUIET], floats[F_QUIET_LENGTH] = f.add(quiet), len(quiet)
    return integers, floats


def projection_row(p: ProjectionPlan, f: Pool, k: Pool) -> tuple[list[int], list[float]]:
    """Return a projection's rows of the two projection tables; its arrays go to the pools."""
    q, g = [0] * Q_FIELDS, [0.0] * G_FIELDS
    q[Q_KIND], q[Q_PRE_POP], q[Q_POST_POP] = p.kind, p.pre_population, p.post_population
    q[Q_PRE_START], q[Q_PRE_STOP] = p.pre_start, p.pre_stop
    q[Q_POST_START], q[Q_POST_STOP] = p.post_start, p.post_stop
    q[Q_RECEPTOR], q[Q_LAG], q[Q_AHEAD] = p.receptor, p.lag, p.ahead
    q[Q_SKIP] = int(p.skip_same_index)
    if p.kind == CONSTANT:
        g[G_WEIGHT] = float(p.weights)
    elif p.kind == PLASTIC:
        # An odd number of cache lines a row: a power of two would have the rows share few places.
        stride = 8 * (-(-p.n_post // 8) | 1)
        q[Q_STRIDE], q[Q_DATA] = stride, f.add(np.zeros((p.n_pre, stride)))
    else:
        q[Q_DATA] = f.add(p.weights)
    if p.row_start is not None and p.columns is not None:
        q[Q_ROW_START], q[Q_COLUMNS] = k.add(p.row_start), k.add(p.columns)
    rule = p.plastic
    if rule is None:
        return q, g
    g[G_A_PLUS], g[G_A_MINUS] = rule.a_plus, rule.a_minus
    g[G_W_MIN], g[G_W_MAX] = rule.w_min, rule.w_max
    q[Q_AXONAL], q[Q_POST_DELAY] = int(not rule.dendritic), rule.arrival_delay(p.delay)
    q[Q_TIE], q[Q_NEAREST] = TIES.index(rule.dt_zero), int(rule.nearest)
    q[Q_HISTORY] = rule.post_history
    q[Q_MASK] = -1 if rule.mask is None else k.add(rule.mask)
    for field, table in ((Q_TABLE_PLUS, rule.table_plus), (Q_TABLE_MINUS, rule.table_minus)):
        q[field], q[field + 1] = f.add(np.append(table, 0.0)), table.size
    q[Q_LAST_PRE], q[Q_TRACE_PRE] = k.add(np.full(p.n_pre, NEVER)), f.add(np.zeros(p.n_pre))
    q[Q_LAST_POST], q[Q_TRACE_POST] = (
        k.add(np.full(p.n_post, NEVER)),
        f.add(np.zeros(p.n_post)),
    )
    q[Q_COUNT], q[Q_CURSOR] = k.add(np.zeros(p.n_post)), k.add(np.zeros(p.n_pre))
    q[Q_PLACE], q[Q_COLUMN] = k.add(np.zeros(p.n_post)), k.add(np.zeros(p.n_post))
    q[Q_SUM] = f.add(np.zeros(p.n_post))
    q[Q_DROPPED], q[Q_DROP] = k.add(np.zeros(p.n_post)), f.add(np.zeros(p.n_post))
    return q, g

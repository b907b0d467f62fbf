"""The fast engine's synapses: spikes delivered, plastic rows updated. See ``kernel.py``."""

from __future__ import annotations

from numba import njit

from neuromem.backends.native.arena import (
    EXC_ARRIVES,
    G_A_MINUS,
    G_A_PLUS,
    G_W_MAX,
    G_W_MIN,
    G_WEIGHT,
    H_FIRED,
    H_GROUPS,
    H_N_FIRED,
    H_RING_E,
    H_RING_I,
    H_ROWS,
    H_TOUCHED,
    INH_ARRIVES,
    JIT,
    K_CELLS,
    K_GROUPS,
    K_NEURONS,
    K_PENDING,
    K_POPULATIONS,
    K_RING,
    Q_AHEAD,
    Q_ARRIVED,
    Q_AXONAL,
    Q_COLUMN,
    Q_COLUMNS,
    Q_COUNT,
    Q_CURSOR,
    Q_DATA,
    Q_DROP,
    Q_DROPPED,
    Q_HIST_N,
    Q_HIST_START,
    Q_HISTORY,
    Q_KIND,
    Q_LAG,
    Q_LAST_POST,
    Q_LAST_PRE,
    Q_LIVE,
    Q_MASK,
    Q_NEAREST,
    Q_PLACE,
    Q_POST_DELAY,
    Q_POST_POP,
    Q_POST_START,
    Q_POST_STOP,
    Q_PRE_POP,
    Q_PRE_START,
    Q_PRE_STOP,
    Q_REACH_MINUS,
    Q_REACH_PLUS,
    Q_RECEPTOR,
    Q_ROW_START,
    Q_SKIP,
    Q_STRIDE,
    Q_SUM,
    Q_TABLE_MINUS,
    Q_TABLE_PLUS,
    Q_TIE,
    Q_TRACE_POST,
    Q_TRACE_PRE,
    TIE_DEPRESS,
    TIE_IGNORE,
    TIE_POTENTIATE,
)
from neuromem.backends.native.translate import CONSTANT, NEVER, ONE_TO_ONE, PLASTIC, SPARSE

#: Rows of weights that are added in one pass.
TOGETHER = 4


@njit(**JIT)
def touch(k, touched, why):
    """Have a population advance in a tick: where that is noted, and why."""
    k[K_PENDING] += k[touched] == 0
    k[touched] |= why


@njit(**JIT)
def _add_rows(f, k, target, width, data, stride, rows, n_rows):
    """Add selected weight rows into a buffer, four in a pass, each element in row order."""
    r = 0
    while r + TOGETHER <= n_rows:
        a = data + k[rows + r] * stride
        b = data + k[rows + r + 1] * stride
        c = data + k[rows + r + 2] * stride
        d = data + k[rows + r + 3] * stride
        for j in range(width):
            f[target + j] = (((f[target + j] + f[a + j]) + f[b + j]) + f[c + j]) + f[d + j]
        r += TOGETHER
    while r < n_rows:
        a = data + k[rows + r] * stride
        for j in range(width):
            f[target + j] += f[a + j]
        r += 1


@njit(**JIT)
def replay(f, k, h, q, g, i, row, now):
    """Potentiate one row by the post spikes since its last pre spike; returns its new cursor."""
    width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
    start, count = k[q + Q_HIST_START], k[q + Q_HIST_N]
    tie, history, mask = k[q + Q_TIE], k[q + Q_HISTORY], k[q + Q_MASK]
    final = now - 1 if tie == TIE_POTENTIATE else now
    cursor = k[k[q + Q_CURSOR] + i]
    last = k[k[q + Q_LAST_PRE] + i]
    trace = f[k[q + Q_TRACE_PRE] + i]
    a_plus, w_max = f[g + G_A_PLUS], f[g + G_W_MAX]
    table, reach = k[q + Q_TABLE_PLUS], k[q + Q_REACH_PLUS]
    if last == NEVER:
        e = count
    elif history == 0 and mask < 0 and tie != TIE_IGNORE:
        e = cursor
        at = 3 * (start + cursor)
        end = 3 * (start + count)
        until = min(final, last + reach - 1)
        base = table - last
        while at < end:
            when = h[at]
            if when > until:
                break
            j = row + h[at + 1]
            f[j] = min(f[j] + a_plus * (trace * f[base + when]), w_max)
            at += 3
        e = at // 3 - start
        if e < count and h[at] > final:
            return e
    else:
        counts = k[q + Q_COUNT]
        e = cursor
        while e < count:
            when = h[3 * (start + e)]
            if when > final:
                return e
            if when - last >= reach:
                break
            j = h[3 * (start + e) + 1]
            fresh = history == 0 or k[counts + j] - h[3 * (start + e) + 2] < history
            if fresh and (mask < 0 or k[mask + i * width + k[k[q + Q_COLUMN] + j]] != 0):
                x = trace
                if when == last and tie == TIE_IGNORE:
                    x = trace - 1.0
                f[row + j] = min(f[row + j] + a_plus * (x * f[table + when - last]), w_max)
            e += 1
    # The rest is out of reach: continue behind the last entry that is not in the future.
    e = count
    while e > cursor and h[3 * (start + e - 1)] > final:
        e -= 1
    return e


@njit(**JIT)
def remember_posts(k, h, q, tick):
    """Append the post spikes of this tick to the log of a plastic projection.

    A column lives from its neuron's first spike on. The living ones lie in front, and the others,
    whose weights and traces are zero, are never looked at.
    """
    slot, group = tick & (k[K_RING] - 1), k[q + Q_POST_POP]
    n_fired = k[k[H_N_FIRED] + slot * k[K_GROUPS] + group]
    first = k[k[H_GROUPS] + group]
    fired = k[H_FIRED] + slot * k[K_CELLS] + first
    offset, width = k[q + Q_POST_START] - first, k[q + Q_POST_STOP] - k[q + Q_POST_START]
    count, when = k[q + Q_COUNT], tick + k[q + Q_POST_DELAY]
    place, column = k[q + Q_PLACE], k[q + Q_COLUMN]
    at = 3 * (k[q + Q_HIST_START] + k[q + Q_HIST_N])
    for s in range(n_fired):
        j = k[fired + s] - offset
        if 0 <= j < width:
            c, live = k[place + j], k[q + Q_LIVE]
            if c >= live:
                other = k[column + live]
                k[place + other], k[column + c] = c, other
                k[place + j], k[column + live] = live, j
                k[q + Q_LIVE] += 1
                c = live
            k[count + c] += 1
            h[at] = when
            h[at + 1] = c
            h[at + 2] = k[count + c]
            at += 3
    k[q + Q_HIST_N] = at // 3 - k[q + Q_HIST_START]


@njit(**JIT)
def _absorb_posts(f, k, h, q, until):
    """Take post spikes that have reached the synapse by then into the post traces."""
    start, count = k[q + Q_HIST_START], k[q + Q_HIST_N]
    trace_post, last_post = k[q + Q_TRACE_POST], k[q + Q_LAST_POST]
    e = k[q + Q_ARRIVED]
    while e < count and h[3 * (start + e)] <= until:
        when = h[3 * (start + e)]
        j = h[3 * (start + e) + 1]
        last = k[last_post + j]
        trace = 0.0
        if last != NEVER and k[q + Q_NEAREST] == 0 and when - last < k[q + Q_REACH_MINUS]:
            trace = f[trace_post + j] * f[k[q + Q_TABLE_MINUS] + when - last]
        f[trace_post + j] = trace + 1.0
        k[last_post + j] = when
        e += 1
    k[q + Q_ARRIVED] = e


@njit(**JIT)
def _depression(f, k, q, g, now):
    """Work out what pre spikes take from each column now; returns how many columns lose."""
    dropped, drop = k[q + Q_DROPPED], k[q + Q_DROP]
    last_post, trace_post = k[q + Q_LAST_POST], k[q + Q_TRACE_POST]
    table, reach, a_minus = k[q + Q_TABLE_MINUS], k[q + Q_REACH_MINUS], f[g + G_A_MINUS]
    n_dropped = 0
    for j in range(k[q + Q_LIVE]):
        # The trace of one that never fired is zero; what follows the table is zero, too.
        gap = min(now - k[last_post + j], reach)
        f[drop + j] = a_minus * (f[trace_post + j] * f[table + gap])
        k[dropped + n_dropped] = j
        n_dropped += gap < reach
    return n_dropped


@njit(**JIT)
def _update_row(f, k, h, q, g, i, n_dropped, now):
    """Let the pre neuron of one row spike now: its row learns, and its trace grows."""
    width, mask = k[q + Q_POST_STOP] - k[q + Q_POST_START], k[q + Q_MASK]
    dropped, drop, w_min = k[q + Q_DROPPED], k[q + Q_DROP], f[g + G_W_MIN]
    row = k[q + Q_DATA] + i * k[q + Q_STRIDE]
    k[k[q + Q_CURSOR] + i] = replay(f, k, h, q, g, i, row, now)
    if mask >= 0:
        for d in range(n_dropped):
            j = k[dropped + d]
            if k[mask + i * width + k[k[q + Q_COLUMN] + j]] != 0:
                f[row + j] = max(f[row + j] - f[drop + j], w_min)
    elif 2 * n_dropped > k[q + Q_LIVE]:
        for j in range(k[q + Q_LIVE]):
            f[row + j] = max(f[row + j] - f[drop + j], w_min)
    else:
        for d in range(n_dropped):
            j = k[dropped + d]
            f[row + j] = max(f[row + j] - f[drop + j], w_min)
    last = k[k[q + Q_LAST_PRE] + i]
    trace = 0.0
    if last != NEVER and k[q + Q_NEAREST] == 0 and now - last < k[q + Q_REACH_PLUS]:
        trace = f[k[q + Q_TRACE_PRE] + i] * f[k[q + Q_TABLE_PLUS] + now - last]
    f[k[q + Q_TRACE_PRE] + i] = trace + 1.0
    k[k[q + Q_LAST_PRE] + i] = now


@njit(**JIT)
def _learn_and_deliver(f, k, h, q, g, target, rows, n_rows, tick):
    """Update the rows of a plastic projection whose pre neurons spike now, and add them."""
    now = tick + k[q + Q_AXONAL]
    _absorb_posts(f, k, h, q, now if k[q + Q_TIE] == TIE_DEPRESS else now - 1)
    n_dropped = _depression(f, k, q, g, now)
    live, column, total = k[q + Q_LIVE], k[q + Q_COLUMN], k[q + Q_SUM]
    for c in range(live):
        f[total + c] = f[target + k[column + c]]
    for first in range(0, n_rows, TOGETHER):
        some = min(TOGETHER, n_rows - first)
        for r in range(first, first + some):
            _update_row(f, k, h, q, g, k[rows + r], n_dropped, now)
        _add_rows(f, k, total, live, k[q + Q_DATA], k[q + Q_STRIDE], rows + first, some)
    for c in range(live):
        f[target + k[column + c]] = f[total + c]


@njit(**JIT)
def _deliver(f, k, q, g, target, rows, n_rows):
    """Add what the spiking pre cells send into their targets' arrivals."""
    kind, data = k[q + Q_KIND], k[q + Q_DATA]
    width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
    if kind == ONE_TO_ONE:
        for r in range(n_rows):
            j = k[rows + r]
            f[target + j] += f[data + j]
    elif kind == CONSTANT:
        total = f[g + G_WEIGHT] * n_rows
        less = f[g + G_WEIGHT] * (n_rows - 1)
        r = 0
        if k[q + Q_SKIP] == 0:
            r = n_rows
        j = 0
        while j < width:
            until = k[rows + r] if r < n_rows else width
            for c in range(j, min(until, width)):
                f[target + c] += total
            if until < width:
                f[target + until] += less
            j = until + 1
            r += 1
    elif kind == SPARSE:
        row_start, columns = k[q + Q_ROW_START], k[q + Q_COLUMNS]
        for r in range(n_rows):
            for c in range(k[row_start + k[rows + r]], k[row_start + k[rows + r] + 1]):
                f[target + k[columns + c]] += f[data + c]
    else:
        _add_rows(f, k, target, width, data, width, rows, n_rows)


@njit(**JIT)
def deliver_projection(f, k, h, q, g, tick):
    """Deliver the spikes of one projection's pre cells, and let its synapses learn."""
    ring, group = k[K_RING], k[q + Q_PRE_POP]
    back = (tick - k[q + Q_LAG]) & (ring - 1)
    n_rows = k[k[H_N_FIRED] + back * k[K_GROUPS] + group]
    first = k[k[H_GROUPS] + group]
    rows = k[H_FIRED] + back * k[K_CELLS] + first
    offset, n_pre = k[q + Q_PRE_START] - first, k[q + Q_PRE_STOP] - k[q + Q_PRE_START]
    if n_pre < k[k[H_GROUPS] + group + 1] - first:
        fired, n, rows, n_rows = rows, n_rows, k[H_ROWS], 0
        for s in range(n):
            row = k[fired + s] - offset
            k[rows + n_rows] = row
            n_rows += (row >= 0) & (row < n_pre)
        if n_rows == 0:
            return
    to = (tick + k[q + Q_AHEAD]) & (ring - 1)
    arrivals, why = (k[H_RING_I], INH_ARRIVES) if k[q + Q_RECEPTOR] else (k[H_RING_E], EXC_ARRIVES)
    target = arrivals + to * k[K_NEURONS] + k[q + Q_POST_START]
    if k[q + Q_KIND] == PLASTIC:
        _learn_and_deliver(f, k, h, q, g, target, rows, n_rows, tick)
    else:
        _deliver(f, k, q, g, target, rows, n_rows)
    touch(k, k[H_TOUCHED] + to * k[K_POPULATIONS] + k[q + Q_POST_POP], why)

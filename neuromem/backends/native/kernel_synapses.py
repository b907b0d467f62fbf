"""The fast engine's synapses: spikes delivered, plastic rows updated. See ``kernel.py``."""

from __future__ import annotations

from numba import njit

from neuromem.backends.native.arena import (
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
    JIT,
    K_CELLS,
    K_GROUPS,
    K_NEURONS,
    K_PENDING,
    K_POPULATIONS,
    Q_AHEAD,
    Q_ARRIVED,
    Q_AXONAL,
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
    Q_MASK,
    Q_NEAREST,
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


@njit(**JIT)
def _add_rows(f, target, width, data, k, rows, n_rows):
    """Add selected weight rows into a buffer, four at a time, each element in row order."""
    r = 0
    while r + 4 <= n_rows:
        a = data + k[rows + r] * width
        b = data + k[rows + r + 1] * width
        c = data + k[rows + r + 2] * width
        d = data + k[rows + r + 3] * width
        for j in range(width):
            f[target + j] = (((f[target + j] + f[a + j]) + f[b + j]) + f[c + j]) + f[d + j]
        r += 4
    while r < n_rows:
        a = data + k[rows + r] * width
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
            if fresh and (mask < 0 or k[mask + i * width + j] != 0):
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
def _remember_posts(k, h, q, first, fired, n_fired, tick):
    """Append the post spikes of this tick to the log of a plastic projection."""
    offset, width = k[q + Q_POST_START] - first, k[q + Q_POST_STOP] - k[q + Q_POST_START]
    for s in range(n_fired):
        j = k[fired + s] - offset
        if 0 <= j < width:
            number = k[k[q + Q_COUNT] + j] + 1
            k[k[q + Q_COUNT] + j] = number
            at = 3 * (k[q + Q_HIST_START] + k[q + Q_HIST_N])
            h[at] = tick + k[q + Q_POST_DELAY]
            h[at + 1] = j
            h[at + 2] = number
            k[q + Q_HIST_N] += 1


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
def _update_rows(f, k, h, q, g, rows, n_rows, tick):
    """Update the rows of a plastic projection whose pre neurons spike now."""
    if n_rows == 0:
        return
    now = tick + k[q + Q_AXONAL]
    _absorb_posts(f, k, h, q, now if k[q + Q_TIE] == TIE_DEPRESS else now - 1)
    width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
    dropped, drop, mask = k[q + Q_DROPPED], k[q + Q_DROP], k[q + Q_MASK]
    n_dropped = 0
    last_post, reach_minus, table_minus = (
        k[q + Q_LAST_POST],
        k[q + Q_REACH_MINUS],
        k[q + Q_TABLE_MINUS],
    )
    trace_post, a_minus = k[q + Q_TRACE_POST], f[g + G_A_MINUS]
    for j in range(width):
        last = k[last_post + j]
        if last != NEVER and now - last < reach_minus:
            decay = f[table_minus + now - last]
            k[dropped + n_dropped] = j
            f[drop + n_dropped] = a_minus * (f[trace_post + j] * decay)
            n_dropped += 1
    w_min = f[g + G_W_MIN]
    for r in range(n_rows):
        i = k[rows + r]
        row = k[q + Q_DATA] + i * width
        k[k[q + Q_CURSOR] + i] = replay(f, k, h, q, g, i, row, now)
        if mask < 0:
            for d in range(n_dropped):
                j = row + k[dropped + d]
                f[j] = max(f[j] - f[drop + d], w_min)
        else:
            for d in range(n_dropped):
                j = k[dropped + d]
                if k[mask + i * width + j] != 0:
                    f[row + j] = max(f[row + j] - f[drop + d], w_min)
        last = k[k[q + Q_LAST_PRE] + i]
        trace = 0.0
        if last != NEVER and k[q + Q_NEAREST] == 0 and now - last < k[q + Q_REACH_PLUS]:
            trace = f[k[q + Q_TRACE_PRE] + i] * f[k[q + Q_TABLE_PLUS] + now - last]
        f[k[q + Q_TRACE_PRE] + i] = trace + 1.0
        k[k[q + Q_LAST_PRE] + i] = now


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
        _add_rows(f, target, width, data, k, rows, n_rows)


@njit(**JIT)
def deliver_projection(f, k, h, q, g, tick, ring):
    """Deliver the spikes of one projection's pre cells, and let its synapses learn."""
    n_pop, n_groups, cells = k[K_POPULATIONS], k[K_GROUPS], k[K_CELLS]
    slot = tick & (ring - 1)
    plastic = k[q + Q_KIND] == PLASTIC
    if plastic:
        group = k[q + Q_POST_POP]
        n_posts = k[k[H_N_FIRED] + slot * n_groups + group]
        if n_posts > 0:
            first = k[k[H_GROUPS] + group]
            _remember_posts(k, h, q, first, k[H_FIRED] + slot * cells + first, n_posts, tick)
    back = (tick - k[q + Q_LAG]) & (ring - 1)
    group = k[q + Q_PRE_POP]
    n = k[k[H_N_FIRED] + back * n_groups + group]
    if n == 0:
        return
    first = k[k[H_GROUPS] + group]
    fired = k[H_FIRED] + back * cells + first
    offset, n_pre = k[q + Q_PRE_START] - first, k[q + Q_PRE_STOP] - k[q + Q_PRE_START]
    rows, n_rows = fired, n
    if offset != 0 or n_pre < k[k[H_GROUPS] + group + 1] - first:
        rows, n_rows = k[H_ROWS], 0
        for s in range(n):
            row = k[fired + s] - offset
            k[rows + n_rows] = row
            n_rows += (row >= 0) & (row < n_pre)
    if plastic:
        _update_rows(f, k, h, q, g, rows, n_rows, tick)
    if n_rows == 0:
        return
    to = (tick + k[q + Q_AHEAD]) & (ring - 1)
    arrivals = k[H_RING_I] if k[q + Q_RECEPTOR] else k[H_RING_E]
    target = arrivals + to * k[K_NEURONS] + k[q + Q_POST_START]
    _deliver(f, k, q, g, target, rows, n_rows)
    touched = k[H_TOUCHED] + to * n_pop + k[q + Q_POST_POP]
    flag = k[touched]
    if flag == 0:
        k[K_PENDING] += 1
    k[touched] = flag | (2 if k[q + Q_RECEPTOR] else 1)

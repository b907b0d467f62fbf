"""The twin's synapses: spikes delivered, plastic rows updated. See ``kernel.py``."""

from __future__ import annotations

import numpy as np
from numba import njit

from neuromem.backends.arithmetic.arena import (
    H_FIRED,
    H_ROWS,
    H_WIDTH,
    JIT,
    K_GROUP_ROWS,
    K_N_FIRED,
    K_PENDING,
    K_POP_ROWS,
    LOWEST,
    P_COUNT,
    P_FIELDS,
    P_HISTORY,
    P_HISTORY_N,
    P_LATEST,
    P_REACH,
    P_RING,
    P_SIZE,
    P_SLOTS,
    P_START,
    P_TABLE,
    P_TOUCHED,
    P_TRACE,
    Q_A_MINUS,
    Q_A_PLUS,
    Q_ARRIVED,
    Q_CAREFUL,
    Q_COLUMNS,
    Q_CURSOR,
    Q_DATA,
    Q_DELAY,
    Q_DROP,
    Q_FLOOR,
    Q_KIND,
    Q_LAST,
    Q_LATEST,
    Q_LATEST_NUMBER,
    Q_LATEST_TRACE,
    Q_MASK,
    Q_N_POST,
    Q_N_PRE,
    Q_NEAREST,
    Q_POST,
    Q_POST_START,
    Q_PRE,
    Q_PRE_START,
    Q_REACH_MINUS,
    Q_REACH_PLUS,
    Q_RECEPTOR,
    Q_ROW_START,
    Q_SHIFT,
    Q_SKIP,
    Q_TABLE_MINUS,
    Q_TABLE_PLUS,
    Q_TRACE,
    Q_W_MAX,
    Q_W_MIN,
)
from neuromem.backends.arithmetic.synapses import CONSTANT, DENSE, ONE_TO_ONE, PLASTIC, TRACE_ONE
from neuromem.backends.spinnaker.definition import POST_HISTORY

#: Sums of arrivals stop here, above the limit of 16 bits and far from that of 32.
ENOUGH = 1 << 30
RAW_BITS = 0xFFFF


@njit(**JIT)
def _half(bits):
    """Return what 16 bits with a sign keep."""
    return ((bits + 0x8000) & 0xFFFF) - 0x8000


@njit(**JIT)
def _looked_up(i, table, reach, ticks):
    """Return the table's value; 0 for times past its end, and for those before it began."""
    return i[table + ticks] if 0 <= ticks < reach else 0


@njit(**JIT)
def _next_trace(i, trace, table, reach, since):
    return _half(_half((trace * _looked_up(i, table, reach, since)) >> 11) + TRACE_ONE)


@njit(**JIT)
def remember(i, k, h, p, fired, n, tick):
    """Add the spikes of a tick to the memory of a population whose inputs learn."""
    table, reach = k[p + P_TABLE], k[p + P_REACH]
    latest, traces, count = k[p + P_LATEST], k[p + P_TRACE], k[p + P_COUNT]
    at = H_WIDTH * (k[p + P_HISTORY] + k[p + P_HISTORY_N])
    for s in range(n):
        j = i[fired + s]
        before = i[latest + j]
        trace = _next_trace(i, i[traces + j], table, reach, tick - before)
        i[latest + j] = tick
        i[traces + j] = trace
        i[count + j] += 1
        h[at] = tick
        h[at + 1] = j
        h[at + 2] = i[count + j]
        h[at + 3] = trace
        h[at + 4] = before
        at += H_WIDTH
    k[p + P_HISTORY_N] += n


@njit(**JIT)
def _find_drops(i, k, h, q, p, tick):
    """Find by how much each post neuron's synapses are depressed by a pre spike now."""
    start, count = k[p + P_HISTORY], k[p + P_HISTORY_N]
    offset, width = k[q + Q_POST_START] - k[p + P_START], k[q + Q_N_POST]
    latest, traces, numbers = k[q + Q_LATEST], k[q + Q_LATEST_TRACE], k[q + Q_LATEST_NUMBER]
    delay, arrived = k[q + Q_DELAY], k[q + Q_ARRIVED]
    until = max(tick - delay, 0)
    while arrived < count and h[H_WIDTH * (start + arrived)] <= until:
        at = H_WIDTH * (start + arrived)
        j = h[at + 1] - offset
        if 0 <= j < width:
            i[latest + j] = h[at]
            i[numbers + j] = h[at + 2]
            i[traces + j] = h[at + 3]
        arrived += 1
    k[q + Q_ARRIVED] = arrived
    if arrived == 0:
        return
    table, reach, a_minus = k[q + Q_TABLE_MINUS], k[q + Q_REACH_MINUS], k[q + Q_A_MINUS]
    nearest, w_min, counts = k[q + Q_NEAREST], k[q + Q_W_MIN], k[p + P_COUNT] + offset
    drop, floor = k[q + Q_DROP], k[q + Q_FLOOR]
    for j in range(width):
        number = i[numbers + j]
        if number > 0 and i[counts + j] - number < POST_HISTORY:
            effect = _looked_up(i, table, reach, tick - (i[latest + j] + delay))
            if nearest == 0:
                effect = (effect * i[traces + j]) >> 11
            i[drop + j] = np.int32((a_minus * (effect << 4)) >> 15)
            i[floor + j] = w_min
        else:
            i[drop + j] = 0
            i[floor + j] = LOWEST


@njit(**JIT)
def _raise_row(i, k, h, q, p, r, tick):
    """Potentiate one row by the post spikes since its last pre spike."""
    start, count = k[p + P_HISTORY], k[p + P_HISTORY_N]
    offset, width = k[q + Q_POST_START] - k[p + P_START], k[q + Q_N_POST]
    last, trace, delay = i[k[q + Q_LAST] + r], i[k[q + Q_TRACE] + r], k[q + Q_DELAY]
    table, reach, careful = k[q + Q_TABLE_PLUS], k[q + Q_REACH_PLUS], k[q + Q_CAREFUL]
    a_plus, w_max, nearest = k[q + Q_A_PLUS], k[q + Q_W_MAX], k[q + Q_NEAREST]
    counts, row = k[p + P_COUNT], k[q + Q_DATA] + r * width
    before, until = max(last - delay, 0), max(tick - delay, 0)
    entry = i[k[q + Q_CURSOR] + r]
    if trace != 0 or nearest != 0 or careful != 0:
        while entry < count:
            at = H_WIDTH * (start + entry)
            when = h[at]
            since = when + delay - last
            if when > until or (since >= reach and careful == 0):
                break
            neuron = h[at + 1]
            j = neuron - offset
            kept = i[counts + neuron] - h[at + 2]
            if kept < POST_HISTORY and when > before and 0 <= j < width:
                effect = _looked_up(i, table, reach, since)
                if nearest == 0:
                    effect = (effect * trace) >> 11
                elif kept + 1 < POST_HISTORY and h[at + 4] > last:
                    effect = 0  # told by a time without its delay, as on the board
                rise = np.int32((a_plus * (effect << 4)) >> 15)
                i[row + j] = min(np.int32(i[row + j] + rise), w_max)
            entry += 1
    # The rest is out of reach: continue behind the last entry that has arrived.
    if entry < count and h[H_WIDTH * (start + entry)] <= until:
        first, entry = entry, count
        while entry > first and h[H_WIDTH * (start + entry - 1)] > until:
            entry -= 1
    i[k[q + Q_CURSOR] + r] = entry


@njit(**JIT)
def _settle_row(i, row, drop, floor, mask, width, bits):
    """Depress a row, and cut it to its 16 bits; a hole of the mask stays without a weight."""
    if mask < 0:
        for j in range(width):
            lower = max(np.int32(i[row + j] - i[drop + j]), i[floor + j])
            i[row + j] = np.int32(lower & bits)
    else:
        for j in range(width):
            lower = max(np.int32(i[row + j] - i[drop + j]), i[floor + j])
            i[row + j] = np.int32(lower & i[mask + j])


@njit(**JIT)
def _deliver_row(i, target, row, width, shift):
    for j in range(width):
        raw = (i[row + j] >> (shift & 31)) & RAW_BITS
        i[target + j] = np.int32(min(i[target + j] + raw, ENOUGH))


@njit(**JIT)
def _deliver_plastic(i, k, h, q, p, target, rows, n_rows, tick):
    """Update the rows whose pre neurons spike, and deliver them."""
    _find_drops(i, k, h, q, p, tick)
    data, width, mask, shift = k[q + Q_DATA], k[q + Q_N_POST], k[q + Q_MASK], k[q + Q_SHIFT]
    table, reach = k[q + Q_TABLE_PLUS], k[q + Q_REACH_PLUS]
    bits = np.int32(RAW_BITS << shift)
    for s in range(n_rows):
        r = i[rows + s]
        row = data + r * width
        _raise_row(i, k, h, q, p, r, tick)
        hole = -1 if mask < 0 else mask + r * width
        _settle_row(i, row, k[q + Q_DROP], k[q + Q_FLOOR], hole, width, bits)
        last, trace = k[q + Q_LAST] + r, k[q + Q_TRACE] + r
        i[trace] = _next_trace(i, i[trace], table, reach, tick - i[last])
        i[last] = tick
        if k[q + Q_DELAY] > 0:  # a delay of 0 counts as too late
            _deliver_row(i, target, row, width, shift)


@njit(**JIT)
def _add_rows(i, w, target, width, data, rows, n_rows):
    """Add selected rows of weights into a buffer, four at a time."""
    s = 0
    while s + 4 <= n_rows:
        a = data + i[rows + s] * width
        b = data + i[rows + s + 1] * width
        c = data + i[rows + s + 2] * width
        d = data + i[rows + s + 3] * width
        for j in range(width):
            four = np.int32(w[a + j] + w[b + j] + w[c + j] + w[d + j])
            i[target + j] = np.int32(min(i[target + j] + four, ENOUGH))
        s += 4
    while s < n_rows:
        a = data + i[rows + s] * width
        for j in range(width):
            i[target + j] = np.int32(min(i[target + j] + w[a + j], ENOUGH))
        s += 1


@njit(**JIT)
def _add_constant(i, target, width, weight, rows, n_rows, skip):
    """Add what all-to-all connections of one weight send; ``skip``: none from r to r."""
    total = min(weight * n_rows, ENOUGH)
    less = min(weight * (n_rows - 1), ENOUGH)
    s = 0 if skip else n_rows
    j = 0
    while j < width:
        until = min(i[rows + s], width) if s < n_rows else width
        for c in range(j, until):
            i[target + c] = np.int32(min(i[target + c] + total, ENOUGH))
        if until < width:
            i[target + until] = np.int32(min(i[target + until] + less, ENOUGH))
        j = until + 1
        s += 1


@njit(**JIT)
def _deliver_static(i, k, w, q, target, rows, n_rows):
    kind, data, width = k[q + Q_KIND], k[q + Q_DATA], k[q + Q_N_POST]
    if kind == ONE_TO_ONE:
        for s in range(n_rows):
            j = i[rows + s]
            i[target + j] = min(i[target + j] + w[data + j], ENOUGH)
    elif kind == CONSTANT:
        _add_constant(i, target, width, data, rows, n_rows, k[q + Q_SKIP])
    elif kind == DENSE:
        _add_rows(i, w, target, width, data, rows, n_rows)
    else:
        row_start, columns = k[q + Q_ROW_START], k[q + Q_COLUMNS]
        for s in range(n_rows):
            for c in range(i[row_start + i[rows + s]], i[row_start + i[rows + s] + 1]):
                j = i[columns + c]
                i[target + j] = min(i[target + j] + w[data + c], ENOUGH)


@njit(**JIT)
def deliver_part(i, k, w, h, q, tick):
    """Deliver the spikes of one part's pre cells, and let its synapses learn."""
    group = k[q + Q_PRE]
    n_rows, rows = k[k[K_N_FIRED] + group], k[H_FIRED] + k[k[K_GROUP_ROWS] + group]
    offset, n_pre = k[q + Q_PRE_START], k[q + Q_N_PRE]
    if offset != 0 or n_pre < k[k[K_GROUP_ROWS] + group + 1] - k[k[K_GROUP_ROWS] + group]:
        fired, n, rows, n_rows = rows, n_rows, k[H_ROWS], 0
        for s in range(n):
            row = i[fired + s] - offset
            i[rows + n_rows] = row
            n_rows += (row >= 0) & (row < n_pre)
    if n_rows == 0:
        return
    p, receptor = k[K_POP_ROWS] + k[q + Q_POST] * P_FIELDS, k[q + Q_RECEPTOR]
    to = (tick + k[q + Q_DELAY]) & (k[p + P_SLOTS] - 1)
    target = k[p + P_RING] + (2 * to + receptor) * k[p + P_SIZE]
    target += k[q + Q_POST_START] - k[p + P_START]
    if k[q + Q_KIND] == PLASTIC:
        _deliver_plastic(i, k, h, q, p, target, rows, n_rows, tick)
        if k[q + Q_DELAY] == 0:
            return
    else:
        _deliver_static(i, k, w, q, target, rows, n_rows)
    touched = k[p + P_TOUCHED] + to
    if i[touched] == 0:
        k[K_PENDING] += 1
    i[touched] |= receptor + 1

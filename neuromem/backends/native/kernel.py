"""The fast engine's tick, compiled by numba when this module is first imported, and cached.

Everything the kernel reads and writes lies in two flat arrays, ``f`` of floats and ``k`` of
integers (:mod:`neuromem.backends.native.arena` says where), so that a call costs about a
microsecond however large the network is. No state is global. The functions take plain pointers and
offsets into them: numba then compiles in seconds, and LLVM sees loops it can vectorise.

The arithmetic is that of the reference engine, in the same order, so that spikes and weights are
the same to the last bit. What makes it fast:

- constant all-to-all projections are summed once per tick, O(pre + post) instead of O(pre * post);
- a population of IF_curr_exp is left alone while nothing arrives and none of its neurons can fire
  by itself, and then brought up to date by the exact solution over those ticks (its potentials so
  differ from the reference's in the last bits; spikes and weights do not);
- a network that rests as a whole jumps to its next input;
- the neuron update is a plain loop over contiguous numbers: refractory neurons are put back
  afterwards from a short list instead of being tested inside the loop;
- plastic rows replay only the post spikes since their last pre spike, from a shared log.
"""

from __future__ import annotations

import ctypes
from functools import cache

import numpy as np
from numba import cfunc, njit, types

from neuromem.backends.native.arena import (
    F_ARRIVE_E,
    F_ARRIVE_I,
    F_DECAY_E,
    F_DECAY_I,
    F_DECAY_V,
    F_FIELDS,
    F_OFFSET,
    F_QUIET,
    F_QUIET_LENGTH,
    F_RESET,
    F_RESISTANCE,
    F_REST,
    F_THRESH,
    G_A_MINUS,
    G_A_PLUS,
    G_FIELDS,
    G_W_MAX,
    G_W_MIN,
    G_WEIGHT,
    H_FIRED,
    H_GROUPS,
    H_IE,
    H_II,
    H_N_FIRED,
    H_POP_F,
    H_POP_I,
    H_PROJ_F,
    H_PROJ_I,
    H_REFR,
    H_REFR_LIST,
    H_RING_E,
    H_RING_I,
    H_ROWS,
    H_TOUCHED,
    H_V,
    K_CELLS,
    K_GROUPS,
    K_LOG,
    K_LOG_ROOM,
    K_NEURONS,
    K_PENDING,
    K_POPULATIONS,
    K_PROJECTIONS,
    K_RING,
    K_TICK,
    MARGIN,
    P_DUE,
    P_FIELDS,
    P_HAS_I,
    P_MODEL,
    P_N_REFR,
    P_READY,
    P_REFRACTORY,
    P_START,
    P_STOP,
    Q_AHEAD,
    Q_ARRIVED,
    Q_AXONAL,
    Q_COLUMNS,
    Q_COUNT,
    Q_CURSOR,
    Q_DATA,
    Q_DROP,
    Q_DROPPED,
    Q_FIELDS,
    Q_HIST_N,
    Q_HIST_ROOM,
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

_JIT = {"error_model": "numpy", "nogil": True}


@njit(**_JIT)
def _arrive(f, current, ring, n, factor):
    for j in range(n):
        f[current + j] += factor * f[ring + j]
        f[ring + j] = 0.0


@njit(**_JIT)
def _catch_up(f, v, ie, ii, n, p, age, inhibited):
    """IF_curr_exp over the ticks in which nothing arrived: the exact solution, in one step."""
    rest = f[p + F_REST] + f[p + F_RESISTANCE] * f[p + F_OFFSET]
    last = np.int64(f[p + F_QUIET_LENGTH]) - 1
    while age > 0:
        step = min(age, last)
        at = np.int64(f[p + F_QUIET]) + 5 * step
        by_v, by_e, by_i, left_e, left_i = f[at], f[at + 1], f[at + 2], f[at + 3], f[at + 4]
        if inhibited:
            for j in range(n):
                f[v + j] = rest + ((f[v + j] - rest) * by_v + (f[ie + j] * by_e - f[ii + j] * by_i))
                f[ie + j] *= left_e
                f[ii + j] *= left_i
        else:
            for j in range(n):
                f[v + j] = rest + ((f[v + j] - rest) * by_v + f[ie + j] * by_e)
                f[ie + j] *= left_e
        # The last row of a table that reaches its limit is zero: nothing is left to decay.
        age = 0 if by_v + left_e + left_i == 0.0 else age - step


@njit(**_JIT)
def _step_exp(f, v, ie, n, p):
    """IF_curr_exp without inhibitory input; returns how many are, and later may be, over."""
    rest, resistance, offset = f[p + F_REST], f[p + F_RESISTANCE], f[p + F_OFFSET]
    decay_v, decay_e, thresh = f[p + F_DECAY_V], f[p + F_DECAY_E], f[p + F_THRESH]
    near = thresh - MARGIN
    over = 0
    later = 0
    for j in range(n):
        current = f[ie + j]
        target = rest + resistance * (current + offset)
        new = target + (f[v + j] - target) * decay_v
        left = current * decay_e
        f[v + j] = new
        f[ie + j] = left
        over += new >= thresh
        later += (rest + resistance * (left + offset) >= near) | ((new >= near) & (new < thresh))
    return over, later


@njit(**_JIT)
def _step_exp_inh(f, v, ie, ii, n, p):
    """IF_curr_exp with both currents; returns how many are, and later may be, over."""
    rest, resistance, offset = f[p + F_REST], f[p + F_RESISTANCE], f[p + F_OFFSET]
    decay_v, decay_e, decay_i = f[p + F_DECAY_V], f[p + F_DECAY_E], f[p + F_DECAY_I]
    thresh = f[p + F_THRESH]
    near = thresh - MARGIN
    over = 0
    later = 0
    for j in range(n):
        current = f[ie + j]
        inhibition = f[ii + j]
        target = rest + resistance * ((current - inhibition) + offset)
        new = target + (f[v + j] - target) * decay_v
        left = current * decay_e
        f[v + j] = new
        f[ie + j] = left
        f[ii + j] = inhibition * decay_i
        over += new >= thresh
        later += (rest + resistance * (left + offset) >= near) | ((new >= near) & (new < thresh))
    return over, later


@njit(**_JIT)
def _step_jump(f, v, ring_e, ring_i, n, p):
    """IF_curr_delta and LIF_hard_reset: decay towards the target, then jump by the arrivals."""
    target = f[p + F_REST] + f[p + F_RESISTANCE] * f[p + F_OFFSET]
    decay_v, thresh = f[p + F_DECAY_V], f[p + F_THRESH]
    over = 0
    moved = 0
    for j in range(n):
        old = f[v + j]
        new = target + (old - target) * decay_v + (f[ring_e + j] - f[ring_i + j])
        moved += (new != old) | (f[ring_e + j] != f[ring_i + j])
        f[ring_e + j] = 0.0
        f[ring_i + j] = 0.0
        f[v + j] = new
        over += new >= thresh
    return over, moved


@njit(**_JIT)
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


@njit(**_JIT)
def _replay(f, k, h, q, g, i, row, now):
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


@njit(**_JIT)
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


@njit(**_JIT)
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


@njit(**_JIT)
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
        k[k[q + Q_CURSOR] + i] = _replay(f, k, h, q, g, i, row, now)
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


@njit(**_JIT)
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


@njit(**_JIT)
def _advance_population(f, k, log, p, pf, flag, ring, fired, tick):
    """Advance one population by a tick; returns how many fired, and if the next tick is due."""
    start, n = k[p + P_START], k[p + P_STOP] - k[p + P_START]
    v, ie, ii = k[H_V] + start, k[H_IE] + start, k[H_II] + start
    ring_e, ring_i = k[H_RING_E] + ring + start, k[H_RING_I] + ring + start
    if k[p + P_MODEL] == 0:
        if k[p + P_READY] < tick:
            _catch_up(f, v, ie, ii, n, pf, tick - k[p + P_READY], k[p + P_HAS_I])
        k[p + P_READY] = tick + 1
        if flag & 1:
            _arrive(f, ie, ring_e, n, f[pf + F_ARRIVE_E])
        if flag & 2:
            _arrive(f, ii, ring_i, n, f[pf + F_ARRIVE_I])
        if k[p + P_HAS_I] == 0:
            over, again = _step_exp(f, v, ie, n, pf)
        else:
            over, again = _step_exp_inh(f, v, ie, ii, n, pf)
    else:
        over, again = _step_jump(f, v, ring_e, ring_i, n, pf)
    v_reset, v_thresh, refractory = f[pf + F_RESET], f[pf + F_THRESH], k[p + P_REFRACTORY]
    refr, waiting = k[H_REFR] + start, k[H_REFR_LIST] + start
    n_waiting = 0
    for r in range(k[p + P_N_REFR]):
        j = k[waiting + r]
        again = 1
        f[v + j] = v_reset
        k[refr + j] -= 1
        if k[refr + j] > 0:
            k[waiting + n_waiting] = j
            n_waiting += 1
    n_fired = 0
    if over > 0:
        for j in range(n):
            k[fired + n_fired] = j
            n_fired += f[v + j] >= v_thresh
        n_log = k[K_LOG]
        for s in range(n_fired):
            j = k[fired + s]
            f[v + j] = v_reset
            log[2 * (n_log + s)] = tick
            log[2 * (n_log + s) + 1] = start + j
            if refractory > 0:
                k[refr + j] = refractory
                k[waiting + n_waiting] = j
                n_waiting += 1
        k[K_LOG] = n_log + n_fired
        again |= (refractory > 0) | (k[p + P_MODEL] > 0)
    k[p + P_N_REFR] = n_waiting
    return n_fired, again


@njit(**_JIT)
def _deliver_projection(f, k, h, q, g, tick, ring):
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


_FLOATS, _INTS = types.CPointer(types.float64), types.CPointer(types.int64)
_SHORT_INTS = types.CPointer(types.int32)


@cfunc(
    types.int64(_FLOATS, _INTS, _INTS, _SHORT_INTS, _INTS, types.int64, types.int64),
    cache=True,
    error_model="numpy",
)
def _run(f, k, h, log, events, n_events, n_ticks):
    """Run up to ``n_ticks``; returns how many were run (fewer when a log is full).

    ``h`` is the log of post spikes, ``log`` that of all spikes, ``events`` the input spikes as
    (tick, cell) pairs, sorted.
    """
    cells, ring, neurons = k[K_CELLS], k[K_RING], k[K_NEURONS]
    n_pop, n_groups = k[K_POPULATIONS], k[K_GROUPS]
    event = 0
    tick = k[K_TICK]
    stop = tick + n_ticks
    last_busy = checked = tick
    lag_until = tick + ring
    n_fired_at, fired_at, touched_at = k[H_N_FIRED], k[H_FIRED], k[H_TOUCHED]
    populations, populations_f = k[H_POP_I], k[H_POP_F]
    n_projections, projections, projections_f = k[K_PROJECTIONS], k[H_PROJ_I], k[H_PROJ_F]
    while tick < stop:
        if tick == checked:
            # How many ticks fit into the logs even if every cell fires in each.
            room = (k[K_LOG_ROOM] - k[K_LOG]) // cells
            for m in range(n_projections):
                q = projections + m * Q_FIELDS
                if k[q + Q_KIND] == PLASTIC:
                    width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
                    room = min(room, (k[q + Q_HIST_ROOM] - k[q + Q_HIST_N]) // width)
            if room < 1:
                break
            checked = tick + room
        slot = tick & (ring - 1)
        fired = fired_at + slot * cells
        n_fired = n_fired_at + slot * n_groups
        busy = k[K_PENDING] > 0
        n_spikes = 0
        for p in range(n_pop):
            k[n_fired + p] = 0
            touched = touched_at + slot * n_pop + p
            row = populations + p * P_FIELDS
            flag = k[touched]
            if flag != 0:
                k[touched] = 0
                k[K_PENDING] -= 1
            elif k[row + P_DUE] == 0:
                continue
            n, k[row + P_DUE] = _advance_population(
                f, k, log, row, populations_f + p * F_FIELDS, flag, slot * neurons,
                fired + k[row + P_START], tick,
            )  # fmt: skip
            k[n_fired + p] = n
            n_spikes += n
            busy = True
        for group in range(n_pop, n_groups):
            k[n_fired + group] = 0
        group = n_pop
        while event < n_events and events[2 * event] == tick:
            # The source cells of one tick are sorted, so those of a group lie together.
            cell = events[2 * event + 1]
            while cell >= k[k[H_GROUPS] + group + 1]:
                group += 1
            first = k[k[H_GROUPS] + group]
            k[fired + first + k[n_fired + group]] = cell - first
            k[n_fired + group] += 1
            log[2 * k[K_LOG]] = tick
            log[2 * k[K_LOG] + 1] = cell
            k[K_LOG] += 1
            event += 1
            n_spikes += 1
            busy = True
        if n_spikes > 0:
            lag_until = tick + ring
        if tick < lag_until:
            for m in range(n_projections):
                q, g = projections + m * Q_FIELDS, projections_f + m * G_FIELDS
                back = n_fired_at + ((tick - k[q + Q_LAG]) & (ring - 1)) * n_groups
                if k[back + k[q + Q_PRE_POP]] > 0 or (
                    k[q + Q_KIND] == PLASTIC and k[n_fired + k[q + Q_POST_POP]] > 0
                ):
                    _deliver_projection(f, k, h, q, g, tick, ring)
        tick += 1
        if busy:
            last_busy = tick
        elif tick - last_busy > ring:
            # Everything sleeps and no spike is on its way: jump to the next input.
            tick = stop if event >= n_events else min(stop, events[2 * event])
            checked = tick
    k[K_TICK] = tick
    return tick - (stop - n_ticks)


# Called with plain addresses, which costs less than converting arrays; the GIL is released.
run = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 5, ctypes.c_int64, ctypes.c_int64)(
    _run.address
)


@cache
def settle():
    """Return the function that applies all pending potentiation of a part, moving no cursor.

    It takes the addresses of ``f``, ``k`` and ``h``, the part's number and the tick.
    """

    @cfunc(types.void(_FLOATS, _INTS, _INTS, types.int64, types.int64), cache=True)
    def _settle(f, k, h, part, now):
        q, g = k[H_PROJ_I] + part * Q_FIELDS, k[H_PROJ_F] + part * G_FIELDS
        width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
        for i in range(k[q + Q_PRE_STOP] - k[q + Q_PRE_START]):
            _replay(f, k, h, q, g, i, k[q + Q_DATA] + i * width, now)

    arguments = [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 2
    function = ctypes.CFUNCTYPE(None, *arguments)(_settle.address)
    function.keep = _settle  # type: ignore[attr-defined]
    return function

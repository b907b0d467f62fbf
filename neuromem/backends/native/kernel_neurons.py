"""The fast engine's neurons: a population advanced by one tick. See ``kernel.py``."""

from __future__ import annotations

import numpy as np
from numba import njit

from neuromem.backends.native.arena import (
    F_ARRIVE_E,
    F_ARRIVE_I,
    F_DECAY_E,
    F_DECAY_I,
    F_DECAY_V,
    F_OFFSET,
    F_QUIET,
    F_QUIET_LENGTH,
    F_RESET,
    F_RESISTANCE,
    F_REST,
    F_THRESH,
    H_IE,
    H_II,
    H_REFR,
    H_REFR_LIST,
    H_RING_E,
    H_RING_I,
    H_V,
    JIT,
    K_LOG,
    MARGIN,
    P_HAS_I,
    P_MODEL,
    P_N_REFR,
    P_READY,
    P_REFRACTORY,
    P_START,
    P_STOP,
)


@njit(**JIT)
def _arrive(f, current, ring, n, factor):
    for j in range(n):
        f[current + j] += factor * f[ring + j]
        f[ring + j] = 0.0


@njit(**JIT)
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


@njit(**JIT)
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


@njit(**JIT)
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


@njit(**JIT)
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


@njit(**JIT)
def advance_population(f, k, log, p, pf, flag, ring, fired, tick):
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

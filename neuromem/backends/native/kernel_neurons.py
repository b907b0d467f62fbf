"""The fast engine's neurons: a population advanced by one tick. See ``kernel.py``."""

from __future__ import annotations

import numpy as np
from numba import njit

from neuromem.backends.native.arena import (
    DUE,
    EXC_ARRIVES,
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
    F_UNAIDED,
    H_IE,
    H_II,
    H_NOTHING,
    H_RING_E,
    H_RING_I,
    H_UNTIL,
    H_V,
    H_WAITING,
    INH_ARRIVES,
    JIT,
    K_N_LOGGED,
    K_NEURONS,
    MARGIN,
    P_INHIBITED,
    P_MODEL,
    P_N_WAITING,
    P_READY,
    P_REFRACTORY,
    P_START,
    P_STOP,
)


@njit(**JIT)
def _quiet(f, p, ticks):
    """Return the row of the exact solution over some ticks without arrivals.

    What V - V_rest loses, what a unit of each current adds to V, what is left of each current.
    """
    table, last = np.int64(f[p + F_QUIET]), np.int64(f[p + F_QUIET_LENGTH]) - 1
    at = table + 5 * min(ticks, last)
    by_v, by_e, by_i, left_e, left_i = f[at], f[at + 1], f[at + 2], f[at + 3], f[at + 4]
    ticks -= last
    while ticks > 0 and by_v + left_e + left_i > 0.0:
        at = table + 5 * min(ticks, last)
        by_e = by_e * f[at] + left_e * f[at + 1]
        by_i = by_i * f[at] + left_i * f[at + 2]
        by_v *= f[at]
        left_e *= f[at + 3]
        left_i *= f[at + 4]
        ticks -= last
    return by_v - 1.0, by_e, by_i, left_e, left_i


@njit(**JIT)
def _sleep(f, v, ie, ii, n, p, ticks):
    """IF_curr_exp over some ticks in which nothing arrives and nothing fires."""
    rest = f[p + F_REST] + f[p + F_RESISTANCE] * f[p + F_OFFSET]
    by_v, by_e, by_i, left_e, left_i = _quiet(f, p, ticks)
    for j in range(n):
        f[v + j] += (f[v + j] - rest) * by_v + (f[ie + j] * by_e - f[ii + j] * by_i)
        f[ie + j] *= left_e
        f[ii + j] *= left_i


@njit(**JIT)
def _step_exp(f, v, ie, arrived, n, p, slept):
    """IF_curr_exp without inhibitory input, after some ticks of sleep and one of arrivals.

    Returns how many are near the threshold or over it, and how many currents can get them there.
    """
    rest, resistance, offset = f[p + F_REST], f[p + F_RESISTANCE], f[p + F_OFFSET]
    decay_v, decay_e, arrive_e = f[p + F_DECAY_V], f[p + F_DECAY_E], f[p + F_ARRIVE_E]
    near, unaided = f[p + F_THRESH] - MARGIN, f[p + F_UNAIDED]
    settled = rest + resistance * offset
    by_v, by_e, _, left_e, _ = _quiet(f, p, slept)
    close = 0
    rising = 0
    for j in range(n):
        old = f[v + j] + ((f[v + j] - settled) * by_v + f[ie + j] * by_e)
        current = f[ie + j] * left_e + arrive_e * f[arrived + j]
        f[arrived + j] = 0.0
        target = rest + resistance * (current + offset)
        new = target + (old - target) * decay_v
        current *= decay_e
        f[v + j] = new
        f[ie + j] = current
        close += new >= near
        rising += current >= unaided
    return close, rising


@njit(**JIT)
def _step_exp_inhibited(f, v, ie, ii, arrived_e, arrived_i, n, p, slept):
    """IF_curr_exp with both currents, otherwise like ``_step_exp``."""
    rest, resistance, offset = f[p + F_REST], f[p + F_RESISTANCE], f[p + F_OFFSET]
    decay_v, decay_e, decay_i = f[p + F_DECAY_V], f[p + F_DECAY_E], f[p + F_DECAY_I]
    arrive_e, arrive_i = f[p + F_ARRIVE_E], f[p + F_ARRIVE_I]
    near, unaided = f[p + F_THRESH] - MARGIN, f[p + F_UNAIDED]
    settled = rest + resistance * offset
    by_v, by_e, by_i, left_e, left_i = _quiet(f, p, slept)
    close = 0
    rising = 0
    for j in range(n):
        old = f[v + j] + ((f[v + j] - settled) * by_v + (f[ie + j] * by_e - f[ii + j] * by_i))
        current = f[ie + j] * left_e + arrive_e * f[arrived_e + j]
        inhibition = f[ii + j] * left_i + arrive_i * f[arrived_i + j]
        f[arrived_e + j] = 0.0
        f[arrived_i + j] = 0.0
        target = rest + resistance * ((current - inhibition) + offset)
        new = target + (old - target) * decay_v
        current *= decay_e
        f[v + j] = new
        f[ie + j] = current
        f[ii + j] = inhibition * decay_i
        close += new >= near
        rising += current >= unaided
    return close, rising


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
def _hold(f, k, v, waiting, until, n, reset, now):
    """Put refractory neurons back after tick ``now``; returns how many stay refractory."""
    done = 0
    for r in range(n):
        f[v + k[waiting + r]] = reset
        done += k[until + r] <= now
    # The list is in the order of firing, so that those who are done come first.
    if done > 0:
        for r in range(done, n):
            k[waiting + r - done] = k[waiting + r]
            k[until + r - done] = k[until + r]
    return n - done


@njit(**JIT)
def advance_population(f, k, log, p, pf, flag, ring, fired, tick):
    """Advance one population by a tick; returns how many fired, and if the next tick is due."""
    start, n = k[p + P_START], k[p + P_STOP] - k[p + P_START]
    v, ie, ii = k[H_V] + start, k[H_IE] + start, k[H_II] + start
    ring_e, ring_i = k[H_RING_E] + ring + start, k[H_RING_I] + ring + start
    waiting, until, n_waiting = k[H_WAITING] + start, k[H_UNTIL] + start, k[p + P_N_WAITING]
    reset, thresh = f[pf + F_RESET], f[pf + F_THRESH]
    if k[p + P_MODEL] == 0:
        ready = k[p + P_READY]
        while ready < tick and n_waiting > 0:
            # Asleep, and some of it refractory, in the ticks from ``ready`` to ``last``.
            last = min(k[until], tick - 1)
            _sleep(f, v, ie, ii, n, pf, last + 1 - ready)
            n_waiting = _hold(f, k, v, waiting, until, n_waiting, reset, last)
            ready = last + 1
        k[p + P_READY] = tick + 1
        if flag & EXC_ARRIVES == 0:
            ring_e = k[H_NOTHING]
        if k[p + P_INHIBITED] == 0:
            over, again = _step_exp(f, v, ie, ring_e, n, pf, tick - ready)
        else:
            if flag & INH_ARRIVES == 0:
                ring_i = k[H_NOTHING] + k[K_NEURONS]
            over, again = _step_exp_inhibited(
                f, v, ie, ii, ring_e, ring_i, n, pf, tick - ready
            )  # fmt: skip
        near = thresh - MARGIN
    else:
        over, again = _step_jump(f, v, ring_e, ring_i, n, pf)
        again += n_waiting
        near = thresh
    n_waiting = _hold(f, k, v, waiting, until, n_waiting, reset, tick)
    n_fired = 0
    if over > 0:
        close = 0
        for j in range(n):
            k[fired + n_fired] = j
            n_fired += f[v + j] >= thresh
            close += f[v + j] >= near
        again += close - n_fired
    if n_fired > 0:
        n_log = 2 * k[K_N_LOGGED]
        for s in range(n_fired):
            j = k[fired + s]
            f[v + j] = reset
            log[n_log + 2 * s] = tick
            log[n_log + 2 * s + 1] = start + j
        k[K_N_LOGGED] += n_fired
        last = tick + k[p + P_REFRACTORY]
        if last > tick:
            for s in range(n_fired):
                k[waiting + n_waiting + s] = k[fired + s]
                k[until + n_waiting + s] = last
            n_waiting += n_fired
    # What only waits for its refractory time to pass may sleep, where the exact solution is known.
    if k[p + P_MODEL] > 0 or reset >= near:
        again += n_waiting + n_fired
    k[p + P_N_WAITING] = n_waiting
    return n_fired, (DUE if again > 0 else 0)

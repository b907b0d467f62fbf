"""The twin's neurons: a population advanced by one tick. See ``kernel.py``.

Every number fits 32 bits, so that LLVM can take eight neurons at a time: a product of two of them
is put together from pieces that do, modulo 2^32, which is what the board's registers keep.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neuromem.backends.arithmetic.arena import (
    CALM,
    H_E,
    H_I,
    H_REFRACTORY,
    H_V,
    H_WAITING,
    JIT,
    K_LOG,
    K_SATURATED,
    P_ARRIVE_E,
    P_CALM,
    P_CURRENT,
    P_DECAY_E,
    P_DECAY_V,
    P_EXP,
    P_LEVEL,
    P_OFFSET,
    P_READY,
    P_REFRACTORY,
    P_RESET,
    P_RESISTANCE,
    P_REST,
    P_RING,
    P_SCALE,
    P_SHIFT_E,
    P_SIZE,
    P_START,
    P_THRESH,
    P_WAITING,
)

LARGEST_RAW = 0xFFFF
EXCITATORY, INHIBITORY = 1, 2


@njit(**JIT)
def _times(a, b):
    """Return the low 32 bits of a * b / 2^15, rounded down."""
    low = a & 0x7FFF
    return np.int32((a >> 15) * b + low * (b >> 15) + ((low * (b & 0x7FFF)) >> 15))


@njit(**JIT)
def _share(a, fraction):
    """Return a * fraction / 2^32, rounded down; a has a sign, the fraction has none."""
    high = (np.uint64(np.uint32(a)) * np.uint64(fraction)) >> np.uint64(32)
    return np.int32(np.int64(high) - (np.int64(fraction) & (a >> 31)))


@njit(**JIT)
def _arrive(i, current, ring, n, shift, fraction):
    """Take arrivals into a current that decays; returns how many stayed at their limit."""
    saturated = np.int32(0)
    for j in range(n):
        arrived = i[ring + j]
        i[ring + j] = 0
        saturated = np.int32(saturated + (arrived > LARGEST_RAW))
        widened = np.int32(min(arrived, LARGEST_RAW) << shift)
        i[current + j] = np.int32(i[current + j] + _share(widened, fraction))
    return saturated


@njit(**JIT)
def _arrive_at_once(i, current, ring, n, shift, scale):
    """Take arrivals as the current of this one tick."""
    saturated = np.int32(0)
    for j in range(n):
        arrived = i[ring + j]
        i[ring + j] = 0
        saturated = np.int32(saturated + (arrived > LARGEST_RAW))
        i[current + j] = _times(np.int32(min(arrived, LARGEST_RAW) << shift), scale)
    return saturated


@njit(**JIT)
def _decay(i, current, n, fraction):
    """Let a current decay; returns the bits that are left in any."""
    left = np.int32(0)
    for j in range(n):
        new = _share(i[current + j], fraction)
        i[current + j] = new
        left = np.int32(left | new)
    return left


@njit(**JIT)
def _relax(i, v, n, level, decay_v, thresh):
    """Advance potentials without a current; returns if any is over, what changed, the least."""
    over = np.int32(0)
    changed = np.int32(0)
    least = np.int32(0)
    for j in range(n):
        old = i[v + j]
        new = np.int32(level - _times(np.int32(level - old), decay_v))
        i[v + j] = new
        over = np.int32(over | (new >= thresh))
        changed = np.int32(changed | (new ^ old))
        least = np.int32(min(least, new))
    return over, changed, least


@njit(**JIT)
def catch_up(i, k, p, tick):
    """Advance a population left alone by the ticks since then: nothing arrives, nothing fires."""
    v, n, thresh = k[H_V] + k[p + P_START], k[p + P_SIZE], np.int32(k[p + P_THRESH])
    level, decay_v = np.int32(k[p + P_LEVEL]), np.int32(k[p + P_DECAY_V])
    for _ in range(tick - k[p + P_READY]):
        _, changed, _ = _relax(i, v, n, level, decay_v, thresh)
        if changed == 0:
            break
    k[p + P_READY] = tick


@njit(**JIT)
def _step(i, v, e, n, rest, resistance, offset, decay_v, thresh):
    """Advance potentials with one current; returns if any is over."""
    over = np.int32(0)
    for j in range(n):
        level = np.int32(_times(np.int32(i[e + j] + offset), resistance) + rest)
        new = np.int32(level - _times(np.int32(level - i[v + j]), decay_v))
        i[v + j] = new
        over = np.int32(over | (new >= thresh))
    return over


@njit(**JIT)
def _step_both(i, v, e, inh, n, rest, resistance, offset, decay_v, thresh):
    """Advance potentials with both currents; returns if any is over."""
    over = np.int32(0)
    for j in range(n):
        given = np.int32(i[e + j] - i[inh + j] + offset)
        level = np.int32(_times(given, resistance) + rest)
        new = np.int32(level - _times(np.int32(level - i[v + j]), decay_v))
        i[v + j] = new
        over = np.int32(over | (new >= thresh))
    return over


@njit(**JIT)
def _take_arrivals(i, k, p, receptor, current, slot):
    n = k[p + P_SIZE]
    ring = k[p + P_RING] + (2 * slot + receptor) * n
    shift = k[p + P_SHIFT_E + receptor]
    if k[p + P_EXP]:
        fraction = np.uint32(k[p + P_ARRIVE_E + receptor])
        k[K_SATURATED] += _arrive(i, current, ring, n, shift, fraction)
    else:
        k[K_SATURATED] += _arrive_at_once(i, current, ring, n, shift, np.int32(k[p + P_SCALE]))


@njit(**JIT)
def advance_population(i, k, log, p, flag, slot, fired, tick):
    """Advance one population by a tick; returns how many fired, and if the next tick is due."""
    start, n = k[p + P_START], k[p + P_SIZE]
    v, e, inh = k[H_V] + start, k[H_E] + start, k[H_I] + start
    rest, resistance = np.int32(k[p + P_REST]), np.int32(k[p + P_RESISTANCE])
    offset, decay_v = np.int32(k[p + P_OFFSET]), np.int32(k[p + P_DECAY_V])
    v_reset, thresh = np.int32(k[p + P_RESET]), np.int32(k[p + P_THRESH])
    if k[p + P_READY] < tick:
        catch_up(i, k, p, tick)
    k[p + P_READY] = tick + 1
    if flag & EXCITATORY:
        _take_arrivals(i, k, p, 0, e, slot)
    if flag & INHIBITORY:
        _take_arrivals(i, k, p, 1, inh, slot)
    current = k[p + P_CURRENT] | flag
    due = 1
    if current == 0:
        level = np.int32(k[p + P_LEVEL])
        over, changed, least = _relax(i, v, n, level, decay_v, thresh)
        if changed == 0 or (k[p + P_CALM] and least >= -CALM):
            due = 0
    elif current == EXCITATORY:
        over = _step(i, v, e, n, rest, resistance, offset, decay_v, thresh)
    else:
        over = _step_both(i, v, e, inh, n, rest, resistance, offset, decay_v, thresh)
    if current & EXCITATORY and _decay(i, e, n, np.uint32(k[p + P_DECAY_E])) == 0:
        current &= ~EXCITATORY
    if current & INHIBITORY and _decay(i, inh, n, np.uint32(k[p + P_DECAY_E + 1])) == 0:
        current &= ~INHIBITORY
    k[p + P_CURRENT] = current
    # A refractory neuron is put back to where it was: at the reset.
    refractory, waiting = k[H_REFRACTORY] + start, k[H_WAITING] + start
    n_waiting = 0
    for r in range(k[p + P_WAITING]):
        j = i[waiting + r]
        i[v + j] = v_reset
        i[refractory + j] -= 1
        if i[refractory + j] > 0:
            i[waiting + n_waiting] = j
            n_waiting += 1
        due = 1
    n_fired = 0
    if over != 0 or v_reset >= thresh:
        for j in range(n):
            i[fired + n_fired] = j
            n_fired += i[v + j] >= thresh
        n_log = k[K_LOG]
        for s in range(n_fired):
            j = i[fired + s]
            i[v + j] = v_reset
            log[2 * (n_log + s)] = tick
            log[2 * (n_log + s) + 1] = start + j
            if k[p + P_REFRACTORY] > 0:
                if i[refractory + j] == 0:
                    i[waiting + n_waiting] = j
                    n_waiting += 1
                i[refractory + j] = k[p + P_REFRACTORY]
        k[K_LOG] = n_log + n_fired
        due = 1
    k[p + P_WAITING] = n_waiting
    return n_fired, due

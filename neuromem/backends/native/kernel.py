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
import zlib
from functools import cache
from pathlib import Path

from numba import cfunc, types

from neuromem.backends.native.arena import (
    F_FIELDS,
    G_FIELDS,
    H_FIRED,
    H_GROUPS,
    H_N_FIRED,
    H_POP_F,
    H_POP_I,
    H_PROJ_F,
    H_PROJ_I,
    H_TOUCHED,
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
    P_DUE,
    P_FIELDS,
    P_START,
    Q_DATA,
    Q_FIELDS,
    Q_HIST_N,
    Q_HIST_ROOM,
    Q_KIND,
    Q_LAG,
    Q_POST_POP,
    Q_POST_START,
    Q_POST_STOP,
    Q_PRE_POP,
    Q_PRE_START,
    Q_PRE_STOP,
)
from neuromem.backends.native.kernel_neurons import advance_population
from neuromem.backends.native.kernel_synapses import deliver_projection, replay
from neuromem.backends.native.translate import PLASTIC

_FLOATS, _INTS = types.CPointer(types.float64), types.CPointer(types.int64)
_SHORT_INTS = types.CPointer(types.int32)
#: What a compiled kernel depends on.
_SOURCES = ("arena.py", "kernel.py", "kernel_neurons.py", "kernel_synapses.py", "translate.py")


def _digest() -> int:
    """Return a checksum of the kernel's sources.

    numba caches machine code by the text of one file; the layout and the helpers lie in others.
    As a variable of the compiled function's closure this number is part of the cache's key.
    """
    folder = Path(__file__).parent
    return zlib.crc32(b"".join((folder / name).read_bytes() for name in _SOURCES))


def _compiled_run(sources: int):
    signature = types.int64(_FLOATS, _INTS, _INTS, _SHORT_INTS, _INTS, types.int64, types.int64)

    @cfunc(signature, cache=True, error_model="numpy")
    def run(f, k, h, log, events, n_events, n_ticks):
        """Run up to ``n_ticks``; returns how many were run (fewer when a log is full).

        ``h`` is the log of post spikes, ``log`` that of all spikes, ``events`` the input spikes as
        (tick, cell) pairs, sorted.
        """
        cells, ring, neurons = k[K_CELLS], k[K_RING], k[K_NEURONS]
        n_pop, n_groups = k[K_POPULATIONS], k[K_GROUPS]
        event = 0
        tick = k[K_TICK] if sources >= 0 else 0
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
                n, k[row + P_DUE] = advance_population(
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
                        deliver_projection(f, k, h, q, g, tick, ring)
            tick += 1
            if busy:
                last_busy = tick
            elif tick - last_busy > ring:
                # Everything sleeps and no spike is on its way: jump to the next input.
                tick = stop if event >= n_events else min(stop, events[2 * event])
                checked = tick
        k[K_TICK] = tick
        return tick - (stop - n_ticks)

    return run


def _compiled_settle(sources: int):
    signature = types.void(_FLOATS, _INTS, _INTS, types.int64, types.int64)

    @cfunc(signature, cache=True, error_model="numpy")
    def settle(f, k, h, part, now):
        q, g = k[H_PROJ_I] + part * Q_FIELDS, k[H_PROJ_F] + part * G_FIELDS
        width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
        rows = k[q + Q_PRE_STOP] - k[q + Q_PRE_START] if sources >= 0 else 0
        for i in range(rows):
            replay(f, k, h, q, g, i, k[q + Q_DATA] + i * width, now)

    return settle


# Called with plain addresses, which costs less than converting arrays; the GIL is released.
_run = _compiled_run(_digest())
run = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 5, ctypes.c_int64, ctypes.c_int64)(
    _run.address
)


@cache
def settle():
    """Return the function that applies all pending potentiation of a part, moving no cursor.

    It takes the addresses of ``f``, ``k`` and ``h``, the part's number and the tick. Compiled when
    first asked for.
    """
    compiled = _compiled_settle(_digest())
    arguments = [ctypes.c_void_p] * 3 + [ctypes.c_int64] * 2
    function = ctypes.CFUNCTYPE(None, *arguments)(compiled.address)
    function.keep = compiled  # type: ignore[attr-defined]
    return function

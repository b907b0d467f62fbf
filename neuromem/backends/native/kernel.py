"""The fast engine's tick, compiled by numba when this module is first imported, and cached.

Everything the kernel reads and writes lies in two flat arrays, ``f`` of floats and ``k`` of
integers (:mod:`neuromem.backends.native.arena` says where), and ``k`` says where all the rest is,
so that a call takes one pointer and a quarter of a microsecond. No state is global. The functions
take plain pointers and offsets into them: numba then compiles in seconds, and LLVM sees loops it
can vectorise.

The arithmetic is that of the reference engine, in the same order, so that spikes and weights are
the same to the last bit. What makes it fast:

- constant all-to-all projections are summed once per tick, O(pre + post) instead of O(pre * post);
- a population of IF_curr_exp is left alone while nothing arrives and none of its neurons can fire
  by itself, refractory ones included, and then brought up to date by the exact solution over those
  ticks (its potentials so differ from the reference's in the last bits; spikes and weights do not);
- a network that rests as a whole jumps to its next input;
- the neuron update is one plain loop over contiguous numbers that brings up to date, takes what
  arrives and advances: refractory neurons are put back afterwards from a short list instead of
  being tested inside the loop, and the threshold is scanned only where one is near it;
- plastic rows replay only the post spikes since their last pre spike, from a shared log.
"""

from __future__ import annotations

import ctypes
import zlib
from functools import cache
from pathlib import Path

from numba import cfunc, types
from numba.extending import intrinsic

from neuromem.backends.native.arena import (
    DUE,
    F_FIELDS,
    G_FIELDS,
    H_FIRED,
    H_GROUPS,
    H_LEARNERS,
    H_N_FIRED,
    H_POP_F,
    H_POP_I,
    H_PROJ_F,
    H_PROJ_I,
    H_SENDERS,
    H_TOUCHED,
    K_CELLS,
    K_EVENTS,
    K_F,
    K_FIRST_CELL,
    K_GROUPS,
    K_HOLDS,
    K_LEARNERS,
    K_LOG,
    K_LOG_ROOM,
    K_MOST_LAG,
    K_N_LOGGED,
    K_NEURONS,
    K_PENDING,
    K_POPULATIONS,
    K_POSTS,
    K_PROJECTIONS,
    K_RING,
    K_TICK,
    K_TICKS,
    K_WHEN,
    K_WHO,
    P_FIELDS,
    P_START,
    Q_DATA,
    Q_FIELDS,
    Q_HIST_N,
    Q_HIST_ROOM,
    Q_POST_POP,
    Q_POST_START,
    Q_POST_STOP,
    Q_PRE_START,
    Q_PRE_STOP,
    Q_STRIDE,
)
from neuromem.backends.native.kernel_neurons import advance_population
from neuromem.backends.native.kernel_synapses import (
    deliver_projection,
    remember_posts,
    replay,
    touch,
)

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


def _pointer(kind):
    """Return the compiled function that takes an address for a pointer of some kind."""

    @intrinsic
    def at(_, address):
        def lowered(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(kind))

        return kind(types.int64), lowered

    return at


_floats_at, _ints_at, _short_ints_at = map(_pointer, (_FLOATS, _INTS, _SHORT_INTS))


def _compiled_run(sources: int):
    @cfunc(types.int64(_INTS), cache=True, error_model="numpy")
    def run(k):
        """Run up to ``k[K_TICKS]`` ticks; returns how many (fewer when a log is full).

        The input spikes are sorted, and come again ``k[K_HOLDS]`` times, each a tick later.
        """
        f, h, log = _floats_at(k[K_F]), _short_ints_at(k[K_POSTS]), _short_ints_at(k[K_LOG])
        when, who, n_events = _ints_at(k[K_WHEN]), _ints_at(k[K_WHO]), k[K_EVENTS]
        first_cell, n_holds, n_ticks = k[K_FIRST_CELL], k[K_HOLDS], k[K_TICKS]
        cells, ring, neurons = k[K_CELLS], k[K_RING], k[K_NEURONS]
        n_pop, n_groups = k[K_POPULATIONS], k[K_GROUPS]
        event = 0
        held = 0
        tick = k[K_TICK] if sources >= 0 else 0
        stop = tick + n_ticks
        last_busy = checked = tick
        lag_until = tick + k[K_MOST_LAG]
        n_fired_at, fired_at, touched_at = k[H_N_FIRED], k[H_FIRED], k[H_TOUCHED]
        populations, populations_f = k[H_POP_I], k[H_POP_F]
        projections, projections_f = k[H_PROJ_I], k[H_PROJ_F]
        n_projections, senders = k[K_PROJECTIONS], k[H_SENDERS]
        n_learners, learners = k[K_LEARNERS], k[H_LEARNERS]
        while tick < stop:
            if tick == checked:
                # How many ticks fit into the logs even if every cell fires in each.
                room = (k[K_LOG_ROOM] - k[K_N_LOGGED]) // cells
                for m in range(n_learners):
                    q = k[learners + m]
                    width = k[q + Q_POST_STOP] - k[q + Q_POST_START]
                    room = min(room, (k[q + Q_HIST_ROOM] - k[q + Q_HIST_N]) // width)
                if room < 1:
                    break
                checked = tick + room
            slot = tick & (ring - 1)
            fired = fired_at + slot * cells
            n_fired = n_fired_at + slot * n_groups
            touched = touched_at + slot * n_pop
            touched_next = touched_at + ((tick + 1) & (ring - 1)) * n_pop
            busy = k[K_PENDING] > 0
            n_logged = k[K_N_LOGGED]
            for p in range(n_pop):
                flag = k[touched + p]
                k[n_fired + p] = 0
                if flag != 0:
                    k[touched + p] = 0
                    k[K_PENDING] -= 1
                    row = populations + p * P_FIELDS
                    k[n_fired + p], again = advance_population(
                        f, k, log, row, populations_f + p * F_FIELDS, flag, slot * neurons,
                        fired + k[row + P_START], tick,
                    )  # fmt: skip
                    if again:
                        touch(k, touched_next + p, DUE)
            for group in range(n_pop, n_groups):
                k[n_fired + group] = 0
            group = n_pop
            while event < n_events and when[event] + held == tick:
                # The source cells of one tick are sorted, so those of a group lie together.
                cell = first_cell + who[event]
                while cell >= k[k[H_GROUPS] + group + 1]:
                    group += 1
                first = k[k[H_GROUPS] + group]
                k[fired + first + k[n_fired + group]] = cell - first
                k[n_fired + group] += 1
                log[2 * k[K_N_LOGGED]] = tick
                log[2 * k[K_N_LOGGED] + 1] = cell
                k[K_N_LOGGED] += 1
                event += 1
                busy = True
            if event == n_events and held + 1 < n_holds:
                event = 0
                held += 1
            if k[K_N_LOGGED] > n_logged:
                lag_until = tick + k[K_MOST_LAG]
                for m in range(n_learners):
                    q = k[learners + m]
                    if k[n_fired + k[q + Q_POST_POP]] > 0:
                        remember_posts(k, h, q, tick)
            if k[K_N_LOGGED] > n_logged or tick <= lag_until:
                for m in range(n_projections):
                    back = (tick - k[senders + 2 * m + 1]) & (ring - 1)
                    if k[n_fired_at + back * n_groups + k[senders + 2 * m]] > 0:
                        q, g = projections + m * Q_FIELDS, projections_f + m * G_FIELDS
                        deliver_projection(f, k, h, q, g, tick)
            tick += 1
            if busy:
                last_busy = tick
            elif tick - last_busy > ring:
                # Everything sleeps and no spike is on its way: jump to the next input.
                tick = stop if event >= n_events else min(stop, when[event] + held)
                checked = tick
        k[K_TICK] = tick
        return tick - (stop - n_ticks)

    return run


def _compiled_settle(sources: int):
    @cfunc(types.void(_INTS, types.int64, types.int64), cache=True, error_model="numpy")
    def settle(k, part, now):
        f, h = _floats_at(k[K_F]), _short_ints_at(k[K_POSTS])
        q, g = k[H_PROJ_I] + part * Q_FIELDS, k[H_PROJ_F] + part * G_FIELDS
        rows = k[q + Q_PRE_STOP] - k[q + Q_PRE_START] if sources >= 0 else 0
        for i in range(rows):
            replay(f, k, h, q, g, i, k[q + Q_DATA] + i * k[q + Q_STRIDE], now)

    return settle


# Called with plain addresses, which costs less than converting arrays; the GIL is released.
_run = _compiled_run(_digest())
run = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(_run.address)


@cache
def settle():
    """Return the function that applies all pending potentiation of a part, moving no cursor.

    It takes the address of ``k``, the part's number and the tick. Compiled when first asked for.
    """
    compiled = _compiled_settle(_digest())
    function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(
        compiled.address
    )
    function.keep = compiled  # type: ignore[attr-defined]
    return function

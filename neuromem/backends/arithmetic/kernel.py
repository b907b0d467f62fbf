"""The board's tick, compiled by numba when this module is first imported, and cached.

1. What the ring buffers hold for this tick becomes input; a slot stays at its largest value.
2. Every neuron advances, and fires in the tick that takes it to the threshold.
3. Spikes go into the ring buffers of their targets. At a pre spike each of its plastic synapses
   first takes the post spikes since the last one, then the pre spike:

       w <- min(w + A+ (r e+[t_post - t_last] >> 11), w_max)      for every post spike
       w <- max(w - A- (o e-[t - t_post] >> 11), w_min)           for the latest post spike

   with the traces r of the pre and o of the post neuron and tables e of a decay, which have 11
   fractional bits. With nearest pairing the traces are 1, and only the first post spike
   potentiates. A weight is widened to 15 fractional bits for this, and cut to its 16 bits after it.

A post neuron remembers 16 entries, the first of which stands for time 0: 15 spikes. A product of
two numbers is rounded down. Sums of weights are never negative and stay at a limit, so that the
order of the spikes in a tick does not matter.

What makes it fast, bit for bit:

- numbers have 32 bits and weights 16, in contiguous rows: loops are vectorised, and a sum that is
  the same for all targets is made once;
- a population without a current that cannot fire by itself is left alone until something arrives,
  and is then advanced by those ticks at once, or by fewer where one changes nothing; a network of
  such populations jumps to its next input;
- a plastic row takes the post spikes since its last pre spike from a log of its post population;
  what a pre spike lowers is found once for all rows of a tick.

Source: sPyNNaker 7.4.1, ``neuron_impl_standard.h``, ``neuron_model_lif_impl.h``, ``synapses.c``,
``exp_synapse_utils.h``, ``input_type_delta.h``, ``synapse_dynamics_stdp_mad_impl.c``,
``post_events.h``, ``timing_pair_impl.h``, ``timing_nearest_pair_impl.h`` and
``weight_additive_one_term_impl.h``.
"""

from __future__ import annotations

import ctypes
import zlib
from pathlib import Path

from numba import cfunc, types

from neuromem.backends.arithmetic.arena import (
    H_FIRED,
    K_GROUP_ROWS,
    K_GROUPS,
    K_LOG,
    K_LOG_ROOM,
    K_N_FIRED,
    K_NEURONS,
    K_PART_ROWS,
    K_PARTS,
    K_PENDING,
    K_POP_ROWS,
    K_POPULATIONS,
    K_TICK,
    P_DUE,
    P_FIELDS,
    P_HISTORY_N,
    P_HISTORY_ROOM,
    P_LEARNS,
    P_SIZE,
    P_SLOTS,
    P_TOUCHED,
    Q_FIELDS,
    Q_PRE,
)
from neuromem.backends.arithmetic.kernel_neurons import advance_population, catch_up
from neuromem.backends.arithmetic.kernel_synapses import deliver_part, remember

_LONGS, _INTS = types.CPointer(types.int64), types.CPointer(types.int32)
_SHORTS = types.CPointer(types.uint16)
#: What the compiled kernel depends on.
_SOURCES = ("arena.py", "kernel.py", "kernel_neurons.py", "kernel_synapses.py", "synapses.py")


def _digest() -> int:
    """Return a checksum of the kernel's sources, which makes it part of the cache's key.

    numba caches machine code by the text of one file; the layout and the helpers lie in others.
    """
    folder = Path(__file__).parent
    return zlib.crc32(b"".join((folder / name).read_bytes() for name in _SOURCES))


def _compiled_run(sources: int):
    signature = types.int64(_LONGS, _INTS, _SHORTS, _INTS, _INTS, _INTS, types.int64, types.int64)

    @cfunc(signature, cache=True, error_model="numpy")
    def run(k, i, w, h, log, events, n_events, n_ticks):
        """Run up to ``n_ticks``; returns how many were run (fewer when a log is full).

        ``log`` takes the (tick, neuron) of every spike; ``events`` are the input spikes as
        (tick, cell) pairs, sorted.
        """
        n_pop, n_groups, n_parts = k[K_POPULATIONS], k[K_GROUPS], k[K_PARTS]
        n_fired, cells, fired = k[K_N_FIRED], k[K_GROUP_ROWS], k[H_FIRED]
        event = 0
        tick = k[K_TICK] if sources >= 0 else 0
        stop = tick + n_ticks
        checked = tick
        while tick < stop:
            if tick == checked:
                # How many ticks fit into the logs even if every neuron fires in each.
                room = (k[K_LOG_ROOM] - k[K_LOG]) // max(k[K_NEURONS], 1)
                for number in range(n_pop):
                    p = k[K_POP_ROWS] + number * P_FIELDS
                    if k[p + P_LEARNS]:
                        left = k[p + P_HISTORY_ROOM] - k[p + P_HISTORY_N]
                        room = min(room, left // k[p + P_SIZE])
                if room < 1:
                    break
                checked = tick + room
            busy = k[K_PENDING] > 0
            n_spikes = 0
            for number in range(n_pop):
                k[n_fired + number] = 0
                p = k[K_POP_ROWS] + number * P_FIELDS
                slot = tick & (k[p + P_SLOTS] - 1)
                touched = k[p + P_TOUCHED] + slot
                flag = i[touched]
                if flag != 0:
                    i[touched] = 0
                    k[K_PENDING] -= 1
                elif k[p + P_DUE] == 0:
                    continue
                first = fired + k[cells + number]
                n, due = advance_population(i, k, log, p, flag, slot, first, tick)
                k[p + P_DUE] = due
                k[n_fired + number] = n
                if n > 0 and k[p + P_LEARNS]:
                    remember(i, k, h, p, first, n, tick)
                n_spikes += n
                busy = True
            for group in range(n_pop, n_groups):
                k[n_fired + group] = 0
            group = n_pop
            while event < n_events and events[2 * event] == tick:
                # The source cells of one tick are sorted, so those of a group lie together.
                cell = events[2 * event + 1]
                while cell >= k[cells + group + 1]:
                    group += 1
                first = k[cells + group]
                i[fired + first + k[n_fired + group]] = cell - first
                k[n_fired + group] += 1
                event += 1
                n_spikes += 1
                busy = True
            if n_spikes > 0:
                for number in range(n_parts):
                    q = k[K_PART_ROWS] + number * Q_FIELDS
                    if k[n_fired + k[q + Q_PRE]] > 0:
                        deliver_part(i, k, w, h, q, tick)
            tick += 1
            if not busy:
                # Everything rests and no spike is on its way: jump to the next input.
                tick = stop if event >= n_events else min(stop, events[2 * event])
                checked = tick
        for number in range(n_pop):
            catch_up(i, k, k[K_POP_ROWS] + number * P_FIELDS, tick)
        k[K_TICK] = tick
        return tick - (stop - n_ticks)

    return run


# Called with plain addresses, which costs less than converting arrays; the GIL is released.
_run = _compiled_run(_digest())
run = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_void_p] * 6, ctypes.c_int64, ctypes.c_int64)(
    _run.address
)

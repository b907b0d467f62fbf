"""The fast engine's steps of a group of samples, compiled by numba when first asked for, cached.

Weights lie in blocks of 32 neurons (64 where they have 8 bits). The rows of one block are
contiguous, and a tile of them fits the second level of cache: it is read through once, and then
serves every sample of the group before the next is taken. The input has no feedback, so a block's
currents are summed for several steps at once; with recurrence the samples of the group go through
a step together.

The arithmetic is that of the reference engine in the same order, to the last bit. Layouts, where
W is a block's width and S the number of samples:

- weights: [block][row][W];
- currents: [block][step of this call][S or one more][W]; membrane and trace: [block][S][W];
- ``masks``, the neurons that fired as bits: [block][S];
- ``fired``, the same as ascending numbers: sample after sample, tile of rows after tile, with
  ``starts`` saying where each of them begins.
"""

from __future__ import annotations

import ctypes
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from numba import cfunc, njit, types

from neuromem.backends.reservoir.kernel_rows import (
    INLINE,
    JIT,
    take_fired,
    take_inputs,
    width_at,
)
from neuromem.backends.reservoir.kernel_vectors import bit_count, fire, lowest_bit, moved
from neuromem.backends.reservoir.layout import (
    AT_ONCE,
    BINS,
    COUNT,
    FIRST,
    FULL,
    LAST,
    LATENCY,
    MEMBRANE,
    NEURONS,
    PADDED,
    RECURRENT,
    ROOM,
    SAMPLES,
    TILE,
    TRACE,
    TRACE_DECAY,
)

_SOURCES = ("kernel.py", "kernel_rows.py", "kernel_vectors.py", "layout.py")
_F32, _I64 = types.CPointer(types.float32), types.CPointer(types.int64)
_I32, _U16 = types.CPointer(types.int32), types.CPointer(types.uint16)
_U64, _I8 = types.CPointer(types.uint64), types.CPointer(types.int8)
_ONE = np.uint64(1)

fire_64, fire_32, fire_16, fire_8 = (fire(width) for width in (64, 32, 16, 8))


@cache
def run():
    """Return the compiled function; it takes addresses, in the order of ``_compiled``'s ``run``."""
    compiled = _compiled(_digest())
    function = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 19)(compiled.address)
    function.keep = compiled  # type: ignore[attr-defined]
    return function


def _digest() -> int:
    """Return a checksum of the kernel's sources: numba's cache sees only one file of them."""
    folder = Path(__file__).parent
    return zlib.crc32(b"".join((folder / name).read_bytes() for name in _SOURCES))


@njit(**INLINE)
def _fire(current, v, decay, thresh, width):
    if width == 64:
        return fire_64(current, v, decay, thresh)
    if width == 32:
        return fire_32(current, v, decay, thresh)
    if width == 16:
        return fire_16(current, v, decay, thresh)
    return fire_8(current, v, decay, thresh)


@njit(**JIT)
def _list_fired(k, masks, fired, starts):
    """Turn the masks of a step into lists."""
    samples, padded = k[SAMPLES], k[PADDED]
    n = part = 0
    for s in range(samples):
        start = block = next_tile = 0
        while start < padded:
            if start == next_tile:
                starts[part] = n
                part += 1
                next_tile += k[TILE]
            bits = masks[block * samples + s]
            end = n + bit_count(bits)
            for i in range(AT_ONCE):
                fired[n + i] = start + lowest_bit(bits)
                bits &= bits - _ONE
            n += AT_ONCE
            while bits != 0:
                fired[n] = start + lowest_bit(bits)
                bits &= bits - _ONE
                n += 1
            n = end
            start += width_at(start, padded, k[FULL])
            block += 1
    starts[part] = n


@njit(**JIT)
def _keep_block(k, last, length, width, n, u, bits, d_trace, trace, membranes, traces):
    """Take a step of n neurons of one block and sample into the membrane and the trace."""
    if k[MEMBRANE]:
        for j in range(n):
            membranes[j] += u[j]
        if last:
            for j in range(n):
                membranes[j] /= np.float32(length)
    if k[TRACE]:
        for j in range(width):
            trace[j] *= d_trace
        while bits != 0:
            trace[lowest_bit(bits)] += np.float32(1)
            bits &= bits - _ONE
        if last:
            for j in range(n):
                traces[j] = trace[j]


@njit(**INLINE)
def _keep_spikes(k, length, since, fired, n, counts, latencies):
    """Take the spikes of one step and sample into count and latency."""
    if k[COUNT]:
        for i in range(n):
            counts[fired[i]] += np.uint16(1)
    if k[LATENCY]:
        for i in range(n):
            if latencies[fired[i]] == length:
                latencies[fired[i]] = since


def _compiled(sources: int):
    @cfunc(
        types.void(_I64, _I64, _I64, _I32, _I8, _I8, _F32, _F32, _F32, _F32, _F32, _U64, _I32,
                   _I64, _F32, _U16, _F32, _F32, _U16),
        cache=True, error_model="numpy",
    )  # fmt: skip
    def run(k, edges, offsets, channel, w_in, w_rec, decay, thresh, numbers, currents, v,
            masks, fired, starts, trace, counts, membranes, traces, latencies):  # fmt: skip
        """Run the samples from step FIRST to LAST."""
        padded, neurons, samples = k[PADDED], k[NEURONS], k[SAMPLES]
        span = k[LAST] - k[FIRST] if sources >= 0 else 0
        tiles = (neurons + k[TILE] - 1) // k[TILE]
        take_inputs(k, offsets, channel, w_in, currents, numbers)
        bin_now = 0
        for t in range(k[FIRST], k[LAST]):
            while edges[bin_now + 1] <= t:
                bin_now += 1
            length, since = edges[bin_now + 1] - edges[bin_now], t - edges[bin_now]
            start = block = 0
            while start < padded:
                width = width_at(start, padded, k[FULL])
                at = moved(currents, (span * start + (t - k[FIRST]) * width) * k[ROOM])
                if k[RECURRENT]:
                    take_fired(k, w_rec, at, fired, starts, start, width, numbers)
                block_v, block_trace = moved(v, samples * start), moved(trace, samples * start)
                d, th = moved(decay, start), moved(thresh, start)
                for s in range(samples):
                    u = moved(at, s * width)
                    bits = _fire(u, moved(block_v, s * width), d, th, width)
                    masks[block * samples + s] = bits
                    if k[MEMBRANE] or k[TRACE]:
                        out = (s * k[BINS] + bin_now) * neurons + start
                        _keep_block(k, since + 1 == length, length, width,
                                    min(width, neurons - start), u, bits, numbers[TRACE_DECAY],
                                    moved(block_trace, s * width), moved(membranes, out),
                                    moved(traces, out))  # fmt: skip
                start += width
                block += 1
            _list_fired(k, masks, fired, starts)
            if k[COUNT] or k[LATENCY]:
                for s in range(samples):
                    first, out = starts[s * tiles], (s * k[BINS] + bin_now) * neurons
                    _keep_spikes(k, length, since, moved(fired, first),
                                 starts[(s + 1) * tiles] - first, moved(counts, out),
                                 moved(latencies, out))  # fmt: skip

    return run

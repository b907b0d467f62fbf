"""The fast engine's one costly act: adding rows of weights to currents. See ``kernel.py``."""

from __future__ import annotations

import numpy as np
from numba import njit

from neuromem.backends.reservoir.kernel_vectors import as_floats, moved, sum_rows, sum_rows_int8
from neuromem.backends.reservoir.layout import (
    CHANNELS,
    FIRST,
    FULL,
    INT8,
    LAST,
    LINE,
    NEURONS,
    PADDED,
    ROOM,
    SAMPLES,
    SCALE_IN,
    SCALE_REC,
    SINK,
    STEPS,
    TILE,
)

JIT = {"error_model": "numpy"}
INLINE = {**JIT, "forceinline": True}

_floats_32, _floats_16, _floats_8 = (sum_rows(width) for width in (32, 16, 8))
_bytes_64, _bytes_32, _bytes_16, _bytes_8 = (sum_rows_int8(width) for width in (64, 32, 16, 8))


@njit(**INLINE)
def width_at(start, padded, full):
    """Return how wide the block is that begins at ``start``."""
    left = padded - start
    if left >= full:
        return full
    return 32 if left >= 32 else 16 if left >= 16 else 8


@njit(**INLINE)
def _add(current, weights, rows, n, fresh, width, int8, scale):
    if int8:
        if width == 64:
            _bytes_64(current, weights, rows, n, fresh, scale)
        elif width == 32:
            _bytes_32(current, weights, rows, n, fresh, scale)
        elif width == 16:
            _bytes_16(current, weights, rows, n, fresh, scale)
        else:
            _bytes_8(current, weights, rows, n, fresh, scale)
    elif width == 32:
        _floats_32(current, as_floats(weights), rows, n, fresh)
    elif width == 16:
        _floats_16(current, as_floats(weights), rows, n, fresh)
    else:
        _floats_8(current, as_floats(weights), rows, n, fresh)


@njit(**INLINE)
def _read_through(weights, n):
    """Bring n bytes into the cache in order: faster than row by row, as they come to be used."""
    floats = as_floats(weights)
    total = np.float32(0)
    for i in range(0, n // 4, LINE // 4):
        total += floats[i]
    return total


@njit(**JIT)
def take_inputs(k, offsets, channel, w_in, currents, numbers):
    """Sum the input rows over all samples and the steps of this call."""
    samples, first, span, padded = k[SAMPLES], k[FIRST], k[LAST] - k[FIRST], k[PADDED]
    spikes = offsets[samples * k[STEPS]] - offsets[0]
    item, room = 1 if k[INT8] else 4, k[ROOM]
    start = 0
    while start < padded:
        width = width_at(start, padded, k[FULL])
        weights = moved(w_in, item * k[CHANNELS] * start)
        if spikes * span > k[CHANNELS] * k[STEPS]:
            numbers[SINK] = _read_through(weights, item * k[CHANNELS] * width)
        for s in range(samples):
            for t in range(span):
                at = s * k[STEPS] + first + t
                current = moved(currents, span * room * start + (t * room + s) * width)
                rows, n = moved(channel, offsets[at]), offsets[at + 1] - offsets[at]
                _add(current, weights, rows, n, True, width, k[INT8], numbers[SCALE_IN])
        start += width


@njit(**JIT)
def take_fired(k, w_rec, currents, fired, starts, start, width, numbers):
    """Add the recurrent rows of one block for all samples."""
    samples, n = k[SAMPLES], k[NEURONS]
    tiles = (n + k[TILE] - 1) // k[TILE]
    item = 1 if k[INT8] else 4
    weights = moved(w_rec, item * n * start)
    for tile in range(tiles):
        if starts[samples * tiles] > n:
            first, last = tile * k[TILE], min(n, (tile + 1) * k[TILE])
            part = moved(weights, item * first * width)
            numbers[SINK] = _read_through(part, item * (last - first) * width)
        for s in range(samples):
            at = starts[s * tiles + tile]
            current, rows = moved(currents, s * width), moved(fired, at)
            more = starts[s * tiles + tile + 1] - at
            _add(current, weights, rows, more, False, width, k[INT8], numbers[SCALE_REC])

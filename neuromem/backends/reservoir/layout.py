"""Where things lie in what the compiled kernel is given."""

from __future__ import annotations

#: Sizes passed to the kernel, by position.
(
    SAMPLES, STEPS, FIRST, LAST, CHANNELS, NEURONS, PADDED, ROOM, BINS, RECURRENT, INT8, FULL, TILE,
    COUNT, MEMBRANE, TRACE, LATENCY,
) = range(17)  # fmt: skip
N_SIZES = 17
#: Numbers passed to the kernel: room to put anything, the trace's decay, scales of int8 weights.
SINK, TRACE_DECAY, SCALE_IN, SCALE_REC = range(4)
N_NUMBERS = 4
#: Neurons of a full block, by precision; narrower ones are only at the end.
WIDEST = {"float32": 32, "int8": 64}
NARROW = (32, 16, 8)
#: Rows of float32 that are added for all samples before the next rows: 256 KiB of a full block.
TILE_ROWS = 2048
#: Fired neurons of a block written at once, whether there are as many or not.
AT_ONCE = 4
#: What is added to weights of 8 bits, so that none is negative.
BIAS = 128
#: Bytes in a line of the cache.
LINE = 64


def blocks(neurons: int, full: int) -> list[tuple[int, int]]:
    """Return (first neuron, width) of each block; the last may reach beyond the neurons."""
    start, found = 0, []
    padded = -(-neurons // NARROW[-1]) * NARROW[-1]
    while start < padded:
        left = padded - start
        found.append((start, next(w for w in (full, *NARROW) if w <= left)))
        start += found[-1][1]
    return found

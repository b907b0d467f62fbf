"""The fast engine: weights laid out in blocks, and groups of samples run by the compiled kernel."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np

from neuromem.backends.reservoir import kernel
from neuromem.backends.reservoir import layout as at
from neuromem.backends.reservoir.features import OUTPUTS, Features, Readout
from neuromem.backends.reservoir.quantised import Quantised
from neuromem.backends.reservoir.reservoir import Reservoir
from neuromem.network import SpikeBatch

#: Steps whose input is summed at once, and the most floats that the buffer of it may have.
SPAN = 32
CURRENTS = 6 << 20


def group_size(neurons: int) -> int:
    """Return how many samples are to go through a step together.

    The more, the more often a cached tile is used; the fewer, the less memory. On an AMD EPYC, half
    as many cost up to a tenth at 1,000 neurons and a fifth at 5,000; twice as many gained nothing.
    """
    return 128 if neurons < 2048 else 256


class Layout:
    """A reservoir's arrays as the kernel takes them: padded, and the weights in blocks."""

    def __init__(self, reservoir: Reservoir, precision: str) -> None:
        self.neurons = n = reservoir.neurons
        self.int8 = precision == "int8"
        self.full = at.WIDEST[precision]
        self.blocks = at.blocks(n, self.full)
        self.padded = sum(self.blocks[-1])
        # Sums of int8 are whole until all rows are in: they are not taken apart.
        self.tile = n if self.int8 else at.TILE_ROWS
        self.tiles = -(-n // self.tile)
        self.numbers = np.zeros(at.N_NUMBERS, dtype=np.float32)
        self.w_in = self._packed(reservoir.w_in, at.SCALE_IN)
        self.recurrent = reservoir.w_rec is not None
        self.w_rec = self.w_in[:0]
        if reservoir.w_rec is not None:
            self.w_rec = self._packed(reservoir.w_rec, at.SCALE_REC)
        self.decay, self.v_thresh = np.zeros((2, self.padded), dtype=np.float32)
        # What pads the last block never fires.
        self.v_thresh[:] = np.inf
        self.decay[:n], self.v_thresh[:n] = reservoir.decay, reservoir.v_thresh

    def _packed(self, weights: np.ndarray, scale: int) -> np.ndarray:
        """Return the rows of one block after those of the other, padded by zeros."""
        if self.int8:
            quantised = Quantised.of(weights)
            weights, self.numbers[scale] = quantised.values, quantised.scale
        rows = len(weights)
        packed = aligned(rows * self.padded, np.uint8 if self.int8 else np.float32)
        for start, width in self.blocks:
            part = np.zeros((rows, width), dtype=weights.dtype)
            part[:, : self.neurons - start] = weights[:, start : start + width]
            if self.int8:
                # The low byte of a word is of the block's first half, the high one of the second.
                part = part.reshape(rows, 2, width // 2).transpose(0, 2, 1) + np.int16(at.BIAS)
            block = packed[rows * start : rows * (start + width)]
            block[:] = part.reshape(-1)
        return packed


#: Layouts are kept as long as their reservoirs live.
_LAYOUTS: WeakKeyDictionary[Reservoir, dict[str, Layout]] = WeakKeyDictionary()


class FastEngine:
    """A reservoir ready to run samples on any number of threads, each with a ``Workspace``."""

    def __init__(
        self, reservoir: Reservoir, batch: SpikeBatch, readout: Readout, precision: str
    ) -> None:
        layouts = _LAYOUTS.setdefault(reservoir, {})
        if precision not in layouts:
            layouts[precision] = Layout(reservoir, precision)
        self.layout = layouts[precision]
        self.batch, self.readout = batch, readout
        self.kernel = kernel.run()


class Workspace:
    """What one thread needs to run groups of up to ``samples`` samples, one after the other."""

    def __init__(self, engine: FastEngine, samples: int) -> None:
        self.engine = engine
        layout = engine.layout
        size = samples * layout.padded
        self.span = max(1, min(engine.batch.steps, SPAN, CURRENTS // size))
        # An odd number of samples apart: steps of a power of two would share few sets of the cache.
        self.room = samples | 1
        self.currents = aligned(self.span * self.room * layout.padded, np.float32)
        self.v, self.trace = aligned(size, np.float32), aligned(size, np.float32)
        self.masks = np.empty(samples * len(layout.blocks), dtype=np.uint64)
        self.fired = np.empty(size + at.AT_ONCE, dtype=np.int32)
        self.starts = np.empty(samples * layout.tiles + 1, dtype=np.int64)
        self.numbers = layout.numbers.copy()
        self.sizes = np.zeros(at.N_SIZES, dtype=np.int64)

    def run(self, first: int, last: int, features: Features, stopped: Callable[[], bool]) -> None:
        """Run the samples ``first..last-1``; give up between steps once stopped."""
        engine, layout, k = self.engine, self.engine.layout, self.sizes
        batch, readout = engine.batch, engine.readout
        for state in (self.v, self.trace, self.starts):
            state[:] = 0
        self.numbers[at.TRACE_DECAY] = readout.trace_decay
        k[: at.COUNT] = (
            last - first, batch.steps, 0, 0, batch.channels, layout.neurons, layout.padded,
            self.room, readout.bins, layout.recurrent, layout.int8, layout.full, layout.tile,
        )  # fmt: skip
        k[at.COUNT :] = [name in features for name in OUTPUTS]
        outputs = [features[name][first:] if name in features else k for name in OUTPUTS]
        arrays = (
            k, readout.edges, batch.offsets[first * batch.steps :], batch.channel, layout.w_in,
            layout.w_rec, layout.decay, layout.v_thresh, self.numbers, self.currents, self.v,
            self.masks, self.fired, self.starts, self.trace, *outputs,
        )  # fmt: skip
        addresses = [array.ctypes.data for array in arrays]
        for step in range(0, batch.steps, self.span):
            if stopped():
                return
            k[at.FIRST], k[at.LAST] = step, min(step + self.span, batch.steps)
            engine.kernel(*addresses)


def aligned(size: int, dtype: np.typing.DTypeLike) -> np.ndarray:
    """Return room that begins at a line of the cache, as blocks of weights must to be fast."""
    item = np.dtype(dtype).itemsize
    room = np.empty(size + at.LINE // item, dtype=dtype)
    first = -room.ctypes.data % at.LINE // item
    return room[first : first + size]

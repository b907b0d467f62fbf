"""What every contestant runs: recordings like N-MNIST's through one liquid.

The recordings are synthetic and seeded. Each has 4,150 events on 34 x 34 pixels and two polarities,
every event in a (step, line) of its own, so that lines are binary and the work is the same for any
number of steps. Time: three saccades of equal length, in each of which the rate rises and falls as
a squared sine on a floor. Space: a stroke of 12 soft blobs near the centre that moves along a
triangle of 3 pixels, one side a saccade, over even background noise of 3 % of the events.

The liquid: d = 0.9, threshold 1, dense weights, W_rec ~ N(0, 1/N), W_in ~ N(0, gain^2) with the
gain at which neurons fire in 5 % of the steps on average, found by bisection. All weights are
multiples of 2^-14. So every sum of them is exact in float32 whatever its order, and contestants
that compute ``d * v + sum`` in float32 return the very same counts. One that computes ``v - v / tau
+ sum`` rounds differently, unless d = 0.875, where v / 8 is exact: its counts are compared there.

A time is CPU time where one thread computes: on an idle machine that is wall time, and on a shared
one it is what wall time would have been. With several threads it is wall time, as threads that
wait for each other burn CPU time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import Protocol

import numpy as np

from neuromem.backends.reservoir import Reservoir, run_batch
from neuromem.network import SpikeBatch

SIDE, POLARITIES = 34, 2
CHANNELS = SIDE * SIDE * POLARITIES
EVENTS = 4150
NOISE = 0.03
DECAY, V_THRESH = 0.9, 1.0
#: A decay at which all ways to write the decay round alike.
EXACT_DECAY = 0.875
FIRING_RATE = 0.05
GRID = 2.0**-14
#: Time steps of a recording, but where they are varied.
STEPS = 100
SEED = 20240607
#: Samples and bisections by which the gain is found.
TRIED, HALVINGS = 24, 9


@dataclass(frozen=True)
class LiquidWorkload:
    """One size of the liquid with its recordings."""

    reservoir: Reservoir
    batch: SpikeBatch
    threads: int = 1

    @property
    def neurons(self) -> int:
        """N."""
        return self.reservoir.neurons

    @property
    def steps(self) -> int:
        """T."""
        return self.batch.steps

    @property
    def clock(self) -> Callable[[], float]:
        """What the time is read from (s)."""
        return process_time if self.threads == 1 else perf_counter

    @property
    def decay(self) -> float:
        """The factor d, as the contestants are given it."""
        return round(float(self.reservoir.decay[0]), 6)

    def at_exact_decay(self, samples: int) -> LiquidWorkload:
        """Return some of the recordings with the same weights at a decay that rounds alike."""
        old = self.reservoir
        decay = np.full(self.neurons, EXACT_DECAY)
        reservoir = Reservoir(old.w_in, old.w_rec, decay, old.v_thresh)
        return replace(self, reservoir=reservoir, batch=self.batch.part(0, samples))

    def on(self, threads: int) -> LiquidWorkload:
        """Return the same on that many threads."""
        return replace(self, threads=threads)


class LiquidContestant(Protocol):
    """One simulator, ready to run the first ``samples`` recordings."""

    compile_seconds: float
    samples: int

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return the seconds and the spikes of every neuron, (samples, N) or (N,) in all."""
        ...

    def close(self) -> None:
        """Free what the contestant holds."""
        ...


def liquid(neurons: int, steps: int, samples: int, threads: int = 1) -> LiquidWorkload:
    """Return a liquid of that size and its recordings."""
    batch = recordings(samples, steps)
    rng = np.random.default_rng([SEED, neurons])
    w_in = rng.standard_normal((CHANNELS, neurons), dtype=np.float32)
    w_rec = _on_grid(rng.standard_normal((neurons, neurons), np.float32) / np.sqrt(neurons))
    decay, v_thresh = np.full(neurons, DECAY), np.full(neurons, V_THRESH)
    few = batch.part(0, min(TRIED, samples))
    low, high = 0.0, 0.5
    reservoir = None
    for _ in range(HALVINGS):
        gain = (low + high) / 2
        reservoir = Reservoir(_on_grid(gain * w_in), w_rec, decay, v_thresh)
        rate = run_batch(reservoir, few)["count"].mean() / steps
        low, high = (gain, high) if rate < FIRING_RATE else (low, gain)
    assert reservoir is not None
    return LiquidWorkload(reservoir, batch, threads)


def recordings(samples: int, steps: int) -> SpikeBatch:
    """Return the recordings cut into steps."""
    rng = np.random.default_rng([SEED, 0])
    phase = 3 * (np.arange(steps) + 0.5) / steps
    rate = 0.15 + np.sin(np.pi * (phase % 1)) ** 2
    corners = np.array([(0, 0), (1.5, 3), (3, 0), (0, 0)]) - 1.5
    side, along = phase.astype(int), (phase % 1)[:, None]
    path = (1 - along) * corners[side] + along * corners[side + 1]
    offsets, channels = [np.zeros(1, np.int64)], []
    for _ in range(samples):
        density = rate[:, None] * _strokes(rng, path)
        keys = np.log(density) + rng.gumbel(size=density.shape)
        chosen = np.sort(np.argpartition(keys.ravel(), -EVENTS)[-EVENTS:])
        step, channel = np.divmod(chosen, CHANNELS)
        channels.append(channel)
        offsets.append(
            len(channels) * EVENTS - EVENTS + np.searchsorted(step, np.arange(steps), "right")
        )
    return SpikeBatch(np.concatenate(offsets), np.concatenate(channels), steps, CHANNELS)


def _strokes(rng: np.random.Generator, path: np.ndarray) -> np.ndarray:
    """Return where the events of one recording fall, (steps, lines), each step summing to 1."""
    blobs = np.clip(rng.uniform(11, 23, 2) + np.cumsum(rng.normal(0, 2.5, (12, 2)), axis=0), 8, 26)
    grid = np.arange(SIDE)
    # A blob is the product of its profiles along x and y.
    at = blobs + path[:, None]
    x, y = (np.exp(-((grid - at[..., i, None]) ** 2) / 3) for i in (0, 1))
    image = np.einsum("tbx,tby->txy", x, y).reshape(len(path), -1)
    image = (1 - NOISE) * image / image.sum(axis=1, keepdims=True) + NOISE / SIDE**2
    return np.tile(image / POLARITIES, POLARITIES)


def _on_grid(weights: np.ndarray) -> np.ndarray:
    return np.rint(weights / GRID) * GRID

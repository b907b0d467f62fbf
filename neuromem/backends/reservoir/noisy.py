"""Weights that change from step to step, and converters behind the columns, in numpy and scipy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from neuromem.backends.reservoir.features import Features, Readout
from neuromem.backends.reservoir.reference import CURRENTS, CurrentOf, advance, float_current
from neuromem.backends.reservoir.reservoir import Reservoir
from neuromem.network import SpikeBatch


class Stepper(Protocol):
    """Weights as they are read, one step after another."""

    def step(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return (w_in, w_rec) of the next step, float32; None where there is no recurrence."""
        ...


WeightsOfStep = Callable[[np.random.Generator], Stepper]
ColumnTransform = Callable[[np.ndarray], np.ndarray]


def run_noisy(
    reservoir: Reservoir,
    batch: SpikeBatch,
    readout: Readout,
    features: Features,
    precision: str,
    column_transform: ColumnTransform | None,
    weights_of_step: WeightsOfStep | None,
    group: int,
    rng: np.random.Generator,
    report: Callable[[int, int], object],
) -> None:
    """Run the samples group by group, each with a stepper and a generator of its own."""
    starts = range(0, batch.samples, group)
    for start, own_rng in zip(starts, rng.spawn(len(starts)), strict=True):
        stop = min(start + group, batch.samples)
        if weights_of_step is None:
            current_of = CURRENTS[precision](reservoir.w_in, reservoir.w_rec)
        else:
            current_of = _stepping(weights_of_step(own_rng), reservoir)
        if column_transform is not None:
            current_of = _transformed(current_of, column_transform)
        part = {name: array[start:stop] for name, array in features.items()}
        advance(reservoir, batch.part(start, stop), readout, part, current_of)
        report(stop, batch.samples)


def _stepping(stepper: Stepper, reservoir: Reservoir) -> CurrentOf:
    def current(inputs, fired: np.ndarray) -> np.ndarray:
        w_in, w_rec = stepper.step()
        w_in = _checked("w_in", w_in, reservoir.w_in.shape)
        if w_rec is not None:
            w_rec = _checked("w_rec", w_rec, (reservoir.neurons, reservoir.neurons))
        return float_current(w_in, w_rec)(inputs, fired)

    return current


def _checked(name: str, weights: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    if weights.shape != shape:
        raise ValueError(f"{name} of a step has shape {weights.shape}: must be {shape}")
    return np.asarray(weights, dtype=np.float32)


def _transformed(current_of: CurrentOf, transform: ColumnTransform) -> CurrentOf:
    def current(inputs, fired: np.ndarray) -> np.ndarray:
        return np.asarray(transform(current_of(inputs, fired)), dtype=np.float32)

    return current

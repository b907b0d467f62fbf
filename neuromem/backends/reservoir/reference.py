"""The reference engine in plain numpy and scipy, to be checked by eye: the oracle of the others.

The order of summation is part of the definition, because float32 sums depend on it:

1. a current starts at zero and takes the input rows of the step by ascending channel (a row twice
   where its line spiked twice), then the rows of the neurons that fired in the step before, by
   ascending neuron, one after the other;
2. u = d * v + current, where v is the membrane after the reset.

With int8 weights the rows of either matrix are summed as whole numbers, in any order, and
current = scale_in * sum_in + scale_rec * sum_rec.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neuromem.backends.reservoir.features import Features, Readout, Recorder
from neuromem.backends.reservoir.quantised import Quantised
from neuromem.backends.reservoir.reservoir import Reservoir
from neuromem.network import SpikeBatch

#: Gives the current (samples, N) of a step, of the input (samples, channels; sparse) and of who
#: fired in the step before (samples, N).
CurrentOf = Callable[..., np.ndarray]


def advance(
    reservoir: Reservoir,
    batch: SpikeBatch,
    readout: Readout,
    features: Features,
    current_of: CurrentOf,
) -> None:
    """Run all steps of a batch and fill its features."""
    inputs = input_rows(batch)
    recorder = Recorder(readout, features)
    v = np.zeros((batch.samples, reservoir.neurons), dtype=np.float32)
    fired = np.zeros(v.shape, dtype=bool)
    for t in range(batch.steps):
        u = reservoir.decay * v + current_of(inputs[t :: batch.steps], fired)
        fired = u > reservoir.v_thresh
        v = np.where(fired, np.float32(0), u)
        recorder.step(t, u, fired)


def float_current(w_in: np.ndarray, w_rec: np.ndarray | None) -> CurrentOf:
    """Return the current of float32 rows, summed in the order of the definition."""
    from scipy import sparse

    if w_rec is None:
        return lambda inputs, fired: inputs @ w_in
    rows = np.concatenate([w_in, w_rec])

    def current(inputs, fired: np.ndarray) -> np.ndarray:
        spikes = sparse.csr_array(fired.astype(np.float32))
        return sparse.hstack([inputs, spikes], format="csr") @ rows

    return current


def int8_current(w_in: np.ndarray, w_rec: np.ndarray | None) -> CurrentOf:
    """Return the current of 8-bit rows."""
    from scipy import sparse

    matrices = [Quantised.of(w) for w in (w_in, w_rec) if w is not None]
    wide = [(m.values.astype(np.int32), m.scale) for m in matrices]

    def current(inputs, fired: np.ndarray) -> np.ndarray:
        spikes = (inputs.astype(np.int32), sparse.csr_array(fired.astype(np.int32)))
        parts = [
            scale * (lines @ values).astype(np.float32)
            for lines, (values, scale) in zip(spikes, wide, strict=False)
        ]
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    return current


def input_rows(batch: SpikeBatch):
    """Return the input spikes as a sparse matrix of ones (samples * steps, channels)."""
    from scipy import sparse

    ones = np.ones(len(batch.channel), dtype=np.float32)
    shape = (batch.samples * batch.steps, batch.channels)
    return sparse.csr_array((ones, batch.channel, batch.offsets), shape=shape)


CURRENTS = {"float32": float_current, "int8": int8_current}


def run_part(
    reservoir: Reservoir, batch: SpikeBatch, readout: Readout, features: Features, precision: str
) -> None:
    """Run some samples and fill their features."""
    current_of = CURRENTS[precision](reservoir.w_in, reservoir.w_rec)
    advance(reservoir, batch, readout, features, current_of)

"""``native``: neuromem's own batched engine, with float32 or int8 weights."""

from __future__ import annotations

from time import perf_counter

import numpy as np

from contestants.liquid_workload import LiquidWorkload
from neuromem.backends.reservoir import run_batch


class NativeLiquid:
    """One call for all recordings: laying the weights out is part of the time."""

    def __init__(self, work: LiquidWorkload, precision: str = "float32") -> None:
        start = perf_counter()
        self.work, self.precision = work, precision
        self.samples = work.batch.samples
        run_batch(work.reservoir, work.batch.part(0, 1), precision=precision)
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return the seconds and the spikes of every neuron in every recording."""
        work = self.work
        start = work.clock()
        features = run_batch(
            work.reservoir, work.batch, precision=self.precision, threads=work.threads
        )
        return work.clock() - start, features["count"][:, 0]

    def close(self) -> None:
        """Nothing is held."""

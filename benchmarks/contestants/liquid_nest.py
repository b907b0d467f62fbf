"""``nest``: the liquid in NEST, at dt = 1 ms.

``iaf_psc_delta`` without refractory time is the liquid's neuron: its membrane decays by
exp(-dt / tau), jumps by the weights that arrive and is set to zero when it fires. NEST computes in
float64 where the liquid is float32, so a few spikes may differ.

The recordings are run one after the other; after each, a few silent steps let spikes in flight
arrive, and the membranes are set to zero. Timing: ``nest.Run`` alone, of all recordings; building,
``nest.Prepare`` and the setting are outside.
"""

from __future__ import annotations

import math
from itertools import pairwise
from time import perf_counter

import nest
import numpy as np
from threadpoolctl import threadpool_limits

from contestants.liquid_workload import DECAY, V_THRESH, LiquidWorkload
from neuromem.backends.reservoir import Reservoir

nest.verbosity = nest.VerbosityLevel.ERROR
#: Silent steps after a recording.
SILENCE = 10


class NestLiquid:
    """PyNEST; the network is built once, and time goes on from run to run."""

    def __init__(self, work: LiquidWorkload, most: int) -> None:
        start = perf_counter()
        self.work = work
        self.samples = min(most, work.batch.samples)
        with self._own_threads():
            self._build(work.reservoir)
        self.compile_seconds = perf_counter() - start

    def _build(self, reservoir: Reservoir) -> None:
        nest.ResetKernel()
        nest.set(resolution=1.0, local_num_threads=self.work.threads, print_time=False)
        self.neurons = nest.Create(
            "iaf_psc_delta",
            reservoir.neurons,
            {
                "C_m": 1.0, "E_L": 0.0, "V_m": 0.0, "V_reset": 0.0, "t_ref": 0.0,
                "tau_m": -1 / math.log(DECAY),
                # NEST fires at the threshold, the liquid above it.
                "V_th": math.nextafter(V_THRESH, math.inf),
            },
        )  # fmt: skip
        self.inputs = nest.Create("spike_generator", reservoir.channels)
        self.recorder = nest.Create("spike_recorder")
        for sources, weights in ((self.inputs, reservoir.w_in), (self.neurons, reservoir.w_rec)):
            assert weights is not None
            synapse = {"weight": weights.T.astype(np.float64), "delay": 1.0}
            nest.Connect(sources, self.neurons, "all_to_all", synapse)
        nest.Connect(self.neurons, self.recorder)
        self.first = min(self.neurons.tolist())

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return the seconds and the spikes of every neuron in every recording."""
        counts = np.zeros((self.samples, self.work.neurons), dtype=np.int64)
        seconds = 0.0
        for sample in range(self.samples):
            now = nest.biological_time
            self.neurons.V_m = 0.0
            self.inputs.set([{"spike_times": now + 1 + steps} for steps in self._trains(sample)])
            self.recorder.n_events = 0
            with self._own_threads():
                nest.Prepare()
                start = self.work.clock()
                nest.Run(float(self.work.steps + SILENCE))
                seconds += self.work.clock() - start
                nest.Cleanup()
            events = self.recorder.get("events")
            # A generator's spike at 1 arrives at 2, which ends the first step of the recording.
            kept = np.asarray(events["times"]) <= now + 1 + self.work.steps
            senders = np.asarray(events["senders"])[kept] - self.first
            counts[sample] = np.bincount(senders, minlength=self.work.neurons)
        return seconds * self.work.steps / (self.work.steps + SILENCE), counts

    def close(self) -> None:
        """Free the network."""
        with self._own_threads():
            nest.ResetKernel()

    def _own_threads(self) -> threadpool_limits:
        """NEST crashes where another library has asked OpenMP for another number of threads."""
        return threadpool_limits(self.work.threads, user_api="openmp")

    def _trains(self, sample: int) -> list[np.ndarray]:
        """Return the steps of every line's spikes."""
        step, line = np.nonzero(self.work.batch.part(sample, sample + 1).dense()[0])
        order = np.argsort(line, kind="stable")
        bounds = np.searchsorted(line[order], np.arange(self.work.batch.channels + 1))
        return [step[order][a:b].astype(float) for a, b in pairwise(bounds)]

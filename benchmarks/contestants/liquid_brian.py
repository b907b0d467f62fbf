"""``brian2-cpp``: the liquid as a standalone binary of Brian2, in float32.

Arriving weights are summed in a variable of their own, which the state update takes, so that the
arithmetic is the liquid's. The recordings follow each other with a few silent steps between, after
which all membranes are set to zero. Timing: the CPU time that the binary takes for its main loop,
read by two lines of code inserted before and after it.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import brian2 as b2
import numpy as np

from contestants.liquid_workload import DECAY, V_THRESH, LiquidWorkload

b2.prefs.logging.file_log = False

CLOCK = 'std::ofstream(brian::results_dir + "cpu.txt", std::ios::app) << std::clock() << std::endl;'
#: Silent steps after a recording.
SILENCE = 10
SCHEDULE = ["start", "synapses", "groups", "thresholds", "resets", "end"]


class BrianLiquid:
    """The compiled standalone binary."""

    def __init__(self, work: LiquidWorkload, most: int) -> None:
        start = perf_counter()
        self.work = work
        self.samples = min(most, work.batch.samples)
        self.folder = Path(tempfile.mkdtemp(prefix="liquid_speed_"))
        try:
            b2.prefs.core.default_float_dtype = np.float32
            b2.set_device("cpp_standalone", build_on_run=False)
            network, monitor = self._network()
            for slot in ("before_network_run", "after_network_run"):
                b2.device.insert_code(slot, CLOCK)
            # The spikes of a source arrive a step later: one step more.
            network.run((self.samples * self._period + 1) * b2.ms)
            b2.device.build(directory=str(self.folder), compile=True, run=False)
            self.files = [
                Path(b2.device.get_array_filename(monitor.variables[name])).name
                for name in ("i", "t")
            ]
        except BaseException:
            self.close()
            raise
        finally:
            b2.device.reinit()
            b2.set_device("runtime")
            b2.prefs.core.default_float_dtype = np.float64
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return the seconds and the spikes of every neuron in every recording."""
        results = self.folder / "results"
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir()
        subprocess.run(
            [str(self.folder / "main"), "--results_dir", f"{results}/"],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        before, after = (int(line) for line in (results / "cpu.txt").read_text().split())
        neurons = np.fromfile(results / self.files[0], dtype=np.int32)
        times = np.fromfile(results / self.files[1], dtype=np.float64)
        sample, step = np.divmod(np.rint(times * 1000).astype(int) - 1, self._period)
        counts = np.zeros((self.samples, self.work.neurons), dtype=np.int64)
        kept = step < self.work.steps
        np.add.at(counts, (sample[kept], neurons[kept]), 1)
        # POSIX fixes CLOCKS_PER_SEC at a million.
        return (after - before) / 1e6 * self.work.steps / self._period, counts

    def close(self) -> None:
        """Remove the build."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _period(self) -> int:
        return self.work.steps + SILENCE

    def _network(self) -> tuple[b2.Network, b2.SpikeMonitor]:
        work, reservoir = self.work, self.work.reservoir
        assert reservoir.w_rec is not None
        b2.defaultclock.dt = 1 * b2.ms
        neurons = b2.NeuronGroup(
            reservoir.neurons,
            "v : 1\narrived : 1\ndecay : 1 (shared, constant)",
            threshold=f"v > {V_THRESH}",
            reset="v = 0",
        )
        neurons.decay = DECAY
        neurons.run_regularly("v = decay * v + arrived\narrived = 0", when="groups")
        neurons.run_regularly("v = 0\narrived = 0", dt=self._period * b2.ms, when="end")
        dense = work.batch.part(0, self.samples).dense()
        sample, step, line = np.nonzero(dense)
        times = sample * self._period + step
        order = np.lexsort((line, times))
        inputs = b2.SpikeGeneratorGroup(reservoir.channels, line[order], times[order] * b2.ms)
        synapses = []
        for source, weights in ((inputs, reservoir.w_in), (neurons, reservoir.w_rec)):
            projection = b2.Synapses(source, neurons, "w : 1", on_pre="arrived_post += w")
            projection.connect()
            projection.w = weights.ravel()
            synapses.append(projection)
        monitor = b2.SpikeMonitor(neurons)
        network = b2.Network(neurons, inputs, monitor, *synapses)
        network.schedule = SCHEDULE
        return network, monitor

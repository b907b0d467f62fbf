"""``brian2-cpp`` and ``brian2-cython``: the memory in Brian2, with the board's tick.

The tick (arrivals, membrane, threshold, reset) is had by putting the synapses first in the
schedule, which costs one tick of delay that each pathway gives back, and by a state updater that
holds the current over the tick. Post spikes reach plastic synapses one tick later than pre spikes
do and are handled first, which makes the delay dendritic and lets dt = 0 depress. The spikes so
are the same as ours, neuron by neuron.

All neurons lie in one group, and all static synapses of one receptor and delay in one object: few
objects run and compile fastest. One monitor records all spikes.

Timing. ``brian2-cpp`` is built once; every run starts the compiled binary anew, and its time is
the CPU time that the binary takes for its main loop, read by two lines of code inserted before and
after it: loading and writing of results are left out. ``brian2-cython`` is compiled by a first run
of one tick; every further run begins from the stored state, and its time is the CPU time between
the first and the last report of ``Network.run``, which leaves out the preparation of the code.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from time import perf_counter, process_time

import brian2 as b2
import numpy as np

from contestants.workload import Workload
from neuromem.network import IF_curr_exp, Network, Population, Projection, STDPSynapse

b2.prefs.logging.file_log = False
b2.prefs.codegen.target = "cython"

SCHEDULE = ["start", "synapses", "groups", "thresholds", "resets", "end"]
NEURON = """
dv/dt = (rest + resistance * (ie - ii) - v) / tau_m : 1
die/dt = -ie / tau_e : 1
dii/dt = -ii / tau_i : 1
rest : 1 (constant)
reset : 1 (constant)
threshold : 1 (constant)
resistance : 1 (constant)
tau_m : second (constant)
tau_e : second (constant)
tau_i : second (constant)
decay_v : 1 (constant)
decay_e : 1 (constant)
decay_i : 1 (constant)
"""
TICK = """
_target = rest + resistance * (ie - ii)
v = v + int(not_refractory) * (_target - v) * (1 - decay_v)
ie = ie * decay_e
ii = ii * decay_i
"""
PLASTIC = """
w : 1
dpre_trace/dt = -pre_trace / tau_plus : 1 (event-driven)
dpost_trace/dt = -post_trace / tau_minus : 1 (event-driven)
"""
CLOCK = 'std::ofstream(brian::results_dir + "cpu.txt", std::ios::app) << std::clock() << std::endl;'


class _Brian:
    """Brian2's objects for one network."""

    def __init__(self, work: Workload) -> None:
        network = work.network
        b2.defaultclock.dt = 1 * b2.ms
        neurons = [p for p in network.populations if isinstance(p, Population)]
        self.start = dict(
            zip([p.name for p in neurons], np.cumsum([0] + [p.size for p in neurons]), strict=False)
        )
        self.neurons = _neurons(neurons)
        (source,) = (p for p in network.populations if not isinstance(p, Population))
        self.start[source.name] = 0
        ticks, lines = work.events.T
        inputs = b2.SpikeGeneratorGroup(source.size, lines, ticks * b2.ms)
        alike: dict[tuple, list[Projection]] = defaultdict(list)
        for projection in network.projections:
            driven = network.view(projection.pre).population is source
            delay = int(network.delays_ticks(projection)[0])
            rule = projection.synapse if projection.plastic else None
            alike[driven, projection.receptor_type, delay, rule].append(projection)
        synapses = [
            self._synapses(network, inputs if driven else self.neurons, delay, members)
            for (driven, _, delay, _), members in alike.items()
        ]
        self.monitor = b2.SpikeMonitor(self.neurons)
        self.network = b2.Network(self.neurons, inputs, self.monitor, *synapses)
        self.network.schedule = SCHEDULE

    def _synapses(
        self, network: Network, source: b2.Group, delay: int, members: list[Projection]
    ) -> b2.Synapses:
        """Return the synapses of projections that share source, receptor, delay and rule."""
        pairs, weights = [], []
        for projection in members:
            pre, post = network.view(projection.pre), network.view(projection.post)
            rows, columns = network.pairs(projection)
            rows = rows + pre.start + self.start[pre.population.name]
            columns = columns + post.start + self.start[post.population.name]
            pairs.append(np.stack([rows, columns]))
            weights.append(network.weights(projection))
        excitatory = members[0].receptor_type == "excitatory"
        neuron = network.view(members[0].post).population.neuron
        tau_ms = neuron.tau_syn_E_ms if excitatory else neuron.tau_syn_I_ms
        current = "ie_post" if excitatory else "ii_post"
        # The mean of the current over its first tick.
        gain = tau_ms * (1 - math.exp(-1 / tau_ms))
        # The synapses come first in a tick and so see a spike one tick after it was fired.
        earlier = (delay - 1) * b2.ms
        rule = members[0].synapse
        if isinstance(rule, STDPSynapse):
            synapses = b2.Synapses(
                source, self.neurons, PLASTIC,
                on_pre="w = clip(w - a_minus * post_trace, w_min, w_max)\n"
                f"{current} += gain * w\npre_trace += 1",
                on_post="w = clip(w + a_plus * pre_trace, w_min, w_max)\npost_trace += 1",
                delay={"pre": earlier, "post": delay * b2.ms},
                namespace={
                    "a_plus": rule.A_plus, "a_minus": rule.A_minus,
                    "w_min": rule.w_min, "w_max": rule.w_max, "gain": gain,
                    "tau_plus": rule.tau_plus_ms * b2.ms, "tau_minus": rule.tau_minus_ms * b2.ms,
                },
            )  # fmt: skip
            synapses.post.order, synapses.pre.order = 0, 1
            scale = 1.0
        else:
            synapses = b2.Synapses(
                source, self.neurons, "w : 1", on_pre=f"{current} += w", delay=earlier
            )
            scale = gain
        i, j = np.concatenate(pairs, axis=1)
        synapses.connect(i=i, j=j)
        synapses.w = scale * np.concatenate(weights)
        return synapses


class BrianCpp:
    """The compiled standalone binary."""

    def __init__(self, work: Workload) -> None:
        start = perf_counter()
        self.folder = Path(tempfile.mkdtemp(prefix="memory_speed_"))
        try:
            b2.set_device("cpp_standalone", build_on_run=False)
            brian = _Brian(work)
            for slot in ("before_network_run", "after_network_run"):
                b2.device.insert_code(slot, CLOCK)
            brian.network.run(work.ticks * b2.ms)
            b2.device.build(directory=str(self.folder), compile=True, run=False)
            counts = b2.device.get_array_filename(brian.monitor.variables["count"])
            self.counts = Path(counts).name
        except BaseException:
            self.close()
            raise
        finally:
            b2.device.reinit()
            b2.set_device("runtime")
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        results = self.folder / "results"
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir()
        subprocess.run(
            [str(self.folder / "main"), "--results_dir", f"{results}/"],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        before, after = (int(line) for line in (results / "cpu.txt").read_text().split())
        # POSIX fixes CLOCKS_PER_SEC at a million.
        return (after - before) / 1e6, np.fromfile(results / self.counts, dtype=np.int32)

    def close(self) -> None:
        """Remove the build."""
        shutil.rmtree(self.folder, ignore_errors=True)


class BrianCython:
    """Brian2's runtime with Cython code."""

    def __init__(self, work: Workload) -> None:
        start = perf_counter()
        self.ticks = work.ticks
        self.brian = _Brian(work)
        self.brian.network.store()
        self.brian.network.run(1 * b2.ms)
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        self.brian.network.restore()
        reported: list[float] = []

        def report(*_: object) -> None:
            reported.append(process_time())

        self.brian.network.run(self.ticks * b2.ms, report=report, report_period=1e6 * b2.second)
        return reported[-1] - reported[0], np.array(self.brian.monitor.count[:])

    def close(self) -> None:
        """Nothing is held."""


def _neurons(populations: list[Population]) -> b2.NeuronGroup:
    """Return all neurons as one group with the parameters of their populations."""
    models = [p.neuron for p in populations for _ in range(p.size)]
    if not all(isinstance(model, IF_curr_exp) for model in models):
        raise TypeError("only IF_curr_exp is translated")
    (refractory,) = {model.tau_refrac_ms for model in models}
    # Brian2 lets a neuron move again when the refractory time has passed, the board a tick later.
    group = b2.NeuronGroup(
        len(models), NEURON, threshold="v >= threshold", reset="v = reset",
        refractory=(refractory + 1) * b2.ms, method=lambda *_, **__: TICK,
    )  # fmt: skip
    group.v = group.rest = [model.v_rest_mv for model in models]
    group.reset = [model.v_reset_mv for model in models]
    group.threshold = [model.v_thresh_mv for model in models]
    group.resistance = [model.tau_m_ms / model.cm_nf for model in models]
    for taus, tau, decay in (
        ([model.tau_m_ms for model in models], "tau_m", "decay_v"),
        ([model.tau_syn_E_ms for model in models], "tau_e", "decay_e"),
        ([model.tau_syn_I_ms for model in models], "tau_i", "decay_i"),
    ):
        setattr(group, tau, np.array(taus) * b2.ms)
        setattr(group, decay, np.exp(-1 / np.array(taus)))
    return group

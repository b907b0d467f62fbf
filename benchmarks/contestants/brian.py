"""``brian2-cpp`` and ``brian2-cython``: the memory in Brian2, with the board's tick.

The tick (arrivals, membrane, threshold, reset) is had by putting the synapses first in the
schedule, which costs one tick of delay that each pathway gives back, and by a state updater that
holds the current over the tick. Post spikes reach plastic synapses one tick later than pre spikes
do and are handled first, which makes the delay dendritic and lets dt = 0 depress. Spikes are
recorded by one monitor per population.

Timing. ``brian2-cpp`` is built once; every run starts the compiled binary anew, and its time is
what the binary itself measured round its main loop (``last_run_info.txt``, the source of Brian2's
``device._last_run_time``), so loading and writing of results are left out. ``brian2-cython`` is
compiled by a first run of one tick; every further run begins from the stored state, and its time
is that of ``Network.run`` with the preparation of the code objects, about 0.1 s, left out: it is
the wall time that Brian2 reports for its own main loop.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import brian2 as b2
import numpy as np
from contestants.workload import Workload

from neuromem.network import IF_curr_exp, Network, Population, Projection, STDPSynapse

SCHEDULE = ["start", "synapses", "groups", "thresholds", "resets", "end"]
STATE = """
v : 1
ie : 1
ii : 1
"""
TICK = """
_target = rest + resistance * (ie - ii)
v = v + int(not_refractory) * (_target - v) * (1 - decay_v)
ie = ie * decay_e
ii = ii * decay_i
"""
TRACES = """
w : 1
dpre_trace/dt = -pre_trace / tau_plus : 1 (event-driven)
dpost_trace/dt = -post_trace / tau_minus : 1 (event-driven)
"""
b2.prefs.logging.file_log = False


class _Brian:
    """Brian2's objects for one network."""

    def __init__(self, work: Workload) -> None:
        network = work.network
        b2.defaultclock.dt = 1 * b2.ms
        self.neurons = [p for p in network.populations if isinstance(p, Population)]
        source = next(p for p in network.populations if not isinstance(p, Population))
        times, lines = work.events.T
        self.groups = {p.name: _group(p) for p in self.neurons}
        self.groups[source.name] = b2.SpikeGeneratorGroup(
            source.size, lines, times * b2.ms, name=source.name
        )
        synapses = [_synapses(network, p, self.groups) for p in network.projections]
        self.monitors = [
            b2.SpikeMonitor(self.groups[p.name], name=f"spikes_{p.name}") for p in self.neurons
        ]
        self.network = b2.Network(*self.groups.values(), *synapses, *self.monitors)
        self.network.schedule = SCHEDULE


class BrianCpp:
    """The compiled standalone binary."""

    def __init__(self, work: Workload) -> None:
        start = perf_counter()
        self.folder = Path(tempfile.mkdtemp(prefix="memory_speed_"))
        try:
            b2.set_device("cpp_standalone", build_on_run=False)
            brian = _Brian(work)
            brian.network.run(work.ticks * b2.ms)
            b2.device.build(directory=str(self.folder), compile=True, run=False)
            count = {p.name: b2.device.get_array_filename(m.variables["count"])
                     for p, m in zip(brian.neurons, brian.monitors, strict=True)}  # fmt: skip
            self.counts = [Path(name).name for name in count.values()]
        except BaseException:
            self.close()
            raise
        finally:
            b2.device.reinit()
            b2.set_device("runtime")
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return wall seconds and the spikes of every neuron."""
        results = self.folder / "results"
        results.mkdir(exist_ok=True)
        subprocess.run(
            [str(self.folder / "main"), "--results_dir", f"{results}/"],
            cwd=self.folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        seconds = float((results / "last_run_info.txt").read_text().split()[0])
        counts = [np.fromfile(results / name, dtype=np.int32) for name in self.counts]
        return seconds, np.concatenate(counts)

    def close(self) -> None:
        """Remove the build."""
        shutil.rmtree(self.folder, ignore_errors=True)


class BrianCython:
    """Brian2's runtime with Cython code."""

    def __init__(self, work: Workload) -> None:
        start = perf_counter()
        b2.prefs.codegen.target = "cython"
        self.ticks = work.ticks
        self.brian = _Brian(work)
        self.brian.network.store()
        self.brian.network.run(1 * b2.ms)
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return wall seconds and the spikes of every neuron."""
        self.brian.network.restore()
        reported: list[float] = []

        def report(elapsed: b2.Quantity, completed: float, *_: b2.Quantity) -> None:
            if completed in (0.0, 1.0):
                reported.append(float(elapsed / b2.second))

        self.brian.network.run(
            self.ticks * b2.ms, report=report, report_period=1e6 * b2.second
        )
        return reported[-1] - reported[0], np.concatenate([m.count[:] for m in self.brian.monitors])

    def close(self) -> None:
        """Nothing is held."""


def _group(population: Population) -> b2.NeuronGroup:
    neuron = population.neuron
    if not isinstance(neuron, IF_curr_exp):
        raise TypeError(f"{population.name}: only IF_curr_exp is translated")
    namespace = {
        "rest": neuron.v_rest_mv,
        "resistance": neuron.tau_m_ms / neuron.cm_nf,
        "reset": neuron.v_reset_mv,
        "threshold": neuron.v_thresh_mv,
        "decay_v": math.exp(-1 / neuron.tau_m_ms),
        "decay_e": math.exp(-1 / neuron.tau_syn_E_ms),
        "decay_i": math.exp(-1 / neuron.tau_syn_I_ms),
    }
    # Brian2 lets a neuron move again when the refractory time has passed, the board a tick later.
    group = b2.NeuronGroup(
        population.size,
        STATE,
        threshold="v >= threshold",
        reset="v = reset",
        refractory=(neuron.tau_refrac_ms + 1) * b2.ms,
        method=lambda *_: TICK,
        namespace=namespace,
        name=population.name,
    )
    group.v = neuron.v_rest_mv
    return group


def _synapses(
    network: Network, projection: Projection, groups: dict[str, b2.NeuronGroup]
) -> b2.Synapses:
    pre, post = network.view(projection.pre), network.view(projection.post)
    source, target = groups[pre.population.name], groups[post.population.name]
    rows, columns = network.pairs(projection)
    # The synapses come first in a tick and so see a spike one tick after it was fired.
    delay = (int(network.delays_ticks(projection)[0]) - 1) * b2.ms
    excitatory = projection.receptor_type == "excitatory"
    neuron = post.population.neuron
    tau_ms = neuron.tau_syn_E_ms if excitatory else neuron.tau_syn_I_ms
    gain = tau_ms * (1 - math.exp(-1 / tau_ms))
    current = "ie_post" if excitatory else "ii_post"
    rule = projection.synapse
    if not isinstance(rule, STDPSynapse):
        synapses = b2.Synapses(
            source, target, on_pre=f"{current} += weight", delay=delay,
            namespace={"weight": gain * float(rule.weight)},
        )  # fmt: skip
    else:
        synapses = b2.Synapses(
            source, target, TRACES,
            on_pre=f"w = clip(w - a_minus * post_trace, w_min, w_max); {current} += gain * w; pre_trace += 1",
            on_post="w = clip(w + a_plus * pre_trace, w_min, w_max); post_trace += 1",
            delay={"pre": delay, "post": delay + 1 * b2.ms},
            namespace={
                "a_plus": rule.A_plus, "a_minus": rule.A_minus,
                "w_min": rule.w_min, "w_max": rule.w_max, "gain": gain,
                "tau_plus": rule.tau_plus_ms * b2.ms, "tau_minus": rule.tau_minus_ms * b2.ms,
            },
        )  # fmt: skip
        synapses.post.order, synapses.pre.order = 0, 1
    synapses.connect(i=rows + pre.start, j=columns + post.start)
    return synapses

"""``pynn-nest``: the memory as a PyNN script on NEST, at dt = 1 ms and on one thread.

The network is the same as for ``nest``. Timing: every run sets the simulator up and builds the
network outside the timing, with a first step of 1 ms, before any input, that makes NEST prepare;
what is timed is ``sim.run`` for the rest. The interactive run sets the spike times of the lines
that an operation uses and calls ``sim.run`` for its 8 ms; reading the answer back, which through
PyNN means a whole Neo block, is left out.
"""

from __future__ import annotations

from time import process_time

import numpy as np
import pyNN.nest as sim

from contestants.workload import PERIOD, Workload
from neuromem.network import AllToAllConnector, IF_curr_exp, OneToOneConnector, STDPSynapse
from neuromem.network import Network as Definition
from neuromem.network import Population as Defined
from neuromem.network import Projection as Connection


class PynnNest:
    """PyNN on NEST, built anew for every run."""

    compile_seconds = 0.0

    def __init__(self, work: Workload) -> None:
        self.work = work

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        groups = build(self.work.network, self.work.line_times())
        recorded = [groups[p.name] for p in self.work.network.populations if isinstance(p, Defined)]
        for group in recorded:
            group.record("spikes")
        sim.run(1.0)
        start = process_time()
        sim.run(float(self.work.ticks - 1))
        seconds = process_time() - start
        counts = []
        for group in recorded:
            by_cell = group.get_spike_counts()
            counts.append([by_cell[cell] for cell in group.all_cells])
        return seconds, np.concatenate(counts)

    def close(self) -> None:
        """Free the network."""
        sim.end()


def run_interactive_pynn(work: Workload) -> float:
    """Return the CPU seconds of an operation when each is a ``sim.run`` of its own."""
    groups = build(work.network, [np.zeros(0)] * work.lines)
    source = next(groups[p.name] for p in work.network.populations if not isinstance(p, Defined))
    groups["output"].record("spikes")
    operations = []
    for events in work.split():
        lines = np.unique(events[:, 1])
        times = [events[events[:, 1] == line, 0].astype(float) for line in lines]
        operations.append((lines, [sim.Sequence(t) for t in times]))
    sim.run(float(PERIOD - 1))
    start = process_time()
    for lines, times in operations:
        source[lines].set(spike_times=times)
        sim.run(float(PERIOD))
    return (process_time() - start) / len(operations)


def build(network: Definition, line_times: list[np.ndarray]) -> dict[str, sim.Population]:
    """Set the simulator up and return its populations by name."""
    longest = max(network.delays_ticks(p).max() for p in network.projections)
    sim.setup(timestep=1.0, min_delay=1.0, max_delay=float(longest), threads=1,
              spike_precision="on_grid", verbosity="error")  # fmt: skip
    groups = {}
    for population in network.populations:
        if isinstance(population, Defined):
            groups[population.name] = _neurons(population)
        else:
            times = [sim.Sequence(t) for t in line_times]
            source = sim.SpikeSourceArray(spike_times=times)
            groups[population.name] = sim.Population(population.size, source)
    for projection in network.projections:
        _project(network, projection, groups)
    return groups


def _neurons(population: Defined) -> sim.Population:
    neuron = population.neuron
    if not isinstance(neuron, IF_curr_exp):
        raise TypeError(f"{population.name}: only IF_curr_exp is translated")
    cell = sim.IF_curr_exp(
        cm=neuron.cm_nf, tau_m=neuron.tau_m_ms, tau_syn_E=neuron.tau_syn_E_ms,
        tau_syn_I=neuron.tau_syn_I_ms, tau_refrac=neuron.tau_refrac_ms, v_rest=neuron.v_rest_mv,
        v_reset=neuron.v_reset_mv, v_thresh=neuron.v_thresh_mv,
    )  # fmt: skip
    return sim.Population(population.size, cell, initial_values={"v": neuron.v_rest_mv})


def _project(
    network: Definition, projection: Connection, groups: dict[str, sim.Population]
) -> None:
    pre, post = network.view(projection.pre), network.view(projection.post)
    wiring = projection.connector
    if isinstance(wiring, OneToOneConnector):
        connector = sim.OneToOneConnector()
    elif isinstance(wiring, AllToAllConnector) and not wiring.skip_same_index:
        connector = sim.AllToAllConnector()
    else:
        mask = np.zeros((pre.size, post.size), dtype=bool)
        mask[network.pairs(projection)] = True
        connector = sim.ArrayConnector(mask)
    rule = projection.synapse
    sign = 1.0 if projection.receptor_type == "excitatory" else -1.0
    if isinstance(rule, STDPSynapse):
        synapse = sim.STDPMechanism(
            timing_dependence=sim.SpikePairRule(
                tau_plus=rule.tau_plus_ms, tau_minus=rule.tau_minus_ms,
                A_plus=rule.A_plus / rule.w_max, A_minus=rule.A_minus / rule.w_max,
            ),
            weight_dependence=sim.AdditiveWeightDependence(w_min=rule.w_min, w_max=rule.w_max),
            weight=rule.weight, delay=rule.delay_ms,
        )  # fmt: skip
    else:
        synapse = sim.StaticSynapse(weight=sign * float(rule.weight), delay=float(rule.delay_ms))
    sim.Projection(
        groups[pre.population.name][pre.start : pre.stop],
        groups[post.population.name][post.start : post.stop],
        connector,
        synapse,
        receptor_type=projection.receptor_type,
    )

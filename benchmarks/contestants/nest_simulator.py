"""``nest``: the memory in NEST, driven directly, at dt = 1 ms and on one thread.

The network is built as it is written down: iaf_psc_exp cells, static_synapse with a negative weight
for inhibition, and stdp_synapse with additive updates whose jump is the definition's. NEST adds a
step to every hop and handles a post spike in the tick of a pre spike differently from the board, so
it emits fewer spikes; the ratio per spike is to be read beside the ratio per biological second.

Timing. Every run resets the kernel, builds the network and calls ``nest.Prepare``, all outside the
timing; what is timed is ``nest.Run``. Spikes of all neurons are recorded in memory.
"""

from __future__ import annotations

from time import process_time

import nest
import numpy as np

from contestants.workload import Workload
from neuromem.network import IF_curr_exp, Network, Population, Projection, STDPSynapse

nest.verbosity = nest.VerbosityLevel.ERROR


class Nest:
    """PyNEST, built anew for every run."""

    compile_seconds = 0.0

    def __init__(self, work: Workload) -> None:
        self.work = work

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        work = self.work
        nest.ResetKernel()
        nest.set(resolution=1.0, local_num_threads=1, print_time=False)
        cells = {}
        for population in work.network.populations:
            if isinstance(population, Population):
                cells[population.name] = _neurons(work.network, population)
            else:
                cells[population.name] = nest.Create(
                    "spike_generator",
                    population.size,
                    [{"spike_times": times} for times in work.line_times()],
                )
        for projection in work.network.projections:
            _connect(work.network, projection, cells)
        neurons = [cells[p.name] for p in work.network.populations if isinstance(p, Population)]
        recorder = nest.Create("spike_recorder")
        for group in neurons:
            nest.Connect(group, recorder)
        nest.Prepare()
        start = process_time()
        nest.Run(float(work.ticks))
        seconds = process_time() - start
        nest.Cleanup()
        senders = np.asarray(recorder.get("events", "senders"), dtype=np.int64)
        ids = np.concatenate([group.tolist() for group in neurons])
        return seconds, np.bincount(senders, minlength=int(ids.max()) + 1)[ids]

    def close(self) -> None:
        """Free the network."""
        nest.ResetKernel()


def _neurons(network: Network, population: Population) -> nest.NodeCollection:
    neuron = population.neuron
    if not isinstance(neuron, IF_curr_exp):
        raise TypeError(f"{population.name}: only IF_curr_exp is translated")
    parameters = {
        "C_m": 1000 * neuron.cm_nf,
        "tau_m": neuron.tau_m_ms,
        "tau_syn_ex": neuron.tau_syn_E_ms,
        "tau_syn_in": neuron.tau_syn_I_ms,
        "t_ref": neuron.tau_refrac_ms,
        "E_L": neuron.v_rest_mv,
        "V_reset": neuron.v_reset_mv,
        "V_th": neuron.v_thresh_mv,
        "V_m": neuron.v_rest_mv,
    }
    incoming = (p for p in network.projections if p.post == population.name)
    rules = {p.synapse.tau_minus_ms for p in incoming if isinstance(p.synapse, STDPSynapse)}
    if rules:
        (parameters["tau_minus"],) = rules
    return nest.Create("iaf_psc_exp", population.size, parameters)


def _connect(
    network: Network, projection: Projection, cells: dict[str, nest.NodeCollection]
) -> None:
    pre, post = network.view(projection.pre), network.view(projection.post)
    rows, columns = network.pairs(projection)
    sources = np.array(cells[pre.population.name].tolist())[pre.start + rows]
    targets = np.array(cells[post.population.name].tolist())[post.start + columns]
    rule = projection.synapse
    sign = 1000.0 if projection.receptor_type == "excitatory" else -1000.0
    n = len(sources)
    specification = {
        "synapse_model": "static_synapse",
        "weight": sign * network.weights(projection),
        "delay": network.delays_ticks(projection).astype(float),
    }
    if isinstance(rule, STDPSynapse):
        parameters = {
            "tau_plus": rule.tau_plus_ms,
            "lambda": rule.A_plus / rule.w_max,
            "alpha": rule.A_minus / rule.A_plus,
            "mu_plus": 0.0,
            "mu_minus": 0.0,
            "Wmax": 1000 * rule.w_max,
        }
        specification |= {name: np.full(n, value) for name, value in parameters.items()}
        specification["synapse_model"] = "stdp_synapse"
    nest.Connect(sources, targets, "one_to_one", specification)

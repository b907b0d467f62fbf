"""A network as the integers that the board's programs get, computed once.

Cells are numbered through the network: neurons first, in the order of the populations, then the
lines of the spike sources.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromem.backends.arithmetic.limits import check
from neuromem.backends.arithmetic.neurons import Neurons, neurons
from neuromem.backends.arithmetic.shifts import shifts
from neuromem.backends.arithmetic.synapses import PlasticRows, Rows, plastic_rows, static_rows
from neuromem.backends.spinnaker.definition import ring_slots
from neuromem.backends.spinnaker.fixed_point import raw_weights
from neuromem.backends.spinnaker.parts import parts
from neuromem.network import Network, Population, STDPSynapse

RECEPTORS = ("excitatory", "inhibitory")


@dataclass(frozen=True)
class Plan:
    """Everything the engine runs.

    Parameters
    ----------
    network
        The definition.
    groups
        First and last + 1 cell of each population.
    slots
        Ticks of input that are kept, a power of two.
    neurons, static, plastic
        Parameters and connections.
    labels
        Projection of each plastic part.
    lost
        How many weights other than 0 became 0.
    silent
        How many plastic synapses never deliver.
    """

    network: Network
    groups: dict[str, tuple[int, int]]
    slots: int
    neurons: Neurons
    static: Rows
    plastic: PlasticRows
    labels: tuple[str, ...]
    lost: int
    silent: int


def translate(network: Network, fit_weights: bool = False) -> Plan:
    """Return the plan of a network.

    Raises
    ------
    Unsupported
        As :func:`neuromem.backends.arithmetic.limits.check` does.
    """
    check(network)
    targets = [p for p in network.populations if isinstance(p, Population)]
    sources = [p for p in network.populations if not isinstance(p, Population)]
    groups, cells = {}, 0
    for group in [*targets, *sources]:
        groups[group.name] = (cells, cells + group.size)
        cells += group.size
    size = sum(p.size for p in targets)
    chosen = {p.name: shifts(network, p, fit_weights) for p in targets}
    held = {p.name: ring_slots(network, p) for p in targets}
    static, plastic, labels, lost, silent = [], [], [], 0, 0
    for projection in network.projections:
        pre = network.view(projection.pre).population.name
        post = network.view(projection.post).population.name
        for part in parts(network, projection):
            receptor = RECEPTORS.index(part.receptor_type)
            shift = chosen[post][receptor]
            raw = raw_weights(part.weights, shift)
            lost += int(((raw == 0) & (part.weights != 0)).sum())
            delay = np.rint(part.delays_ms / network.timestep_ms).astype(np.int64)
            target = part.post + groups[post][0] + receptor * size
            columns = [part.pre + groups[pre][0], target, delay, raw]
            if isinstance(projection.synapse, STDPSynapse):
                columns[2] = delay % held[post]
                silent += int((columns[2] == 0).sum())
                plastic.append((np.array(columns), shift, projection.synapse))
                labels.append(part.label)
            else:
                static.append(np.array(columns))
    return Plan(
        network=network,
        groups=groups,
        slots=max(held.values(), default=2),
        neurons=neurons(targets, chosen, network.timestep_ms),
        static=static_rows(static, cells),
        plastic=plastic_rows(plastic, cells, size, network.timestep_ms),
        labels=tuple(labels),
        lost=lost,
        silent=silent,
    )

"""A network as the integers that the board's programs get, computed once.

Cells are numbered through the network: neurons first, in the order of the populations, then the
lines of the spike sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from neuromem.backends.arithmetic.limits import check, held_ticks
from neuromem.backends.arithmetic.neurons import NeuronPlan, neurons
from neuromem.backends.arithmetic.once import worked_out
from neuromem.backends.arithmetic.shifts import RECEPTORS, shifts
from neuromem.backends.arithmetic.synapses import (
    CONSTANT,
    DENSE,
    DENSE_FROM,
    ONE_TO_ONE,
    PLASTIC,
    SPARSE,
    PartPlan,
    rule,
)
from neuromem.backends.spinnaker.definition import ring_slots
from neuromem.backends.spinnaker.fixed_point import raw_weights
from neuromem.backends.spinnaker.parts import Part, parts
from neuromem.network import (
    AllToAllConnector,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    STDPSynapse,
    Values,
)


@dataclass(frozen=True)
class Plan:
    """Everything the engine runs.

    Parameters
    ----------
    network
        The definition.
    groups
        First and last + 1 cell of each population.
    neurons, parts
        Populations and connections.
    lost
        How many weights other than 0 became 0.
    silent
        How many plastic synapses never deliver.
    """

    network: Network
    groups: dict[str, tuple[int, int]]
    neurons: tuple[NeuronPlan, ...]
    parts: tuple[PartPlan, ...]
    lost: int
    silent: int

    def learning(self) -> dict[int, np.ndarray]:
        """Return which neurons have plastic synapses, by the number of their population."""
        found: dict[int, np.ndarray] = {}
        for part in self.parts:
            if part.kind == PLASTIC:
                p = self.neurons[part.post]
                first = part.post_start - p.start
                reached = True if part.mask is None else part.mask.any(axis=0)
                found.setdefault(part.post, np.zeros(p.size, dtype=bool))
                found[part.post][first : first + part.n_post] |= reached
        return found


def translate(network: Network, fit_weights: bool = False) -> Plan:
    """Return the plan of a network.

    Raises
    ------
    Unsupported
        As :func:`neuromem.backends.arithmetic.limits.check` does.
    """
    definition, network, h = network, worked_out(network), network.timestep_ms
    check(network)
    targets = [p for p in network.populations if isinstance(p, Population)]
    sources = [p for p in network.populations if not isinstance(p, Population)]
    groups, cells = {}, 0
    for group in [*targets, *sources]:
        groups[group.name] = (cells, cells + group.size)
        cells += group.size
    split = {p.label: parts(network, p) for p in network.projections}
    chosen = {p.name: shifts(network, p, split, fit_weights) for p in targets}
    held = {p.name: held_ticks(network, p) for p in targets}
    kept, lost = [], 0
    for projection in network.projections:
        post = network.view(projection.post).population.name
        for part in split[projection.label]:
            shift = chosen[post][RECEPTORS.index(part.receptor_type)]
            raw = raw_weights(part.weights, shift)
            lost += int(np.count_nonzero((raw == 0) & (part.weights != 0)))
            kept += _part(network, projection, part, raw, shift, held[post], groups)
    return Plan(
        network=definition,
        groups=groups,
        neurons=tuple(
            neurons(p, groups[p.name][0], chosen[p.name], ring_slots(network, p), h)
            for p in targets
        ),
        parts=tuple(kept),
        lost=lost,
        silent=sum(_connections(p) for p in kept if p.kind == PLASTIC and p.delay == 0),
    )


def _part(
    network: Network,
    projection: Projection,
    part: Part,
    raw: np.ndarray,
    shift: int,
    held: int,
    groups: dict[str, tuple[int, int]],
) -> Iterator[PartPlan]:
    """Yield a plan for each delay that occurs among connections of one sign."""
    pre, post = network.view(projection.pre), network.view(projection.post)
    numbers = {name: number for number, name in enumerate(groups)}
    synapse = projection.synapse
    learns = rule(synapse, network.timestep_ms) if isinstance(synapse, STDPSynapse) else None
    delays = np.rint(part.delays_ms / network.timestep_ms).astype(np.int64)
    alike = len(delays) > 0 and delays.min() == delays.max()
    for delay in delays[:1].tolist() if alike else np.unique(delays).tolist():
        chosen = slice(None) if alike else delays == delay
        rows, columns = part.pre[chosen] - pre.start, part.post[chosen] - post.start
        stored = _stored(network, projection, rows, columns, raw[chosen])
        yield PartPlan(
            label=part.label,
            pre=numbers[pre.population.name],
            pre_start=pre.start,
            n_pre=pre.size,
            post=numbers[post.population.name],
            post_start=groups[post.population.name][0] + post.start,
            n_post=post.size,
            receptor=RECEPTORS.index(part.receptor_type),
            delay=delay % held if learns else delay,
            late=(delay - 1) // held * held,
            shift=shift,
            rule=learns,
            **stored,
        )


def _stored(
    network: Network, projection: Projection, rows: np.ndarray, columns: np.ndarray, raw: np.ndarray
) -> dict:
    """Choose how some connections are kept."""
    connector, synapse = projection.connector, projection.synapse
    shape = network.view(projection.pre).size, network.view(projection.post).size
    pairs, learns = shape[0] * shape[1], isinstance(synapse, STDPSynapse)
    if not learns:
        if isinstance(connector, OneToOneConnector) and len(raw) == shape[0]:
            return {"kind": ONE_TO_ONE, "weights": raw}
        if isinstance(connector, AllToAllConnector) and not isinstance(synapse.weight, Values):
            skips = connector.skip_same_index
            if len(raw) == pairs - min(shape) * skips:
                weight = raw[0] if len(raw) else np.int64(0)
                return {"kind": CONSTANT, "weights": weight, "skip_same_index": skips}
        if len(raw) < DENSE_FROM * pairs:
            row_start = np.searchsorted(rows, np.arange(shape[0] + 1))
            return {"kind": SPARSE, "weights": raw, "row_start": row_start, "columns": columns}
    mask = None
    if len(raw) == pairs:
        weights = raw.astype(np.uint16).reshape(shape)
    else:
        weights = np.zeros(shape, dtype=np.uint16)
        weights[rows, columns] = raw
    if learns and len(raw) < pairs:
        mask = np.zeros(shape, dtype=bool)
        mask[rows, columns] = True
    return {"kind": PLASTIC if learns else DENSE, "weights": weights, "mask": mask}


def _connections(part: PartPlan) -> int:
    return part.weights.size if part.mask is None else int(part.mask.sum())

"""Projections as sPyNNaker gets them, and how they size a population's cores and ring buffers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neuromem.network import Network, Population, Projection

#: Most plastic synapses of one neuron onto one core: what sPyNNaker 7.4.1 answers to a longer row.
LONGEST_PLASTIC_ROW = 254
#: Neurons on a core: sPyNNaker's default, and where rows would be longer than that.
NEURONS_PER_CORE, FEWER_PER_CORE = 256, 128


@dataclass(frozen=True)
class Part:
    """A projection, or the part of it with one sign, as sPyNNaker gets it.

    Parameters
    ----------
    label
        The definition's label.
    receptor_type
        ``"excitatory"`` or ``"inhibitory"``.
    pre, post
        Their indices in the whole populations.
    weights, delays_ms
        Their magnitudes, and delays (ms).
    """

    label: str
    receptor_type: str
    pre: np.ndarray
    post: np.ndarray
    weights: np.ndarray
    delays_ms: np.ndarray


def parts(network: Network, projection: Projection) -> list[Part]:
    """Return a projection as what sPyNNaker gets: one, or one for each sign."""
    rows, columns = network.pairs(projection)
    weights = network.weights(projection)
    delays_ms = network.delays_ticks(projection) * network.timestep_ms
    pre = rows + network.view(projection.pre).start
    post = columns + network.view(projection.post).start

    def part(receptor_type: str, chosen: np.ndarray) -> Part:
        magnitudes = np.abs(weights[chosen])
        return Part(
            projection.label, receptor_type, pre[chosen], post[chosen], magnitudes,
            delays_ms[chosen],
        )  # fmt: skip

    if projection.receptor_type != "signed":
        return [part(projection.receptor_type, np.arange(len(weights)))]
    # A plastic connection is one at weight 0 too; it learns upwards.
    excitatory = weights >= 0 if projection.plastic else weights > 0
    return [
        part("excitatory", np.flatnonzero(excitatory)),
        part("inhibitory", np.flatnonzero(weights < 0)),
    ]


def neurons_per_core(network: Network, population: Population) -> int:
    """Return how many of a population's neurons share a core."""
    for projection in network.projections:
        post = network.view(projection.post)
        if not projection.plastic or post.population is not population:
            continue
        rows, columns = network.pairs(projection)
        cores = (columns + post.start) // NEURONS_PER_CORE
        _, lengths = np.unique(rows * len(columns) + cores, return_counts=True)
        if len(lengths) and lengths.max() > LONGEST_PLASTIC_ROW:
            return FEWER_PER_CORE
    return NEURONS_PER_CORE


def incoming(network: Network, population: Population) -> dict[str, list[tuple[Part, float]]]:
    """Return the parts onto a population by receptor type, each with its rule's w_max (or 0)."""
    found: dict[str, list[tuple[Part, float]]] = {"excitatory": [], "inhibitory": []}
    for projection in network.projections:
        if network.view(projection.post).population is population:
            limit = getattr(projection.synapse, "w_max", 0.0)
            for part in parts(network, projection):
                if len(part.pre):
                    found[part.receptor_type].append((part, limit))
    return found


def largest_sums(network: Network, population: Population) -> list[float]:
    """Return, per receptor type, the largest sum of weights that one neuron can get in a tick."""
    sums = []
    for found in incoming(network, population).values():
        total = np.zeros(population.size)
        for part, limit in found:
            np.add.at(total, part.post, np.maximum(part.weights, limit))
        sums.append(float(total.max()))
    return sums

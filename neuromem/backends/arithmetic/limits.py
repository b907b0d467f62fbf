"""What the board's arithmetic alone cannot tell, said before anything runs."""

from __future__ import annotations

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.spinnaker.definition import check_definition, delay_slots, ring_slots
from neuromem.backends.spinnaker.parts import neurons_per_core, parts
from neuromem.network import Network, Population, Projection

#: Ticks that ring buffers hold for a full core; those of fewer neurons hold more.
FEWEST_SLOTS = 32


def check(network: Network) -> None:
    """Raise Unsupported for what the board cannot run, or what depends on more than numbers."""
    errors = [found for found in check_definition(network) if found.severity == "error"]
    if errors:
        raise Unsupported(f"{errors[0].where}: {errors[0].what}; {errors[0].remedy}".rstrip("; "))
    for projection in network.projections:
        _check_delays(network, projection)
        if projection.plastic and network.timestep_ms < 1:
            _check_packets(network, projection)


def held_ticks(network: Network, population: Population) -> int:
    """Return how many ticks of arrivals a core holds; the rest of a longer delay is a delay core's.

    A power of two, by the longest delay onto the population.
    """
    needed = ring_slots(network, population)
    return needed if needed <= FEWEST_SLOTS else min(needed, delay_slots(network, population))


def _check_delays(network: Network, projection: Projection) -> None:
    """Refuse delays that come by way of a delay core where the board does not do as defined.

    A plastic synapse does not see that part of its delay, and learns otherwise. The rows of static
    ones are written as if the cores of both populations were of the same size.
    """
    pre, post = (network.view(end).population for end in (projection.pre, projection.post))
    assert isinstance(post, Population)
    longest = int(network.delays_ticks(projection).max(initial=1))
    if longest <= FEWEST_SLOTS or longest <= (held := delay_slots(network, post)):
        return
    largest = min(neurons_per_core(network, p) for p in (pre, post) if isinstance(p, Population))
    if projection.plastic:
        why = "by way of a delay core a plastic synapse learns otherwise: shorten it"
    elif pre.size == post.size <= largest:
        return
    else:
        why = (
            "sPyNNaker loses connections by way of a delay core, but those between two populations "
            f"of one size, of one core ({largest} neurons) each: shorten it, or pass the spikes "
            "through a relay population"
        )
    raise Unsupported(
        f"projection {projection.label!r}: a delay of {longest} ticks; the ring buffers of "
        f"{post.name!r} hold {held}, and {why}"
    )


def _check_packets(network: Network, projection: Projection) -> None:
    """Refuse weights that depend on the order of packets.

    Below 1 ms synapses have cores of their own, to which the spikes of their neurons come as
    packets: among the other spikes of the tick, and, where the population is connected to itself,
    once for each row of these connections.
    """
    post = network.view(projection.post).population
    assert isinstance(post, Population)
    own = [
        part
        for other in network.projections
        if network.view(other.pre).population is post is network.view(other.post).population
        for part in parts(network, other)
        if len(part.pre)
    ]
    why = ""
    if len(own) > 1:
        why = f"{len(own)} kinds of connections of {post.name!r} to itself"
    if np.any(network.delays_ticks(projection) == held_ticks(network, post)):
        why = "a delay that fills the ring buffers"
    if why:
        raise Unsupported(
            f"projection {projection.label!r}: plastic, with a time step below 1 ms and {why}, so "
            "that the board's weights depend on the order of packets: use a time step of 1 ms, or "
            "spinnaker-emulated"
        )

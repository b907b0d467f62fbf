"""What the board's arithmetic alone cannot tell, said before anything runs."""

from __future__ import annotations

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.spinnaker.definition import check_definition, delay_slots, ring_slots
from neuromem.backends.spinnaker.parts import parts
from neuromem.network import Network, Population, Projection


def check(network: Network) -> None:
    """Raise Unsupported for what the board cannot run, or what depends on more than numbers."""
    errors = [found for found in check_definition(network) if found.severity == "error"]
    if errors:
        raise Unsupported(f"{errors[0].where}: {errors[0].what}; {errors[0].remedy}".rstrip("; "))
    for projection in network.projections:
        _check_delays(network, projection)
        if projection.plastic and network.timestep_ms < 1:
            _check_packets(network, projection)


def _check_delays(network: Network, projection: Projection) -> None:
    post = network.view(projection.post).population
    assert isinstance(post, Population)
    longest = int(network.delays_ticks(projection).max(initial=1))
    if longest > delay_slots(network, post):
        raise Unsupported(
            f"projection {projection.label!r}: a delay of {longest} ticks; the ring buffers of "
            f"{post.name!r} hold {delay_slots(network, post)}, and delay cores are not computed "
            "here: shorten it, or use spinnaker-emulated"
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
    if np.any(network.delays_ticks(projection) == ring_slots(network, post)):
        why = "a delay that fills the ring buffers"
    if why:
        raise Unsupported(
            f"projection {projection.label!r}: plastic, with a time step below 1 ms and {why}, so "
            "that the board's weights depend on the order of packets: use a time step of 1 ms, or "
            "spinnaker-emulated"
        )

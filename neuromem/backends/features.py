"""What a network asks of a backend, by names that a capability table can list."""

from __future__ import annotations

import numpy as np

from neuromem.network import Network, Population, STDPSynapse, Values

#: Every feature that a backend may or may not have.
FEATURES = (
    "IF_curr_exp",
    "IF_curr_delta",
    "LIF_hard_reset",
    "i_offset",
    "v_init",
    "StaticSynapse",
    "STDPSynapse",
    "signed weights",
    "delay per connection",
    "dendritic delay",
    "axonal delay",
    "dt = 0 depresses",
    "dt = 0 potentiates",
    "dt = 0 ignored",
    "nearest pairing",
    "post history",
    "w_min above 0",
    "record v",
    "record isyn_exc",
    "record isyn_inh",
    "record weights",
)
_TIES = {
    "depress": "dt = 0 depresses",
    "potentiate": "dt = 0 potentiates",
    "ignore": "dt = 0 ignored",
}


class Unsupported(ValueError):
    """What a backend cannot do, said before anything runs."""


def features(network: Network) -> dict[str, str]:
    """Return what a network needs: for each feature the population or projection that needs it."""
    needed: dict[str, str] = {}
    for population in network.populations:
        if not isinstance(population, Population):
            continue
        neuron, where = population.neuron, f"population {population.name!r}"
        needed.setdefault(type(neuron).__name__, where)
        if getattr(neuron, "i_offset_na", 0.0) != 0.0:
            needed.setdefault("i_offset", where)
        if getattr(neuron, "v_init_mv", None) != getattr(neuron, "v_rest_mv", None):
            needed.setdefault("v_init", where)
    for projection in network.projections:
        synapse, where = projection.synapse, f"projection {projection.label!r}"
        needed.setdefault(type(synapse).__name__, where)
        if projection.receptor_type == "signed":
            needed.setdefault("signed weights", where)
        if isinstance(synapse.delay_ms, Values) and len(np.unique(synapse.delay_ms.array)) > 1:
            needed.setdefault("delay per connection", where)
        if isinstance(synapse, STDPSynapse):
            for name in _of_rule(synapse):
                needed.setdefault(name, where)
    for recording in network.recordings:
        if recording.variable != "spikes":
            needed.setdefault(f"record {recording.variable}", f"recording of {recording.target!r}")
    return needed


def _of_rule(synapse: STDPSynapse) -> list[str]:
    names = ["dendritic delay" if synapse.dendritic_delay_fraction else "axonal delay"]
    names.append(_TIES[synapse.dt_zero])
    if synapse.pairing == "nearest":
        names.append("nearest pairing")
    if synapse.post_history is not None:
        names.append("post history")
    if synapse.w_min > 0:
        names.append("w_min above 0")
    return names

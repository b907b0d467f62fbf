"""The one definition of a network. No simulator and no memory is known here."""

from neuromem.network.batch import SpikeBatch
from neuromem.network.connectors import (
    AllToAllConnector,
    ArrayConnector,
    Connector,
    FixedProbabilityConnector,
    FromListConnector,
    OneToOneConnector,
)
from neuromem.network.files import dumps, load, loads, save
from neuromem.network.network import (
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    View,
)
from neuromem.network.neurons import (
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Neuron,
    firing_weight,
    refractory_ticks,
)
from neuromem.network.spec import Spec, Values
from neuromem.network.spikes import SpikeTrains
from neuromem.network.synapses import StaticSynapse, STDPSynapse, Synapse
from neuromem.network.tables import neuron_table, population_table, projection_table, totals

__all__ = [
    "AllToAllConnector",
    "ArrayConnector",
    "Connector",
    "FixedProbabilityConnector",
    "FromListConnector",
    "IF_curr_delta",
    "IF_curr_exp",
    "LIF_hard_reset",
    "Network",
    "Neuron",
    "OneToOneConnector",
    "Population",
    "Projection",
    "Recording",
    "STDPSynapse",
    "Spec",
    "SpikeBatch",
    "SpikeSource",
    "SpikeTrains",
    "StaticSynapse",
    "Synapse",
    "Values",
    "View",
    "dumps",
    "firing_weight",
    "load",
    "loads",
    "neuron_table",
    "population_table",
    "projection_table",
    "refractory_ticks",
    "save",
    "totals",
]

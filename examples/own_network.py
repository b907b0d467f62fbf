"""Any network, not only a memory: define it once, run it, read spikes, potentials and weights.

Two inputs drive one neuron; the plastic synapse of the first learns to predict the second.
Run it: ``python examples/own_network.py``
"""

import numpy as np

from neuromem import Network, SpikeTrains, backends
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    Population,
    Projection,
    Recording,
    SpikeSource,
    StaticSynapse,
    STDPSynapse,
)

network = Network(
    name="prediction",
    timestep_ms=1.0,
    populations=(
        SpikeSource(name="early", size=1),
        SpikeSource(name="teacher", size=1),
        Population(name="cell", size=1, neuron=IF_curr_exp(cm_nf=0.25, tau_syn_E_ms=2.0)),
    ),
    projections=(
        Projection(
            pre="early",
            post="cell",
            connector=AllToAllConnector(),
            synapse=STDPSynapse(
                weight=1.0, tau_plus_ms=20.0, tau_minus_ms=20.0, A_plus=0.5, A_minus=0.6, w_max=8.0
            ),
        ),
        Projection(
            pre="teacher",
            post="cell",
            connector=AllToAllConnector(),
            synapse=StaticSynapse(weight=12.0),
        ),
    ),
    recordings=(
        Recording(target="cell"),
        Recording(target="cell", variable="v"),
        Recording(target="early->cell", variable="weights", every_ms=50.0),
    ),
)
print(network)

pairings_ms = np.arange(10.0, 1000.0, 50.0)
stimulus = {
    "early": SpikeTrains.of([pairings_ms]),
    "teacher": SpikeTrains.of([pairings_ms + 8]),
}
result = backends.run(network, 1000.0, stimulus, backend="native")

weights = result.weights["early->cell"]
delays_ms = [
    result.spikes["cell"].between(t, t + 50).times_ms[0] - t
    for t in (pairings_ms[0], pairings_ms[-1])
]
print(
    f"\nweight of the early input: {weights.values[0, 0, 0]} -> {weights.values[-1, 0, 0]:.2f} nA"
)
print(f"the cell fires {delays_ms[0]:g} ms after the early input, at the end {delays_ms[1]:g} ms")
print(f"potential between {result.states['cell']['v'].values.min():.1f} and threshold, mV")

"""What the tests of PyNN's simulators share."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings

from neuromem import backends
from neuromem.network import Network

PYNN = ("pynn:nest", "pynn:neuron", "pynn:brian2")
# Simulators are slow: no shrinking.
FEW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def needs(backend: str) -> None:
    """Skip the test where what a backend needs is not installed."""
    missing = backends.capabilities(backend).missing
    if missing:
        pytest.skip(f"{backend} needs {' and '.join(missing)}")


def done(network: Network, stimulus, ticks: int, backend: str, **how) -> backends.Simulation:
    """Return a simulation that has run."""
    simulation = backends.start(network, backend, **how)
    simulation.stimulate(stimulus)
    simulation.run(ticks * network.timestep_ms)
    return simulation

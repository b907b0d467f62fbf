"""SpiNNaker's fixed-point arithmetic as plain integers: the board's numbers, and no board.

Spikes, potentials and plastic weights are, bit for bit, those of the programs of sPyNNaker 7.4.1;
the emulated board (``spinnaker-emulated``) is what this is checked against. Nothing is said of
cores, packets or time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromem.backends.arithmetic.capabilities import capabilities
from neuromem.backends.arithmetic.simulation import simulate
from neuromem.backends.rerun import RerunSimulation
from neuromem.backends.simulation import Fidelity, Simulation
from neuromem.network import Network


def start(
    network: Network,
    backend: str,
    seed: int | None,
    fidelity: Fidelity,
    options: Mapping[str, Any],
) -> Simulation:
    """Return a simulation of a network at t = 0."""
    return RerunSimulation(simulate, capabilities(backend), network, seed, fidelity, options)


__all__ = ["capabilities", "simulate", "start"]

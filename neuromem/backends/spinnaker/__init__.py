"""SpiNNaker through sPyNNaker: deployment, preflight reports, and runs where a board answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromem.backends.rerun import RerunSimulation
from neuromem.backends.simulation import Fidelity, Simulation
from neuromem.backends.spinnaker.board import Board
from neuromem.backends.spinnaker.capabilities import capabilities
from neuromem.backends.spinnaker.card import BoardCard, card_names, load_card
from neuromem.backends.spinnaker.child import DeploymentError
from neuromem.backends.spinnaker.deploy import Deployment, deploy
from neuromem.backends.spinnaker.preflight import Finding, Preflight
from neuromem.backends.spinnaker.simulation import simulate
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


__all__ = [
    "Board",
    "BoardCard",
    "Deployment",
    "DeploymentError",
    "Finding",
    "Preflight",
    "capabilities",
    "card_names",
    "deploy",
    "load_card",
    "simulate",
    "start",
]

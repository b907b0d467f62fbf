"""Our own engines: ``native``, compiled and fast, and ``native-reference``, short and plain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromem.backends.native.capabilities import capabilities
from neuromem.backends.native.simulation import NativeSimulation
from neuromem.backends.simulation import Fidelity
from neuromem.network import Network


def start(
    network: Network,
    backend: str,
    seed: int | None,
    fidelity: Fidelity,
    options: Mapping[str, Any],
) -> NativeSimulation:
    """Return a simulation at t = 0."""
    simulation = NativeSimulation(network, backend, seed)
    simulation.fidelity = fidelity
    return simulation


def resume(tree: Mapping[str, Any], backend: str) -> NativeSimulation:
    """Return the simulation in a saved tree."""
    return NativeSimulation.from_tree(tree, backend)


__all__ = ["capabilities", "resume", "start"]

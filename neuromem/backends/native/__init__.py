"""Our own engines: ``native``, compiled and fast, and ``native-reference``, short and plain."""

from __future__ import annotations

from typing import Any

from neuromem.backends.native.capabilities import capabilities
from neuromem.backends.native.simulation import NativeSimulation
from neuromem.network import Network


def start(network: Network, backend: str, seed: int | None) -> NativeSimulation:
    """Return a simulation at t = 0."""
    return NativeSimulation(network, backend, seed)


def resume(tree: dict[str, Any], backend: str) -> NativeSimulation:
    """Return the simulation in a saved tree."""
    return NativeSimulation.from_tree(tree, backend)


__all__ = ["capabilities", "resume", "start"]

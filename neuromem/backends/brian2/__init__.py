"""Brian2: the same tick in generated code, or the network as a Brian2 user would write it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromem.backends.brian2.capabilities import capabilities
from neuromem.backends.brian2.session import target_of
from neuromem.backends.brian2.simulation import simulate
from neuromem.backends.rerun import RerunSimulation
from neuromem.backends.simulation import Fidelity
from neuromem.network import Network


def start(
    network: Network,
    backend: str,
    seed: int | None,
    fidelity: Fidelity,
    options: Mapping[str, Any],
) -> RerunSimulation:
    """Return a simulation at t = 0; raise ValueError for an unknown target."""
    target_of(options)
    return RerunSimulation(simulate, capabilities(backend), network, seed, fidelity, options)


__all__ = ["capabilities", "start"]

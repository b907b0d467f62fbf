"""NEST, NEURON and Brian2 through one translation to PyNN."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromem.backends.pynn.capabilities import capabilities
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
    """Return a simulation at t = 0; raise ValueError for ``threads`` that is no positive number."""
    threads = options.get("threads", 1)
    if not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads = {threads!r}: must be a whole number of at least 1")
    from neuromem.backends.pynn.simulation import simulate

    return RerunSimulation(simulate, capabilities(backend), network, seed, fidelity, options)


__all__ = ["capabilities", "start"]

"""Spiking memories and reservoirs, defined once and run anywhere.

Build a memory, choose where it runs, use it::

    import neuromem

    memory = neuromem.Memory(cues=5, content=10)
    session = memory.start(backend="native")
    session.learn(0, [0, 1, 8, 9])
    session.recall_by_content([8]).cues  # (0,)

Or a liquid: ``liquid.encode(recordings, backend="native")`` gives the features of each recording.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from neuromem._version import __version__

if TYPE_CHECKING:
    from neuromem import (
        backends,
        datasets,
        events,
        heads,
        liquid,
        memory,
        network,
        plotting,
        protocols,
        results,
        rram,
    )
    from neuromem.events import Events, EventSet
    from neuromem.liquid import Liquid
    from neuromem.memory import Learn, Memory, RecallByContent, RecallByCue
    from neuromem.network import Network, SpikeTrains
    from neuromem.results import Result

# Loaded on first use, so that importing neuromem costs next to nothing.
_HOMES = {
    "EventSet": "neuromem.events",
    "Events": "neuromem.events",
    "Learn": "neuromem.memory",
    "Liquid": "neuromem.liquid",
    "Memory": "neuromem.memory",
    "RecallByContent": "neuromem.memory",
    "RecallByCue": "neuromem.memory",
    "Network": "neuromem.network",
    "Result": "neuromem.results",
    "SpikeTrains": "neuromem.network",
}
_PACKAGES = (
    "backends",
    "datasets",
    "events",
    "heads",
    "liquid",
    "memory",
    "network",
    "plotting",
    "protocols",
    "results",
    "rram",
)

__all__ = [
    "EventSet",
    "Events",
    "Learn",
    "Liquid",
    "Memory",
    "Network",
    "RecallByContent",
    "RecallByCue",
    "Result",
    "SpikeTrains",
    "__version__",
    "backends",
    "datasets",
    "events",
    "heads",
    "liquid",
    "memory",
    "network",
    "plotting",
    "protocols",
    "results",
    "rram",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _PACKAGES:
        return import_module(f"neuromem.{name}")
    raise AttributeError(f"module 'neuromem' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

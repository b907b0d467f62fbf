"""Networks of LIF_hard_reset neurons as snnTorch modules: batched, differentiable, on any device.

:class:`SpikingModule` is a network as a ``torch.nn.Module``, :func:`run_batch` runs many samples
through one, and ``backends.run(network, ..., backend="snntorch")`` runs a network by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from neuromem.backends.rerun import RerunSimulation
from neuromem.backends.simulation import Fidelity
from neuromem.backends.snntorch.batch import run_batch
from neuromem.backends.snntorch.capabilities import capabilities
from neuromem.network import Network

if TYPE_CHECKING:
    from neuromem.backends.snntorch.module import Activity, SpikingModule


def start(
    network: Network,
    backend: str,
    seed: int | None,
    fidelity: Fidelity,
    options: Mapping[str, Any],
) -> RerunSimulation:
    """Return a simulation at t = 0; raise ValueError for a device that torch has not."""
    from neuromem.backends.snntorch.simulation import device_of, simulate

    device_of(options.get("device", "cpu"))
    return RerunSimulation(simulate, capabilities(backend), network, seed, fidelity, options)


def __getattr__(name: str) -> Any:
    """Import the classes that derive from torch's only when one is asked for."""
    if name not in ("Activity", "SpikingModule"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    capabilities("snntorch").require()
    from neuromem.backends.snntorch import module

    return getattr(module, name)


__all__ = ["Activity", "SpikingModule", "capabilities", "run_batch", "start"]

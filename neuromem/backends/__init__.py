"""How a network is run: every backend by name, with the same call and the same result."""

from __future__ import annotations

import os
from importlib import import_module

from neuromem.backends.simulation import Capabilities, Progress, Simulation, Stimulus
from neuromem.network import Network
from neuromem.results import Result, read_tree

#: Name of each backend and the package that holds it.
BACKENDS = {
    "native": "neuromem.backends.native",
    "native-reference": "neuromem.backends.native",
}
STATE_KIND = "simulation"


def capabilities(backend: str) -> Capabilities:
    """Return what a backend can do; raise ValueError for an unknown name."""
    return _module(backend).capabilities(backend)


def start(network: Network, backend: str = "native", *, seed: int | None = None) -> Simulation:
    """Return a simulation of a network at t = 0.

    Parameters
    ----------
    network
        What to run.
    backend
        Where: a name in ``BACKENDS``.
    seed
        Seed of the run's random parts, kept in the provenance. The native engines have none.

    Raises
    ------
    ValueError
        For an unknown backend.
    """
    return _module(backend).start(network, backend, seed)


def resume(path: str | os.PathLike[str], backend: str | None = None) -> Simulation:
    """Return the simulation saved in a file, on the backend that saved it unless told otherwise.

    Raises
    ------
    FileNotFoundError, ValueError
        When there is no such file, or it holds no simulation.
    """
    tree = read_tree(path, STATE_KIND)
    return from_tree(tree, backend, str(path))


def from_tree(tree: dict, backend: str | None = None, where: str = "state") -> Simulation:
    """Return the simulation in a tree made by ``Simulation.tree``; errors name ``where``."""
    module = _module(backend) if backend is not None else None
    try:
        chosen = backend or str(tree["backend"])
        return (module or _module(chosen)).resume(tree, chosen)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ValueError(f"{where}: damaged simulation state: {error}") from None


def run(
    network: Network,
    duration_ms: float,
    stimulus: Stimulus | None = None,
    backend: str = "native",
    *,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run a network from t = 0 and return what was recorded.

    Parameters
    ----------
    network
        What to run.
    duration_ms
        How long (ms).
    stimulus
        Input spikes of each source.
    backend, seed
        As in :func:`start`.
    progress
        Called with (done, total) in ms.
    """
    simulation = start(network, backend, seed=seed)
    simulation.stimulate(stimulus or {})
    simulation.run(duration_ms, progress)
    return simulation.result()


def _module(backend: str):
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}: there are {', '.join(BACKENDS)}")
    return import_module(BACKENDS[backend])


__all__ = [
    "BACKENDS",
    "STATE_KIND",
    "Capabilities",
    "Progress",
    "Simulation",
    "Stimulus",
    "capabilities",
    "from_tree",
    "resume",
    "run",
    "start",
]

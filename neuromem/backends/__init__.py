"""How a network is run: every backend by name, with the same call and the same result."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from importlib import import_module
from typing import Any, get_args

from neuromem.backends.features import FEATURES, Unsupported, features
from neuromem.backends.rerun import Job, Outcome, RerunSimulation
from neuromem.backends.simulation import (
    Capabilities,
    Convention,
    Fidelity,
    Progress,
    Simulation,
)
from neuromem.backends.stimulus import Stimulus
from neuromem.network import Network, SpikeTrains, loads
from neuromem.results import Result, read_tree

#: Name of each backend and the package that holds it.
BACKENDS = {
    "native": "neuromem.backends.native",
    "native-reference": "neuromem.backends.native",
    "brian2": "neuromem.backends.brian2",
    "snntorch": "neuromem.backends.snntorch",
    "pynn:nest": "neuromem.backends.pynn",
    "pynn:neuron": "neuromem.backends.pynn",
    "pynn:brian2": "neuromem.backends.pynn",
    "pynn:spinnaker": "neuromem.backends.spinnaker",
    "spinnaker-emulated": "neuromem.backends.emulated",
    "spinnaker-arithmetic": "neuromem.backends.arithmetic",
}
STATE_KIND = "simulation"
FIDELITIES: tuple[str, ...] = get_args(Fidelity)


def capabilities(backend: str) -> Capabilities:
    """Return what a backend can do; raise ValueError for an unknown name."""
    return _module(backend).capabilities(backend)


def check(
    network: Network,
    backend: str,
    fidelity: Fidelity = "exact",
    options: Mapping[str, Any] | None = None,
) -> Capabilities:
    """Return a backend's capabilities, after checking that it can run a network.

    Raises
    ------
    Unsupported
        A ValueError, where it lacks what the network needs; names the backends that have it.
    ValueError
        For an unknown backend, fidelity or option.
    ModuleNotFoundError
        When the simulator is not installed, naming the extra to install.
    """
    can = capabilities(backend)
    if fidelity not in FIDELITIES:
        raise ValueError(f"fidelity {fidelity!r}: must be one of {', '.join(FIDELITIES)}")
    for name in options or {}:
        if name not in can.options:
            known = ", ".join(can.options) or "none"
            raise ValueError(f"backend {backend!r} has no option {name!r}: it has {known}")
    needed = features(network)
    for feature, where in needed.items():
        if feature not in can.features(fidelity):
            raise Unsupported(
                f"backend {backend!r} lacks {feature!r} with fidelity {fidelity!r}, which "
                f"{where} needs: use {_alternatives(set(needed), backend, fidelity)}"
            )
    can.require()
    return can


def start(
    network: Network,
    backend: str = "native",
    *,
    seed: int | None = None,
    fidelity: Fidelity = "exact",
    **options: Any,
) -> Simulation:
    """Return a simulation of a network at t = 0.

    Parameters
    ----------
    network
        What to run.
    backend
        Where: a name in ``BACKENDS``.
    seed
        Seed of the run's random parts, kept in the provenance. No backend has any today.
    fidelity
        ``"exact"``: the spikes of the definition, or an error that says what cannot be matched.
        ``"native"``: as that simulator would run the same network.
    **options
        The backend's own, as its capabilities list them.

    Raises
    ------
    ValueError, ModuleNotFoundError
        As :func:`check` does, before anything runs.
    """
    check(network, backend, fidelity, options)
    return _module(backend).start(network, backend, seed, fidelity, options)


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
    if backend is not None:
        _module(backend)
    try:
        chosen = backend or str(tree["backend"])
        network, fidelity = loads(tree["network"]), str(tree.get("fidelity", "exact"))
        check(network, chosen, fidelity)  # type: ignore[arg-type]
        if "input" not in tree:
            return _module(chosen).resume(tree, chosen)
        return _repeated(tree, network, chosen, fidelity)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise ValueError(f"{where}: damaged simulation state: {error}") from None


def run(
    network: Network,
    duration_ms: float,
    stimulus: Stimulus | None = None,
    backend: str = "native",
    *,
    seed: int | None = None,
    fidelity: Fidelity = "exact",
    progress: Progress | None = None,
    **options: Any,
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
    backend, seed, fidelity
        As in :func:`start`.
    progress
        Called with (done, total) in ms.
    **options
        The backend's own.
    """
    simulation = start(network, backend, seed=seed, fidelity=fidelity, **options)
    simulation.stimulate(stimulus or {})
    simulation.run(duration_ms, progress)
    return simulation.result()


def _repeated(tree: dict, network: Network, backend: str, fidelity: Any) -> Simulation:
    """Return a simulation that was saved as its input, run again."""
    seed, h = int(tree["seed"]), network.timestep_ms
    options = {} if backend != tree["backend"] else json.loads(tree["options"])
    simulation = start(
        network, backend, seed=None if seed < 0 else seed, fidelity=fidelity, **options
    )
    simulation.stimulate(
        {
            name: SpikeTrains(rows[:, 0] * h, rows[:, 1], network.population(name).size)
            for name, rows in tree["input"].items()
        }
    )
    simulation.run(int(tree["tick"]) * h)
    return simulation


def _alternatives(needed: set[str], backend: str, fidelity: Fidelity) -> str:
    """Return the other backends that have all of these features."""
    found = [
        name
        for name in BACKENDS
        if name != backend and (can := capabilities(name)).runs and needed <= can.features(fidelity)
    ]
    if fidelity == "exact" and needed <= capabilities(backend).native:
        return f"fidelity='native', or {', '.join(found)}"
    return ", ".join(found)


def _module(backend: str):
    if backend not in BACKENDS:
        raise ValueError(f"no backend {backend!r}: there are {', '.join(BACKENDS)}")
    return import_module(BACKENDS[backend])


__all__ = [
    "BACKENDS",
    "FEATURES",
    "FIDELITIES",
    "STATE_KIND",
    "Capabilities",
    "Convention",
    "Fidelity",
    "Job",
    "Outcome",
    "Progress",
    "RerunSimulation",
    "Simulation",
    "Stimulus",
    "Unsupported",
    "capabilities",
    "check",
    "features",
    "from_tree",
    "resume",
    "run",
    "start",
]

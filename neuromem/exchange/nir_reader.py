"""From a NIR graph to a network."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromem.exchange.nir_paths import Paths, Way
from neuromem.exchange.nir_terms import nir_package, tidy
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Neuron,
    Population,
    Projection,
    Recording,
    SpikeSource,
    StaticSynapse,
    Values,
)

if TYPE_CHECKING:
    import nir

#: 1 - dt / tau is known to 1e-16 at best.
DECAY_DIGITS = 15


def from_nir(graph: nir.NIRGraph, timestep_ms: float | None = None) -> Network:
    r"""Return a NIR graph as a network; the inverse of :func:`neuromem.exchange.to_nir`.

    An ``LIF`` whose leak and reset are 0 becomes LIF_hard_reset, with :math:`d = 1 - dt / \tau`,
    any other IF_curr_delta; an ``IF`` becomes LIF_hard_reset that does not decay; a ``CubaLIF``
    becomes IF_curr_exp. Gains (:math:`R\, dt / \tau`, :math:`w_{in}\, dt / \tau_{syn}`) are
    taken into the weights. A matrix is a projection, of which elements of 0 are no connections.
    Spikes of a neuron with an ``Output`` are recorded. Graphs within the graph are opened.

    Parameters
    ----------
    graph
        A graph in the units of :mod:`neuromem.exchange.nir_terms`, by whatever tool.
    timestep_ms
        The time step (ms); that of the graph's metadata where None.

    Raises
    ------
    ValueError
        Naming the node, for one that is unknown, malformed, or has no counterpart: neurons that
        differ within a node, a bias, delays off the grid, a loop without a neuron.
    ModuleNotFoundError
        Without the package ``nir``.
    """
    dt = _dt(graph, timestep_ms)
    paths = Paths(graph)
    names = _names(paths.nodes)
    populations: dict[str, SpikeSource | Population] = {}
    gains: dict[str, np.ndarray] = {}
    for at in sorted(paths.nodes, key=lambda name: paths.nodes[name].metadata.get("position", 0)):
        node = paths.nodes[at]
        if node.metadata.get("silent"):
            continue
        if paths.is_source(at):
            size = _size(at, node.input_type["input"])
            populations[at] = SpikeSource(name=names[at], size=size)
        elif paths.is_neuron(at):
            size = _size(at, np.shape(node.v_threshold))
            neuron, gains[at] = _neuron(at, node, size, dt)
            populations[at] = Population(name=names[at], size=size, neuron=neuron)
    projections: list[Projection] = []
    recorded: dict[str, None] = {}
    for start, population in populations.items():
        for end, way in paths.ways(start, Way(population.size)):
            if end in gains:
                way.must_fit(end, populations[end].size)
                free = way.label not in (projection.label for projection in projections)
                projections += _projections(
                    population.name,
                    populations[end],
                    way if free else way._replace(label=""),
                    gains[end],
                    dt,
                )
            elif way.touched:
                raise ValueError(
                    f"node {way.touched!r} leads to the output {end!r}: outputs are the spikes of "
                    "neurons, put a neuron between"
                )
            else:
                recorded[population.name] = None
    return Network(
        name=str(graph.metadata.get("name", "NIR graph")),
        populations=tuple(populations.values()),
        projections=tuple(projections),
        recordings=tuple(Recording(target=name) for name in recorded),
        timestep_ms=tidy(dt * 1000),
        source=str(graph.metadata.get("source", "")),
    )


def load_nir(path: str | os.PathLike[str], timestep_ms: float | None = None) -> Network:
    """Return the network in a NIR file; see :func:`from_nir`.

    Raises
    ------
    FileNotFoundError, ValueError
        When there is no such file, or it holds no graph that can be read.
    """
    package, where = nir_package(), os.fspath(path)
    if not os.path.exists(where):
        raise FileNotFoundError(f"no NIR file {where!r}")
    try:
        graph = package.read(where)
    except Exception as error:  # nir lets out what it meets: assertions, KeyErrors, OSErrors
        raise ValueError(f"{where}: no NIR graph: {error}") from error
    if not isinstance(graph, package.NIRGraph):
        raise ValueError(f"{where}: a single {type(graph).__name__} node, no graph")
    return from_nir(graph, timestep_ms)


def _dt(graph: nir.NIRGraph, timestep_ms: float | None) -> float:
    """Return the time step (s)."""
    dt = graph.metadata.get("dt") if timestep_ms is None else timestep_ms / 1000
    if dt is None:
        raise ValueError(
            "the graph does not say its time step: give timestep_ms (snnTorch's is 0.1)"
        )
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(f"time step of {dt} s: must be above 0")
    return float(dt)


def _names(nodes: Iterable[str]) -> dict[str, str]:
    """Return a population's name for each node: letters, digits and underscores."""
    names: dict[str, str] = {}
    for node in nodes:
        name = re.sub(r"^(?=\d|$)", "_", re.sub(r"\W", "_", node, flags=re.ASCII))
        while name in names.values():
            name += "_"
        names[node] = name
    return names


def _size(name: str, shape: Any) -> int:
    if shape is None or len(shape) != 1 or shape[0] < 1:
        raise ValueError(f"node {name!r} of shape {shape}: must be one-dimensional, not empty")
    return int(shape[0])


def _neuron(name: str, node: Any, size: int, dt: float) -> tuple[Neuron, np.ndarray]:
    """Return the neuron of a node, and what a weight of 1 does in each of its neurons."""

    def values(parameter: str) -> np.ndarray:
        array = np.asarray(getattr(node, parameter), dtype=np.float64)
        if array.shape != (size,) or not np.all(np.isfinite(array)):
            raise ValueError(f"{parameter} must be {size} finite numbers")
        if parameter.startswith("tau") and np.any(array <= 0):
            raise ValueError(f"{parameter} = {array.min()}: must be above 0")
        return array

    def one(parameter: str) -> float:
        array = values(parameter)
        if np.any(array != array[0]):
            raise ValueError(
                f"{parameter} differs from neuron to neuron, {array.min():g} to {array.max():g}; "
                "a population's neurons are equal, give each kind a node"
            )
        return float(array[0])

    try:
        neuron, gain = _model(node, values, one, dt)
    except ValueError as error:
        raise ValueError(f"node {name!r}: {error}") from None
    return neuron, np.array([tidy(value) for value in gain])


def _model(
    node: Any,
    values: Callable[[str], np.ndarray],
    one: Callable[[str], float],
    dt: float,
) -> tuple[Neuron, np.ndarray]:
    package = nir_package()
    threshold, reset = one("v_threshold"), one("v_reset")
    if isinstance(node, package.IF):
        if reset != 0:
            raise ValueError(f"v_reset = {reset} of an IF: must be 0")
        return LIF_hard_reset(decay=1.0, v_thresh=threshold), values("r") * dt
    leak = one("v_leak")
    potentials = {"v_rest_mv": leak, "v_reset_mv": reset, "v_thresh_mv": threshold}
    if isinstance(node, package.CubaLIF):
        tau_m, tau_syn, r = tidy(1000 * one("tau_mem")), tidy(1000 * one("tau_syn")), one("r")
        if r <= 0:
            raise ValueError(f"r = {r}: must be above 0")
        neuron = IF_curr_exp(
            cm_nf=tidy(tau_m / r),
            tau_m_ms=tau_m,
            tau_syn_E_ms=tau_syn,
            tau_syn_I_ms=tau_syn,
            tau_refrac_ms=0.0,
            **potentials,
        )
        return neuron, values("w_in") * dt / values("tau_syn")
    tau, gain = one("tau"), values("r") * dt / values("tau")
    if leak == reset == 0 and node.metadata.get("neuron") != IF_curr_delta.__name__:
        if tau < dt:
            raise ValueError(f"tau = {tau} s: must not be below the time step of {dt} s")
        return LIF_hard_reset(decay=round(1 - dt / tau, DECAY_DIGITS), v_thresh=threshold), gain
    return IF_curr_delta(tau_m_ms=tidy(1000 * tau), tau_refrac_ms=0.0, **potentials), gain


def _projections(
    pre: str, post: SpikeSource | Population, way: Way, gain: np.ndarray, dt: float
) -> Iterator[Projection]:
    """Yield the projections of a way: two where a neuron takes no signed weights."""
    assert isinstance(post, Population)
    ticks = way.delay / dt
    if abs(ticks - round(ticks)) > 1e-6:
        raise ValueError(
            f"node {way.touched!r}: after a delay of {way.delay} s, which is no whole number of "
            f"time steps of {dt} s"
        )
    weight = gain * (np.eye(way.size) if way.weight is None else way.weight.T)
    positive, negative = bool(np.any(weight > 0)), bool(np.any(weight < 0))
    parts: list[tuple[Any, np.ndarray]]
    if not negative:
        parts = [("excitatory", weight)]
    elif not positive:
        parts = [("inhibitory", np.abs(weight))]
    elif post.neuron.signed_weights:
        parts = [("signed", weight)]
    else:
        parts = [("excitatory", weight.clip(min=0)), ("inhibitory", np.abs(weight.clip(max=0)))]
    for receptor, part in parts:
        used = part != 0
        connector = AllToAllConnector() if used.all() else ArrayConnector(array=Values(array=used))
        yield Projection(
            pre=pre,
            post=post.name,
            connector=connector,
            synapse=StaticSynapse(
                weight=Values(array=part), delay_ms=tidy((round(ticks) + 1) * dt * 1000)
            ),
            receptor_type=receptor,
            label=way.label if len(parts) == 1 else "",
        )

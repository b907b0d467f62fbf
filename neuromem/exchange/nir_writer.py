"""From a network to a NIR graph, and what is lost on the way."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from neuromem.exchange.nir_terms import CONVENTION, UNITS, nir_package
from neuromem.network import (
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    SpikeSource,
    refractory_ticks,
)

if TYPE_CHECKING:
    import nir

Weights = Mapping[str, np.ndarray]


def to_nir(
    network: Network, weights: Weights | None = None, *, timestep_ms: float | None = None
) -> nir.NIRGraph:
    r"""Return a network as a NIR graph; :func:`losses` says what it could not hold.

    =================  ==========================================================================
    definition         NIR
    =================  ==========================================================================
    ``SpikeSource``    ``Input``
    ``LIF_hard_reset`` ``LIF``: :math:`\tau = dt / (1 - d)`, :math:`R = \tau / dt`, leak and reset
                       at 0; ``IF`` with :math:`R = 1 / dt` where d = 1
    ``IF_curr_delta``  ``LIF``: :math:`R = \tau / dt`, :math:`v_{leak} = V_{rest} + R_m I_{offset}`
    ``IF_curr_exp``    ``CubaLIF``: :math:`R = \tau_m / c_m`, :math:`w_{in} = \tau_{syn} / dt`
    ``Projection``     ``Linear``, inhibitory weights negative, with a ``Delay`` before it where
                       the delay exceeds a tick; one such pair for each delay that occurs
    recorded spikes    ``Output``; every population has one where no spikes are recorded
    =================  ==========================================================================

    Units and what a spike is: see :mod:`neuromem.exchange.nir_terms`.

    Parameters
    ----------
    network
        What to write.
    weights
        Weights [pre, post] by a projection's label, in the definition's unit, such as
        ``simulation.weights(label)`` of a plastic one; the definition's where not given. A
        plastic projection is written as it is at one moment.
    timestep_ms
        Write the tick as that long (ms). LIF_hard_reset knows no time, so that a network of it
        can be written for an importer with a time step of its own (snnTorch: 0.1 ms).

    Raises
    ------
    ValueError
        For weights of an unknown projection or another shape, a graph that NIR refuses, or
        another time step for neurons with time constants.
    ModuleNotFoundError
        Without the package ``nir``.

    Notes
    -----
    snnTorch 1.0.0 reads the feed-forward graphs of LIF_hard_reset with a decay below 1 and no
    ``Delay``, written with ``timestep_ms=0.1``: the spikes are the same, a tick earlier for each
    layer. It sends the input of a recurrent layer through the recurrent weights, and so runs
    another network than the graph's (measured: ``tests/exchange/test_nir_snntorch.py``).
    """
    package = nir_package()
    given = dict(weights or {})
    for label in given:
        network.projection(label)
    h_ms = network.timestep_ms if timestep_ms is None else timestep_ms
    if not (h_ms > 0 and math.isfinite(h_ms)):
        raise ValueError(f"timestep_ms = {h_ms}: must be above 0")
    lost = [
        f"The time step of {h_ms:g} ms is in the metadata only: NIR has none.",
        *_lost_recordings(network),
    ]
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []
    for population in network.populations:
        if isinstance(population, SpikeSource):
            node = package.Input(input_type={"input": np.array([population.size])})
        else:
            if h_ms != network.timestep_ms and not isinstance(population.neuron, LIF_hard_reset):
                raise ValueError(
                    f"timestep_ms = {h_ms:g} for population {population.name!r}: its neurons have "
                    f"time constants; only LIF_hard_reset takes another than {network.timestep_ms}"
                )
            node = _neuron(package, network, population, h_ms / 1000, lost)
        nodes[population.name] = node
    for projection in network.projections:
        matrix = given.get(projection.label)
        _write(package, network, projection, matrix, h_ms / 1000, nodes, edges, lost)
    for name in _outputs(network):
        size = network.population(name).size
        output = _unused(f"{name}_output", nodes)
        nodes[output] = package.Output(output_type={"output": np.array([size])})
        edges.append((name, output))
    entered = {post for _, post in edges}
    for population in network.populations:
        if isinstance(population, Population) and population.name not in entered:
            silent = _unused(f"{population.name}_silent", nodes)  # NIR starts at inputs only
            shape = {"input": np.array([population.size])}
            nodes[silent] = package.Input(input_type=shape, metadata={"silent": 1})
            edges.append((silent, population.name))
    for position, node in enumerate(nodes.values()):
        node.metadata["position"] = position  # a file keeps no order
    metadata = {
        "name": network.name,
        "source": network.source,
        "dt": h_ms / 1000,
        "units": UNITS,
        "convention": CONVENTION,
        "losses": "\n".join(lost),
    }
    return package.NIRGraph(nodes, edges, {k: v for k, v in metadata.items() if v != ""})


def save_nir(
    network: Network,
    path: str | os.PathLike[str],
    weights: Weights | None = None,
    *,
    timestep_ms: float | None = None,
) -> list[str]:
    """Write a network as a NIR file and return what is lost; see :func:`to_nir`."""
    graph = to_nir(network, weights, timestep_ms=timestep_ms)
    nir_package().write(os.fspath(path), graph)
    return losses(graph)


def losses(graph: nir.NIRGraph) -> list[str]:
    """Return what of the network a graph by :func:`to_nir` does not hold, a sentence for each."""
    return str(graph.metadata.get("losses", "")).splitlines()


def _outputs(network: Network) -> list[str]:
    recorded = [r.target for r in network.recordings if r.variable == "spikes"]
    cells = [p.name for p in network.populations if isinstance(p, Population)]
    return recorded or cells or [network.populations[0].name]


def _lost_recordings(network: Network) -> list[str]:
    return [
        f"The recording of {recording.variable!r} of {recording.target!r} is lost: NIR outputs "
        "are spikes."
        for recording in network.recordings
        if recording.variable != "spikes"
    ]


def _neuron(
    package, network: Network, population: Population, dt: float, lost: list[str]
) -> nir.NIRNode:
    """Return a population as a node, and note what of it is lost."""
    neuron, where = population.neuron, f"Population {population.name!r}"

    def all_of(**values: float) -> dict[str, np.ndarray]:
        return {name: np.full(population.size, value) for name, value in values.items()}

    metadata = {"neuron": type(neuron).__name__}
    if isinstance(neuron, LIF_hard_reset):
        level = {"v_threshold": neuron.v_thresh, "v_reset": 0.0}
        if neuron.decay == 1:
            return package.IF(**all_of(r=1 / dt, **level), metadata=metadata)
        tau = dt / (1 - neuron.decay)
        return package.LIF(**all_of(tau=tau, r=tau / dt, v_leak=0.0, **level), metadata=metadata)
    lost.append(f"{where} fires at V >= V_thresh; in NIR above it.")
    if refractory_ticks(neuron, network.timestep_ms):
        lost.append(f"{where} loses its refractory time of {neuron.tau_refrac_ms:g} ms.")
    resistance = neuron.tau_m_ms / neuron.cm_nf
    leak = neuron.v_rest_mv + resistance * neuron.i_offset_na
    if neuron.i_offset_na:
        lost.append(f"{where} has its offset current in the leak potential.")
    if neuron.v_init_mv != leak:
        lost.append(
            f"{where} starts at {neuron.v_init_mv:g} mV, which is lost: NIR has no initial state."
        )
    tau = neuron.tau_m_ms / 1000
    level = {"v_leak": leak, "v_reset": neuron.v_reset_mv, "v_threshold": neuron.v_thresh_mv}
    if isinstance(neuron, IF_curr_delta):
        return package.LIF(**all_of(tau=tau, r=tau / dt, **level), metadata=metadata)
    tau_syn = _tau_syn_ms(network, population, neuron, lost) / 1000
    values = all_of(tau_syn=tau_syn, tau_mem=tau, r=resistance, w_in=tau_syn / dt, **level)
    return package.CubaLIF(**values, metadata=metadata)


def _tau_syn_ms(
    network: Network, population: Population, neuron: IF_curr_exp, lost: list[str]
) -> float:
    """Return the one time constant of both currents that a node can have."""
    receptors = {
        projection.receptor_type
        for projection in network.projections
        if network.view(projection.post).population.name == population.name
    }
    if receptors == {"inhibitory"}:
        return neuron.tau_syn_I_ms
    if "inhibitory" in receptors and neuron.tau_syn_E_ms != neuron.tau_syn_I_ms:
        lost.append(
            f"Population {population.name!r} has one synaptic time constant in NIR: inhibition "
            f"decays with {neuron.tau_syn_E_ms:g} ms instead of {neuron.tau_syn_I_ms:g} ms."
        )
    return neuron.tau_syn_E_ms


def _write(
    package,
    network: Network,
    projection: Projection,
    given: np.ndarray | None,
    dt: float,
    nodes: dict[str, nir.NIRNode],
    edges: list[tuple[str, str]],
    lost: list[str],
) -> None:
    """Add a projection's nodes and edges, for each of its delays."""
    pre, post = network.view(projection.pre), network.view(projection.post)
    rows, columns = network.pairs(projection)
    values = network.weights(projection)
    if given is not None:
        matrix = np.asarray(given, dtype=np.float64)
        if matrix.shape != (pre.size, post.size):
            raise ValueError(
                f"weights of {projection.label!r} of shape {matrix.shape}: give "
                f"{(pre.size, post.size)} [pre, post]"
            )
        values = matrix[rows, columns]
        if not np.all(np.isfinite(values)):
            raise ValueError(f"weights of {projection.label!r}: a connection's is not finite")
    where = f"Projection {projection.label!r}"
    if projection.plastic:
        which = "the weights given" if given is not None else "its initial weights"
        lost.append(f"{where} is plastic: written with {which}, frozen.")
    if silent := int(np.count_nonzero(values == 0)):
        lost.append(f"{where} has {silent} connections of weight 0, which read as none.")
    sign = -1.0 if projection.receptor_type == "inhibitory" else 1.0
    delays = network.delays_ticks(projection)
    for delay in np.unique(delays).tolist() or [1]:
        chosen = delays == delay
        weight = np.zeros((post.population.size, pre.population.size))
        weight[columns[chosen] + post.start, rows[chosen] + pre.start] = sign * values[chosen]
        name = _unused(f"{pre.population.name}_to_{post.population.name}", nodes)
        nodes[name] = package.Linear(weight=weight, metadata={"label": projection.label})
        path = [pre.population.name, name, post.population.name]
        if delay > 1:
            late = _unused(f"{name}_delay", nodes)
            beyond = np.full(pre.population.size, (delay - 1) * dt)
            nodes[late] = package.Delay(delay=beyond)
            path.insert(1, late)
        edges.extend(pairwise(path))


def _unused(name: str, nodes: Mapping[str, nir.NIRNode]) -> str:
    found, number = name, 2
    while found in nodes:
        found, number = f"{name}_{number}", number + 1
    return found

"""The definition in sPyNNaker's terms: one table for neurons, one for rules and connectors.

What is not literal:

- ``IF_curr_delta`` has weights in mV here, and on the board in nA for one tick. The capacitance
  is chosen so that 1 nA for a tick lifts V by 1 mV, and the offset current is scaled to match.
- ``LIF_hard_reset`` is an ``IF_curr_delta`` that rests and resets at 0, with a time constant of
  ``-h / ln(decay)`` and a threshold one step of the board's numbers higher: it fires where
  ``u > v_thresh`` and the board where ``V >= v_thresh``.
- A signed projection becomes an excitatory and an inhibitory one, without the zeros.
- A projection of a slice, or one that skips the same index, is a list of connections between whole
  populations: sPyNNaker 7.4.1 cannot generate one-to-one connections from a slice on the host, nor
  all-to-all ones without self-connections over several cores.
- A population whose plastic rows are too long for a core is spread over more cores.
- Amplitudes of STDP are passed on as they are: sPyNNaker 7.4.1 does not multiply them by w_max.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.spinnaker.fixed_point import STEP_S1615, to_s1615
from neuromem.backends.spinnaker.parts import Part, largest_sums, neurons_per_core, parts
from neuromem.backends.stimulus import Stimulus
from neuromem.network import (
    AllToAllConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Neuron,
    OneToOneConnector,
    Population,
    Projection,
    SpikeSource,
    STDPSynapse,
    Values,
)

#: Our name of a parameter and sPyNNaker's, where the value is the same.
SHARED = {
    "tau_m_ms": "tau_m",
    "cm_nf": "cm",
    "v_rest_mv": "v_rest",
    "v_reset_mv": "v_reset",
    "v_thresh_mv": "v_thresh",
    "tau_refrac_ms": "tau_refrac",
    "i_offset_na": "i_offset",
}
SYNAPTIC = {"tau_syn_E_ms": "tau_syn_E", "tau_syn_I_ms": "tau_syn_I"}
#: Our name of a recorded variable and sPyNNaker's.
RECORDED = {"v": "v", "isyn_exc": "gsyn_exc", "isyn_inh": "gsyn_inh"}
#: sPyNNaker's name of a rule's timing part, by pairing.
TIMINGS = {"all": "SpikePairRule", "nearest": "extra_models.SpikeNearestPairRule"}


@dataclass(frozen=True)
class Cell:
    """A neuron in sPyNNaker's terms: its model, its parameters and the potential it starts at."""

    model: str
    parameters: dict[str, float]
    v_init: float


def cell(neuron: Neuron, timestep_ms: float) -> Cell:
    """Return a neuron in sPyNNaker's terms.

    Raises
    ------
    Unsupported
        For a hard-reset neuron that does not decay: its time constant would be infinite.
    """
    if isinstance(neuron, LIF_hard_reset):
        return _hard_reset(neuron, timestep_ms)
    parameters = {theirs: getattr(neuron, ours) for ours, theirs in SHARED.items()}
    v_init = neuron.v_init_mv if neuron.v_init_mv is not None else neuron.v_rest_mv
    if isinstance(neuron, IF_curr_exp):
        parameters |= {theirs: getattr(neuron, ours) for ours, theirs in SYNAPTIC.items()}
        return Cell("IF_curr_exp", parameters, v_init)
    parameters["cm"] = _unit_jump(neuron.tau_m_ms, timestep_ms)
    parameters["i_offset"] = neuron.i_offset_na * parameters["cm"] / neuron.cm_nf
    return Cell("extra_models.IFCurDelta", parameters, v_init)


def jump(neuron: IF_curr_delta | LIF_hard_reset, timestep_ms: float) -> float:
    """Return by how much a weight of 1 lifts V on the board, in its own fixed point; ideally 1."""
    of = cell(neuron, timestep_ms).parameters
    resistance = to_s1615(to_s1615(of["tau_m"]) / to_s1615(of["cm"]))
    decay = to_s1615(math.exp(-timestep_ms / to_s1615(of["tau_m"])))
    return resistance * (1 - decay) * to_s1615(1 / timestep_ms)


def build(
    sim: Any,
    network: Network,
    stimulus: Stimulus,
    *,
    fit_weights: bool = False,
    sizing: Mapping[str, int] | None = None,
) -> tuple[dict, list[tuple[Part, Any]]]:
    """Make the populations and projections in sPyNNaker, after its ``setup``.

    With ``fit_weights`` the ring buffers hold the largest sum that can arrive, and no more: finer
    weights than by sPyNNaker's estimate, the largest weight times the number of inputs. ``sizing``
    are sPyNNaker's options of how each population of neurons is laid onto cores.

    Returns
    -------
    populations, projections
        sPyNNaker's population of each name, and every part that has connections with sPyNNaker's
        projection.
    """
    made = {
        p.name: _population(sim, network, p, stimulus, fit_weights, sizing or {})
        for p in network.populations
    }
    projections = []
    for projection in network.projections:
        ends = (
            made[network.view(projection.pre).population.name],
            made[network.view(projection.post).population.name],
        )
        for part in parts(network, projection):
            if len(part.pre):
                built = _projection(sim, network, projection, part, *ends)
                projections.append((part, built))
    for recording in network.recordings:
        if recording.variable in RECORDED:
            made[recording.target].record(
                RECORDED[recording.variable],
                sampling_interval=recording.every_ms or network.timestep_ms,
            )
    return made, projections


def _hard_reset(neuron: LIF_hard_reset, timestep_ms: float) -> Cell:
    if neuron.decay == 1:
        raise Unsupported(
            "LIF_hard_reset.decay = 1: on the board a neuron has a finite time constant; use a "
            "decay below 1, or the native backend"
        )
    # exp(-20) is below the board's smallest step, as a decay of 0 should be.
    tau = -timestep_ms / math.log(neuron.decay) if neuron.decay > 0 else timestep_ms / 20
    above = (math.floor(neuron.v_thresh / STEP_S1615) + 1) * STEP_S1615
    parameters = {
        "tau_m": tau,
        "cm": _unit_jump(tau, timestep_ms),
        "v_rest": 0.0,
        "v_reset": 0.0,
        "v_thresh": above,
        "tau_refrac": 0.0,
        "i_offset": 0.0,
    }
    return Cell("extra_models.IFCurDelta", parameters, 0.0)


def _unit_jump(tau_m_ms: float, timestep_ms: float) -> float:
    """Return the capacitance (nF) with which 1 nA, given as 1/h for a tick, lifts V by 1 mV."""
    return tau_m_ms * -math.expm1(-timestep_ms / tau_m_ms) / timestep_ms


def _population(
    sim: Any,
    network: Network,
    population: Any,
    stimulus: Stimulus,
    fit_weights: bool,
    sizing: Mapping[str, int],
) -> Any:
    if isinstance(population, SpikeSource):
        trains = stimulus.get(population.name)
        # A source without any spike is one empty list: sPyNNaker stumbles over many.
        times = trains.per_neuron() if trains is not None and len(trains) else []
        source = sim.SpikeSourceArray(spike_times=times)
        return sim.Population(population.size, source, label=population.name)
    assert isinstance(population, Population)
    found = cell(population.neuron, network.timestep_ms)
    laid: dict[str, Any] = {"neurons_per_core": neurons_per_core(network, population), **sizing}
    if fit_weights:
        laid["max_expected_summed_weight"] = largest_sums(network, population)
    model = _named(sim, found.model)(**found.parameters)
    made = sim.Population(population.size, model, label=population.name, **laid)
    made.initialize(v=found.v_init)
    made.record("spikes")
    return made


def _projection(
    sim: Any, network: Network, projection: Projection, part: Part, pre: Any, post: Any
) -> Any:
    synapse = projection.synapse
    one_weight, one_delay = len(np.unique(part.weights)) == 1, len(np.unique(part.delays_ms)) == 1
    # One delay is given once: the host then knows that all inputs may arrive in the same tick.
    given: dict[str, Any] = {"delay": part.delays_ms[0] if one_delay else network.timestep_ms}
    given["weight"] = part.weights[0] if one_weight else 0.0
    connector = _whole(sim, network, projection) if one_weight and one_delay else None
    if connector is None:
        columns = {"weight": part.weights} if not one_weight else {}
        columns |= {"delay": part.delays_ms} if not one_delay else {}
        table = np.column_stack([part.pre, part.post, *columns.values()])
        connector = sim.FromListConnector(table, column_names=list(columns))
    made = _stdp(sim, synapse, given) if isinstance(synapse, STDPSynapse) else None
    return sim.Projection(
        pre, post, connector,
        made or sim.StaticSynapse(**given),
        receptor_type=part.receptor_type,
        label=f"{part.label} {part.receptor_type}",
    )  # fmt: skip


def _whole(sim: Any, network: Network, projection: Projection) -> Any:
    """Return the connector that the board itself can expand, between whole populations."""
    pre, post = network.view(projection.pre), network.view(projection.post)
    signed = projection.receptor_type == "signed" and isinstance(projection.synapse.weight, Values)
    if pre.size < pre.population.size or post.size < post.population.size or signed:
        return None
    if isinstance(projection.connector, OneToOneConnector):
        return sim.OneToOneConnector()
    connector = projection.connector
    if isinstance(connector, AllToAllConnector) and not connector.skip_same_index:
        return sim.AllToAllConnector()
    return None


def _stdp(sim: Any, rule: STDPSynapse, given: dict[str, Any]) -> Any:
    timing = _named(sim, TIMINGS[rule.pairing])(
        tau_plus=rule.tau_plus_ms,
        tau_minus=rule.tau_minus_ms,
        A_plus=rule.A_plus,
        A_minus=rule.A_minus,
    )
    weight = sim.AdditiveWeightDependence(w_min=rule.w_min, w_max=rule.w_max)
    return sim.STDPMechanism(timing_dependence=timing, weight_dependence=weight, **given)


def _named(sim: Any, name: str) -> Any:
    """Return what a dotted name stands for."""
    found = sim
    for part in name.split("."):
        found = getattr(found, part)
    return found

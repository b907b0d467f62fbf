"""From the definition to PyNN's terms, as it is written, and the parts that exactness shares."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from neuromem.backends.pynn.dialects import FIRST_STEP, Dialect
from neuromem.backends.pynn.script import Cells, Rule, Script, Wires
from neuromem.backends.stimulus import Stimulus
from neuromem.network import (
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Neuron,
    Population,
    Projection,
    STDPSynapse,
    Synapse,
)

#: LIF_hard_reset's decays of 0 and 1 as membrane time constants, in ticks: exp(-1 / tau) is them.
SHORTEST_TAU, LONGEST_TAU = 1e-3, 1e18


def literal(network: Network, stimulus: Stimulus, dialect: Dialect) -> Script:
    """Return a network as it is written, with one step of the simulator for a tick.

    The simulator begins ``FIRST_STEP`` ticks before t = 0, with every neuron at ``v_init``.
    """
    step_ms, stretch = dialect.step_ms, dialect.step_ms / network.timestep_ms
    cells, wires = [], []
    for population in network.populations:
        if isinstance(population, Population):
            neuron = plain(population.neuron, network.timestep_ms)
            parameters = cell_parameters(neuron, stretch)
            v_init = initial_potential(neuron)
            model = type(neuron).__name__
            cells.append(Cells(population.name, population.size, model, parameters, v_init))
        else:
            cells.append(source_cells(network, stimulus, population.name, 1, FIRST_STEP, step_ms))
    for projection in network.projections:
        rule = pair_rule(projection.synapse, stretch) if projection.plastic else None
        delays = network.delays_ticks(projection) * step_ms
        wires += wires_of(network, projection, delays, {}, rule)
    shift = {population.name: FIRST_STEP for population in network.populations}
    return Script(tuple(cells), tuple(wires), 1, shift)


def plain(neuron: Neuron, timestep_ms: float) -> IF_curr_exp | IF_curr_delta:
    """Return a neuron that PyNN has: LIF_hard_reset is an IF_curr_delta, to the last bit."""
    if not isinstance(neuron, LIF_hard_reset):
        return neuron
    with np.errstate(divide="ignore"):
        tau = float(np.clip(1 / abs(np.log(neuron.decay)), SHORTEST_TAU, LONGEST_TAU))
    return IF_curr_delta(
        tau_m_ms=tau * timestep_ms,
        tau_refrac_ms=0.0,
        v_rest_mv=0.0,
        v_reset_mv=0.0,
        v_thresh_mv=math.nextafter(neuron.v_thresh, math.inf),  # its comparison is strict
    )


def initial_potential(neuron: IF_curr_exp | IF_curr_delta) -> float:
    """Return the potential at t = 0 (mV)."""
    return neuron.v_rest_mv if neuron.v_init_mv is None else neuron.v_init_mv


def cell_parameters(neuron: IF_curr_exp | IF_curr_delta, stretch: float) -> dict[str, float]:
    """Return PyNN's parameters of a neuron, with all times ``stretch`` times as long."""
    parameters = {
        "cm": neuron.cm_nf * stretch,
        "tau_m": neuron.tau_m_ms * stretch,
        "tau_refrac": neuron.tau_refrac_ms * stretch,
        "v_rest": neuron.v_rest_mv,
        "v_reset": neuron.v_reset_mv,
        "v_thresh": neuron.v_thresh_mv,
        "i_offset": neuron.i_offset_na,
    }
    if isinstance(neuron, IF_curr_exp):
        parameters |= {
            "tau_syn_E": neuron.tau_syn_E_ms * stretch,
            "tau_syn_I": neuron.tau_syn_I_ms * stretch,
        }
    return parameters


def source_cells(
    network: Network, stimulus: Stimulus, name: str, steps_per_tick: int, shift: int, step_ms: float
) -> Cells:
    """Return a spike source with its spikes, tick t at step ``steps_per_tick * t + shift``."""
    size, trains = network.population(name).size, stimulus[name]
    ticks = np.rint(trains.times_ms / network.timestep_ms)
    times = (steps_per_tick * ticks + shift) * step_ms
    order = np.argsort(trains.neurons, kind="stable")
    ends = np.cumsum(np.bincount(trains.neurons, minlength=size))[:-1]
    return Cells(name, size, "SpikeSourceArray", spike_times=tuple(np.split(times[order], ends)))


def pair_rule(synapse: Synapse, stretch: float) -> Rule:
    """Return the pair rule of a plastic synapse, with all times ``stretch`` times as long."""
    assert isinstance(synapse, STDPSynapse)
    return Rule(
        tau_plus=synapse.tau_plus_ms * stretch,
        tau_minus=synapse.tau_minus_ms * stretch,
        a_plus=synapse.A_plus,
        a_minus=synapse.A_minus,
        w_min=synapse.w_min,
        w_max=synapse.w_max,
    )


def wires_of(
    network: Network,
    projection: Projection,
    delays: np.ndarray,
    scales: Mapping[str, float],
    rule: Rule | None,
) -> list[Wires]:
    """Return a projection as wires, one for each sign of its weights.

    Parameters
    ----------
    network, projection
        The definition.
    delays
        Delay of every connection (ms of the simulator).
    scales
        The simulator's weight for a weight of 1, by receptor; 1 where missing.
    rule
        The plasticity, in the definition's weights.
    """
    pre, post = network.view(projection.pre), network.view(projection.post)
    rows, columns = network.pairs(projection)
    weights = network.weights(projection)
    parts = {projection.receptor_type: np.ones(len(weights), dtype=bool)}
    if projection.receptor_type == "signed":
        parts = {"excitatory": weights >= 0, "inhibitory": weights < 0}
    wires = []
    for receptor, chosen in parts.items():
        scale = scales.get(receptor, 1.0)
        wires.append(
            Wires(
                label=f"{projection.label} {receptor}",
                source=projection.label,
                pre=pre.population.name,
                post=post.population.name,
                rows=pre.start + rows[chosen],
                columns=post.start + columns[chosen],
                weights=np.abs(weights[chosen]) * scale,
                delays=delays[chosen],
                receptor=receptor,
                rule=None if rule is None else rule.scaled(scale),
                scale=scale,
            )
        )
    return [part for part in wires if len(part.rows)]

"""Random networks on PyNN's simulators: the definition's spikes, none missing, none extra."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.network import (
    FixedProbabilityConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)
from tests.backends.simulators import FEW, needs

NEURONS = ("pynn:neuron", "pynn:brian2")
MANY = settings(FEW, max_examples=120)


@st.composite
def exponential_neurons(draw, h: float) -> IF_curr_exp:
    """Return a neuron whose two synaptic time constants differ from each other and from tau_m."""
    return IF_curr_exp(
        cm_nf=h * draw(st.sampled_from([0.14, 0.27, 1.0])),
        tau_m_ms=h * draw(st.sampled_from([0.5, 3.0, 12.0])),
        tau_syn_E_ms=h * draw(st.sampled_from([0.3, 1.0, 5.0])),
        tau_syn_I_ms=h * draw(st.sampled_from([0.4, 2.0, 7.0])),
        tau_refrac_ms=h * draw(st.sampled_from([0.0, 1.0, 2.5])),
        v_rest_mv=-60.0,
        v_reset_mv=draw(st.sampled_from([-60.0, -64.0])),
        v_thresh_mv=draw(st.sampled_from([-57.0, -55.0])),
        v_init_mv=draw(st.sampled_from([-60.0, -60.0, -66.0])),
        i_offset_na=draw(st.sampled_from([0.0, 0.0, 0.1, 1.0])),
    )


@st.composite
def jumping_neurons(draw, h: float) -> IF_curr_delta | LIF_hard_reset:
    if draw(st.booleans()):
        return LIF_hard_reset(decay=draw(st.sampled_from([0.0, 0.5, 0.9, 1.0])))
    return IF_curr_delta(
        tau_m_ms=h * draw(st.sampled_from([0.5, 3.0, 12.0])),
        tau_refrac_ms=h * draw(st.sampled_from([0.0, 1.0, 2.5])),
        v_init_mv=draw(st.sampled_from([-65.0, -70.0])),
        i_offset_na=draw(st.sampled_from([0.0, 0.0, 2.0])),
    )


def weight_of(neuron) -> float:
    return {IF_curr_exp: 4.0, IF_curr_delta: 9.0, LIF_hard_reset: 0.9}[type(neuron)]


@st.composite
def retimable(draw, jumps: bool, plastic: bool) -> Network:
    """Return layers joined forwards with any delay, and backwards with at least two ticks.

    All plastic synapses onto a population have one tau_minus, and ties of one kind.
    """
    h = draw(st.sampled_from([1.0, 0.5, 0.1]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kinds = [exponential_neurons(h), *([jumping_neurons(h)] if jumps else [])]
    neurons = [draw(st.one_of(kinds)) for _ in range(draw(st.integers(1, 4)))]
    layers = [SpikeSource(name="s", size=int(rng.integers(1, 5)))]
    layers += [
        Population(name=f"p{number}", size=int(rng.integers(1, 5)), neuron=neuron)
        for number, neuron in enumerate(neurons)
    ]
    tie = draw(st.sampled_from(["depress", "depress", "ignore", "potentiate"]))
    projections = []
    for number in range(len(neurons) + draw(st.integers(0, 4))):
        # Every layer has its input from the one before it; the others join any two.
        post = number + 1 if number < len(neurons) else int(rng.integers(1, len(layers)))
        pre = number if number < len(neurons) else int(rng.integers(0, len(layers)))
        size = (layers[pre].size, layers[post].size)
        connector = FixedProbabilityConnector(p_connect=0.7, seed=int(rng.integers(1000)))
        pairs = len(connector.pairs(*size)[0])
        scale, fewest = weight_of(layers[post].neuron), 1 if pre < post else 2
        delay = h * rng.integers(fewest, fewest + 3, pairs)
        synapse = StaticSynapse(weight=rng.uniform(0, 2 * scale, pairs), delay_ms=delay)
        if plastic and pre < post and draw(st.booleans()):
            synapse = STDPSynapse(
                weight=rng.uniform(0, 1.5 * scale, pairs),
                delay_ms=delay,
                tau_plus_ms=h * rng.uniform(1, 10),
                tau_minus_ms=h * (3 + post),
                A_plus=scale * rng.choice([0.0, 0.02, 1.0]),
                A_minus=scale * rng.choice([0.0, 0.03, 1.0]),
                w_max=1.5 * scale,
                dt_zero=tie,
            )
        projections.append(
            Projection(
                pre=layers[pre].name,
                post=layers[post].name,
                connector=connector,
                synapse=synapse,
                receptor_type=draw(st.sampled_from(["excitatory"] * 3 + ["inhibitory"])),
            )
        )
    return Network(name="layers", populations=layers, projections=projections, timestep_ms=h)


@st.composite
def runs(draw, jumps: bool = False, plastic: bool = False):
    """Return a network, its input and a duration in ticks."""
    network = draw(retimable(jumps, plastic))
    n_ticks = draw(st.integers(10, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = network.population("s").size
    ticks, lines = np.nonzero(rng.random((n_ticks, size)) < draw(st.sampled_from([0.1, 0.4])))
    return network, {"s": SpikeTrains(ticks * network.timestep_ms, lines, size)}, n_ticks


def check_exact(backend: str, case) -> None:
    """Compare spikes, stored and settled weights with the native engine's."""
    network, stimulus, n_ticks = case
    try:
        there = backends.start(network, backend)
        there.stimulate(stimulus)
        there.run(n_ticks * network.timestep_ms)
    except backends.Unsupported as refused:
        event(f"refused: {str(refused)[:20]}")
        return
    here = backends.start(network, "native")
    here.stimulate(stimulus)
    here.run(n_ticks * network.timestep_ms)
    steps = there.result().provenance.settings["steps per tick"]
    fired = 0
    for population in network.populations:
        wanted = here.spikes(population.name)
        assert there.spikes(population.name) == wanted, (population.name, steps)
        fired += len(wanted) * isinstance(population, Population)
    for projection in network.projections:
        # Ties of times that are no binary fractions are for the tests of ``settled`` itself.
        for settled in (False, True):
            np.testing.assert_allclose(
                there.weights(projection.label, settled=settled),
                here.weights(projection.label, settled=settled),
                rtol=0,
                atol=1e-6,
            )
    event(f"{steps} steps a tick, {'some' if fired else 'no'} spikes")


@given(runs(jumps=True, plastic=True))
@settings(MANY, max_examples=20)
def test_random_networks_are_exact_on_nest(case) -> None:
    needs("pynn:nest")
    check_exact("pynn:nest", case)


@pytest.mark.slow
@given(runs(jumps=True, plastic=True))
@MANY
def test_random_networks_are_exact_on_nest_at_length(case) -> None:
    needs("pynn:nest")
    check_exact("pynn:nest", case)


@pytest.mark.slow
@pytest.mark.parametrize("backend", NEURONS)
@given(runs())
@settings(MANY, max_examples=40)
def test_random_static_networks_are_exact(backend, case) -> None:
    needs(backend)
    check_exact(backend, case)

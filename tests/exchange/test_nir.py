"""NIR: what is written means the same, comes back, and says what it lost."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.events import Framing
from neuromem.exchange import from_nir, load_nir, losses, save_nir, to_nir
from neuromem.liquid import Liquid, Sparse
from neuromem.network import (
    AllToAllConnector,
    FixedProbabilityConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)
from tests.network import strategies

nir: Any = pytest.importorskip("nir", reason="exchange with NIR needs nir")
ROUND_TRIPS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def networks(draw) -> Network:
    """Return a random network of what NIR can say: static, no refractory time, one tau_syn."""
    network = draw(strategies.networks(states=False))
    populations = []
    for population in network.populations:
        if isinstance(population, Population) and not isinstance(population.neuron, LIF_hard_reset):
            plain: dict[str, Any] = {"tau_refrac_ms": 0.0, "v_init_mv": None, "i_offset_na": 0.0}
            if isinstance(population.neuron, IF_curr_exp):
                plain["tau_syn_I_ms"] = population.neuron.tau_syn_E_ms
            neuron = msgspec.structs.replace(population.neuron, **plain)
            population = msgspec.structs.replace(population, neuron=neuron)
        populations.append(population)
    projections = []
    for projection in network.projections:
        synapse = StaticSynapse(
            weight=projection.synapse.weight, delay_ms=projection.synapse.delay_ms
        )
        projections.append(msgspec.structs.replace(projection, synapse=synapse))
    return msgspec.structs.replace(
        network,
        populations=tuple(populations),
        projections=tuple(projections),
        recordings=tuple(r for r in network.recordings if r.variable == "spikes"),
    )


def spikes_of(network: Network, stimulus, n_ticks: int) -> dict[str, SpikeTrains]:
    simulation = backends.start(network, "native")
    simulation.stimulate(stimulus)
    simulation.run(n_ticks * network.timestep_ms)
    return {p.name: simulation.spikes(p.name) for p in network.populations}


def check_round_trip(network: Network, back: Network, stimulus, n_ticks: int) -> None:
    assert back.timestep_ms == network.timestep_ms
    before, after = (spikes_of(n, stimulus, n_ticks) for n in (network, back))
    for name, trains in before.items():
        assert after[name] == trains, name
    cells = [p.name for p in network.populations if isinstance(p, Population)]
    event(f"populations that fire: {sum(len(before[name]) > 0 for name in cells)}")


@given(networks(), st.integers(1, 60), st.data())
@ROUND_TRIPS
def test_round_trip_keeps_the_spikes(network, n_ticks, data):
    back = from_nir(to_nir(network))
    check_round_trip(network, back, data.draw(strategies.stimuli(network, n_ticks)), n_ticks)
    recorded = {r.target for r in network.recordings}
    assert recorded <= {r.target for r in back.recordings}


@given(network=networks(), n_ticks=st.integers(1, 40), data=st.data())
@settings(ROUND_TRIPS, max_examples=12)
def test_round_trip_through_a_file_keeps_the_network(tmp_path_factory, network, n_ticks, data):
    path = tmp_path_factory.mktemp("nir") / "network.nir"
    assert save_nir(network, path) == losses(to_nir(network))
    back = load_nir(path)
    assert back == from_nir(to_nir(network))
    assert from_nir(to_nir(back)) == back  # what came back once comes back whole
    check_round_trip(network, back, data.draw(strategies.stimuli(network, n_ticks)), n_ticks)


@given(decay=st.decimals(0, 1, places=6), h=st.sampled_from([1.0, 0.5, 0.1, 0.3]))
def test_a_decimal_decay_comes_back_to_the_last_bit(decay, h):
    network = one_layer(LIF_hard_reset(decay=float(decay), v_thresh=0.7), h)
    back = from_nir(to_nir(network))
    assert back.population("cells") == network.population("cells")
    assert back.weights(back.projections[0]).tolist() == [1 / 3, -0.1]


def one_layer(neuron, h=1.0, weight=(1 / 3, -0.1), **fields) -> Network:
    return Network(
        name="one layer",
        source="a citation",
        timestep_ms=h,
        populations=[
            SpikeSource(name="input", size=2),
            Population(name="cells", size=1, neuron=neuron),
        ],
        projections=[
            Projection(
                pre="input",
                post="cells",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=np.array(weight), delay_ms=h),
                receptor_type="signed" if min(weight) < 0 else "excitatory",
                **fields,
            )
        ],
        recordings=[Recording(target="cells")],
    )


@pytest.mark.parametrize("decay", [(0.9,), (0.5, 0.9, 1.0)])
def test_a_liquid_goes_out_and_comes_back(decay, tmp_path):
    rng = np.random.default_rng(0)
    liquid = Liquid(
        framing=Framing(sensor_size=(5, 4, 2), steps=20),
        neurons=30,
        recurrent_wiring=Sparse(p_connect=0.3),
        input_gain=0.3,
        decay=decay,
    )
    network = liquid.network()
    lost = save_nir(network, tmp_path / "liquid.nir")
    assert [sentence for sentence in lost if "time step" not in sentence] == []
    back = load_nir(tmp_path / "liquid.nir")
    assert back.populations == network.populations
    assert (back.name, back.source) == (network.name, network.source)
    channels = liquid.framing.channels
    ticks, lines = np.nonzero(rng.random((20, channels)) < 0.3)
    stimulus = {"input": SpikeTrains(ticks.astype(float), lines, channels)}
    before = spikes_of(network, stimulus, 25)
    assert sum(len(trains) for trains in before.values()) > len(ticks) + 30
    assert spikes_of(back, stimulus, 25) == before


# -- what is written, by NIR's own equations -------------------------------------------------------


def euler(graph, inputs: np.ndarray, steps: int, h: float) -> dict[str, np.ndarray]:
    """Run LIF and IF nodes by one forward Euler step a time step, a hop taking one."""
    neurons = {k: n for k, n in graph.nodes.items() if isinstance(n, (nir.LIF, nir.IF))}
    fired = {k: np.zeros((steps, *n.v_threshold.shape)) for k, n in neurons.items()}
    fired |= {k: inputs for k, n in graph.nodes.items() if isinstance(n, nir.Input)}
    v = {k: np.zeros(n.v_threshold.shape) for k, n in neurons.items()}
    before = {k: [a for a, b in graph.edges if b == k] for k in graph.nodes}

    def arriving(name, t):  # the signal that leaves a node in step t
        node = graph.nodes[name]
        if name in fired:
            return fired[name][t] if t >= 0 else np.zeros(fired[name].shape[1])
        if isinstance(node, nir.Delay):
            late = round(float(node.delay[0]) / h)
            return sum(arriving(k, t - late) for k in before[name])
        return node.weight @ sum(arriving(k, t) for k in before[name])

    for t in range(steps):
        for name, node in neurons.items():
            current = sum(arriving(k, t - 1) for k in before[name])
            if isinstance(node, nir.LIF):
                v[name] = v[name] + h / node.tau * (node.v_leak - v[name] + node.r * current)
            else:
                v[name] = v[name] + h * node.r * current
        for name, node in neurons.items():
            fired[name][t] = v[name] > node.v_threshold
            v[name] = np.where(fired[name][t], node.v_reset, v[name])
    return fired


@pytest.mark.parametrize("decay", [0.0, 0.7, 1.0])
def test_one_euler_step_of_the_graph_is_a_tick_of_the_definition(decay):
    rng = np.random.default_rng(3)
    neuron = LIF_hard_reset(decay=decay, v_thresh=0.9)
    network = Network(
        name="recurrent",
        timestep_ms=0.5,
        populations=[
            SpikeSource(name="input", size=5),
            Population(name="a", size=8, neuron=neuron),
            Population(name="b", size=4, neuron=neuron),
        ],
        projections=[
            Projection(
                pre="input",
                post="a",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=rng.normal(0.4, 0.4, (5, 8)), delay_ms=1.5),
                receptor_type="signed",
            ),
            Projection(
                pre="a",
                post="a",
                connector=FixedProbabilityConnector(p_connect=0.5, seed=1),
                synapse=StaticSynapse(weight=0.3, delay_ms=rng.integers(1, 4, (8, 8)) / 2),
                receptor_type="inhibitory",
            ),
            Projection(
                pre="a[2:6]",
                post="b",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=1.0, delay_ms=0.5),
            ),
        ],
    )
    inputs = (rng.random((60, 5)) < 0.3).astype(float)
    ticks, lines = np.nonzero(inputs)
    stimulus = {"input": SpikeTrains(ticks * 0.5, lines, 5)}
    native = spikes_of(network, stimulus, 60)
    found = euler(to_nir(network), inputs, 60, 0.5e-3)
    for name in ("a", "b"):
        ticks, neurons = np.nonzero(found[name])
        assert len(ticks) > 10
        assert native[name] == SpikeTrains(ticks * 0.5, neurons, native[name].size)


@pytest.mark.parametrize("neuron", [IF_curr_exp, IF_curr_delta])
def test_the_equations_of_the_graph_are_the_definitions(neuron):
    # One spike into a resting neuron, solved finely: units and gains are right.
    cell = neuron(cm_nf=0.4, tau_m_ms=15.0, v_rest_mv=-60.0, v_reset_mv=-61.0, v_thresh_mv=-40.0)
    h = 0.1
    network = one_layer(cell, h, weight=(0.8, 0.0)).recording(
        Recording(target="cells", variable="v")
    )
    stimulus = {"input": SpikeTrains(np.zeros(1), np.zeros(1, dtype=int), 2)}
    v = backends.run(network, 60.0, stimulus).states["cells"]["v"].values[1:, 0]
    graph = to_nir(network)
    node, weight = graph.nodes["cells"], graph.nodes["input_to_cells"].weight[0, 0]
    fine = 50
    dt = h * 1e-3 / fine
    u, current, course = float(node.v_leak[0]), 0.0, []
    for step in range(len(v) * fine):
        pulse = weight if step < fine else 0.0  # height 1, as long as a time step
        if isinstance(node, nir.CubaLIF):
            current += dt / node.tau_syn[0] * (-current + node.w_in[0] * pulse)
        else:
            current = pulse
        u += (
            dt
            / float(getattr(node, "tau", getattr(node, "tau_mem", None))[0])
            * (float(node.v_leak[0]) - u + float(node.r[0]) * current)
        )
        course.append(u)
    rise = v.max() + 60.0
    assert rise > 0.5
    assert graph.nodes["cells"].v_reset.tolist() == [-61.0]
    np.testing.assert_allclose(course[fine - 1 :: fine], v, atol=0.02 * rise)


# -- losses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "sentence"),
    [
        (one_layer(LIF_hard_reset()), None),
        (
            one_layer(IF_curr_delta(tau_refrac_ms=2.0), weight=(1.0, 1.0)),
            "Population 'cells' loses its refractory time of 2 ms.",
        ),
        (
            one_layer(IF_curr_delta(tau_refrac_ms=0.0), weight=(1.0, 1.0)),
            "Population 'cells' fires at V >= V_thresh; in NIR above it.",
        ),
        (
            one_layer(IF_curr_delta(tau_refrac_ms=0.0, v_init_mv=-55.0), weight=(1.0, 1.0)),
            "Population 'cells' starts at -55 mV, which is lost: NIR has no initial state.",
        ),
        (
            one_layer(IF_curr_exp(tau_refrac_ms=0.0, i_offset_na=0.1), weight=(1.0, 1.0)),
            "Population 'cells' has its offset current in the leak potential.",
        ),
        (
            msgspec.structs.replace(
                one_layer(IF_curr_exp(tau_refrac_ms=0.0, tau_syn_I_ms=9.0), weight=(1.0, 1.0)),
                projections=tuple(
                    Projection(
                        pre="input",
                        post="cells",
                        connector=AllToAllConnector(),
                        synapse=StaticSynapse(weight=1.0),
                        receptor_type=receptor,
                    )
                    for receptor in ("excitatory", "inhibitory")
                ),
            ),
            "Population 'cells' has one synaptic time constant in NIR: inhibition decays with "
            "5 ms instead of 9 ms.",
        ),
        (
            one_layer(LIF_hard_reset()).recording(
                Recording(target="cells"), Recording(target="cells", variable="v")
            ),
            "The recording of 'v' of 'cells' is lost: NIR outputs are spikes.",
        ),
        (
            one_layer(LIF_hard_reset(), weight=(0.0, 0.5)),
            "Projection 'input->cells' has 1 connections of weight 0, which read as none.",
        ),
    ],
)
def test_each_loss_is_a_sentence_in_graph_and_file(network, sentence, tmp_path):
    lost = save_nir(network, tmp_path / "network.nir")
    always = "The time step of 1 ms is in the metadata only: NIR has none."
    assert lost[0] == always
    if sentence is None:
        assert lost == [always]
    else:
        assert sentence in lost
        plain = losses(to_nir(one_layer(LIF_hard_reset())))
        assert sentence not in plain
    assert losses(nir.read(tmp_path / "network.nir")) == lost


def test_inhibition_alone_keeps_its_time_constant():
    network = one_layer(IF_curr_exp(tau_refrac_ms=0.0, tau_syn_I_ms=9.0), weight=(1.0, 1.0))
    network = msgspec.structs.replace(
        network,
        projections=(
            msgspec.structs.replace(network.projections[0], receptor_type="inhibitory", label=""),
        ),
    )
    assert not any("synaptic time constant" in sentence for sentence in losses(to_nir(network)))
    back = from_nir(to_nir(network))
    assert back.population("cells").neuron.tau_syn_I_ms == 9.0
    assert back.projections[0].receptor_type == "inhibitory"


def test_a_plastic_projection_is_written_as_it_is_at_a_moment(tmp_path):
    plastic = STDPSynapse(weight=0.2, A_plus=0.05, A_minus=0.02, w_max=1.0)
    network = one_layer(LIF_hard_reset(v_thresh=0.3), weight=(1.0, 1.0), label="memory")
    network = msgspec.structs.replace(
        network, projections=(msgspec.structs.replace(network.projections[0], synapse=plastic),)
    )
    simulation = backends.start(network, "native")
    simulation.stimulate({"input": SpikeTrains.of([[0, 3, 6, 9], [1, 3, 7, 9]])})
    simulation.run(20.0)
    learned = simulation.weights("memory")
    assert not np.allclose(learned, 0.2)
    lost = save_nir(network, tmp_path / "memory.nir", {"memory": learned})
    assert "Projection 'memory' is plastic: written with the weights given, frozen." in lost
    back = load_nir(tmp_path / "memory.nir")
    assert isinstance(back.projection("memory").synapse, StaticSynapse)
    np.testing.assert_array_equal(back.weights(back.projection("memory")), learned.ravel())
    initial = to_nir(network)
    assert "Projection 'memory' is plastic: written with its initial weights, frozen." in losses(
        initial
    )
    assert initial.nodes["input_to_cells"].weight.tolist() == [[0.2, 0.2]]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"weights": {"other": np.zeros((2, 1))}}, "no projection 'other'"),
        ({"weights": {"input->cells": np.zeros((1, 2))}}, r"\(1, 2\): give \(2, 1\)"),
        ({"weights": {"input->cells": np.full((2, 1), np.nan)}}, "not finite"),
        ({"timestep_ms": 0.0}, "timestep_ms = 0.0: must be above 0"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        to_nir(one_layer(LIF_hard_reset()), **call)


def test_only_neurons_without_time_take_another_time_step():
    graph = to_nir(one_layer(LIF_hard_reset(), 1.0), timestep_ms=0.1)
    assert graph.metadata["dt"] == pytest.approx(1e-4)
    assert graph.nodes["cells"].tau == pytest.approx(1e-3)
    assert from_nir(graph).timestep_ms == 0.1
    with pytest.raises(ValueError, match="population 'cells': its neurons have time constants"):
        to_nir(one_layer(IF_curr_delta()), timestep_ms=0.1)


# -- graphs of others ------------------------------------------------------------------------------


def lif(n=2, **changes):
    values: dict[str, Any] = {
        "tau": 1e-3, "r": 10.0, "v_leak": 0.0, "v_threshold": 1.0, "v_reset": 0.0, **changes
    }  # fmt: skip
    return nir.LIF(**{k: np.broadcast_to(np.array(v, float), n).copy() for k, v in values.items()})


def graph_of(edges=None, **nodes):
    """Return an unchecked graph: input -> w -> cells -> output where not told otherwise."""
    parts = {
        "input": nir.Input(input_type={"input": np.array([3])}),
        "w": nir.Linear(weight=np.full((2, 3), 0.5)),
        "cells": lif(),
        "output": nir.Output(output_type={"output": np.array([2])}),
        **nodes,
    }
    edges = edges or [("input", "w"), ("w", "cells"), ("cells", "output")]
    return nir.NIRGraph(parts, edges, metadata={"dt": 1e-4}, type_check=False)


def test_a_graph_within_the_graph_scales_and_gains_are_read():
    # As snnTorch exports a recurrent layer, whose dt is 1e-4 s: R dt / tau = 1.
    inner = nir.NIRGraph(
        {
            "input": nir.Input(input_type={"input": np.array([2])}),
            "lif": lif(),
            "w_rec": nir.Affine(weight=np.array([[0.0, -0.25], [0.5, 0.0]]), bias=np.zeros(2)),
            "output": nir.Output(output_type={"output": np.array([2])}),
        },
        [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")],
    )
    graph = nir.NIRGraph(
        {
            "input": nir.Input(input_type={"input": np.array([2])}),
            "0": nir.Scale(scale=np.array([2.0, 3.0])),
            "late": nir.Delay(delay=np.full(2, 3e-4)),
            "rnn.1": inner,
            "fc": nir.Linear(weight=np.array([[1.0, 1.0]])),
            "out": lif(1, r=5.0),
            "output": nir.Output(output_type={"output": np.array([1])}),
        },
        [
            ("input", "0"),
            ("0", "late"),
            ("late", "rnn.1"),
            ("rnn.1", "fc"),
            ("fc", "out"),
            ("out", "output"),
        ],
    )
    network = from_nir(graph, timestep_ms=0.1)
    names = [p.name for p in network.populations]
    assert names == ["input", "rnn_1_lif", "out"]
    assert network.population("rnn_1_lif").neuron == LIF_hard_reset(decay=0.9)
    weights = {
        p.label: (network.weights(p).tolist(), set(network.delays_ticks(p))) for p in
        network.projections
    }  # fmt: skip
    assert weights == {
        "input->rnn_1_lif": ([2.0, 3.0], {4}),
        "rnn_1_lif->rnn_1_lif": ([0.5, -0.25], {1}),
        "rnn_1_lif->out": ([0.5, 0.5], {1}),  # R dt / tau is a half
    }
    assert [r.target for r in network.recordings] == ["out"]


def test_neurons_away_from_zero_become_if_curr_delta():
    graph = graph_of(cells=lif(tau=0.02, r=200.0, v_leak=-65, v_threshold=-50, v_reset=-70))
    neuron = from_nir(graph).population("cells").neuron
    assert neuron == IF_curr_delta(
        tau_m_ms=20.0, tau_refrac_ms=0.0, v_rest_mv=-65, v_reset_mv=-70, v_thresh_mv=-50
    )


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (lambda: graph_of(cells=lif(tau=np.array([1e-3, 2e-3]))), "'cells': tau differs"),
        (lambda: graph_of(cells=lif(tau=-1.0)), "'cells': tau = -1.0: must be above 0"),
        (lambda: graph_of(cells=lif(tau=1e-5)), "'cells': tau = 1e-05 s: must not be below"),
        (lambda: graph_of(cells=lif(v_threshold=np.nan)), "'cells': v_threshold must be 2 finite"),
        (lambda: graph_of(cells=lif(v_threshold=-1.0)), "node 'cells': .*v_thresh"),
        (lambda: graph_of(cells=lif(3)), "'cells' takes 3 inputs, and is given 2"),
        (lambda: graph_of(cells=lif((1, 2))), r"'cells' of shape \(1, 2\)"),
        (
            lambda: graph_of(cells=nir.IF(*np.ones((3, 2)))),
            "'cells': v_reset = 1.0 of an IF",
        ),
        (
            lambda: graph_of(
                cells=nir.CubaLIF(
                    tau_syn=np.ones(2), tau_mem=np.ones(2), r=np.zeros(2), v_leak=np.zeros(2),
                    v_threshold=np.ones(2),
                )
            ),
            "'cells': r = 0.0: must be above 0",
        ),
        (lambda: graph_of(w=nir.Linear(weight=np.ones((2, 5)))), "'w' takes 5 inputs, and is .* 3"),
        (lambda: graph_of(w=nir.Linear(weight=np.full((2, 3), np.inf))), "'w': weight must be"),
        (lambda: graph_of(w=nir.Affine(weight=np.ones((2, 3)), bias=np.ones(2))), "'w' has a bias"),
        (lambda: graph_of(w=nir.Delay(delay=np.array([0, 0, 1e-4]))), "'w': its delays must be eq"),
        (
            lambda: graph_of(cells=lif(3), w=nir.Delay(delay=np.full(3, 1.5e-4))),
            "'w': after a delay of 0.00015 s",
        ),
        (
            lambda: graph_of(w=nir.Threshold(threshold=np.ones(3))),
            "'w' is a Threshold: only Input, Output",
        ),
        (lambda: graph_of([("input", "w"), ("w", "gone")]), "no node 'gone'"),
        (
            lambda: graph_of([("input", "w"), ("w", "w2"), ("w2", "w")],
                             w2=nir.Linear(weight=np.ones((3, 2)))),
            "'w' is in a loop without a neuron",
        ),
        (lambda: graph_of([("input", "w"), ("w", "output")]), "'w' leads to the output 'output'"),
    ],
)  # fmt: skip
def test_malformed_graphs_name_the_node(graph, message):
    with pytest.raises(ValueError, match=message):
        from_nir(graph())


def test_the_time_step_must_be_known():
    graph = graph_of()
    graph.metadata = {}
    with pytest.raises(ValueError, match="does not say its time step"):
        from_nir(graph)
    assert from_nir(graph, timestep_ms=0.5).timestep_ms == 0.5
    with pytest.raises(ValueError, match=r"time step of -0\.001 s"):
        from_nir(graph, timestep_ms=-1.0)


def test_files_that_are_none_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no NIR file"):
        load_nir(tmp_path / "missing.nir")
    (tmp_path / "text.nir").write_text("not HDF5")
    with pytest.raises(ValueError, match=r"text\.nir: no NIR graph"):
        load_nir(tmp_path / "text.nir")
    nir.write(tmp_path / "single.nir", lif())
    with pytest.raises(ValueError, match=r"single\.nir.* no (NIR )?graph"):
        load_nir(tmp_path / "single.nir")


def test_without_nir_the_extra_is_named(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ModuleNotFoundError, match=r"neuromem-snn\[nir\]"):
        to_nir(one_layer(LIF_hard_reset()))

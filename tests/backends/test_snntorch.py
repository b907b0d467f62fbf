"""snnTorch: the definition's spikes to the spike, modules that train, and batches of liquids."""

from __future__ import annotations

import copy
import gc
import weakref
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.backends import snntorch as backend
from neuromem.backends.reservoir import OUTPUTS, Reservoir
from neuromem.backends.reservoir import run_batch as run_reservoir
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    FixedProbabilityConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    SpikeBatch,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)
from tests.network.strategies import SEEDS, connectors, stimuli, synapses, views

torch: Any = pytest.importorskip("torch", reason="the snntorch backend needs torch")
pytest.importorskip("snntorch", reason="the snntorch backend needs snntorch")


@st.composite
def networks(draw) -> Network:
    h = draw(st.sampled_from([1.0, 0.5, 0.1]))
    sizes = st.integers(1, 5)
    decays, thresholds = st.sampled_from([0.0, 0.5, 0.9, 1.0]), st.sampled_from([0.5, 1.0, 1.7])
    sources = [SpikeSource(name=f"s{i}", size=draw(sizes)) for i in range(draw(st.integers(1, 2)))]
    cells = [
        Population(
            name=f"p{i}",
            size=draw(sizes),
            neuron=LIF_hard_reset(decay=draw(decays), v_thresh=draw(thresholds)),
        )
        for i in range(draw(st.integers(1, 3)))
    ]
    projections = []
    for number in range(draw(st.integers(1, 6))):
        before = draw(st.sampled_from(sources if number == 0 else [*sources, *cells]))
        after = draw(st.sampled_from(cells))
        pre, n_pre = draw(views(before.name, before.size))
        post, n_post = draw(views(after.name, after.size))
        connector = draw(connectors(n_pre, n_post))
        receptor, synapse = draw(synapses(connector, (n_pre, n_post), after.neuron, h))
        projections.append(
            Projection(
                pre=pre,
                post=post,
                connector=connector,
                synapse=StaticSynapse(weight=synapse.weight, delay_ms=synapse.delay_ms),
                receptor_type=receptor,
            )
        )
    order = draw(st.permutations([*sources, *cells]))
    network = Network(name="lif", populations=order, projections=projections, timestep_ms=h)
    every = draw(st.sampled_from([None, 3 * h]))
    return network.recording(
        *(Recording(target=p.name) for p in order),
        *(Recording(target=p.name, variable="v", every_ms=every) for p in cells),
        Recording(target=network.projections[0].label, variable="weights", every_ms=5 * h),
    )


@st.composite
def runs(draw):
    network = draw(networks())
    n_ticks = draw(st.integers(1, 60))
    return network, draw(stimuli(network, n_ticks)), n_ticks


def check_against(case, engine: str) -> None:
    network, stimulus, n_ticks = case
    duration = n_ticks * network.timestep_ms
    ours = backends.run(network, duration, stimulus, "snntorch")
    native = backends.run(network, duration, stimulus, engine)
    assert ours.spikes == native.spikes
    for name, states in native.states.items():
        found = ours.states[name]["v"]
        assert found.unit == states["v"].unit
        np.testing.assert_array_equal(found.times_ms, states["v"].times_ms)
        np.testing.assert_allclose(found.values, states["v"].values, rtol=0, atol=1e-9)
    for label, samples in native.weights.items():
        np.testing.assert_array_equal(ours.weights[label].values, samples.values)
        np.testing.assert_array_equal(ours.weights[label].times_ms, samples.times_ms)


@given(runs())
@settings(max_examples=50, deadline=None)
def test_spikes_and_potentials_are_the_definitions(case):
    check_against(case, "native")


def tenths(seed: int):
    """Return a run whose sums of tenths often are the threshold but for the last bit."""
    rng = np.random.default_rng(seed)
    cells = [
        Population(
            name=f"p{i}",
            size=12,
            neuron=LIF_hard_reset(
                decay=float(rng.integers(0, 2)), v_thresh=float(rng.integers(2, 9) / 10)
            ),
        )
        for i in range(2)
    ]
    projections = []
    for pre in ("input[:7]", "input[3:]", "p0", "p1"):
        for post in ("p0", "p1"):
            n_pre = {"input[:7]": 7, "input[3:]": 9}.get(pre, 12)
            each = rng.integers(1, 5, (n_pre, 12)) / 10
            projections.append(
                Projection(
                    pre=pre,
                    post=post,
                    connector=AllToAllConnector(skip_same_index=bool(rng.integers(2))),
                    synapse=StaticSynapse(
                        weight=0.1 if rng.integers(2) else each,
                        delay_ms=float(rng.integers(1, 4)),
                    ),
                    receptor_type="excitatory" if pre != "p1" else "inhibitory",
                )
            )
    network = Network(
        name="tenths",
        populations=[SpikeSource(name="input", size=12), *cells],
        projections=projections,
        recordings=[Recording(target="p0"), Recording(target="p1")],
    )
    ticks, lines = np.nonzero(rng.random((40, 12)) < 0.2)
    return network, {"input": SpikeTrains(ticks.astype(float), lines, 12)}, 40


@pytest.mark.parametrize("seed", range(12))
def test_the_last_bit_of_a_sum_is_the_definitions(seed):
    check_against(tenths(seed), "native-reference")


@pytest.mark.slow
@given(st.one_of(runs(), SEEDS.map(tenths)))
@settings(max_examples=400, deadline=None)
def test_spikes_and_potentials_are_the_definitions_at_length(case):
    check_against(case, "native")


def test_order_of_the_sum_matters_and_is_kept():
    # 0.1 added six times one by one stays below 0.6; six times 0.1 is above it.
    network = layer(6, 1, weight=np.full(6, 0.1), neuron=LIF_hard_reset(v_thresh=0.6))
    once = layer(6, 1, weight=0.1, neuron=LIF_hard_reset(v_thresh=0.6))
    stimulus = {"input": SpikeTrains(np.zeros(6), np.arange(6), 6)}
    for definition, spikes in ((network, 0), (once, 1)):
        for name in ("native", "native-reference", "snntorch"):
            found = backends.run(definition, 3.0, stimulus, name).spikes["cells"]
            assert len(found) == spikes, name


def layer(n_in, n, *, weight, neuron=None, recurrent=None, **synapse) -> Network:
    cells = Population(name="cells", size=n, neuron=neuron or LIF_hard_reset())
    projections = [
        Projection(
            pre="input",
            post="cells",
            connector=AllToAllConnector(),
            synapse=StaticSynapse(weight=weight, **synapse),
            receptor_type="signed",
            label="in",
        )
    ]
    if recurrent is not None:
        projections.append(
            Projection(
                pre="cells",
                post="cells",
                connector=FixedProbabilityConnector(p_connect=0.5, seed=3, skip_same_index=True),
                synapse=StaticSynapse(weight=recurrent),
                receptor_type="signed",
                label="rec",
            )
        )
    return Network(
        name="layer",
        populations=[SpikeSource(name="input", size=n_in), cells],
        projections=projections,
        recordings=[Recording(target="cells")],
    )


# -- the backend -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("network", "lacks"),
    [
        (layer(1, 1, weight=1.0), None),
        (
            Network(name="x", populations=[Population(name="a", size=1, neuron=IF_curr_exp())]),
            "IF_curr_exp",
        ),
        (
            Network(
                name="x",
                populations=[
                    SpikeSource(name="s", size=1),
                    Population(name="a", size=1, neuron=LIF_hard_reset()),
                ],
                projections=[
                    Projection(
                        pre="s",
                        post="a",
                        connector=AllToAllConnector(),
                        synapse=STDPSynapse(A_plus=0.1, A_minus=0.1, w_max=1.0),
                    )
                ],
            ),
            "STDPSynapse",
        ),
    ],
    ids=["fits", "another neuron", "plastic"],
)
def test_what_it_lacks_is_refused_by_name(network, lacks):
    if lacks is None:
        assert backends.check(network, "snntorch").extra == "torch"
        return
    for refused in (
        lambda: backends.start(network, "snntorch"),
        lambda: backend.SpikingModule(network),
    ):
        with pytest.raises(backends.Unsupported, match=f"'snntorch' lacks '{lacks}'.*native"):
            refused()


@pytest.mark.parametrize("device", ["nonsense", "cuda:77", 1.5])
def test_a_device_that_is_not_there_is_refused_before_the_run(device):
    with pytest.raises(ValueError, match=r"device .*use 'cpu'"):
        backends.start(layer(1, 1, weight=1.0), "snntorch", device=device)


def test_device_and_type_are_in_the_provenance():
    for fidelity, dtype in (("exact", "float64"), ("native", "float32")):
        result = backends.run(
            layer(1, 1, weight=1.0), 2.0, None, "snntorch", fidelity=fidelity, device="cpu"
        )
        assert result.provenance.settings["device"] == "cpu"
        assert result.provenance.settings["dtype"] == dtype
    assert {"torch", "snntorch"} <= set(result.provenance.packages)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("seed", range(5))
def test_a_gpu_gives_the_same_spikes(seed):
    network, stimulus, n_ticks = tenths(seed)
    duration = n_ticks * network.timestep_ms
    ours = backends.run(network, duration, stimulus, "snntorch", device="cuda")
    assert ours.spikes == backends.run(network, duration, stimulus).spikes


def test_progress_is_reported_to_the_end():
    seen = []
    simulation = backends.start(layer(1, 1, weight=1.0), "snntorch")
    simulation.run(250.0, lambda done, total: seen.append((done, total)))
    assert len(seen) >= 100
    assert seen[-1] == (250.0, 250.0)


def test_a_saved_run_continues(tmp_path):
    rng = np.random.default_rng(0)
    network = layer(4, 5, weight=rng.normal(0.3, 0.5, (4, 5)), recurrent=0.4)
    ticks, lines = np.nonzero(rng.random((30, 4)) < 0.4)
    simulation = backends.start(network, "snntorch")
    simulation.stimulate({"input": SpikeTrains(ticks.astype(float), lines, 4)})
    simulation.run(12.0)
    resumed = backends.resume(simulation.save(tmp_path / "state.h5"))
    for one in (simulation, resumed):
        one.run(18.0)
    assert len(simulation.spikes("cells")) > 5
    assert resumed.spikes("cells") == simulation.spikes("cells")
    np.testing.assert_array_equal(resumed.weights("in"), simulation.weights("in"))


# -- the module ------------------------------------------------------------------------------------


def dense(stimulus, network, n_ticks, samples=1):
    """Return input tensors [samples, ticks, lines]."""
    given = {}
    for source in network.populations:
        if isinstance(source, SpikeSource):
            x = torch.zeros((samples, n_ticks, source.size), dtype=torch.float64)
            trains = stimulus[source.name]
            ticks = np.rint(trains.times_ms / network.timestep_ms).astype(int)
            x[:, ticks, trains.neurons] = 1.0
            given[source.name] = x
    return given


@given(runs())
@settings(max_examples=30, deadline=None)
def test_module_equals_native(case):
    network, stimulus, n_ticks = case
    module = backend.SpikingModule(network, dtype=torch.float64)
    activity = module(dense(stimulus, network, n_ticks, samples=2))
    native = backends.run(network, n_ticks * network.timestep_ms, stimulus)
    for population in network.populations:
        if not isinstance(population, Population):
            continue
        spikes = activity.spikes[population.name]
        trains = native.spikes[population.name]
        expected = np.zeros((n_ticks, population.size))
        ticks = np.rint(trains.times_ms / network.timestep_ms).astype(int)
        expected[ticks, trains.neurons] = 1.0
        for sample in spikes:
            np.testing.assert_array_equal(sample, expected)
        v = (activity.membrane[population.name] * (1 - spikes))[0]
        samples = native.states[population.name]["v"]
        at = np.rint(samples.times_ms / network.timestep_ms).astype(int)
        np.testing.assert_allclose(v[at], samples.values, rtol=0, atol=1e-9)


@given(runs())
@settings(max_examples=20, deadline=None)
def test_an_untrained_module_returns_its_network(case):
    network = case[0]
    for dtype in (torch.float32, torch.float64):
        module = backend.SpikingModule(network, trainable=True, dtype=dtype)
        assert module.to_network() == network


@given(runs(), SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_trained_module_runs_everywhere(case, seed):
    network, stimulus, n_ticks = case
    module = backend.SpikingModule(network, trainable=True, dtype=torch.float64)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for weight in module.weights:  # any training: here a random one
            weight += torch.tensor(rng.normal(0, 0.5, weight.shape))
    trained = module.to_network()
    again = backend.SpikingModule(trained, dtype=torch.float64)
    given = dense(stimulus, network, n_ticks)
    one, other = module(given), again(given)
    for name, spikes in one.spikes.items():
        assert torch.equal(spikes, other.spikes[name])
    duration = n_ticks * network.timestep_ms
    native = backends.run(trained, duration, stimulus)
    assert backends.run(trained, duration, stimulus, "snntorch").spikes == native.spikes
    for name, spikes in one.spikes.items():
        assert int(spikes.sum()) == len(native.spikes[name])
    for projection in network.projections:
        for before, after in zip(
            network.pairs(projection),
            trained.pairs(trained.projection(projection.label)),
            strict=True,
        ):
            np.testing.assert_array_equal(before, after)


def test_gradients_reach_every_weight_that_matters_and_no_other():
    rng = np.random.default_rng(0)
    network = layer(3, 6, weight=rng.normal(0.4, 0.3, (3, 6)), recurrent=0.3)
    module = backend.SpikingModule(network, trainable=True)
    x = torch.tensor(rng.random((5, 12, 3)) < 0.6, dtype=torch.float32)
    module(x).spikes["cells"].sum().backward()
    for label in ("in", "rec"):
        weight = module.weight(label)
        assert weight.shape == (len(network.pairs(network.projection(label))[0]),)
        assert weight.grad is not None
        assert torch.count_nonzero(weight.grad) == weight.numel()
    frozen = backend.SpikingModule(network)
    assert not any(weight.requires_grad for weight in frozen.weights)
    frozen.weight("rec").requires_grad_()
    frozen(x).membrane["cells"].sum().backward()
    assert frozen.weight("in").grad is None
    assert frozen.weight("rec").grad is not None


def test_gradient_is_the_surrogates():
    # One line, one neuron, two steps: u = w, s = [u > 1], dL/dw = surrogate'(u - 1).
    from snntorch import surrogate

    network = layer(1, 1, weight=0.75)
    module = backend.SpikingModule(
        network, surrogate.fast_sigmoid(slope=10), trainable=True, dtype=torch.float64
    )
    activity = module(torch.tensor([[[1.0], [0.0]]]))
    assert activity.membrane["cells"].flatten().tolist() == [0.0, 0.75]
    activity.spikes["cells"].sum().backward()
    # Zenke & Ganguli's derivative of the fast sigmoid: 1 / (1 + slope |u - 1|)^2.
    assert module.weight("in").grad.item() == pytest.approx(1 / (1 + 10 * 0.25) ** 2)


def test_training_learns_a_task_and_keeps_the_mask():
    # Whose line is driven: the readout is the membrane of a neuron per class.
    rng = np.random.default_rng(1)
    mask = rng.random((8, 20)) < 0.6
    network = Network(
        name="classifier",
        populations=[
            SpikeSource(name="input", size=8),
            Population(name="hidden", size=20, neuron=LIF_hard_reset()),
            Population(name="out", size=2, neuron=LIF_hard_reset(v_thresh=100.0)),
        ],
        projections=[
            Projection(
                pre="input",
                post="hidden",
                connector=ArrayConnector(array=mask),
                synapse=StaticSynapse(weight=rng.normal(0.3, 0.3, mask.sum())),
                receptor_type="signed",
            ),
            Projection(
                pre="hidden",
                post="hidden",
                connector=FixedProbabilityConnector(p_connect=0.2, seed=0),
                synapse=StaticSynapse(weight=0.1, delay_ms=2.0),
                receptor_type="inhibitory",
            ),
            Projection(
                pre="hidden",
                post="out",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=rng.normal(0, 0.1, (20, 2))),
                receptor_type="signed",
            ),
        ],
        recordings=[Recording(target="hidden"), Recording(target="out", variable="v")],
    )
    labels = torch.tensor(rng.integers(0, 2, 60))
    rates = np.where(labels[:, None].numpy() == (np.arange(8) % 2), 0.5, 0.2)
    x = torch.tensor(rng.random((60, 15, 8)) < rates[:, None], dtype=torch.float32)
    module = backend.SpikingModule(network, trainable=True)
    optimiser = torch.optim.Adam(module.parameters(), lr=0.03)
    losses = []
    for _ in range(25):
        logits = module(x).membrane["out"][:, -1]
        loss = torch.nn.functional.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]
    trained = module.to_network()
    assert trained != network
    used = module.matrix("input->hidden").detach().numpy() != 0
    assert used.any()
    assert not np.any(used & ~mask)
    assert trained.weights(trained.projection("hidden->hidden")).min() >= 0
    simulation = backends.start(trained, "native")
    ticks, lines = np.nonzero(x[0].numpy())
    simulation.stimulate({"input": SpikeTrains(ticks.astype(float), lines, 8)})
    simulation.run(15.0)
    v = simulation.result().states["out"]["v"].values[-1]
    np.testing.assert_allclose(v, module(x[:1]).membrane["out"][0, -1].detach(), atol=1e-4)


def test_magnitudes_below_zero_count_as_zero():
    network = layer(1, 1, weight=2.0)
    network = msgspec.structs.replace(
        network,
        projections=(msgspec.structs.replace(network.projections[0], receptor_type="inhibitory"),),
    )
    module = backend.SpikingModule(network, trainable=True)
    with torch.no_grad():
        module.weight("in").fill_(-2.0)
    activity = module(torch.ones((1, 3, 1)))
    assert not activity.membrane["cells"].any()
    trained = module.to_network()
    assert trained.weights(trained.projections[0]).tolist() == [0.0]


def test_names_that_torch_reserves_are_free():
    network = Network(
        name="names",
        populations=[
            SpikeSource(name="training", size=2),
            Population(name="pop", size=2, neuron=LIF_hard_reset()),
        ],
        projections=[
            Projection(
                pre="training",
                post="pop",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=2.0),
                label="a.b",
            )
        ],
    )
    module = backend.SpikingModule(network)
    assert module(torch.ones((1, 2, 2))).spikes["pop"].tolist() == [[[0, 0], [1, 1]]]
    assert module.matrix("a.b").tolist() == [[2, 0], [0, 2]]
    with pytest.raises(ValueError, match="no projection 'c'"):
        module.weight("c")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (lambda: torch.ones((2, 3)), r"shape \(2, 3\): give \[batch, steps, 2\]"),
        (lambda: torch.ones((1, 3, 5)), r"shape \(1, 3, 5\)"),
        (lambda: torch.ones((1, 0, 2)), "at least one step"),
        (lambda: {"other": torch.ones((1, 3, 2))}, "sources are input"),
        (dict, "input for nothing"),
    ],
)
def test_bad_input_is_refused(given, message):
    module = backend.SpikingModule(layer(2, 1, weight=1.0))
    with pytest.raises(ValueError, match=message):
        module(given())


def test_a_module_can_be_copied_saved_and_forgotten(tmp_path):
    rng = np.random.default_rng(0)
    network = layer(3, 4, weight=rng.normal(0.5, 0.5, (3, 4)), recurrent=0.2)
    module = backend.SpikingModule(network, trainable=True)
    x = torch.ones((2, 5, 3))
    spikes = module(x).spikes["cells"]
    assert spikes.any()
    twin = copy.deepcopy(module)  # after a forward pass: no graph may hang on
    torch.save(module.state_dict(), tmp_path / "weights.pt")
    fresh = backend.SpikingModule(layer(3, 4, weight=0.0, recurrent=0.0), trainable=True)
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt"))
    for other in (twin, fresh):
        assert torch.equal(other(x).spikes["cells"], spikes)
    forgotten = weakref.ref(module.neurons[0])
    del module
    gc.collect()
    assert forgotten() is None


# -- batches ---------------------------------------------------------------------------------------


@st.composite
def liquids(draw):
    """A liquid whose sums are exact in float32 in any order, so that engines must be equal."""
    rng = np.random.default_rng(draw(SEEDS))
    channels, sizes = draw(st.integers(1, 8)), draw(st.lists(st.integers(1, 12), max_size=2))
    parts = [draw(st.integers(1, 12)), *sizes]
    populations: list = [SpikeSource(name="input", size=channels)]
    for i, size in enumerate(parts):
        neuron = LIF_hard_reset(
            decay=draw(st.sampled_from([0.0, 0.5, 1.0])), v_thresh=draw(st.integers(1, 12)) / 8
        )
        populations.append(Population(name=f"part{i}", size=size, neuron=neuron))
    projections = []
    for pre in populations if draw(st.booleans()) else populations[:1]:
        for post in populations[1:]:
            weight = rng.integers(-8, 12, (pre.size, post.size)) / 8
            projections.append(
                Projection(
                    pre=pre.name,
                    post=post.name,
                    connector=FixedProbabilityConnector(p_connect=0.6, seed=int(rng.integers(99))),
                    synapse=StaticSynapse(weight=weight),
                    receptor_type="signed",
                )
            )
    network = Network(name="liquid", populations=populations, projections=projections)
    samples, steps = draw(st.integers(0, 6)), draw(st.integers(1, 15))
    spikes = rng.random((samples, steps, channels)) < 0.4
    most = draw(st.sampled_from([1, 3]))
    return network, SpikeBatch.of_dense(spikes * rng.integers(1, most + 1, spikes.shape))


@given(liquids(), st.data())
@settings(max_examples=40, deadline=None)
def test_batches_equal_the_native_reservoir(case, data):
    network, batch = case
    kept = {
        "bins": data.draw(st.integers(1, batch.steps)),
        "outputs": tuple(OUTPUTS),
        "trace_decay": data.draw(st.sampled_from([0.5, 0.95])),
    }
    ours = backend.run_batch(network, batch, **kept)
    native = run_reservoir(Reservoir.of(network), batch, **kept)
    assert ours.keys() == native.keys()
    for name, array in native.items():
        assert ours[name].dtype == array.dtype == OUTPUTS[name]
        if name == "membrane":  # sums over a bin round as they grow; u decays by halves
            np.testing.assert_allclose(ours[name], array, rtol=1e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(ours[name], array)
    event(f"fires: {bool(native['count'].any())}")


@given(liquids())
@settings(max_examples=15, deadline=None)
def test_native_fidelity_is_float32_and_exact_where_float32_is(case):
    network, batch = case
    cells = [p.name for p in network.populations if isinstance(p, Population)]
    network = network.recording(*(Recording(target=name) for name in cells))
    for sample in batch.dense()[:2] > 0:
        ticks, lines = np.nonzero(sample)
        stimulus = {"input": SpikeTrains(ticks.astype(float), lines, batch.channels)}
        call = network, batch.steps + 1.0, stimulus
        ours = backends.run(*call, "snntorch", fidelity="native")
        assert ours.spikes == backends.run(*call).spikes


def test_real_valued_liquids_agree_up_to_rounding(monkeypatch):
    rng = np.random.default_rng(5)
    network = layer(40, 120, weight=rng.normal(0, 0.35, (40, 120)), recurrent=0.05)
    batch = SpikeBatch.of_dense(rng.random((30, 40, 40)) < 0.2)
    native = run_reservoir(Reservoir.of(network), batch, outputs=tuple(OUTPUTS), bins=4)
    monkeypatch.setattr("neuromem.backends.snntorch.batch.PART", 7)
    seen = []
    ours = backend.run_batch(
        network,
        batch,
        outputs=tuple(OUTPUTS),
        bins=4,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (30, 30)
    assert native["count"].mean() > 0.5
    # float32 sums in another order: a spike moves where u is within about 1e-6 of the threshold.
    moved = np.count_nonzero(ours["count"] != native["count"])
    assert moved <= 1e-3 * native["count"].size
    same = ours["count"] == native["count"]
    assert np.mean(np.abs(ours["membrane"] - native["membrane"])[same] < 1e-4) > 0.999


def test_batches_take_delays_that_a_reservoir_does_not():
    network = layer(2, 3, weight=2.0, delay_ms=3.0)
    spikes = np.zeros((1, 8, 2))
    spikes[0, 1, 0] = 1
    found = backend.run_batch(network, SpikeBatch.of_dense(spikes), outputs="latency")
    assert found["latency"].tolist() == [[[3, 3, 3]]]  # step t is tick t + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"outputs": "nonsense"}, "nonsense"),
        ({"bins": 9}, "bins = 9"),
        ({"device": "nowhere"}, "device 'nowhere'"),
        ({"batch": SpikeBatch.of_dense(np.zeros((1, 4, 3)))}, "3 channels into 'input' of size 2"),
        ({"network": layer(2, 1, weight=1.0, neuron=IF_curr_delta())}, "IF_curr_delta"),
        (
            {"network": Network(name="none", populations=layer(2, 1, weight=1.0).populations[1:])},
            "0 spike sources",
        ),
    ],
)
def test_bad_batches_are_refused(change, message):
    call = {
        "network": layer(2, 1, weight=1.0),
        "batch": SpikeBatch.of_dense(np.zeros((1, 4, 2))),
        **change,
    }
    with pytest.raises(ValueError, match=message):
        backend.run_batch(**call)

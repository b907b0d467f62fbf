"""Both engines do the same, in one go, in pieces, and after a save and a resume."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.backends.native.fast import HISTORY_ROWS, LOG_ROWS
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
from tests.network.strategies import networks, stimuli

FAST, REFERENCE = "native", "native-reference"
BACKENDS = (FAST, REFERENCE)
QUICK, LONG = settings(max_examples=60), settings(max_examples=400)


def started(network: Network, stimulus, backend: str) -> backends.Simulation:
    simulation = backends.start(network, backend)
    simulation.stimulate(stimulus)
    return simulation


def assert_same(one: backends.Simulation, other: backends.Simulation) -> None:
    """Compare spikes and weights exactly, potentials and currents up to rounding."""
    assert one.time_ms == other.time_ms
    network = one.network
    for population in network.populations:
        assert one.spikes(population.name) == other.spikes(population.name), population.name
        for ago in range(10):
            assert one.fired(population.name, ago) == other.fired(population.name, ago)
    for projection in network.projections:
        for settled in (False, True):
            np.testing.assert_array_equal(
                one.weights(projection.label, settled=settled),
                other.weights(projection.label, settled=settled),
            )
    left, right = one.result(), other.result()
    assert left.spikes == right.spikes
    assert left.weights.keys() == right.weights.keys()
    for label, samples in left.weights.items():
        np.testing.assert_array_equal(samples.times_ms, right.weights[label].times_ms)
        np.testing.assert_array_equal(samples.values, right.weights[label].values)
    assert left.states.keys() == right.states.keys()
    for name, states in left.states.items():
        assert states.keys() == right.states[name].keys()
        for variable, samples in states.items():
            np.testing.assert_array_equal(samples.times_ms, right.states[name][variable].times_ms)
            np.testing.assert_allclose(
                samples.values, right.states[name][variable].values, rtol=0, atol=1e-9
            )


def assert_same_bits(one: backends.Simulation, other: backends.Simulation) -> None:
    assert_same(one, other)
    left, right = one.tree()["state"], other.tree()["state"]
    assert left.keys() == right.keys()
    for name, values in left.items():
        assert values.dtype == right[name].dtype, name
        np.testing.assert_array_equal(values, right[name], err_msg=name)


@st.composite
def runs(draw):
    """Return a network, its input and a duration in ticks."""
    network = draw(networks())
    n_ticks = draw(st.integers(1, 80))
    return network, draw(stimuli(network, n_ticks)), n_ticks


def check_engines(case) -> None:
    network, stimulus, n_ticks = case
    both = [started(network, stimulus, backend) for backend in BACKENDS]
    for simulation in both:
        simulation.run(n_ticks * network.timestep_ms)
    assert_same(*both)
    active = sum(
        len(both[0].spikes(p.name)) > 0 for p in network.populations if isinstance(p, Population)
    )
    event(f"populations that fire: {active}")


def check_pieces(case, backend: str, data) -> None:
    network, stimulus, n_ticks = case
    h = network.timestep_ms
    whole, pieces = (started(network, stimulus, backend) for _ in range(2))
    whole.run(n_ticks * h)
    cuts = data.draw(st.lists(st.integers(0, n_ticks), max_size=5).map(sorted), label="cuts")
    for start, stop in zip([0, *cuts], [*cuts, n_ticks], strict=True):
        pieces.run((stop - start) * h)
    assert_same_bits(whole, pieces)


def check_resume(case, saved_on: str, resumed_on: str, data) -> None:
    network, stimulus, n_ticks = case
    h = network.timestep_ms
    whole, first = (started(network, stimulus, saved_on) for _ in range(2))
    whole.run(n_ticks * h)
    cut = data.draw(st.integers(0, n_ticks), label="cut")
    first.run(cut * h)
    with TemporaryDirectory() as folder:
        path = first.save(Path(folder) / "state.h5")
        second = backends.resume(path, None if saved_on == resumed_on else resumed_on)
    assert second.backend == resumed_on
    if saved_on == resumed_on:
        assert_same_bits(first, second)
    second.run((n_ticks - cut) * h)
    first.run((n_ticks - cut) * h)
    assert_same_bits(whole, first)
    (assert_same_bits if saved_on == resumed_on else assert_same)(whole, second)


@given(runs())
@QUICK
def test_engines_agree(case) -> None:
    check_engines(case)


@pytest.mark.parametrize("backend", BACKENDS)
@given(runs(), st.data())
@settings(QUICK, max_examples=25)
def test_pieces_equal_the_whole(backend, case, data) -> None:
    check_pieces(case, backend, data)


@pytest.mark.parametrize("resumed_on", BACKENDS)
@pytest.mark.parametrize("saved_on", BACKENDS)
@given(runs(), st.data())
@settings(QUICK, max_examples=25)
def test_resumed_run_equals_the_uninterrupted_one(saved_on, resumed_on, case, data) -> None:
    check_resume(case, saved_on, resumed_on, data)


@pytest.mark.slow
@given(runs())
@LONG
def test_engines_agree_at_length(case) -> None:
    check_engines(case)


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS)
@given(runs(), st.data())
@settings(LONG, max_examples=100)
def test_pieces_equal_the_whole_at_length(backend, case, data) -> None:
    check_pieces(case, backend, data)


@pytest.mark.slow
@pytest.mark.parametrize("resumed_on", BACKENDS)
@pytest.mark.parametrize("saved_on", BACKENDS)
@given(runs(), st.data())
@settings(LONG, max_examples=100)
def test_resumed_run_equals_the_uninterrupted_one_at_length(
    saved_on, resumed_on, case, data
) -> None:
    check_resume(case, saved_on, resumed_on, data)


def plastic(**changes) -> STDPSynapse:
    values = {"weight": 0.02, "A_plus": 0.003, "A_minus": 0.002, "w_max": 0.04, "delay_ms": 2}
    return STDPSynapse(**{**values, **changes})


def busy_network() -> Network:
    """Return cells that fire nearly every tick, with rare pre spikes onto plastic synapses."""
    n = 160
    rules = {
        "plain": plastic(tau_plus_ms=25),
        "forgetful": plastic(post_history=15),
        "axonal": plastic(dendritic_delay_fraction=0, dt_zero="ignore", delay_ms=4),
        "nearest": plastic(pairing="nearest", dt_zero="potentiate"),
    }
    return Network(
        name="busy",
        populations=[
            SpikeSource(name="drive", size=n),
            SpikeSource(name="rare", size=3),
            Population(name="cells", size=n, neuron=LIF_hard_reset(decay=0.3)),
        ],
        projections=[
            Projection(
                pre="drive",
                post="cells",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=1.5),
            ),
            *(
                Projection(
                    pre="rare",
                    post="cells",
                    connector=AllToAllConnector(),
                    synapse=synapse,
                    label=label,
                )
                for label, synapse in rules.items()
            ),
            Projection(
                pre="cells",
                post="cells",
                connector=FixedProbabilityConnector(p_connect=0.1, seed=4),
                synapse=StaticSynapse(weight=-0.03),
                receptor_type="signed",
            ),
        ],
    )


@pytest.fixture(scope="module")
def busy_runs():
    """Return runs of more spikes than any log of the fast engine holds."""
    network, n_ticks = busy_network(), 1200
    rng = np.random.default_rng(11)
    stimulus = {}
    for name, density in (("drive", 0.92), ("rare", 0.005)):
        size = network.population(name).size
        ticks, lines = np.nonzero(rng.random((n_ticks, size)) < density)
        stimulus[name] = SpikeTrains(ticks.astype(float), lines, size)
    both = [started(network, stimulus, backend) for backend in BACKENDS]
    for simulation in both:
        simulation.run(n_ticks)
    return network, stimulus, n_ticks, *both


def test_long_run_overflows_the_logs(busy_runs) -> None:
    network, _, _, fast, reference = busy_runs
    assert sum(len(fast.spikes(p.name)) for p in network.populations) > LOG_ROWS
    assert len(fast.spikes("cells")) > HISTORY_ROWS
    assert_same(fast, reference)


def test_long_run_equals_one_whose_logs_never_fill(busy_runs) -> None:
    network, stimulus, n_ticks, fast, _ = busy_runs
    rested = started(network, stimulus, FAST)
    for _ in range(0, n_ticks, 50):
        rested = backends.from_tree(rested.tree())
        rested.run(50)
    assert_same_bits(fast, rested)
    pieces = started(network, stimulus, FAST)
    for _ in range(0, n_ticks, 10):
        pieces.run(10)
        pieces.spikes("cells")
    assert_same_bits(fast, pieces)


def test_many_cells_that_fire_together() -> None:
    """A single tick takes a good part of the log."""
    size, n_ticks = LOG_ROWS // 3, 30
    network = Network(
        name="many",
        populations=[
            SpikeSource(name="s", size=1),
            Population(name="p", size=size, neuron=LIF_hard_reset()),
        ],
        projections=[
            Projection(
                pre="s",
                post="p",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=2.0),
            )
        ],
        recordings=[Recording(target="s"), Recording(target="p")],
    )
    result = backends.run(network, n_ticks, {"s": SpikeTrains.of([list(range(n_ticks))])}, FAST)
    assert result.spikes["s"].times_ms.tolist() == list(range(n_ticks))
    assert np.array_equal(result.spikes["p"].times_ms, np.repeat(np.arange(1.0, n_ticks), size))
    assert np.array_equal(result.spikes["p"].neurons, np.tile(np.arange(size), n_ticks - 1))


def resting_network(offset_na: float) -> Network:
    slow = IF_curr_exp(
        cm_nf=0.27,
        tau_m_ms=30.0,
        tau_syn_E_ms=7.0,
        tau_syn_I_ms=11.0,
        v_rest_mv=-60,
        v_reset_mv=-60,
        v_thresh_mv=-57,
        i_offset_na=offset_na,
    )
    delta = IF_curr_delta(tau_m_ms=100, v_thresh_mv=-60, v_init_mv=-61)
    return Network(
        name="resting",
        populations=[
            SpikeSource(name="in", size=3),
            Population(name="a", size=4, neuron=slow),
            Population(name="b", size=4, neuron=delta),
            Population(name="c", size=4, neuron=LIF_hard_reset(decay=0.99)),
        ],
        projections=[
            *(
                Projection(
                    pre="in",
                    post=post,
                    connector=FixedProbabilityConnector(p_connect=0.8, seed=seed),
                    synapse=STDPSynapse(
                        weight=weight,
                        A_plus=weight / 30,
                        A_minus=weight / 300,
                        w_max=2 * weight,
                        delay_ms=3,
                        tau_plus_ms=400,
                        tau_minus_ms=300,
                    ),
                )
                for seed, (post, weight) in enumerate((("a", 0.5), ("b", 3.7), ("c", 0.5)))
            ),
            Projection(
                pre="a",
                post="b",
                connector=AllToAllConnector(skip_same_index=True),
                synapse=StaticSynapse(weight=2.1, delay_ms=5),
            ),
            Projection(
                pre="b",
                post="a",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=0.3, delay_ms=2),
                receptor_type="inhibitory",
            ),
        ],
    )


@pytest.mark.parametrize(
    "gap, offset_na", [(700, 0.0), (700, 0.02), (700, -0.02), (5000, 0.0), (5000, 0.027)]
)
def test_long_silence(gap: int, offset_na: float) -> None:
    """An offset of 0.027 nA tends to the threshold itself and never reaches it."""
    network = resting_network(offset_na)
    rng = np.random.default_rng(2)
    ticks, lines = np.nonzero(rng.random((60, 3)) < 0.5)
    times = np.concatenate([ticks, ticks + 60 + gap]).astype(float)
    stimulus = {"in": SpikeTrains(times, np.tile(lines, 2), 3)}
    both = [started(network, stimulus, backend) for backend in BACKENDS]
    for simulation in both:
        simulation.run(60 + gap + 120)
        late = [len(simulation.spikes(p).between(60 + gap, math.inf)) for p in "abc"]
        assert all(late), late
    assert_same(*both)
    saved = started(network, stimulus, FAST)
    saved.run(60 + gap // 2)
    resumed = backends.from_tree(saved.tree())
    resumed.run(gap - gap // 2 + 120)
    assert_same_bits(both[0], resumed)
    pieces = started(network, stimulus, FAST)
    for _ in range(60 + gap + 120):
        pieces.run(1)
    assert_same_bits(both[0], pieces)


def sleeping_network() -> Network:
    """Return cells that rest between rare inputs, and columns of weights that come to life."""
    cells = IF_curr_exp(
        cm_nf=0.27,
        tau_m_ms=3.0,
        tau_syn_E_ms=0.7,
        tau_syn_I_ms=1.3,
        tau_refrac_ms=4.0,
        v_rest_mv=-60,
        v_reset_mv=-63,
        v_thresh_mv=-57,
    )
    rule = STDPSynapse(weight=0.0, A_plus=1.5, A_minus=0.4, w_max=6.0, tau_plus_ms=20, delay_ms=1)
    some = FixedProbabilityConnector(p_connect=0.5, seed=3)
    inhibitory = StaticSynapse(weight=0.9, delay_ms=2)
    drives = [
        Projection(
            pre="in",
            post=post,
            connector=OneToOneConnector(),
            synapse=StaticSynapse(weight=6.0, delay_ms=delay_ms),
        )
        for post, delay_ms in (("pre", 1), ("post", 3))
    ]
    return Network(
        name="sleeping",
        populations=(
            SpikeSource(name="in", size=9),
            Population(name="pre", size=9, neuron=cells),
            Population(name="post", size=9, neuron=cells),
        ),
        projections=(
            *drives,
            Projection(
                pre="pre", post="post", connector=AllToAllConnector(), synapse=rule, label="full"
            ),
            Projection(pre="pre", post="post", connector=some, synapse=rule, label="partial"),
            Projection(
                pre="post",
                post="pre",
                connector=AllToAllConnector(skip_same_index=True),
                synapse=inhibitory,
                receptor_type="inhibitory",
            ),
        ),
    )


def sleeping_input() -> dict[str, SpikeTrains]:
    """Return bursts 1 to 12 ms apart, at first on the last lines only."""
    rng = np.random.default_rng(8)
    ticks = np.cumsum(rng.integers(1, 13, 60))
    lines = [8 - rng.choice(9, 3, replace=False) % (2 + burst // 8) for burst in range(60)]
    return {"in": SpikeTrains.of([ticks[[i in x for x in lines]].tolist() for i in range(9)])}


def test_refractory_neurons_sleep_and_columns_come_to_life() -> None:
    potentials = [Recording(target=name, variable="v", every_ms=3) for name in ("pre", "post")]
    network, stimulus = sleeping_network().recording(*potentials), sleeping_input()
    fast, pieces, resumed = (started(network, stimulus, FAST) for _ in range(3))
    reference = started(network, stimulus, REFERENCE)
    for _ in range(40):
        fast.run(11)
        reference.run(11)
        assert_same(fast, reference)
        for _ in range(11):
            pieces.run(1)
        assert_same_bits(fast, pieces)
        resumed = backends.from_tree(resumed.tree())
        resumed.run(11)
        assert_same_bits(fast, resumed)
    assert len(fast.spikes("post")) > 60
    assert np.all(np.any(fast.weights("full") > 0, axis=0))


@pytest.mark.parametrize("rows", [0, 40])
def test_presented_input_equals_queued_input(monkeypatch, rows: int) -> None:
    """Whatever room the logs have, also none beyond a single tick."""
    monkeypatch.setattr("neuromem.backends.native.fast.LOG_ROWS", rows)
    monkeypatch.setattr("neuromem.backends.native.fast.HISTORY_ROWS", rows)
    network = sleeping_network()
    live = {backend: backends.start(network, backend) for backend in BACKENDS}
    queued = backends.start(network, FAST)
    rng = np.random.default_rng(4)
    for _ in range(30):
        lines = np.sort(rng.choice(9, rng.integers(0, 5), replace=False)).tolist()
        first, hold, n_ticks = queued.tick + int(rng.integers(3)), int(rng.integers(1, 4)), 9
        for simulation in live.values():
            simulation.present("in", lines, first, hold, n_ticks)
        times = [float(first + tick) for tick in range(hold)]
        trains = [times if line in lines else [] for line in range(9)]
        queued.stimulate({"in": SpikeTrains.of(trains)})
        queued.run(n_ticks)
    assert_same(*live.values())
    assert_same_bits(live[FAST], queued)

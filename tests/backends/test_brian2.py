"""Brian2 does what the definition says, to the spike; and, on request, what it does of itself."""

from __future__ import annotations

import logging
import sys
import warnings
from itertools import product

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.backends import FEATURES, Unsupported
from neuromem.backends.brian2.session import session
from neuromem.memory import load_recording, replay
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
from tests.recordings import of_the_board

pytestmark = pytest.mark.skipif(
    bool(backends.capabilities("brian2").missing), reason="brian2 is not installed"
)

REFERENCE, BRIAN2 = "native-reference", "brian2"
FAST_CELL = {"cm_nf": 0.27, "tau_m_ms": 3.0, "v_rest_mv": -60.0, "v_reset_mv": -60.0}
CELL = IF_curr_exp(tau_syn_E_ms=0.3, tau_syn_I_ms=0.4, v_thresh_mv=-57.0, **FAST_CELL)
VARIANTS = [
    (fraction, tie, pairing)
    for fraction, tie, pairing in product(
        (1, 0), ("depress", "potentiate", "ignore"), ("all", "nearest")
    )
    # Refused by the definition: see tests/network/test_validation.py.
    if (fraction, tie) != (0, "depress") and (fraction, tie, pairing) != (0, "ignore", "nearest")
]


def assert_same(network: Network, stimulus, n_ticks: int, **options) -> backends.Simulation:
    """Compare spikes and stored weights with the reference's, and samples up to rounding."""
    reference, brian = (
        backends.start(network, backend, **chosen)
        for backend, chosen in ((REFERENCE, {}), (BRIAN2, options))
    )
    for simulation in (reference, brian):
        simulation.stimulate(stimulus)
        simulation.run(n_ticks * network.timestep_ms)
    for population in network.populations:
        assert brian.spikes(population.name) == reference.spikes(population.name), population.name
    for projection in network.projections:
        np.testing.assert_allclose(
            brian.weights(projection.label), reference.weights(projection.label), rtol=0, atol=1e-12
        )
    found, expected = brian.result(), reference.result()
    assert found.spikes == expected.spikes
    assert found.weights.keys() == expected.weights.keys()
    assert found.states.keys() == expected.states.keys()
    pairs = [(found.weights[name], samples) for name, samples in expected.weights.items()]
    for name, states in expected.states.items():
        assert found.states[name].keys() == states.keys()
        pairs += [(found.states[name][variable], samples) for variable, samples in states.items()]
    for one, other in pairs:
        assert one.unit == other.unit
        np.testing.assert_array_equal(one.times_ms, other.times_ms)
        np.testing.assert_allclose(one.values, other.values, rtol=0, atol=1e-9)
    return brian


@st.composite
def runs(draw):
    """Return a network, its input and a duration in ticks."""
    network, n_ticks = draw(networks()), draw(st.integers(1, 80))
    return network, draw(stimuli(network, n_ticks)), n_ticks


def check_parity(case) -> None:
    try:
        assert_same(*case)
    except Unsupported as error:
        assert "remembers every post spike" in str(error)


@given(runs())
@settings(max_examples=8)
def test_random_networks(case) -> None:
    check_parity(case)


@pytest.mark.slow
@given(runs())
@settings(max_examples=150)
def test_random_networks_at_length(case) -> None:
    check_parity(case)


@pytest.mark.slow
@given(case=runs())
@settings(max_examples=15)
def test_random_networks_run_natively(case) -> None:
    network, stimulus, n_ticks = case
    try:
        result = backends.run(
            network, n_ticks * network.timestep_ms, stimulus, BRIAN2, fidelity="native"
        )
    except Unsupported as error:
        assert "divides by the difference" in str(error)
        return
    for states in result.states.values():
        assert all(np.all(np.isfinite(samples.values)) for samples in states.values())


@pytest.mark.parametrize("name", ["functional", "state_map"])
def test_every_spike_of_the_board(name) -> None:
    comparisons, result = replay(load_recording(of_the_board(name)), BRIAN2)
    assert sum(len(c.recorded) for c in comparisons) > 200
    assert {c.population: (c.missing, c.extra) for c in comparisons if c.missing or c.extra} == {}
    assert result.provenance.settings["target"] == "numpy"


def plastic_network(*rules: STDPSynapse) -> Network:
    """Return sources that drive cells, and one projection for each rule beside them."""
    n = 4
    return Network(
        name="plastic",
        populations=[
            SpikeSource(name="pre", size=n),
            SpikeSource(name="driver", size=n),
            Population(name="post", size=n, neuron=CELL),
        ],
        projections=[
            Projection(
                pre="driver",
                post="post",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=6.0),
            ),
            *(
                Projection(
                    pre="pre",
                    post="post",
                    connector=AllToAllConnector(),
                    synapse=rule,
                    label=f"rule{number}",
                )
                for number, rule in enumerate(rules)
            ),
        ],
        recordings=[
            Recording(target="post"),
            Recording(target="post", variable="v", every_ms=3.0),
            Recording(target="post", variable="isyn_exc"),
            *(Recording(target=f"rule{n}", variable="weights") for n, _ in enumerate(rules)),
        ],
    )


def noise(n_ticks: int, density: float = 0.2, **sizes: int) -> dict[str, SpikeTrains]:
    rng = np.random.default_rng(5)
    stimulus = {}
    for name, size in sizes.items():
        ticks, lines = np.nonzero(rng.random((n_ticks, size)) < density)
        stimulus[name] = SpikeTrains(ticks.astype(float), lines, size)
    return stimulus


def rule_of(variant: tuple[int, str, str], **changes) -> STDPSynapse:
    fraction, tie, pairing = variant
    values = {"weight": 0.5, "A_plus": 0.3, "A_minus": 0.21, "w_min": 0.1, "w_max": 1.4, **changes}
    return STDPSynapse(
        dendritic_delay_fraction=fraction, dt_zero=tie, pairing=pairing, tau_plus_ms=6.0, **values
    )


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_each_rule_and_delay(variant) -> None:
    """The weights of every tick, with delays of 1 and 4 ms and one for each connection."""
    spread = np.random.default_rng(1).integers(1, 5, (4, 4)).astype(float)
    rules = [rule_of(variant, delay_ms=delay) for delay in (1.0, 4.0, spread)]
    simulation = assert_same(plastic_network(*rules), noise(90, pre=4, driver=4), 90)
    assert not np.allclose(simulation.weights("rule0"), 0.5)
    reference = backends.start(simulation.network, REFERENCE)
    reference.stimulate(noise(90, pre=4, driver=4))
    reference.run(90)
    for label in ("rule0", "rule1", "rule2"):
        np.testing.assert_allclose(
            simulation.weights(label, settled=True),
            reference.weights(label, settled=True),
            rtol=0,
            atol=1e-8,
        )


def test_fifty_equal_weights_are_their_product() -> None:
    """50 x 0.02 is 1, not above it; a running sum of fifty is."""
    assert sum([0.02] * 50) > 1.0 == 50 * 0.02
    network = Network(
        name="tie",
        populations=[
            SpikeSource(name="s", size=51),
            Population(name="p", size=2, neuron=LIF_hard_reset()),
        ],
        projections=[
            Projection(
                pre="s",
                post="p",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=0.02),
            )
        ],
    )
    for lines, spikes in ((50, 0), (51, 2)):
        stimulus = {"s": SpikeTrains.of([[3.0]] * lines, 51)}
        assert len(assert_same(network, stimulus, 9).spikes("p")) == spikes


def test_every_model_together() -> None:
    names = {"a": CELL, "b": IF_curr_delta(v_thresh_mv=-60.0), "c": LIF_hard_reset()}
    network = Network(
        name="models",
        populations=[
            SpikeSource(name="s", size=5),
            *(Population(name=name, size=6, neuron=neuron) for name, neuron in names.items()),
        ],
        projections=[
            *(
                Projection(
                    pre=pre,
                    post=post,
                    connector=FixedProbabilityConnector(p_connect=0.6, seed=number),
                    synapse=StaticSynapse(weight=scale, delay_ms=1.0 + number),
                )
                for number, (pre, (post, scale)) in enumerate(
                    product(["s", *names], {"a": 3.0, "b": 3.0, "c": 0.4}.items())
                )
            ),
            Projection(
                pre="a",
                post="a",
                connector=AllToAllConnector(skip_same_index=True),
                synapse=StaticSynapse(weight=1.1, delay_ms=2.0),
                receptor_type="inhibitory",
            ),
        ],
        recordings=[
            *(Recording(target=name) for name in names),
            *(Recording(target=name, variable="v", every_ms=7.0) for name in names),
            Recording(target="a", variable="isyn_inh"),
        ],
    )
    simulation = assert_same(network, noise(100, s=5), 100)
    assert all(len(simulation.spikes(name)) for name in names)


def one_synapse(neuron=CELL, synapse=None) -> Network:
    return Network(
        name="one",
        populations=[
            SpikeSource(name="s", size=1),
            Population(name="p", size=1, neuron=neuron),
        ],
        projections=[
            Projection(
                pre="s",
                post="p",
                connector=OneToOneConnector(),
                synapse=synapse or StaticSynapse(weight=20.0, delay_ms=2.0),
                label="one",
            )
        ],
        recordings=[Recording(target="p")],
    )


def test_repeated_and_interleaved_runs_are_the_same() -> None:
    network, stimulus = plastic_network(rule_of(VARIANTS[0])), noise(60, pre=4, driver=4)
    whole = backends.run(network, 60, stimulus, BRIAN2)
    first, second = (backends.start(network, BRIAN2) for _ in range(2))
    for simulation in (first, second):
        simulation.stimulate(stimulus)
    for duration in (20, 25, 15):
        first.run(duration)
        second.run(duration)
    for result in (first.result(), second.result(), backends.run(network, 60, stimulus, BRIAN2)):
        assert result.spikes == whole.spikes
        np.testing.assert_array_equal(result.weights["rule0"].values, whole.weights["rule0"].values)
    assert len(whole.spikes["post"]) > 20


def test_post_history_that_matters_is_refused() -> None:
    rule = rule_of(VARIANTS[0], post_history=1)
    stimulus = {
        "pre": SpikeTrains.of([[1.0, 50.0]], 4),
        "driver": SpikeTrains.of([[10.0, 20.0]], 4),
    }
    with pytest.raises(Unsupported, match="post_history"):
        backends.run(plastic_network(rule), 60, stimulus, BRIAN2)
    kept = msgspec.structs.replace(rule, post_history=2)
    assert_same(plastic_network(kept), stimulus, 60)


def test_it_has_every_feature() -> None:
    can = backends.capabilities(BRIAN2)
    assert can.exact == can.native == frozenset(FEATURES)
    assert "cpp_standalone" in can.options["target"]


def test_an_unknown_target_or_option_is_refused() -> None:
    with pytest.raises(ValueError, match="'fortran': must be one of numpy, cython, cpp_standalone"):
        backends.start(one_synapse(), BRIAN2, target="fortran")
    with pytest.raises(ValueError, match="no option 'device': it has target"):
        backends.start(one_synapse(), BRIAN2, device="cpp_standalone")


def test_a_network_of_sources_alone() -> None:
    network = Network(
        name="sources",
        populations=[SpikeSource(name="s", size=2)],
        recordings=[Recording(target="s")],
    )
    trains = SpikeTrains.of([[1.0], [2.0, 4.0]])
    assert backends.run(network, 5, {"s": trains}, BRIAN2).spikes["s"] == trains


def test_progress() -> None:
    seen: list[tuple[float, float]] = []
    simulation = backends.start(one_synapse(), BRIAN2)
    simulation.run(30, lambda done, total: seen.append((done, total)))
    assert seen[0] == (0.0, 30.0) and seen[-1] == (30.0, 30.0)
    assert seen == sorted(seen)


def global_state(brian2) -> tuple:
    return (
        dict(brian2.prefs),
        brian2.get_device(),
        float(brian2.defaultclock.dt),
        logging.getLogger("brian2").level,
        sys.excepthook,
        warnings.showwarning,
        list(warnings.filters),
        brian2.Network._globally_running,
    )


@pytest.mark.parametrize("fidelity", backends.FIDELITIES)
def test_brian2_is_left_as_it_was_and_quiet(fidelity, capfd) -> None:
    with session("numpy") as brian2:
        pass
    brian2.defaultclock.dt = 0.37 * brian2.ms
    before = global_state(brian2)
    backends.run(one_synapse(), 30, backend=BRIAN2, fidelity=fidelity)
    assert global_state(brian2) == before
    assert capfd.readouterr() == ("", "")
    brian2.defaultclock.dt = 0.1 * brian2.ms


def test_an_interrupted_run_is_repeated_whole() -> None:
    def interrupt(done: float, total: float) -> None:
        raise KeyboardInterrupt

    simulation = backends.start(one_synapse(), BRIAN2)
    simulation.stimulate({"s": SpikeTrains.of([[5.0]])})
    with session("numpy") as brian2:
        pass
    before = global_state(brian2)
    with pytest.raises(KeyboardInterrupt):
        simulation.run(20, interrupt)
    assert global_state(brian2) == before
    assert simulation.tick == 0
    simulation.run(20)
    assert simulation.spikes("p").times_ms.tolist() == [7.0]


@pytest.mark.parametrize(
    "neuron", [CELL, IF_curr_delta(v_thresh_mv=-60.0), LIF_hard_reset()], ids=lambda n: type(n)
)
def test_natively_a_spike_acts_a_tick_later(neuron) -> None:
    stimulus = {"s": SpikeTrains.of([[5.0]])}
    times = {
        fidelity: backends.run(one_synapse(neuron), 20, stimulus, BRIAN2, fidelity=fidelity)
        .spikes["p"]
        .times_ms.tolist()
        for fidelity in backends.FIDELITIES
    }
    extra = backends.capabilities(BRIAN2).convention.extra_delay_ticks
    assert times == {"exact": [7.0], "native": [7.0 + extra]}


@pytest.mark.parametrize(("pre", "sign"), [(8.0, 1), (10.0, -1), (12.0, -1)])
def test_natively_the_delay_is_axonal_and_a_tie_depresses(pre, sign) -> None:
    """The driver's spike makes the post cell fire in tick 13; the delay is 3."""
    network = plastic_network(rule_of(VARIANTS[0], delay_ms=3.0, weight=0.5))
    stimulus = {"pre": SpikeTrains.of([[pre]], 4), "driver": SpikeTrains.of([[11.0]], 4)}
    simulation = backends.start(network, BRIAN2, fidelity="native")
    simulation.stimulate(stimulus)
    simulation.run(30)
    assert simulation.spikes("post").times_ms.tolist() == [13.0]
    weights = simulation.weights("rule0")
    amplitude, tau = (0.3, 6.0) if sign > 0 else (0.21, 20.0)
    expected = 0.5 + sign * amplitude * np.exp(-abs(pre + 3 - 13) / tau)
    if pre == 10.0:
        # The pre side then finds the post's trace, and the post side found none of the pre's.
        expected = 0.5 - 0.21
    assert weights[0, 0] == pytest.approx(expected)
    np.testing.assert_array_equal(simulation.weights("rule0", settled=True), weights)


def test_natively_equal_time_constants_are_refused() -> None:
    neuron = IF_curr_exp(tau_m_ms=5.0, tau_syn_E_ms=5.0, cm_nf=0.27)
    with pytest.raises(Unsupported, match="change one of them"):
        backends.run(one_synapse(neuron), 10, backend=BRIAN2, fidelity="native")
    assert_same(one_synapse(neuron), {"s": SpikeTrains.of([[2.0]])}, 10)


@pytest.mark.slow
@pytest.mark.parametrize("target", ["cython", "cpp_standalone"])
def test_every_target_does_the_same(target) -> None:
    network, stimulus = (
        plastic_network(rule_of(VARIANTS[0], delay_ms=2.0)),
        noise(60, pre=4, driver=4),
    )
    simulation = assert_same(network, stimulus, 60, target=target)
    assert simulation.result().provenance.settings["target"] == target
    assert len(simulation.spikes("post")) > 20
    # The next run is again one of the default.
    again = assert_same(network, stimulus, 60)
    assert again.result().provenance.settings["target"] == "numpy"

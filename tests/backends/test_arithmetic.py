"""The board's arithmetic: its recordings, its limits, and laws of its numbers.

Bit for bit it is compared with the board's own programs in ``test_arithmetic_emulated.py``.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.backends.arithmetic import engine, fixed
from neuromem.backends.arithmetic.capabilities import EXACT
from neuromem.backends.arithmetic.synapses import CONSTANT, DENSE
from neuromem.backends.arithmetic.translate import translate
from neuromem.backends.spinnaker.fixed_point import LARGEST_RAW, weight_scale
from neuromem.memory import load_recording, replay
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    IF_curr_delta,
    IF_curr_exp,
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

NAME = "spinnaker-arithmetic"
SPIKES = {"functional": 262, "state_map": 402}
STEP = 2.0**-15
#: A spike with weight 6 fires it at once.
FAST = IF_curr_exp(
    cm_nf=0.27, tau_m_ms=3.0, tau_refrac_ms=1.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3,
    v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.5,
)  # fmt: skip


@pytest.mark.parametrize("name", SPIKES)
def test_the_published_memory_gives_the_boards_spikes(name):
    comparisons, result = replay(load_recording(of_the_board(name)), NAME)
    assert sum(len(c.recorded) for c in comparisons) == SPIKES[name]
    assert {c.population: (c.missing, c.extra) for c in comparisons if c.missing or c.extra} == {}
    assert result.provenance.fidelity == "exact"
    assert result.provenance.settings["against the definition"] == "equal spikes"
    assert result.provenance.settings["saturated inputs"] == "0"


def one_target(
    size: int, neuron=FAST, *variables: str, synapse, receptor_type="excitatory", timestep_ms=1.0
) -> Network:
    """Return a network of some input lines onto one neuron."""
    return Network(
        name="one target",
        populations=(
            SpikeSource(name="input", size=size),
            Population(name="cell", size=1, neuron=neuron),
        ),
        projections=(
            Projection(
                pre="input", post="cell", connector=AllToAllConnector(), synapse=synapse,
                receptor_type=receptor_type, label="in",
            ),
        ),
        recordings=tuple(Recording(target="cell", variable=v) for v in ("spikes", *variables)),
        timestep_ms=timestep_ms,
    )  # fmt: skip


def at_once(size: int, time_ms: float = 2.0) -> dict[str, SpikeTrains]:
    return {"input": SpikeTrains.of([[time_ms]] * size)}


def rule(**changes) -> STDPSynapse:
    given = {
        "tau_plus_ms": 3.0, "tau_minus_ms": 3.0, "A_plus": 6.0, "A_minus": 6.0, "w_max": 6.0,
        "post_history": 15,
    }  # fmt: skip
    return STDPSynapse(**{**given, **changes})


@pytest.mark.parametrize(("later_spikes", "kept"), [(14, True), (15, False)])
def test_fifteen_post_spikes_are_remembered(later_spikes, kept):
    """A bit is learnt, used by others so many times, and recalled."""
    drive = StaticSynapse(weight=6.0)
    network = Network(
        name="one bit",
        populations=(
            SpikeSource(name="input", size=2),
            Population(name="cue", size=1, neuron=FAST),
            Population(name="bit", size=1, neuron=FAST),
        ),
        projections=(
            Projection(pre="input[:1]", post="cue", connector=OneToOneConnector(), synapse=drive),
            Projection(pre="input[1:]", post="bit", connector=OneToOneConnector(), synapse=drive),
            Projection(pre="cue", post="bit", connector=AllToAllConnector(), synapse=rule()),
        ),
        recordings=(Recording(target="bit"),),
    )
    recall = 40.0 + 10.0 * later_spikes
    bit = [11.0, *(30.0 + 10.0 * i for i in range(later_spikes))]
    stimulus = {"input": SpikeTrains.of([[10.0, recall], bit])}
    result = backends.run(network, recall + 10.0, stimulus, NAME)
    assert len(result.spikes["bit"].between(recall, recall + 10.0)) == kept
    assert result.provenance.settings["against the definition"] == "equal spikes"


def test_input_stays_at_its_limit_and_is_counted():
    """With several delays the host expects Poisson input, and here all of it comes at once."""
    neuron = IF_curr_exp(v_thresh_mv=1000.0)
    delays = np.where(np.arange(100) < 99, 1.0, 2.0)[:, None]
    network = one_target(
        100, neuron, "isyn_exc", synapse=StaticSynapse(weight=1.0, delay_ms=delays)
    )
    found = {
        fit: backends.run(
            network, 6.0, at_once(100), NAME, fidelity="native", fit_weights=fit
        )
        for fit in (False, True)
    }  # fmt: skip
    shift = int(translate(network).neurons[0].shift[0])
    largest = LARGEST_RAW / weight_scale(shift)
    assert largest < 99
    decay = math.exp(-1 / neuron.tau_syn_E_ms)
    share = neuron.tau_syn_E_ms * (1 - decay) * decay
    for fit, arrived in ((False, largest), (True, 99.0)):
        assert found[fit].provenance.settings["saturated inputs"] == str(int(not fit))
        current = found[fit].states["cell"]["isyn_exc"].values[3, 0]
        assert current == pytest.approx(arrived * share, rel=1e-3)


@pytest.mark.parametrize(("delay", "silent"), [(1, 0), (2, 3), (3, 0), (4, 3), (16, 3)])
def test_a_plastic_delay_that_fills_the_ring_buffers_delivers_nothing(delay, silent):
    learning = rule(weight=6.0, delay_ms=float(delay), A_plus=0.0, A_minus=0.0)
    network = one_target(3, synapse=learning)
    result = backends.run(network, 30.0, at_once(3), NAME, fidelity="native")
    assert result.provenance.settings["plastic synapses that deliver nothing"] == str(silent)
    assert result.spikes["cell"].times_ms.tolist() == ([] if silent else [2.0 + delay])
    static = one_target(3, synapse=StaticSynapse(weight=6.0, delay_ms=float(delay)))
    result = backends.run(static, 30.0, at_once(3), NAME)
    assert result.spikes["cell"].times_ms.tolist() == [2.0 + delay]


def test_what_the_board_does_otherwise_is_refused_with_the_first_spike_that_differs():
    network = one_target(3, synapse=rule(weight=6.0, delay_ms=2.0))
    where = r"1 spikes differ, the first is that of neuron 0 of 'cell' at 4 ms, only in the defini"
    with pytest.raises(backends.Unsupported, match=where):
        backends.run(network, 10.0, at_once(3), NAME)


def test_weights_too_small_for_a_step_become_zero_and_are_counted():
    weights = np.array([[1.0], [1e-6], [0.0]])
    network = one_target(3, synapse=StaticSynapse(weight=weights))
    result = backends.run(network, 5.0, None, NAME)
    assert result.provenance.settings["weights rounded to zero"] == "1"


def test_packets_that_a_core_might_lose_are_told():
    for size in (255, 256):
        network = one_target(size, synapse=StaticSynapse(weight=0.001))
        result = backends.run(network, 5.0, at_once(size), NAME)
        told = result.provenance.settings.get("packets in a tick", "")
        assert told.startswith("up to 256 onto a population") == (size == 256)


def through_a_delay_core(pre: int, post: int, synapse) -> Network:
    return Network(
        name="late",
        populations=(
            SpikeSource(name="input", size=pre),
            Population(name="cells", size=post, neuron=FAST),
        ),
        projections=(
            Projection(
                pre="input", post="cells", connector=AllToAllConnector(), synapse=synapse
            ),
        ),
        recordings=(Recording(target="cells"),),
    )  # fmt: skip


def test_a_delay_core_holds_spikes_back():
    network = through_a_delay_core(256, 256, StaticSynapse(weight=6.0, delay_ms=100.0))
    result = backends.run(network, 120.0, {"input": SpikeTrains.of([[2.0]], 256)}, NAME)
    assert result.spikes["cells"].pairs() == {(102.0, n) for n in range(256)}


@pytest.mark.parametrize(
    ("pre", "post", "synapse", "why"),
    [
        (1, 256, StaticSynapse(weight=6.0, delay_ms=33.0), "33 ticks; .* 'cells' hold 32, and sPy"),
        (300, 300, StaticSynapse(weight=6.0, delay_ms=33.0), "of one core .256 neurons. each"),
        (200, 200, rule(delay_ms=33.0), "a plastic synapse learns otherwise"),
    ],
)
def test_what_a_delay_core_does_otherwise_is_refused(pre, post, synapse, why):
    network = through_a_delay_core(pre, post, synapse)
    with pytest.raises(backends.Unsupported, match=why):
        backends.run(network, 5.0, None, NAME, fidelity="native")


def test_the_definition_is_compared_with_where_asked_for():
    network = one_target(3, synapse=rule(weight=6.0, delay_ms=2.0))
    settings = [
        backends.run(network, 10.0, at_once(3), NAME, fidelity="native", **options)
        .provenance.settings
        for options in ({}, {"compare": True})
    ]  # fmt: skip
    assert "against the definition" not in settings[0]
    assert settings[1]["against the definition"].startswith("1 spikes differ")


@pytest.mark.parametrize("plastic", [False, True])
def test_full_logs_change_nothing(monkeypatch, plastic):
    """The engine's logs start with room for little more than two ticks, and are emptied or grow."""
    synapse = rule(weight=5.0, A_minus=0.1) if plastic else StaticSynapse(weight=5.0)
    network = one_target(4, synapse=synapse)
    trains = {"input": SpikeTrains.of([np.arange(i, 400, 3 + i) for i in range(4)])}
    found = []
    for room in (engine.LOG_ROOM, 0):
        monkeypatch.setattr(engine, "LOG_ROOM", room)
        simulation = backends.start(network, NAME, fidelity="native")
        simulation.stimulate(trains)
        simulation.run(400.0)
        found.append((simulation.spikes("cell").pairs(), simulation.weights("in")))
    assert len(found[0][0]) > 50
    assert found[0][0] == found[1][0]
    assert np.array_equal(found[0][1], found[1][1])


def test_weights_that_depend_on_the_order_of_packets_are_refused():
    network = one_target(2, synapse=rule(delay_ms=1.0), timestep_ms=0.5)
    with pytest.raises(backends.Unsupported, match="a delay that fills the ring buffers"):
        backends.run(network, 5.0, None, NAME, fidelity="native")
    allowed = one_target(2, synapse=rule(delay_ms=0.5), timestep_ms=0.5)
    assert len(backends.run(allowed, 5.0, None, NAME).spikes["cell"]) == 0


def test_a_time_constant_of_no_step_is_refused():
    network = one_target(1, IF_curr_exp(tau_syn_I_ms=1e-6), synapse=StaticSynapse(weight=1.0))
    with pytest.raises(backends.Unsupported, match="tau_syn_I = 1e-06 is 0 in the board's steps"):
        backends.run(network, 5.0, None, NAME, fidelity="native")


def test_numbers_outside_the_boards_are_refused():
    learning = rule(A_plus=70000.0)
    with pytest.raises(ValueError, match=r"70000: the board's numbers lie in -65536\.\.65536"):
        backends.run(one_target(1, synapse=learning), 5.0, None, NAME, fidelity="native")


def test_the_potential_is_rounded_down_in_every_tick():
    """Decaying from above, V never rises, and stays within a step of rest; exactly it nears it."""
    neuron = IF_curr_delta(v_rest_mv=0.0, v_reset_mv=-1.0, v_thresh_mv=20.0, v_init_mv=10.0)
    network = one_target(1, neuron, "v", synapse=StaticSynapse(weight=1.0))
    result = backends.run(network, 400.0, None, NAME, fidelity="native")
    v = result.states["cell"]["v"].values[:, 0]
    assert np.all(v / STEP == np.rint(v / STEP))
    assert np.all(np.diff(v) <= 0)
    assert abs(v[0] - 10 * math.exp(-1 / 20)) < 4 * STEP
    assert 0 <= v[-1] <= 25 * STEP


def test_it_reports_progress_and_repeats_itself():
    network = one_target(3, synapse=StaticSynapse(weight=6.0))
    seen = []
    first = backends.run(
        network, 450.0, at_once(3), NAME, progress=lambda *now: seen.append(now)
    )  # fmt: skip
    assert seen == [(200.0, 450.0), (400.0, 450.0), (450.0, 450.0)]
    again = backends.run(network, 450.0, at_once(3), NAME)
    assert first.spikes["cell"].pairs() == again.spikes["cell"].pairs() == {(3.0, 0)}


def test_it_needs_nothing_else():
    assert backends.capabilities(NAME).missing == ()


@given(x=st.integers(-13 * 2**15, 0))
def test_the_exponential_is_within_a_step(x):
    exact = math.exp(x / 2**15)
    # Rounded down, after its own quadratic, which is off by 2^-19 at most.
    assert abs(fixed.exp_accum(x) - exact * 2**15) < 1.1
    if -10 * 2**15 < x < 0:
        assert abs(fixed.exp_fraction(x) / 2**32 - exact) < 2**-19


@given(tau=st.floats(0.1, 80), timestep=st.sampled_from([0.1, 0.5, 1.0]))
def test_a_currents_factors_are_close_to_exact(tau, timestep):
    decay, arrive = fixed.arrival(fixed.encoded(tau), fixed.encoded(timestep))
    # The parameters and h / tau have 15 fractional bits, and the exponential is off by 2^-19.
    off = 3 * STEP * (1 + timestep / tau) * max(1.0, timestep / tau)
    assert abs(decay / 2**32 - math.exp(-timestep / tau)) < off
    exact = tau / timestep * -math.expm1(-timestep / tau)
    assert abs(arrive / 2**32 - exact) < 2 * STEP * (1 + tau / timestep)


def test_weights_onto_a_very_slow_current_are_lost():
    """On the board what counts of a weight then exceeds 1, which a fraction does not hold."""
    _, arrive = fixed.arrival(fixed.encoded(327.0), fixed.encoded(0.1))
    assert arrive / 2**32 < 0.002


def board_like(network: Network) -> bool:
    return set(backends.features(network)) <= EXACT


ON_THE_BOARD = networks(states=False).filter(board_like)
FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def run_as_board(network: Network, stimulus, ticks: int) -> backends.Simulation:
    try:
        simulation = backends.start(network, NAME, fidelity="native")
        simulation.stimulate(stimulus)
        simulation.run(ticks * network.timestep_ms)
    except backends.Unsupported:
        assume(False)
    return simulation


@FEW
@given(network=ON_THE_BOARD)
def test_a_weight_is_off_by_half_a_step_at_most(network):
    try:
        plan = translate(network)
    except backends.Unsupported:
        assume(False)
    ours = []
    for part in plan.parts:
        raw = np.atleast_1d(part.weights)
        assert np.all((raw >= 0) & (raw <= LARGEST_RAW))
        held = raw / weight_scale(part.shift)
        if part.kind == DENSE:
            held = held[held > 0]  # where nothing is connected, and what became zero
        elif part.kind == CONSTANT:
            n_same = min(part.n_pre, part.n_post) * part.skip_same_index
            held = np.full(part.n_pre * part.n_post - n_same, held[0])
        elif part.mask is not None:
            held = held[part.mask]
        ours.append(held.ravel())
    found = np.concatenate([np.zeros(0), *ours])
    given_ = [np.abs(network.weights(p)) for p in network.projections]
    # A signed projection is split by sign; a static connection of no weight is then none.
    split = [p.receptor_type == "signed" and not p.plastic for p in network.projections]
    kept = [w[w != 0] if s else w for w, s in zip(given_, split, strict=True)]
    theirs = np.sort(np.concatenate(kept))
    # Zeros are not told from holes in a matrix.
    ours = np.sort(np.concatenate([np.zeros(len(theirs) - len(found)), found]))
    largest_step = max((1 / weight_scale(part.shift) for part in plan.parts), default=0.0)
    assert np.all(np.abs(ours - theirs) <= largest_step / 2 * (1 + 1e-9))


@FEW
@given(data=st.data(), network=ON_THE_BOARD)
def test_plastic_weights_keep_their_bounds(data, network):
    simulation = run_as_board(network, data.draw(stimuli(network, 60)), 60)
    for part in translate(network).parts:
        synapse = network.projection(part.label).synapse
        if isinstance(synapse, STDPSynapse):
            step = 1 / weight_scale(part.shift)
            weights = simulation.weights(part.label)
            weights = weights[~np.isnan(weights)]  # there may be no connection
            assert np.all((weights >= synapse.w_min - step) & (weights <= synapse.w_max + step))


@FEW
@given(data=st.data(), network=ON_THE_BOARD)
def test_where_exact_is_accepted_the_spikes_are_the_definitions(data, network):
    stimulus, duration_ms = data.draw(stimuli(network, 60)), 60 * network.timestep_ms
    try:
        ours = backends.run(network, duration_ms, stimulus, NAME)
    except ValueError:
        assume(False)
    theirs = backends.run(network, duration_ms, stimulus)
    for name, trains in theirs.spikes.items():
        assert ours.spikes[name].pairs() == trains.pairs()


def test_a_matrix_of_weights_is_read_back_with_its_holes():
    mask = np.array([[True, False], [True, True]])
    network = Network(
        name="holes",
        populations=(
            SpikeSource(name="input", size=2),
            Population(name="cells", size=2, neuron=FAST),
        ),
        projections=(
            Projection(
                pre="input", post="cells", connector=ArrayConnector(array=mask),
                synapse=rule(weight=1.5), label="in",
            ),
        ),
    )  # fmt: skip
    simulation = backends.start(network, NAME)
    simulation.run(3.0)
    assert np.array_equal(
        simulation.weights("in"), [[1.5, np.nan], [1.5, 1.5]], equal_nan=True
    )  # fmt: skip

"""PyNN's simulators: what they do of themselves, and what exact fidelity makes of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from neuromem import backends
from neuromem.network import (
    AllToAllConnector,
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
from tests.backends.simulators import PYNN, done, needs

ROOT = Path(__file__).parents[2]
CELL = IF_curr_exp(
    cm_nf=0.27,
    tau_m_ms=3.0,
    tau_syn_E_ms=0.3,
    tau_syn_I_ms=0.4,
    tau_refrac_ms=1.0,
    v_rest_mv=-60.0,
    v_reset_mv=-61.0,
    v_thresh_mv=-57.0,
)


@pytest.fixture(params=PYNN)
def backend(request) -> str:
    """Each of the simulators that is installed."""
    needs(request.param)
    return request.param


def joined(*projections: Projection, sizes=(2, 2), neuron=CELL, recordings=()) -> Network:
    populations = [SpikeSource(name="s", size=sizes[0]), SpikeSource(name="teacher", size=2)]
    populations += [
        Population(name=f"p{i}", size=n, neuron=neuron) for i, n in enumerate(sizes[1:])
    ]
    return Network(
        name="joined", populations=populations, projections=projections, recordings=recordings
    )


def static(pre: str, post: str, weight: float = 6.0, delay_ms: float = 1.0, **more) -> Projection:
    synapse = StaticSynapse(weight=weight, delay_ms=delay_ms)
    return Projection(pre=pre, post=post, connector=AllToAllConnector(), synapse=synapse, **more)


def plastic(pre: str, post: str, **changes) -> Projection:
    values = {"tau_plus_ms": 3.0, "tau_minus_ms": 4.0, "A_plus": 0.01, "A_minus": 0.02}
    values |= {"weight": 0.5, "w_max": 1.0, "delay_ms": 2.0}
    synapse = STDPSynapse(**{**values, **changes})
    return Projection(pre=pre, post=post, connector=AllToAllConnector(), synapse=synapse)


def random_input(network: Network, ticks: int, density: float = 0.3, seed: int = 3):
    rng = np.random.default_rng(seed)
    stimulus = {}
    for source in network.populations:
        if isinstance(source, SpikeSource):
            times, lines = np.nonzero(rng.random((ticks, source.size)) < density)
            times = times * network.timestep_ms
            stimulus[source.name] = SpikeTrains(times, lines, source.size)
    return stimulus


def test_the_convention_says_how_much_later_a_spike_acts(backend):
    network, can = joined(static("s", "p0", 30.0, 3.0)), backends.capabilities(backend)
    stimulus = {"s": SpikeTrains.of([[5.0], []])}
    defined = done(network, stimulus, 20, "native").spikes("p0")
    there = done(network, stimulus, 20, backend, fidelity="native").spikes("p0")
    later = can.convention.extra_delay_ticks * network.timestep_ms
    assert defined.times_ms.tolist() == [8.0, 8.0]
    assert there.times_ms.tolist() == [8.0 + later] * 2


def test_the_convention_fits_the_weights_that_its_own_spikes_give(backend):
    """A pair rule of small jumps is summed up by hand, on the simulator's own spikes."""
    can, ticks, delay = backends.capabilities(backend).convention, 80, 2.0
    network = joined(plastic("s", "p0"), static("teacher", "p0", 4.0))
    stimulus = random_input(network, ticks)
    run = done(network, stimulus, ticks, backend, fidelity="native")
    pre, post = run.spikes("s").per_neuron(), run.spikes("p0").per_neuron()
    assert min(map(len, pre + post)) > 3
    rule, expected = network.projections[0].synapse, np.full((2, 2), 0.5)
    dendritic, ties = can.stdp_delay == "dendritic", 0
    for i in range(2):
        for j in range(2):
            for one in pre[i]:
                for other in post[j]:
                    dt = other - one + (delay if dendritic else -delay)
                    late = other + dendritic * delay > max(pre[i])
                    arrived = one + (not dendritic) * delay < ticks
                    if dt == 0:
                        ties += 1
                        dt = {"ignore": None, "depress": -1e-12, "potentiate": 1e-12}[can.dt_zero]
                    if dt is not None and dt > 0 and (can.weights_are_current or not late):
                        expected[i, j] += rule.A_plus * np.exp(-dt / rule.tau_plus_ms)
                    if dt is not None and dt < 0 and arrived:
                        expected[i, j] -= rule.A_minus * np.exp(dt / rule.tau_minus_ms)
    assert ties
    np.testing.assert_allclose(run.weights("s->p0"), expected, rtol=0, atol=1e-9)


def test_recorded_potentials_are_the_definitions(backend):
    """Over a reset, inhibition and an offset; between ticks the drive is at work."""
    cell = msgspec.structs.replace(CELL, i_offset_na=0.1, v_init_mv=-62.0)
    network = joined(
        static("s", "p0", 4.0),
        static("p0", "p1", 5.0, 2.0),
        static("p1", "p0", 3.0, 2.0, receptor_type="inhibitory"),
        static("p1", "p1", 2.0, 2.0, receptor_type="inhibitory"),
        sizes=(2, 2, 3),
        neuron=cell,
        recordings=[
            Recording(target="p0", variable="v"),
            Recording(target="p1", variable="v", every_ms=3.0),
        ],
    )
    stimulus = random_input(network, 50)
    here, there = (done(network, stimulus, 50, name) for name in ("native", backend))
    assert len(here.spikes("p1")) > 5
    for name in ("p0", "p1"):
        wanted, found = (run.result().states[name]["v"] for run in (here, there))
        np.testing.assert_array_equal(found.times_ms, wanted.times_ms)
        np.testing.assert_allclose(found.values, wanted.values, rtol=0, atol=1e-9)
        assert found.unit == wanted.unit


def test_weights_over_time_are_the_definitions(nest):
    network = joined(
        plastic("s", "p0", A_plus=0.4, A_minus=0.3),
        static("teacher", "p0", 4.0),
        recordings=[
            Recording(target="s->p0", variable="weights", every_ms=4.0),
            Recording(target="teacher->p0", variable="weights", every_ms=20.0),
        ],
    )
    stimulus = random_input(network, 60)
    here, there = (done(network, stimulus, 60, name).result() for name in ("native", nest))
    for label in ("s->p0", "teacher->p0"):
        wanted, found = here.weights[label], there.weights[label]
        np.testing.assert_array_equal(found.times_ms, wanted.times_ms)
        np.testing.assert_allclose(found.values, wanted.values, rtol=0, atol=1e-6)
    assert len(np.unique(there.weights["s->p0"].values)) > 10


@pytest.mark.parametrize("neuron", [CELL, IF_curr_delta(), LIF_hard_reset(decay=1.0)], ids=repr)
@pytest.mark.parametrize("receptor", ["excitatory", "inhibitory"])
def test_plastic_synapses_of_every_sign_and_unit_are_exact(nest, neuron, receptor):
    scale = {IF_curr_exp: 4.0, IF_curr_delta: 9.0, LIF_hard_reset: 0.9}[type(neuron)]
    rule = plastic(
        "s", "p0", weight=0.0, w_max=scale, A_plus=0.7 * scale, A_minus=0.4 * scale, delay_ms=1.0
    )
    network = joined(
        msgspec.structs.replace(rule, receptor_type=receptor),
        static("teacher", "p0", 1.2 * scale),
        neuron=neuron,
    )
    stimulus = random_input(network, 80)
    here, there = (done(network, stimulus, 80, name) for name in ("native", nest))
    assert there.spikes("p0") == here.spikes("p0")
    for settled in (False, True):
        np.testing.assert_allclose(
            there.weights("s->p0", settled=settled),
            here.weights("s->p0", settled=settled),
            rtol=0,
            atol=1e-6,
        )
    assert np.ptp(here.weights("s->p0")) > 0


def test_a_loop_without_room_for_the_hops_is_refused_by_name(nest):
    network = joined(static("s", "p0"), static("p0", "p1"), static("p1", "p0"), sizes=(2, 2, 2))
    with pytest.raises(backends.Unsupported, match=r"p0->p1 -> p1->p0|p1->p0 -> p0->p1"):
        done(network, {}, 10, nest)
    longer = joined(
        static("s", "p0"), static("p0", "p1"), static("p1", "p0", delay_ms=2.0), sizes=(2, 2, 2)
    )
    stimulus = random_input(longer, 30)
    here, there = (done(longer, stimulus, 30, name) for name in ("native", nest))
    assert there.spikes("p1") == here.spikes("p1")
    assert len(here.spikes("p1"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (({}, {"tau_minus_ms": 9.0}), "different tau_minus_ms"),
        (({}, {"dt_zero": "ignore"}), "the order of its pairs"),
        (({"w_max": 0.0, "weight": 0.0},), "w_max = 0"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rules_that_cannot_be_held_are_refused(nest, changes, message):
    network = joined(*(plastic("s", "p0", **change) for change in changes))
    with pytest.raises(backends.Unsupported, match=message):
        done(network, {}, 10, nest)


def test_what_pynn_cannot_record_is_refused(nest):
    network = joined(
        static("s", "p0"), neuron=IF_curr_delta(), recordings=[Recording(target="p0", variable="v")]
    )
    with pytest.raises(backends.Unsupported, match="cannot record the potential of IF_curr_delta"):
        done(network, {}, 10, nest)


@pytest.mark.parametrize("fidelity", backends.FIDELITIES)
def test_brian2_refuses_equal_time_constants_that_it_divides_by(fidelity):
    needs("pynn:brian2")
    cell = msgspec.structs.replace(CELL, tau_syn_E_ms=3.0)
    with pytest.raises(backends.Unsupported, match="tau_syn_E and tau_m, which are equal"):
        done(joined(static("s", "p0"), neuron=cell), {}, 10, "pynn:brian2", fidelity=fidelity)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tau_m_ms": 0.01, "tau_syn_E_ms": 0.01}, "rounding would decide"),
        ({"v_init_mv": -57.01, "tau_m_ms": 0.5}, "no potential from which it gets to v_init"),
    ],
    ids=["short", "v_init"],
)
def test_neurons_that_rounding_or_the_start_would_change_are_refused(nest, change, message):
    """Ties that depress ask for steps between ticks, and so for the drive."""
    cell = msgspec.structs.replace(CELL, **change)
    with pytest.raises(backends.Unsupported, match=message):
        done(joined(plastic("s", "p0"), neuron=cell), {}, 10, nest)


def test_a_neuron_that_its_offset_fires_is_held_between_ticks(nest):
    """Jumps need the drive only then; with it spikes are neither early nor between ticks."""
    cell = IF_curr_delta(tau_m_ms=5.0, tau_refrac_ms=2.0, i_offset_na=4.0)
    network = joined(plastic("s", "p0", w_max=4.0), static("teacher", "p0", 3.0), neuron=cell)
    stimulus = random_input(network, 60)
    here, there = (done(network, stimulus, 60, name) for name in ("native", nest))
    assert there.result().provenance.settings["steps per tick"] == "3"
    assert there.spikes("p0") == here.spikes("p0")
    assert len(here.spikes("p0")) > 10


def test_threads_change_nothing(nest):
    network = joined(plastic("s", "p0"), static("teacher", "p0", 4.0), static("p0", "p1"),
                     sizes=(2, 3, 3))  # fmt: skip
    stimulus = random_input(network, 40)
    one, two = (done(network, stimulus, 40, nest, threads=n) for n in (1, 2))
    assert one.spikes("p1") == two.spikes("p1")
    np.testing.assert_array_equal(one.weights("s->p0"), two.weights("s->p0"))
    assert len(one.spikes("p1"))
    assert two.result().provenance.settings["threads"] == "2"


def test_nest_shares_the_process_with_a_torch_of_more_threads(nest):
    torch = pytest.importorskip("torch")
    network = joined(static("s", "p0"))
    stimulus = random_input(network, 20)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        # Without a limit, NEST takes OpenMP's threads for its own, and the process ends here.
        runs = [done(network, stimulus, 20, nest).spikes("p0") for _ in range(2)]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert runs[0] == runs[1]


@pytest.mark.parametrize("threads", [0, -1, 1.5, "two"])
def test_threads_must_be_a_number_of_them(nest, threads):
    with pytest.raises(ValueError, match=r"threads = .*whole number of at least 1"):
        backends.start(joined(static("s", "p0")), nest, threads=threads)


def test_pieces_and_a_saved_state_equal_the_whole(nest, tmp_path):
    network = joined(plastic("s", "p0", A_plus=0.5), static("teacher", "p0", 4.0))
    stimulus = random_input(network, 40)
    whole = done(network, stimulus, 40, nest)
    pieces = backends.start(network, nest)
    pieces.stimulate(stimulus)
    pieces.run(17.0)
    again = backends.resume(pieces.save(tmp_path / "state.h5"))
    again.run(23.0)
    assert again.spikes("p0") == whole.spikes("p0")
    np.testing.assert_array_equal(again.weights("s->p0"), whole.weights("s->p0"))


def test_simulators_keep_quiet(backend, capfd):
    network = joined(static("s", "p0"))
    done(network, {"s": SpikeTrains.of([[3.0], [4.0]])}, 10, backend)
    assert capfd.readouterr() == ("", "")


def test_two_networks_may_be_open_at_a_time(backend):
    one = joined(static("s", "p0", 6.0))
    other = joined(static("s", "p0", 2.0))
    stimulus = random_input(one, 20)
    runs = [backends.start(network, backend) for network in (one, other)]
    for run in runs:
        run.stimulate(stimulus)
    for run in runs:
        run.run(20.0)
    for run, network in zip(runs, (one, other), strict=True):
        assert run.spikes("p0") == done(network, stimulus, 20, "native").spikes("p0")


def test_no_compiler_is_told_as_that(tmp_path):
    """Where PyNN itself would end in a TypeError, some imports later."""
    needs("pynn:neuron")
    code = (
        "from neuromem.backends.pynn.mechanisms import load_mechanisms\n"
        "try:\n    load_mechanisms()\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    env = {**os.environ, "PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("pynn:neuron compiles PyNN's mechanisms once and needs make")


def test_one_to_one_and_slices_reach_the_right_cells(backend):
    network = Network(
        name="slices",
        populations=[SpikeSource(name="s", size=4), Population(name="p", size=5, neuron=CELL)],
        projections=[
            Projection(
                pre="s[1:3]",
                post="p[2:4]",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=6.0, delay_ms=np.array([1.0, 3.0])),
            )
        ],
    )
    run = done(network, {"s": SpikeTrains.of([[3], [4], [5], [6]])}, 20, backend)
    assert run.spikes("p").pairs() == {(5.0, 2), (8.0, 3)}

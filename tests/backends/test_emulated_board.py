"""The board's own programs against the board's recordings, and against the definition.

Every network is mapped by sPyNNaker in a process of its own, which takes seconds.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from neuromem import backends
from neuromem.backends.emulated import readout
from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.snapshot import load
from neuromem.memory import Memory, load_recording, replay
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
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
from tests.recordings import of_the_board

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytestmark = pytest.mark.slow

NAME = "spinnaker-emulated"
SPIKES = {"functional": 262, "state_map": 402}
FAST = IF_curr_exp(
    cm_nf=0.27, tau_m_ms=3.0, tau_refrac_ms=1.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3,
    v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.5,
)  # fmt: skip


def differences(network: Network, stimulus, duration_ms: float, **options):
    """Return (missing, extra) spikes of the emulated board against the definition, and both."""
    ours = backends.run(network, duration_ms, stimulus)
    theirs = backends.run(network, duration_ms, stimulus, NAME, fidelity="native", **options)
    missing = sum(len(t.pairs() - theirs.spikes[n].pairs()) for n, t in ours.spikes.items())
    extra = sum(len(t.pairs() - ours.spikes[n].pairs()) for n, t in theirs.spikes.items())
    return (missing, extra), ours, theirs


def random_spikes(size: int, ticks: int, chance: float = 0.05) -> SpikeTrains:
    at, lines = np.nonzero(np.random.default_rng(0).random((ticks, size)) < chance)
    return SpikeTrains(at.astype(float), lines, size)


def liquid(neuron, size: int = 100, *variables: str) -> Network:
    """Return a recurrent network with random weights of both signs."""
    rng = np.random.default_rng(1)
    signed = neuron.signed_weights
    # Multiples of 2^-6: the ring buffers hold them as they are.
    inside = np.where(rng.random((size, size)) < 0.1, rng.normal(0, 1, (size, size)), 0)
    inside = np.round(inside * 64) / 64
    given = np.where(rng.random((20, size)) < 0.3, 6.0, 0.0)
    kinds = [("input", given, "excitatory"), ("cells", np.maximum(inside, 0), "excitatory")]
    kinds += [("cells", np.maximum(-inside, 0), "inhibitory")]
    if signed:
        kinds = [("input", given, "signed"), ("cells", inside, "signed")]
    return Network(
        name="liquid",
        populations=(
            SpikeSource(name="input", size=20),
            Population(name="cells", size=size, neuron=neuron),
        ),
        projections=tuple(
            Projection(
                pre=pre, post="cells", connector=ArrayConnector(array=weights != 0),
                synapse=StaticSynapse(weight=weights), receptor_type=receptor,
            )
            for pre, weights, receptor in kinds
        ),
        recordings=tuple(
            Recording(target="cells", variable=v) for v in ("spikes", *variables)
        ),
    )  # fmt: skip


@pytest.mark.parametrize("name", SPIKES)
def test_the_published_memory_runs_with_its_synapses_on_cores_of_their_own(tmp_path, name):
    path = of_the_board(name)
    comparisons, _ = replay(load_recording(path), NAME, synapse_cores=1, folder=str(tmp_path))
    assert sum(len(c.recorded) for c in comparisons) == SPIKES[name]
    assert {c.population: (c.missing, c.extra) for c in comparisons if c.missing or c.extra} == {}
    programs = {Path(core.program).stem for core in load(tmp_path).cores}
    assert {"IF_curr_exp_neuron", "synapses_stdp_mad_pair_additive"} <= programs


@pytest.mark.parametrize("name", SPIKES)
@pytest.mark.parametrize("neurons_per_core", [None, 1])
def test_the_published_memory_gives_the_boards_spikes(tmp_path, name, neurons_per_core):
    """On one chip, and spread over at least six with a neuron on each core."""
    path = of_the_board(name)
    options = {"folder": str(tmp_path)}
    if neurons_per_core:
        options["neurons_per_core"] = neurons_per_core
    comparisons, result = replay(load_recording(path), NAME, **options)
    assert sum(len(c.recorded) for c in comparisons) == SPIKES[name]
    assert {c.population: (c.missing, c.extra) for c in comparisons if c.missing or c.extra} == {}
    snapshot = load(tmp_path)
    chips = {(core.x, core.y) for core in snapshot.cores}
    assert len(chips) == 1 if neurons_per_core is None else len(chips) >= 6
    assert "reverse_iptag_multicast_source" in " ".join(core.program for core in snapshot.cores)
    assert result.provenance.settings["emulation"].startswith("functional")
    assert "dropped packets" not in result.provenance.settings
    assert result.provenance.fidelity == "exact"
    assert "checked" in result.provenance.settings
    if neurons_per_core is None:
        return
    # The same machine again, by the tables as they were before compression, and with its cores in
    # another order: within a tick it does not matter.
    assert sum(len(c.compressed) for c in snapshot.chips) < sum(
        len(c.table) for c in snapshot.chips
    )
    recording = load_recording(path)
    network = Memory(recording.params.cue_size, recording.params.content_size).network
    machine = Machine(snapshot, tmp_path, compressed=False)
    machine.boot()
    machine.cores = dict(reversed(machine.cores.items()))
    machine.run(int(recording.params.sim_time_ms))
    assert machine.router.hops > 0
    assert not machine.router.dropped
    rows = readout.arrays(machine, network)
    for population, trains in result.spikes.items():
        if population != "input":
            assert {(t, int(n)) for t, n in rows[f"spikes {population}"]} == trains.pairs()


@pytest.mark.parametrize(
    "neuron",
    [
        IF_curr_delta(tau_m_ms=20.0, cm_nf=1.0, tau_refrac_ms=2.0, v_thresh_mv=-50.0),
        LIF_hard_reset(decay=0.9, v_thresh=15.3),
    ],
    ids=lambda neuron: type(neuron).__name__,
)
def test_a_liquid_of_delta_neurons_is_the_definitions(neuron):
    network, stimulus = liquid(neuron, 100, "v"), {"input": random_spikes(20, 60)}
    differing, ours, theirs = differences(network, stimulus, 60.0)
    assert len(ours.spikes["cells"]) > 100
    assert differing == (0, 0)
    v, board = ours.states["cells"]["v"], theirs.states["cells"]["v"]
    assert np.array_equal(board.times_ms, v.times_ms[:-1])  # V of the last tick is not recorded
    assert np.abs(board.values - v.values[:-1]).max() < 0.01


def test_currents_are_those_after_the_tick():
    network = liquid(IF_curr_exp(v_thresh_mv=500.0), 50, "isyn_exc", "isyn_inh", "v")
    inhibition = Projection(
        pre="input", post="cells", connector=AllToAllConnector(),
        synapse=StaticSynapse(weight=0.5), receptor_type="inhibitory", label="inhibition",
    )  # fmt: skip
    network = msgspec.structs.replace(network, projections=(*network.projections, inhibition))
    differing, ours, theirs = differences(network, {"input": random_spikes(20, 30)}, 30.0)
    assert differing == (0, 0)
    assert len(theirs.spikes["cells"]) == 0
    for variable in ("isyn_exc", "isyn_inh", "v"):
        a, b = ours.states["cells"][variable].values, theirs.states["cells"][variable].values
        assert np.abs(a[: len(b)] - b).max() < 0.01 * np.abs(a).max()


def test_what_fixed_point_changes_is_refused_with_the_first_spike_that_differs():
    network = liquid(IF_curr_exp())
    stimulus = {"input": random_spikes(20, 60)}
    with pytest.raises(
        backends.Unsupported, match=r"the first is that of neuron \d+ of 'cells' at"
    ):
        backends.run(network, 60.0, stimulus, NAME)


def test_long_delays_pass_through_a_delay_core(tmp_path):
    delays = np.array([1.0, 20.0, 100.0, 170.0])[np.arange(64) % 4]
    diagonal = np.eye(64, dtype=bool)
    network = Network(
        name="delays",
        populations=(
            SpikeSource(name="input", size=64),
            Population(name="before", size=64, neuron=FAST),
            Population(name="after", size=64, neuron=FAST),
        ),
        projections=(
            Projection(
                pre="input", post="before", connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=6.0),
            ),
            Projection(
                pre="before", post="after", connector=ArrayConnector(array=diagonal),
                synapse=StaticSynapse(weight=6.0, delay_ms=delays),
            ),
        ),
        recordings=(Recording(target="before"), Recording(target="after")),
    )  # fmt: skip
    spikes = SpikeTrains.of([[5.0 + i % 7] for i in range(64)])
    differing, _, theirs = differences(network, {"input": spikes}, 200.0, folder=str(tmp_path))
    assert differing == (0, 0)
    assert len(theirs.spikes["after"]) == 64
    assert any("delay_extension" in core.program for core in load(tmp_path).cores)


def test_connections_that_sPyNNaker_loses_are_an_error(tmp_path):
    """It loses long delays from a small population onto a large one."""
    network = Network(
        name="lost",
        populations=(
            SpikeSource(name="input", size=4),
            Population(name="before", size=4, neuron=FAST),
            Population(name="after", size=256, neuron=FAST),
        ),
        projections=(
            Projection(
                pre="input", post="before", connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=6.0),
            ),
            Projection(
                pre="before", post="after", connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=6.0, delay_ms=100.0),
            ),
        ),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"'before->after': 0 of 1024 connections were generated"):
        backends.run(network, 10.0, None, NAME, folder=str(tmp_path))


def learnt_then_used(
    later_spikes: int, timestep_ms: float = 1.0
) -> tuple[Network, SpikeTrains, float]:
    """Return a memory of one bit that is learnt, used by others so many times, and recalled."""
    rule = STDPSynapse(
        delay_ms=1.0, tau_plus_ms=3.0, tau_minus_ms=3.0, A_plus=6.0, A_minus=6.0, w_max=6.0,
        post_history=15,
    )  # fmt: skip
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
            Projection(
                pre="cue", post="bit", connector=AllToAllConnector(), synapse=rule, label="learned"
            ),
        ),
        recordings=(Recording(target="cue"), Recording(target="bit")),
        timestep_ms=timestep_ms,
    )
    recall = 40.0 + 10.0 * later_spikes
    bit = [11.0, *(30.0 + 10.0 * i for i in range(later_spikes))]
    return network, SpikeTrains.of([[10.0, recall], bit]), recall + 10.0


@pytest.mark.parametrize("timestep_ms", [1.0, 0.1])
@pytest.mark.parametrize(("later_spikes", "kept"), [(14, True), (15, False)])
def test_fifteen_post_spikes_are_remembered(later_spikes, kept, timestep_ms, tmp_path):
    """With a short time step sPyNNaker gives neurons and their synapses cores of their own."""
    network, spikes, duration_ms = learnt_then_used(later_spikes, timestep_ms)
    stimulus = {"input": spikes}
    differing, _, theirs = differences(network, stimulus, duration_ms, folder=str(tmp_path))
    assert differing == (0, 0)
    programs = {Path(core.program).stem for core in load(tmp_path).cores}
    apart = {"synapses_stdp_mad_pair_additive", "IF_curr_exp_neuron"}
    assert (apart <= programs) == (timestep_ms == 0.1)
    recalled = theirs.spikes["bit"].between(duration_ms - 10.0, duration_ms)
    assert len(recalled) == kept
    # The definition that remembers all would have kept it.
    rule = msgspec.structs.replace(network.projection("learned").synapse, post_history=None)
    projections = [
        msgspec.structs.replace(p, synapse=rule) if p.plastic else p for p in network.projections
    ]
    unlimited = msgspec.structs.replace(network, projections=tuple(projections))
    result = backends.run(unlimited, duration_ms, {"input": spikes})
    assert len(result.spikes["bit"].between(duration_ms - 10.0, duration_ms)) == 1


def test_weights_are_read_from_the_boards_memory():
    network, spikes, duration_ms = learnt_then_used(3)
    found = {}
    for backend in ("native", NAME):
        simulation = backends.start(network, backend, fidelity="native")
        simulation.stimulate({"input": spikes})
        simulation.run(duration_ms)
        found[backend] = simulation.weights("learned")
    assert found["native"][0, 0] > 1
    assert found[NAME].shape == (1, 1)
    assert found[NAME][0, 0] == pytest.approx(found["native"][0, 0], abs=0.06)


def test_a_network_without_input_stays_silent_and_reports_progress():
    network = Network(
        name="silent",
        populations=(
            SpikeSource(name="input", size=3),
            Population(name="cells", size=3, neuron=IF_curr_exp()),
        ),
        projections=(
            Projection(
                pre="input", post="cells", connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=1.0),
            ),
        ),
        recordings=(Recording(target="cells"),),
    )  # fmt: skip
    seen = []
    result = backends.run(network, 10.0, None, NAME, progress=lambda *now: seen.append(now))
    assert len(result.spikes["cells"]) == 0
    assert seen[-1] == (10.0, 10.0)
    assert [now for now, _ in seen] == sorted(now for now, _ in seen)

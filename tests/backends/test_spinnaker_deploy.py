"""Deployments: the real sPyNNaker maps onto its virtual board, and the report is checked."""

import contextlib
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest

from neuromem import backends
from neuromem.backends.spinnaker import DeploymentError, child, deploy
from neuromem.backends.spinnaker import mapping as files
from neuromem.backends.spinnaker.activity import check_activity
from neuromem.backends.spinnaker.fixed_point import needed_shift, quantised
from neuromem.backends.spinnaker.mapping import Mapping
from neuromem.backends.spinnaker.parts import parts
from neuromem.backends.spinnaker.preflight import Preflight
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
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
    save,
)

pytest.importorskip("spynnaker", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'")

RULE = STDPSynapse(A_plus=1.0, A_minus=0.5, w_max=4.0, weight=0.1, post_history=15)
STAND_IN = "tests.backends.spinnaker_stand_in"


def everything() -> Network:
    """Return a network with every neuron, connector, kind of weight and delay, and slices."""
    rng = np.random.default_rng(3)
    mask = rng.random((12, 5)) < 0.5
    delays = rng.integers(1, 9, (12, 6)).astype(float)
    return Network(
        name="everything",
        populations=(
            SpikeSource(name="lines", size=12),
            Population(name="exp", size=12, neuron=IF_curr_exp(tau_m_ms=10.0)),
            Population(name="delta", size=6, neuron=IF_curr_delta(i_offset_na=0.1)),
            Population(name="hard", size=5, neuron=LIF_hard_reset(v_thresh=2.0)),
        ),
        projections=(
            Projection(
                pre="lines",
                post="exp",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=3.3),
            ),
            Projection(pre="exp", post="exp", connector=AllToAllConnector(), synapse=RULE),
            Projection(
                pre="exp[2:9]",
                post="exp",
                connector=AllToAllConnector(skip_same_index=True),
                synapse=StaticSynapse(weight=0.07, delay_ms=5.0),
                receptor_type="inhibitory",
            ),
            Projection(
                pre="lines[3:9]",
                post="delta",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=20.0),
            ),
            Projection(
                pre="exp",
                post="delta",
                connector=FixedProbabilityConnector(p_connect=0.5, seed=1),
                synapse=StaticSynapse(weight=rng.uniform(0.01, 1, (12, 6)), delay_ms=delays),
                receptor_type="inhibitory",
            ),
            Projection(
                pre="lines",
                post="hard",
                connector=ArrayConnector(array=mask),
                synapse=StaticSynapse(weight=rng.normal(0, 0.5, (12, 5))),
                receptor_type="signed",
            ),
        ),
        recordings=(Recording(target="exp", variable="v", every_ms=2.0),),
    )


def stimulus(ticks: int = 40) -> dict[str, SpikeTrains]:
    rng = np.random.default_rng(5)
    at, line = np.nonzero(rng.random((ticks, 12)) < 0.3)
    return {"lines": SpikeTrains(at.astype(float), line, 12)}


@dataclass
class Run:
    """A deployment, and the folder and home that it had."""

    network: Network
    preflight: Preflight
    folder: Path
    home: Path

    @property
    def mapping(self) -> Mapping:
        return msgspec.json.decode((self.folder / files.MAPPING).read_bytes(), type=Mapping)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory) -> Run:
    folder, home = tmp_path_factory.mktemp("run"), tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        network = everything()
        found = deploy(network, folder=folder, duration_ms=40.0, stimulus=stimulus())
    assert found.outcome is None
    return Run(network, found.preflight, folder, home)


def test_it_can_run_and_says_so(mapped):
    assert mapped.preflight.ok
    text = str(mapped.preflight)
    assert "It can run on the board" in text
    for population in mapped.network.populations:
        assert population.name in text


def test_weights_are_those_that_independent_arithmetic_gives(mapped):
    """The shift printed, by our own formula, gives every weight that sPyNNaker generated."""
    shifts = {(b.population, b.receptor_type): b.shift for b in mapped.preflight.ring_buffers}
    with np.load(mapped.folder / files.CONNECTIONS) as stored:
        held = {int(number): rows for number, rows in stored.items()}
    number = 0
    for projection in mapped.network.projections:
        target = mapped.network.view(projection.post).population.name
        for part in parts(mapped.network, projection):
            rows = held[number]
            order = np.lexsort((rows[:, 1], rows[:, 0]))
            assert np.array_equal(rows[order][:, :2], np.column_stack([part.pre, part.post]))
            expected = quantised(part.weights, shifts[target, part.receptor_type])
            assert np.array_equal(rows[order][:, 2], expected), part.label
            assert np.array_equal(rows[order][:, 3], part.delays_ms), part.label
            use = mapped.preflight.weights[number]
            assert use.largest_error == np.abs(expected - part.weights).max()
            assert use.zeros == ((expected == 0) & (part.weights != 0)).sum()
            number += 1
    assert number == len(held) == len(mapped.preflight.weights) == 7


def test_the_shifts_are_those_written_for_the_board_and_hold_the_largest_sum(mapped):
    for name, population in mapped.mapping.populations.items():
        assert set(population.written_shifts) == {population.shifts}, name
    for buffer in mapped.preflight.ring_buffers:
        if buffer.population != "delta" or buffer.receptor_type != "inhibitory":
            # With one delay a projection, sPyNNaker takes that all inputs may arrive at once.
            assert buffer.shift >= needed_shift(buffer.largest_sum - buffer.inputs * buffer.step)
            assert buffer.saturating_inputs is None
        assert buffer.step == 2.0 ** (buffer.shift - 15)


def test_every_neuron_has_a_core(mapped):
    cores = {core.population: core for core in mapped.preflight.cores}
    for population in mapped.network.populations:
        assert cores[population.name].neurons == population.size
    assert cores["exp"].program == "IF_curr_exp_stdp_mad_pair_additive"
    assert cores["hard"].program == cores["delta"].program == "IF_curr_delta"
    machine = mapped.preflight.machine
    assert machine.cores == sum(core.cores for core in mapped.preflight.cores)
    assert 0 < machine.routing_after <= machine.routing_before
    assert 0 < machine.fullest_chip_sdram_bytes < machine.sdram_per_chip


def test_the_load_is_what_a_native_run_does(mapped):
    """By hand: spikes of each pre neuron times its connections, tick by tick."""
    network = mapped.network.recording(
        *(Recording(target=p.name) for p in mapped.network.populations)
    )
    spikes = backends.run(network, 40.0, stimulus()).spikes
    for load in mapped.preflight.loads:
        events = np.zeros(40)
        for projection in network.projections:
            if network.view(projection.post).population.name != load.population:
                continue
            pre = network.view(projection.pre)
            rows, _ = network.pairs(projection)
            weights = network.weights(projection)
            rows = rows if projection.receptor_type != "signed" else rows[weights != 0]
            fired = spikes[pre.population.name]
            for at, neuron in zip(fired.times_ms, fired.neurons, strict=True):
                events[int(at)] += (rows == neuron - pre.start).sum()
        assert load.events == events.max(), load.population
        assert load.events > 0


def test_the_users_home_and_the_report_are_clean(mapped, capfd):
    assert [path.name for path in mapped.home.rglob("*") if path.name.startswith(".spyn")] == []
    assert str(mapped.folder) not in str(mapped.preflight)
    assert (mapped.folder / files.LOG).stat().st_size > 0
    assert capfd.readouterr() == ("", "")


def test_the_report_survives_json(mapped):
    text = msgspec.json.encode(mapped.preflight)
    assert msgspec.json.decode(text, type=Preflight) == mapped.preflight


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(child, "WORKER", STAND_IN)


@pytest.mark.slow
def test_what_a_board_gives_comes_back_in_the_definitions_terms(stand_in, tmp_path):
    """With a native simulation in the board's place; no board is at hand."""
    network = everything()
    options = {"board": "127.0.0.1", "check": False, "folder": str(tmp_path)}
    simulation = backends.start(network, "pynn:spinnaker", fidelity="native", **options)
    native = backends.start(network)
    for one in (simulation, native):
        one.stimulate(stimulus())
        one.run(40)
    for population in network.populations:
        assert simulation.spikes(population.name) == native.spikes(population.name)
    assert np.array_equal(simulation.weights("exp->exp"), native.weights("exp->exp"))
    ours, theirs = simulation.result(), native.result()
    assert np.array_equal(ours.states["exp"]["v"].values, theirs.states["exp"]["v"].values)
    assert np.array_equal(ours.states["exp"]["v"].times_ms, theirs.states["exp"]["v"].times_ms)
    assert ours.provenance.settings["board"] == "127.0.0.1"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("host", "said"),
    [("killed", r"was killed \(signal 9\)"), ("broken", r"sPyNNaker stopped: Refused: no chips")],
)
def test_a_board_run_that_ends_early_is_one_line_with_its_log(stand_in, tmp_path, host, said):
    with pytest.raises(DeploymentError, match=f"{said}.*{files.LOG}") as caught:
        deploy(everything(), host, folder=tmp_path, duration_ms=10.0, check=False)
    assert "\n" not in str(caught.value)


def small(pre: int, post: int, delay_ms: float, connector=None) -> Network:
    return Network(
        name="small",
        populations=(
            SpikeSource(name="lines", size=pre),
            Population(name="pre", size=pre, neuron=IF_curr_exp()),
            Population(name="post", size=post, neuron=IF_curr_exp()),
        ),
        projections=(
            Projection(
                pre="lines",
                post="pre",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=5.0),
            ),
            Projection(
                pre="pre",
                post="post",
                connector=connector or AllToAllConnector(),
                synapse=StaticSynapse(weight=0.3, delay_ms=delay_ms),
            ),
        ),
    )


@pytest.mark.slow
def test_delayed_rows_that_spynnaker_writes_empty_are_found(tmp_path):
    preflight = deploy(small(4, 256, 100.0), folder=tmp_path).preflight
    assert not preflight.ok
    (found,) = preflight.of("error")
    assert "1024 of 1024 connections are missing" in found.what
    assert "relay population" in found.remedy


@pytest.mark.slow
def test_a_delay_core_without_room_is_found(tmp_path):
    preflight = deploy(small(256, 256, 170.0, OneToOneConnector()), folder=tmp_path).preflight
    (found,) = preflight.of("error")
    assert (found.check, found.where) == ("DTCM", "population 'pre_delayed'")
    assert "66560 bytes" in found.what


@pytest.mark.slow
def test_plastic_delays_as_long_as_the_ring_are_found(tmp_path):
    """The board's program takes such a weight for one that comes too late, and says nothing."""
    rule = msgspec.structs.replace(RULE, delay_ms=4.0)
    network = small(4, 4, 1.0)
    plastic = msgspec.structs.replace(network.projections[0], synapse=rule, label="plastic")
    network = msgspec.structs.replace(network, projections=(plastic,))
    report = deploy(network, folder=tmp_path, duration_ms=10.0).preflight
    (found,) = (f for f in report.of("warning") if f.check == "plasticity")
    assert found.where == "projection 'plastic'"
    assert "4 ticks" in found.what and "deliver nothing" in found.what


def test_a_network_too_large_for_its_board_cannot_run(tmp_path):
    network = Network(
        name="large",
        populations=(
            SpikeSource(name="lines", size=1),
            Population(name="cells", size=256 * 80, neuron=IF_curr_exp()),
        ),
        projections=(
            Projection(
                pre="lines",
                post="cells",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=1.0),
            ),
        ),
    )
    preflight = deploy(network, card="spinn-3", folder=tmp_path / "small").preflight
    assert not preflight.ok
    preflight = deploy(network, card="spinn-5", folder=tmp_path / "large").preflight
    assert preflight.ok
    assert preflight.machine.cores == 81
    assert preflight.machine.chips > 4


@pytest.mark.slow
def test_below_a_millisecond_neurons_and_synapses_have_cores_of_their_own(tmp_path):
    network = msgspec.structs.replace(small(3, 4, 1.0), timestep_ms=0.1)
    spikes = {"lines": SpikeTrains.of({0: [0.1, 0.5]}, 3)}
    preflight = deploy(network, folder=tmp_path, duration_ms=5.0, stimulus=spikes).preflight
    assert preflight.ok
    programs = [core.program for core in preflight.cores if core.population == "post"]
    assert sorted(programs) == ["IF_curr_exp_neuron", "synapses"]
    assert {load.population for load in preflight.loads} == {"pre", "post"}


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_deployment_leaves_no_process_behind(tmp_path, ending):
    save(small(3, 4, 1.0), tmp_path / "small.json")
    command = [
        sys.executable,
        "-c",
        "from neuromem.cli import main; main()",
        "deploy",
        "small.json",
    ]
    # A shell's background job, as this test may be, hands on that SIGINT is ignored.
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, preexec_fn=heed
    ) as parent:
        started = poll(lambda: list((tmp_path / "small.spinnaker").glob(files.LOG)))
        assert started
        parent.send_signal(ending)
        _, said = parent.communicate()
    folder = str(tmp_path / "small.spinnaker")
    assert poll(lambda: not running(folder))
    if ending == signal.SIGINT:
        assert (parent.returncode, said) == (130, "neuromem: interrupted\n")


def poll(condition, seconds: float = 60.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.1)
    return False


def running(folder: str) -> list[str]:
    """Return the command lines of workers in a folder."""
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            text = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if child.WORKER in text and folder in text:
                lines.append(text)
    return lines


@pytest.mark.slow
def test_fitted_ring_buffers_are_finer_and_still_hold_the_largest_sum(tmp_path):
    network = everything()
    finer = deploy(network, folder=tmp_path, fit_weights=True).preflight
    for buffer in finer.ring_buffers:
        assert buffer.shift == needed_shift(buffer.largest_sum), buffer
        assert buffer.saturating_inputs is None


@pytest.mark.slow
def test_further_settings_reach_spynnaker_and_wrong_ones_are_named(tmp_path):
    settings = tmp_path / "mine.cfg"
    settings.write_text("[Machine]\ntime_scale_factor = 7\n", encoding="utf-8")
    network = small(2, 2, 1.0)
    preflight = deploy(network, folder=tmp_path / "run", settings=settings).preflight
    assert preflight.machine.time_scale_factor == 7
    assert "7 times slower" in preflight.of("note")[0].what
    settings.write_text("[Machine]\nmisspelt = 7\n", encoding="utf-8")
    preflight = deploy(network, folder=tmp_path / "run", settings=settings).preflight
    assert "misspelt" in preflight.of("error")[0].what


@pytest.mark.parametrize(("between", "forgotten"), [(15, False), (16, True)])
def test_post_spikes_that_the_board_forgets_are_found(mapped, between, forgotten):
    posts = 10.0 + np.arange(between)
    spikes = {p.name: SpikeTrains.of([], p.size) for p in mapped.network.populations}
    spikes["exp"] = SpikeTrains.of({0: [1.0, 90.0], 11: posts}, 12)
    _, findings = check_activity(mapped.network, mapped.mapping, spikes, 100)
    assert [(f.check, f.where) for f in findings] == (
        [("post history", "projection 'exp->exp'")] if forgotten else []
    )


@pytest.mark.parametrize(("at_once", "busy"), [(1, False), (12, True)])
def test_a_core_that_gets_more_than_is_planned_for_is_found(mapped, at_once, busy):
    """12 plastic connections a spike, at a rate that makes 100 of them take the whole tick."""
    rates = {**mapped.mapping.synapses_per_second, "exp->exp": 100_000}
    mapping = msgspec.structs.replace(mapped.mapping, synapses_per_second=rates)
    spikes = {p.name: SpikeTrains.of([], p.size) for p in mapped.network.populations}
    spikes["exp"] = SpikeTrains.of({neuron: [5.0] for neuron in range(at_once)}, 12)
    loads, findings = check_activity(mapped.network, mapping, spikes, 10)
    (load,) = [load for load in loads if load.population == "exp"]
    assert (load.share > 1) == busy
    assert [f.check for f in findings] == (["load"] if busy else [])


@pytest.mark.slow
@pytest.mark.parametrize("recurrent", [False, True])
def test_plasticity_onto_a_recurrent_population_of_several_synapse_cores_is_warned_of(recurrent):
    projections = [
        Projection(pre="many", post="cells", connector=AllToAllConnector(), synapse=RULE)
    ]
    if recurrent:
        once = StaticSynapse(weight=0.1)
        projections.append(
            Projection(pre="cells", post="cells", connector=OneToOneConnector(), synapse=once)
        )
    network = Network(
        name="busy",
        populations=(
            SpikeSource(name="many", size=2200),
            Population(name="cells", size=64, neuron=IF_curr_exp()),
        ),
        projections=tuple(projections),
        timestep_ms=0.5,
    )
    report = deploy(network).preflight
    (cores,) = (use for use in report.cores if use.program.startswith("synapses"))
    assert cores.cores > 1
    found = [f.where for f in report.findings if "synapse cores for a neuron core" in f.what]
    assert found == (["projection 'many->cells'"] if recurrent else [])

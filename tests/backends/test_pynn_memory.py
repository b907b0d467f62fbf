"""The memories on PyNN's simulators: the board's recordings, and new programs, exactly on NEST."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.memory import MODELS, Learn, Memory, RecallByContent, RecallByCue, load_recording
from neuromem.network import Network, SpikeTrains

INSTALLED = {"pynn:nest": "nest", "pynn:neuron": "neuron", "pynn:brian2": "brian2"}
ROOT = Path(__file__).parents[2]
FEW = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def needs(backend: str) -> None:
    if find_spec("pyNN") is None or find_spec(INSTALLED[backend]) is None:
        pytest.skip(f"{backend} is not installed")


@pytest.fixture(params=INSTALLED)
def backend(request) -> str:
    """Each of the simulators that is installed."""
    needs(request.param)
    return request.param


@pytest.fixture
def nest() -> str:
    needs("pynn:nest")
    return "pynn:nest"


def done(network: Network, stimulus, ticks: int, backend: str, **how) -> backends.Simulation:
    simulation = backends.start(network, backend, **how)
    simulation.stimulate(stimulus)
    simulation.run(ticks * network.timestep_ms)
    return simulation


@pytest.mark.slow
def test_memories_run_with_native_fidelity(backend):
    """Not as defined, since no simulator has the board's conventions; but they run."""
    session = Memory(2, 3).network
    stimulus = {"input": SpikeTrains.of([[5, 6, 7], [], [5, 6, 7], [], []])}
    run = done(session, stimulus, 20, backend, fidelity="native")
    assert len(run.spikes("CueCue"))
    assert run.result().provenance.fidelity == "native"


@pytest.mark.parametrize("name", ["functional", "state_map"])
def test_the_boards_recordings_are_exact(nest, name):
    named = os.environ.get("NEUROMEM_ORACLE")
    path = (Path(named) if named else ROOT.parent / "shared" / "oracle") / f"ca3_{name}.json"
    if not path.is_file():
        pytest.skip("no board recordings: set NEUROMEM_ORACLE to their folder")
    recording = load_recording(path)
    cues = recording.params.cue_size
    network = Memory(cues, recording.params.content_size).network
    inputs = {"input": SpikeTrains.of(recording.inputs.cue + recording.inputs.content)}
    ticks = round(recording.params.sim_time_ms)
    run = done(network, inputs, ticks, nest)
    for population, trains in recording.recorded.items():
        first = cues if population == "OUTcont" else 0
        own = "output" if population.startswith("OUT") else population
        stop = cues if population == "OUTcue" else network.population(own).size
        made = {(t, n - first) for t, n in run.spikes(own).pairs() if first <= n < stop}
        assert made == {(float(t), n) for n, times in trains for t in times}, population
    here = done(network, inputs, ticks, "native")
    for projection in network.projections:
        for settled in (False, True):
            np.testing.assert_allclose(
                run.weights(projection.label, settled=settled),
                here.weights(projection.label, settled=settled),
                rtol=0,
                atol=1e-6,
            )
    assert run.result().provenance.settings["steps per tick"] == "3"


@st.composite
def programs(draw):
    """Return a memory and a random sequence of operations, as close as they may be.

    The other models have neurons that inhibit each other within a tick, and are refused.
    """
    model = draw(st.sampled_from(["ca3", "content-addressable"]))
    cues, content = draw(st.integers(1, 6)), draw(st.integers(1, 8))
    memory = Memory(cues, content, model=model, post_history=None)
    timing, at_ms, operations = memory.model.timing, memory.model.timing.start_ms, []
    kinds = ["learn", "learn", "cue"] + ["content"] * memory.model.recalls_by_content
    for _ in range(draw(st.integers(2, 14))):
        kind, cue = draw(st.sampled_from(kinds)), draw(st.integers(0, cues - 1))
        bits = tuple(sorted(draw(st.sets(st.integers(0, content - 1), min_size=1))))
        if kind == "learn":
            operations.append(Learn(cue=cue, content=bits, at_ms=at_ms))
        elif kind == "cue":
            operations.append(RecallByCue(cue=cue, at_ms=at_ms))
        else:
            operations.append(RecallByContent(content=bits, at_ms=at_ms))
        at_ms += timing.after_learn_ms if kind == "learn" else timing.after_recall_ms
        at_ms += draw(st.sampled_from([0, 0, 1, 5]))
    return memory, operations


def check_program(case) -> None:
    memory, operations = case
    there, here = memory.run(operations, "pynn:nest"), memory.run(operations)
    assert there.answers() == here.answers()
    assert there.result().spikes == here.result().spikes


@given(programs())
@FEW
def test_random_programs_get_the_same_answers_on_nest(case):
    needs("pynn:nest")
    check_program(case)


@pytest.mark.slow
@given(programs())
@settings(FEW, max_examples=80)
def test_random_programs_get_the_same_answers_on_nest_at_length(case):
    needs("pynn:nest")
    check_program(case)


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"ca3", "content-addressable"}))
def test_memories_that_inhibit_themselves_within_a_tick_are_refused(nest, model):
    memory = Memory(3, 4, model=model, post_history=None)
    with pytest.raises(backends.Unsupported, match=r"delays around (latch->latch|DG->DG)"):
        memory.run([Learn(cue=1, content=(0, 2), at_ms=memory.model.timing.start_ms)], nest)


def test_neuron_refuses_plasticity_that_it_clips_late():
    with pytest.raises(backends.Unsupported, match="'STDPSynapse' with fidelity 'exact'"):
        backends.start(Memory(2, 2).network, "pynn:neuron")

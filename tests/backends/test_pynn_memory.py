"""The memories on PyNN's simulators: the board's recordings, and new programs, exactly on NEST."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.memory import MODELS, Learn, Memory, RecallByContent, RecallByCue, load_recording
from neuromem.network import SpikeTrains
from tests.backends.simulators import FEW, PYNN, done, needs
from tests.recordings import of_the_board


@pytest.fixture(params=PYNN)
def backend(request) -> str:
    """Each of the simulators that is installed."""
    needs(request.param)
    return request.param


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
    recording = load_recording(of_the_board(name))
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

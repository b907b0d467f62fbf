"""Operations, their timing measured at the output, schedules, and what a session tells."""

import math

import msgspec
import numpy as np
import pytest

from neuromem.memory import (
    MODELS,
    SPACING_MS,
    Learn,
    Memory,
    RecallByContent,
    RecallByCue,
    Session,
    describe,
    schedule,
)

C, M = 5, 10
# Model: earliest start, echo, answer (ms after the start), distance after a learn and a recall.
TIMES = {
    "content-addressable": (0, 5, 6, 7, 6),
    "ca3": (0, 2, 3, 7, 5),
    "hippocampus": (0, 4, 5, 7, 5),
    "hippocampus-logic": (1, 6, 7, 7, 6),
}
EVERY_MODEL = pytest.mark.parametrize("model", MODELS)


def cue_lines(session: Session, *cues: int) -> set[int]:
    return {line for cue in cues for line in session.memory.model.encode_cue(cue)}


def content_lines(session: Session, *bits: int) -> set[int]:
    first = session.memory.model.cue_lines(session.memory.cues)
    return {first + bit for bit in bits}


def seen(session: Session, start: float) -> dict[int, set[int]]:
    """Return the output lines active at each ms after an operation's start."""
    session.wait(10)
    found: dict[int, set[int]] = {}
    for time, line in session.result().spikes["output"].between(start, start + 12).pairs():
        found.setdefault(int(time - start), set()).add(line)
    return found


def test_every_model_is_timed_here():
    assert set(TIMES) == set(MODELS)


@EVERY_MODEL
def test_learn_is_echoed_twice_two_ms_apart(model):
    start, echo, _, _, _ = TIMES[model]
    session = Memory(C, M, model=model).start()
    answer = session.learn(2, [1, 4, 9])
    both = cue_lines(session, 2) | content_lines(session, 1, 4, 9)
    assert seen(session, start) == {echo: both, echo + 2: both}
    assert (answer.at_ms, answer.latency_ms) == (start, echo)
    assert (answer.cues, answer.content, answer.replaced) == ((2,), (1, 4, 9), ())


@EVERY_MODEL
def test_overwriting_shows_the_old_bits_once_between_the_echoes(model):
    _, echo, answer_ms, _, _ = TIMES[model]
    session = Memory(C, M, model=model).start()
    session.learn(2, [1, 4, 9])
    answer = session.overwrite(2, [4, 5])
    both = cue_lines(session, 2) | content_lines(session, 4, 5)
    assert seen(session, answer.at_ms) == {
        echo: both,
        answer_ms: content_lines(session, 1, 9),
        echo + 2: both,
    }
    assert answer.replaced == (1, 9)
    assert session.recall_by_cue(2).content == (4, 5)


@EVERY_MODEL
def test_recall_by_cue_echoes_the_cue_and_then_answers_with_the_content(model):
    _, echo, answer_ms, _, _ = TIMES[model]
    session = Memory(C, M, model=model).start()
    session.learn(3, [0, 7])
    answer = session.recall_by_cue(3)
    assert seen(session, answer.at_ms) == {
        echo: cue_lines(session, 3),
        answer_ms: content_lines(session, 0, 7),
    }
    assert (answer.cues, answer.content, answer.latency_ms) == ((3,), (0, 7), answer_ms)


@EVERY_MODEL
def test_an_empty_cue_is_echoed_and_answers_nothing(model):
    session = Memory(C, M, model=model).start()
    answer = session.recall_by_cue(4)
    assert (answer.cues, answer.content, answer.latency_ms) == ((4,), (), None)


def test_recall_by_content_echoes_the_bits_and_then_answers_with_the_cues():
    session = Memory(C, M).start()
    session.learn(0, [1, 2])
    session.learn(3, [2, 5])
    session.learn(4, [6])
    answer = session.recall_by_content([2])
    assert seen(session, answer.at_ms) == {
        5: content_lines(session, 2),
        6: cue_lines(session, 0, 3),
    }
    assert (answer.cues, answer.content, answer.latency_ms) == ((0, 3), (2,), 6)
    unknown = session.recall_by_content([9])
    assert (unknown.cues, unknown.content, unknown.latency_ms) == ((), (9,), None)


@pytest.mark.parametrize("model", [name for name in MODELS if name != "content-addressable"])
def test_older_models_refuse_recall_by_content(model):
    with pytest.raises(ValueError, match=f"{model!r} recalls by cue only"):
        Memory(C, M, model=model).start().recall_by_content([0])


@EVERY_MODEL
@pytest.mark.parametrize("backend", ["native", "native-reference"])
def test_every_cue_keeps_its_own_content(model, backend):
    session = Memory(C, M, model=model).start(backend)
    contents = {cue: (cue, cue + 1, 9 - cue) if cue != 4 else (0,) for cue in range(C)}
    for cue, bits in contents.items():
        session.learn(cue, sorted(bits))
    for cue, bits in contents.items():
        assert session.recall_by_cue(cue).content == tuple(sorted(bits))
    assert session.stored() == {cue: tuple(sorted(bits)) for cue, bits in contents.items()}


# -- schedules ------------------------------------------------------------------------------------


@EVERY_MODEL
@pytest.mark.parametrize("first", ["learn", "recall"])
@pytest.mark.parametrize("early", [1, 2, 5])
def test_an_early_operation_is_refused_and_told_by_how_much(model, first, early):
    start, _, _, after_learn, after_recall = TIMES[model]
    if first == "learn":
        before, name, need = Learn(cue=0, content=(0,), at_ms=start + 3), "learn", after_learn
    else:
        before, name, need = RecallByCue(cue=0, at_ms=start + 3), "recall by cue", after_recall
    at = start + 3 + need - early
    operations = [before, RecallByCue(cue=0, at_ms=at)]
    with pytest.raises(ValueError) as caught:
        Memory(C, M, model=model).run(operations)
    assert str(caught.value) == (
        f"operation 1 (recall by cue) at {at} ms starts {early} ms too early: {name} at "
        f"{start + 3} ms needs {need} ms; start it at {at + early} ms or later, "
        "or force the schedule"
    )
    forced = Memory(C, M, model=model).run(operations, force=True)
    assert forced.starts == [start + 3, at]
    on_time = msgspec.structs.replace(operations[1], at_ms=at + early)
    assert Memory(C, M, model=model).run([before, on_time]).starts == [start + 3, at + early]


def test_the_gates_need_a_ms_before_the_first_operation():
    memory = Memory(C, M, model="hippocampus-logic")
    with pytest.raises(ValueError, match="0 ms starts 1 ms too early: the first may start at 1 ms"):
        memory.run([Learn(cue=0, content=(0,), at_ms=0)])
    assert memory.run([Learn(cue=0, content=(0,))]).starts == [1]


def test_schedule_by_itself():
    model = MODELS["content-addressable"]
    operations = [Learn(cue=0, content=(1,)), RecallByContent(content=(1,)), RecallByCue(cue=0)]
    assert schedule(operations, model, 20) == [0, 20, 40]
    assert schedule(operations, model, 1) == [0, 7, 13]  # never below what the model needs
    assert schedule(operations, model, 7, first_ms=100) == [100, 107, 114]
    fixed = [operations[0], msgspec.structs.replace(operations[1], at_ms=50), operations[2]]
    assert schedule(fixed, model, 9) == [0, 50, 59]
    assert schedule([], model, 20) == []


@EVERY_MODEL
def test_operations_without_a_time_keep_the_spacing(model):
    start = TIMES[model][0]
    operations = [Learn(cue=0, content=(1,)), RecallByCue(cue=0), Learn(cue=1, content=(2,))]
    assert SPACING_MS == 20
    assert Memory(C, M, model=model).run(operations).starts == [start, start + 20, start + 40]
    spaced = Memory(C, M, model=model).run(operations, spacing_ms=11)
    assert spaced.starts == [start, start + 11, start + 22]
    live = Memory(C, M, model=model).start(spacing_ms=11)
    for operation in operations:
        live.perform(operation)
    assert live.starts == spaced.starts
    assert live.answers() == spaced.answers()


@EVERY_MODEL
def test_a_spacing_below_the_minimum_must_be_forced(model):
    least = max(TIMES[model][3:])
    with pytest.raises(ValueError, match=rf"spacing_ms = {least - 1}: .* needs {least} ms"):
        Memory(C, M, model=model).start(spacing_ms=least - 1)
    with pytest.raises(ValueError, match="spacing_ms = 0"):
        Memory(C, M, model=model).start(spacing_ms=0, force=True)
    assert Memory(C, M, model=model).start(spacing_ms=least - 1, force=True).spacing_ms == least - 1


def test_a_live_operation_waits_for_the_spacing_and_not_longer():
    session = Memory(C, M).start()
    assert session.learn(0, [1]).at_ms == 0
    session.wait(4)
    assert session.recall_by_cue(0).at_ms == 20
    session.wait(100)
    assert session.time_ms == 127
    late = session.recall_by_cue(0)
    assert (late.at_ms, late.content) == (127, (1,))
    assert session.recall_by_cue(0).at_ms == 147


def test_a_program_may_follow_a_pause_and_live_operations():
    session = Memory(C, M).start()
    session.wait(100)
    session.learn(0, [1])
    answers = session.run([RecallByCue(cue=0), RecallByCue(cue=0, at_ms=200)])
    assert [answer.at_ms for answer in answers] == [100, 120, 200]
    assert [answer.content for answer in answers] == [(1,)] * 3
    session.wait(50)
    assert session.run([RecallByCue(cue=0)])[-1].at_ms == 257
    with pytest.raises(ValueError, match="too early"):
        session.run([RecallByCue(cue=0, at_ms=10)])
    assert len(session.operations) == len(session.answers()) == 4


@pytest.mark.parametrize("steps", [1, 3, 13, 40, 100])
def test_running_the_simulation_by_hand_does_not_confuse_a_session(steps):
    session = Memory(C, M).start()
    session.learn(0, [1, 2])
    session.simulation.run(steps)
    assert session.time_ms == 7 + steps
    answer = session.recall_by_cue(0)
    assert (answer.at_ms, answer.content) == (max(20, 7 + steps), (1, 2))
    assert session.answers()[-1] == answer


def test_a_live_session_takes_no_times():
    session = Memory(C, M).start()
    with pytest.raises(ValueError, match="give times in a program"):
        session.perform(Learn(cue=0, content=(1,), at_ms=40))
    assert session.operations == []


def test_nothing_asked_nothing_answered():
    assert Memory(C, M).run([]).answers() == []
    assert Memory(C, M).start().finish() == []


def test_answers_are_those_that_have_been_reached():
    session = Memory(C, M).start()
    session.learn(0, [1])
    session.recall_by_cue(0)
    kept = session.answers()
    assert len(kept) == 2
    session.wait(30)
    assert session.answers() == kept == session.finish()


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        (Learn(cue=3, content=(1, 4)), "learn [1, 4] under cue 3"),
        (RecallByCue(cue=2), "recall by cue 2"),
        (RecallByCue(cue=(2, 0)), "recall by cue [2, 0]"),
        (RecallByContent(content=(7,)), "recall by content [7]"),
    ],
)
def test_operations_in_words(operation, words):
    assert describe(operation) == words


# -- what is stored -------------------------------------------------------------------------------


@EVERY_MODEL
@pytest.mark.parametrize("backend", ["native", "native-reference"])
def test_initial_contents_answer_from_the_start_and_are_forgotten_like_others(model, backend):
    memory = Memory(C, M, model=model, initial={1: [0, 3], 4: (9,)})
    session = memory.start(backend)
    assert session.stored() == {1: (0, 3), 4: (9,)}
    assert session.recall_by_cue(1).content == (0, 3)
    assert session.recall_by_cue(0).content == ()
    if memory.model.recalls_by_content:
        assert session.recall_by_content([3]).cues == (1,)
        assert session.recall_by_content([9]).cues == (4,)
    assert session.learn(1, [5]).replaced == (0, 3)
    session.wait(1)  # until the last spike of the learn has reached the synapse, in every model
    assert session.stored() == {1: (5,), 4: (9,)}
    assert session.recall_by_cue(1).content == (5,)


@pytest.mark.parametrize(
    "model",
    list(MODELS),
)
def test_what_was_learned_is_stored_at_once(model):
    session = Memory(C, M, model=model).start()
    session.learn(1, [5])
    assert session.stored() == {1: (5,)}


def test_stored_weights_lag_behind_what_was_learned_until_the_next_pre_spike():
    """Reading the board right after a learn shows 0: the last potentiation is still pending."""
    session = Memory(C, M).start()
    session.learn(0, [1, 4])
    session.wait(13)
    raw, settled = session.weights(settled=False), session.weights(settled=True)
    assert not raw["CueCue->ContCue"].any()
    assert not raw["ContCont->CueCont"].any()
    learned = np.zeros((C, M))
    learned[0, [1, 4]] = 6.0
    np.testing.assert_array_equal(settled["CueCue->ContCue"], learned)
    np.testing.assert_array_equal(settled["ContCont->CueCont"], learned.T)
    assert session.stored() == {0: (1, 4)}
    session.recall_by_cue(0)
    raw = session.weights(settled=False)
    # Taken over, and then depressed a little by the posts 17 and 19 ms before this pre spike.
    drop = 6 * (math.exp(-17 / 3) + math.exp(-19 / 3))
    np.testing.assert_allclose(raw["CueCue->ContCue"], np.where(learned, 6 - drop, 0), atol=1e-9)
    assert not raw["ContCont->CueCont"].any()
    session.recall_by_content([1])
    taken_over = session.weights(settled=False)["ContCont->CueCont"][:, 0] > 5.9
    assert np.flatnonzero(taken_over).tolist() == [1]


def test_reading_weights_changes_nothing():
    read, unread = Memory(C, M).start(), Memory(C, M).start()
    for session in (read, unread):
        for cue in range(C):
            session.learn(cue, [cue, cue + 1])
            if session is read:
                session.weights(settled=True)
                session.stored()
    assert read.recall_by_content([2]) == unread.recall_by_content([2])
    assert read.result().spikes == unread.result().spikes


def test_weights_can_be_sampled_over_time():
    session = Memory(C, M, weights_every_ms=10).start()
    session.learn(0, [1])
    session.recall_by_cue(0)
    samples = session.result().weights["CueCue->ContCue"]
    assert samples.times_ms.tolist() == [0, 10, 20]
    assert samples.values.shape == (3, C, M)
    assert samples.unit == "nA"
    session.wait(10)
    samples = session.result().weights["CueCue->ContCue"]
    assert samples.values[:3, 0, 1].tolist() == [0, 0, 0]
    assert samples.values[3, 0, 1] == session.weights(settled=False)["CueCue->ContCue"][0, 1] > 5.9
    assert set(session.result().weights) == {"CueCue->ContCue", "ContCont->CueCont"}


def test_every_population_is_recorded():
    session = Memory(C, M).run([Learn(cue=0, content=(1,))])
    result = session.result()
    assert set(result.spikes) == {p.name for p in session.memory.network.populations}
    assert result.spikes["input"].per_neuron()[0] == [0, 1, 2]


def test_a_used_model_is_not_shared_between_sessions():
    memory = Memory(C, M)
    memory.start().learn(0, [1])
    assert memory.start().recall_by_cue(0).content == ()

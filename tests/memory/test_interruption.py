"""Long programs that are interrupted, saved, resumed and finished."""

import numpy as np
import pytest

from neuromem.memory import Learn, Memory, Operation, RecallByContent, RecallByCue, Session

C, M = 6, 9


def long_program(count: int = 400) -> list[Operation]:
    rng = np.random.default_rng(7)
    operations: list[Operation] = []
    for _ in range(count):
        kind = rng.integers(3)
        if kind == 0:
            bits = tuple(sorted(rng.choice(M, 3, replace=False).tolist()))
            operations.append(Learn(cue=int(rng.integers(C)), content=bits))
        elif kind == 1:
            operations.append(RecallByCue(cue=int(rng.integers(C))))
        else:
            operations.append(RecallByContent(content=(int(rng.integers(M)),)))
    return operations


class Stopwatch:
    """A progress callback that interrupts after so many calls."""

    def __init__(self, calls: int) -> None:
        self.calls, self.seen = calls, []

    def __call__(self, done: float, total: float) -> None:
        self.seen.append((done, total))
        if len(self.seen) == self.calls:
            raise KeyboardInterrupt


def interrupted(spacing_ms: int, calls: int, backend: str = "native") -> Session:
    session = Memory(C, M).start(backend, spacing_ms=spacing_ms)
    with pytest.raises(KeyboardInterrupt):
        session.run(long_program(), Stopwatch(calls))
    return session


@pytest.fixture(scope="module", params=[11, 20], ids="spacing {}".format)
def uninterrupted(request) -> Session:
    return Memory(C, M).run(long_program(), spacing_ms=request.param)


def assert_same(one: Session, other: Session) -> None:
    assert one.answers() == other.answers()
    assert one.starts == other.starts
    assert one.result().spikes == other.result().spikes
    for label, weights in one.weights().items():
        np.testing.assert_array_equal(weights, other.weights()[label])


def test_progress_is_told_up_to_the_end():
    session = Memory(C, M).start()
    told: list[tuple[float, float]] = []
    session.run(long_program(), lambda done, total: told.append((done, total)))
    assert told[-1] == (session.time_ms, session.time_ms) == (7987, 7987)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert len(told) > 2


@pytest.mark.parametrize("calls", [1, 2])
def test_an_interruption_keeps_what_was_computed(uninterrupted, calls):
    session = interrupted(uninterrupted.spacing_ms, calls)
    reached = session.time_ms
    assert 0 < reached < uninterrupted.time_ms
    answers = session.answers()
    assert answers == uninterrupted.answers()[: len(answers)]
    assert len(answers) == sum(start + 6 < reached for start in uninterrupted.starts)
    for name, trains in session.result().spikes.items():
        assert trains == uninterrupted.result().spikes[name].between(0, reached), name


@pytest.mark.parametrize("calls", [1, 2])
def test_an_interrupted_session_saves_resumes_and_finishes_the_same(uninterrupted, calls, tmp_path):
    session = interrupted(uninterrupted.spacing_ms, calls)
    resumed = Memory.resume(session.save(tmp_path / "session.h5"))
    assert resumed.time_ms == session.time_ms
    assert resumed.answers() == session.answers()
    assert resumed.operations == session.operations == long_program()
    assert resumed.finish() == uninterrupted.answers()
    assert_same(resumed, uninterrupted)
    session.finish()
    assert_same(session, uninterrupted)


def test_interrupted_again_and_again(uninterrupted, tmp_path):
    session = interrupted(uninterrupted.spacing_ms, 1)
    interruptions = 1
    while True:
        session = Memory.resume(session.save(tmp_path / "session.h5"))
        try:
            session.finish(Stopwatch(1))
        except KeyboardInterrupt:
            interruptions += 1
            if session.time_ms < uninterrupted.time_ms:
                continue
        break
    assert interruptions > 2
    assert_same(session, uninterrupted)


def test_the_reference_engine_is_interrupted_alike():
    session = interrupted(20, 1, "native-reference")
    assert session.answers() == interrupted(20, 1).answers()


def test_what_is_asked_after_an_interruption_comes_after_the_program(tmp_path):
    for session in (
        interrupted(20, 1),
        Memory.resume(interrupted(20, 1).save(tmp_path / "session.h5")),
    ):
        answer = session.recall_by_cue(0)
        assert answer.at_ms == 400 * 20
        assert len(session.answers()) == 401
        whole = Memory(C, M).run([*long_program(), RecallByCue(cue=0)])
        assert session.answers() == whole.answers()
        assert session.result().spikes == whole.result().spikes


def test_a_refused_program_leaves_the_session_as_it_was():
    session = Memory(C, M).start()
    session.learn(0, [1])
    before = session.time_ms
    with pytest.raises(ValueError, match="operation 1"):
        session.run([RecallByCue(cue=0), RecallByCue(cue=C)])
    with pytest.raises(ValueError, match="too early"):
        session.run([RecallByCue(cue=0), RecallByCue(cue=0, at_ms=21)])
    assert (session.time_ms, len(session.operations)) == (before, 1)
    assert session.recall_by_cue(0).at_ms == 20


def test_an_error_in_the_progress_callback_leaves_the_session_whole():
    def broken(done: float, total: float) -> None:
        raise RuntimeError("no terminal")

    session = Memory(C, M).start()
    with pytest.raises(RuntimeError, match="no terminal"):
        session.run(long_program(), broken)
    assert session.finish() == Memory(C, M).run(long_program()).answers()


def test_a_saved_session_keeps_its_rules(tmp_path):
    memory = Memory(C, M, initial={2: [3]}, post_history=None, weights_every_ms=5)
    session = memory.start("native", seed=11, spacing_ms=4, force=True)
    session.learn(0, [1])
    resumed = Memory.resume(session.save(tmp_path / "session.h5"))
    assert (resumed.spacing_ms, resumed.force) == (4, True)
    assert resumed.memory.network == memory.network
    assert resumed.memory.initial == {2: (3,)}
    assert resumed.result().provenance.seed == 11
    assert resumed.recall_by_cue(2).content == (3,)
    session.recall_by_cue(2)
    assert_same(resumed, session)
    for label, samples in session.result().weights.items():
        again = resumed.result().weights[label]
        np.testing.assert_array_equal(again.times_ms, samples.times_ms)
        np.testing.assert_array_equal(again.values, samples.values)


def test_saving_twice_replaces_the_file(tmp_path):
    session = Memory(C, M).start()
    file = session.save(tmp_path / "session.h5")
    session.learn(0, [1])
    session.save(file)
    assert len(Memory.resume(file).operations) == 1
    assert list(tmp_path.iterdir()) == [file]

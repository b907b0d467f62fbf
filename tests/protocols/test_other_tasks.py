"""Spoken digits of unheard speakers, and delayed tasks."""

import numpy as np
import pytest

from neuromem.protocols import memory_tasks, spoken


@pytest.fixture
def recordings(tmp_path):
    """Write two digits of each of three speakers: tones of half a second."""
    from scipy.io import wavfile

    time = np.arange(4000) / 8000
    for s, speaker in enumerate(("ann", "bob", "eve")):
        for digit in (0, 1):
            tone = 8000 * np.sin(2 * np.pi * (400 + 900 * digit + 50 * s) * time)
            wavfile.write(tmp_path / f"{digit}_{speaker}_0.wav", 8000, tone.astype(np.int16))
    return tmp_path


def test_each_speaker_is_tested_once_and_not_heard_before(recordings):
    (recordings / "1_ann_1.wav").write_bytes(b"no sound")
    folds = list(spoken.unheard_speakers(recordings))
    assert [list(splits.tests) for splits in folds] == [["ann"], ["bob"], ["eve"]]
    for splits in folds:
        (test,) = splits.tests.values()
        parts = (splits.train, splits.validation, test)
        speakers = [{str(i).split("_")[1] for i in part.data.ids} for part in parts]
        assert [len(part) for part in parts] == [2, 2, 2]
        assert len(set.union(*speakers)) == 3
        assert any("1_ann_1" in line for line in splits.train.rejected)


def test_two_speakers_are_too_few(recordings):
    for path in recordings.glob("*_eve_*"):
        path.unlink()
    with pytest.raises(ValueError, match="speakers ann, bob: three are needed"):
        list(spoken.unheard_speakers(recordings))


def test_the_spoken_contest_has_liquids_and_controls(recordings):
    splits = next(spoken.unheard_speakers(recordings))
    found = spoken.contestants(splits, neurons=10, seeds=(0, 1))
    names = [(c.name, c.seed) for c in found]
    assert len(set(names)) == len(names)
    assert {"liquid", "liquid-lda", "liquid-softmax", "raw-counts", "random-relu"} <= dict(
        names
    ).keys()
    assert names.count(("raw-counts", None)) == 1


@pytest.mark.parametrize("name", memory_tasks.TASKS)
def test_trials_are_drawn_anew_for_every_part_and_again_with_the_seed(name):
    splits, again, other = (memory_tasks.trials(name, seed) for seed in (0, 0, 1))
    assert len({samples.digest for _, samples in splits.named()}) == 3
    for (_, a), (_, b), (_, c) in zip(splits.named(), again.named(), other.named(), strict=True):
        assert a.digest == b.digest != c.digest
    assert splits.chance == pytest.approx(0.5, abs=0.05)


def test_an_unknown_task_is_named():
    with pytest.raises(ValueError, match="no task 'chess': there are parity of 2"):
        memory_tasks.trials("chess")


def test_the_task_contest_has_the_liquid_with_and_without_recurrence():
    found = memory_tasks.contestants(memory_tasks.trials("parity of 2"), neurons=10)
    assert [c.name for c in found] == [
        "liquid", "no-recurrence", "raw-counts", "raw-binned", "random-relu", "random-leaky-relu",
    ]  # fmt: skip
    assert len({c.recipe for c in found}) == 6

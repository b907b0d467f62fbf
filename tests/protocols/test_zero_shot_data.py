"""Which recordings train and which test: never the same ones, never the same voice."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from neuromem.protocols.zero_shot import data as zero_shot_data
from neuromem.protocols.zero_shot.data import meetings
from tests.protocols.small_data import write_folder
from tests.protocols.small_speech import write_speech


@pytest.fixture(scope="module")
def vision(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("vision"))


@pytest.fixture(scope="module")
def audio(tmp_path_factory) -> Path:
    return write_speech(tmp_path_factory.mktemp("audio") / "speech")


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """Return recordings of ann alone."""
    return write_speech(tmp_path_factory.mktemp("alone") / "speech", voices=1)


@pytest.fixture
def few_offline(monkeypatch):
    monkeypatch.setattr(zero_shot_data, "FILMED", (0.02, 0.01, 0.01))
    monkeypatch.setattr(zero_shot_data, "SPOKEN", 6)


def speakers(samples) -> set[str]:
    return {str(name).split("_")[1] for name in samples.data.ids}


def sizes(splits) -> list[int]:
    return [len(samples) for _, samples in splits.named()]


def test_the_test_speaker_is_unheard_and_the_next_is_for_validation(vision, audio):
    for asked, expected in ((None, "bob ann eve"), ("ann", "eve bob ann"), ("bob", "ann eve bob")):
        (meeting,) = meetings(vision, audio, test_speaker=asked)
        found = [speakers(samples) for _, samples in meeting.first.named()]
        assert found == [{name} for name in expected.split()]
    assert sizes(meeting.second) == [90, 10, 30]
    assert meeting.notes == ()


def test_a_damaged_file_is_left_out_and_named(vision, audio, tmp_path):
    shutil.copytree(audio, tmp_path / "audio")
    (tmp_path / "audio" / "3_bob_9.wav").write_bytes(b"RIFF")
    (meeting,) = meetings(vision, tmp_path / "audio")
    assert any("3_bob_9.wav" in line for line in meeting.first.train.rejected)


def test_two_speakers_leave_a_tenth_of_one_for_validation(vision, tmp_path):
    (meeting,) = meetings(vision, write_speech(tmp_path / "two", voices=2, each=10))
    assert speakers(meeting.first.train) == speakers(meeting.first.validation) == {"ann"}
    assert sizes(meeting.first) == [90, 10, 100]


def test_flat_recordings_are_divided_and_that_is_said(vision, audio, tmp_path):
    for part in ("Train", "Test"):
        shutil.copytree(vision / part, tmp_path / "flat", dirs_exist_ok=True)
    (meeting,) = meetings(tmp_path / "flat", audio)
    assert sizes(meeting.second) == [90, 10, 30] or sum(sizes(meeting.second)) == 130
    assert "divided at random" in meeting.notes[0]
    ids = [set(samples.data.ids) for _, samples in meeting.second.named()]
    assert len(set.union(*ids)) == sum(map(len, ids))


def test_a_digit_that_is_missing_leaves_the_others(vision, audio, tmp_path):
    shutil.copytree(vision, tmp_path / "vision")
    for part in ("Train", "Test"):
        shutil.rmtree(tmp_path / "vision" / part / "4")
    (meeting,) = meetings(tmp_path / "vision", audio)
    assert meeting.classes == (0, 1, 2, 3, 5, 6, 7, 8, 9)


def test_without_data_all_is_simulated_and_synthetic(few_offline):
    (meeting,) = meetings()
    assert {s.name for _, s in meeting.second.named()} == {"simulated N-MNIST"}
    assert meeting.first.train.name == "synthetic spoken digits"
    voices = [speakers(samples) for _, samples in meeting.first.named()]
    assert [len(found) for found in voices] == [4, 1, 1] and len(set.union(*voices)) == 6


def test_tests_of_their_own_replace_the_test(vision, audio, alone, few_offline, tmp_path):
    shutil.copytree(vision / "Test", tmp_path / "vision" / "Test")
    (meeting,) = meetings(test_vision=tmp_path / "vision", test_audio=alone)
    assert speakers(meeting.first.tests["test"]) == {"ann"}
    assert sizes(meeting.second)[2] == 30
    (meeting,) = meetings(vision, audio, test_audio=alone)
    assert speakers(meeting.first.train) == {"eve"}
    assert speakers(meeting.first.validation) == {"bob"}
    assert "ann left out of training" in meeting.notes[0]


def test_a_test_set_alone_is_not_trained_on(vision, alone, few_offline, tmp_path):
    shutil.copytree(vision / "Test", tmp_path / "vision" / "Test")
    (meeting,) = meetings(tmp_path / "vision", alone)
    assert speakers(meeting.first.tests["test"]) == {"ann"}
    assert meeting.first.train.name == "synthetic spoken digits"
    assert meeting.second.train.name == "simulated N-MNIST"
    assert len(meeting.notes) == 2


def test_what_would_test_on_its_training_is_refused(vision, audio, alone, tmp_path):
    shutil.copytree(vision / "Train", tmp_path / "vision" / "Test")
    with pytest.raises(ValueError, match="100 of the 100 test recordings are in training too"):
        next(meetings(vision, audio, test_vision=tmp_path / "vision"))
    with pytest.raises(ValueError, match=r"are all in .* give others to train on"):
        next(meetings(vision, alone, test_audio=alone))
    with pytest.raises(ValueError, match="give one of them"):
        next(meetings(vision, audio, test_audio=alone, test_speaker="bob"))


def test_the_same_data_give_the_same_splits(vision, audio):
    first, again = (next(meetings(vision, audio)) for _ in "ab")
    for a, b in ((first.first, again.first), (first.second, again.second)):
        assert [s.digest for _, s in a.named()] == [s.digest for _, s in b.named()]


def test_no_class_is_missing_in_training(vision, audio):
    (meeting,) = meetings(vision, audio)
    for sense in (meeting.first, meeting.second):
        assert np.array_equal(np.unique(sense.train.labels), np.arange(10))

"""The reader of spoken digits, on small files written here and on the real recordings."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from neuromem.datasets.spoken import (
    leave_one_speaker_out,
    read_spoken_digits,
    read_wav,
    spoken_events,
)
from neuromem.events.cochlea import Cochlea
from tests.recordings import SPOKEN, needs


def tone(hz: float = 500.0, seconds: float = 0.1, rate_hz: int = 8000) -> np.ndarray:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.rint(8000 * np.sin(2 * np.pi * hz * t)).astype(np.int16)


def wav(audio: np.ndarray, rate_hz: int = 8000) -> bytes:
    file = io.BytesIO()
    wavfile.write(file, rate_hz, audio)
    return file.getvalue()


@pytest.fixture
def folder(tmp_path):
    for digit in (0, 7):
        for speaker in ("ann", "bob_b"):
            for index in (2, 10):
                name = f"{digit}_{speaker}_{index}.wav"
                (tmp_path / name).write_bytes(wav(tone(300 + 200 * digit + index)))
    return tmp_path


def zipped(folder: Path, target: Path) -> Path:
    with zipfile.ZipFile(target, "w") as archive:
        for file in folder.glob("*.wav"):
            archive.write(file, f"recordings/{file.name}")
    return target


def test_a_folder_is_read_in_order_of_digit_speaker_and_index(folder):
    digits = read_spoken_digits(folder)
    assert digits.ids.tolist() == [
        "0_ann_2", "0_ann_10", "0_bob_b_2", "0_bob_b_10",
        "7_ann_2", "7_ann_10", "7_bob_b_2", "7_bob_b_10",
    ]  # fmt: skip
    assert digits.labels.tolist() == [0] * 4 + [7] * 4
    assert digits.speakers.tolist() == ["ann", "ann", "bob_b", "bob_b"] * 2
    assert (len(digits), digits.rate_hz, digits.rejected) == (8, 8000, ())
    np.testing.assert_array_equal(digits.clips[1], tone(310))


def test_a_zip_file_reads_as_the_folder_it_was_made_from(folder, tmp_path_factory):
    archive = zipped(folder, tmp_path_factory.mktemp("zip") / "digits.zip")
    one, other = read_spoken_digits(folder), read_spoken_digits(archive)
    assert one.ids.tolist() == other.ids.tolist()
    assert all(np.array_equal(a, b) for a, b in zip(one.clips, other.clips, strict=True))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "3_ann_0.wav",
            wav(np.stack([tone(), tone()], axis=1)),
            "2 channels: mix them to one (sox IN OUT remix -) or pick one",
        ),
        ("3_ann_0.wav", wav(tone().astype(np.float32)), "samples of float32: convert"),
        ("3_ann_0.wav", wav(tone())[:-50], "not a readable wav"),
        ("3_ann_0.wav", b"no sound at all", "not a readable wav"),
        ("3_ann_0.wav", b"", "not a readable wav"),
        ("3_ann_0.wav", wav(tone()[:0]), "no samples"),
        ("3_ann_0.WAV", wav(tone())[:20], "not a readable wav"),
        ("three.wav", wav(tone()), "not named"),
    ],
)
def test_a_file_that_cannot_be_taken_is_named_and_the_others_are_read(
    folder, name, content, reason
):
    (folder / name).write_bytes(content)
    digits = read_spoken_digits(folder)
    assert len(digits) == 8
    assert len(digits.rejected) == 1
    assert digits.rejected[0].startswith(name)
    assert reason in digits.rejected[0]


def test_several_sampling_rates_are_an_error_that_names_one_recording(folder):
    (folder / "3_ann_0.wav").write_bytes(wav(tone(rate_hz=16000), 16000))
    with pytest.raises(ValueError, match=r"8 of 8000 Hz, 1 of 16000 Hz; 3_ann_0\.wav .*resample"):
        read_spoken_digits(folder)


def test_an_ending_in_capitals_is_read_too(folder):
    (folder / "3_ann_0.WAV").write_bytes(wav(tone()))
    assert "3_ann_0" in read_spoken_digits(folder).ids


def test_a_folder_of_one_unheard_speaker_is_taken(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("own")
    for digit in range(10):
        (other / f"{digit}_somebody new_0.wav").write_bytes(wav(tone(rate_hz=16000), 16000))
    heard, speakers = spoken_events(other)
    known, _ = spoken_events(folder)
    assert set(speakers) == {"somebody new"}
    assert heard.labels.tolist() == list(range(10))
    assert heard.sensor_size == known.sensor_size


def test_a_damaged_member_of_a_zip_file_is_named(folder, tmp_path_factory):
    archive = zipped(folder, tmp_path_factory.mktemp("zip") / "digits.zip")
    content = bytearray(archive.read_bytes())
    content[100] ^= 0xFF  # within the first recording, whose checksum then fails
    archive.write_bytes(content)
    digits = read_spoken_digits(archive)
    assert len(digits) == 7
    assert "CRC" in digits.rejected[0]


def test_sidecars_of_macos_are_no_recordings(folder):
    (folder / "._0_ann_2.wav").write_bytes(b"sidecar")
    assert read_spoken_digits(folder).rejected == ()


def test_a_chunk_that_is_not_sound_is_skipped(tmp_path):
    content = wav(tone()) + b"note\x04\x00\x00\x00abcd"
    content = content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:]
    (tmp_path / "a.wav").write_bytes(content)
    audio, rate_hz = read_wav(tmp_path / "a.wav")
    assert rate_hz == 8000
    np.testing.assert_array_equal(audio, tone())


def test_what_is_not_there_or_holds_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="git clone"):
        read_spoken_digits(tmp_path / "absent")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_wav(tmp_path / "absent.wav")
    with pytest.raises(ValueError, match="no recording"):
        read_spoken_digits(tmp_path)
    (tmp_path / "1_ann_0.wav").write_bytes(b"noise")
    with pytest.raises(ValueError, match=r"no recording.*first of 1: 1_ann_0\.wav: not a readable"):
        read_spoken_digits(tmp_path)
    (tmp_path / "digits.zip").write_bytes(b"PK no zip")
    with pytest.raises(ValueError, match="not a zip file"):
        read_spoken_digits(tmp_path / "digits.zip")


def test_events_keep_labels_speakers_and_rejections(folder):
    (folder / "three.wav").write_bytes(wav(tone()))
    heard, speakers = spoken_events(folder, Cochlea(channels=16))
    digits = read_spoken_digits(folder)
    assert heard.labels.tolist() == digits.labels.tolist()
    assert heard.ids.tolist() == digits.ids.tolist()
    assert speakers.tolist() == digits.speakers.tolist()
    assert heard.sensor_size == (16, 1, 1)
    assert heard.rejected == digits.rejected != ()
    np.testing.assert_array_equal(
        heard[3].data, Cochlea(channels=16).hear(digits.clips[3], 8000).data
    )


def test_every_speaker_is_left_out_once():
    speakers = np.array(["b", "a", "b", "c"])
    splits = list(leave_one_speaker_out(speakers))
    assert [name for name, _, _ in splits] == ["a", "b", "c"]
    for name, train, test in splits:
        assert set(speakers[test]) == {name}
        assert name not in speakers[train]
        assert sorted([*train, *test]) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="at least 2"):
        list(leave_one_speaker_out(np.array(["a", "a"])))


@needs(SPOKEN)
def test_the_real_recordings_are_read():
    digits = read_spoken_digits(SPOKEN)
    assert (len(digits), digits.rate_hz, digits.rejected) == (2250, 8000, ())
    assert np.bincount(digits.labels).tolist() == [225] * 10
    assert set(digits.speakers) == {"george", "jackson", "lucas", "nicolas", "theo"}

"""The synthetic spoken digits: what can be learned from them, and that they say what they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

import neuromem.datasets.synthetic_speech as synthetic_speech
from neuromem.datasets import (
    leave_one_speaker_out,
    read_spoken_digits,
    spoken_events,
    synthetic_digits,
)
from neuromem.datasets.synthetic_speech import SOUNDS, VOWELS_HZ, WORDS, Voice, say
from neuromem.events import Cochlea

MAN = Voice(f0_hz=120)


def spectrum(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return frequencies and power, smoothed over the harmonics of the pitch."""
    power = np.abs(np.fft.rfft(audio / 32768.0, 8192)) ** 2
    smooth = np.convolve(power, np.hanning(161), mode="same")
    return np.fft.rfftfreq(8192, 1 / 8000), smooth


def test_every_digit_is_made_by_every_voice():
    digits = synthetic_digits(4, seed=0, voices=3)
    assert np.bincount(digits.labels).tolist() == [4] * 10
    assert set(digits.speakers) == {"voice0", "voice1", "voice2"}
    assert digits.ids[:4].tolist() == ["0_voice0_0", "0_voice0_1", "0_voice1_0", "0_voice2_0"]
    assert len(set(digits.ids)) == 40
    assert (digits.rate_hz, digits.rejected) == (8000, ())
    for clip in digits.clips:
        assert clip.dtype == np.int16
        assert 800 < len(clip) < 16000
        assert 3000 < np.abs(clip.astype(int)).max() < 30000  # neither silent nor clipped


def test_they_are_called_what_they_are():
    digits = synthetic_digits(1, seed=0, voices=1)
    assert digits.name == "synthetic spoken digits"
    assert spoken_events(digits)[0].name == "synthetic spoken digits"


def test_a_sound_depends_on_seed_digit_voice_and_index_alone():
    few, many = synthetic_digits(2, seed=5, voices=2), synthetic_digits(6, seed=5, voices=2)
    places = {name: at for at, name in enumerate(many.ids)}
    for clip, name in zip(few.clips, few.ids, strict=True):
        np.testing.assert_array_equal(clip, many.clips[places[name]])
    other = synthetic_digits(2, seed=6, voices=2)
    assert not any(np.array_equal(a, b) for a, b in zip(few.clips, other.clips, strict=True))
    assert len({clip.tobytes() for clip in many.clips}) == len(many)


def test_they_go_the_way_of_recordings(tmp_path):
    digits = synthetic_digits(2, seed=1, voices=2)
    for clip, name in zip(digits.clips, digits.ids, strict=True):
        wavfile.write(tmp_path / f"{name}.wav", digits.rate_hz, clip)
    read = read_spoken_digits(tmp_path)
    assert read.ids.tolist() == digits.ids.tolist()
    assert read.speakers.tolist() == digits.speakers.tolist()
    heard, speakers = spoken_events(digits, Cochlea(channels=16))
    again, _ = spoken_events(tmp_path, Cochlea(channels=16))
    np.testing.assert_array_equal(heard.t, again.t)
    np.testing.assert_array_equal(heard.x, again.x)
    assert speakers.tolist() == digits.speakers.tolist()


@pytest.mark.parametrize("vowel", VOWELS_HZ)
@pytest.mark.parametrize("scale", [1.0, 1.16])
def test_a_vowel_is_loudest_at_its_formants(monkeypatch, vowel, scale):
    monkeypatch.setattr(synthetic_speech, "WORDS", (f"{vowel} {vowel} {vowel} {vowel}",) * 10)
    monkeypatch.setattr(synthetic_speech, "SOUND_SPREAD", (0, 0, 0, 0))
    monkeypatch.setattr(synthetic_speech, "BACKGROUND_DB", (-60, -60))
    hz, power = spectrum(say(0, Voice(f0_hz=60, formant_scale=scale), rng=0))
    peaks = hz[np.flatnonzero((power[1:-1] > power[:-2]) & (power[1:-1] > power[2:])) + 1]
    for formant in np.array(VOWELS_HZ[vowel]) * scale:
        assert np.abs(peaks - formant).min() < max(0.1 * formant, 60)


def test_the_hiss_of_an_s_is_high_and_the_vowel_low(monkeypatch):
    monkeypatch.setattr(synthetic_speech, "BACKGROUND_DB", (-60, -60))
    hz, power = spectrum(say(6, MAN, rng=0)[:400])  # the s of six
    assert power[hz > 3000].sum() > 5 * power[hz < 1500].sum()
    hz, power = spectrum(say(4, MAN, rng=0)[1200:2000])  # the vowel of four
    assert power[hz < 1500].sum() > 5 * power[hz > 3000].sum()


@settings(max_examples=20)
@given(digit=st.integers(0, 9), tempo=st.floats(0.5, 2), seed=st.integers(0, 2**32 - 1))
def test_a_faster_voice_is_as_much_shorter(digit, tempo, seed):
    slow, fast = say(digit, MAN, seed), say(digit, Voice(f0_hz=120, tempo=tempo), seed)
    assert len(fast) == pytest.approx(len(slow) / tempo, abs=2)


def test_the_pitch_is_the_voices():
    for number, expected in enumerate((132, 223, 264)):  # a man, a woman, a child
        voice = Voice.numbered(number, seed=0)
        assert voice.f0_hz == pytest.approx(expected, rel=0.25)
    audio = say(1, Voice(f0_hz=200), rng=3)[1000:2600].astype(float)
    correlation = np.correlate(audio, audio, "full")[len(audio) :]
    assert 8000 / (30 + np.argmax(correlation[30:80]) + 1) == pytest.approx(200, rel=0.25)


def test_the_words_are_made_of_known_sounds():
    assert len(WORDS) == 10
    assert {name for word in WORDS for name in word.split()} <= set(SOUNDS)
    assert len(set(WORDS)) == 10


def test_unheard_voices_are_told_apart_by_order_in_time_not_by_duration():
    """A ridge on binned events: measured 0.95, over all time 0.54, on durations 0.20."""
    linear = pytest.importorskip("sklearn.linear_model")
    neighbors = pytest.importorskip("sklearn.neighbors")
    digits = synthetic_digits(12, seed=0)
    heard, speakers = spoken_events(digits)
    seconds = np.array([len(clip) / 8000 for clip in digits.clips])
    binned = np.array(
        [
            np.histogram2d(
                events.data["x"], events.data["t"] * 1e-6 / length, (64, 20), ((0, 64), (0, 1))
            )[0]
            for events, length in zip(heard, seconds, strict=True)
        ]
    )
    scores = {"binned": [], "summed": [], "duration": []}
    for _, train, test in leave_one_speaker_out(speakers):
        for name, X, model in (
            ("binned", binned.reshape(len(binned), -1), linear.RidgeClassifier(alpha=300.0)),
            ("summed", binned.sum(axis=2), linear.RidgeClassifier(alpha=1.0)),
            ("duration", seconds[:, None], neighbors.KNeighborsClassifier(10)),
        ):
            X = X / X.std()
            model.fit(X[train], heard.labels[train])
            scores[name].append(model.score(X[test], heard.labels[test]))
    assert np.mean(scores["binned"]) > 0.8
    assert np.mean(scores["summed"]) < 0.75
    assert np.mean(scores["duration"]) < 0.4  # chance 0.1


@pytest.mark.parametrize(("n", "voices"), [(0, 6), (-1, 6), (1, 0)])
def test_no_sound_or_no_voice_is_refused(n, voices):
    with pytest.raises(ValueError, match="must be at least 1"):
        synthetic_digits(n, 0, voices=voices)


def test_a_bad_digit_or_voice_is_refused():
    with pytest.raises(ValueError, match="digit = 10"):
        say(10, MAN, 0)
    with pytest.raises(ValueError, match="f0_hz = 0"):
        Voice(f0_hz=0)

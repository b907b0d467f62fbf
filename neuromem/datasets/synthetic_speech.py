"""Ten word-like sounds, made on the spot, for those who have no recordings of spoken digits.

They are **not speech**: nobody would take them for a voice, and accuracy on them says nothing of
accuracy on recordings. What they have of spoken digits is that each word is a sequence of formant
targets, hisses and silences in time, and that voices differ in pitch, formants and tempo.

A source goes through a filter, as in Klatt (1980), J. Acoust. Soc. Am. 67:971-995, doi
10.1121/1.383940. Pulses at the pitch f0 pass a low-pass resonator (0 Hz, 100 Hz wide) and three
formants in cascade; hisses are noise that passes one resonator, or none; the difference of
successive samples stands for the lips' radiation. A resonator of frequency F and bandwidth B is,
with T the time step,

    y[n] = a x[n] + b y[n-1] + c y[n-2]
    c = -exp(-2 pi B T),   b = 2 exp(-pi B T) cos(2 pi F T),   a = 1 - b - c

Sources of the numbers, and what is an assumption:

- Vowels: averages of 33 men, Peterson & Barney (1952), J. Acoust. Soc. Am. 24:175-184, doi
  10.1121/1.1906875, table II; so is the mean pitch of men, women and children, and how much higher
  their formants lie (geometric mean over the table's ten vowels and three formants).
- Consonants: formants, and the click of k, from Klatt's table III; bandwidths, and the frequency of
  the hiss of s, z and t, from his table I. Of each noise only its strongest part is kept.
- Simplifications: a diphthong is a glide between two vowels of the table (O U, a I, E I), the
  unstressed vowel of "seven" is that of "hud", nasals have no zero, p, t and k no aspiration.
- Assumptions: all durations, levels, the fall of the pitch, and how much voices and repetitions
  differ.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from msgspec import Meta

from neuromem.datasets.spoken import SpokenDigits
from neuromem.network import Spec

#: What these sounds are called, in every table.
SYNTHETIC_SPEECH = "synthetic spoken digits"
#: Samples a second of the sounds, those of telephones and of the Free Spoken Digit Dataset.
RATE_HZ = 8000
#: Samples a second within the synthesis: the hiss of an s lies at 4.9 kHz, which 8 kHz cannot hold.
INNER_HZ = 16_000
#: The formants are constant for so many samples (10 ms; Klatt's for 5, which takes twice the time).
FRAME = 160
BANDWIDTHS_HZ = (50.0, 70.0, 110.0)

#: Formants of men's vowels (Hz); the words are heed, hid, head, hod, hawed, hood, who'd and hud.
VOWELS_HZ = {
    "i": (270, 2290, 3010), "I": (390, 1990, 2550), "E": (530, 1840, 2480), "a": (730, 1090, 2440),
    "O": (570, 840, 2410), "U": (440, 1020, 2240), "u": (300, 870, 2240), "V": (640, 1190, 2390),
}  # fmt: skip
#: Pitch (Hz) and height of the formants of men, women and children, relative to men.
SPEAKERS = ((132.0, 1.0), (223.0, 1.160), (264.0, 1.348))
#: Frequency and bandwidth (Hz) of each kind of noise; the flat one passes no resonator.
NOISES_HZ = {"hiss": (4900.0, 1000.0), "click": (1990.0, 160.0), "flat": None}

#: Standard deviations of the logarithm of a voice's pitch, formants and tempo.
VOICE_SPREAD = (0.1, 0.06, 0.2)
#: Standard deviations of the logarithm of the duration and the three formants of a repetition.
SOUND_SPREAD = (0.25, 0.06, 0.06, 0.06)
#: Level of the background noise relative to the sound (dB): each recording has its own.
BACKGROUND_DB = (-30.0, -10.0)


class Sound(NamedTuple):
    """Formants (Hz), duration (ms), level of the pulses, level of the noise, and its kind."""

    formants_hz: tuple[float, float, float]
    duration_ms: float
    pulses: float = 1.0
    noise: float = 0.0
    kind: str = "flat"


SOUNDS = {name: Sound(formants, 110.0) for name, formants in VOWELS_HZ.items()} | {
    "w": Sound((290, 610, 2150), 60, 0.5),
    "r": Sound((310, 1060, 1380), 60, 0.5),
    "n": Sound((480, 1340, 2470), 70, 0.4),
    "v": Sound((220, 1100, 2080), 60, 0.3, 0.1),
    "z": Sound((240, 1390, 2530), 80, 0.3, 0.4, "hiss"),
    "f": Sound((340, 1100, 2080), 90, 0.0, 0.12),
    "T": Sound((320, 1290, 2540), 90, 0.0, 0.12),
    "s": Sound((320, 1390, 2530), 100, 0.0, 0.6, "hiss"),
    "t": Sound((400, 1600, 2600), 30, 0.0, 0.6, "hiss"),
    "k": Sound((300, 1990, 2850), 30, 0.0, 0.6, "click"),
    # The silence before a stop is released.
    ".t": Sound((400, 1600, 2600), 50, 0.0),
    ".k": Sound((300, 1990, 2850), 50, 0.0),
}
#: A vowel named twice is long.
WORDS = (
    "z I r O U", "w V V n", "t u u", "T r i i", "f O O r",
    "f a I v", "s I .k k s", "s E v V n", "E I .t t", "n a I n",
)  # fmt: skip


class Voice(Spec, frozen=True, kw_only=True):
    """A speaker.

    Parameters
    ----------
    f0_hz
        Mean pitch.
    formant_scale
        Height of the formants relative to those of the average man.
    tempo
        Speed relative to that of the durations in :data:`SOUNDS`.

    Raises
    ------
    ValueError
        For a parameter out of its bounds.
    """

    f0_hz: Annotated[float, Meta(ge=50, le=500)]
    formant_scale: Annotated[float, Meta(ge=0.7, le=1.6)] = 1.0
    tempo: Annotated[float, Meta(ge=0.3, le=3)] = 1.0

    @classmethod
    def numbered(cls, number: int, seed: int) -> Voice:
        """Return a voice: a man's, a woman's and a child's in turn, each different."""
        rng = np.random.default_rng((seed, 0, number))
        f0_hz, scale = SPEAKERS[number % len(SPEAKERS)]
        f0, formants, tempo = np.clip(rng.normal(size=3), -2, 2) * VOICE_SPREAD
        return cls(
            f0_hz=float(f0_hz * np.exp(f0)),
            formant_scale=float(scale * np.exp(formants)),
            tempo=float(np.exp(tempo)),
        )


def synthetic_digits(n: int, seed: int, *, voices: int = 6) -> SpokenDigits:
    """Return n sounds for each of the ten digits, as a reader of recordings would.

    Parameters
    ----------
    n
        Number of sounds of each digit; the voices take turns, so that each digit is said by all
        where n is at least ``voices``.
    seed
        Of voices and repetitions. A sound depends on it, its digit, its voice and its index alone.
    voices
        Number of voices, named voice0, voice1 and so on: a third men, women and children each.

    Returns
    -------
    SpokenDigits
        Sounds at 8 kHz, int16, named "synthetic spoken digits": give it to
        :func:`neuromem.datasets.spoken_events` to have the cochlea listen.

    Raises
    ------
    ValueError
        When there would be no sound or no voice.

    Notes
    -----
    Not speech; see :mod:`neuromem.datasets.synthetic_speech`. Measured as in
    tests/datasets/test_synthetic_speech.py, one of six voices left out, 24 sounds of each digit,
    seeds 0 to 2: a ridge classifier is right in 95 % on the cochlea's events in 20 time bins, in
    53 % on their sum over time; nearest neighbours in duration alone in 20 % (chance 10 %).
    """
    if n < 1:
        raise ValueError(f"n = {n}: must be at least 1, the number of sounds of each digit")
    if voices < 1:
        raise ValueError(f"voices = {voices}: must be at least 1")
    speakers = [Voice.numbered(number, seed) for number in range(voices)]
    made = [
        (digit, number, index // voices)
        for digit in range(10)
        for number in range(voices)
        for index in range(number, n, voices)
    ]
    return SpokenDigits(
        clips=tuple(
            say(digit, speakers[number], np.random.default_rng((seed, 1, digit, number, index)))
            for digit, number, index in made
        ),
        labels=np.array([digit for digit, _, _ in made]),
        speakers=np.array([f"voice{number}" for _, number, _ in made]),
        ids=np.array([f"{digit}_voice{number}_{index}" for digit, number, index in made]),
        rate_hz=RATE_HZ,
        name=SYNTHETIC_SPEECH,
    )


def say(digit: int, voice: Voice, rng: np.random.Generator | int) -> np.ndarray:
    """Return the sound of a digit: int16, shape (samples,), 8,000 samples a second.

    Parameters
    ----------
    digit
        0 to 9.
    voice
        Who says it.
    rng
        Of the repetition: durations and formants vary by :data:`SOUND_SPREAD`, the pitch by 5 %,
        the background noise by :data:`BACKGROUND_DB`; the peak lies between a tenth and nine
        tenths of full scale.

    Raises
    ------
    ValueError
        When it is no digit.
    """
    if not 0 <= digit <= 9:
        raise ValueError(f"digit = {digit}: must be 0 to 9")
    from scipy import signal

    rng = np.random.default_rng(rng)
    sounds = [SOUNDS[name] for name in WORDS[digit].split()]
    spread = np.clip(rng.normal(size=(len(sounds), 4)), -2, 2) * SOUND_SPREAD
    lengths_s = np.array([sound.duration_ms for sound in sounds]) / 1000 / voice.tempo
    ends_s = np.cumsum(lengths_s * np.exp(spread[:, 0]))
    targets_hz = np.array([sound.formants_hz for sound in sounds]) * np.exp(spread[:, 1:])
    t_s = np.arange(int(ends_s[-1] * INNER_HZ)) / INNER_HZ

    pulses = _level(t_s, ends_s, [sound.pulses for sound in sounds])
    f0_hz = voice.f0_hz * np.exp(0.05 * rng.normal()) * np.linspace(1.1, 0.85, len(t_s))
    train = np.diff(np.floor(np.cumsum(f0_hz) / INNER_HZ), prepend=0.0)
    source = np.asarray(signal.sosfilt(_resonator(0.0, 100.0)[None], train)) * pulses
    audio = _formants(source, t_s, ends_s, targets_hz * voice.formant_scale)
    audio = np.diff(audio, prepend=0.0)
    audio /= np.sqrt(np.mean(audio[pulses > 0] ** 2))

    for kind, resonance in NOISES_HZ.items():
        noise = rng.normal(size=len(t_s))
        if resonance is not None:
            section = _resonator(resonance[0] * voice.formant_scale, resonance[1])
            noise = np.diff(np.asarray(signal.sosfilt(section[None], noise)), prepend=0.0)
        levels = [sound.noise if sound.kind == kind else 0.0 for sound in sounds]
        audio += noise / noise.std() * _level(t_s, ends_s, levels)

    audio = signal.resample_poly(audio, 1, INNER_HZ // RATE_HZ)
    background = 10 ** (rng.uniform(*BACKGROUND_DB) / 20) * audio.std()
    audio += background * rng.normal(size=len(audio))
    peak = rng.uniform(0.1, 0.9) * 32767
    return np.rint(audio * (peak / np.abs(audio).max())).astype(np.int16)


def _level(t_s: np.ndarray, ends_s: np.ndarray, levels: list[float]) -> np.ndarray:
    """Return a level per sample that changes within 10 ms from one sound to the next."""
    edges = np.concatenate(([0.0], ends_s))
    knots = np.stack((edges[:-1] + 0.005, edges[1:] - 0.005), axis=1).ravel()
    return np.interp(t_s, [0.0, *knots, ends_s[-1]], [0.0, *np.repeat(levels, 2), 0.0])


def _formants(
    source: np.ndarray, t_s: np.ndarray, ends_s: np.ndarray, targets_hz: np.ndarray
) -> np.ndarray:
    """Return the source after three formants that glide from target to target.

    A target is held for the middle half of its sound.
    """
    from scipy import signal

    lengths_s = np.diff(ends_s, prepend=0.0)
    starts_s = ends_s - lengths_s
    knots = np.stack((starts_s + lengths_s / 4, ends_s - lengths_s / 4), axis=1).ravel()
    held_hz = np.repeat(targets_hz, 2, axis=0)
    tracks_hz = [np.interp(t_s[::FRAME], knots, held_hz[:, formant]) for formant in range(3)]
    sections = _resonator(np.stack(tracks_hz, axis=1), np.array(BANDWIDTHS_HZ))
    out = np.empty_like(source)
    state = np.zeros((3, 2))
    for frame, cascade in enumerate(sections):
        part = slice(frame * FRAME, (frame + 1) * FRAME)
        out[part], state = signal.sosfilt(cascade, source[part], zi=state)
    return out


def _resonator(frequency_hz: float | np.ndarray, bandwidth_hz: float | np.ndarray) -> np.ndarray:
    """Return resonators as second-order sections of scipy.signal, shape (..., 6)."""
    c = -np.exp(-2 * np.pi * np.asarray(bandwidth_hz) / INNER_HZ)
    b = 2 * np.sqrt(-c) * np.cos(2 * np.pi * np.asarray(frequency_hz) / INNER_HZ)
    b, c = np.broadcast_arrays(b, c)
    zero = np.zeros_like(b)
    return np.stack((1 - b - c, zero, zero, zero + 1, -b, -c), axis=-1)

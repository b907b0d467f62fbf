"""Recordings for zero-shot recognition: filmed and spoken digits, test speakers never heard."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from neuromem.datasets import (
    SpokenDigits,
    offline_digits,
    read_nmnist,
    simulated_nmnist,
    split,
    spoken_events,
)
from neuromem.datasets.synthetic_speech import synthetic_digits
from neuromem.events import EventSet
from neuromem.protocols import nmnist
from neuromem.protocols.contest import Samples, Splits
from neuromem.protocols.zero_shot.entries import TEST, Meeting

Path = str | os.PathLike[str]
Voices = tuple[EventSet, np.ndarray]
#: Share of training recordings that is held out for validation.
VALIDATION = 0.1
#: Shares of recordings that are not divided yet, for training, validation and test.
SHARES = (0.7, 0.1, 0.2)
#: Seed of every division, and of synthetic speech.
SEED = 0
#: Shares of the 5,000 offline digits that are filmed where no recordings are given.
FILMED = (0.2, 0.05, 0.1)
#: How often each digit is said where no recordings are given, in six voices.
SPOKEN = 60
#: Test speaker that stands for each of them in turn.
EVERY = "all"


def meetings(
    vision: Path | None = None,
    audio: Path | None = None,
    *,
    test_vision: Path | None = None,
    test_audio: Path | None = None,
    test_speaker: str | None = None,
) -> Iterator[Meeting]:
    """Return an iterator over the data: one meeting, or one for each test speaker.

    Parameters
    ----------
    vision
        N-MNIST recordings, as a folder or zip. ``Train`` is divided into training and validation,
        ``Test`` is the test; where the two are not told apart, all are divided into three. With
        ``Test`` alone it is a test set: training is on simulated recordings, as where None.
    audio
        Recordings ``<digit>_<speaker>_<index>.wav``, as a folder or zip. One speaker is the test,
        the next one validation where there are three. With one speaker alone it is a test set:
        training is on synthetic speech, as where None.
    test_vision, test_audio
        Recordings to test on instead: of ``Train`` and ``Test`` the latter, of speech all. A
        speaker who is in ``test_audio`` is left out of training.
    test_speaker
        Name of the test speaker in ``audio``; the last in the alphabet where None, ``"all"`` for
        each in turn.

    Raises
    ------
    FileNotFoundError
        When a folder or file is not there.
    ValueError
        When one holds no recordings, a recording is in training and test, there is no such
        speaker, or fewer than four classes are in both senses.
    """
    sight, seen = _sight(vision, test_vision)
    for sound, heard in _sounds(audio, test_audio, test_speaker):
        yield Meeting(sound, sight, notes=(*seen, *heard))


def _sight(path: Path | None, test: Path | None) -> tuple[Splits, list[str]]:
    """Return the splits of filmed digits, and what is to be said of them."""
    known = None if path is None else _read(path)
    if test is not None:
        given = _read(test)
        fresh = _part(given, "test") or given
        known = known and (_part(known, "train") or known)
    else:
        fresh = known and _part(known, "test")
        known = known and (_part(known, "train") if fresh else known)
    if known is None:
        notes = [f"{path}: Test alone: training is on simulated recordings"] if path else []
        return _filmed(fresh), notes
    if fresh is None:
        kept, held, rest = split(known.labels, SHARES, SEED)
        notes = [f"{path}: not divided into Train and Test: divided at random"]
        return _splits(known, kept, held, known[rest]), notes
    kept, held = split(known.labels, (1 - VALIDATION, VALIDATION), SEED)
    _check_apart(known, fresh, path)
    return _splits(known, kept, held, fresh), []


def _sounds(
    path: Path | None, test: Path | None, speaker: str | None
) -> Iterator[tuple[Splits, list[str]]]:
    """Return an iterator over splits of spoken digits, and what is to be said of them."""
    if test is not None and speaker is not None:
        raise ValueError(f"test speaker {speaker!r} and separate test audio: give one of them")
    voices = spoken_events(_synthetic() if path is None else path)
    names = _names(voices)
    if speaker not in (None, EVERY, *names):
        raise ValueError(f"no test speaker {speaker!r}: there are {', '.join(names)}")
    notes = []
    if test is not None:
        fresh = spoken_events(test)
        both = sorted({*names} & {*_names(fresh)})
        names = [name for name in names if name not in both]
        if not names:
            raise ValueError(
                f"{path}: its speakers, {', '.join(both)}, are all in {test}: give others to train "
                "on, or leave out --test-audio"
            )
        if both:
            notes = [f"{path}: {', '.join(both)} left out of training: in the test audio too"]
    elif len(names) == 1:
        notes = [f"{path}: {names[0]} alone, who is the test: training is on synthetic speech"]
        fresh, voices = voices, spoken_events(_synthetic())
        names = _names(voices)
    else:
        for name in names if speaker == EVERY else [speaker or names[-1]]:
            place = names.index(name)
            mine = voices[0][np.flatnonzero(voices[1] == name)]
            mine = replace(mine, name=f"{mine.name} of {name}")
            yield _unheard(voices, names[place + 1 :] + names[:place], mine), []
        return
    yield _unheard(voices, names, fresh[0]), notes


def _unheard(voices: Voices, names: list[str], test: EventSet) -> Splits:
    """Return splits with the first speaker for validation, or a part of the only one."""
    recordings, speakers = voices
    mine = np.flatnonzero(speakers == names[0])
    if len(names) > 1:
        return _splits(recordings, np.flatnonzero(np.isin(speakers, names[1:])), mine, test)
    kept, held = split(recordings.labels[mine], (1 - VALIDATION, VALIDATION), SEED)
    return _splits(recordings, mine[kept], mine[held], test)


def _names(voices: Voices) -> list[str]:
    return sorted(set(voices[1].tolist()))


def _filmed(test: EventSet | None) -> Splits:
    """Return simulated recordings, with others as the test where they are given."""
    images, labels = offline_digits()
    sensors = (nmnist.TRAIN_SENSOR, nmnist.TRAIN_SENSOR, nmnist.TEST_SENSOR)
    train, held, last = (
        simulated_nmnist(images[part], labels[part], sensor, ids=part)
        for part, sensor in zip(split(labels, FILMED, SEED), sensors, strict=True)
    )
    fresh = last if test is None else test
    return Splits(_samples(train), _samples(held), {TEST: _samples(fresh, fresh.rejected)})


def _synthetic() -> SpokenDigits:
    return synthetic_digits(SPOKEN, SEED)


def _read(path: Path) -> EventSet:
    """Return all recordings of a folder, also where it lacks a digit."""
    try:
        return read_nmnist(path, "all")
    except ValueError:
        there = [digit for digit in range(10) if _holds(path, digit)]
        if not there:
            raise
        return read_nmnist(path, "all", classes=there)


def _holds(path: Path, digit: int) -> bool:
    try:
        return len(read_nmnist(path, "all", classes=[digit])) > 0
    except ValueError:
        return False


def _part(recordings: EventSet, folder: str) -> EventSet | None:
    """Return the recordings that lie in Train or Test, None where there is none."""
    mine = [str(name).lower().startswith(f"{folder}/") for name in recordings.ids]
    return replace(recordings[mine], rejected=recordings.rejected) if any(mine) else None


def _check_apart(known: EventSet, fresh: EventSet, path: Path | None) -> None:
    """Raise ValueError when a test recording is among the others, under whatever name."""
    prints = {hashlib.sha256(recording.data.tobytes()).digest() for recording in known}
    shared = sum(hashlib.sha256(r.data.tobytes()).digest() in prints for r in fresh)
    if shared:
        raise ValueError(
            f"{path}: {shared} of the {len(fresh)} test recordings are in training too: put them "
            "apart"
        )


def _splits(known: EventSet, kept: np.ndarray, held: np.ndarray, test: EventSet) -> Splits:
    return Splits(
        _samples(known[kept], known.rejected), _samples(known[held]),
        {TEST: _samples(test, test.rejected)},
    )  # fmt: skip


def _samples(recordings: EventSet, rejected: tuple[str, ...] = ()) -> Samples:
    return Samples(recordings, recordings.labels, recordings.name, rejected)

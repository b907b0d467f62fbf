"""Spoken digits as events: a task in which order in time matters, the speaker unheard before."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

import numpy as np

from neuromem.datasets import spoken_events
from neuromem.events import EventSet
from neuromem.liquid import best_spoken, calibrate
from neuromem.protocols.contest import Contestant, Samples, Splits
from neuromem.protocols.controls import READOUTS, contestant, controls, named

TARGET_RATE = 0.1


def unheard_speakers(path: str | os.PathLike[str]) -> Iterator[Splits]:
    """Return, for each speaker, splits with that one as the test and the next as validation.

    Raises
    ------
    ValueError
        When there are fewer than three speakers.
    """
    recordings, speakers = spoken_events(path)
    names = sorted(set(speakers.tolist()))
    if len(names) < 3:
        raise ValueError(
            f"{path}: speakers {', '.join(names)}: three are needed, to train, validate and test"
        )
    for number, name in enumerate(names):
        other = names[(number + 1) % len(names)]
        rest = (speakers != name) & (speakers != other)
        yield Splits(
            _samples(recordings, rest, recordings.rejected),
            _samples(recordings, speakers == other),
            {name: _samples(recordings, speakers == name)},
        )


def contestants(
    splits: Splits, *, neurons: int | None = None, seeds: Sequence[int] = (0,)
) -> list[Contestant]:
    """Return our liquid for spoken digits and its controls.

    The gain is set by the firing rate on training recordings, without labels.
    """
    found: dict[tuple[str, int | None], Contestant] = {}
    for seed in seeds:
        liquid = best_spoken(seed=seed)
        liquid = liquid if neurons is None else liquid.replace(neurons=neurons)
        liquid = calibrate(liquid, splits.train.data, TARGET_RATE)
        own = [contestant(named("liquid", readout), liquid, readout) for readout in READOUTS]
        for entry in (*own, *controls(liquid)):
            found.setdefault((entry.name, entry.seed), entry)
    return list(found.values())


def _samples(recordings: EventSet, chosen: np.ndarray, rejected: tuple[str, ...] = ()) -> Samples:
    part = recordings[np.flatnonzero(chosen)]
    return Samples(part, part.labels, part.name, rejected)

"""The N-MNIST benchmark: the published liquid and ours, beside their controls."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from neuromem.datasets import (
    fetch_nmnist,
    mnist_images,
    offline_digits,
    read_nmnist,
    simulated_nmnist,
    split,
)
from neuromem.events import EventSet
from neuromem.liquid import Liquid, best_nmnist, calibrate, published_nmnist
from neuromem.protocols.contest import Contestant, ReadoutName, Samples, Splits
from neuromem.protocols.controls import contestant, controls, named
from neuromem.rram import GaussianWeights, ResistiveWeights

Config = Literal["paper", "best", "both"]
#: The seeds of the simulated sensor: one for training images, one for test images.
TRAIN_SENSOR, TEST_SENSOR = 1, 2
#: Seed of every division into training, validation and test samples.
SPLIT = 0
#: Share of the offline digits for training, validation and test.
OFFLINE_SHARES = (0.7, 0.1, 0.2)
#: Share of given training samples that is held out for validation.
VALIDATION = 0.1
#: Spikes per neuron and step to which our liquid is calibrated, without labels.
TARGET_RATE = 0.1
#: Weight laws that can be named; those of input and recurrence.
WEIGHTS = {
    "gaussian": GaussianWeights(),
    "pairs": ResistiveWeights(card="macro-40nm"),
    "half-formed": ResistiveWeights(card="macro-40nm", formed_fraction=0.5),
}
#: Readouts of the published liquid and of ours, the usual one first.
READOUTS: dict[str, tuple[ReadoutName, ...]] = {
    "paper": ("softmax",),
    "liquid": ("lda", "ridge"),
}
REAL_TEST = "real-test"


def offline(train: int | None = None) -> Splits:
    """Return the default data: 5,000 MNIST digits of a package, filmed by the simulated sensor.

    ``train`` limits the training samples.
    """
    images, labels = offline_digits()
    recordings = simulated_nmnist(images, labels, TRAIN_SENSOR)
    parts = [recordings[index] for index in split(labels, OFFLINE_SHARES, SPLIT)]
    return _splits(_first(parts[0], train), parts[1], {"test": parts[2]})


def from_images(path: str | os.PathLike[str], train: int | None, test: int = 4000) -> Splits:
    """Return simulated recordings of MNIST images in a file.

    Of the training images the first ``train`` are for training, as many as 10 % of them more for
    validation; the first ``test`` test images are for the test.
    """
    digits = mnist_images(path, "train")
    most = int(len(digits.labels) / (1 + VALIDATION))
    train = most if train is None else train
    if not 10 <= train <= most:
        raise ValueError(f"{train} training digits of {path}: must be 10..{most}")
    held = max(round(train * VALIDATION), 10)
    images, labels = digits.images[: train + held], digits.labels[: train + held]
    known = simulated_nmnist(images, labels, TRAIN_SENSOR, ids=digits.index[: train + held])
    new = mnist_images(path, "test")
    unseen = simulated_nmnist(
        new.images[:test], new.labels[:test], TEST_SENSOR, ids=new.index[:test]
    )
    return _splits(known[:train], known[train:], {"test": unseen})


def from_recordings(path: str | os.PathLike[str], train: int | None = None) -> Splits:
    """Return real recordings in the official layout, with its own split into Train and Test."""
    known, unseen = read_nmnist(path, "train"), read_nmnist(path, "test")
    kept, held = split(known.labels, (1 - VALIDATION, VALIDATION), SPLIT)
    return _splits(_first(known[kept], train), known[held], {"test": unseen})


def fetched(folder: Path | None) -> Path:
    """Return the folder of N-MNIST, downloaded with tonic where it is not there yet."""
    root = (folder or Path("neuromem-data")) / "nmnist"
    for part in ("train", "test"):
        path = fetch_nmnist(root, part)
    return path


def with_real_test(splits: Splits, path: str | os.PathLike[str]) -> Splits:
    """Return the splits with all recordings of a folder, or of its test split, as another test."""
    return Splits(
        splits.train,
        splits.validation,
        {**splits.tests, REAL_TEST: _samples(read_nmnist(path, "test"))},
    )


def contestants(
    splits: Splits,
    config: Config = "both",
    *,
    neurons: int | None = None,
    seeds: Sequence[int] = (0,),
    weights: str | None = None,
    backend: str = "native",
) -> list[Contestant]:
    """Return the liquids that are asked for, and the controls of the last of them.

    Parameters
    ----------
    splits
        The data; our liquid's gain is set by the firing rate on training recordings.
    config
        ``"paper"``: the published design; ``"best"``: ours; ``"both"``.
    neurons
        Number of neurons; that of the design where None.
    seeds
        Of the reservoirs.
    weights
        A name in ``WEIGHTS``; the design's own law where None.
    backend
        Where the liquids run.
    """
    if weights is not None and weights not in WEIGHTS:
        raise ValueError(f"no weights {weights!r}: there are {', '.join(WEIGHTS)}")
    found: list[Contestant] = []
    fixed: dict[str, Contestant] = {}
    for seed in seeds:
        for name in ("paper", "liquid"):
            if config not in ("both", "paper" if name == "paper" else "best"):
                continue
            liquid = _liquid(name, splits, neurons, seed, weights)
            for readout in READOUTS[name]:
                label = named(name, readout, READOUTS[name][0])
                found.append(contestant(label, liquid, readout, backend=backend))
        for control in controls(liquid):
            if control.seed is None:
                fixed.setdefault(control.name, control)
            else:
                found.append(control)
    return [*found, *fixed.values()]


def _liquid(
    name: str, splits: Splits, neurons: int | None, seed: int, weights: str | None
) -> Liquid:
    liquid = published_nmnist(seed=seed) if name == "paper" else best_nmnist(seed=seed)
    changes: dict[str, object] = {}
    if neurons is not None:
        changes["neurons"] = neurons
    if weights is not None:
        changes["input_weights"] = changes["recurrent_weights"] = WEIGHTS[weights]
    liquid = liquid.replace(**changes) if changes else liquid
    if name == "paper":
        return liquid
    return calibrate(liquid, splits.train.data, TARGET_RATE)


def _first(recordings: EventSet, n: int | None) -> EventSet:
    """Return n recordings, of each class the same share, or all of them."""
    if n is None:
        return recordings
    if not 10 <= n <= len(recordings):
        raise ValueError(f"{n} training recordings: must be 10..{len(recordings)}")
    if n == len(recordings):
        return recordings
    (kept,) = split(recordings.labels, (n / len(recordings),), SPLIT)
    return recordings[kept]


def _splits(train: EventSet, validation: EventSet, tests: dict[str, EventSet]) -> Splits:
    return Splits(
        _samples(train),
        _samples(validation),
        {name: _samples(recordings) for name, recordings in tests.items()},
    )


def _samples(recordings: EventSet) -> Samples:
    return Samples(recordings, recordings.labels, recordings.name)

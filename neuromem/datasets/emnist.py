"""E-MNIST letters: images of handwritten letters, in either of the official formats."""

from __future__ import annotations

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

#: The letter of each class: class 0 is a.
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, eq=False)
class LetterImages:
    """Images of letters with their classes.

    Parameters
    ----------
    images
        uint8, shape (n, 28, 28), upright, bright ink on a dark ground.
    labels
        Letter of each, 0 for a to 25 for z, capital and small letters alike, int64, shape (n,).
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.images)


def read_emnist_letters(
    path: str | os.PathLike[str], split: Literal["train", "test"] = "train"
) -> LetterImages:
    """Read the letters of E-MNIST.

    The official files hold every image transposed and number the letters 1 to 26; here images are
    upright and a is 0. Give ``images / 127.5 - 1`` to :func:`neuromem.events.bernoulli_spikes` for
    spikes.

    Parameters
    ----------
    path
        ``emnist-letters.mat``, or a folder with ``emnist-letters-<split>-images-idx3-ubyte`` and
        ``-labels-idx1-ubyte``, packed (.gz) or not, there or in a folder below.
    split
        The official training or test images.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When a file is damaged, cut short or another one, naming it.

    Notes
    -----
    Cohen, Afshar, Tapson and van Schaik, arXiv 1702.05373 (2017), doi 10.1109/IJCNN.2017.7966217.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split = {split!r}: must be 'train' or 'test'")
    path = Path(path)
    if path.suffix == ".mat":
        flat, labels = _read_mat(path, split)
    else:
        stem = f"emnist-letters-{split}"
        flat = read_idx(_found(path, f"{stem}-images-idx3-ubyte"))
        labels = read_idx(_found(path, f"{stem}-labels-idx1-ubyte"))
    if flat.size != 784 * len(flat) or labels.shape != flat.shape[:1]:
        raise ValueError(
            f"{path}: images {flat.shape} and labels {labels.shape} of split {split!r}: must be "
            "n x 28 x 28 and n"
        )
    if not flat.size:
        raise ValueError(f"{path}: no image of split {split!r}")
    wrong = np.flatnonzero((labels < 1) | (labels > 26))
    if wrong.size:
        raise ValueError(
            f"{path}: label {labels[wrong[0]]} of image {wrong[0]} ({wrong.size} such): must be in "
            "1..26; the letters of E-MNIST, not another part of it?"
        )
    images = flat.reshape(-1, 28, 28).transpose(0, 2, 1)
    return LetterImages(np.ascontiguousarray(images, np.uint8), labels.astype(np.int64) - 1)


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a file in MNIST's format: unsigned bytes, packed with gzip where it ends in .gz.

    Two zero bytes, the type 8, the number of axes, the length of each as 4 big-endian bytes, and
    the values.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is damaged, cut short, too long, or of another format.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path}: damaged or cut short: {error}") from None
    if len(data) < 4 or data[:3] != b"\x00\x00\x08":
        raise ValueError(f"{path}: begins with {data[:4].hex(' ')}: not an idx file of bytes")
    start = 4 + 4 * data[3]
    shape = tuple(np.frombuffer(data[4:start][: (len(data[4:start]) // 4) * 4], ">u4").tolist())
    expected = start + int(np.prod(shape, dtype=np.int64))
    if len(shape) != data[3] or len(data) != expected:
        raise ValueError(
            f"{path}: {len(data)} bytes, {expected} expected for {shape}: cut short or damaged"
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _found(folder: Path, name: str) -> Path:
    for file in (f"{name}.gz", name):
        for place in sorted(folder.rglob(file)):
            return place
    raise FileNotFoundError(
        f"{folder}: no {name} or {name}.gz; get gzip.zip from "
        "https://www.nist.gov/itl/products-and-services/emnist-dataset and unpack it"
    )


def _read_mat(path: Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    from scipy.io import loadmat

    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        part: Any = loadmat(path)["dataset"][split][0, 0]
        images, labels = part["images"][0, 0], part["labels"][0, 0]
    except Exception as error:  # scipy raises whatever the damage leads to
        raise ValueError(f"{path}: not a readable emnist-letters.mat: {error}") from None
    return np.asarray(images), np.asarray(labels).ravel()

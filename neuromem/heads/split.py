"""Labelled samples, checked and divided into training and validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neuromem.heads.gram import Rows


@dataclass(frozen=True, eq=False)
class Split:
    """Training and validation samples, with labels as indices into the classes."""

    train: Rows
    valid: Rows
    y_train: np.ndarray
    y_valid: np.ndarray
    classes: np.ndarray


def features(X: np.ndarray, what: str, width: int | None = None) -> Rows:
    """Return features of shape (samples, width), checked."""
    matrix = np.asarray(X)
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "biuf":
        raise ValueError(
            f"{what} of shape {matrix.shape} and type {matrix.dtype}: give numbers of shape "
            f"(samples, features), at least one of each"
        )
    if width is not None and matrix.shape[1] != width:
        raise ValueError(f"{what} of {matrix.shape[1]} features: training had {width}")
    rows = Rows(matrix)
    for part in rows.parts():
        finite = np.isfinite(rows.take(part))
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(
                f"{what}[{part.start + row}, {column}] = {matrix[part.start + row, column]}: "
                f"every feature must be finite"
            )
    return rows


def labelled(
    X: np.ndarray, y: Any, what: str = "X", width: int | None = None
) -> tuple[Rows, np.ndarray]:
    """Return features and labels, checked."""
    rows, labels = features(X, what, width), np.asarray(y)
    if labels.shape != (len(rows),):
        raise ValueError(
            f"labels of shape {labels.shape} for {len(rows)} samples in {what}: give one a sample"
        )
    return rows, labels


def classes_of(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes, and each label as an index into them."""
    classes, index = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"all samples are of class {classes[0]}: give at least two classes")
    return classes, index


def validated(
    validation: tuple[np.ndarray, Any], width: int, classes: np.ndarray
) -> tuple[Rows, np.ndarray]:
    """Return validation features, and their labels as indices into the classes of training."""
    X, y = validation
    rows, labels = labelled(X, y, "validation X", width)
    unknown = np.setdiff1d(labels, classes)
    if unknown.size:
        raise ValueError(
            f"validation has class {unknown[0]}, training has none of it: split by class"
        )
    return rows, np.searchsorted(classes, labels)


def split(X: np.ndarray, y: Any, validation: Any, holdout: float, seed: int) -> Split:
    """Check the samples and separate training from validation."""
    rows, labels = labelled(X, y)
    classes, index = classes_of(labels)
    if validation is not None:
        valid, valid_index = validated(validation, rows.matrix.shape[1], classes)
        return Split(rows, valid, index, valid_index, classes)
    train, held = _held_out(index, classes, holdout, seed)
    return Split(
        Rows(rows.matrix, train), Rows(rows.matrix, held), index[train], index[held], classes
    )


def _held_out(
    index: np.ndarray, classes: np.ndarray, holdout: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return which samples are for training and which for validation."""
    from sklearn.model_selection import train_test_split

    count = np.bincount(index)
    if count.min() < 2:
        raise ValueError(
            f"class {classes[count.argmin()]} has one sample: give at least two of each class, or "
            f"validation samples"
        )
    least = len(classes) / len(index)
    if not least <= holdout <= 1 - least:
        raise ValueError(
            f"holdout = {holdout} of {len(index)} samples: must be {least:.2g} to {1 - least:.2g}, "
            f"so that both parts have room for each of the {len(classes)} classes"
        )
    train, held = train_test_split(
        np.arange(len(index)), test_size=holdout, random_state=seed, stratify=index
    )
    return np.sort(train), np.sort(held)

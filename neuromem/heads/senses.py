"""Two senses that know the same classes, and what aligns them: the common interface."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, Self

import numpy as np

from neuromem.heads.split import classes_of


class Sense(NamedTuple):
    """Labelled samples of one sense, such as what a liquid makes of the images that it is shown.

    Parameters
    ----------
    features
        Features, float32 [n, f]; or spikes [n, steps, channels] for what is trained on events.
    labels
        Class of each sample, int [n]. Classes are all that two senses have in common: a sample of
        the one belongs with every sample of the other that has the same label.
    """

    features: np.ndarray
    labels: np.ndarray


class Aligner(Protocol):
    """What maps two senses into one space, in which samples of one class are to lie close.

    The senses may differ in the number of samples and of features, and have the same classes. A
    class that was not among them can then be looked for: a sample of one sense is compared with
    samples of the other.
    """

    def fit(
        self, first: Sense, second: Sense, *, validation: tuple[Sense, Sense] | None = None
    ) -> Self:
        """Train on two senses; what is chosen is chosen on validation samples of their classes."""
        ...

    def embed_first(self, X: np.ndarray) -> np.ndarray:
        """Return float32 [n, embedding] for features of the first sense; rows have unit length."""
        ...

    def embed_second(self, X: np.ndarray) -> np.ndarray:
        """Return the same for features of the second sense."""
        ...


def common_classes(first: Any, second: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the classes of two senses, and the labels of each as indices into them.

    Raises
    ------
    ValueError
        When a class is in one sense only, or there are fewer than two.
    """
    classes, first_index = classes_of(np.asarray(first))
    other, second_index = classes_of(np.asarray(second))
    for name, missing in (
        ("first", np.setdiff1d(other, classes)),
        ("second", np.setdiff1d(classes, other)),
    ):
        if missing.size:
            raise ValueError(
                f"class {missing[0]} has no sample in the {name} sense: pairs are formed by class, "
                f"so give samples of it in both senses or in neither"
            )
    return classes, first_index, second_index


def retrieval_accuracy(
    first: np.ndarray, first_labels: np.ndarray, second: np.ndarray, second_labels: np.ndarray
) -> float:
    """Return how often the nearest sample of the other sense has the same class.

    The mean of both directions of search. Rows of the embeddings have unit length, so that the
    nearest is the one of the largest inner product; of equals, the first.
    """
    similarity = first @ second.T
    there = np.mean(second_labels[similarity.argmax(axis=1)] == first_labels)
    back = np.mean(first_labels[similarity.argmax(axis=0)] == second_labels)
    return float((there + back) / 2)


def unit_rows(embedding: np.ndarray) -> np.ndarray:
    """Return the rows at unit length, float32; a row of zeros points equally along all axes."""
    rows = np.array(embedding, dtype=np.float64)
    rows[~rows.any(axis=1)] = 1.0
    rows /= np.abs(rows).max(axis=1, keepdims=True)  # lest squares overflow or vanish
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32)

"""What zero-shot recognition is: one sense is searched with the other, in one embedding space."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np

from neuromem.heads.senses import unit_rows

Gallery = Literal["prototypes", "recordings"]


def prototypes(embedded: np.ndarray, labels: np.ndarray, classes: Sequence[int]) -> np.ndarray:
    r"""Return the prototype of each class, shape (classes, embedding), rows of unit length.

    .. math::
        g_c = \frac{\bar e_c}{\lVert \bar e_c \rVert}, \qquad
        \bar e_c = \langle e_i \rangle_{y_i = c}

    Raises
    ------
    ValueError
        When a class has no recording.
    """
    found = np.empty((len(classes), embedded.shape[1]))
    for row, label in enumerate(classes):
        members = labels == label
        if not members.any():
            raise ValueError(f"no recording of class {label} in the gallery: give one at least")
        found[row] = embedded[members].mean(axis=0)
    return unit_rows(found)


def recognise(
    queries: np.ndarray,
    gallery: np.ndarray,
    gallery_labels: np.ndarray,
    classes: Sequence[int],
    how: Gallery = "prototypes",
) -> np.ndarray:
    r"""Return the class of each query: that of the most similar entry of the gallery.

    .. math::
        \hat y = y_{\arg\max_j \cos(q, g_j)}

    Parameters
    ----------
    queries
        Embedded recordings of one sense, shape (n, embedding).
    gallery, gallery_labels
        Embedded recordings of the other sense and their classes; those of other classes than
        ``classes`` are no part of the gallery.
    classes
        The classes between which to decide.
    how
        ``"prototypes"``: the entries are the classes' :func:`prototypes`; ``"recordings"``: they
        are the single recordings, and the nearest one decides (the published protocol).

    Raises
    ------
    ValueError
        When an embedding is not finite, or a class has no recording in the gallery.
    """
    for name, embedded in (("queries", queries), ("gallery", gallery)):
        if not np.isfinite(embedded).all():
            bad = np.flatnonzero(~np.isfinite(embedded).all(axis=1))
            raise ValueError(
                f"{name}: {len(bad)} embeddings are not finite, first {bad[0]}: the features or "
                "the training of the heads went wrong (a smaller learning rate may help)"
            )
    entries, names = prototypes(gallery, gallery_labels, classes), np.asarray(classes)
    if how == "recordings":
        among = np.isin(gallery_labels, classes)
        entries, names = unit_rows(gallery[among]), gallery_labels[among]
    return names[(unit_rows(queries) @ entries.T).argmax(axis=1)]


def accuracy(recognised: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of recordings that are recognised, averaged over their classes.

    So is chance 1 / k among k classes, however many recordings each has: for random embeddings as
    for a constant answer.
    """
    return float(np.mean([np.mean(recognised[labels == c] == c) for c in np.unique(labels)]))


def harmonic_mean(seen: float, unseen: float) -> float:
    """Return 2 s u / (s + u), which is high only where both are; 0 where both are 0."""
    return 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0


def left_out(classes: Sequence[int], k: int = 2, limit: int | None = None) -> list[tuple[int, ...]]:
    """Return the sets of k classes to leave out of training, each a task of its own.

    All of them are returned in an order in which the first few hold every class about equally
    often: the next is always one whose classes occurred least so far.

    Parameters
    ----------
    classes
        All classes.
    k
        Size of a set.
    limit
        How many sets to return; all where None.

    Raises
    ------
    ValueError
        When fewer than two classes would be seen, k is below 2, or there are fewer sets.

    Examples
    --------
    >>> len(left_out(range(10)))
    45
    >>> left_out(range(10), limit=5)
    [(0, 1), (2, 3), (4, 5), (6, 7), (8, 9)]
    """
    classes = sorted(classes)
    if not 2 <= k <= len(classes) - 2:
        raise ValueError(
            f"{k} unseen of {len(classes)} classes: must be 2..{len(classes) - 2}, so that there "
            "are two to choose between and two to learn from"
        )
    rest = list(combinations(classes, k))
    limit = len(rest) if limit is None else limit
    if not 1 <= limit <= len(rest):
        raise ValueError(f"{limit} sets of {k} unseen classes: there are 1..{len(rest)}")
    used = dict.fromkeys(classes, 0)
    found = []
    while len(found) < limit:
        best = min(rest, key=lambda chosen: sum(used[label] for label in chosen))
        rest.remove(best)
        found.append(best)
        for label in best:
            used[label] += 1
    return found

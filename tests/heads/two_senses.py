"""Two senses of one hidden space, in which classes that were never seen can be told apart."""

from __future__ import annotations

import numpy as np

from neuromem.heads import Sense, retrieval_accuracy

CLASSES = 12
UNSEEN = (3, 8)


def senses(seed=0, each=40, latent=4, widths=(30, 50), noise=0.5) -> tuple[Sense, Sense]:
    """Return what two senses make of the same classes: other samples, other features."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLASSES, latent))
    made = []
    for width in widths:
        labels = np.repeat(np.arange(CLASSES), each)
        hidden = centres[labels] + 0.2 * rng.normal(size=(len(labels), latent))
        features = hidden @ rng.normal(size=(latent, width)) / latent**0.5
        features += noise * rng.normal(size=features.shape)
        made.append(Sense(features.astype(np.float32), labels))
    return made[0], made[1]


def of_classes(sense: Sense, wanted) -> Sense:
    """Return the samples of some classes."""
    chosen = np.isin(sense.labels, wanted)
    return Sense(sense.features[chosen], sense.labels[chosen])


def seen(sense: Sense) -> Sense:
    """Return the samples of the classes that training may see."""
    return of_classes(sense, np.setdiff1d(np.arange(CLASSES), UNSEEN))


def divided(sense: Sense, seed=1) -> tuple[Sense, Sense]:
    """Return four fifths of the samples for training, and the rest."""
    order = np.random.default_rng(seed).permutation(len(sense.labels))
    cut = len(order) // 5
    held, train = order[:cut], order[cut:]
    return Sense(sense.features[train], sense.labels[train]), Sense(
        sense.features[held], sense.labels[held]
    )


def found(aligner, first: Sense, second: Sense) -> float:
    """Return how often the nearest sample of the other sense is of the right class."""
    return retrieval_accuracy(
        aligner.embed_first(first.features),
        first.labels,
        aligner.embed_second(second.features),
        second.labels,
    )


def unseen_accuracy(aligner, first: Sense, second: Sense) -> float:
    """Return the accuracy of the search among samples of the classes not seen (chance 0.5)."""
    return found(aligner, of_classes(first, UNSEEN), of_classes(second, UNSEEN))


def other_space(first: Sense, second: Sense, seed=9) -> tuple[Sense, Sense]:
    """Return the senses with the second's classes renamed: they no longer belong together."""
    names = np.random.default_rng(seed).permutation(CLASSES)
    return first, Sense(second.features, names[second.labels])

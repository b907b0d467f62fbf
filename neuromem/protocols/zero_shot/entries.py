"""What meets in zero-shot recognition: recordings of two senses, contestants, and their records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from neuromem.protocols.contest import Data, Splits

if TYPE_CHECKING:
    from neuromem.heads import Aligner

#: Classes that two senses must share: two to learn from and two to choose between.
LEAST_CLASSES = 4
TEST = "test"


@dataclass(frozen=True, eq=False)
class Meeting:
    """Recordings of two senses that know the same classes, in training, validation and test.

    Parameters
    ----------
    first, second
        The recordings of each sense; the test split is called ``"test"``.
    names
        What the senses are called: directions are ``"sound->sight"`` and ``"sight->sound"``.
    notes
        What a reader of the results must know about the data.

    Raises
    ------
    ValueError
        When fewer than four classes are in training and test of both senses.
    """

    first: Splits
    second: Splits
    names: tuple[str, str] = ("sound", "sight")
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.classes) < LEAST_CLASSES:
            has = "; ".join(
                f"{name} has {sorted(set(samples.labels.tolist()))} in {split}"
                for name, sense in zip(self.names, (self.first, self.second), strict=True)
                for split, samples in sense.named()
                if split != "validation"
            )
            raise ValueError(
                f"{len(self.classes)} classes are in training and test of both senses, "
                f"{LEAST_CLASSES} at least are needed: {has}"
            )

    @property
    def classes(self) -> tuple[int, ...]:
        """The classes that training and test of both senses have; others are not used."""
        parts = (
            set(samples.labels.tolist())
            for sense in (self.first, self.second)
            for samples in (sense.train, sense.tests[TEST])
        )
        return tuple(sorted(set.intersection(*parts)))

    def left_aside(self) -> Iterator[str]:
        """Return an iterator over lines about classes that are not in both senses."""
        for name, sense in zip(self.names, (self.first, self.second), strict=True):
            for split, samples in sense.named():
                if more := sorted(set(samples.labels.tolist()) - set(self.classes)):
                    yield f"{name}, {split}: classes {more} are not in both senses, and not used"


@dataclass(frozen=True, eq=False)
class View:
    """How recordings of one sense become features.

    Parameters
    ----------
    encode
        Features of samples, float32 (samples, ...).
    recipe
        A text that names everything that the features depend on besides the data.
    neurons
        Of the encoder; None where it has none.
    keep
        Whether the features are worth a place in the store.
    """

    encode: Callable[[Data], np.ndarray]
    recipe: str
    neurons: int | None = None
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Entrant:
    """A contestant: encoders of both senses and what is trained on them.

    Parameters
    ----------
    name
        As in tables.
    first, second
        The encoders.
    make
        Returns an untrained aligner.
    recipe
        A text that names everything about the aligner.
    seed
        Of encoders and aligner; None where nothing is random.
    oracle
        Train with the unseen classes too: what is then reached is an upper bound.
    chosen_on_test
        Give the aligner test recordings of the seen classes as validation: not sound, and done
        for comparison with published figures only.
    """

    name: str
    first: View
    second: View
    make: Callable[[], Aligner]
    recipe: str
    seed: int | None = None
    oracle: bool = False
    chosen_on_test: bool = False


class ZeroShotRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One contestant with one seed, one set of unseen classes, one direction.

    Parameters
    ----------
    name, seed, neurons, embedding
        The contestant; neurons of both encoders together.
    pair
        The unseen classes U.
    direction
        ``"sound->sight"``: sight is searched with sound.
    train, test
        What was trained and tested on, first and second sense.
    seen, unseen, seen_full, unseen_full, harmonic
        Accuracies, as :mod:`neuromem.protocols.zero_shot` defines them; the gallery holds the
        prototypes of classes.
    seen_nearest, unseen_nearest, harmonic_nearest
        The same where the nearest single recording decides.
    chance_seen, chance_unseen, chance_full
        Of the accuracies with these names; that of ``harmonic`` is ``chance_full``.
    train_samples
        Recordings of first and second sense that the heads were trained on.
    seconds
        Wall time of the training of the heads, features at hand.
    """

    name: str
    pair: tuple[int, ...]
    direction: str
    seed: int | None
    seen: float
    unseen: float
    harmonic: float
    chance_seen: float
    chance_unseen: float
    seen_full: float
    unseen_full: float
    chance_full: float
    seen_nearest: float
    unseen_nearest: float
    harmonic_nearest: float
    neurons: int | None
    embedding: int
    train: str
    test: str
    train_samples: tuple[int, int]
    seconds: float


@dataclass(frozen=True, eq=False)
class Embedded:
    """Test recordings of both senses in the common space, rows of unit length, with labels."""

    first: np.ndarray
    first_labels: np.ndarray
    second: np.ndarray
    second_labels: np.ndarray

"""Contestants on the same data: features, a readout chosen on validation, accuracy on test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import msgspec
import numpy as np

from neuromem.events import EventSet
from neuromem.network import SpikeBatch
from neuromem.protocols.store import Store

Data = EventSet | SpikeBatch
ReadoutName = Literal["ridge", "softmax", "lda"]
#: Told what is being done: (text, steps done, steps in all).
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Samples:
    """Labelled recordings or input spikes.

    Parameters
    ----------
    data
        Events or framed spikes.
    labels
        Class of each sample.
    name
        What the data are, in tables: "simulated N-MNIST".
    rejected
        What was not taken, as texts "name: why".
    """

    data: Data
    labels: np.ndarray
    name: str
    rejected: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.labels)

    @cached_property
    def digest(self) -> str:
        """A stable name of data, labels and what they are called."""
        parts = (self.data.digest(), self.name, self.labels.tolist())
        return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


@dataclass(frozen=True, eq=False)
class Splits:
    """Training, validation and test samples, none of them shared.

    Parameters
    ----------
    train, validation
        The readout is fitted on the first and its strength chosen on the second.
    tests
        Test sets by the name of their split.
    images_known
        Whether the ids of simulated training recordings are numbers of MNIST training images.
    """

    train: Samples
    validation: Samples
    tests: Mapping[str, Samples]
    images_known: bool = False

    def named(self) -> Iterator[tuple[str, Samples]]:
        """Return an iterator over (split, samples)."""
        yield "train", self.train
        yield "validation", self.validation
        yield from self.tests.items()

    @property
    def chance(self) -> float:
        """Share of the most frequent class of training (1 / classes if all are equal)."""
        return float(np.bincount(self.train.labels).max() / len(self.train))


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One accuracy: of one contestant with one seed on one split.

    Parameters
    ----------
    name
        The contestant.
    neurons
        Its number of neurons or hidden units, None where it has none.
    features
        Length of its feature vector.
    readout
        What was trained on it.
    data, split
        What it was tested on.
    samples
        Number of test samples.
    train_data, train_samples
        What the readout was fitted on (validation samples included, after the choice).
    seed
        Of the reservoir; None where nothing is random.
    accuracy, chance
        Share of samples classified right, and share of the most frequent class of training.
    validation_accuracy
        On validation samples, with the strength that was chosen on them.
    """

    name: str
    neurons: int | None
    features: int
    readout: str
    data: str
    split: str
    samples: int
    train_data: str
    train_samples: int
    seed: int | None
    accuracy: float
    chance: float
    validation_accuracy: float


@dataclass(frozen=True)
class Contestant:
    """A way from samples to features, and the readout on top.

    Parameters
    ----------
    name
        As in tables.
    encode
        Features of samples, float32 (samples, features).
    recipe
        A text that names everything that the features depend on besides the data.
    readout
        ``"ridge"``, ``"softmax"`` or ``"lda"``.
    neurons, seed
        For the record.
    keep
        Whether its features are worth a place in the store.
    encode_test
        Features of test samples, where they are made otherwise (as of a device that has aged).
    """

    name: str
    encode: Callable[[Data], np.ndarray]
    recipe: str
    readout: ReadoutName = "ridge"
    neurons: int | None = None
    seed: int | None = None
    keep: bool = False
    encode_test: Callable[[Data], np.ndarray] | None = None


def contest(
    contestants: Iterable[Contestant],
    splits: Splits,
    store: Store | None = None,
    report: Report | None = None,
) -> list[Record]:
    """Return the records of all contestants, one for each test split.

    What the store holds is not computed again, so that an interrupted contest goes on where it
    was. Several readouts on the same features encode them once.
    """
    contestants = list(contestants)
    store = store or Store(None)
    tell = report or (lambda text, done, total: None)
    records: list[Record] = []
    latest: dict[str, np.ndarray] = {}
    latest_recipe: str | None = None
    for number, contestant in enumerate(contestants):
        title = contestant.name if contestant.seed is None else (
            f"{contestant.name}, seed {contestant.seed}"
        )  # fmt: skip
        tell(title, number, len(contestants))
        data = {split: samples.digest for split, samples in splits.named()}
        recipe = msgspec.json.encode(
            {"contestant": contestant.recipe, "name": contestant.name,
             "neurons": contestant.neurons, "seed": contestant.seed,
             "readout": contestant.readout, "data": data}
        ).decode()  # fmt: skip

        def run(contestant: Contestant = contestant) -> list[Record]:
            nonlocal latest, latest_recipe
            if latest_recipe != contestant.recipe:
                latest, latest_recipe = {}, None  # free the memory before the next are made
                latest = {
                    split: _encoded(contestant, samples, store, split in splits.tests)
                    for split, samples in splits.named()
                }
                latest_recipe = contestant.recipe
            return _trained(contestant, splits, latest)

        records += store.record(recipe, list[Record], run)
    tell("done", len(contestants), len(contestants))
    return records


def _encoded(contestant: Contestant, samples: Samples, store: Store, test: bool) -> np.ndarray:
    other = contestant.encode_test if test else None

    def make() -> np.ndarray:
        return (other or contestant.encode)(samples.data)

    if not contestant.keep:
        return make()
    way = "as in test" if other else "as in training"
    return store.features(f"{contestant.recipe}\n{way}\n{samples.digest}", make)


def _trained(
    contestant: Contestant, splits: Splits, features: Mapping[str, np.ndarray]
) -> list[Record]:
    readout = make_readout(contestant.readout)
    readout.fit(
        features["train"],
        splits.train.labels,
        validation=(features["validation"], splits.validation.labels),
    )
    validation = max(v for v in readout.validation_scores_.values() if not np.isnan(v))
    return [
        Record(
            name=contestant.name,
            neurons=contestant.neurons,
            features=features["train"].shape[1],
            readout=contestant.readout,
            data=samples.name,
            split=split,
            samples=len(samples),
            train_data=splits.train.name,
            train_samples=len(splits.train) + len(splits.validation),
            seed=contestant.seed,
            accuracy=float(np.mean(readout.predict(features[split]) == samples.labels)),
            chance=splits.chance,
            validation_accuracy=float(validation),
        )
        for split, samples in splits.tests.items()
    ]


def make_readout(name: ReadoutName) -> Any:
    """Return a readout whose strength is chosen on validation and which is then refitted."""
    from neuromem.heads import LDAReadout, LogisticReadout, RidgeReadout

    return {"ridge": RidgeReadout, "softmax": LogisticReadout, "lda": LDAReadout}[name]()

r"""Zero-shot recognition between two senses: what is trained, what is tested, and the records.

Two frozen encoders, one a sense, and small trained projections into one space (an
:class:`neuromem.heads.Aligner`). Of all classes C a set U is *unseen*: none of its recordings is
used in training or validation. S = C \\ U is *seen*. A test recording of one sense, the query, is
embedded, and takes the class of the most similar entry of a gallery: the test recordings of the
other sense (:func:`neuromem.protocols.zero_shot.metrics.recognise`). With queries and gallery of

- ``seen``: S, chance 1 / \|S\|;
- ``unseen``: U, chance 1 / \|U\|, a choice between two for a pair of classes;
- ``seen_full`` and ``unseen_full``: queries of S and of U, both against the gallery of C, chance
  1 / \|C\| (generalised zero-shot); ``harmonic`` is their harmonic mean.

Every accuracy is the mean over the classes of the queries. The recordings of unseen classes in a
gallery say which class they are of: that is what a class never trained is known by.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from neuromem.protocols.contest import Report, Samples, Splits
from neuromem.protocols.store import Store
from neuromem.protocols.zero_shot.entries import (
    TEST,
    Embedded,
    Entrant,
    Meeting,
    View,
    ZeroShotRecord,
)
from neuromem.protocols.zero_shot.metrics import (
    Gallery,
    accuracy,
    harmonic_mean,
    recognise,
)

if TYPE_CHECKING:
    from neuromem.heads import Aligner, Sense


def zero_shot(
    entrants: Iterable[Entrant],
    meeting: Meeting,
    unseen: Sequence[Sequence[int]],
    store: Store | None = None,
    report: Report | None = None,
) -> list[ZeroShotRecord]:
    """Return the records of all contestants on all sets of unseen classes, in both directions.

    Each contestant on each set is a record of the store: an interrupted run goes on there.
    Features are encoded once for all sets, and kept by the store.

    Raises
    ------
    ValueError
        When a set is not of the meeting's classes, leaves fewer than two, or embeddings are not
        finite.
    """
    entrants, store = list(entrants), store or Store(None)
    sets = [check_unseen(meeting, one) for one in unseen]
    tell = report or (lambda text, done, total: None)
    records: list[ZeroShotRecord] = []
    bench = Trainer(meeting, store)
    for number, entrant in enumerate(entrants):
        seed = "" if entrant.seed is None else f", seed {entrant.seed}"
        for place, one in enumerate(sets):
            title = f"{entrant.name}{seed}, without {' and '.join(map(str, one))}"
            tell(title, number * len(sets) + place, len(entrants) * len(sets))
            records += store.record(
                recipe_of(entrant, meeting, one),
                list[ZeroShotRecord],
                lambda entrant=entrant, one=one: bench.records(entrant, one),
            )
    tell("done", len(entrants) * len(sets), len(entrants) * len(sets))
    return records


def check_unseen(meeting: Meeting, unseen: Sequence[int]) -> tuple[int, ...]:
    """Return a set of unseen classes in order; raise ValueError where it does not fit."""
    chosen = tuple(sorted({int(label) for label in unseen}))
    if stranger := set(chosen) - set(meeting.classes):
        raise ValueError(
            f"unseen classes {chosen}: {sorted(stranger)} are not among the classes that both "
            f"senses have, {list(meeting.classes)}"
        )
    if len(chosen) < 2 or len(meeting.classes) - len(chosen) < 2:
        raise ValueError(
            f"unseen classes {chosen} of {list(meeting.classes)}: at least two must be unseen, and "
            "two seen"
        )
    return chosen


def recipe_of(entrant: Entrant, meeting: Meeting, unseen: tuple[int, ...]) -> str:
    """Return the text that names everything a record depends on."""
    data = [samples.digest for s in (meeting.first, meeting.second) for _, samples in s.named()]
    return msgspec.json.encode(
        {
            "zero-shot": entrant.name, "first": entrant.first.recipe,
            "second": entrant.second.recipe, "aligner": entrant.recipe,
            "seed": entrant.seed, "oracle": entrant.oracle,
            "on test": entrant.chosen_on_test, "unseen": unseen, "classes": meeting.classes,
            "names": meeting.names, "data": data,
        }
    ).decode()  # fmt: skip


class Trainer:
    """Trains contestants on a meeting; the latest features and the latest aligner are kept.

    Parameters
    ----------
    meeting
        The recordings.
    store
        Keeps features.
    """

    def __init__(self, meeting: Meeting, store: Store) -> None:
        self.meeting = meeting
        self.store = store
        self._features: dict[str, dict[str, np.ndarray]] = {}
        self._latest: tuple[object, Aligner, float, tuple[int, int]] | None = None

    def records(self, entrant: Entrant, unseen: tuple[int, ...]) -> list[ZeroShotRecord]:
        """Train a contestant without some classes and return a record for each direction."""
        _, seconds, samples = self._trained(entrant, unseen)
        embedded = self.embedded(entrant, unseen)
        neurons = [view.neurons for view in (entrant.first, entrant.second)]
        first, second = self.meeting.names
        senses = (self.meeting.first, self.meeting.second)
        known = tuple(label for label in self.meeting.classes if label not in unseen)
        return [
            ZeroShotRecord(
                name=entrant.name,
                pair=unseen,
                direction=direction,
                seed=entrant.seed,
                neurons=None if None in neurons else sum(n for n in neurons if n),
                embedding=embedded.first.shape[1],
                train=" and ".join(sense.train.name for sense in senses),
                test=" and ".join(sense.tests[TEST].name for sense in senses),
                train_samples=samples,
                seconds=seconds,
                chance_seen=1 / len(known),
                chance_unseen=1 / len(unseen),
                chance_full=1 / len(self.meeting.classes),
                **self._accuracies(queries, gallery, known, unseen),
            )
            for direction, queries, gallery in (
                (f"{first}->{second}", (embedded.first, embedded.first_labels),
                 (embedded.second, embedded.second_labels)),
                (f"{second}->{first}", (embedded.second, embedded.second_labels),
                 (embedded.first, embedded.first_labels)),
            )
        ]  # fmt: skip

    def embedded(self, entrant: Entrant, unseen: tuple[int, ...]) -> Embedded:
        """Train a contestant without some classes and return the test recordings embedded."""
        aligner, _, _ = self._trained(entrant, unseen)
        first = self._sense(entrant.first, self.meeting.first, TEST, self.meeting.classes)
        second = self._sense(entrant.second, self.meeting.second, TEST, self.meeting.classes)
        try:
            return Embedded(
                np.asarray(aligner.embed_first(first.features)), first.labels,
                np.asarray(aligner.embed_second(second.features)), second.labels,
            )  # fmt: skip
        except ValueError as error:
            raise ValueError(f"{entrant.name}, without {unseen}: {error}") from None

    def _accuracies(
        self,
        queries: tuple[np.ndarray, np.ndarray],
        gallery: tuple[np.ndarray, np.ndarray],
        seen: tuple[int, ...],
        unseen: tuple[int, ...],
    ) -> dict[str, float]:
        found: dict[str, float] = {}
        ways: tuple[tuple[str, Gallery], ...] = (("", "prototypes"), ("_nearest", "recordings"))
        for ending, how in ways:
            for name, asked, among in (
                ("seen", seen, seen), ("unseen", unseen, unseen),
                ("seen_full", seen, seen + unseen), ("unseen_full", unseen, seen + unseen),
            ):  # fmt: skip
                mine = np.isin(queries[1], asked)
                answers = recognise(queries[0][mine], *gallery, among, how)
                found[name + ending] = accuracy(answers, queries[1][mine])
            full = found["seen_full" + ending], found["unseen_full" + ending]
            found["harmonic" + ending] = harmonic_mean(*full)
        return {k: v for k, v in found.items() if k in ZeroShotRecord.__struct_fields__}

    def _trained(
        self, entrant: Entrant, unseen: tuple[int, ...]
    ) -> tuple[Aligner, float, tuple[int, int]]:
        """Return the aligner, trained now unless it was the last one, and what that took."""
        known = tuple(c for c in self.meeting.classes if entrant.oracle or c not in unseen)
        recipes = (entrant.recipe, entrant.first.recipe, entrant.second.recipe)
        key = (entrant.name, recipes, entrant.seed, known)
        if self._latest is not None and self._latest[0] == key:
            return self._latest[1:]
        views = ((entrant.first, self.meeting.first), (entrant.second, self.meeting.second))
        first, second = (self._sense(view, splits, "train", known) for view, splits in views)
        where = TEST if entrant.chosen_on_test else "validation"
        held = [self._sense(view, splits, where, known) for view, splits in views]
        aligner = entrant.make()
        start = time.perf_counter()
        try:
            aligner.fit(first, second, validation=(held[0], held[1]))
        except ValueError as error:
            raise ValueError(f"{entrant.name}, without {unseen}: {error}") from None
        took = time.perf_counter() - start
        self._latest = (key, aligner, took, (len(first.labels), len(second.labels)))
        return self._latest[1:]

    def _sense(self, view: View, splits: Splits, split: str, classes: Sequence[int]) -> Sense:
        from neuromem.heads import Sense

        samples = dict(splits.named())[split]
        chosen = np.isin(samples.labels, classes)
        return Sense(self._encoded(view, splits)[split][chosen], samples.labels[chosen])

    def _encoded(self, view: View, splits: Splits) -> dict[str, np.ndarray]:
        """Return the features of all parts, and forget those that were not asked for lately."""
        key = hashlib.sha256(f"{view.recipe} {splits.train.digest}".encode()).hexdigest()
        if key not in self._features:
            while len(self._features) > 1:
                del self._features[next(iter(self._features))]
            self._features[key] = {
                split: self._made(view, samples) for split, samples in splits.named()
            }
        return self._features[key]

    def _made(self, view: View, samples: Samples) -> np.ndarray:
        def make() -> np.ndarray:
            return view.encode(samples.data)

        if not view.keep:
            return make()
        return self.store.features(f"{view.recipe}\n{samples.digest}", make)

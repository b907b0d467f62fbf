"""A contest is fair: perfect features win, random ones are at chance, test samples stay unseen."""

import dataclasses

import numpy as np
import pytest

from neuromem.network import SpikeBatch
from neuromem.protocols import Contestant, Record, Samples, Splits, Store, contest

CLASSES = 4


def samples(n: int, seed: int, name: str = "drawn") -> Samples:
    """Return samples of 3 steps on 2 * CLASSES lines, the first half of which tells the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    dense = np.zeros((n, 3, 2 * CLASSES), dtype=int)
    dense[np.arange(n), rng.integers(0, 3, n), labels] = 1
    dense[:, :, CLASSES:] = rng.integers(0, 2, (n, 3, CLASSES))
    return Samples(SpikeBatch.of_dense(dense), labels, name)


@pytest.fixture
def splits() -> Splits:
    return Splits(samples(80, 0), samples(40, 1), {"one": samples(400, 2), "two": samples(40, 3)})


def perfect(data) -> np.ndarray:
    return data.binned(1)[:, 0, :CLASSES]


def blind(data) -> np.ndarray:
    return data.binned(1)[:, 0, CLASSES:]


@pytest.mark.parametrize("readout", ["ridge", "softmax", "lda"])
def test_perfect_features_are_always_right_and_blind_ones_at_chance(readout, splits):
    entrants = [
        Contestant("perfect", perfect, "perfect", readout),
        Contestant("blind", blind, "blind", readout),
    ]
    records = contest(entrants, splits)
    assert [(r.name, r.split) for r in records] == [
        ("perfect", "one"), ("perfect", "two"), ("blind", "one"), ("blind", "two"),
    ]  # fmt: skip
    by_name = {(r.name, r.split): r for r in records}
    assert by_name["perfect", "one"].accuracy == by_name["perfect", "two"].accuracy == 1
    # 400 guesses: 0.25 with a deviation of 0.022.
    assert by_name["blind", "one"].accuracy == pytest.approx(0.25, abs=0.09)
    assert by_name["blind", "one"].chance == 0.25
    assert by_name["blind", "one"].train_samples == 120


def test_chance_is_the_share_of_the_most_frequent_class():
    labels = np.array([0, 1, 1, 1])
    known = Samples(samples(4, 0).data, labels, "drawn")
    assert Splits(known, known, {}).chance == 0.75


def test_test_labels_are_never_seen(splits):
    """With the test labels exchanged, the accuracy is that of the exchange: nothing was fitted."""
    wrong = dataclasses.replace(splits.tests["one"], labels=(splits.tests["one"].labels + 1) % 4)
    other = Splits(splits.train, splits.validation, {"one": wrong})
    (record,) = contest([Contestant("perfect", perfect, "perfect")], other)
    assert record.accuracy == 0
    assert record.validation_accuracy == 1


def test_several_readouts_encode_once(splits):
    seen = []

    def encode(data):
        seen.append(len(data))
        return perfect(data)

    readouts = ("ridge", "softmax", "lda")
    contest([Contestant(r, encode, "same", r) for r in readouts], splits)
    assert seen == [80, 40, 400, 40]


def test_contestants_are_reported_in_order(splits):
    told = []
    entrants = [Contestant("a", perfect, "a", seed=3), Contestant("b", perfect, "b")]
    contest(entrants, splits, report=lambda *what: told.append(what))
    assert told == [("a, seed 3", 0, 2), ("b", 1, 2), ("done", 2, 2)]


def test_a_device_may_differ_in_the_test(splits):
    aged = Contestant("aged", perfect, "aged", encode_test=blind)
    assert contest([aged], splits)[0].accuracy < 0.5


def test_a_failure_leaves_nothing_that_a_later_run_takes(splits, tmp_path):
    def fails(data):
        if len(data) == 400:
            raise KeyboardInterrupt
        return perfect(data)

    store = Store(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        contest([Contestant("c", fails, "c", keep=True)], splits, store)
    kept = len(list(tmp_path.iterdir()))
    assert kept == 2  # features of training and validation
    records = contest([Contestant("c", perfect, "c", keep=True)], splits, store)
    assert [r.accuracy for r in records] == [1, 1]


class TestWhatTheStoreKeepsApart:
    """Whatever a record says or depends on changes its place in the store."""

    BASE = Contestant("name", perfect, "recipe", neurons=5, seed=0, keep=True)

    def accuracy(self, entrant: Contestant, splits: Splits, store: Store) -> Record:
        return contest([entrant], splits, store)[0]

    @pytest.mark.parametrize(
        "change",
        [{"name": "other"}, {"recipe": "other"}, {"readout": "lda"}, {"neurons": 6}, {"seed": 1}],
    )
    def test_another_contestant(self, change, splits, tmp_path):
        store = Store(tmp_path)
        self.accuracy(self.BASE, splits, store)
        other = dataclasses.replace(self.BASE, **change)
        assert self.accuracy(other, splits, store) == self.accuracy(other, splits, Store(None))

    @pytest.mark.parametrize("part", ["train", "validation", "one"])
    @pytest.mark.parametrize("field", ["labels", "data", "name"])
    def test_other_samples(self, part, field, splits, tmp_path):
        def changed(own: Samples) -> Samples:
            if field == "labels":  # only late ones: a digest of the first few would miss them
                labels = own.labels.copy()
                labels[-CLASSES:] = labels[-CLASSES:][::-1]
                return dataclasses.replace(own, labels=labels)
            if field == "data":
                return dataclasses.replace(own, data=samples(len(own), 9).data)
            return dataclasses.replace(own, name="called otherwise")

        store = Store(tmp_path)
        tests = dict(splits.tests)
        if part == "one":
            tests["one"] = changed(tests["one"])
            other = Splits(splits.train, splits.validation, tests)
        else:
            other = dataclasses.replace(splits, **{part: changed(getattr(splits, part))})
        for data in (splits, other):
            kept = contest([self.BASE], data, store)
            assert kept == contest([self.BASE], data, Store(None))
        assert len(list(tmp_path.glob("*.json"))) == 2

    def test_test_features_that_are_made_otherwise(self, splits, tmp_path):
        """Even when the same samples are trained and tested on."""
        same = Splits(splits.train, splits.validation, {"train again": splits.train})
        entrant = dataclasses.replace(self.BASE, encode_test=blind)
        kept = self.accuracy(entrant, same, Store(tmp_path))
        assert kept == self.accuracy(entrant, same, Store(None))
        assert kept.accuracy < 0.6

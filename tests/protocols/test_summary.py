"""Means over seeds, and plain words about what is not beaten."""

import numpy as np
import pytest

from neuromem.protocols import Record
from neuromem.protocols.summary import scores, verdicts


def record(name: str, accuracy: float, split: str = "test", seed: int | None = 0) -> Record:
    return Record(
        name=name, neurons=10, features=10, readout="ridge", data="data", split=split,
        samples=100, train_data="data", train_samples=100, seed=seed, accuracy=accuracy,
        chance=0.1, validation_accuracy=accuracy,
    )  # fmt: skip


def rivals(name: str) -> bool:
    return name.startswith("raw")


def test_scores_are_means_and_deviations_over_seeds():
    records = [record("a", x, seed=seed) for seed, x in enumerate((0.5, 0.6, 0.8))]
    (a, b) = scores([*records, record("b", 0.3)])
    assert (a.name, a.split, a.seeds) == ("a", "test", 3)
    assert a.mean == pytest.approx(np.mean([0.5, 0.6, 0.8]))
    assert a.sd == pytest.approx(np.std([0.5, 0.6, 0.8], ddof=1))
    assert (b.mean, b.seeds) == (0.3, 1)
    assert np.isnan(b.sd)


def test_what_is_beaten_and_what_is_not_is_said():
    records = [
        record("liquid", 0.9), record("raw-1", 0.85), record("raw-2", 0.95), record("raw-3", 0.9),
        record("other", 0.1),
    ]  # fmt: skip
    assert verdicts(records, "liquid", rivals) == [
        "test: liquid beats raw-1 by 5.0; it does not beat raw-2 (ahead by 5.0), raw-3 (equal) "
        "(points)."
    ]


def test_a_liquid_that_beats_nothing_is_told_so():
    (sentence,) = verdicts([record("liquid", 0.5), record("raw", 0.6)], "liquid", rivals)
    assert sentence == "test: liquid beats nothing; it does not beat raw (ahead by 10.0) (points)."


def test_means_over_seeds_are_compared():
    records = [record("liquid", 0.5), record("liquid", 0.9, seed=1), record("raw", 0.69)]
    (sentence,) = verdicts(records, "liquid", rivals)
    assert sentence == "test: liquid beats raw by 1.0 (points)."


def test_two_splits_have_a_sentence_each_and_more_have_one_of_their_mean():
    def of(splits):
        return verdicts(
            [record(n, a + 0.1 * i, s) for n, a in (("liquid", 0.5), ("raw", 0.4))
             for i, s in enumerate(splits)],
            "liquid", rivals,
        )  # fmt: skip

    assert [s.partition(":")[0] for s in of(["x", "y"])] == ["x", "y"]
    assert of(["x", "y", "z"]) == ["mean: liquid beats raw by 10.0 (points)."]


def test_a_contestant_that_did_not_run_has_no_verdict():
    assert verdicts([record("raw", 0.4)], "liquid", rivals) == []

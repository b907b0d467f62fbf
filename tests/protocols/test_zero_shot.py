"""The zero-shot protocol: unseen means unseen, and an interruption loses nothing."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from neuromem.heads import CCAAligner
from neuromem.network import SpikeBatch
from neuromem.protocols import Samples, Splits, Store
from neuromem.protocols.zero_shot.entries import Entrant, Meeting, View
from neuromem.protocols.zero_shot.published import windows
from neuromem.protocols.zero_shot.trials import Trainer, zero_shot

CLASSES, LINES = 6, 12


def samples(seed: int, each: int = 6, classes=range(CLASSES), signal: int = 9) -> Samples:
    """Return spikes in which two lines tell the class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(classes), each)
    dense = rng.poisson(1.0, (len(labels), 4, LINES))
    dense[np.arange(len(labels)), :, labels] += signal
    dense[np.arange(len(labels)), :, (labels + 3) % LINES] += signal
    return Samples(SpikeBatch.of_dense(dense), labels, f"spikes {seed}")


def splits(seed: int, **kind) -> Splits:
    return Splits(samples(seed, **kind), samples(seed + 1, 3, **kind), {
        "test": samples(seed + 2, 4, **kind)
    })  # fmt: skip


@pytest.fixture
def meeting() -> Meeting:
    return Meeting(splits(0), splits(10))


def counts(batch: SpikeBatch) -> np.ndarray:
    return batch.binned(1)[:, 0]


class Spy:
    """Passes features on, and notes what it was trained on."""

    log: list[dict]

    def __init__(self, log: list[dict], stop_at: int | None = None) -> None:
        self.log, self.stop_at = log, stop_at

    def fit(self, first, second, *, validation=None):
        if len(self.log) == self.stop_at:
            raise KeyboardInterrupt
        parts = [first, second, *validation]
        found = {"classes": [set(part.labels.tolist()) for part in parts]}
        self.log.append({**found, "samples": [len(part.labels) for part in parts]})
        return self

    def embed_first(self, X):
        return X - X.mean()

    embed_second = embed_first


def entrant(make, name="spy", **fields) -> Entrant:
    return Entrant(name, View(counts, "counts"), View(counts, "counts"), make, name, **fields)


def without_time(records) -> list[dict]:
    return [{**msgspec.structs.asdict(record), "seconds": None} for record in records]


SETS = [(0, 1), (2, 5), (3, 4)]


def test_unseen_classes_are_in_no_training_and_no_validation(meeting):
    log = []
    zero_shot([entrant(lambda: Spy(log))], meeting, SETS)
    for one, fit in zip(SETS, log, strict=True):
        assert fit["classes"] == [set(range(CLASSES)) - set(one)] * 4


def test_an_oracle_sees_them_and_is_trained_once(meeting):
    log = []
    records = zero_shot([entrant(lambda: Spy(log), oracle=True)], meeting, SETS)
    assert [fit["classes"] for fit in log] == [[set(range(CLASSES))] * 4]
    assert {r.pair for r in records} == set(SETS)


def test_a_common_code_is_recognised_in_every_way(meeting):
    records = zero_shot([entrant(lambda: Spy([]))], meeting, SETS)
    assert [(r.pair, r.direction) for r in records] == [
        (one, way) for one in SETS for way in ("sound->sight", "sight->sound")
    ]
    for r in records:
        for name in ("seen", "unseen", "harmonic", "seen_full", "unseen_full", "unseen_nearest"):
            assert getattr(r, name) == 1, name
        assert (r.chance_seen, r.chance_unseen, r.chance_full) == (1 / 4, 1 / 2, 1 / 6)
        assert r.train_samples == (24, 24)


def test_what_has_nothing_in_common_is_at_chance():
    # The second sense has its own code: seen classes can be matched by training, unseen cannot.
    rng = np.random.default_rng(0)
    found = []
    for seed in range(8):
        code = rng.normal(size=(LINES, 40))

        def other(batch, code=code):
            return counts(batch) @ code

        strangers = replace(entrant(CCAAligner, f"cca {seed}"), second=View(other, f"other {seed}"))
        both = Meeting(splits(100 * seed), splits(100 * seed + 50, classes=range(CLASSES)[::-1]))
        found += zero_shot([strangers], both, SETS)
    assert np.mean([r.seen for r in found]) > 0.9
    silent = Meeting(splits(0, signal=0), splits(10, signal=0))
    noise = zero_shot([entrant(CCAAligner)], silent, SETS)
    assert np.mean([r.seen for r in noise]) < 0.45
    assert np.mean([r.unseen for r in noise]) == pytest.approx(0.5, abs=0.2)


def test_an_interrupted_run_goes_on_to_the_same_records(meeting, tmp_path):
    whole = zero_shot([entrant(lambda: Spy([]))], meeting, SETS)
    log = []
    with pytest.raises(KeyboardInterrupt):
        zero_shot([entrant(lambda: Spy(log, stop_at=2))], meeting, SETS, Store(tmp_path))
    again = []
    resumed = zero_shot([entrant(lambda: Spy(again))], meeting, SETS, Store(tmp_path))
    assert (len(log), len(again)) == (2, 1)
    assert without_time(resumed) == without_time(whole)
    assert zero_shot([entrant(lambda: Spy([], 0))], meeting, SETS, Store(tmp_path)) == resumed


@pytest.mark.parametrize("change", ["recipe", "view", "data", "seed", "oracle"])
def test_other_contestants_and_data_do_not_meet_in_a_store(change, meeting, tmp_path):
    base, log = entrant(lambda: Spy(log)), []
    zero_shot([base], meeting, SETS[:1], Store(tmp_path))
    changed = {
        "recipe": replace(base, recipe="another"),
        "view": replace(base, first=View(counts, "others")),
        "seed": replace(base, seed=1),
        "oracle": replace(base, oracle=True),
    }.get(change, base)
    data = Meeting(splits(1), splits(10)) if change == "data" else meeting
    zero_shot([changed], data, SETS[:1], Store(tmp_path))
    assert len(log) == 2


def test_features_are_encoded_once_for_all_sets_and_kept(meeting, tmp_path):
    encoded = []

    def count(batch):
        encoded.append(len(batch))
        return counts(batch)

    view = View(count, "counted", keep=True)
    for _ in range(2):
        one = replace(entrant(lambda: Spy([])), first=view, second=view)
        zero_shot([replace(one, name=f"{len(encoded)}")], meeting, SETS, Store(tmp_path))
    assert len(encoded) == 6  # three parts of two senses


def test_embeddings_are_of_the_test_recordings(meeting):
    embedded = Trainer(meeting, Store(None)).embedded(entrant(lambda: Spy([])), (0, 1))
    assert embedded.first.shape == (4 * CLASSES, LINES)
    assert np.array_equal(embedded.second_labels, meeting.second.tests["test"].labels)


def test_classes_of_one_sense_alone_are_left_aside_and_said():
    wide = Meeting(splits(0), splits(10, classes=range(1, CLASSES + 1)))
    assert wide.classes == (1, 2, 3, 4, 5)
    assert any("sound, train: classes [0]" in line for line in wide.left_aside())
    records = zero_shot([entrant(lambda: Spy([]))], wide, [(1, 2)])
    assert records[0].chance_full == 1 / 5


def test_too_few_common_classes_are_refused_with_what_there_is():
    with pytest.raises(ValueError, match=r"3 classes.*sound has \[0, 1, 2, 3, 4, 5\] in train"):
        Meeting(splits(0), splits(10, classes=(3, 4, 5, 6)))


@pytest.mark.parametrize(
    "unseen, message",
    [((0, 9), r"\[9\] are not among"), ((0,), "at least two must be"), (range(5), "at least two")],
)
def test_sets_that_do_not_fit_are_refused(unseen, message, meeting):
    with pytest.raises(ValueError, match=message):
        zero_shot([entrant(lambda: Spy([]))], meeting, [unseen])


@pytest.mark.parametrize("where", ["features", "embedding"])
def test_what_is_not_finite_is_said_with_the_contestant(where, meeting):
    def broken(batch):
        features = counts(batch)
        features[3, 0] = np.nan
        return features

    one = entrant(CCAAligner if where == "features" else (lambda: Spy([])), "broken")
    with pytest.raises(ValueError, match=r"finite" if where == "embedding" else r"broken, without"):
        zero_shot([replace(one, first=View(broken, "broken"))], meeting, SETS)


def test_only_the_published_protocol_looks_at_the_test(meeting):
    log = []
    for chosen in (False, True):
        zero_shot([entrant(lambda: Spy(log), chosen_on_test=chosen)], meeting, SETS[:1])
    assert [fit["samples"][2:] for fit in log] == [[12, 12], [16, 16]]  # 3 or 4 of 4 classes
    assert log[0]["classes"] == log[1]["classes"]


def test_windows_of_letters_are_those_of_the_published_experiment():
    found = windows(range(26))
    assert (len(found), found[0], found[-1]) == (23, (0, 1, 2, 3), (22, 23, 24, 25))
    with pytest.raises(ValueError, match=r"must be 2\.\.4 of 6"):
        windows(range(6), 5)

"""Each condition of the device changes what the liquid does, and is compared seed by seed."""

import numpy as np
import pytest
from scipy import stats

from neuromem.liquid import published_nmnist
from neuromem.protocols import Record, Store, contest, resistive
from neuromem.rram import ResistiveWeights, load_card
from tests.protocols.small_data import splits

BASE = published_nmnist(neurons=40)


@pytest.fixture(scope="module")
def entrants():
    found = resistive.contestants(splits(), BASE, seeds=(0,))
    return {entrant.name: entrant for entrant in found}


@pytest.fixture(scope="module")
def tested(entrants):
    """Return the features of test samples under every condition."""
    data = splits().tests["test"].data
    return {name: entrant.encode_test(data) for name, entrant in entrants.items()}


def record(name: str, seed: int, accuracy: float, split: str = "test") -> Record:
    return Record(
        name=name, neurons=10, features=10, readout="ridge", data="data", split=split,
        samples=100, train_data="data", train_samples=100, seed=seed, accuracy=accuracy,
        chance=0.1, validation_accuracy=accuracy,
    )  # fmt: skip


@pytest.mark.parametrize("card", ["macro-40nm", "pcm", "hfo2", "cmo-hfo2"])
def test_conditions_have_names_of_their_own(card):
    found = resistive.conditions(card)
    assert len({condition.name for condition in found}) == len(found)
    for condition in found:
        assert float(condition.name.rpartition("=")[2]) == pytest.approx(condition.value, rel=1e-5)


def test_every_condition_changes_the_features(tested):
    ideal = tested["ideal device=0"]
    assert ideal.max() > 1
    same = [name for name, values in tested.items() if np.array_equal(values, ideal)]
    assert same == ["ideal device=0"]
    texts = {name: values.tobytes() for name, values in tested.items()}
    # The noise of the macro's own card is one of the sweep.
    assert texts.pop("measured device=0") == texts["white read noise=0.02"]
    assert len(set(texts.values())) == len(texts)


def test_recipes_tell_conditions_apart(entrants):
    assert len({entrant.recipe for entrant in entrants.values()}) == len(entrants) - 1
    same = {entrants[name].recipe for name in ("measured device=0", "white read noise=0.02")}
    assert len(same) == 1


def test_the_ideal_device_is_the_liquid_itself(entrants):
    entrant = entrants["ideal device=0"]
    data = splits().tests["test"].data
    (liquid,) = entrant.encode.args
    assert liquid.input_weights == ResistiveWeights(card="macro-40nm")
    assert np.array_equal(entrant.encode(data), liquid.encode(data))
    assert np.array_equal(entrant.encode_test(data), entrant.encode(data))


def test_the_noise_of_a_read_is_repeatable_and_new_in_the_test(entrants, tested):
    data = splits().tests["test"].data
    for name in ("measured device=0", "1/f read noise=0.1", "telegraph noise, 10 ms=0.1"):
        assert np.array_equal(entrants[name].encode_test(data), tested[name])
        assert not np.array_equal(entrants[name].encode(data), tested[name])


@pytest.mark.parametrize("sweep", ["retention of HfO2, s", "drift of PCM, s"])
def test_what_ages_are_the_cells_that_were_trained_with(sweep):
    """After one second nothing else has changed: other cells would be unrelated."""
    for condition in resistive.conditions():
        if condition.sweep != sweep:
            continue
        young = condition.weights.draw_pairs((60, 60), np.random.default_rng(0))
        old = condition.tested.draw_pairs((60, 60), np.random.default_rng(0))
        for side in ("g_plus_us", "g_minus_us"):
            together = np.corrcoef(getattr(young, side).ravel(), getattr(old, side).ravel())[0, 1]
            assert together > 0.7, (condition.name, side)


def test_a_card_of_ones_own_that_was_changed_is_another_device(tmp_path):
    path = tmp_path / "own.toml"
    text = (
        'title = "mine"\n[window]\nlowest_us = 0\nhighest_us = {}\nsource = "s"\n'
        '[conductance]\nkind = "NormalConductance"\nmean_us = 11\nsd_us = 1\nsource = "s"\n'
    )
    recipes = []
    for highest in (20, 21):
        path.write_text(text.format(highest))
        found = resistive.contestants(splits(), BASE, card=str(path))
        recipes.append(next(c.recipe for c in found if c.name == "conductance levels=4"))
    assert load_card(path).window.highest_us == 21
    assert recipes[0] != recipes[1]


def test_losses_are_paired_by_seed_with_students_interval():
    rng = np.random.default_rng(0)
    normal, device = rng.uniform(0.8, 0.9, 6), rng.uniform(0.75, 0.9, 6)
    records = [record("normal weights=0", seed, a) for seed, a in enumerate(normal)]
    records += [record("measured device=0", seed, a) for seed, a in enumerate(device)][::-1]
    (sentence,) = resistive.losses(records)
    gaps = 100 * (normal - device)
    low, high = stats.t.interval(0.95, 5, loc=gaps.mean(), scale=stats.sem(gaps))
    assert sentence == (
        f"test: the measured device loses {gaps.mean():.2f} points (95 % interval {low:.2f} to "
        f"{high:.2f}) against normal weights, over 6 seeds."
    )


def test_a_single_seed_has_no_interval():
    records = [record("normal weights=0", 0, 0.8), record("measured device=0", 0, 0.7)]
    records += [record(r.name, 0, r.accuracy, "real-test") for r in records]
    assert resistive.losses(records) == [
        f"{split}: the measured device loses 10.00 points against normal weights, over 1 seed."
        for split in ("test", "real-test")
    ]


def test_a_sweep_goes_on_from_what_is_kept(entrants, tmp_path):
    few = [entrants["ideal device=0"], entrants["white read noise=0.5"]]
    first = contest(few, splits(), Store(tmp_path))
    assert contest(few, splits(), Store(tmp_path)) == first == contest(few, splits())

"""Means, intervals and verdicts: they say as much as the numbers bear."""

import numpy as np
import pytest

from neuromem.protocols.zero_shot.entries import ZeroShotRecord
from neuromem.protocols.zero_shot.metrics import left_out
from neuromem.protocols.zero_shot.summary import difference, estimate, interval, verdicts

PAIRS = left_out(range(10))


def records(name: str, unseen, pairs=PAIRS, seeds=(0,)) -> list[ZeroShotRecord]:
    """Return records with ``unseen(pair, seed)``, the same in both directions."""
    return [
        ZeroShotRecord(
            name=name, pair=pair, direction=way, seed=seed, seen=0.8, unseen=unseen(pair, seed),
            harmonic=0.3, chance_seen=1 / 8, chance_unseen=0.5, seen_full=0.7, unseen_full=0.2,
            chance_full=0.1, seen_nearest=0.8, unseen_nearest=0.5, harmonic_nearest=0.3,
            neurons=400, embedding=64, train="spikes", test="spikes", train_samples=(9, 9),
            seconds=1.0,
        )
        for seed in seeds for pair in pairs for way in ("sound->sight", "sight->sound")
    ]  # fmt: skip


def test_an_estimate_is_the_mean_within_its_interval():
    rng = np.random.default_rng(0)
    found = estimate(records("a", lambda pair, seed: rng.random(), seeds=(0, 1, 2)))
    assert found.low < found.mean < found.high
    assert (found.sets, found.seeds) == (45, 3)


def test_the_interval_holds_the_true_mean_about_as_often_as_it_says():
    """Each class has an effect of its own: intervals over pairs alone would be too narrow."""
    rng, held, plain = np.random.default_rng(1), 0, 0
    for _ in range(150):
        effect = rng.normal(size=10)
        values = np.array([[effect[a] + effect[b] + 0.3 * rng.normal() for a, b in PAIRS]])
        low, high = interval(values, PAIRS)
        held += low <= 0 <= high
        half = 1.96 * values.std() / 45**0.5
        plain += abs(values.mean()) <= half
    assert held / 150 > 0.85 > plain / 150


def test_one_measurement_has_no_interval_and_one_set_that_of_its_seeds():
    one = records("a", lambda pair, seed: 0.5 + seed / 10, PAIRS[:1])
    assert np.isnan(estimate(one).low)
    more = records("a", lambda pair, seed: 0.5 + seed / 10, PAIRS[:1], range(5))
    assert 0.5 < estimate(more).low < 0.7 < estimate(more).high < 0.9
    assert np.isnan(interval(np.array([[0.5]]), PAIRS[:1])[0])


def test_few_sets_do_not_stop_the_resampling():
    found = estimate(records("a", lambda pair, seed: sum(pair) / 18, PAIRS[:5]))
    assert found.low < found.mean < found.high


def test_a_difference_is_paired_by_set_and_seed():
    rng = np.random.default_rng(2)
    luck = {(pair, seed): rng.random() * 0.6 for pair in PAIRS for seed in (0, 1)}
    mine = records("mine", lambda *of: luck[of] + 0.1, seeds=(0, 1))
    found = difference(
        [*mine, *records("other", lambda *of: luck[of], seeds=(0, 1))], "mine", "other"
    )
    assert found.mean == pytest.approx(0.1)
    assert (found.low, found.high) == pytest.approx((0.1, 0.1))
    plain = records("plain", lambda pair, _: luck[pair, 0], PAIRS[:9], (None,))
    found = difference([*mine, *plain], "mine", "plain")
    assert (found.sets, found.seeds) == (9, 2)
    with pytest.raises(ValueError, match="no set of unseen classes in common"):
        far = records("far", lambda *of: 0.5, [(20, 21)])
        difference([*mine, *far], "mine", "far")


def test_verdicts_say_what_can_be_said():
    rng = np.random.default_rng(3)
    luck = {pair: 0.4 * rng.random() for pair in PAIRS}
    found = [
        *records("liquid", lambda pair, _: 0.4 + luck[pair]),
        *records("weak", lambda pair, _: 0.3 + luck[pair]),
        *records("strong", lambda pair, _: 0.5 + luck[pair]),
        *records("like", lambda pair, _: 0.4 + luck[pair] + 0.2 * rng.normal()),
    ]
    (line,) = verdicts(found, "liquid", ("unseen",))
    assert line.startswith("unseen: liquid ") and "chance (50.0)" in line
    for part in ("Ahead of weak (+10.0", "Behind strong (-10.0", "Not told apart from like"):
        assert part in line
    assert verdicts(found, "absent") == []


def test_chance_is_named_as_not_told_apart():
    rng = np.random.default_rng(4)
    coin = records("liquid", lambda pair, _: 0.5 + 0.2 * rng.normal())
    assert "not told from chance" in verdicts(coin, "liquid", ("unseen",))[0]
    sure = records("liquid", lambda pair, _: 0.9)
    assert "above chance" in verdicts(sure, "liquid", ("unseen",))[0]

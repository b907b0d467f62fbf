"""The memory tasks: balanced, as defined, and beyond a linear readout of counts."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.liquid.tasks import (
    BLANK,
    DelayedMatch,
    Parity,
    SymbolCode,
)
from neuromem.network import SpikeBatch

CLEAN = SymbolCode(lines=2, slot_steps=3, active=1.0, idle=0.0)


def shown(batch: SpikeBatch, slots: int, alphabet: int) -> np.ndarray:
    """Read noise-free spikes back as symbols."""
    dense = batch.dense().reshape(len(batch), slots, CLEAN.slot_steps, alphabet, CLEAN.lines)
    active = dense.all(axis=(2, 4))
    np.testing.assert_array_equal(active, dense.any(axis=(2, 4)))
    return np.where(active.any(axis=2), active.argmax(axis=2), BLANK)


@given(bits=st.integers(1, 5), lead=st.integers(0, 4), seed=st.integers(0, 99))
def test_parity_is_that_of_the_last_bits(bits: int, lead: int, seed: int) -> None:
    batch, y = Parity(bits=bits, lead=lead, code=CLEAN).draw(20, np.random.default_rng(seed))
    stream = shown(batch, lead + bits, 2)
    assert stream.shape == (20, lead + bits)
    odd = [sum(int(b) for b in row[lead:]) % 2 == 1 for row in stream]
    np.testing.assert_array_equal(y, odd)
    assert y.sum() == 10


@given(ago=st.integers(1, 5), patterns=st.integers(2, 5), seed=st.integers(0, 99))
def test_match_is_of_the_pattern_slots_ago(ago: int, patterns: int, seed: int) -> None:
    task = DelayedMatch(slots_ago=ago, patterns=patterns, code=CLEAN)
    batch, y = task.draw(20, np.random.default_rng(seed))
    trial = shown(batch, ago + 1, patterns)
    assert (trial[:, [0, -1]] != BLANK).all()
    assert (trial[:, 1:-1] == BLANK).all()
    np.testing.assert_array_equal(y, trial[:, 0] == trial[:, -1])
    assert y.sum() == 10


@pytest.mark.parametrize("task", [Parity(), DelayedMatch()])
def test_seeded(task) -> None:
    (one, y), (same, y_same) = (task.draw(8, np.random.default_rng(1)) for _ in range(2))
    other, _ = task.draw(8, np.random.default_rng(2))
    np.testing.assert_array_equal(one.dense(), same.dense())
    np.testing.assert_array_equal(y, y_same)
    assert not np.array_equal(one.dense(), other.dense())


def test_code_fires_at_the_rates_it_states() -> None:
    code = SymbolCode(lines=50, slot_steps=100, active=0.4, idle=0.05)
    dense = code.spikes(np.array([[1, BLANK]]), 2, np.random.default_rng(0)).dense()[0]
    assert dense[:100, 50:].mean() == pytest.approx(0.4, abs=0.02)
    assert dense[:100, :50].mean() == pytest.approx(0.05, abs=0.01)
    assert dense[100:].mean() == pytest.approx(0.05, abs=0.01)


def ridge():
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    from neuromem.heads import RidgeReadout

    return RidgeReadout()


SYMMETRIC = [Parity(bits=2, lead=0), Parity(), Parity(bits=4), DelayedMatch()]
OTHER = [Parity(bits=3, lead=0), Parity(bits=3), DelayedMatch(slots_ago=1, patterns=4)]


def controls(task, by_slot: bool, draws: int = 4):
    """Scores of a linear readout of counts for trials it has not seen, and their targets."""
    bins = task.slots if by_slot else 1
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        (train, y_train), (test, y) = task.draw(2000, rng), task.draw(2000, rng)
        scores = ridge().fit(train.binned(bins).reshape(len(train), -1), y_train)
        yield scores.decision_function(test.binned(bins).reshape(len(test), -1))[:, 1], y


@pytest.mark.parametrize("task", SYMMETRIC, ids=str)
@pytest.mark.parametrize("by_slot", [False, True])
def test_linear_readouts_of_counts_are_at_chance(task, by_slot: bool) -> None:
    right = [np.mean((score > 0.5) == y) for score, y in controls(task, by_slot)]
    assert abs(np.mean(right) - task.chance) < 4 * 0.5 / np.sqrt(2000 * len(right))
    assert max(right) < 0.56


@pytest.mark.parametrize("task", [*SYMMETRIC, *OTHER], ids=str)
@pytest.mark.parametrize("by_slot", [False, True])
def test_answers_are_uncorrelated_with_counts(task, by_slot: bool) -> None:
    for score, y in controls(task, by_slot, draws=2):
        assert abs(np.corrcoef(score, y)[0, 1]) < 4 / np.sqrt(2000)


@pytest.mark.parametrize(
    ("bits", "functions", "best"), [(2, 14, 0.75), (3, 104, 0.75), (4, 1882, 0.6875)]
)
def test_best_hyperplane_is_the_stated_one(bits: int, functions: int, best: float) -> None:
    """Small weights make all threshold functions of up to four bits: 14, 104 and 1882 of them."""
    cube = np.array(list(product([0, 1], repeat=bits)))
    sums = cube @ np.array(list(product(range(-3, 4), repeat=bits))).T
    odd = (cube.sum(axis=1) % 2 == 1)[:, None]
    answers = np.unique(np.hstack([sums > t + 0.5 for t in range(-13, 13)]), axis=1)
    assert answers.shape[1] == functions
    assert (answers == odd).mean(axis=0).max() == best


@pytest.mark.parametrize("task", [Parity(bits=1), SYMMETRIC[0], Parity(), DelayedMatch()], ids=str)
def test_products_of_slots_solve_them(task) -> None:
    """The answer is in the input: what a nonlinearity with a memory could compute suffices."""
    rng = np.random.default_rng(0)

    def products(batch: SpikeBatch) -> np.ndarray:
        slots = batch.binned(task.slots).reshape(len(batch), -1, task.code.lines).sum(axis=2)
        pairs = [slots[:, a] * slots[:, b] for a, b in combinations(range(slots.shape[1]), 2)]
        return np.column_stack((slots, *pairs))

    (train, y_train), (test, y_test) = task.draw(2000, rng), task.draw(1000, rng)
    assert ridge().fit(products(train), y_train).score(products(test), y_test) > 0.97


@given(data=st.data())
def test_views_count_spikes(data) -> None:
    samples, steps, channels = (data.draw(st.integers(1, 6)) for _ in range(3))
    bins = data.draw(st.integers(1, steps))
    most = data.draw(st.integers(1, 3))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dense = rng.integers(0, most + 1, size=(samples, steps, channels))
    batch = SpikeBatch.of_dense(dense)
    np.testing.assert_array_equal(batch.binned(1)[:, 0], dense.sum(axis=1))
    found = batch.binned(bins)
    for k in range(bins):
        part = slice(k * steps // bins, (k + 1) * steps // bins)
        np.testing.assert_array_equal(found[:, k], dense[:, part].sum(axis=1))


def test_bad_use_is_named() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="samples = 7: must be even"):
        Parity().draw(7, rng)
    with pytest.raises(ValueError, match="bits"):
        Parity(bits=0)
    with pytest.raises(ValueError, match="patterns"):
        DelayedMatch(patterns=1)
    with pytest.raises(ValueError, match="active"):
        SymbolCode(active=1.5)
    with pytest.raises(ValueError, match=r"-1\.\.1"):
        CLEAN.spikes(np.array([[2]]), 2, rng)
    with pytest.raises(ValueError, match=r"bins = 21: must be in 1\.\.20"):
        Parity().draw(2, rng)[0].binned(21)

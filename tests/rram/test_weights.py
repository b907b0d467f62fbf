"""Random weights of a device: their spread, their conditions, and that each acts alone."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem.rram import GaussianWeights, LogRetention, ResistiveWeights, card_names, load_card

SHAPE = (256, 200)
DRIFT = LogRetention(shift_us=0.1, shift_onset_s=1.0, spread_us=0.05, spread_onset_s=1.0)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_gaussian_weights_have_the_published_spread():
    weights = GaussianWeights().draw(SHAPE, rng())
    assert weights.dtype == np.float64
    assert weights.std() == pytest.approx(6.61, rel=0.01)
    assert weights.mean() == pytest.approx(0, abs=0.1)


def test_macro_weights_are_differences_of_half_formed_cells():
    card = load_card("macro-40nm")
    pairs = ResistiveWeights().draw_pairs(SHAPE, rng())
    for cells in (pairs.g_plus_us, pairs.g_minus_us):
        formed = cells > card.window.lowest_us
        assert formed.mean() == pytest.approx(0.495, abs=0.01)
        assert cells[formed].mean() == pytest.approx(12.3, abs=0.05)
        assert cells[formed].std() == pytest.approx(1.8, rel=0.02)
        assert np.all(cells[~formed] == card.window.lowest_us)
    assert np.array_equal(ResistiveWeights().draw(SHAPE, rng()), pairs.difference_us)
    # Var = 2 (p s^2 + p (1 - p) (m - low)^2) for a pair.
    expected = np.sqrt(2 * (0.495 * 1.8**2 + 0.495 * 0.505 * (12.3 - 0.1) ** 2))
    assert pairs.difference_us.std() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", card_names())
def test_every_card_gives_weights_within_its_window(name):
    card = load_card(name)
    pairs = ResistiveWeights(card=name).draw_pairs((100, 100), rng())
    assert pairs.g_plus_us.min() >= card.window.lowest_us
    assert abs(pairs.difference_us.mean()) < 5 * pairs.difference_us.std() / 100


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_more_forming_adds_cells_and_takes_none(one, other, seed):
    low, high = sorted([one, other])
    few, many = (
        ResistiveWeights(formed_fraction=f).draw_pairs((20, 20), rng(seed)).g_plus_us
        for f in (low, high)
    )
    formed = few > 0.1
    assert np.array_equal(many[formed], few[formed])
    assert (many > 0.1).sum() >= formed.sum()


def test_faults_strike_single_cells_and_leave_the_others():
    clean = ResistiveWeights().draw_pairs(SHAPE, rng())
    struck = ResistiveWeights(stuck_low=0.0904, stuck_high=0.0175).draw_pairs(SHAPE, rng())
    for before, after in (
        (clean.g_plus_us, struck.g_plus_us),
        (clean.g_minus_us, struck.g_minus_us),
    ):
        high = after == 18.8
        assert high.mean() == pytest.approx(0.0175, abs=0.003)
        gone = (before > 0.1) & (after == 0.1)
        assert gone.sum() / (before > 0.1).sum() == pytest.approx(0.0904, abs=0.006)
        assert np.array_equal(after[~high & ~gone], before[~high & ~gone])


def test_levels_are_those_of_the_window():
    pairs = ResistiveWeights(levels=8).draw_pairs(SHAPE, rng())
    levels = 0.1 + 18.7 / 7 * np.arange(8)
    assert np.abs(pairs.g_plus_us[..., None] - levels).min(axis=-1).max() < 1e-9
    plain = ResistiveWeights().draw_pairs(SHAPE, rng())
    assert np.abs(pairs.g_plus_us - plain.g_plus_us).max() <= 18.7 / 7 / 2 + 1e-9


def test_retention_moves_formed_cells_only():
    fresh = ResistiveWeights(retention=DRIFT).draw_pairs(SHAPE, rng())
    assert np.array_equal(fresh.g_plus_us, ResistiveWeights().draw_pairs(SHAPE, rng()).g_plus_us)
    old = ResistiveWeights(retention=DRIFT, retention_s=1e6).draw_pairs(SHAPE, rng())
    formed = fresh.g_plus_us > 0.1
    assert np.array_equal(old.g_plus_us[~formed], fresh.g_plus_us[~formed])
    lost = (fresh.g_plus_us - old.g_plus_us)[formed]
    assert lost.mean() == pytest.approx(0.1 * np.log(1e6), abs=0.02)
    assert lost.std() == pytest.approx(0.05 * np.log(1e6), rel=0.02)


def test_stuck_cells_do_not_drift():
    law = {"stuck_low": 0.3, "stuck_high": 0.3, "retention": DRIFT}
    fresh = ResistiveWeights(**law).draw_pairs(SHAPE, rng()).g_plus_us
    old = ResistiveWeights(**law, retention_s=1e6).draw_pairs(SHAPE, rng()).g_plus_us
    stuck = (fresh == 18.8) | (fresh == 0.1)
    assert stuck.mean() > 0.6
    assert np.array_equal(old[stuck], fresh[stuck])


@pytest.mark.parametrize("card", ["hfo2", "cmo-hfo2", "pcm"])
def test_the_card_says_how_its_cells_age(card):
    fresh = ResistiveWeights(card=card).draw(SHAPE, rng())
    old = ResistiveWeights(card=card, retention_s=86_400.0).draw(SHAPE, rng())
    assert 0.5 < np.corrcoef(fresh.ravel(), old.ravel())[0, 1] < 1


def test_laws_survive_serialisation():
    weights = ResistiveWeights(card="hfo2", levels=16, retention=DRIFT, retention_s=60.0)
    for law in (weights, ResistiveWeights(), GaussianWeights(sd_us=2.0)):
        text = msgspec.json.encode(law)
        assert msgspec.json.decode(text, type=GaussianWeights | ResistiveWeights) == law
    assert weights.digest() != ResistiveWeights(card="hfo2").digest()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"formed_fraction": 1.2}, "formed_fraction = 1.2"),
        ({"formed_fraction": -0.1}, "formed_fraction = -0.1"),
        ({"formed_fraction": float("nan")}, "formed_fraction = nan"),
        ({"stuck_low": 0.7, "stuck_high": 0.7}, "sum must not exceed 1"),
        ({"levels": 1}, "levels = 1"),
        ({"retention_s": -1.0}, "retention_s = -1"),
        ({"retention_s": 10.0}, "no source gives the retention of card 'macro-40nm'"),
        ({"card": "pcm", "temperature_k": 350.0}, "no activation energy"),
        ({"card": "flash"}, "there are cmo-hfo2, hfo2, macro-40nm, pcm"),
    ],
)
def test_bad_weights_are_refused(fields, why):
    with pytest.raises(ValueError, match=why):
        ResistiveWeights(**fields)

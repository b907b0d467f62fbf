"""Forming, conductance, faults and quantisation keep to their own statistics."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuromem.rram import (
    Faults,
    Forming,
    HistogramConductance,
    LognormalConductance,
    NormalConductance,
    Programming,
    UniformConductance,
    Window,
    quantise_int8,
    quantise_levels,
)

MACRO = Forming(mean_v=3.433, sd_v=0.114)
CELLS = (400, 500)
BINS = HistogramConductance(edges_us=[0.0, 1.0, 4.0, 5.0], counts=[2, 0, 6])
FINITE = st.floats(-1e6, 1e6)


@given(st.floats(0.001, 0.999))
def test_a_voltage_forms_the_fraction_it_was_chosen_for(fraction):
    assert MACRO.fraction(MACRO.voltage(fraction)) == pytest.approx(fraction, abs=1e-9)


@given(st.floats(0, 10), st.floats(0, 10))
def test_a_higher_voltage_never_forms_fewer_cells(one, other):
    low, high = sorted([one, other])
    assert 0 <= MACRO.fraction(low) <= MACRO.fraction(high) <= 1


def test_forming_covers_the_measured_range():
    assert MACRO.fraction(3.433) == 0.5
    assert MACRO.fraction(3.14) < 1 / 100
    assert MACRO.fraction(3.70) > 1 - 1 / 50


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.2, float("nan")])
def test_no_voltage_forms_none_or_all(fraction):
    with pytest.raises(ValueError, match="formed fraction"):
        MACRO.voltage(fraction)


@pytest.mark.parametrize(
    "law",
    [
        NormalConductance(mean_us=12.3, sd_us=1.8),
        LognormalConductance(mean_us=12.3, sd_us=5.0),
        UniformConductance(lowest_us=9.0, highest_us=88.2),
        BINS,
    ],
)
def test_conductances_have_the_mean_and_spread_of_their_law(law):
    drawn = law.draw(CELLS, np.random.default_rng(1))
    error = law.sd_us / np.sqrt(drawn.size)
    assert drawn.shape == CELLS
    assert drawn.min() >= 0
    assert drawn.mean() == pytest.approx(law.mean_us, abs=5 * error)
    assert drawn.std() == pytest.approx(law.sd_us, rel=0.02)


def test_the_logarithm_of_a_lognormal_conductance_is_symmetric():
    drawn = np.log(
        LognormalConductance(mean_us=5.0, sd_us=5.0).draw(CELLS, np.random.default_rng(5))
    )
    assert np.mean((drawn - drawn.mean()) ** 3) / drawn.std() ** 3 == pytest.approx(0, abs=0.05)


def test_a_histogram_is_drawn_as_measured():
    drawn = BINS.draw(CELLS, np.random.default_rng(2))
    counts, _ = np.histogram(drawn, BINS.edges_us)
    assert counts[1] == 0
    assert counts[0] / drawn.size == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize(
    ("edges", "counts", "why"),
    [
        ([0, 1, 1], [1, 1], "ascending"),
        ([-1, 1], [1], "not negative"),
        ([0, float("nan"), 2], [1, 1], "finite"),
        ([0, 1, 2], [1], "give 2"),
        ([0, 1, 2], [0, 0], "at least one bin"),
    ],
)
def test_a_bad_histogram_is_refused(edges, counts, why):
    with pytest.raises(ValueError, match=why):
        HistogramConductance(edges_us=edges, counts=counts)


def test_an_empty_range_of_conductances_is_refused():
    with pytest.raises(ValueError, match="must be below highest_us"):
        UniformConductance(lowest_us=5.0, highest_us=5.0)
    with pytest.raises(ValueError, match="must be below highest_us"):
        Window(lowest_us=5.0, highest_us=5.0)


def test_programmed_cells_miss_their_targets_by_the_law():
    law = Programming(full_us=40.0, sd_us=[0.348, 16.030, -43.853, 45.393, -16.815])
    assert law.sd(np.array([20.0])) == pytest.approx(2.0229, abs=1e-4)
    target = np.full(CELLS, 20.0)
    error = law.write(target, np.random.default_rng(3)) - target
    assert error.mean() == pytest.approx(0, abs=0.03)
    assert error.std() == pytest.approx(2.0229, rel=0.01)


def test_a_programming_law_is_never_negative():
    law = Programming(full_us=10.0, sd_us=[1.0, -5.0])
    assert law.sd(np.array([0.0, 5.0, 10.0])).tolist() == [1.0, 0.0, 0.0]
    assert law.write(np.zeros(1000), np.random.default_rng(4)).min() == 0
    with pytest.raises(ValueError, match="finite"):
        Programming(full_us=1.0, sd_us=[float("nan")])


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**32))
def test_faults_strike_at_their_rates_and_leave_the_others(low, high, seed):
    low, high = low / 2, high / 2
    window = Window(lowest_us=0.1, highest_us=20.0)
    struck = Faults(stuck_low=low, stuck_high=high).strike(
        np.full(10_000, 7.0), window, np.random.default_rng(seed)
    )
    assert set(np.unique(struck)) <= {0.1, 7.0, 20.0}
    assert np.mean(struck == 0.1) == pytest.approx(low, abs=0.03)
    assert np.mean(struck == 20.0) == pytest.approx(high, abs=0.03)


def test_more_faults_than_cells_are_refused():
    with pytest.raises(ValueError, match="sum must not exceed 1"):
        Faults(stuck_low=0.6, stuck_high=0.6)


@given(arrays(np.float64, st.integers(1, 50), elements=FINITE))
def test_int8_errs_by_half_a_step_at_most(weights):
    quantised, scale = quantise_int8(weights)
    assert quantised.dtype == np.int8
    assert quantised.min() >= -127
    assert np.all(np.abs(quantised * scale - weights) <= scale / 2 * (1 + 1e-9))
    assert np.array_equal(quantise_int8(-weights)[0], -quantised)


def test_int8_uses_its_whole_range_and_refuses_nan():
    assert quantise_int8(np.array([-2.0, 0.0, 1.0]))[0].tolist() == [-127, 0, 64]
    assert quantise_int8(np.zeros(3))[1] == 1.0
    with pytest.raises(ValueError, match="finite"):
        quantise_int8(np.array([1.0, np.nan]))


@given(arrays(np.float64, 20, elements=st.floats(0, 30)), st.integers(2, 300))
def test_levels_err_by_half_a_spacing_and_are_kept_when_quantised_again(g_us, levels):
    held = quantise_levels(g_us, levels, 1.0, 25.0)
    spacing = 24.0 / (levels - 1)
    inside = np.clip(g_us, 1.0, 25.0)
    assert np.all(np.abs(held - inside) <= spacing / 2 * (1 + 1e-9))
    assert np.array_equal(quantise_levels(held, levels, 1.0, 25.0), held)
    assert len(np.unique(held)) <= levels


def test_levels_need_a_range():
    with pytest.raises(ValueError, match="at least 2"):
        quantise_levels(np.ones(1), 1, 0.0, 1.0)
    with pytest.raises(ValueError, match="empty"):
        quantise_levels(np.ones(1), 4, 1.0, 1.0)

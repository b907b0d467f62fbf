"""Read noise over time: spread, spectrum, dwell times, stationarity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem.rram import (
    FlickerNoise,
    Pairs,
    TelegraphNoise,
    WhiteReadNoise,
    noisy_differences,
)

TELEGRAPH = TelegraphNoise(relative_amplitude=0.1, dwell_high_ms=8.0, dwell_low_ms=3.0)
FLICKER = FlickerNoise(relative_sd=0.05, f_min_hz=0.5)


def course(law, cells, steps, step_ms=1.0, seed=0):
    """Return the factors of the cells over time, [steps, cells]."""
    process = law.process(cells, step_ms, np.random.default_rng(seed))
    return np.array([process.step().copy() for _ in range(steps)])


def spectrum(noise, step_ms=1.0):
    """Return frequencies (Hz) and the mean power spectral density of noise [steps, cells]."""
    from scipy.signal import welch

    f, power = welch(noise, 1000 / step_ms, nperseg=min(4096, len(noise)), axis=0)
    return f[1:], power[1:].mean(axis=1)


def slope(f, power, low, high):
    inside = (f >= low) & (f <= high)
    return np.polyfit(np.log(f[inside]), np.log(power[inside]), 1)[0]


@pytest.mark.parametrize(
    ("law", "sd"),
    [
        (WhiteReadNoise(relative_sd=0.02), 0.02),
        (TELEGRAPH, TELEGRAPH.relative_sd),
        (FLICKER, 0.05),
        (FlickerNoise(relative_sd=0.05, f_min_hz=0.5, f_max_hz=1e6), 0.05),
    ],
)
def test_every_step_from_the_first_has_mean_one_and_the_spread_of_the_law(law, sd):
    noise = course(law, 50_000, 6)
    assert noise.dtype == np.float32
    for step in noise:
        assert step.mean() == pytest.approx(1, abs=5 * sd / np.sqrt(len(step)))
        assert step.std() == pytest.approx(sd, rel=0.02)


def test_white_noise_forgets_from_step_to_step():
    noise = course(WhiteReadNoise(relative_sd=0.02), 100_000, 2) - 1
    assert np.corrcoef(noise)[0, 1] == pytest.approx(0, abs=0.02)
    tails = np.mean(np.abs(noise) > 0.04)
    assert tails == pytest.approx(0.0455, abs=0.002)


def test_a_telegraph_cell_dwells_as_long_as_its_law_says():
    step_ms = 0.1
    high = course(TELEGRAPH, 200, 20_000, step_ms) > 1
    assert len(np.unique(np.round(course(TELEGRAPH, 10, 500), 6))) == 2
    changes = high[1:] != high[:-1]
    falls = (changes & high[:-1]).sum()
    rises = (changes & ~high[:-1]).sum()
    # Steps a cell is high for each fall; a step may hide a short dwell, hence the exact rate.
    rate = 1 / 8.0 + 1 / 3.0
    forget = 1 - np.exp(-rate * step_ms)
    assert high[:-1].sum() / falls == pytest.approx(1 / (3 / 11 * forget), rel=0.03)
    assert (~high[:-1]).sum() / rises == pytest.approx(1 / (8 / 11 * forget), rel=0.03)
    assert high[:-1].sum() / falls * step_ms == pytest.approx(8.0, rel=0.05)
    assert high.mean() == pytest.approx(8 / 11, abs=0.01)


def test_dwell_times_are_exponential():
    high = course(TELEGRAPH, 300, 20_000, 0.1) > 1
    lengths = []
    for cell in high.T:
        edges = np.flatnonzero(np.diff(cell.astype(int)))
        runs = np.diff(edges)
        lengths.extend(runs[int(cell[edges[0] + 1]) == 0 :: 2])
    lengths = np.array(lengths)
    # A geometric law: spread equals mean, and the chance to outlast the mean is 1/e.
    assert lengths.std() == pytest.approx(lengths.mean(), rel=0.05)
    assert np.mean(lengths > lengths.mean()) == pytest.approx(np.exp(-1), abs=0.02)


def test_telegraph_noise_is_correlated_as_long_as_its_traps_dwell():
    noise = course(TELEGRAPH, 20_000, 11) - 1
    rate = 1 / 8.0 + 1 / 3.0
    for lag in (1, 3, 10):
        seen = np.mean(noise[0] * noise[lag]) / np.mean(noise**2)
        assert seen == pytest.approx(np.exp(-rate * lag), abs=0.03)


def test_only_a_fraction_of_the_cells_has_traps():
    law = TelegraphNoise(relative_amplitude=0.2, dwell_high_ms=2.0, dwell_low_ms=2.0, fraction=0.3)
    noisy = np.ptp(course(law, 5_000, 60), axis=0) > 0
    assert noisy.mean() == pytest.approx(0.3, abs=0.03)


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.3])
def test_flicker_noise_has_the_slope_of_its_exponent(exponent):
    law = FlickerNoise(relative_sd=0.05, exponent=exponent, f_min_hz=0.2)
    f, power = spectrum(course(law, 200, 16_384))
    assert slope(f, power, 1.0, 100.0) == pytest.approx(-exponent, abs=0.1)


def test_flicker_noise_is_flat_below_its_lowest_frequency():
    f, power = spectrum(course(FlickerNoise(relative_sd=0.05, f_min_hz=50.0), 300, 8_192))
    assert slope(f, power, 0.5, 10.0) == pytest.approx(0, abs=0.1)


def test_noise_above_the_rate_of_reading_folds_back_as_white():
    law = FlickerNoise(relative_sd=0.05, f_min_hz=0.5, f_max_hz=5e5)
    from scipy.special import exp1

    noise = course(law, 2_000, 4_096)
    # Half of the six decades lie above 500 Hz: half of the variance is new at every read.
    change = np.mean((noise[1:] - noise[:-1]) ** 2) / 2
    assert change > 0.5 * 0.05**2
    # The rest is correlated as a continuum of fluctuators is: by the exponential integral.
    for lag in (10, 50, 200):
        seen = np.mean((noise[lag:] - 1) * (noise[:-lag] - 1)) / 0.05**2
        expected = exp1(2 * np.pi * 0.5 * lag / 1000) / np.log(1e6)
        assert seen == pytest.approx(expected, abs=0.01)
    assert np.var(noise) == pytest.approx(0.05**2, rel=0.02)


def test_cells_and_components_of_flicker_noise_are_independent():
    noise = course(FLICKER, 64, 20_000) - 1
    together = noise.mean(axis=1).std()
    # Slow components leave few independent samples: independent cells average to sd / sqrt(n).
    assert together == pytest.approx(0.05 / 8, rel=0.25)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([WhiteReadNoise(relative_sd=0.1), TELEGRAPH, FLICKER]),
    st.floats(0.01, 100),
    st.integers(0, 2**32),
    st.sampled_from([(7,), (3, 4), (2, 1, 5)]),
)
def test_the_same_seed_gives_the_same_noise_in_any_shape(law, step_ms, seed, shape):
    one, other = (law.process(shape, step_ms, np.random.default_rng(seed)) for _ in range(2))
    flat = law.process(int(np.prod(shape)), step_ms, np.random.default_rng(seed))
    for _ in range(3):
        factor = one.step()
        assert factor.shape == shape
        assert np.array_equal(factor, other.step())
        assert np.array_equal(factor.reshape(-1), flat.step())


def test_no_noise_leaves_every_cell_as_it_is():
    silent = [
        WhiteReadNoise(relative_sd=0.0),
        TelegraphNoise(relative_amplitude=0.0, dwell_high_ms=1, dwell_low_ms=1),
        TelegraphNoise(relative_amplitude=0.5, dwell_high_ms=1, dwell_low_ms=1, fraction=0.0),
        FlickerNoise(relative_sd=0.0, f_min_hz=1.0),
    ]
    for law in silent:
        assert np.all(course(law, 100, 5) == 1)


def test_a_pair_is_read_with_noise_of_its_own_in_each_cell():
    g = np.full((100, 300), 10.0)
    read = noisy_differences(
        Pairs(g, g.copy()), WhiteReadNoise(relative_sd=0.02), 1.0, np.random.default_rng(5)
    )
    first = read.step().copy()
    assert first.dtype == np.float32
    assert first.std() == pytest.approx(0.2 * np.sqrt(2), rel=0.02)
    assert abs(np.corrcoef(first.ravel(), read.step().ravel())[0, 1]) < 0.03


def test_pairs_without_noise_read_their_difference():
    pairs = Pairs(np.array([3.0, 0.0]), np.array([1.0, 2.0]))
    quiet = WhiteReadNoise(relative_sd=0.0)
    read = noisy_differences(pairs, quiet, 1.0, np.random.default_rng(0))
    for _ in range(3):
        assert read.step().tolist() == [2.0, -2.0]


def test_bad_pairs_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        Pairs(np.ones(2), np.ones(3))
    with pytest.raises(ValueError, match="G-: every conductance"):
        Pairs(np.ones(2), np.array([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"G\+: every conductance"):
        Pairs(np.array([1.0, np.nan]), np.ones(2))


@pytest.mark.parametrize("step_ms", [0.0, -1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("law", [WhiteReadNoise(relative_sd=0.1), TELEGRAPH, FLICKER])
def test_a_step_must_last(law, step_ms):
    with pytest.raises(ValueError, match="step_ms"):
        law.process(3, step_ms, np.random.default_rng(0))


def test_bad_laws_are_refused():
    with pytest.raises(ValueError, match="relative_sd"):
        WhiteReadNoise(relative_sd=float("nan"))
    with pytest.raises(ValueError, match="relative_amplitude"):
        TelegraphNoise(relative_amplitude=1.5, dwell_high_ms=1, dwell_low_ms=1)
    with pytest.raises(ValueError, match="dwell_low_ms"):
        TelegraphNoise(relative_amplitude=0.5, dwell_high_ms=1, dwell_low_ms=0)
    with pytest.raises(ValueError, match="must be below f_max_hz"):
        FlickerNoise(relative_sd=0.1, f_min_hz=10, f_max_hz=5)
    with pytest.raises(ValueError, match="with steps of 1 ms"):
        FlickerNoise(relative_sd=0.1, f_min_hz=600).process(3, 1.0, np.random.default_rng(0))

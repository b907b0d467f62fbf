"""Retention: the identity at time 0, one smooth course a cell, and the law of the source."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.rram import Exponent, LogRetention, PowerRetention, load_card

LOG = LogRetention(shift_us=0.089, shift_onset_s=1.0, spread_us=0.042, spread_onset_s=5.5e-5)
POWER = PowerRetention(
    exponent=Exponent(at_full=0.06), exponent_sd=Exponent(at_full=0.01), full_us=25.0, onset_s=20.0
)
HOT = LogRetention(
    shift_us=0.1, shift_onset_s=1.0, spread_us=0.0, spread_onset_s=1.0, activation_ev=1.0
)
LAWS = [LOG, POWER]
TIMES = st.floats(0, 1e9)
YEARS_10 = 3.1536e8


def aged(law, g_us, time_s, seed=0, **kwargs):
    return law.after(g_us, time_s, np.random.default_rng(seed), **kwargs)


@pytest.mark.parametrize("law", LAWS)
def test_at_time_zero_nothing_has_changed(law):
    g = np.linspace(0, 25, 1001)
    assert np.array_equal(aged(law, g, 0.0), g)


@pytest.mark.parametrize("law", LAWS)
@given(one=TIMES, other=TIMES, seed=st.integers(0, 2**32))
def test_the_mean_only_sinks_and_the_spread_only_grows(law, one, other, seed):
    early, late = sorted([one, other])
    g = np.full(4000, 20.0)
    before, after = aged(law, g, early, seed), aged(law, g, late, seed)
    assert after.mean() <= before.mean() + 0.05  # the mean of 4,000 fates is not quite 0
    if isinstance(law, LogRetention):
        assert after.std() >= before.std() - 1e-9
    else:
        assert np.all(after <= before)
        assert np.log(np.maximum(after, 1e-300)).std() >= np.log(before).std() - 1e-9
    assert after.min() >= 0


@pytest.mark.parametrize("law", LAWS)
@given(time_s=st.floats(1e-3, 1e8))
def test_time_is_continuous(law, time_s):
    g = np.linspace(1, 25, 200)
    apart = np.abs(aged(law, g, time_s * 1.0001) - aged(law, g, time_s))
    assert apart.max() < 1e-3


def test_log_retention_is_the_published_fit_of_cmo_hfo2():
    law = load_card("cmo-hfo2").retention
    g = np.full(200_000, 50.0)
    for time_s in (1.0, 3600.0, YEARS_10):
        after = aged(law, g, time_s)
        assert 50 - after.mean() == pytest.approx(0.089 * np.log1p(time_s), abs=0.01)
        assert after.std() == pytest.approx(0.042 * np.log(time_s) + 0.4118, rel=0.01)


def test_power_retention_is_the_published_fit_of_pcm():
    law = load_card("pcm").retention
    for relative, mean, sd in ((1.0, 0.049, 0.008), (0.1, 0.0601, 0.0229)):
        g = np.full(100_000, 25.0 * relative)
        exponent = -np.log(aged(law, g, 1e6) / g) / np.log(1 + 1e6 / 20)
        assert exponent.mean() == pytest.approx(mean, abs=2e-3)
        assert exponent.std() == pytest.approx(sd, rel=0.03)


def test_hfo2_widens_as_much_as_the_fits_it_comes_from():
    law = load_card("hfo2").retention
    g = np.full(100_000, 20.0)
    assert aged(law, g, 86_400.0).std() == pytest.approx(2.95, abs=0.15)
    assert aged(law, g, 172_800.0).std() == pytest.approx(2.94, abs=0.15)


def test_pcm_drifts_more_than_resistive_memory():
    loss = {
        name: 1 - aged(load_card(name).retention, np.full(10_000, 20.0), 86_400.0).mean() / 20
        for name in ("pcm", "cmo-hfo2", "hfo2")
    }
    assert loss["pcm"] > 0.3 > 0.1 > loss["cmo-hfo2"] > abs(loss["hfo2"])


def test_heat_speeds_up_time_as_arrhenius_says():
    g = np.full(5, 20.0)
    cold = aged(HOT, g, 1e6, temperature_k=298.15)
    assert np.allclose(cold, aged(HOT, g, 1e6))
    faster = np.exp(1.0 / 8.617333262e-5 * (1 / 298.15 - 1 / 358.15))
    assert np.allclose(aged(HOT, g, 10.0, temperature_k=358.15), aged(HOT, g, 10.0 * faster))
    assert aged(HOT, g, 10.0, temperature_k=358.15)[0] < aged(HOT, g, 10.0)[0]


@pytest.mark.parametrize("time_s", [-1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("law", LAWS)
def test_bad_times_are_refused(law, time_s):
    with pytest.raises(ValueError, match="retention time"):
        aged(law, np.ones(3), time_s)


def test_temperature_needs_an_activation_energy():
    with pytest.raises(ValueError, match="no activation energy"):
        aged(LOG, np.ones(3), 1.0, temperature_k=350.0)
    with pytest.raises(ValueError, match="above 0 K"):
        aged(HOT, np.ones(3), 1.0, temperature_k=0.0)


def test_exponent_bounds_must_not_cross():
    with pytest.raises(ValueError, match=r"Exponent\.lowest"):
        Exponent(at_full=0.1, lowest=0.2, highest=0.1)

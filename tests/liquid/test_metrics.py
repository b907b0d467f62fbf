"""Liquid metrics, on systems whose answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import default_rng

from neuromem.liquid.metrics import (
    generalisation_rank,
    jittered,
    kernel_quality,
    lyapunov,
    memory_capacity,
    memory_curve,
    pairwise_separation,
    separation,
    spectral_radius,
)
from neuromem.network import SpikeBatch


def noise_batch(samples=6, steps=40, channels=10, seed=0, p=0.2) -> SpikeBatch:
    dense = default_rng(seed).random((samples, steps, channels)) < p
    return SpikeBatch.of_dense(dense.astype(np.uint8))


def linear_run(recurrent, seed=0):
    """States of s_t = s_{t-1} A + x_t W, with a random W."""

    def run(batch: SpikeBatch) -> np.ndarray:
        drive = batch.dense() @ default_rng(seed).normal(size=(batch.channels, len(recurrent)))
        states = np.zeros_like(drive)
        state = np.zeros_like(drive[:, 0])
        for t in range(batch.steps):
            state = state @ recurrent + drive[:, t]
            states[:, t] = state
        return states

    return run


# Separation


def test_separation_of_two_clouds_by_hand() -> None:
    # Centres 10 apart, each state 1 from its centre.
    states = np.array([[-1.0, 0], [1, 0], [9, 0], [11, 0]])
    assert separation(states, np.array([0, 0, 1, 1])) == pytest.approx(10)
    assert separation(states[[0, 2]], np.array(["a", "b"])) == np.inf


@given(seed=st.integers(0, 99), gain=st.floats(0.01, 100))
def test_separation_depends_on_neither_scale_nor_order(seed: int, gain: float) -> None:
    rng = default_rng(seed)
    states, labels = rng.normal(size=(20, 5)), np.arange(20) % 3
    order, neurons = rng.permutation(20), rng.permutation(5)
    changed = 3 + gain * states[order][:, neurons]
    assert separation(changed, labels[order]) == pytest.approx(separation(states, labels))
    assert separation(states + 5 * labels[:, None], labels) > separation(states, labels)


@given(seed=st.integers(0, 99))
def test_pairwise_separation_of_a_rotation_is_perfect(seed: int) -> None:
    rng = default_rng(seed)
    inputs = rng.normal(size=(12, 2, 3))
    rotation = np.linalg.qr(rng.normal(size=(6, 6)))[0]
    found = pairwise_separation(inputs, inputs.reshape(12, 6) @ rotation)
    np.testing.assert_allclose(found.inputs, found.states)
    assert found.correlation == pytest.approx(1)
    assert found.inputs[0] == pytest.approx(np.linalg.norm(inputs[0] - inputs[1]))
    assert pairwise_separation(inputs, np.ones((12, 4))).correlation == 0


def test_pairwise_separation_reverses_its_sign() -> None:
    # Far apart in the input, close as states.
    found = pairwise_separation(np.array([[0.0], [1], [5]]), np.array([[0.0], [5], [1]]))
    assert -1 <= found.correlation < 0


# Ranks


@given(rank=st.integers(1, 6), rows=st.integers(6, 12), neurons=st.integers(6, 12))
def test_kernel_quality_is_the_rank(rank: int, rows: int, neurons: int) -> None:
    rng = default_rng(rank * 100 + rows)
    states = rng.normal(size=(rows, rank)) @ rng.normal(size=(rank, neurons))
    assert kernel_quality(states) == rank
    shuffled = states[rng.permutation(rows)][:, rng.permutation(neurons)]
    assert kernel_quality(7 * shuffled) == rank
    assert kernel_quality(rng.normal(size=(rows, neurons))) == min(rows, neurons)
    noisy = states + 1e-9 * rng.normal(size=states.shape)
    assert kernel_quality(noisy) == min(rows, neurons)
    assert generalisation_rank(noisy, tolerance=1e-6) == rank


def test_rank_of_silence() -> None:
    assert kernel_quality(np.zeros((4, 3))) == 0


@given(jitter=st.integers(0, 5), seed=st.integers(0, 99), counts=st.booleans())
def test_jitter_moves_spikes_no_further(jitter: int, seed: int, counts: bool) -> None:
    rng = default_rng(seed)
    dense = np.zeros((2, 60, 4), dtype=int)
    dense[1, 10:50:12] = 3 if counts else 1  # never closer than two jitters and a step
    batch = SpikeBatch.of_dense(dense)
    moved = jittered(batch, 1, 5, jitter, rng).dense()
    assert moved.shape == (5, 60, 4)
    for start in range(4, 52, 12):  # the neighbourhood of each spike keeps its number
        near = moved[:, start + 6 - jitter : start + 7 + jitter].sum(axis=1)
        np.testing.assert_array_equal(near > 0, True)
    assert moved.sum() == 5 * dense[1].sum() or not counts
    assert moved.sum() <= 5 * dense[1].sum()
    if jitter == 0:
        np.testing.assert_array_equal(moved, dense[[1] * 5])
    assert jittered(batch, 0, 2, jitter, rng).dense().sum() == 0


def test_jitter_of_binary_lines_stays_binary() -> None:
    moved = jittered(noise_batch(p=0.8), 2, 10, 3, default_rng(0))
    assert moved.count is None
    assert len(np.unique(moved.dense(), axis=0)) == 10


# Memory


def delay_line(signal: np.ndarray, length: int) -> np.ndarray:
    """States that hold the last ``length`` inputs, the present one not included."""
    padded = np.concatenate((np.zeros(length), signal))
    return np.stack([padded[length - k : len(padded) - k] for k in range(1, length + 1)], axis=1)


@pytest.mark.parametrize("length", [1, 4, 9])
def test_a_delay_line_remembers_its_length(length: int) -> None:
    signal = default_rng(0).normal(size=4000)
    rng = default_rng(1)
    # Mixed by a random matrix, so that no neuron holds one delay.
    states = delay_line(signal, length) @ rng.normal(size=(length, length))
    curve = memory_curve(states, signal, max_delay=20)
    np.testing.assert_allclose(curve[1 : length + 1], 1, atol=1e-3)
    assert curve[length + 1 :].max() < 0.02
    assert memory_capacity(curve) == pytest.approx(length, abs=0.1)
    assert 0 <= curve[0] < 0.02
    order = rng.permutation(length)
    np.testing.assert_allclose(memory_curve(states[:, order], signal, 20), curve, atol=1e-6)


def test_a_leaky_integrator_has_the_known_curve() -> None:
    # s_t = a s_{t-1} + x_t correlates with x_{t-k} by a^k sqrt(1 - a^2): one step in all.
    a, signal = 0.8, default_rng(2).normal(size=60_000)
    states = np.zeros((60_000, 1))
    for t in range(60_000):
        states[t] = a * states[t - 1] + signal[t]
    curve = memory_curve(states, signal, max_delay=30, washout=100)
    np.testing.assert_allclose(curve, (1 - a**2) * a ** (2 * np.arange(31)), atol=0.02)
    assert curve.sum() == pytest.approx(1, abs=0.05)


def test_unrelated_states_remember_nothing() -> None:
    rng = default_rng(3)
    signal, states = rng.normal(size=3000), rng.normal(size=(3000, 300))
    curve = memory_curve(states, signal, max_delay=20)
    assert memory_capacity(curve) < 0.2  # judged where they were fitted it would be about 3
    assert memory_capacity(memory_curve(np.ones((3000, 4)), signal, max_delay=20)) == 0


def test_streams_are_not_joined() -> None:
    rng = default_rng(4)
    signal = rng.normal(size=(20, 200))
    states = np.stack([delay_line(row, 3) for row in signal])
    assert memory_capacity(memory_curve(states, signal, 8)) == pytest.approx(3, abs=0.1)


# Dynamics


def test_spectral_radius() -> None:
    assert spectral_radius(np.array([[0.0, 2.0], [-2.0, 0.0]])) == pytest.approx(2)
    rng = default_rng(5)
    w = rng.normal(size=(200, 200)) / np.sqrt(200)  # the circular law: near 1
    assert spectral_radius(w) == pytest.approx(1, abs=0.15)
    order = rng.permutation(200)
    assert spectral_radius(-3 * w[np.ix_(order, order)]) == pytest.approx(3 * spectral_radius(w))


@pytest.mark.parametrize("growth", [0.5, 0.9, 1.0, 1.2])
def test_lyapunov_exponent_of_a_linear_system(growth: float) -> None:
    rotation = np.linalg.qr(default_rng(6).normal(size=(7, 7)))[0]
    found = lyapunov(linear_run(growth * rotation), noise_batch(), default_rng(0), step=5)
    assert found.exponent == pytest.approx(np.log(growth), abs=1e-3)
    assert found.distance.shape == (40,)
    assert (found.distance[:5] == 0).all()
    assert (found.distance[5:] > 0).all()


def test_lyapunov_of_a_system_that_forgets_at_once() -> None:
    assert lyapunov(linear_run(np.zeros((3, 3))), noise_batch(), default_rng(0)).exponent == -np.inf

    def deaf(batch: SpikeBatch) -> np.ndarray:
        return np.ones((len(batch), batch.steps, 2))

    assert lyapunov(deaf, noise_batch(), default_rng(0)).exponent == -np.inf


def test_twins_differ_in_one_spike_each() -> None:
    batch, seen = noise_batch(), []

    def run(given: SpikeBatch) -> np.ndarray:
        seen.append(given.dense())
        return np.zeros((len(given), given.steps, 1))

    lyapunov(run, batch, default_rng(0), step=7)
    differ = np.argwhere(seen[0] != seen[1])
    np.testing.assert_array_equal(differ[:, 0], np.arange(6))
    np.testing.assert_array_equal(differ[:, 1], 7)


def test_bad_use_is_named() -> None:
    batch = noise_batch()
    with pytest.raises(ValueError, match="two classes"):
        separation(np.ones((4, 2)), np.zeros(4))
    with pytest.raises(ValueError, match="give a matrix"):
        kernel_quality(np.ones(4))
    with pytest.raises(ValueError, match="tolerance"):
        kernel_quality(np.ones((2, 2)), tolerance=-1)
    with pytest.raises(ValueError, match="same number"):
        pairwise_separation(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="square"):
        spectral_radius(np.ones((2, 3)))
    with pytest.raises(ValueError, match="sample 6 of 6"):
        jittered(batch, 6, 1, 1, default_rng(0))
    with pytest.raises(ValueError, match="step = 40"):
        lyapunov(linear_run(np.eye(2)), batch, default_rng(0), step=40)
    with pytest.raises(ValueError, match="give \\(streams"):
        memory_curve(np.ones((10, 2)), np.ones(9), 2)
    with pytest.raises(ValueError, match="both to fit and to judge"):
        memory_curve(np.ones((10, 2)), np.ones(10), 9)

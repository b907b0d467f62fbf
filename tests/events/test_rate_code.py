"""Images drawn as spikes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.events.rate_code import bernoulli_spikes


def test_a_pixel_fires_with_its_probability_in_every_step():
    values = np.tile([[1.0, 0.5, 0.1, 0.0, -0.5, -1.0]], (2000, 1))
    rate = bernoulli_spikes(values, rng=1).dense().mean(axis=0)
    assert rate.shape == (50, 6)
    expected = np.array([0.4, 0.2, 0.04])
    # 5 standard errors of each of the 150 means over 2,000 samples
    error = 5 * np.sqrt(expected * (1 - expected) / 2000)
    assert np.all(np.abs(rate[:, :3] - expected) < error)
    assert not rate[:, 3:].any()


def test_spikes_are_independent_over_steps_and_pixels():
    dense = bernoulli_spikes(np.ones((4000, 2)), rng=2, steps=2, scale=0.5).dense()
    draws = dense.reshape(4000, 4)
    correlation = np.corrcoef(draws.T) - np.eye(4)
    assert np.abs(correlation).max() < 5 / np.sqrt(4000)


@given(
    samples=st.integers(1, 4),
    pixels=st.integers(1, 9),
    steps=st.integers(1, 7),
    seed=st.integers(0, 2**32),
)
def test_the_same_seed_gives_the_same_spikes_and_a_batch_begins_as_a_part_of_it(
    samples, pixels, steps, seed
):
    values = np.random.default_rng(seed).uniform(-1, 1, (samples, pixels))
    batch = bernoulli_spikes(values, seed, steps)
    assert (batch.samples, batch.steps, batch.channels) == (samples, steps, pixels)
    np.testing.assert_array_equal(
        batch.dense(), bernoulli_spikes(values, np.random.default_rng(seed), steps).dense()
    )
    first = bernoulli_spikes(values[:1], seed, steps)
    np.testing.assert_array_equal(batch.dense()[:1], first.dense())


def test_images_are_flattened_row_by_row():
    image = np.full((1, 2, 3), -1.0)
    image[0, 1, 0] = 1
    batch = bernoulli_spikes(image, rng=0, steps=3, scale=1.0)
    assert batch.channels == 6
    assert batch.channel.tolist() == [3, 3, 3]


def test_another_seed_gives_other_spikes():
    values = np.ones((1, 100))
    assert not np.array_equal(
        bernoulli_spikes(values, 0).dense(), bernoulli_spikes(values, 1).dense()
    )


@pytest.mark.parametrize(
    ("values", "arguments", "message"),
    [
        (np.full((1, 4), 255), {}, r"pixel value 255.*127\.5"),
        (np.full((1, 4), np.nan), {}, "pixel value nan"),
        (np.full((1, 4), -1.5), {}, r"pixel value -1\.5"),
        (np.ones(4), {}, r"shape \(4,\)"),
        (np.ones((0, 4)), {}, r"shape \(0, 4\)"),
        (np.array([["a"]]), {}, "dtype"),
        (np.ones((1, 4)), {"steps": 0}, "steps = 0"),
        (np.ones((1, 4)), {"scale": 0.0}, r"scale = 0\.0"),
        (np.ones((1, 4)), {"scale": 1.1}, r"scale = 1\.1"),
    ],
)
def test_bad_input_is_named(values, arguments, message):
    with pytest.raises(ValueError, match=message):
        bernoulli_spikes(values, rng=0, **arguments)

"""Input spikes of a batch: packed and unpacked without loss."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuromem.network import SpikeBatch

SHAPES = st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(1, 7))
counts = hnp.arrays(np.int64, SHAPES, elements=st.sampled_from([0, 0, 0, 1, 1, 2, 9]))
bits = hnp.arrays(np.bool_, SHAPES)


@given(st.one_of(counts, bits, counts.map(lambda a: a.astype(np.float32))))
def test_dense_and_back(dense):
    batch = SpikeBatch.of_dense(dense)
    assert (batch.samples, batch.steps, batch.channels) == dense.shape
    assert len(batch) == batch.samples
    assert np.array_equal(batch.dense(), dense)
    assert batch.dense().dtype == np.float32
    assert batch.binary == (dense.size == 0 or dense.max() <= 1)
    assert (batch.count is None) == batch.binary


@given(counts, st.data())
def test_a_part_is_some_of_the_samples(dense, data):
    batch = SpikeBatch.of_dense(dense)
    start = data.draw(st.integers(0, len(dense)))
    stop = data.draw(st.integers(start, len(dense)))
    part = batch.part(start, stop)
    assert np.array_equal(part.dense(), dense[start:stop])
    inner = data.draw(st.integers(0, stop - start))
    assert part.part(inner, stop - start).digest() == batch.part(start + inner, stop).digest()
    assert batch.part(0, len(batch)).digest() == batch.digest()


@given(counts.filter(lambda a: a.size), st.data())
def test_the_digest_changes_with_any_spike(dense, data):
    cell = data.draw(st.integers(0, dense.size - 1))
    other = dense.copy()
    other.flat[cell] += 1
    assert SpikeBatch.of_dense(other).digest() != SpikeBatch.of_dense(dense).digest()


def test_the_digest_changes_with_the_shape():
    shapes = [(2, 3, 4), (3, 2, 4), (2, 3, 5), (1, 6, 4), (2, 4, 3)]
    digests = {SpikeBatch.of_dense(np.zeros(shape)).digest() for shape in shapes}
    assert len(digests) == len(shapes)


def test_a_line_that_is_listed_twice_spikes_twice():
    batch = SpikeBatch(np.array([0, 2, 3]), np.array([1, 1, 1]), steps=2, channels=2)
    assert batch.dense().tolist() == [[[0, 2], [0, 1]]]
    assert not batch.binary
    assert batch.part(1, 1).binary
    # the same line in step after step is binary
    assert SpikeBatch(np.array([0, 1, 2, 2]), np.array([1, 1]), steps=3, channels=2).binary


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps = 0"),
        ({"offsets": [0, 1]}, "2 offsets: must be samples . steps . 1 with steps = 2"),
        ({"offsets": []}, "0 offsets"),
        ({"offsets": [0, 2, 1]}, "must ascend from 0 to the number of spikes, 2; .* from 0 to 1"),
        ({"offsets": [0, 3, 2]}, "must ascend"),
        ({"offsets": [1, 1, 2]}, "must ascend"),
        ({"channel": [0, 3]}, r"spike on channel 3: must be in 0\.\.2"),
        ({"channel": [-1, 0]}, "spike on channel -1"),
        ({"channel": np.array([0, 2**32])}, "spike on channel 4294967296"),
        ({"count": [1]}, "at least 1 for every spike"),
        ({"count": [1, 0]}, "at least 1 for every spike"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    fields = {"offsets": [0, 1, 2], "channel": [0, 2], "steps": 2, "channels": 3} | changes
    with pytest.raises(ValueError, match=message):
        SpikeBatch(**fields)


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 4), (2, 1), (4, 4)])
def test_a_part_outside_is_refused(start, stop):
    batch = SpikeBatch.of_dense(np.ones((3, 2, 2)))
    with pytest.raises(ValueError, match=rf"samples {start}\.\..*0\.\.2"):
        batch.part(start, stop)


@pytest.mark.parametrize("value", [-1, 0.5, np.nan, np.inf, 2.0**31])
def test_spike_numbers_that_are_none_are_refused(value):
    with pytest.raises(ValueError, match="whole, not negative"):
        SpikeBatch.of_dense(np.array([[[1.0, value]]]))


def test_dense_needs_three_axes():
    with pytest.raises(ValueError, match=r"shape \(2, 3\): give \(samples, steps, channels\)"):
        SpikeBatch.of_dense(np.zeros((2, 3)))

"""Who reaches whom: the statistics of each law."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.events import Framing
from neuromem.liquid import Dense, DistanceDependent, Liquid, ReceptiveField, Sparse


def grid(width: int, height: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns.ravel(), rows.ravel()], axis=1).astype(float)


def liquid(width: int, height: int, planes: int = 2, neurons: int = 300, **fields) -> Liquid:
    framing = Framing(sensor_size=(width, height, planes), steps=1)
    return Liquid(framing=framing, neurons=neurons, **fields)


def test_dense_connects_every_pair():
    rng = np.random.default_rng(0)
    assert Dense().mask(grid(4, 3), grid(2, 2), rng).all()
    assert Dense().mask(grid(4, 3), grid(2, 2), rng).shape == (12, 4)


@pytest.mark.parametrize("p", [0.02, 0.3, 1.0])
def test_sparse_connects_with_its_probability(p):
    pre, post = grid(20, 20), grid(30, 10)
    mask = Sparse(p_connect=p).mask(pre, post, np.random.default_rng(1))
    share = np.sqrt(p * (1 - p))
    assert abs(mask.mean() - p) <= 5 * share / np.sqrt(mask.size)
    # each pair on its own: the degrees spread as binomial numbers do
    assert np.std(mask.sum(axis=0)) == pytest.approx(share * np.sqrt(len(pre)), rel=0.2)
    assert np.std(mask.sum(axis=1)) == pytest.approx(share * np.sqrt(len(post)), rel=0.2)


@given(
    st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 2]), st.integers(1, 15),
    st.integers(0, 99),
)  # fmt: skip
def test_a_receptive_field_of_whole_pixels_is_as_large_for_every_neuron(
    width, height, planes, size, seed
):
    made = liquid(width, height, planes, 40, seed=seed,
                  input_wiring=ReceptiveField(size_px=size))  # fmt: skip
    connected = made.input_matrix() != 0
    expected = planes * min(size, width) * min(size, height)
    assert connected.sum(axis=0).tolist() == [expected] * 40


def test_a_receptive_field_is_the_square_around_a_neuron():
    pre = grid(9, 7)
    post = np.array([[4.2, 3.1], [0.0, 0.0], [8.4, 6.4], [4.2, -0.4]])
    mask = ReceptiveField(size_px=3).mask(pre, post, np.random.default_rng(0))
    squares = [((3, 5), (2, 4)), ((0, 2), (0, 2)), ((6, 8), (4, 6)), ((3, 5), (0, 2))]
    for column, ((left, right), (top, bottom)) in enumerate(squares):
        seen = pre[mask[:, column]]
        assert seen.min(axis=0).tolist() == [left, top]
        assert seen.max(axis=0).tolist() == [right, bottom]
        assert len(seen) == 9


def test_a_receptive_field_larger_than_the_window_is_the_window():
    made = liquid(6, 5, 1, 20, input_wiring=ReceptiveField(size_px=1e6))
    assert (made.input_matrix() != 0).all()


def test_neurons_see_the_pixels_where_they_lie():
    made = liquid(20, 9, 2, input_wiring=ReceptiveField(size_px=3))
    connected = made.input_matrix() != 0
    _, row, column = made.framing.positions().T
    places = made.places()
    inner = np.all((places > 1.5) & (places < [17.5, 6.5]), axis=1)
    assert inner.sum() > 100
    seen = np.stack([connected.T @ column, connected.T @ row], axis=1) / 18  # 9 pixels, 2 planes
    assert np.abs(seen - places)[inner].max() <= 0.5


def test_the_planes_of_a_pixel_are_seen_together():
    connected = liquid(8, 6, 2, input_wiring=ReceptiveField(size_px=3)).input_matrix() != 0
    off, on = np.split(connected, 2)
    assert np.array_equal(off, on)


@pytest.mark.parametrize(("length", "p"), [(2.0, 1.0), (5.0, 0.4)])
def test_the_probability_falls_with_distance(length, p):
    rng = np.random.default_rng(2)
    pre, post = rng.uniform(0, 12, (700, 2)), rng.uniform(0, 12, (900, 2))
    mask = DistanceDependent(length_px=length, p_connect=p).mask(pre, post, rng)
    distance = np.hypot(*(pre[:, None] - post[None]).transpose(2, 0, 1))
    expected = p * np.exp(-((distance / length) ** 2))
    for low, high in pairwise(np.linspace(0, 2.2 * length, 12)):
        ring = (distance >= low) & (distance < high)
        error = np.sqrt((expected[ring] * (1 - expected[ring])).sum())
        assert abs(mask[ring].sum() - expected[ring].sum()) <= 5 * error


def test_recurrent_connections_follow_the_distance_of_the_neurons():
    made = liquid(10, 10, 1, recurrent_wiring=DistanceDependent(length_px=2.0))
    matrix = made.recurrent_matrix()
    assert matrix is not None
    places = made.places()
    distance = np.hypot(*(places[:, None] - places[None]).transpose(2, 0, 1))
    connected = matrix != 0
    assert distance[connected].mean() < 2.5 < distance[~connected].mean()
    assert connected.diagonal().all()  # exp(0) = 1


def test_the_generator_decides():
    law, pre = Sparse(p_connect=0.5), grid(9, 9)
    masks = [law.mask(pre, pre, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert np.array_equal(masks[0], masks[1])
    assert not np.array_equal(masks[0], masks[2])


@pytest.mark.parametrize(
    ("law", "fields", "message"),
    [
        (Sparse, {"p_connect": 0.0}, r"Sparse.p_connect = 0\.0"),
        (Sparse, {"p_connect": 1.1}, r"Sparse.p_connect = 1\.1"),
        (Sparse, {"p_connect": float("nan")}, "Sparse.p_connect = nan"),
        (ReceptiveField, {"size_px": 0.0}, "ReceptiveField.size_px"),
        (ReceptiveField, {"size_px": float("inf")}, "ReceptiveField.size_px = inf"),
        (DistanceDependent, {"length_px": -1.0}, "DistanceDependent.length_px"),
        (DistanceDependent, {"length_px": 1.0, "p_connect": 2.0}, "DistanceDependent.p_connect"),
    ],
)
def test_bad_laws_are_refused(law, fields, message):
    with pytest.raises(ValueError, match=message):
        law(**fields)

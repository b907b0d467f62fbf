"""Laws of recognition across senses: right is found, chance is as said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem.protocols.zero_shot.metrics import (
    accuracy,
    harmonic_mean,
    left_out,
    prototypes,
    recognise,
)

HOW = ("prototypes", "recordings")


@pytest.mark.parametrize("how", HOW)
@given(classes=st.integers(2, 8), each=st.integers(1, 5), seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_the_same_embedding_is_recognised_and_any_scale_or_order_of_it(how, classes, each, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), each))
    gallery = np.eye(classes)[labels]
    queries = gallery * rng.uniform(0.1, 9, (len(labels), 1))
    assert np.array_equal(recognise(queries, gallery, labels, range(classes), how), labels)


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("classes", [2, 4, 8])
def test_random_embeddings_are_recognised_by_chance_whatever_the_class_sizes(how, classes):
    rng = np.random.default_rng(classes)
    found = []
    for _ in range(200):
        labels = rng.choice(classes, 60, p=np.arange(1, classes + 1) / sum(range(classes + 1)))
        labels[:classes] = np.arange(classes)
        queries, gallery = rng.normal(size=(2, 60, 16))
        found.append(accuracy(recognise(queries, gallery, labels, range(classes), how), labels))
    # 200 means of 60 answers: the standard error is below 0.01.
    assert np.mean(found) == pytest.approx(1 / classes, abs=0.035)


def test_a_constant_answer_is_chance_in_unequal_classes():
    labels = np.array([0] * 90 + [1] * 10)
    assert accuracy(np.zeros(100, int), labels) == 0.5


def test_recordings_of_other_classes_are_no_part_of_the_gallery():
    gallery, labels = np.array([[1.0, 0], [0, 1], [0.9, 0.1]]), np.array([0, 1, 7])
    for how in HOW:
        assert recognise(np.array([[0.9, 0.1]]), gallery, labels, (0, 1), how).tolist() == [0]
        assert recognise(np.array([[0.9, 0.1]]), gallery, labels, (1, 7), how).tolist() == [7]


def test_nearest_class_and_nearest_recording_may_differ():
    gallery = np.array([[1.0, 0], [-0.6, 0.8], [0.5, 0.87]])
    labels, query = np.array([0, 0, 1]), np.array([[0.95, 0.31]])
    assert recognise(query, gallery, labels, (0, 1), "recordings").tolist() == [0]
    assert recognise(query, gallery, labels, (0, 1), "prototypes").tolist() == [1]


def test_prototypes_have_unit_length_and_need_a_recording():
    rng = np.random.default_rng(0)
    labels = np.repeat([3, 5], 4)
    found = prototypes(rng.normal(size=(8, 6)), labels, (5, 3))
    assert np.linalg.norm(found, axis=1) == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="no recording of class 4"):
        prototypes(rng.normal(size=(8, 6)), labels, (3, 4))


@pytest.mark.parametrize("which", [0, 1])
def test_embeddings_that_are_not_finite_are_named(which):
    parts = [np.eye(3), np.eye(3)]
    parts[which][1, 1] = np.nan
    with pytest.raises(ValueError, match=f"{('queries', 'gallery')[which]}: 1 embeddings"):
        recognise(*parts, np.arange(3), range(3))


@pytest.mark.parametrize(
    "seen, unseen, mean", [(0, 0, 0), (1, 0, 0), (0.5, 0.5, 0.5), (1, 0.5, 2 / 3)]
)
def test_harmonic_mean(seen, unseen, mean):
    assert harmonic_mean(seen, unseen) == pytest.approx(mean)


@given(st.integers(4, 10), st.integers(2, 4), st.data())
@settings(max_examples=40, deadline=None)
def test_sets_left_out_are_all_there_and_the_first_ones_are_balanced(classes, k, data):
    if k > classes - 2:
        with pytest.raises(ValueError, match="unseen of"):
            left_out(range(classes), k)
        return
    found = left_out(range(classes), k)
    assert len(set(found)) == len(found)
    assert all(len(set(one)) == k and one == tuple(sorted(one)) for one in found)
    some = data.draw(st.integers(1, len(found)))
    assert left_out(range(classes), k, some) == found[:some]
    used = np.bincount(np.ravel(found[:some]), minlength=classes)
    if some * k <= classes:
        assert used.max() == 1


def test_all_pairs_of_digits_are_45_and_more_are_refused():
    assert len(left_out(range(10))) == 45
    assert len(left_out(range(10), 3)) == 120
    for limit in (0, 46):
        with pytest.raises(ValueError, match=r"there are 1\.\.45"):
            left_out(range(10), 2, limit)

"""The closed-form alignments: what they find and promise, and how the shrinkage is chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'neuromem-snn[data]'")

from sklearn.cross_decomposition import CCA
from sklearn.linear_model import Ridge

from neuromem.heads import (
    CCAAligner,
    ProcrustesAligner,
    PrototypeAligner,
    RidgeAligner,
    Sense,
    retrieval_accuracy,
)
from tests.heads.two_senses import (
    CLASSES,
    UNSEEN,
    divided,
    found,
    of_classes,
    other_space,
    seen,
    senses,
    unseen_accuracy,
)

ALIGNERS = [CCAAligner, RidgeAligner, ProcrustesAligner, PrototypeAligner]


@pytest.mark.parametrize("kind", ALIGNERS)
@pytest.mark.parametrize("widths", [(30, 50), (900, 30)])  # more features than samples, and fewer
def test_classes_never_seen_are_found(kind, widths) -> None:
    first, second = senses(widths=widths)
    aligner = kind().fit(seen(first), seen(second))
    assert unseen_accuracy(aligner, first, second) > 0.9  # chance 0.5


@pytest.mark.parametrize("kind", ALIGNERS)
def test_senses_with_nothing_in_common_are_found_by_chance_alone(kind) -> None:
    accuracies = []
    for seed in range(8):
        first, second = other_space(*senses(seed), seed=seed)
        aligner = kind().fit(seen(first), seen(second))
        accuracies.append(unseen_accuracy(aligner, first, second))
    assert 0.2 < np.mean(accuracies) < 0.8


@pytest.mark.parametrize("kind", ALIGNERS)
def test_rows_have_unit_length_and_features_are_not_changed(kind) -> None:
    first, second = map(seen, senses())
    before = first.features.copy()
    first.features.flags.writeable = False
    aligner = kind().fit(first, second)
    size = CLASSES - len(UNSEEN) - (kind is not PrototypeAligner)
    for rows in (aligner.embed_first(first.features), aligner.embed_second(second.features)):
        assert rows.dtype == np.float32
        assert rows.shape == (len(first.labels), size)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(first.features, before)


def test_cca_finds_the_directions_of_scikit_learns() -> None:
    # One sample of each class with each of the other sense: all pairs of equal class.
    first, second = map(seen, senses(noise=0.3, widths=(6, 7), each=5))
    pairs = np.argwhere(first.labels[:, None] == second.labels)
    x, y = (s.features[i].astype(np.float64) for s, i in zip((first, second), pairs.T, strict=True))
    x, y = ((m - m.mean(axis=0)) / m.std(axis=0) for m in (x, y))
    labels = first.labels[pairs[:, 0]]
    whole = (Sense(x, labels), Sense(y, labels))
    aligner = CCAAligner(shrinkages=[1e-9]).fit(*whole, validation=whole)
    a, b = CCA(n_components=4, tol=1e-12, max_iter=5000).fit_transform(x, y)
    for ours, theirs in (
        (aligner._linear[0][0] @ x.T, a),
        (aligner._linear[1][0] @ y.T, b),
    ):
        for k in range(4):  # the hidden space has four dimensions
            assert abs(np.corrcoef(ours[k], theirs[:, k])[0, 1]) > 0.99


def test_ridge_solves_the_equation_it_states() -> None:
    first, second = map(seen, senses(widths=(6, 20)))
    first = Sense(first.features.astype(np.float64), first.labels)
    second = Sense(second.features.astype(np.float64), second.labels)
    whole = (first, second)
    gamma = 0.3
    aligner = RidgeAligner(shrinkages=[gamma]).fit(*whole, validation=whole)
    z, other = ((s.features - s.features.mean(0)) / s.features.std(0) for s in whole)
    classes = np.unique(first.labels)
    means = np.stack([other[second.labels == c].mean(axis=0) for c in classes])
    targets = means[np.searchsorted(classes, first.labels)]
    # (1 - g) S + g mean(S) I: the same as a penalty of g / (1 - g) on S, whose mean is 1.
    peer = Ridge(alpha=gamma / (1 - gamma) * len(z)).fit(z, targets)
    u, v = peer.predict(z), other @ np.linalg.pinv(means - means.mean(0)) @ (means - means.mean(0))
    u, v = (m / np.linalg.norm(m, axis=1, keepdims=True) for m in (u, v))
    ours = aligner.embed_first(first.features) @ aligner.embed_second(second.features).T
    np.testing.assert_allclose(ours, u @ v.T, atol=1e-5)


def test_procrustes_recovers_a_rotation() -> None:
    first, _ = map(seen, senses(widths=(30, 30)))
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(30, 30)))[0]
    z = (first.features - first.features.mean(0)) / first.features.std(0)
    whole = (Sense(z, first.labels), Sense(z @ turn, first.labels))
    aligner = ProcrustesAligner(shrinkages=[0.5]).fit(*whole, validation=whole)
    # Standardising the turned features squeezes them a little: nearly the same rows.
    u, v = aligner.embed_first(z), aligner.embed_second(z @ turn)
    assert np.median(np.einsum("ij,ij->i", u, v)) > 0.98


def test_prototypes_are_likenesses_of_each_sense_alone() -> None:
    first, second = map(seen, senses(widths=(20, 30)))
    whole = (first, second)
    aligner = PrototypeAligner(shrinkages=[0.2]).fit(*whole, validation=whole)
    z = (first.features - first.features.mean(0)) / first.features.std(0)
    z = z.astype(np.float64)
    classes = np.unique(first.labels)
    means = np.stack([z[first.labels == c].mean(axis=0) for c in classes])
    gap = z - means[np.searchsorted(classes, first.labels)]
    within = gap.T @ gap / len(z)
    sigma = 0.8 * within + 0.2 * np.trace(within) / 20 * np.eye(20)
    difference = z[:, None] - means
    score = -0.5 * np.einsum("nci,ij,ncj->nc", difference, np.linalg.inv(sigma), difference)
    score -= score.mean(axis=1, keepdims=True)
    score /= np.linalg.norm(score, axis=1, keepdims=True)
    np.testing.assert_allclose(aligner.embed_first(first.features), score, atol=2e-4)


@pytest.mark.parametrize("kind", ALIGNERS)
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 99), gain=st.floats(0.1, 10), offset=st.floats(-5, 5))
def test_order_scale_and_offset_of_samples_do_not_matter(kind, seed, gain, offset) -> None:
    (a, a_held), (b, b_held) = (divided(seen(sense)) for sense in senses(widths=(12, 15)))
    order = np.random.default_rng(seed).permutation(len(a.labels))
    moved = Sense(a.features[order].astype(np.float64) * gain + offset, a.labels[order])
    moved_held = Sense(a_held.features.astype(np.float64) * gain + offset, a_held.labels)
    before = kind().fit(a, b, validation=(a_held, b_held))
    after = kind().fit(moved, b, validation=(moved_held, b_held))
    likeness = [
        m.embed_first(x.features) @ m.embed_second(b.features).T
        for m, x in ((before, a_held), (after, moved_held))
    ]
    np.testing.assert_allclose(*likeness, atol=5e-3)


@pytest.mark.parametrize("kind", ALIGNERS)
def test_shrinkage_is_the_one_best_on_validation(kind) -> None:
    (a, a_held), (b, b_held) = (divided(seen(sense)) for sense in senses(noise=2.0))
    aligner = kind().fit(a, b, validation=(a_held, b_held))
    tried = aligner.validation_scores_
    assert len(set(tried.values())) > 1
    assert tried[aligner.shrinkage_] == max(tried.values())
    assert found(aligner, a_held, b_held) == pytest.approx(max(tried.values()), abs=0.01)


@pytest.mark.parametrize("kind", ALIGNERS)
def test_the_held_out_draw_is_seeded(kind) -> None:
    first, second = map(seen, senses(noise=2.0))
    one, again, other = (kind(seed=seed).fit(first, second) for seed in (1, 1, 2))
    rows = [aligner.embed_first(first.features) for aligner in (one, again, other)]
    np.testing.assert_array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def bad(first, second):
    hole = first.features.copy()
    hole[5, 3] = np.nan
    return {
        r"X\[5, 3\] = nan": (Sense(hole, first.labels), second, None),
        "class 4 has no sample in the second sense": (first, of_classes(second, [0, 1, 2]), None),
        "all samples are of class 0": (of_classes(first, [0]), of_classes(second, [0]), None),
        "labels of shape": (Sense(first.features[:-1], first.labels), second, None),
        "validation has class 3, training has none": (first, second, senses()),
        "validation X of 50 features: training had 30": (first, second, (second, second)),
    }


@pytest.mark.parametrize("kind", ALIGNERS)
@pytest.mark.parametrize("message", list(bad(*map(seen, senses()))))
def test_bad_samples_are_named(kind, message) -> None:
    first, second, validation = bad(*map(seen, senses()))[message]
    with pytest.raises(ValueError, match=message):
        kind().fit(first, second, validation=validation)


def test_bad_use_is_named() -> None:
    first, second = map(seen, senses())
    for shrinkages in ([], [0.0], [1.0], [float("nan")]):
        with pytest.raises(ValueError, match="shrinkages"):
            CCAAligner(shrinkages=shrinkages)
    with pytest.raises(ValueError, match="call fit first"):
        CCAAligner().embed_first(first.features)
    with pytest.raises(ValueError, match="50 features: training had 30"):
        CCAAligner().fit(first, second).embed_first(second.features)


def test_retrieval_of_equal_embeddings_is_perfect_and_of_random_ones_chance() -> None:
    labels = np.arange(2000) % 4
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 5))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert retrieval_accuracy(rows, labels, rows, labels) == 1
    assert retrieval_accuracy(rows, labels, np.roll(rows, 1, axis=0), labels) == 0
    other = rng.permutation(rows)
    assert retrieval_accuracy(rows, labels, other, labels) == pytest.approx(0.25, abs=0.05)

"""The closed-form and softmax readouts, against scikit-learn and against what they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="needs scikit-learn: pip install 'neuromem-snn[data]'")

from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge

from neuromem.heads import LDAReadout, LogisticReadout, RidgeReadout, gram

READOUTS = [RidgeReadout, LDAReadout, LogisticReadout]


def clouds(samples=300, features=12, classes=4, spread=1.0, seed=0, dtype=np.float64):
    """Gaussian clouds, one a class, of features on different scales."""
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % classes
    X = 2.0 * rng.normal(size=(classes, features))[y] + spread * rng.normal(
        size=(samples, features)
    )
    return (X * 10.0 ** rng.uniform(-2, 2, features) + rng.normal(size=features)).astype(dtype), y


def scaled(X, like):
    return (X - like.mean(axis=0)) / like.std(axis=0)


def test_ridge_solves_the_equation_it_states() -> None:
    X, y = clouds()
    readout = RidgeReadout(penalties=[0.3], refit=False).fit(X, y, validation=(X[:9], y[:9]))
    z = scaled(X, X)
    peer = Ridge(alpha=0.3 * len(X)).fit(z, np.eye(4)[y])
    np.testing.assert_allclose(readout.decision_function(X), peer.predict(z), atol=1e-9)


def test_ridge_refit_is_a_fit_to_both_sets_scaled_as_in_training() -> None:
    X, y = clouds()
    train, valid = slice(0, 200), slice(200, 300)
    readout = RidgeReadout(penalties=[0.3]).fit(X[train], y[train], validation=(X[valid], y[valid]))
    z = scaled(X, X[train])
    peer = Ridge(alpha=0.3 * len(X)).fit(z, np.eye(4)[y])
    np.testing.assert_allclose(readout.decision_function(X), peer.predict(z), atol=1e-9)


@pytest.mark.parametrize("refit", [False, True])
def test_dual_and_primal_agree(refit: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = clouds(samples=60, features=90)  # fewer samples than features: dual
    validation = (X[40:], y[40:])
    made = []
    dual = gram.Dual.add
    monkeypatch.setattr(gram.Dual, "add", lambda *args: (made.append(1), dual(*args))[1])
    readout = RidgeReadout(penalties=[0.1], refit=refit).fit(X[:40], y[:40], validation=validation)
    assert made
    rows = slice(0, 60 if refit else 40)
    z = scaled(X, X[:40])
    peer = Ridge(alpha=0.1 * len(z[rows])).fit(z[rows], np.eye(4)[y[rows]])
    np.testing.assert_allclose(readout.decision_function(X), peer.predict(z), atol=1e-9)


@pytest.mark.parametrize("samples", [60, 300])
def test_blocks_change_nothing(samples: int, monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = clouds(samples=samples, features=90)
    whole = RidgeReadout().fit(X, y)
    monkeypatch.setattr(gram, "BLOCK", 7 * 90)
    pieces = RidgeReadout().fit(X, y)
    assert whole.validation_scores_ == pieces.validation_scores_
    np.testing.assert_allclose(pieces.coef_, whole.coef_, rtol=1e-7, atol=1e-12)


def test_lda_equals_scikit_learns() -> None:
    X, y = clouds()
    y = np.where(y == 3, 2, y)  # unequal frequencies
    readout = LDAReadout(shrinkages=[0.2], refit=False).fit(X, y, validation=(X[:9], y[:9]))
    z = scaled(X, X)
    peer = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(z, y)
    np.testing.assert_allclose(readout.decision_function(X), peer.decision_function(z), rtol=1e-7)


@pytest.mark.parametrize("classes", [2, 4])
def test_softmax_equals_scikit_learns(classes: int) -> None:
    X, y = clouds(classes=classes, spread=4.0)
    readout = LogisticReadout(penalties=[0.01], refit=False, tol=1e-8, max_iter=1000)
    readout.fit(X, y, validation=(X[:9], y[:9]))
    assert readout.converged_
    z = scaled(X, X)
    peer = LogisticRegression(C=1 / (0.01 * len(X)), tol=1e-8, max_iter=1000).fit(z, y)
    np.testing.assert_allclose(readout.predict_proba(X), peer.predict_proba(z), atol=1e-5)


def test_softmax_says_when_it_did_not_converge() -> None:
    X, y = clouds(spread=4.0)
    readout = LogisticReadout(penalties=[1e-4], max_iter=2).fit(X, y)
    assert not readout.converged_
    assert readout.iterations_ == 2


@pytest.mark.parametrize("kind", READOUTS)
def test_strength_is_the_one_best_on_validation(kind) -> None:
    X, y = clouds(samples=80, features=60, spread=6.0)
    valid = clouds(samples=400, features=60, spread=6.0)
    readout = kind(refit=False).fit(X, y, validation=valid)
    chosen = readout.shrinkage_ if kind is LDAReadout else readout.penalty_
    tried = readout.validation_scores_
    assert len(set(tried.values())) > 1
    assert tried[chosen] == max(tried.values())
    assert readout.score(*valid) == pytest.approx(tried[chosen], abs=0.01)


@pytest.mark.parametrize("kind", READOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_single_precision_and_counts_keep_their_accuracy(kind, dtype) -> None:
    X, y = clouds(spread=2.0)
    X = 1000.0 + np.round(100 * scaled(X, X))  # a mean ten times the spread
    double, other = kind().fit(X, y), kind().fit(X.astype(dtype), y)
    assert other.coef_.dtype == np.float32
    assert np.mean(double.predict(X) == other.predict(X.astype(dtype))) > 0.99


@pytest.mark.parametrize("kind", READOUTS)
@settings(max_examples=5)
@given(seed=st.integers(0, 10), gain=st.floats(0.01, 100), value=st.floats(-50, 50))
def test_scale_of_features_and_constant_features_do_not_matter(kind, seed, gain, value) -> None:
    X, y = clouds(seed=seed, spread=3.0)
    before = kind().fit(X, y)
    changed = X * gain + value
    if kind is not LDAReadout:  # whose shrinkage depends on the number of features
        changed = np.hstack((changed, np.full((len(X), 1), value)))
    after = kind().fit(changed, y)
    changed[:, len(X[0]) :] += 1  # never seen to vary: no influence
    np.testing.assert_allclose(
        after.decision_function(changed), before.decision_function(X), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("kind", READOUTS)
def test_labels_of_any_kind_and_seeded_holdout(kind) -> None:
    X, y = clouds(spread=2.0)
    names = np.array(["a", "b", "c", "d"])[y]
    first, again = kind(seed=1).fit(X, names), clone(kind(seed=1)).fit(X, names)
    assert set(first.predict(X)) <= set("abcd")
    np.testing.assert_array_equal(first.coef_, again.coef_)
    assert first.score(X, names) > 0.9


@pytest.mark.parametrize("kind", READOUTS)
def test_features_are_not_changed(kind) -> None:
    X, y = clouds(dtype=np.float32)
    before = X.copy()
    X.flags.writeable = False
    kind().fit(X, y).predict(X)
    np.testing.assert_array_equal(X, before)


def bad(X, y):
    hole = X.copy()
    hole[5, 3] = np.nan
    endless = X.copy()
    endless[7, 0] = np.inf
    return {
        r"X\[5, 3\] = nan": (hole, y, None),
        r"X\[7, 0\] = inf": (endless, y, None),
        r"validation X\[5, 3\] = nan": (X, y, (hole, y)),
        "labels of shape": (X, y[:-1], None),
        r"shape \(12,\)": (X[0], y[:1], None),
        "at least two classes": (X, np.zeros(len(X)), None),
        "has one sample": (X, np.where(np.arange(len(X)) == 0, 9, y), None),
        "validation has class 3, training has none": (X[y < 3], y[y < 3], (X, y)),
        "training had 12": (X, y, (X[:, :5], y)),
    }


@pytest.mark.parametrize("kind", READOUTS)
@pytest.mark.parametrize("message", list(bad(*clouds())))
def test_bad_samples_are_named(kind, message: str) -> None:
    X, y, validation = bad(*clouds())[message]
    with pytest.raises(ValueError, match=message):
        kind().fit(X, y, validation=validation)


@pytest.mark.parametrize(
    ("readout", "message"),
    [
        (RidgeReadout(penalties=[]), "penalties"),
        (RidgeReadout(penalties=[0.0, 1.0]), "above 0"),
        (LDAReadout(shrinkages=[0.5, 1.0]), "below 1"),
        (LogisticReadout(penalties=[-1.0]), "penalties"),
        (RidgeReadout(holdout=0.0), "holdout = 0.0"),
    ],
)
def test_bad_settings_are_named(readout, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        readout.fit(*clouds())


def test_prediction_is_checked() -> None:
    X, y = clouds()
    with pytest.raises(ValueError, match="call fit first"):
        RidgeReadout().predict(X)
    readout = RidgeReadout().fit(X, y)
    with pytest.raises(ValueError, match="5 features: training had 12"):
        readout.predict(X[:, :5])
    with pytest.raises(ValueError, match="must be finite"):
        readout.predict(X * np.nan)


def test_a_penalty_that_only_the_refit_cannot_solve_gives_way_to_a_stronger(monkeypatch) -> None:
    X, y = clouds(samples=100, features=6, dtype=np.float32)
    honest = gram._solve
    sizes = []

    def too_weak_at_last(matrix, ridge, right):
        sizes.append(ridge)
        if len(sizes) == 4:  # after the three that are tried on validation
            raise np.linalg.LinAlgError("not positive definite")
        return honest(matrix, ridge, right)

    monkeypatch.setattr(gram, "_solve", too_weak_at_last)
    readout = RidgeReadout(penalties=[1e-6, 1e-5, 1e9]).fit(X, y)
    scores = readout.validation_scores_
    assert len(sizes) == 5 and scores[1e9] < scores[1e-6] == scores[1e-5]
    assert readout.penalty_ > max(scores, key=lambda s: scores[s])


def test_a_penalty_too_weak_for_the_precision_is_passed_over() -> None:
    X, y = clouds(samples=100, features=6, dtype=np.float32)
    X = np.hstack((X, X, X))  # a singular Gram matrix
    readout = RidgeReadout(penalties=[1e-12, 1.0]).fit(X, y)
    assert readout.penalty_ == 1.0
    assert np.isnan(readout.validation_scores_[1e-12])
    with pytest.raises(ValueError, match="add a larger one"):
        RidgeReadout(penalties=[1e-12]).fit(X, y)

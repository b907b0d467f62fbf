"""Two senses aligned in closed form: the baselines of what is trained by a contrastive loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from neuromem.heads.gram import Rows, Scaler
from neuromem.heads.senses import Sense, common_classes, retrieval_accuracy, unit_rows
from neuromem.heads.split import Split, features, split

#: Shrinkages that are tried where none are given. Assumed.
SHRINKAGES = (0.01, 0.03, 0.1, 0.3, 0.6, 0.9, 0.97)
#: Principal components below this share of the largest variance are rounding in single precision.
_LEAST_VARIANCE = 1e-6

#: A linear map of components: matrix (components, embedding) and offset (embedding,).
Map = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Moments:
    """What closed forms need to know of a sense, in its principal components.

    Parameters
    ----------
    components
        Principal components of the standardised features (weights), shape (features, r).
    variance
        Variance along each, of all samples, shape (r,).
    within
        Covariance within classes, each class counted alike, shape (r, r).
    means
        Mean of each class less the mean of these means, shape (classes, r).
    centre
        That mean of means, shape (r,).
    """

    scaler: Scaler
    components: np.ndarray
    variance: np.ndarray
    within: np.ndarray
    means: np.ndarray
    centre: np.ndarray

    @classmethod
    def of(cls, data: Split) -> Moments:
        """Measure them on training samples."""
        from scipy.linalg import eigh
        from threadpoolctl import threadpool_limits

        scaler = Scaler.of(data.train)
        z = np.concatenate([scaler.apply(data.train, part) for part in data.train.parts()])
        samples = len(z) < z.shape[1]
        gram = (z @ z.T if samples else z.T @ z).astype(np.float64) / len(z)
        with threadpool_limits(limits=1, user_api="blas"):  # see gram.py
            variance, vectors = eigh(gram, check_finite=False)
        kept = variance > _LEAST_VARIANCE * max(variance[-1], np.finfo(float).tiny)
        variance, vectors = variance[kept], vectors[:, kept]
        if samples:
            vectors = (z.T @ vectors.astype(z.dtype)) / np.sqrt(len(z) * variance)
        t = (z @ vectors.astype(z.dtype)).astype(np.float64)
        counts = np.bincount(data.y_train)
        means = np.stack([t[data.y_train == c].mean(axis=0) for c in range(len(counts))])
        gap = (t - means[data.y_train]) / np.sqrt(counts * len(counts))[data.y_train, None]
        centre = means.mean(axis=0)
        return cls(scaler, vectors, variance, gap.T @ gap, means - centre, centre)

    def project(self, rows: Rows) -> np.ndarray:
        """Return the components of samples, shape (rows, r)."""
        vectors = self.components.astype(rows.dtype)
        parts = [self.scaler.apply(rows, part) @ vectors for part in rows.parts()]
        return np.concatenate(parts).astype(np.float64)

    def whitener(self, shrinkage: float) -> np.ndarray:
        r"""Return W with :math:`W^T \Sigma W = 1`, Sigma the shrunk covariance within classes."""
        from scipy.linalg import cholesky, solve_triangular

        size = len(self.within)
        sigma = (1 - shrinkage) * self.within
        sigma[np.diag_indices(size)] += shrinkage * np.trace(self.within) / size
        lower = cholesky(sigma, lower=True, check_finite=False)
        return solve_triangular(lower, np.eye(size), lower=True, check_finite=False).T

    def shrunk_variance(self, shrinkage: float) -> np.ndarray:
        """Return the variance along each component, drawn towards their mean."""
        return (1 - shrinkage) * self.variance + shrinkage * self.variance.mean()


class _LinearAligner:
    """What the closed forms share: checks, the choice of the shrinkage, and embedding."""

    shrinkage_: float
    validation_scores_: dict[float, float]

    def __init__(
        self,
        *,
        shrinkages: Sequence[float] = SHRINKAGES,
        holdout: float = 0.2,
        seed: int = 0,
    ) -> None:
        if not len(shrinkages) or not all(0 < s < 1 for s in shrinkages):
            raise ValueError(
                f"shrinkages = {list(shrinkages)}: give at least one, all above 0 and below 1"
            )
        self.shrinkages = tuple(shrinkages)
        self.holdout = holdout
        self.seed = seed

    def fit(
        self, first: Sense, second: Sense, *, validation: tuple[Sense, Sense] | None = None
    ) -> Self:
        """Choose the shrinkage on validation samples and fit.

        Parameters
        ----------
        first, second
            Training samples; both senses have the same classes.
        validation
            Other samples of these classes, of both senses: the shrinkage is that with which a
            search among them succeeds most often. Where None, the fraction ``holdout`` of the
            samples, stratified by class and drawn with ``seed``; they are then not trained on.

        Raises
        ------
        ValueError
            For samples that do not fit, classes that are not the same in both senses, features
            that are not finite or validation classes that training lacks.
        ModuleNotFoundError
            When scikit-learn is not installed.
        """
        _require_sklearn(type(self).__name__)
        common_classes(first.labels, second.labels)
        held: Sequence[Sense | None] = (None, None) if validation is None else validation
        data = [
            split(*sense, other, self.holdout, self.seed)
            for sense, other in zip((first, second), held, strict=True)
        ]
        moments = [Moments.of(part) for part in data]
        valid = [m.project(part.valid) for m, part in zip(moments, data, strict=True)]
        self.validation_scores_ = {}
        for shrinkage in sorted(self.shrinkages, reverse=True):
            maps = self._maps(moments[0], moments[1], shrinkage)
            u, v = (unit_rows(t @ a + b) for t, (a, b) in zip(valid, maps, strict=True))
            right = retrieval_accuracy(u, data[0].y_valid, v, data[1].y_valid)
            self.validation_scores_[shrinkage] = right
        scores = self.validation_scores_
        self.shrinkage_ = max(scores, key=lambda s: scores[s])  # of equals, the strongest
        maps = self._maps(moments[0], moments[1], self.shrinkage_)
        self._linear = [
            m.scaler.unscaled((m.components @ a).astype(part.train.dtype), b)
            for m, (a, b), part in zip(moments, maps, data, strict=True)
        ]
        return self

    def embed_first(self, X: np.ndarray) -> np.ndarray:
        """Return float32 [n, embedding] for features of the first sense; rows of unit length."""
        return self._embed(0, X)

    def embed_second(self, X: np.ndarray) -> np.ndarray:
        """Return the same for features of the second sense."""
        return self._embed(1, X)

    def _embed(self, which: int, X: Any) -> np.ndarray:
        if not hasattr(self, "_linear"):
            raise ValueError(f"{type(self).__name__} has not been fitted: call fit first")
        coef, intercept = self._linear[which]
        return unit_rows(features(X, "X", coef.shape[1]).scores(coef, intercept))

    def _maps(self, first: Moments, second: Moments, shrinkage: float) -> tuple[Map, Map]:
        raise NotImplementedError


class CCAAligner(_LinearAligner):
    r"""Regularised canonical correlation analysis of all pairs of equal class.

    .. math::
        U S V^T = \Sigma_1^{-1/2} C_{12} \Sigma_2^{-1/2}, \qquad
        u = U^T \Sigma_1^{-1/2} x, \qquad v = V^T \Sigma_2^{-1/2} x'

    with the covariance :math:`C_{12} = \langle \mu_{1c} \mu_{2c}^T \rangle_c` of pairs whose
    members are drawn independently from one class, each class alike (mu are class means), and the
    shrunk covariances :math:`\Sigma = (1 - \gamma) S + \gamma \frac{\mathrm{tr} S}{r} I` of each
    sense in its r principal components. The embedding has classes - 1 dimensions, of which each
    counts alike.

    Parameters
    ----------
    shrinkages
        Values of gamma to choose from, above 0 and below 1.
    holdout, seed
        Fraction held out where no validation samples are given, and the seed of the draw.

    Attributes
    ----------
    shrinkage_, validation_scores_
        The gamma chosen, and the validation accuracy with each.

    Examples
    --------
    Two classes that differ along one hidden axis, which the senses show in different ways.

    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(100) % 2
    >>> hidden = 4 * labels[:, None] + rng.normal(size=(100, 1))
    >>> first = Sense(hidden * [1.0, -2.0] + rng.normal(size=(100, 2)), labels)
    >>> second = Sense(hidden * [3.0, 0.0, 1.0] + rng.normal(size=(100, 3)), labels)
    >>> aligner = CCAAligner().fit(first, second)
    >>> u, v = aligner.embed_first(first.features), aligner.embed_second(second.features)
    >>> retrieval_accuracy(u, labels, v, labels) > 0.9
    True
    """

    def _maps(self, first: Moments, second: Moments, shrinkage: float) -> tuple[Map, Map]:
        scale = [1 / np.sqrt(m.shrunk_variance(shrinkage)) for m in (first, second)]
        whitened = [m.means * s for m, s in zip((first, second), scale, strict=True)]
        # The rank is that of the means: solve in their coordinates, not in all components.
        bases, places = zip(*(_span(w) for w in whitened), strict=True)
        u, _, vt = np.linalg.svd(places[0].T @ places[1], full_matrices=False)
        a, b = ((s[:, None] * B) for s, B in zip(scale, bases, strict=True))
        return _centred(first, a @ u), _centred(second, b @ vt.T)


class RidgeAligner(_LinearAligner):
    r"""Ridge regression from the first sense to the class means of the second.

    .. math::
        \min_W \langle \lVert W^T x - B^T \mu_{2 c(x)} \rVert^2 \rangle + \text{penalty}, \qquad
        u = W^T x, \qquad v = B^T x'

    B is an orthonormal basis of the classes - 1 dimensions in which the (standardised) means of
    the second sense differ. The penalty is a shrinkage gamma of the first sense's covariance.
    Parameters and attributes as in :class:`CCAAligner`.
    """

    def _maps(self, first: Moments, second: Moments, shrinkage: float) -> tuple[Map, Map]:
        basis, places = _span(second.means)
        cross = first.means.T @ places / len(places)
        weights = cross / first.shrunk_variance(shrinkage)[:, None]
        return _centred(first, weights), _centred(second, basis)


class ProcrustesAligner(_LinearAligner):
    r"""The rotation that lays the class means of the first sense on those of the second.

    .. math::
        \min_{R^T R = 1} \sum_c \lVert R^T P_1 \mu_{1c} - P_2 \mu_{2c} \rVert^2, \qquad
        u = R^T P_1 x, \qquad v = P_2 x'

    P whitens the shrunk covariance within classes and projects onto the classes - 1 dimensions in
    which the means differ, which are first scaled to the same size. Parameters and attributes as
    in :class:`CCAAligner`.
    """

    def _maps(self, first: Moments, second: Moments, shrinkage: float) -> tuple[Map, Map]:
        whiteners = [m.whitener(shrinkage) for m in (first, second)]
        spans = [_span(m.means @ w) for m, w in zip((first, second), whiteners, strict=True)]
        (first_basis, x), (second_basis, y) = spans
        u, _, vt = np.linalg.svd(x.T @ y, full_matrices=False)
        return (
            _centred(first, whiteners[0] @ first_basis @ (u @ vt)),
            _centred(second, whiteners[1] @ second_basis),
        )


class PrototypeAligner(_LinearAligner):
    r"""Each sample as its likeness to the classes seen, whose means are the prototypes.

    .. math::
        e_k = -\tfrac12 \lVert P x - P \mu_k \rVert^2 \;-\; \text{mean over } k

    P whitens the shrunk covariance within classes, sense by sense; no sense learns from the other.
    A class not seen is found by what it is like in both senses. The embedding has as many
    dimensions as there are classes. Parameters and attributes as in :class:`CCAAligner`.

    Notes
    -----
    After the prototypical networks of Snell et al. 2017, arXiv 1703.05175, with a linear map in
    closed form in place of a trained network.
    """

    def _maps(self, first: Moments, second: Moments, shrinkage: float) -> tuple[Map, Map]:
        return _likeness(first, shrinkage), _likeness(second, shrinkage)


def _require_sklearn(who: str) -> None:
    """Say what to install where scikit-learn is missing, which also brings threadpoolctl."""
    try:
        import sklearn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{who} needs scikit-learn: pip install 'neuromem-snn[data]'"
        ) from error


def _likeness(moments: Moments, shrinkage: float) -> Map:
    whitener = moments.whitener(shrinkage)
    prototypes = moments.means @ whitener
    weights = whitener @ prototypes.T  # of columns that sum to 0, as the means do
    length = 0.5 * np.einsum("ij,ij->i", prototypes, prototypes)
    return weights, length.mean() - length - moments.centre @ weights


def _centred(moments: Moments, matrix: np.ndarray) -> Map:
    """Return a map under which the mean of the class means is 0."""
    return matrix, -moments.centre @ matrix


def _span(means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the space in which centred means differ: basis (r, k), and the means' places (c, k).

    k is classes - 1, or r where that is less.
    """
    u, s, vt = np.linalg.svd(means, full_matrices=False)
    size = min(len(means) - 1, means.shape[1])
    return vt[:size].T, u[:, :size] * s[:size]

"""Linear readouts of liquid states: ridge, softmax and discriminant, strength by validation."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from neuromem.heads.gram import Dual, Primal, Scaler
from neuromem.heads.split import Split, features, split

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "neuromem.heads.readouts needs scikit-learn: pip install 'neuromem-snn[data]'"
    ) from error

#: Penalties that are tried where none are given. Assumed.
RIDGE_PENALTIES = (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 10.0)
#: The same for the softmax readout: 10^-4 to 10 by factors of 10. Assumed.
LOGISTIC_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
#: Shrinkages that are tried where none are given. Assumed.
SHRINKAGES = (0.003, 0.01, 0.03, 0.1, 0.3, 0.8)

#: What a linear readout is: weights (classes, features) and one offset per class.
Solution = tuple[np.ndarray, np.ndarray]


class _LinearReadout(ClassifierMixin, BaseEstimator):
    """What the three readouts share: checks, the validation split, and prediction.

    After ``fit``: ``classes_``; ``coef_`` (classes, features) and ``intercept_`` (classes,) for
    raw features; ``n_features_in_``; ``validation_scores_``, the validation accuracy for each
    strength tried (NaN where the equations could not be solved).
    """

    holdout: float
    seed: int
    classes_: np.ndarray
    coef_: np.ndarray
    intercept_: np.ndarray
    validation_scores_: dict[float, float]

    def fit(
        self,
        X: np.ndarray,
        y: Sequence[Any] | np.ndarray,
        validation: tuple[np.ndarray, Sequence[Any] | np.ndarray] | None = None,
    ) -> Any:
        """Choose the strength on validation samples and fit.

        Parameters
        ----------
        X
            Features, shape (samples, features). Single precision is kept; X is never copied whole
            by ridge and LDA, once by the softmax readout.
        y
            Label of each sample.
        validation
            (X, y) on which the strength is chosen. Where None, the fraction ``holdout`` of the
            samples, stratified by class and drawn with ``seed``.

        Raises
        ------
        ValueError
            For NaN or infinite features, shapes that do not fit, a single class, a validation
            class that training lacks, or a strength out of range.
        """
        samples = split(X, y, validation, self.holdout, self.seed)
        self.classes_ = samples.classes
        self.n_features_in_ = samples.train.matrix.shape[1]
        self.coef_, self.intercept_ = self._fit(samples)
        return self

    def _fit(self, data: Split) -> Solution:
        raise NotImplementedError

    def _choose(
        self, strengths: Iterable[float], attempt: Callable[[float], Solution], data: Split
    ) -> float:
        """Return the strength of best validation accuracy; of equals, the one tried first."""
        self.validation_scores_ = {}
        for strength in strengths:
            try:
                scores = data.valid.scores(*attempt(strength))
            except np.linalg.LinAlgError:  # too weak for the precision
                self.validation_scores_[strength] = np.nan
                continue
            right = float(np.mean(scores.argmax(axis=1) == data.y_valid))
            self.validation_scores_[strength] = right
        solved = {s: right for s, right in self.validation_scores_.items() if not np.isnan(right)}
        if not solved:
            raise self._unsolvable()
        return max(solved, key=lambda s: solved[s])

    def _solve(self, chosen: float, attempt: Callable[[float], Solution]) -> tuple[float, Solution]:
        """Return the strength used, and its solution.

        That is the chosen one, or the next stronger: with the validation samples in, the precision
        may no longer do for what was chosen.
        """
        for strength in sorted(s for s in self.validation_scores_ if s >= chosen):
            try:
                return strength, attempt(strength)
            except np.linalg.LinAlgError:
                continue
        raise self._unsolvable()

    def _unsolvable(self) -> ValueError:
        return ValueError(
            f"no strength in {sorted(self.validation_scores_)} makes the equations solvable: "
            f"add a larger one, or give float64 features"
        )

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return the score of each class, shape (samples, classes), also for two classes."""
        if not hasattr(self, "coef_"):
            raise ValueError(f"{type(self).__name__} has not been fitted: call fit first")
        return features(X, "X", self.coef_.shape[1]).scores(self.coef_, self.intercept_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the label of the class with the highest score, per sample."""
        best = self.decision_function(X).argmax(axis=1)
        return self.classes_[best]


class RidgeReadout(_LinearReadout):
    r"""Ridge regression onto one-hot targets, in closed form.

    .. math::
        \min_{W, b} \frac{1}{n} \sum_i \lVert y_i - W^T z_i - b \rVert^2 + \lambda \lVert W
        \rVert^2, \qquad \hat c = \arg\max_c (W^T z + b)_c

    y is 1 for the sample's class and 0 for the others (-1 in place of 0 chooses the same class), z
    the feature less its mean, over its standard deviation in training; a constant feature has no
    influence. The Gram matrix is built once, of features or of samples, whichever is smaller; each
    penalty costs one Cholesky factorisation (ten are cheaper than one eigendecomposition).

    Parameters
    ----------
    penalties
        Values of lambda to choose from, above 0. It is per sample: the matrix to which
        ``lambda I`` is added has ones on its diagonal, whatever the number of samples.
    holdout
        Fraction of the samples held out where no validation samples are given.
    refit
        After the choice, fit to training and validation samples together (features stay scaled
        as in training; the Gram matrices add up, without a second pass).
    seed
        Seed of the held-out draw.

    Attributes
    ----------
    penalty_
        The lambda chosen.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["left", "right"], 50)
    >>> X = rng.normal(size=(100, 4)) + 5 * (y == "right")[:, None]
    >>> readout = RidgeReadout().fit(X, y)
    >>> readout.score(X, y)
    1.0
    """

    def __init__(
        self,
        *,
        penalties: Sequence[float] = RIDGE_PENALTIES,
        holdout: float = 0.2,
        refit: bool = True,
        seed: int = 0,
    ) -> None:
        self.penalties = penalties
        self.holdout = holdout
        self.refit = refit
        self.seed = seed

    def _fit(self, data: Split) -> Solution:
        penalties = _strengths(self.penalties, "penalties")
        one_hot = np.eye(len(data.classes), dtype=data.train.dtype)
        problem = _problem(data, self.refit)
        problem.add(data.train, one_hot[data.y_train])
        chosen = self._choose(penalties, problem.ridge, data)
        if self.refit:
            problem.add(data.valid, one_hot[data.y_valid])
        self.penalty_, solution = self._solve(chosen, problem.ridge)
        return solution


class LDAReadout(_LinearReadout):
    r"""Linear discriminant analysis with a shrunk covariance.

    .. math::
        \Sigma = (1 - \gamma) S + \gamma \frac{\mathrm{tr}\,S}{D} I, \qquad
        \hat c = \arg\max_c\ \mu_c^T \Sigma^{-1} z - \tfrac12 \mu_c^T \Sigma^{-1} \mu_c
        + \ln \pi_c

    S is the covariance within classes of the standardised features z, mu and pi are the means and
    frequencies of the classes. The same as scikit-learn's ``LinearDiscriminantAnalysis(
    solver="lsqr", shrinkage=gamma)`` on standardised features (a test holds them equal), but each
    gamma costs one Cholesky factorisation instead of a covariance per class and a singular value
    decomposition. Memory is that of one D x D matrix and a copy, however few the samples; features
    that never vary count in D.

    Parameters
    ----------
    shrinkages
        Values of gamma to choose from, above 0 and below 1.
    holdout, refit, seed
        As in :class:`RidgeReadout`.

    Attributes
    ----------
    shrinkage_
        The gamma chosen.
    """

    def __init__(
        self,
        *,
        shrinkages: Sequence[float] = SHRINKAGES,
        holdout: float = 0.2,
        refit: bool = True,
        seed: int = 0,
    ) -> None:
        self.shrinkages = shrinkages
        self.holdout = holdout
        self.refit = refit
        self.seed = seed

    def _fit(self, data: Split) -> Solution:
        shrinkages = _strengths(self.shrinkages, "shrinkages", below=1.0)
        one_hot = np.eye(len(data.classes), dtype=data.train.dtype)
        problem = _problem(data, self.refit)
        problem.add(data.train, one_hot[data.y_train])
        chosen = self._choose(shrinkages, problem.discriminant, data)
        if self.refit:
            problem.add(data.valid, one_hot[data.y_valid])
        self.shrinkage_, solution = self._solve(chosen, problem.discriminant)
        return solution


class LogisticReadout(_LinearReadout):
    r"""Softmax regression with an L2 penalty: scikit-learn's ``LogisticRegression`` by L-BFGS.

    .. math::
        \min_{W, b} -\frac{1}{n} \sum_i \ln p_{i, y_i} + \frac{\lambda}{2} \lVert W \rVert^2,
        \qquad p_i = \mathrm{softmax}(W^T z_i + b)

    with standardised features z. The penalties are tried from strong to weak, each from the
    solution before it, so that the whole path costs little more than its last fit.

    Parameters
    ----------
    penalties
        Values of lambda to choose from, above 0, per sample: scikit-learn's C is 1 / (lambda n).
    holdout, refit, seed
        As in :class:`RidgeReadout`; a refit starts from the solution chosen.
    max_iter, tol
        Most iterations for one penalty, and the largest element of the gradient at which it
        counts as converged.

    Attributes
    ----------
    penalty_
        The lambda chosen.
    converged_
        Whether the final fit met ``tol``. Where False, it stopped after ``max_iter`` iterations,
        which regularises too; no warning is given.
    iterations_
        Iterations of the final fit.
    """

    def __init__(
        self,
        *,
        penalties: Sequence[float] = LOGISTIC_PENALTIES,
        holdout: float = 0.2,
        refit: bool = True,
        seed: int = 0,
        max_iter: int = 100,
        tol: float = 1e-3,
    ) -> None:
        self.penalties = penalties
        self.holdout = holdout
        self.refit = refit
        self.seed = seed
        self.max_iter = max_iter
        self.tol = tol

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return the probability of each class, shape (samples, classes)."""
        scores = self.decision_function(X)
        scores = np.exp(scores - scores.max(axis=1, keepdims=True))
        return scores / scores.sum(axis=1, keepdims=True)

    def _fit(self, data: Split) -> Solution:
        from sklearn.linear_model import LogisticRegression

        penalties = _strengths(self.penalties, "penalties")
        scaler, samples = Scaler.of(data.train), len(data.train)
        z, y = _standardised(data, scaler), np.concatenate((data.y_train, data.y_valid))
        model = LogisticRegression(max_iter=self.max_iter, tol=self.tol, warm_start=True)
        path: dict[float, tuple[np.ndarray, np.ndarray, bool, int]] = {}

        def fit(penalty: float, stop: int) -> Solution:
            model.C = 1 / (penalty * stop)
            converged = _quietly(model, z[:stop], y[:stop])
            coef, bias = np.asarray(model.coef_), np.asarray(model.intercept_)
            path[penalty] = coef, bias, converged, int(model.n_iter_[0])
            weights = coef.T
            if len(data.classes) == 2:  # scikit-learn gives the second class's log odds alone
                weights = np.hstack((np.zeros_like(weights), weights))
                bias = np.concatenate(([0.0], bias))
            return scaler.unscaled(weights.astype(z.dtype), bias)

        self.penalty_ = self._choose(penalties, lambda p: fit(p, samples), data)
        model.coef_, model.intercept_ = path[self.penalty_][:2]
        solution = fit(self.penalty_, len(z) if self.refit else samples)
        self.converged_, self.iterations_ = path[self.penalty_][2:]
        return solution


def _problem(data: Split, refit: bool) -> Primal | Dual:
    """Return the sums from which to solve: of features or of samples, whichever are fewer."""
    scaler, dtype = Scaler.of(data.train), data.train.dtype
    samples = len(data.train) + (len(data.valid) if refit else 0)
    if samples < data.train.matrix.shape[1]:
        return Dual(scaler, dtype)
    return Primal(scaler, dtype, len(data.classes))


def _quietly(model: Any, z: np.ndarray, y: np.ndarray) -> bool:
    """Fit and return whether it converged."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # As for Cholesky: on small problems the threads of BLAS mostly wait for each other.
    threads = threadpool_limits(limits=1 if z.size < 2**26 else None, user_api="blas")
    with warnings.catch_warnings(record=True) as caught, threads:
        warnings.simplefilter("always", ConvergenceWarning)
        model.fit(z, y)
    for other in caught:
        if not issubclass(other.category, ConvergenceWarning):
            warnings.warn(other.message, stacklevel=2)
    return not any(issubclass(w.category, ConvergenceWarning) for w in caught)


def _standardised(data: Split, scaler: Scaler) -> np.ndarray:
    """Return the standardised features of training, then validation samples."""
    shape = (len(data.train) + len(data.valid), data.train.matrix.shape[1])
    z = np.empty(shape, dtype=data.train.dtype)
    start = 0
    for rows in (data.train, data.valid):
        for part in rows.parts():
            z[start + part.start : start + part.stop] = scaler.apply(rows, part)
        start += len(rows)
    return z


def _strengths(values: Sequence[float], what: str, below: float = np.inf) -> list[float]:
    """Return the strengths from strong to weak."""
    ordered = sorted((float(v) for v in values), reverse=True)
    if not ordered or not (ordered[-1] > 0 and ordered[0] < below):
        limit = "above 0" if below == np.inf else f"above 0 and below {below:g}"
        raise ValueError(f"{what} = {list(values)}: give at least one, all {limit}")
    return ordered

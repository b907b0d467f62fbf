"""Least squares on many wide features without copying them: Gram matrices, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Elements of the block that is standardised at a time (128 MB of float32).
BLOCK = 2**25


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a feature matrix; nothing is copied but the block at hand.

    Parameters
    ----------
    matrix
        Features, shape (samples, D), any real type.
    index
        Which rows; all of them where None.
    """

    matrix: np.ndarray
    index: np.ndarray | None = None

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.matrix) if self.index is None else len(self.index)

    @property
    def dtype(self) -> np.dtype:
        """Type to compute in: double for doubles, single for all else."""
        return np.dtype(np.float64 if self.matrix.dtype == np.float64 else np.float32)

    def take(self, part: slice, columns: slice = slice(None)) -> np.ndarray:
        """Return a part of the rows, copied only where they are scattered."""
        if self.index is None:
            return self.matrix[part, columns]
        return self.matrix[self.index[part], columns]

    def parts(self) -> Iterator[slice]:
        """Return the slices in which to walk the rows."""
        step = max(1, BLOCK // max(1, self.matrix.shape[1]))
        return (slice(low, min(low + step, len(self))) for low in range(0, len(self), step))

    def scores(self, coef: np.ndarray, intercept: np.ndarray) -> np.ndarray:
        """Return ``X @ coef.T + intercept``, shape (rows, classes)."""
        out = np.empty((len(self), len(coef)), dtype=coef.dtype)
        for part in self.parts():
            np.matmul(self.take(part).astype(coef.dtype, copy=False), coef.T, out=out[part])
        out += intercept
        return out


@dataclass(frozen=True, eq=False)
class Scaler:
    """Mean and standard deviation of each feature; a constant feature has deviation 1."""

    mean: np.ndarray
    deviation: np.ndarray

    @classmethod
    def of(cls, rows: Rows) -> Scaler:
        """Measure both; the sums are in double precision."""
        low, high = np.full((2, rows.matrix.shape[1]), rows.take(slice(1)).astype(rows.dtype))
        total, square = np.zeros((2, rows.matrix.shape[1]))
        for part in rows.parts():
            block = rows.take(part)
            total += block.sum(axis=0, dtype=np.float64)
            low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
        constant = low == high
        mean = np.where(constant, low, total / len(rows))
        for part in rows.parts():
            gap = rows.take(part) - mean.astype(rows.dtype)
            square += np.einsum("ij,ij->j", gap, gap)
        deviation = np.where(constant, 1.0, np.sqrt(square / len(rows)))
        return cls(mean, deviation)

    def apply(self, rows: Rows, part: slice, columns: slice = slice(None)) -> np.ndarray:
        """Return z = (x - mean) / deviation of a part of the rows."""
        block = rows.take(part, columns)
        z = np.subtract(block, self.mean[columns].astype(rows.dtype), dtype=rows.dtype)
        z *= (1 / self.deviation[columns]).astype(rows.dtype)
        return z

    def unscaled(self, weights: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (coef, intercept) for raw features, from weights (D, classes) for scaled ones."""
        coef = np.ascontiguousarray((weights / self.deviation[:, None]).T)
        intercept = bias - coef @ self.mean
        return coef.astype(weights.dtype), intercept.astype(weights.dtype)


class Primal:
    r"""Sums over samples from which ridge regression and discriminants follow, for D features.

    .. math::
        G = \sum z z^T, \quad B = \sum z y^T, \quad \textstyle\sum z, \quad \sum y

    They add up: a second set of samples is added without another pass over the first.
    """

    def __init__(self, scaler: Scaler, dtype: np.dtype, targets: int) -> None:
        width = len(scaler.mean)
        self.scaler = scaler
        self.samples = 0
        self.gram = np.zeros((width, width), dtype=dtype, order="F")  # its lower triangle
        self.cross = np.zeros((width, targets), dtype=dtype)
        self.z_sum = np.zeros(width)
        self.y_sum = np.zeros(targets)

    def add(self, rows: Rows, targets: np.ndarray) -> None:
        """Add samples and their targets, shape (rows, targets)."""
        for part in rows.parts():
            z = self.scaler.apply(rows, part).astype(self.gram.dtype, copy=False)
            self.gram = _add_products(self.gram, z.T, 1.0)
            self.cross += z.T @ targets[part].astype(z.dtype)
            self.z_sum += z.sum(axis=0, dtype=np.float64)
        self.samples += len(rows)
        self.y_sum += targets.sum(axis=0, dtype=np.float64)

    def ridge(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (coef, intercept) of ridge regression; see :class:`RidgeReadout`."""
        n, dtype = self.samples, self.gram.dtype
        z_mean, y_mean = self.z_sum / n, self.y_sum / n
        centred = self._less(self.z_sum[:, None] / np.sqrt(n))
        cross = self.cross - np.outer(self.z_sum, y_mean).astype(dtype)
        weights = _solve(centred, n * penalty, cross)
        return self.scaler.unscaled(weights, y_mean - z_mean @ weights)

    def discriminant(self, shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (coef, intercept) for one-hot targets; see :class:`LDAReadout`."""
        within = self._less(self.cross / np.sqrt(self.y_sum))
        means = (self.cross / self.y_sum).astype(self.gram.dtype)
        within *= (1 - shrinkage) / self.samples
        ridge = shrinkage / (1 - shrinkage) * np.trace(within) / len(within)
        weights = _solve(within, ridge, means)
        bias = np.log(self.y_sum / self.samples) - 0.5 * np.einsum("ij,ij->j", means, weights)
        return self.scaler.unscaled(weights, bias)

    def _less(self, vectors: np.ndarray) -> np.ndarray:
        """Return a copy of the Gram matrix less ``vectors @ vectors.T``."""
        vectors = np.asfortranarray(vectors, dtype=self.gram.dtype)
        return _add_products(self.gram.copy(order="F"), vectors, -1.0)


class Dual:
    """The same solutions from inner products K of samples, where they are fewer than D."""

    def __init__(self, scaler: Scaler, dtype: np.dtype) -> None:
        self.scaler = scaler
        self.sets: list[tuple[Rows, np.ndarray]] = []
        self.kernel = np.zeros((0, 0), dtype=dtype)

    def add(self, rows: Rows, targets: np.ndarray) -> None:
        """Add samples and their targets, shape (rows, targets)."""
        self.sets.append((rows, targets))
        old = len(self.kernel)
        border = np.zeros((len(rows), old + len(rows)), dtype=self.kernel.dtype)
        for _, z in self._columns():
            border += z[old:] @ z.T
        self.kernel = np.block([[self.kernel, border[:, :old].T], [border]])

    def ridge(self, penalty: float) -> tuple[np.ndarray, np.ndarray]:
        """Return (coef, intercept) of ridge regression; see :class:`RidgeReadout`."""
        targets = np.concatenate([t for _, t in self.sets]).astype(self.kernel.dtype)
        y_mean = targets.mean(axis=0, dtype=np.float64)
        centre = self.kernel.mean(axis=0)
        centred = np.asfortranarray(self.kernel - centre - centre[:, None] + centre.mean())
        alpha = _solve(centred, len(targets) * penalty, targets - y_mean.astype(targets.dtype))
        weights, z_mean = self._weights(alpha)
        return self.scaler.unscaled(weights, y_mean - z_mean @ weights)

    def discriminant(self, shrinkage: float) -> tuple[np.ndarray, np.ndarray]:
        r"""Return (coef, intercept) for one-hot targets; see :class:`LDAReadout`.

        With P the projection off the class means, B the averaging over classes and the covariance
        within classes :math:`a Z^T P Z`, the matrix inversion lemma gives

        .. math::
            (a Z^T P Z + r I)^{-1} Z^T B
            = Z^T \big(B - P (P K P + \tfrac{r}{a} I)^{-1} P K B\big) / r
        """
        one_hot = np.concatenate([t for _, t in self.sets]).astype(self.kernel.dtype)
        samples, width = len(one_hot), len(self.scaler.mean)
        sizes = one_hot.sum(axis=0, dtype=np.float64)
        average = (one_hot / sizes).astype(self.kernel.dtype)

        def within(rows: np.ndarray) -> np.ndarray:
            return rows - average @ (one_hot.T @ rows)

        half = within(self.kernel)
        scatter = np.asfortranarray(half - (half @ one_hot) @ average.T)
        a = (1 - shrinkage) / samples
        ridge = float(shrinkage * np.trace(scatter, dtype=np.float64) / samples / width)
        inner = _solve(scatter, ridge / a, half @ average)
        alpha = ((average - within(inner)) / ridge).astype(self.kernel.dtype)
        weights, _ = self._weights(alpha)
        mean_dot = np.einsum("ij,ij->j", average, self.kernel @ alpha)
        return self.scaler.unscaled(weights, np.log(sizes / samples) - 0.5 * mean_dot)

    def _weights(self, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Z^T alpha, and the mean of z over the samples."""
        weights = np.empty((len(self.scaler.mean), alpha.shape[1]), dtype=self.kernel.dtype)
        z_mean = np.empty(len(weights))
        for columns, z in self._columns():
            weights[columns] = z.T @ alpha
            z_mean[columns] = z.mean(axis=0, dtype=np.float64)
        return weights, z_mean

    def _columns(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Return blocks of the standardised features of all samples."""
        width, samples = len(self.scaler.mean), sum(len(rows) for rows, _ in self.sets)
        step = max(1, BLOCK // samples)
        for low in range(0, width, step):
            columns = slice(low, min(low + step, width))
            z = [self.scaler.apply(rows, slice(None), columns) for rows, _ in self.sets]
            yield columns, np.concatenate(z).astype(self.kernel.dtype, copy=False)


def _add_products(gram: np.ndarray, vectors: np.ndarray, sign: float) -> np.ndarray:
    """Add ``sign * vectors @ vectors.T`` to the lower triangle of a matrix, in place."""
    from scipy.linalg import get_blas_funcs

    syrk: Any = get_blas_funcs("syrk", dtype=gram.dtype)
    return syrk(sign, vectors, beta=1.0, c=gram, lower=1, overwrite_c=1)


def _solve(matrix: np.ndarray, ridge: float, right: np.ndarray) -> np.ndarray:
    """Solve ``(matrix + ridge I) x = right`` by Cholesky; the matrix's memory is reused."""
    from scipy.linalg import cho_factor, cho_solve
    from threadpoolctl import threadpool_limits

    matrix[np.diag_indices(len(matrix))] += matrix.dtype.type(ridge)
    # OpenBLAS's factorisation on several threads takes 4 to 100 times as long as on one where
    # other processes use the cores, and gains little where none does.
    with threadpool_limits(limits=1, user_api="blas"):
        factor = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
        return cho_solve(factor, right.astype(matrix.dtype, copy=False), check_finite=False)

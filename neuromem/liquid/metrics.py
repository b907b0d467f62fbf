"""Measures of a liquid: separation, kernel quality, generalisation, memory, and chaos.

All work on arrays of states, whatever made them; a state is a row of numbers a sample, such as
spike counts. The Lyapunov estimate needs the dynamics: a function from input to states.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neuromem.network import SpikeBatch

#: From an input of B samples to states over time, shape (B, bins, N).
Run = Callable[[SpikeBatch], np.ndarray]


def separation(states: np.ndarray, labels: np.ndarray) -> float:
    r"""Return how far classes lie apart, in units of their own spread.

    .. math::
        \text{Sep} = \frac{\langle \lVert \mu_a - \mu_b \rVert \rangle_{a \ne b}}
        {\langle\, \langle \lVert s - \mu_c \rVert \rangle_{s \in c}\, \rangle_c}

    with the states s and the class centres :math:`\mu`; infinite when no class has a spread.

    Parameters
    ----------
    states
        Shape (samples, N).
    labels
        Class of each sample.

    Raises
    ------
    ValueError
        When shapes do not fit or there are fewer than two classes.

    Notes
    -----
    After Norton and Ventura, "Improving liquid state machines through iterative refinement of the
    reservoir", Neurocomputing (2010). It says little of accuracy on its own: Chrol-Cannon and
    Jin, PLoS ONE 9:e101792 (2014), doi 10.1371/journal.pone.0101792.
    """
    from scipy.spatial.distance import pdist

    states, labels = _matrix(states), np.asarray(labels)
    classes = np.unique(labels)
    if labels.shape != (len(states),) or len(classes) < 2:
        raise ValueError(
            f"labels of shape {labels.shape} and {len(classes)} classes for {len(states)} states: "
            f"give one a state, of at least two classes"
        )
    groups = [states[labels == c] for c in classes]
    centres = np.array([group.mean(axis=0) for group in groups])
    spread = np.mean(
        [np.linalg.norm(g - m, axis=1).mean() for g, m in zip(groups, centres, strict=True)]
    )
    between = pdist(centres).mean()
    return float(between / spread) if spread else np.inf


@dataclass(frozen=True, eq=False)
class PairwiseSeparation:
    """Distances between all pairs of samples (0, 1), (0, 2), ... of input and of state."""

    inputs: np.ndarray
    states: np.ndarray

    @property
    def correlation(self) -> float:
        """Pearson correlation of the two: 1 where a liquid keeps distances; 0 where undefined."""
        return _correlation(self.inputs, self.states)


def pairwise_separation(inputs: np.ndarray, states: np.ndarray) -> PairwiseSeparation:
    """Return the Euclidean distance of every pair of samples, as input and as state.

    The separation property: inputs that differ more should leave states that differ more.

    Parameters
    ----------
    inputs, states
        One row (of any shape) a sample: ``batch.dense()``, filtered spike trains, states.

    Raises
    ------
    ValueError
        When they differ in samples, or there are fewer than two.

    Notes
    -----
    Source: Maass, Natschläger and Markram, Neural Computation 14:2531-2560 (2002), doi
    10.1162/089976602760407955, which smooths spike trains before taking their distance.
    """
    from scipy.spatial.distance import pdist

    if len(inputs) != len(states) or len(states) < 2:
        raise ValueError(
            f"{len(inputs)} inputs, {len(states)} states: give the same number, at least two"
        )
    return PairwiseSeparation(
        pdist(np.reshape(inputs, (len(inputs), -1))), pdist(np.reshape(states, (len(states), -1)))
    )


def kernel_quality(states: np.ndarray, tolerance: float | None = None) -> int:
    """Return the rank of the states of distinct inputs: how many a linear readout can tell apart.

    Parameters
    ----------
    states
        One row an input, all at the same time after its start, shape (inputs, N).
    tolerance
        Singular values up to this fraction of the largest count as zero. None: what rounding
        leaves, max(shape) * 2.2e-16. Noisy states are all independent at that: choose a larger one.

    Raises
    ------
    ValueError
        When ``states`` is no matrix or the tolerance is negative.

    Notes
    -----
    Source: Legenstein and Maass, Neural Networks 20:323-334 (2007), doi
    10.1016/j.neunet.2007.04.017.
    """
    states = _matrix(states)
    least = max(states.shape) * float(np.finfo(np.float64).eps) if tolerance is None else tolerance
    if least < 0:
        raise ValueError(f"tolerance = {tolerance}: must not be negative")
    values = np.linalg.svd(states, compute_uv=False)
    return int(np.sum(values > least * values[0]))


def generalisation_rank(states: np.ndarray, tolerance: float | None = None) -> int:
    """Return the rank of the states of variants of one input: low is good, noise is ignored.

    The same rank as :func:`kernel_quality`, of other states: those of :func:`jittered` copies. A
    liquid computes well where the difference of the two is large.

    Parameters
    ----------
    states
        One row a variant, shape (variants, N).
    tolerance
        As in :func:`kernel_quality`; compare only ranks of the same tolerance and number of rows.

    Notes
    -----
    Source: Legenstein and Maass (2007), doi 10.1016/j.neunet.2007.04.017.
    """
    return kernel_quality(states, tolerance)


def jittered(
    batch: SpikeBatch, sample: int, copies: int, jitter_steps: int, rng: np.random.Generator
) -> SpikeBatch:
    """Return copies of one sample with each spike moved by -jitter..jitter steps, uniformly.

    Spikes stay within the sample's time; where a binary line would get two in a step, one is lost.

    Raises
    ------
    ValueError
        When the sample does not exist, or a number is not positive (jitter: negative).
    """
    if not 0 <= sample < len(batch) or copies < 1 or jitter_steps < 0:
        raise ValueError(
            f"sample {sample} of {len(batch)}, copies = {copies}, jitter_steps = {jitter_steps}: "
            f"must be an existing sample, at least 1, and not negative"
        )
    one = batch.part(sample, sample + 1)
    times = np.ones_like(one.channel) if one.count is None else one.count
    channel = np.repeat(one.channel, times)
    step = np.repeat(np.repeat(np.arange(one.steps), np.diff(one.offsets)), times)
    moved = step + rng.integers(-jitter_steps, jitter_steps + 1, size=(copies, len(step)))
    dense = np.zeros((copies, one.steps, one.channels), dtype=np.int32)
    copy = np.arange(copies)[:, None]
    np.add.at(dense, (copy, np.clip(moved, 0, one.steps - 1), channel), 1)
    return SpikeBatch.of_dense(dense if one.count is not None else np.minimum(dense, 1))


def memory_curve(
    states: np.ndarray,
    signal: np.ndarray,
    max_delay: int,
    washout: int = 0,
    test_fraction: float = 0.3,
    penalty: float = 1e-6,
) -> np.ndarray:
    r"""Return how well linear readouts recall the input of k steps ago, for k = 0..max_delay.

    .. math::
        m_k = \mathrm{corr}^2\big(x_{t-k},\ \hat w_k^T s_t + b_k\big), \qquad
        MC = \sum_{k \ge 1} m_k

    The sum is the linear memory capacity, at most N for an input without correlations in time.
    Readouts are fitted to the first part of the time and judged on the rest, as judging them where
    they were fitted would credit every delay with about N / (fitted steps).

    Parameters
    ----------
    states
        State after each step, shape (steps, N), or (streams, steps, N).
    signal
        What is to be recalled, independent from step to step; shape (steps,) or (streams, steps).
    max_delay
        Longest delay k.
    washout
        First steps of each stream that are left out.
    test_fraction
        Last part of each stream, on which the readouts are judged.
    penalty
        Ridge penalty in units of the mean variance of a state.

    Raises
    ------
    ValueError
        When shapes do not fit or the streams are too short.

    Notes
    -----
    Source: Jaeger, "Short term memory in echo state networks", GMD Report 152 (2001/2002).
    """
    states = np.asarray(states, dtype=np.float64)
    signal = np.asarray(signal, dtype=np.float64)
    if states.ndim == 2 and signal.ndim == 1:
        states, signal = states[None], signal[None]
    if states.ndim != 3 or signal.shape != states.shape[:2]:
        raise ValueError(
            f"states of shape {states.shape} and a signal of shape {signal.shape}: give (streams, "
            f"steps, N) and (streams, steps)"
        )
    first = max(washout, max_delay)
    split = first + round((states.shape[1] - first) * (1 - test_fraction))
    if max_delay < 0 or not 0 < test_fraction < 1 or not first < split < states.shape[1] - 1:
        raise ValueError(
            f"{states.shape[1]} steps, max_delay = {max_delay}, washout = {washout}, test_fraction "
            f"= {test_fraction}: leave steps both to fit and to judge"
        )
    steps = np.arange(first, states.shape[1])
    delays = np.arange(max_delay + 1)
    wanted = signal[:, steps[:, None] - delays]  # (streams, steps, delays)
    fit, judge = slice(None, split - first), slice(split - first, None)
    inputs, width = states[:, first:], states.shape[2]
    x, y = inputs[:, fit].reshape(-1, width), wanted[:, fit].reshape(-1, len(delays))
    mean = x.mean(axis=0)
    gram = (x - mean).T @ (x - mean)
    gram[np.diag_indices(width)] += penalty * np.trace(gram) / width or 1.0
    weights = np.linalg.solve(gram, (x - mean).T @ (y - y.mean(axis=0)))
    recalled = inputs[:, judge].reshape(-1, width) @ weights
    truth = wanted[:, judge].reshape(-1, len(delays))
    return np.array([_correlation(recalled[:, k], truth[:, k]) ** 2 for k in delays])


def memory_capacity(curve: np.ndarray) -> float:
    """Return the linear memory capacity from a :func:`memory_curve`: its sum from delay 1.

    In steps that are remembered. Each delay adds about 1 / (judged steps) by chance.
    """
    return float(np.sum(curve[1:]))


def spectral_radius(weights: np.ndarray) -> float:
    """Return the largest absolute eigenvalue of a recurrent weight matrix, shape (N, N).

    Of a spiking liquid it says less than of a linear one: a spike is sent whole or not at all.

    Raises
    ------
    ValueError
        When the matrix is not square.
    """
    weights = _matrix(weights)
    if weights.shape[0] != weights.shape[1]:
        raise ValueError(f"weights of shape {weights.shape}: the matrix must be square")
    return float(np.abs(np.linalg.eigvals(weights)).max())


@dataclass(frozen=True, eq=False)
class Divergence:
    """Mean distance of twin runs over time, shape (bins,), and its growth.

    ``exponent`` is the Lyapunov estimate, in nats a bin: above 0 a difference grows (chaos), below
    0 it fades; minus infinity where it is gone at once.
    """

    distance: np.ndarray
    exponent: float


def lyapunov(
    run: Run, batch: SpikeBatch, rng: np.random.Generator, step: int = 0, span: int = 10
) -> Divergence:
    r"""Estimate the Lyapunov exponent from twin runs whose inputs differ in one spike.

    .. math::
        d_t = \langle \lVert s_t - s'_t \rVert \rangle, \qquad \lambda = \text{slope of } \ln d_t

    In one step of every sample the state of one random line is flipped: a spike added or removed.
    The slope is that of a line fitted to the ``span`` bins from the first in which the twins
    differ, up to the first in which they do not any more.

    Parameters
    ----------
    run
        From input to states (samples, bins, N), one bin a step or coarser: for example
        ``lambda b: run_batch(reservoir, b, bins=b.steps, outputs=("membrane",))["membrane"]``.
        Deterministic: noise would look like chaos.
    batch
        Inputs to perturb.
    rng
        Chooses the lines.
    step
        Step in which the input is changed.
    span
        Bins of the fit: enough to see the growth, few enough that it does not saturate.

    Raises
    ------
    ValueError
        When the step is outside the sample or the span below 2.

    Notes
    -----
    Source: Legenstein and Maass (2007), doi 10.1016/j.neunet.2007.04.017, who move a spike a
    little instead, and compare the distance at two times.
    """
    if not 0 <= step < batch.steps or span < 2:
        raise ValueError(
            f"step = {step}, span = {span}: must be in 0..{batch.steps - 1} and at least 2"
        )
    dense = batch.dense()
    sample, line = np.arange(len(batch)), rng.integers(batch.channels, size=len(batch))
    dense[sample, step, line] = dense[sample, step, line] == 0
    gap = np.asarray(run(batch), dtype=np.float64) - run(SpikeBatch.of_dense(dense))
    distance = np.linalg.norm(gap, axis=2).mean(axis=0)
    return Divergence(distance, _growth(distance, span))


def _growth(distance: np.ndarray, span: int) -> float:
    """Return the slope of the logarithm over the first stretch of positive distances."""
    differ = np.flatnonzero(distance > 0)
    if not differ.size:
        return -np.inf
    stretch = distance[differ[0] : differ[0] + span]
    same = np.flatnonzero(stretch == 0)
    stretch = stretch[: same[0]] if same.size else stretch
    if len(stretch) < 2:
        return -np.inf
    return float(np.polyfit(np.arange(len(stretch)), np.log(stretch), 1)[0])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Return Pearson's correlation; 0 where one of the two is constant."""
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / scale) if scale > 0 else 0.0


def _matrix(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"array of shape {values.shape}: give a matrix, at least 1 x 1")
    return values

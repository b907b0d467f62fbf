"""Many zero-shot records in a few lines: means, intervals, and what a difference is worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from neuromem.protocols.zero_shot.entries import ZeroShotRecord

#: Resamplings of an interval, their seed, and its coverage.
DRAWS, SEED, COVERAGE = 4000, 0, 0.95
#: What is compared, and the name of its chance.
CHANCES = {
    "seen": "chance_seen", "unseen": "chance_unseen", "harmonic": "chance_full",
    "seen_full": "chance_full", "unseen_full": "chance_full",
    "seen_nearest": "chance_seen", "unseen_nearest": "chance_unseen",
    "harmonic_nearest": "chance_full",
}  # fmt: skip


class Estimate(NamedTuple):
    """A mean over sets of unseen classes, seeds and test speakers, with its 95 % interval.

    The ends are NaN where there is one set and one seed; ``sets`` and ``seeds`` say how many.
    """

    mean: float
    low: float
    high: float
    sets: int
    seeds: int


def estimate(
    records: Iterable[ZeroShotRecord], metric: str = "unseen", direction: str | None = None
) -> Estimate:
    """Return the mean of one contestant's records; of both directions where None is given.

    The interval is that of :func:`interval`.

    Raises
    ------
    ValueError
        When there is no record of that direction.
    """
    values, sets = _table(records, metric, direction)
    low, high = interval(values, sets)
    return Estimate(float(values.mean()), low, high, len(sets), len(values))


def difference(
    records: Sequence[ZeroShotRecord], of: str, rival: str, metric: str = "unseen"
) -> Estimate:
    """Return by how much one contestant is ahead of another, both directions together.

    Paired by set of unseen classes, and by seed where both have the same ones; one that has no
    seeds, or fewer, is compared through the mean over its seeds.
    """
    mine, sets = _table((r for r in records if r.name == of), metric, None)
    theirs, others = _table((r for r in records if r.name == rival), metric, None)
    shared = [one for one in sets if one in others]
    if not shared:
        raise ValueError(f"{of} and {rival} have no set of unseen classes in common")
    mine = mine[:, [sets.index(one) for one in shared]]
    theirs = theirs[:, [others.index(one) for one in shared]]
    if len(theirs) != len(mine):
        theirs = theirs.mean(axis=0, keepdims=True)
    low, high = interval(mine - theirs, shared)
    return Estimate(float((mine - theirs).mean()), low, high, len(shared), len(mine))


def interval(values: np.ndarray, sets: Sequence[tuple[int, ...]]) -> tuple[float, float]:
    r"""Return the 95 % bootstrap interval of a mean over seeds and sets of unseen classes.

    .. math::
        \bar v^* = \frac{\sum_{s,U} a_s \prod_{c \in U} m_c\, v_{s,U}}
                        {\sum_{s,U} a_s \prod_{c \in U} m_c}

    where :math:`a` and :math:`m` count how often a seed and a class are drawn, with replacement,
    each draw as many as there are. Drawn are classes and not sets, because two sets that share a
    class are not independent; a draw in which no set is left whole is passed over. With one set
    only seeds are drawn. Ten classes are few: the quantiles are those of the expanded percentile
    interval (Hesterberg 2015, The American Statistician 69:371-386, doi
    10.1080/00031305.2015.1089789), :math:`\Phi(\mp \sqrt{n / (n - 1)}\, t_{n - 1})`.

    Parameters
    ----------
    values
        Accuracies, shape (seeds, sets).
    sets
        The unseen classes of each column.
    """
    from scipy.stats import norm, t

    rng = np.random.default_rng(SEED)
    drawn_from = len(values)
    seeds = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), DRAWS)
    weights = np.ones((DRAWS, len(sets)))
    if len(sets) > 1:
        classes = sorted({label for one in sets for label in one})
        drawn_from = len(classes)
        drawn = rng.multinomial(len(classes), np.full(len(classes), 1 / len(classes)), DRAWS)
        members = [[classes.index(label) for label in one] for one in sets]
        weights = np.stack([drawn[:, one].prod(axis=1) for one in members], axis=1).astype(float)
    elif len(values) == 1:
        return float("nan"), float("nan")
    whole = weights.sum(axis=1) > 0
    seeds, weights = seeds[whole], weights[whole]
    means = np.einsum("ds,sp,dp->d", seeds, values, weights)
    means /= len(values) * weights.sum(axis=1)
    wide = (drawn_from / (drawn_from - 1)) ** 0.5 * t.ppf((1 + COVERAGE) / 2, drawn_from - 1)
    low, high = np.quantile(means, norm.cdf([-wide, wide]))
    return float(low), float(high)


def verdicts(
    records: Sequence[ZeroShotRecord], of: str, metrics: Sequence[str] = ("unseen", "seen")
) -> list[str]:
    """Return sentences: how a contestant stands to chance, and to each other one.

    "Not told apart" means that the 95 % interval of the difference holds 0.
    """
    names = list(dict.fromkeys(record.name for record in records))
    if of not in names:
        return []
    sentences = []
    for metric in metrics:
        mine = [record for record in records if record.name == of]
        own = estimate(mine, metric)
        chance = getattr(mine[0], CHANCES[metric])
        above = _verdict(own.low - chance, own.high - chance, ("above", "below", "not told from"))
        text = f"{metric}: {of} {_points(own)} %, {above} chance ({100 * chance:.1f})."
        groups: dict[str, list[str]] = {}
        for rival in names:
            if rival == of:
                continue
            try:
                gap = difference(records, of, rival, metric)
            except ValueError:
                continue
            word = _verdict(gap.low, gap.high, ("ahead of", "behind", "not told apart from"))
            groups.setdefault(word, []).append(f"{rival} ({_points(gap, '+')})")
        for word in ("ahead of", "not told apart from", "behind", "one measurement beside"):
            if word in groups:
                text += f" {word.capitalize()} {', '.join(groups[word])}."
        sentences.append(text)
    return sentences


def _verdict(low: float, high: float, words: tuple[str, str, str]) -> str:
    if np.isnan(low):
        return "one measurement beside"
    return words[0] if low > 0 else words[1] if high < 0 else words[2]


def _points(of: Estimate, sign: str = "") -> str:
    """Return a mean and its interval in points."""
    text = f"{100 * of.mean:{sign}.1f}"
    return text if np.isnan(of.low) else f"{text} [{100 * of.low:.1f}, {100 * of.high:.1f}]"


def _table(
    records: Iterable[ZeroShotRecord], metric: str, direction: str | None
) -> tuple[np.ndarray, list[tuple[int, ...]]]:
    """Return values (seeds, sets), means over directions and test speakers, and the sets."""
    cells: dict[tuple[int | None, tuple[int, ...]], list[float]] = {}
    for record in records:
        if direction in (None, record.direction):
            cells.setdefault((record.seed, record.pair), []).append(getattr(record, metric))
    if not cells:
        raise ValueError(f"no record in direction {direction!r}: run the contest first")
    seeds = list(dict.fromkeys(seed for seed, _ in cells))
    sets = [
        one for one in dict.fromkeys(pair for _, pair in cells)
        if all((seed, one) in cells for seed in seeds)
    ]  # fmt: skip
    values = [[float(np.mean(cells[seed, one])) for one in sets] for seed in seeds]
    return np.array(values), sets

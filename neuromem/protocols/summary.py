"""Many records in a few lines: means over seeds, and where a liquid does not beat its control."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from neuromem.protocols.contest import Record


class Score(NamedTuple):
    """Accuracy of one contestant on one split: mean and standard deviation over its seeds.

    The deviation is NaN where there is one seed, or nothing random.
    """

    name: str
    split: str
    mean: float
    sd: float
    seeds: int


def scores(records: Iterable[Record]) -> list[Score]:
    """Return a score for every contestant and split, in the order of the records."""
    groups: dict[tuple[str, str], list[float]] = {}
    for record in records:
        groups.setdefault((record.name, record.split), []).append(record.accuracy)
    return [
        Score(
            name, split, float(np.mean(values)),
            float(np.std(values, ddof=1)) if len(values) > 1 else float("nan"), len(values),
        )
        for (name, split), values in groups.items()
    ]  # fmt: skip


def verdicts(records: Iterable[Record], of: str, rivals: Callable[[str], bool]) -> list[str]:
    """Return a sentence for each split: what the contestant ``of`` beats, and what it does not.

    ``rivals`` says of a contestant's name whether it is compared. Compared are means over seeds,
    and over the splits where there are more than two.
    """
    table = {(s.name, s.split): s.mean for s in scores(records)}
    splits = list(dict.fromkeys(split for _, split in table))
    if len(splits) > 2:
        for name in dict.fromkeys(name for name, _ in table):
            table[name, "mean"] = float(np.mean([table[name, split] for split in splits]))
        splits = ["mean"]
    sentences = []
    for split in splits:
        if (of, split) not in table:
            continue
        gaps = {
            name: 100 * (table[of, split] - mean)
            for (name, where), mean in table.items()
            if where == split and rivals(name)
        }
        beaten = [f"{name} by {gap:.1f}" for name, gap in gaps.items() if gap > 0]
        ahead = [
            f"{name} (ahead by {-gap:.1f})" if gap < 0 else f"{name} (equal)"
            for name, gap in gaps.items()
            if gap <= 0
        ]
        sentences.append(
            f"{split}: {of} beats {', '.join(beaten) or 'nothing'}"
            + (f"; it does not beat {', '.join(ahead)}" if ahead else "")
            + " (points)."
        )
    return sentences

"""Accuracies of contestants beside each other, every seed a dot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from neuromem.plotting.style import (
    BLUE,
    DOUBLE_COLUMN_MM,
    FAINT,
    GREY,
    INK,
    SMALL_PT,
    axes_at,
    points,
    sheet,
    styled,
)
from neuromem.protocols import Record

_ROW_PT, _ABOVE_PT, _BELOW_PT, _LEFT_PT, _GAP_PT, _RIGHT_PT = 12.0, 18.0, 28.0, 118.0, 40.0, 30.0
#: Contestants that begin with these are liquids.
_LIQUIDS = ("liquid", "paper")


@styled
def accuracies(records: Sequence[Record], *, width_mm: float = DOUBLE_COLUMN_MM) -> Figure:
    """Draw the accuracy of every contestant on every test split.

    Parameters
    ----------
    records
        Of one contest.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each split, a row for each contestant, best mean first; every seed is a dot,
        a bar their mean. Liquids are blue, controls grey. Chance is given below.

    Raises
    ------
    ValueError
        When there is no record.
    """
    if not records:
        raise ValueError("no record to draw: run a contest first")
    splits = list(dict.fromkeys(r.split for r in records))
    values: dict[tuple[str, str], list[float]] = {}
    for record in records:
        values.setdefault((record.name, record.split), []).append(100 * record.accuracy)
    names = sorted(dict.fromkeys(r.name for r in records),
                   key=lambda name: np.mean(values[name, splits[0]]))  # fmt: skip
    figure = sheet(width_mm, _ABOVE_PT + _ROW_PT * len(names) + _BELOW_PT)
    room = points(width_mm, 300.0) - _LEFT_PT - _RIGHT_PT - _GAP_PT * (len(splits) - 1)
    width = room / len(splits)
    low = min(min(v) for v in values.values())
    for number, split in enumerate(splits):
        left = _LEFT_PT + number * (width + _GAP_PT)
        axes = axes_at(figure, left, _BELOW_PT, width, _ROW_PT * len(names))
        for row, name in enumerate(names):
            found = values[name, split]
            colour = BLUE if name.startswith(_LIQUIDS) else GREY
            mean = float(np.mean(found))
            axes.hlines(row, low - 1, mean, color=FAINT, linewidth=0.5)
            axes.plot(found, np.full(len(found), row), "o", color=colour, markersize=2.6,
                      markeredgewidth=0, alpha=0.7)  # fmt: skip
            axes.plot([mean], [row], "|", color=INK, markersize=7, markeredgewidth=1)
            axes.annotate(f"{mean:.1f}", (1.01, row), xycoords=("axes fraction", "data"),
                          va="center", fontsize=SMALL_PT,
                          annotation_clip=False)  # fmt: skip
        axes.set_xlim(max(0.0, low - 1), 100)
        axes.set_ylim(-0.7, len(names) - 0.3)
        axes.set_yticks(range(len(names)), names if number == 0 else [""] * len(names))
        axes.tick_params(axis="y", length=0)
        data = next(r for r in records if r.split == split)
        axes.set_title(f"{split}: {data.samples:,} of {data.data}")
        axes.set_xlabel("accuracy (%)" + (
            f", chance {100 * data.chance:.0f} %" if number == 0 else ""))  # fmt: skip
    return figure

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
    TEXT_PT,
    axes_at,
    points,
    sheet,
    styled,
    text_pt,
)
from neuromem.protocols import Record

_ROW_PT, _ABOVE_PT, _BELOW_PT, _GAP_PT, _RIGHT_PT = 12.0, 30.0, 30.0, 40.0, 30.0
#: Panels beside each other at most.
_COLUMNS = 3
#: Contestants that begin with these are liquids.
_LIQUIDS = ("liquid", "paper")


@styled
def accuracies(records: Sequence[Record], *, width_mm: float = DOUBLE_COLUMN_MM) -> Figure:
    """Draw the accuracy of every contestant on every test split.

    Parameters
    ----------
    records
        Of one contest or several.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each split, a row for each contestant, best mean over all splits first; every
        seed is a dot, a bar their mean. Liquids are blue, controls grey. Chance is given below.

    Raises
    ------
    ValueError
        When there is no record.
    """
    if not records:
        raise ValueError("no record to draw: run a contest first")
    values: dict[tuple[str, str], list[float]] = {}
    for record in records:
        values.setdefault((record.name, record.split), []).append(100 * record.accuracy)
    means = {key: float(np.mean(found)) for key, found in values.items()}
    names = sorted(
        dict.fromkeys(r.name for r in records),
        key=lambda wanted: np.mean([mean for (name, _), mean in means.items() if name == wanted]),
    )
    samples = {record.split: record for record in reversed(records)}
    splits = list(dict.fromkeys(r.split for r in records))
    columns = min(len(splits), _COLUMNS)
    row_pt = _ABOVE_PT + _ROW_PT * len(names) + _BELOW_PT
    height = row_pt * -(-len(splits) // columns)
    figure = sheet(width_mm, height)
    beside = max(text_pt(name, SMALL_PT) for name in names) + 8
    room = points(width_mm, 300.0) - beside - _RIGHT_PT - _GAP_PT * (columns - 1)
    width = room / columns
    low = max(0.0, min(min(found) for found in values.values()) - 2)
    for number, split in enumerate(splits):
        down, across = divmod(number, columns)
        left, bottom = beside + across * (width + _GAP_PT), height - (down + 1) * row_pt + _BELOW_PT
        axes = axes_at(figure, left, bottom, width, _ROW_PT * len(names))
        for row, name in enumerate(names):
            if (name, split) not in values:
                continue
            found, mean = values[name, split], means[name, split]
            colour = BLUE if name.startswith(_LIQUIDS) else GREY
            axes.hlines(row, low, mean, color=FAINT, linewidth=0.5)
            axes.plot(found, np.full(len(found), row), "o", color=colour, markersize=3,
                      markeredgewidth=0, alpha=0.7, clip_on=False)  # fmt: skip
            if len(found) > 1:
                axes.plot([mean], [row], "|", color=INK, markersize=7, markeredgewidth=1,
                          clip_on=False)  # fmt: skip
            axes.annotate(f"{mean:.1f}", (1, row), (6, 0), xycoords=("axes fraction", "data"),
                          textcoords="offset points", va="center_baseline", fontsize=SMALL_PT,
                          annotation_clip=False)  # fmt: skip
        axes.set_xlim(low, 100)
        axes.set_ylim(-0.7, len(names) - 0.3)
        axes.set_yticks(range(len(names)), names if across == 0 else [""] * len(names))
        axes.tick_params(axis="y", length=0)
        of = samples[split]
        axes.set_title(split, pad=TEXT_PT + 5)
        data = f"{of.samples:,} samples" + (f" of {of.data}" if of.data != split else "")
        size = SMALL_PT * min(1.0, (width + _RIGHT_PT - 12) / text_pt(data, SMALL_PT))
        axes.annotate(data, (0, 1), (0, 3), xycoords="axes fraction", color=GREY,
                      textcoords="offset points", fontsize=size)  # fmt: skip
        axes.set_xlabel(f"accuracy (%), chance {100 * of.chance:.0f} %")
    return figure

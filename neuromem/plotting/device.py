"""Accuracy of a liquid against each imperfection of its device."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from neuromem.plotting.style import (
    DOUBLE_COLUMN_MM,
    GREY,
    PALETTE,
    axes_at,
    points,
    sheet,
    styled,
)
from neuromem.protocols import Record
from neuromem.protocols.resistive import DWELLS_MS

#: Title of a panel, label of its axis, whether that is logarithmic, and the sweeps in it with
#: their names in the legend.
_PANELS = (
    ("Forming", "formed fraction", False, {"formed fraction": ""}),
    (
        "Read noise", "relative deviation", True,
        {
            "white read noise": "white",
            "1/f read noise": "1/f",
            **{f"telegraph noise, {d:g} ms": f"telegraph, {d:g} ms" for d in DWELLS_MS},
        },
    ),
    ("Faults", "share of stuck cells", False, {"stuck cells": ""}),
    ("Quantisation", "conductance levels", True, {"conductance levels": ""}),
    (
        "Retention", "time since training (s)", True,
        {"retention of HfO2, s": "HfO2", "drift of PCM, s": "PCM"},
    ),
)  # fmt: skip
_HEIGHT_PT, _LEFT_PT, _GAP_PT, _BELOW_PT, _ABOVE_PT, _COLUMNS = 96.0, 34.0, 40.0, 30.0, 18.0, 3


@styled
def device_sweeps(
    records: Sequence[Record], *, split: str | None = None, width_mm: float = DOUBLE_COLUMN_MM
) -> Figure:
    """Draw the accuracies of ``neuromem bench resistive``.

    Parameters
    ----------
    records
        Of :func:`neuromem.protocols.resistive.contestants`.
    split
        Test split to draw; the first where None.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        A panel for each imperfection: means over seeds with 95 % intervals (Student's); the ideal
        device is the grey line, the grey band its interval.

    Raises
    ------
    ValueError
        When there is no record.
    """
    if not records:
        raise ValueError("no record to draw: run the sweeps first")
    split = split or records[0].split
    found: dict[str, dict[float, list[float]]] = {}
    for record in records:
        if record.split == split:
            sweep, _, value = record.name.rpartition("=")
            values = found.setdefault(sweep, {}).setdefault(float(value), [])
            values.append(100 * record.accuracy)
    rows = -(-len(_PANELS) // _COLUMNS)
    height = rows * (_HEIGHT_PT + _BELOW_PT + _ABOVE_PT)
    figure = sheet(width_mm, height)
    width = (points(width_mm, 330.0) - _LEFT_PT - 8 - _GAP_PT * (_COLUMNS - 1)) / _COLUMNS
    ideal, half = _interval(found["ideal device"][0.0])
    for number, (title, label, log, sweeps) in enumerate(_PANELS):
        row, column = divmod(number, _COLUMNS)
        bottom = height - (row + 1) * (_HEIGHT_PT + _ABOVE_PT) - row * _BELOW_PT
        axes = axes_at(figure, _LEFT_PT + column * (width + _GAP_PT), bottom, width, _HEIGHT_PT)
        axes.axhspan(ideal - half, ideal + half, color=GREY, alpha=0.2, linewidth=0)
        axes.axhline(ideal, color=GREY, linewidth=0.7)
        for colour, (sweep, name) in zip(PALETTE, sweeps.items(), strict=False):
            _line(axes, found.get(sweep, {}), colour, name)
        axes.set_title(title)
        axes.set_xlabel(label)
        if log:
            axes.set_xscale("log")
        if column == 0:
            axes.set_ylabel("accuracy (%)")
        if any(sweeps.values()):
            axes.legend(loc="lower left")
    return figure


def _line(axes: Axes, values: dict[float, list[float]], colour: str, name: str) -> None:
    x = sorted(values)
    if not x:
        return
    means, halves = zip(*(_interval(values[value]) for value in x), strict=True)
    axes.errorbar(
        x, means, yerr=halves, color=colour, marker="o", markersize=2.4, linewidth=0.9,
        elinewidth=0.7, label=name or None,
    )  # fmt: skip


def _interval(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and half the 95 % interval, 0 for a single value."""
    from scipy.stats import t

    mean = float(np.mean(values))
    if len(values) < 2:
        return mean, 0.0
    return mean, float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5)

"""Accuracy of a liquid against each imperfection of its device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

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
from neuromem.protocols.resistive import DWELLS_MS, IDEAL, INT8, MEASURED, NORMAL

#: The single conditions, and what they are called below the first panel.
_SINGLE = {NORMAL: "normal", IDEAL: "ideal", MEASURED: "measured", INT8: "int8"}
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
    ("Stuck cells", "share of the cells", False, {"stuck cells": ""}),
    ("Quantisation", "conductance levels", True, {"conductance levels": ""}),
    (
        "Retention", "time since training (s)", True,
        {"retention of HfO2, s": "HfO2", "drift of PCM, s": "PCM"},
    ),
)  # fmt: skip
_HEIGHT_PT, _LEFT_PT, _GAP_PT, _BELOW_PT, _ABOVE_PT, _COLUMNS = 96.0, 42.0, 30.0, 34.0, 18.0, 3
#: Logarithmic axes of fewer decades than this are marked at the values themselves.
_FEW_DECADES = 4
Interval = tuple[float, float]


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
        The device as it is, beside normal weights; then a panel for each imperfection. Means over
        seeds with 95 % intervals (Student's), all on one scale; the ideal device is the grey line,
        the grey band its interval.

    Raises
    ------
    ValueError
        When there is no record, none of that split, or none of the ideal device.
    """
    if not records:
        raise ValueError("no record to draw: run the sweeps first")
    split = split or records[0].split
    found = _intervals(record for record in records if record.split == split)
    if IDEAL not in found:
        known = ", ".join(dict.fromkeys(record.split for record in records))
        raise ValueError(
            f"no record of {IDEAL!r} on split {split!r}: give those of the sweeps (splits: {known})"
        )
    rows = -(-(1 + len(_PANELS)) // _COLUMNS)
    height = rows * (_HEIGHT_PT + _BELOW_PT + _ABOVE_PT)
    figure = sheet(width_mm, height)
    width = (points(width_mm, 330.0) - _LEFT_PT - 8 - _GAP_PT * (_COLUMNS - 1)) / _COLUMNS
    ends = [m + sign * h for of in found.values() for m, h in of.values() for sign in (-1, 1)]
    margin = max(0.05 * (max(ends) - min(ends)), 0.5)
    ideal, half = found[IDEAL][0.0]
    for number in range(1 + len(_PANELS)):
        row, column = divmod(number, _COLUMNS)
        bottom = height - (row + 1) * (_HEIGHT_PT + _ABOVE_PT) - row * _BELOW_PT
        axes = axes_at(figure, _LEFT_PT + column * (width + _GAP_PT), bottom, width, _HEIGHT_PT)
        axes.axhspan(ideal - half, ideal + half, color=GREY, alpha=0.2, linewidth=0)
        axes.axhline(ideal, color=GREY, linewidth=0.7)
        axes.set_ylim(min(ends) - margin, max(ends) + margin)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        if column == 0:
            axes.set_ylabel("accuracy (%)")
        if number == 0:
            _single(axes, found)
        else:
            _panel(axes, found, *_PANELS[number - 1])
    return figure


def _single(axes: Axes, found: dict[str, dict[float, Interval]]) -> None:
    """Draw the conditions that have no axis."""
    there = [name for name in _SINGLE if name in found]
    _line(
        axes, {float(x): found[name][0.0] for x, name in enumerate(there)}, PALETTE[0], "", "none"
    )
    axes.set_xticks(range(len(there)), [_SINGLE[name] for name in there])
    axes.set_xlim(-0.6, len(there) - 0.4)
    axes.set_title("Device as it is")
    axes.set_xlabel("weights")


def _panel(
    axes: Axes,
    found: dict[str, dict[float, Interval]],
    title: str,
    label: str,
    log: bool,
    sweeps: dict[str, str],
) -> None:
    axes.set_title(title)
    axes.set_xlabel(label)
    if log:
        axes.set_xscale("log")
    for colour, (sweep, name) in zip(PALETTE, sweeps.items(), strict=False):
        _line(axes, found.get(sweep, {}), colour, name)
    values = sorted({x for sweep in sweeps for x in found.get(sweep, {})})
    if log and values and values[-1] < values[0] * 10**_FEW_DECADES:
        axes.set_xticks(values, [f"{x:g}" for x in values])
        axes.set_xticks([], minor=True)
    if any(sweeps.values()) and values:
        axes.legend(loc="best", borderaxespad=0.4, handlelength=1.4, labelspacing=0.25)


def _line(
    axes: Axes, values: dict[float, Interval], colour: str, name: str, line: str = "-"
) -> None:
    if not values:
        return
    x = sorted(values)
    means, halves = zip(*(values[value] for value in x), strict=True)
    axes.errorbar(x, means, yerr=halves, fmt="none", color=colour, elinewidth=0.7)
    axes.plot(x, means, linestyle=line, color=colour, marker="o", markersize=2.4, linewidth=0.9,
              label=name or None)  # fmt: skip


def _intervals(records: Iterable[Record]) -> dict[str, dict[float, Interval]]:
    """Return mean and half the 95 % interval (0 for one seed) by sweep and value."""
    from scipy.stats import t

    groups: dict[str, list[float]] = {}
    for record in records:
        groups.setdefault(record.name, []).append(100 * record.accuracy)
    found: dict[str, dict[float, Interval]] = {}
    for name, values in groups.items():
        n, half = len(values), 0.0
        if n > 1:
            half = float(t.ppf(0.975, n - 1) * np.std(values, ddof=1) / n**0.5)
        sweep, is_one, value = name.rpartition("=")
        if is_one:
            found.setdefault(sweep, {})[float(value)] = float(np.mean(values)), half
    return found

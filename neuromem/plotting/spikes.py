"""Spikes as a raster."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from neuromem.memory import Operation, Session
from neuromem.network import Network, SpikeTrains
from neuromem.plotting import marks as ops
from neuromem.plotting.style import (
    DOUBLE_COLUMN_MM,
    FAINT,
    GREY,
    HAIRLINE,
    INK,
    MOST_VECTOR_MARKS,
    PAGE_PT,
    TEXT_PT,
    TINY_PT,
    axes_at,
    points,
    sheet,
    styled,
    text_pt,
    window,
)
from neuromem.results import Result

_LEAST_BAND_PT = 10.0
_PAD_PT = 2.5


@styled
def raster(
    result: Result,
    *,
    session: Session | None = None,
    operations: Sequence[Operation] | None = None,
    starts: Sequence[float] | None = None,
    answer_ms: float = ops.ANSWER_MS,
    populations: Sequence[str] | None = None,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    title: str | None = None,
    width_mm: float = DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw the spikes of a run, one band a population, from the input at the top to the output.

    In each band neuron 0 is at the top; a dotted line parts slices that the network connects
    separately (cue from content in the input). Operations are coloured spans from start to answer.

    Parameters
    ----------
    result
        The run.
    session
        Whose operations to mark.
    operations, starts
        The operations to mark, and their starts (ms), where there is no session.
    answer_ms
        Length of the spans of these operations (ms); a session knows its own.
    populations
        Which to draw and in which order; all recorded ones in the network's order where None.
    start_ms, stop_ms
        The spikes with ``start_ms <= time < stop_ms`` are drawn; the whole run where None.
    title
        Text above; none where None.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        As high as its bands need, at most about a page. Labels of operations are put in a second
        row or upright where they would overlap; should they still, only those that fit are drawn.

    Raises
    ------
    ValueError
        For a population that was not recorded, an empty span, or operations without starts.
    """
    network = result.network
    span = window(
        result.start_ms if start_ms is None else start_ms,
        max(result.stop_ms, result.start_ms + network.timestep_ms) if stop_ms is None else stop_ms,
    )
    names = _names(result, populations)
    half_tick = network.timestep_ms / 2
    shown = (span[0] - half_tick, span[1])
    marks = ops.marks_of(session, operations, starts, answer_ms, shown, half_tick)

    titles = [f"{name} ({result.spikes[name].size})" for name in names]
    left = max(text_pt(text, TEXT_PT) for text in titles) + 9
    right = 4 + text_pt("0" * len(str(max(result.spikes[n].size for n in names))), TINY_PT) + 2
    sheet_pt = points(width_mm, left + right + 80)
    width = sheet_pt - left - right
    labels = ops.place_labels(marks, shown, width)
    bands = _band_heights([result.spikes[name].size for name in names])
    height, below = sum(bands), 26.0
    kinds = frozenset(type(m.operation) for m in marks)
    header = ops.Header(title or "", kinds, left, left + width, sheet_pt)
    figure = sheet(width_mm, below + height + labels.height_pt + header.height_pt)
    header.draw(figure)
    axes = axes_at(figure, left, below, width, height)
    axes.set(xlim=shown, ylim=(height, 0), xlabel="Time (ms)")
    ops.draw_marks(axes, marks, labels, (width, height))

    top, middles, rows = 0.0, [], []
    line = min(max(0.55 * width * network.timestep_ms / (shown[1] - shown[0]), 0.5), 1.2)
    for name, band in zip(names, bands, strict=True):
        spikes = result.spikes[name]
        pitch = (band - 2 * _PAD_PT) / spikes.size
        first = top + _PAD_PT + pitch / 2
        axes.add_collection(_ticks(name, spikes.between(*span), first, pitch, line))
        if top:
            axes.axhline(top, color=FAINT, linewidth=HAIRLINE, zorder=1)
        for cut in _cuts(network, name):
            y = top + _PAD_PT + cut * pitch
            axes.axhline(y, color=GREY, linewidth=HAIRLINE, linestyle=(0, (1, 2)), zorder=1)
        middles.append(top + band / 2)
        if pitch >= 2.2:
            rows.extend(first + pitch * np.arange(spikes.size))
        if spikes.size > 1 and band >= 2 * TINY_PT + 2:
            inset = max(_PAD_PT + pitch / 2, TINY_PT / 2 + 0.5)
            for index, y in ((0, top + inset), (spikes.size - 1, top + band - inset)):
                axes.text(
                    1 + 4 / width,
                    y,
                    str(index),
                    transform=axes.get_yaxis_transform(),
                    va="center_baseline",
                    color=GREY,
                    fontsize=TINY_PT,
                )
        top += band
    axes.set_yticks(middles, titles, fontsize=TEXT_PT)
    axes.tick_params(axis="y", which="major", length=0, pad=5)
    axes.set_yticks(rows, minor=True)
    axes.tick_params(axis="y", which="minor", length=1.5, width=0.35, color=GREY)
    return figure


def _names(result: Result, populations: Sequence[str] | None) -> list[str]:
    """Return the populations to draw."""
    recorded = [p.name for p in result.network.populations if p.name in result.spikes]
    if not recorded:
        raise ValueError("no spikes were recorded: add a Recording of 'spikes' to the network")
    for name in populations or ():
        if name not in recorded:
            raise ValueError(
                f"no spikes of population {name!r}: recorded are {', '.join(recorded)}"
            )
    return list(populations or recorded)


def _band_heights(sizes: Sequence[int]) -> list[float]:
    """Return heights in points: by neuron while few, then by the root of their number."""
    wanted = [min(4.5 * size, 9 * math.sqrt(size), 110.0) + 2 * _PAD_PT for size in sizes]
    shrink = min(1.0, PAGE_PT / sum(wanted))
    return [max(_LEAST_BAND_PT, shrink * height) for height in wanted]


def _cuts(network: Network, name: str) -> set[int]:
    """Return where the network's projections cut a population into slices; none when many."""
    views = [network.view(end) for p in network.projections for end in (p.pre, p.post)]
    cuts = {v.start for v in views if v.population.name == name and v.start}
    return cuts if len(cuts) <= 3 else set()


def _ticks(
    name: str, spikes: SpikeTrains, first: float, pitch: float, line: float
) -> LineCollection:
    """Return spikes as upright ticks, one a spike, in a band whose neuron 0 is at ``first``."""
    half = max(0.4 * pitch, 0.6)
    ends = np.empty((len(spikes), 2, 2))
    ends[:, :, 0] = spikes.times_ms[:, None]
    ends[:, :, 1] = (first + pitch * spikes.neurons)[:, None] + (-half, half)
    ticks = LineCollection(list(ends), colors=INK, linewidths=line, zorder=2)
    ticks.set(gid=f"spikes {name}", rasterized=len(spikes) > MOST_VECTOR_MARKS, capstyle="butt")
    return ticks

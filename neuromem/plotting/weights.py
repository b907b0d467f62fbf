"""Plastic weights: as matrices, and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from neuromem.memory import Operation, Session
from neuromem.network import Network, Population, STDPSynapse, firing_weight
from neuromem.plotting import marks as ops
from neuromem.plotting.style import (
    DOUBLE_COLUMN_MM,
    FAINT,
    GREY,
    HAIRLINE,
    INK,
    MOST_VECTOR_MARKS,
    PALETTE,
    SINGLE_COLUMN_MM,
    SMALL_PT,
    TEXT_PT,
    axes_at,
    points,
    sheet,
    styled,
    text_pt,
    window,
)
from neuromem.results import Samples

# From white, so that what was not learned stays paper, to a blue that prints dark.
_SHADES = LinearSegmentedColormap.from_list(
    "weights", ["white", *colormaps["Blues"](np.linspace(0.15, 1, 12))]
)
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
_CELL_PT = 14.0
_BAR_PT = 7.0
_MOST_GROUPS = 8
_HISTORY_PT = 110.0


@styled
def weight_matrix(
    weights: np.ndarray,
    *,
    label: str,
    unit: str = "nA",
    threshold: float | None = None,
    highest: float | None = None,
    pre: str = "Pre",
    post: str = "Post",
    width_mm: float = SINGLE_COLUMN_MM,
) -> Figure:
    """Draw weights as a heat map, a row a presynaptic neuron.

    Parameters
    ----------
    weights
        Weights [pre, post]; NaN, drawn hatched, where there is no connection.
    label
        Title; the projection's label.
    unit
        Unit of the weights.
    threshold
        Weights at least this high are marked with a dot; none where None.
    highest
        Weight of the darkest shade; the largest of the weights and threshold where None.
    pre, post
        Names of the two sides.
    width_mm
        Width of the figure at most; a small matrix takes less.

    Returns
    -------
    matplotlib.figure.Figure
        Heat map and colour bar.

    Raises
    ------
    ValueError
        When the weights are no matrix, or have no cell.
    """
    table = _Table(label, np.asarray(weights, dtype=np.float64), pre, post, threshold)
    return _matrices([table], unit, highest, width_mm)


@styled
def weight_matrices(
    session: Session, *, settled: bool = True, width_mm: float = DOUBLE_COLUMN_MM
) -> Figure:
    """Draw the plastic weights of a memory, side by side in one scale.

    Parameters
    ----------
    session
        The memory at work.
    settled
        With all pending potentiation (what the next spike meets), or as stored.
    width_mm
        Width of the figure at most; small matrices take less.

    Returns
    -------
    matplotlib.figure.Figure
        A heat map a projection; a dot marks weights that fire their target with one spike.
    """
    network = session.memory.network
    tables, highest = [], 0.0
    for label, weights in session.weights(settled=settled).items():
        projection = network.projection(label)
        assert isinstance(projection.synapse, STDPSynapse)
        highest = max(highest, projection.synapse.w_max)
        fires = _firing_weight(network, label)
        tables.append(_Table(label, weights, projection.pre, projection.post, fires))
    unit = _target(network, tables[0].label).neuron.weight_unit
    return _matrices(tables, unit, highest, width_mm)


@styled
def weight_history(
    samples: Samples,
    *,
    label: str = "",
    threshold: float | None = None,
    by: Literal["pre", "post"] = "pre",
    session: Session | None = None,
    operations: Sequence[Operation] | None = None,
    starts: Sequence[float] | None = None,
    answer_ms: float = ops.ANSWER_MS,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    title: str | None = None,
    width_mm: float = DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw weights over time, of those synapses only that move in the span shown.

    Weights are as stored: potentiation shows when the next presynaptic spike applies it.

    Parameters
    ----------
    samples
        Sampled weights, as ``result.weights[label]``.
    label
        The projection's label.
    threshold
        Weight to mark by a line; where None that which fires the target, if the session tells.
    by
        Which side's neurons have a colour each, while they are eight at most.
    session, operations, starts, answer_ms
        Operations to mark, as in :func:`neuromem.plotting.raster`.
    start_ms, stop_ms
        Span to draw (ms); that of the samples where None.
    title
        Text above; the label where None.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Synapses with one and the same course share a line; the legend counts them.

    Raises
    ------
    ValueError
        When the samples are no weights, the span is empty, or operations lack starts.
    """
    if samples.values.ndim != 3:
        raise ValueError(
            f"samples of shape {samples.values.shape}: give weights (time, pre, post), as in "
            "result.weights[label]"
        )
    times = samples.times_ms
    ends = (float(times[0]), float(times[-1])) if times.size else (0.0, 0.0)
    tick = session.memory.network.timestep_ms if session else 1.0
    span = window(
        ends[0] if start_ms is None else start_ms,
        max(ends[1], ends[0] + tick) if stop_ms is None else stop_ms,
    )
    if threshold is None and session is not None and label:
        threshold = _firing_weight(session.memory.network, label)
    marks = ops.marks_of(session, operations, starts, answer_ms, span, tick / 2)
    inside = (times >= span[0]) & (times <= span[1])
    groups = _courses(samples.values[inside], by)

    left, right, below, height = 28.0, 8.0, 26.0, _HISTORY_PT
    if groups and len(groups) <= _MOST_GROUPS:
        right = text_pt(f"{by} (synapses)", SMALL_PT) + 10
    if threshold is not None:
        right = max(right, text_pt("threshold", SMALL_PT) + 10)
    sheet_pt = points(width_mm, left + right + 80)
    width = sheet_pt - left - right
    labels = ops.place_labels(marks, span, width)
    kinds = frozenset(type(m.operation) for m in marks)
    text = _arrow(label) if title is None else title
    header = ops.Header(text, kinds, left, left + width, sheet_pt)
    figure = sheet(width_mm, below + height + labels.height_pt + header.height_pt)
    header.draw(figure)
    axes = axes_at(figure, left, below, width, height)
    ops.draw_marks(axes, marks, labels, (width, height))
    handles = _draw_courses(axes, times[inside], groups)
    highest = max([c.max() for _, courses, _ in groups for c in courses] + [threshold or 0.0, 0.0])
    axes.set(xlim=span, ylim=(-0.03 * (highest or 1), 1.08 * (highest or 1)))
    axes.set(xlabel="Time (ms)", ylabel=f"Weight ({samples.unit})")
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if threshold is not None:
        axes.axhline(threshold, color=INK, linewidth=0.8, linestyle=(0, (6, 3)), zorder=1.5)
        place = axes.get_yaxis_transform()
        text = axes.text(1 + 3 / width, threshold, "threshold", transform=place, va="center")
        text.set_fontsize(SMALL_PT)
    if handles:
        key = axes.legend(
            handles=handles,
            title=f"{by} (synapses)",
            title_fontsize=SMALL_PT,
            loc="lower left",
            bbox_to_anchor=(1 + 5 / width, 0),
            alignment="left",
            handlelength=2,
            labelspacing=0.3,
        )
        key.set_zorder(3)
    return figure


_Group = tuple[int, list[np.ndarray], int]


def _courses(values: np.ndarray, by: str) -> list[_Group]:
    """Return (neuron, distinct courses of its moving synapses, number of these synapses)."""
    if len(values) == 0:
        return []
    side = 1 if by == "pre" else 2
    # No connection is NaN at all times, which compares as not moving.
    moves = values.max(axis=0) > values.min(axis=0)
    groups = []
    for neuron in range(values.shape[side]):
        own = values.take(neuron, axis=side)[:, moves.take(neuron, axis=side - 1)]
        if own.shape[1]:
            groups.append((neuron, list(np.unique(own, axis=1).T), own.shape[1]))
    return groups


def _draw_courses(axes: Axes, times: np.ndarray, groups: list[_Group]) -> list[Line2D]:
    """Draw the courses, and return the lines that the legend explains."""
    few, handles = len(groups) <= _MOST_GROUPS, []
    for number, group in enumerate(groups):
        colour = PALETTE[number] if few else GREY
        dashes = _DASHES[number % len(_DASHES)] if few else "-"
        line = None
        for course in group[1]:
            (line,) = axes.plot(
                times,
                course,
                color=colour,
                linestyle=dashes,
                linewidth=1.0 if few else HAIRLINE,
                drawstyle="steps-post",
                gid="course",
                zorder=2,
            )
        if few and line is not None:
            line.set_label(f"{group[0]} ({group[2]})")
            handles.append(line)
    return handles


@dataclass(frozen=True)
class _Table:
    """A matrix to draw."""

    label: str
    weights: np.ndarray
    pre: str
    post: str
    threshold: float | None


def _matrices(tables: list[_Table], unit: str, highest: float | None, width_mm: float) -> Figure:
    """Draw matrices side by side in one scale, with one colour bar."""
    arrays = [table.weights for table in tables]
    for table in tables:
        shape = table.weights.shape
        if len(shape) != 2 or 0 in shape:
            raise ValueError(
                f"weights of {table.label!r} of shape {shape}: give a matrix [pre, post]"
            )
    thresholds = sorted({table.threshold for table in tables if table.threshold is not None})
    values = np.concatenate([a[np.isfinite(a)] for a in arrays] + [[0.0], thresholds])
    lowest, highest = float(values.min()), float(values.max()) if highest is None else highest
    highest = highest if highest > lowest else lowest + 1
    scale = Normalize(lowest, highest)

    dot = f"≥ {', '.join(f'{threshold:.3g}' for threshold in thresholds)} {unit}"
    beside = max(30.0, text_pt(dot, SMALL_PT) + 4 if thresholds else 0.0)
    left, gap, after, below, above = 32.0, 42.0, 10 + _BAR_PT + beside, 28.0, TEXT_PT + 10
    room = points(width_mm, 110 * len(arrays)) - left - after - gap * (len(arrays) - 1)
    cell = min(_CELL_PT, room / sum(a.shape[1] for a in arrays))
    # Flat cells rather than a figure longer than a page.
    row = min(cell, 400 / max(a.shape[0] for a in arrays))
    sizes = [(cell * a.shape[1], row * a.shape[0]) for a in arrays]
    tallest = max(50.0, *(size[1] for size in sizes))
    # A matrix is as wide as its title, as far as there is room.
    titles = [_arrow(table.label) for table in tables]
    widths = [max(s[0], text_pt(t, TEXT_PT)) for s, t in zip(sizes, titles, strict=True)]
    if sum(widths) > room:
        widths = [size[0] for size in sizes]
    used = left + sum(widths) + gap * (len(arrays) - 1) + after
    figure = sheet(used / 72 * 25.4, below + tallest + above)
    x, top = left, below + tallest
    for table, title, size, wide in zip(tables, titles, sizes, widths, strict=True):
        axes = axes_at(figure, x, top - size[1], *size)
        _heat_map(axes, table, scale, min(cell, row))
        axes.set_title(title)
        axes.set(xlabel=f"{table.post} neuron", ylabel=f"{table.pre} neuron")
        x += wide + gap
    bar = axes_at(figure, x - gap + 10, below, _BAR_PT, tallest)
    shades = np.linspace(lowest, highest, 257)
    bar.pcolormesh([0, 1], shades, shades[:-1, None], cmap=_SHADES, norm=scale, rasterized=True)
    bar.set(xticks=[], ylim=(lowest, highest), ylabel=f"Weight ({unit})")
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    bar.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    bar.spines[:].set_visible(True)
    for threshold in thresholds:
        bar.axhline(threshold, color=INK, linewidth=0.8)
    if thresholds:
        low = -9 / tallest
        bar.plot(0.5, low, "o", color=INK, markersize=3, transform=bar.transAxes, clip_on=False)
        bar.text(1.25, low, dot, transform=bar.transAxes, va="center_baseline", fontsize=SMALL_PT)
    return figure


def _heat_map(axes: Axes, table: _Table, scale: Normalize, cell_pt: float) -> None:
    """Draw one matrix, neuron 0 at the top left."""
    weights, threshold = table.weights, table.threshold
    rows, columns = weights.shape
    axes.set_facecolor("white")
    if np.isnan(weights).any():
        axes.patch.set(hatch="////", edgecolor=FAINT)
    mesh = axes.pcolormesh(
        np.arange(columns + 1) - 0.5,
        np.arange(rows + 1) - 0.5,
        np.ma.masked_invalid(weights),
        cmap=_SHADES,
        norm=scale,
        edgecolors=FAINT if cell_pt >= 4 else "face",
        linewidth=0.35 if cell_pt >= 4 else 0.1,
        rasterized=weights.size > MOST_VECTOR_MARKS,
    )
    mesh.set_gid("weights")
    if threshold is not None:
        pre, post = np.nonzero(np.nan_to_num(weights, nan=-np.inf) >= threshold)
        shade = np.where(scale(weights[pre, post]) > 0.55, "white", "black")
        size = min(max(0.28 * cell_pt, 0.8), 4.0)
        dots = axes.scatter(post, pre, s=size**2, c=shade, linewidths=0, zorder=3)
        dots.set_gid("above threshold")
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    for axis, count in ((axes.xaxis, columns), (axes.yaxis, rows)):
        if count * cell_pt < 400 and cell_pt >= 10:
            axis.set_ticks(range(count))
        else:
            axis.set_major_locator(MaxNLocator(6, integer=True, steps=[1, 2, 5, 10]))
    axes.tick_params(length=1.5)
    axes.spines[:].set_visible(True)


def _target(network: Network, label: str) -> Population:
    population = network.view(network.projection(label).post).population
    assert isinstance(population, Population)
    return population


def _firing_weight(network: Network, label: str) -> float:
    return firing_weight(_target(network, label).neuron, network.timestep_ms)


def _arrow(label: str) -> str:
    return label.replace("->", " → ")

"""Zero-shot recognition: what lies near what, and how well each set of unseen classes is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from neuromem.plotting.style import (
    BLUE,
    DOUBLE_COLUMN_MM,
    FAINT,
    GREY,
    HAIRLINE,
    INK,
    SMALL_PT,
    TEXT_PT,
    axes_at,
    points,
    sheet,
    styled,
    text_pt,
)
from neuromem.protocols.zero_shot.entries import Embedded, ZeroShotRecord
from neuromem.protocols.zero_shot.metrics import prototypes
from neuromem.protocols.zero_shot.summary import estimate

_SQUARE_PT, _ROW_PT, _ABOVE_PT, _BELOW_PT = 118.0, 12.0, 26.0, 34.0
_LEFT_PT, _RIGHT_PT, _BAR_PT = 34.0, 62.0, 28.0
#: Recordings of a class and sense that are drawn at most.
_MOST = 20
#: Colours of ten classes, as of matplotlib's tab10; each class has its number beside it too.
_CLASS_COLOURS = (
    "#1F77B4", "#FF7F0E", "#2CA02C", "#D62728", "#9467BD",
    "#8C564B", "#E377C2", "#7F7F7F", "#BCBD22", "#17BECF",
)  # fmt: skip


@styled
def zero_shot_figure(
    records: Sequence[ZeroShotRecord],
    embedded: Embedded,
    *,
    of: str = "liquid",
    unseen: Sequence[int] = (),
    names: tuple[str, str] = ("sound", "sight"),
    width_mm: float = DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw how two senses meet in one space, and how well unseen classes are recognised.

    Parameters
    ----------
    records
        Of :func:`neuromem.protocols.zero_shot.zero_shot`.
    embedded
        Test recordings of both senses in the space of the contestant ``of``.
    of
        The contestant of the first panels, in blue below.
    unseen
        The classes that this space was trained without; their names are bold.
    names
        What first and second sense are called.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Above: cosine similarity of the classes' prototypes; the recordings in the plane of their
        two principal components; accuracy for every pair of unseen classes, where they are pairs.
        Below: a row for each contestant with a dot for every set of unseen classes, mean over
        seeds and directions, and the mean of all with its 95 % interval; chance is the line.

    Raises
    ------
    ValueError
        When there is no record of that contestant.
    """
    if not any(record.name == of for record in records):
        known = ", ".join(dict.fromkeys(record.name for record in records)) or "none"
        raise ValueError(f"no record of {of!r} to draw: the contestants are {known}")
    rows = _by_contestant(records)
    pairs = len(records[0].pair) == 2
    height = _ABOVE_PT + _SQUARE_PT + 2 * _BELOW_PT + 16 + _ROW_PT * len(rows)
    width = points(width_mm, 480.0 if pairs else 360.0)
    figure = sheet(width_mm, height)
    bottom = height - _ABOVE_PT - _SQUARE_PT
    room = (width - _LEFT_PT - 3 * _SQUARE_PT - _BAR_PT) / 2
    places = [_LEFT_PT + i * (_SQUARE_PT + room) for i in range(3)]
    squares = [axes_at(figure, x, bottom, _SQUARE_PT, _SQUARE_PT) for x in places[: 2 + pairs]]
    classes = sorted({*embedded.first_labels.tolist()} & {*embedded.second_labels.tolist()})
    _similarity(squares[0], embedded, classes, unseen, names)
    _map(squares[1], embedded, classes, unseen, names)
    if pairs:
        _pairs(squares[2], [record for record in records if record.name == of], classes)
    beside = max(text_pt(name, SMALL_PT) for name in rows) + 8
    strip = axes_at(figure, beside, _BELOW_PT, width - beside - _RIGHT_PT, _ROW_PT * len(rows))
    _strip(strip, rows, of)
    return figure


def _similarity(
    axes: Axes, embedded: Embedded, classes: list[int], unseen: Sequence[int],
    names: tuple[str, str],
) -> None:  # fmt: skip
    first = prototypes(embedded.first, embedded.first_labels, classes)
    second = prototypes(embedded.second, embedded.second_labels, classes)
    image = axes.imshow(first @ second.T, cmap="RdBu_r", vmin=-1, vmax=1, aspect="equal")
    for place, label in enumerate(classes):
        if label in unseen:
            axes.add_patch(Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, edgecolor=INK))
    _class_ticks(axes, classes, unseen)
    axes.set_ylabel(names[0])
    axes.set_xlabel(names[1])
    axes.set_title("Similarity of prototypes")
    bar = axes.inset_axes((1.03, 0.0, 0.04, 1.0))
    axes.figure.colorbar(image, cax=bar, ticks=[-1, 0, 1])
    bar.tick_params(length=2, labelsize=SMALL_PT - 1)
    bar.spines["outline"].set_linewidth(HAIRLINE)


def _map(
    axes: Axes, embedded: Embedded, classes: list[int], unseen: Sequence[int],
    names: tuple[str, str],
) -> None:  # fmt: skip
    both = np.concatenate([embedded.first, embedded.second])
    centre = both.mean(axis=0)
    plane = np.linalg.svd(both - centre, full_matrices=False)[2][:2]
    # Which way a component points is arbitrary: to the side of its largest entry.
    plane *= np.sign(plane[np.arange(2), np.abs(plane).argmax(axis=1)])[:, None]
    for sense, marker, size in ((0, "o", 5), (1, "^", 6)):
        points_of = (embedded.first, embedded.second)[sense]
        labels = (embedded.first_labels, embedded.second_labels)[sense]
        flat = (points_of - centre) @ plane.T
        for place, label in enumerate(classes):
            mine = flat[labels == label]
            axes.scatter(*mine[:_MOST].T, s=size, marker=marker, alpha=0.45, linewidths=0,
                         color=_CLASS_COLOURS[place % 10])  # fmt: skip
            axes.annotate(
                str(label), mine.mean(axis=0), ha="center", va="center", fontsize=SMALL_PT,
                weight="bold" if label in unseen else "normal",
                bbox={"boxstyle": "circle,pad=0.12" if sense == 0 else "square,pad=0.15",
                      "facecolor": "white", "alpha": 0.85,
                      "edgecolor": _CLASS_COLOURS[place % 10], "linewidth": 0.7},
            )  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.margins(0.06)
    axes.set_xlabel("component 1")
    axes.set_ylabel("component 2")
    axes.set_title("Embedding")
    key = [
        Line2D([], [], color=GREY, linestyle="none", marker=marker, markersize=3.5, label=name)
        for marker, name in zip("o^", names, strict=True)
    ]
    axes.legend(handles=key, loc="lower right", bbox_to_anchor=(1.0, 1.02), ncols=2,
                handlelength=0.8, columnspacing=0.8)  # fmt: skip


def _pairs(axes: Axes, records: Sequence[ZeroShotRecord], classes: list[int]) -> None:
    """Draw accuracy for every pair, in both triangles."""
    grid = np.full((len(classes), len(classes)), np.nan)
    for (a, b), value in _means(records).items():
        if a in classes and b in classes:
            i, j = classes.index(a), classes.index(b)
            grid[i, j] = grid[j, i] = 100 * value
    axes.set_facecolor(FAINT)  # what was not measured
    image = axes.imshow(grid, cmap="RdBu_r", vmin=0, vmax=100, aspect="equal")
    _class_ticks(axes, classes, ())
    axes.set_xlabel("unseen")
    axes.set_ylabel("unseen")
    axes.set_title("Unseen, each pair (%)")
    bar = axes.inset_axes((1.03, 0.0, 0.04, 1.0))
    axes.figure.colorbar(image, cax=bar, ticks=[0, 50, 100])
    bar.tick_params(length=2, labelsize=SMALL_PT - 1)
    bar.spines["outline"].set_linewidth(HAIRLINE)


def _class_ticks(axes: Axes, classes: list[int], unseen: Sequence[int]) -> None:
    ticks = range(len(classes))
    names = [str(label) for label in classes]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(True)
    for found in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, text in zip(classes, found, strict=True):
            text.set_fontweight("bold" if label in unseen else "normal")


def _strip(axes: Axes, rows: dict[str, list[ZeroShotRecord]], of: str) -> None:
    chance = 100 * next(iter(rows.values()))[0].chance_unseen
    axes.axvline(chance, color=GREY, linewidth=0.8, linestyle=(0, (3, 2)))
    rng = np.random.default_rng(0)
    for row, (name, mine) in enumerate(rows.items()):
        colour = BLUE if name == of else GREY
        values = 100 * np.array(list(_means(mine).values()))
        up = row + (rng.uniform(-0.24, 0.24, len(values)) if len(values) > 1 else 0)
        axes.plot(values, np.broadcast_to(up, values.shape), "o", color=colour, markersize=2.2,
                  markeredgewidth=0, alpha=0.45, clip_on=False)  # fmt: skip
        whole = estimate(mine, "unseen")
        if not np.isnan(whole.low):
            axes.hlines(row, 100 * whole.low, 100 * whole.high, color=INK, linewidth=1.1)
        axes.plot([100 * whole.mean], [row], "|", color=INK, markersize=8, markeredgewidth=1.2,
                  clip_on=False)  # fmt: skip
        text = f"{100 * whole.mean:.1f}"
        if not np.isnan(whole.low):
            text += f" [{100 * whole.low:.0f}, {100 * whole.high:.0f}]"
        axes.annotate(text, (1, row), (6, 0), xycoords=("axes fraction", "data"),
                      textcoords="offset points", va="center_baseline", fontsize=SMALL_PT,
                      annotation_clip=False)  # fmt: skip
    axes.set_xlim(0, 100)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.tick_params(axis="y", length=0)
    ways = len(next(iter(rows.values()))[0].pair)
    axes.set_title(f"Unseen classes, a choice between {ways}: each set a dot", fontsize=TEXT_PT)
    axes.set_xlabel(f"accuracy (%), chance {chance:.0f} %; mean and 95 % interval at the right")


def _by_contestant(records: Sequence[ZeroShotRecord]) -> dict[str, list[ZeroShotRecord]]:
    """Return the records of each contestant, those of the lowest mean first."""
    groups: dict[str, list[ZeroShotRecord]] = {}
    for record in records:
        groups.setdefault(record.name, []).append(record)
    means = {name: np.mean([r.unseen for r in mine]) for name, mine in groups.items()}
    return {name: groups[name] for name in sorted(groups, key=lambda name: means[name])}


def _means(records: Sequence[ZeroShotRecord]) -> dict[tuple[int, ...], float]:
    """Return the mean unseen accuracy of each set, over seeds and directions."""
    groups: dict[tuple[int, ...], list[float]] = {}
    for record in records:
        groups.setdefault(record.pair, []).append(record.unseen)
    return {pair: float(np.mean(values)) for pair, values in groups.items()}

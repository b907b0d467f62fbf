"""A device card as pictures: cells, read noise over time, retention."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from neuromem.plotting.style import (
    BLUE,
    DOUBLE_COLUMN_MM,
    FAINT,
    GREY,
    INK,
    PALETTE,
    SMALL_PT,
    axes_at,
    points,
    sheet,
    styled,
)
from neuromem.rram import DeviceCard, Forming, Programming, ReadNoise, Retention

_CELLS = 40_000
_LEVELS = 6
_STEPS = 200
_SPECTRUM_STEPS = 4096
_DAY_S, _YEAR_S = 86_400.0, 3.15576e7
_TIMES_S = {1.0: "1 s", 60.0: "1 min", 3600.0: "1 h", _DAY_S: "1 d", _YEAR_S: "1 y"}
_BESIDE: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": SMALL_PT}
_HEIGHT_PT, _LEFT_PT, _GAP_PT, _BELOW_PT, _ABOVE_PT = 108.0, 36.0, 47.0, 30.0, 16.0
_COLUMNS = 3
#: Title, columns that it takes, and what draws it.
_Panel = tuple[str, int, Callable[[Axes], None]]


@styled
def device_card(card: DeviceCard, *, seed: int = 0, width_mm: float = DOUBLE_COLUMN_MM) -> Figure:
    """Draw a device card.

    Parameters
    ----------
    card
        The device.
    seed
        Seed of the cells drawn.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        What the card has of these: forming, cells, error of programming, differences of random
        pairs, read noise over time (reads 1 ms apart) and its spectrum, retention (median and
        5 to 95 % of the cells).
    """
    rng = np.random.default_rng(seed)
    forming, programming, noise = card.forming, card.programming, card.read_noise
    retention = card.retention
    panels: list[_Panel] = []
    if forming is not None:
        panels.append(("Forming", 1, lambda axes: _forming(axes, forming, card.formed_fraction)))
    if forming is not None or programming is None:
        panels.append(("Cells as formed", 1, lambda axes: _formed(axes, card, rng)))
    else:
        panels.append(("Programmed cells", 1, lambda axes: _levels(axes, card, programming, rng)))
        panels.append(("Programming error", 1, lambda axes: _error(axes, card, programming)))
    panels.append(("Pairs", 1, lambda axes: _pairs(axes, card, rng)))
    if noise is not None:
        wide = 2 if retention is None else 1
        panels.append(("Read noise of three cells", wide, lambda axes: _course(axes, noise, rng)))
        panels.append(("Spectrum of the read noise", 1, lambda axes: _spectrum(axes, noise, rng)))
    if retention is not None:
        panels.append(("Retention", 1, lambda axes: _kept(axes, card, retention, rng)))
    return _page(panels, width_mm)


def _page(panels: list[_Panel], width_mm: float) -> Figure:
    """Lay panels out in a grid of three columns."""
    rows = -(-sum(span for _, span, _ in panels) // _COLUMNS)
    width = points(width_mm, 440)
    across = (width - _LEFT_PT - 10 - _GAP_PT * (_COLUMNS - 1)) / _COLUMNS
    pitch = _BELOW_PT + _HEIGHT_PT + _ABOVE_PT
    figure = sheet(width_mm, rows * pitch)
    place = 0
    for title, span, draw in panels:
        row, column = divmod(place, _COLUMNS)
        left = _LEFT_PT + column * (across + _GAP_PT)
        bottom = (rows - 1 - row) * pitch + _BELOW_PT
        wide = span * across + (span - 1) * _GAP_PT
        axes = axes_at(figure, left, bottom, wide, _HEIGHT_PT)
        axes.set_title(title)
        draw(axes)
        if axes.get_yscale() == "linear" and len(axes.get_yticks()):
            axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        place += span
    return figure


def _forming(axes: Axes, forming: Forming, fraction: float) -> None:
    """Draw the formed fraction over the programming voltage."""
    volts = forming.mean_v + forming.sd_v * np.linspace(-3.5, 3.5, 201)
    axes.plot(volts, [forming.fraction(v) for v in volts], color=BLUE, linewidth=1.2)
    if 0 < fraction < 1:
        at = forming.voltage(fraction)
        axes.plot([volts[0], at, at], [fraction, fraction, 0], color=GREY, linewidth=0.7, ls=":")
        axes.plot(at, fraction, "o", color=INK, markersize=3.5, gid="formed fraction")
        axes.annotate(f"{fraction:.3g}", (at, fraction), (-5, 7), ha="right", **_BESIDE)
    axes.set(xlim=(volts[0], volts[-1]), ylim=(0, 1.02), xlabel="Programming voltage (V)")
    axes.set_ylabel("Formed fraction")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _formed(axes: Axes, card: DeviceCard, rng: np.random.Generator) -> None:
    """Draw the histogram of the conductances of cells, unformed ones included."""
    cells, formed = card.form((_CELLS,), rng)
    edges = np.linspace(0, 1.04 * max(cells.max(), card.window.highest_us), 61)
    counts = _shares(axes, cells, edges, color=BLUE, gid="cells")
    axes.set(xlim=(0, edges[-1]), xlabel="Conductance (µS)", ylabel="Share of cells")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    highest = np.histogram(cells[formed], edges)[0].max() / _CELLS
    if counts.max() > 2 * highest:  # one bar would flatten all others
        axes.set_ylim(0, 1.35 * highest)
        text = f"{1 - card.formed_fraction:.3g} unformed"
        axes.annotate(text, (edges[1], 1.26 * highest), (5, 0), **_BESIDE, gid="unformed")


def _pairs(axes: Axes, card: DeviceCard, rng: np.random.Generator) -> None:
    """Draw the histogram of the differences of two cells: weights that nobody chose."""
    difference = card.form((_CELLS,), rng)[0] - card.form((_CELLS,), rng)[0]
    reach = 1.04 * np.abs(difference).max()
    edges = np.linspace(-reach, reach, 62)
    counts = _shares(axes, difference, edges, color=BLUE, gid="pairs")
    axes.set(xlim=(-reach, reach), xlabel="G⁺ − G⁻ (µS)", ylabel="Share of pairs")
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    usual = np.sort(counts)[-4]
    if counts.max() > 2 * usual:
        axes.set_ylim(0, 1.35 * usual)
        text = f"{counts.max():.2g} near 0"
        axes.annotate(text, (edges[31], 1.26 * usual), (5, 0), **_BESIDE, gid="alike")


def _shares(axes: Axes, values: np.ndarray, edges: np.ndarray, **look: Any) -> np.ndarray:
    """Draw the histogram of values as shares of their number, and return the shares."""
    shares = np.histogram(values, edges)[0] / len(values)
    axes.stairs(shares, edges, fill=look.pop("fill", True), **look)
    return shares


def _levels(
    axes: Axes, card: DeviceCard, programming: Programming, rng: np.random.Generator
) -> None:
    """Draw the histograms of cells programmed to levels, fresh and a day later."""
    low, full = card.window.lowest_us, programming.full_us
    targets = np.linspace(low, full, _LEVELS)
    fresh = [programming.write(np.full(_CELLS // _LEVELS, t), rng) for t in targets]
    top = full + 0.2 * (full - low)
    edges = np.linspace(max(0.0, low - 0.08 * (full - low)), top, 121)
    tallest = [
        _shares(axes, cells, edges, color=BLUE, gid=f"level {number}").max()
        for number, cells in enumerate(fresh)
    ]
    if card.retention is not None:
        look = {"color": PALETTE[1], "linewidth": 0.8, "fill": False}
        for number, cells in enumerate(fresh):
            later = card.retention.after(cells, _DAY_S, rng)
            _shares(axes, later, edges, label="1 day later" if number == 0 else None, **look)
        axes.legend(loc="upper right", bbox_to_anchor=(1, 0.99), handlelength=1.2)
    # At 0 µS everything below piles up: it would flatten the other levels.
    axes.set(xlim=(edges[0], edges[-1]), ylim=(0, 1.3 * max(tallest[low == 0 :])))
    axes.set(xlabel="Conductance (µS)", ylabel="Share of a level")


def _error(axes: Axes, card: DeviceCard, programming: Programming) -> None:
    """Draw the standard deviation of programmed cells over their target."""
    targets = np.linspace(card.window.lowest_us, programming.full_us, 201)
    axes.plot(targets, programming.sd(targets), color=BLUE, linewidth=1.2)
    axes.set(xlabel="Target (µS)", ylabel="Standard deviation (µS)")
    axes.set(xlim=(0, programming.full_us))
    axes.set_ylim(bottom=0)


def _course(axes: Axes, noise: ReadNoise, rng: np.random.Generator) -> None:
    """Draw the conductance of three cells, read every millisecond."""
    process = noise.process(3, 1.0, rng)
    reads = 100 * (np.array([process.step().copy() for _ in range(_STEPS)]) - 1)
    reach = 1.15 * max(float(np.abs(reads).max()), 1e-6)
    for cell, (course, colour) in enumerate(zip(reads.T, PALETTE, strict=False)):
        base = -2 * reach * cell
        axes.plot([0, _STEPS], [base, base], color=FAINT, linewidth=0.5)
        axes.plot(
            base + course, color=colour, linewidth=0.7, drawstyle="steps-mid", gid=f"cell {cell}"
        )
    room = 1.16 if axes.bbox.width < 2 * axes.bbox.height else 1.07
    axes.set(xlim=(0, room * _STEPS), ylim=(-5 * reach, reach), yticks=[], xlabel="Time (ms)")
    axes.set_xticks([0, _STEPS // 2, _STEPS])
    axes.spines["bottom"].set_bounds(0, _STEPS)
    axes.set_ylabel("Change of conductance")
    bar, beside = _round(reach), (0.75 + 0.25 * room) * _STEPS
    axes.plot([beside, beside], [0, bar], color=INK, linewidth=1, gid="scale")
    axes.annotate(f"{bar:g} %", (beside, bar / 2), (3, 0), **_BESIDE)


def _spectrum(axes: Axes, noise: ReadNoise, rng: np.random.Generator) -> None:
    """Draw the power spectral density of the noise of reads 1 ms apart."""
    process = noise.process(64, 1.0, rng)
    reads = np.array([process.step() - 1 for _ in range(_SPECTRUM_STEPS)])
    frequency, power = _density(reads)
    axes.loglog(frequency, power, color=BLUE, linewidth=1, gid="spectrum")
    low = 10 ** np.floor(np.log10(max(power.min(), 1e-30)))
    axes.set(xlim=(frequency[0], 500), ylim=(low, 10 ** np.ceil(np.log10(power.max()) + 0.1)))
    axes.set(xlabel="Frequency (Hz)", ylabel="Spectral density (1/Hz)")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())


def _density(reads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the one-sided density of courses [steps, cells], smoothed over bands."""
    window = np.hanning(len(reads))[:, None]
    power = np.abs(np.fft.rfft(window * (reads - reads.mean(axis=0)), axis=0)) ** 2
    power = 2e-3 * power.mean(axis=1) / float((window**2).sum())
    frequency = np.fft.rfftfreq(len(reads), 1e-3)
    edges = np.unique(np.geomspace(2, len(frequency) - 1, 50).astype(int))
    return (
        np.array([frequency[a:b].mean() for a, b in pairwise(edges)]),
        np.array([power[a:b].mean() for a, b in pairwise(edges)]),
    )


def _kept(axes: Axes, card: DeviceCard, retention: Retention, rng: np.random.Generator) -> None:
    """Draw median and 5 to 95 % of cells over the time since they were written."""
    times = np.geomspace(1, 10 * _YEAR_S, 60)
    full = card.programming.full_us if card.programming else card.window.highest_us
    seed, highest = int(rng.integers(2**32)), 0.0
    for share, colour in ((0.9, BLUE), (0.5, PALETTE[1]), (0.2, PALETTE[2])):
        start = np.full(4000, card.window.lowest_us + share * (full - card.window.lowest_us))
        cells = [retention.after(start, t, np.random.default_rng(seed)) for t in times]
        low, middle, high = np.quantile(cells, (0.05, 0.5, 0.95), axis=1)
        highest = max(highest, float(high.max()))
        axes.fill_between(times, low, high, color=colour, alpha=0.22, linewidth=0)
        axes.plot(times, middle, color=colour, linewidth=1.2, gid="median")
    axes.set_xscale("log")
    axes.set(xlim=(times[0], times[-1]), ylim=(0, max(1.08 * full, 1.04 * highest)))
    axes.set(xlabel="Time since programming", ylabel="Conductance (µS)")
    axes.xaxis.set_major_locator(FixedLocator(list(_TIMES_S)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(list(_TIMES_S.values()))


def _round(value: float) -> float:
    """Return the largest of 1, 2, 5 times a power of ten that does not exceed the value."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(max(step * power for step in (1, 2, 5) if step * power <= value * (1 + 1e-9)))

"""How the pictures look, and how they reach a file.

Widths are those of a Frontiers page, which fit Elsevier's too. Colours are those of Okabe and Ito
(https://jfly.uni-koeln.de/color/), told apart by every eye and, printed grey, by their lightness.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.textpath import text_to_path

SINGLE_COLUMN_MM = 85.0
DOUBLE_COLUMN_MM = 180.0
#: The tallest figure that fits a page with its caption (points).
PAGE_PT = 600.0
#: What :func:`save_figure` writes: suffix and resolution. In vector formats the resolution is
#: that of parts with too many marks to draw one by one.
FORMATS = {".png": 200, ".pdf": 600, ".svg": 600}
#: More marks than this are drawn as pixels, in vector formats too.
MOST_VECTOR_MARKS = 20_000

TEXT_PT, SMALL_PT, TINY_PT = 8.0, 7.0, 6.0
HAIRLINE = 0.5
INK, GREY, FAINT = "#000000", "#6E6E6E", "#C4C4C4"
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
DARK_BLUE = "#00508A"
PALETTE = (BLUE, "#D55E00", GREEN, "#CC79A7", ORANGE, "#56B4E9", INK, GREY)

_SETTINGS: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.labelpad": 2.5,
    "axes.labelsize": TEXT_PT,
    "axes.linewidth": HAIRLINE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": TEXT_PT,
    "axes.titlepad": 4.0,
    "font.size": TEXT_PT,
    "hatch.linewidth": HAIRLINE,
    "legend.borderaxespad": 0.0,
    "legend.borderpad": 0.0,
    "legend.columnspacing": 1.4,
    "legend.fontsize": SMALL_PT,
    "legend.frameon": False,
    "legend.handletextpad": 0.5,
    "pdf.fonttype": 42,  # TrueType, which journals ask for
    "svg.hashsalt": "neuromem",  # the same picture gives the same file
    "xtick.labelsize": SMALL_PT,
    "xtick.major.pad": 2.0,
    "xtick.major.size": 2.5,
    "xtick.major.width": HAIRLINE,
    "ytick.labelsize": SMALL_PT,
    "ytick.major.pad": 2.0,
    "ytick.major.size": 2.5,
    "ytick.major.width": HAIRLINE,
}
_FONTS = ("Arial", "Helvetica", "Liberation Sans")
_UNDATED = {".png": {"Software": None}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
_P = ParamSpec("_P")


@contextmanager
def style() -> Iterator[None]:
    """Use the settings of these pictures, whatever the user's are, and restore the user's."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        known = set(fontManager.get_font_names())
        # DejaVu comes with matplotlib and has the signs that others lack.
        family = [*[name for name in _FONTS if name in known][:1], "DejaVu Sans"]
        matplotlib.rcParams.update({**_SETTINGS, "font.family": family})
        yield


def styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Let a function draw its figure in the style of these pictures."""

    @functools.wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with style():
            figure = draw(*args, **kwargs)
            # Ticks are made when first drawn: make them in this style.
            figure.draw_without_rendering()
        return figure

    return drawn


def save_figure(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure to a file, whole or not at all; the same figure gives the same bytes.

    Parameters
    ----------
    figure
        What to write.
    path
        Where to; its suffix is the format: .png (200 dpi), .pdf or .svg. An existing file is
        replaced at the very end.

    Returns
    -------
    Path
        The path.

    Raises
    ------
    ValueError
        For another suffix, naming those allowed.
    OSError
        When the file cannot be written; nothing is left behind.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise ValueError(
            f"{path}: suffix {path.suffix!r} is no format of a figure: use {', '.join(FORMATS)}"
        )
    partial = path.with_name(path.name + ".partial")
    try:
        with style():
            figure.savefig(
                partial, format=suffix[1:], dpi=FORMATS[suffix], metadata=_UNDATED[suffix]
            )
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def sheet(width_mm: float, height_pt: float) -> Figure:
    """Return an empty figure."""
    figure = Figure(figsize=(width_mm / 25.4, height_pt / 72))
    FigureCanvasAgg(figure)
    return figure


def axes_at(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Return axes at a place of the figure given in points."""
    across, up = (72 * inches for inches in figure.get_size_inches())
    return figure.add_axes((left / across, bottom / up, width / across, height / up))


def points(width_mm: float, least_pt: float) -> float:
    """Return a width in points; raise ValueError below the least that can be drawn."""
    width = width_mm / 25.4 * 72
    if not width >= least_pt:
        raise ValueError(
            f"width_mm = {width_mm:g}: this figure needs {least_pt / 72 * 25.4:.0f} mm at least"
        )
    return width


def text_pt(text: str, size: float) -> float:
    """Return the width of a text (points)."""
    if not text:
        return 0.0
    font = FontProperties(size=size)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def window(start_ms: float, stop_ms: float) -> tuple[float, float]:
    """Return the span to draw; raise ValueError when it is empty."""
    if not start_ms < stop_ms:
        raise ValueError(
            f"start_ms = {start_ms:g}, stop_ms = {stop_ms:g}: the end must lie after the start"
        )
    return float(start_ms), float(stop_ms)

"""Operations on a time axis: a coloured span each, with a short label above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from neuromem.memory import Learn, Operation, RecallByContent, RecallByCue, Session
from neuromem.memory.operations import NAMES, cues_of
from neuromem.plotting.style import DARK_BLUE, GREEN, ORANGE, SMALL_PT, TEXT_PT, TINY_PT, text_pt

#: Kind of operation: name, colour, and its tint behind other marks; lightness parts them in grey.
KINDS: dict[type, tuple[str, str, str]] = {
    Learn: (NAMES[Learn], DARK_BLUE, "#B6CEE6"),
    RecallByCue: (NAMES[RecallByCue], ORANGE, "#FDF0D5"),
    RecallByContent: (NAMES[RecallByContent], GREEN, "#D4EBE0"),
}
#: From start to answer where no session tells: that of the content-addressable memory (ms).
ANSWER_MS = 6.0
#: Height of the coloured bars above the axes, and the air around them (points).
BAR_PT = 3.0
_AIR_PT = 2.0
_ROW_PT = SMALL_PT + 1.5
_HEADER_ROW_PT = TEXT_PT + 3
_EDGE_PT = 4.0


@dataclass(frozen=True)
class Mark:
    """An operation from its start to its answer (ms)."""

    operation: Operation
    start_ms: float
    stop_ms: float

    @property
    def label(self) -> str:
        """What was asked, in as few letters as possible."""
        if isinstance(self.operation, Learn):
            return f"learn c{self.operation.cue}"
        return question(self.operation)


@dataclass(frozen=True)
class Labels:
    """Where the labels of marks go: (mark, middle in points from the left, row from below)."""

    placed: list[tuple[Mark, float, int]]
    height_pt: float = 0.0
    upright: bool = False
    size: float = SMALL_PT


def numbers(values: Iterable[int], most: int = 4) -> str:
    """Return numbers as short text, runs as a range: ``0-3,8``; an ellipsis after ``most`` parts.

    >>> numbers((0, 1, 2, 3, 8)), numbers((4, 5)), numbers(range(0, 20, 2))
    ('0–3,8', '4,5', '0,2,4,6,…')
    """
    runs: list[list[int]] = []
    for value in sorted(values):
        if runs and value == runs[-1][1] + 1:
            runs[-1][1] = value
        else:
            runs.append([value, value])
    parts: list[str] = []
    for low, high in runs:
        parts.extend(
            [f"{low}–{high}"] if high - low > 1 else [str(v) for v in range(low, high + 1)]
        )
    return ",".join(parts[:most] + ["…"] * (len(parts) > most))


def question(operation: RecallByCue | RecallByContent, most: int = 4) -> str:
    """Return what a recall asks, in as few letters as possible."""
    if isinstance(operation, RecallByContent):
        what, values = "bit", operation.content
    else:
        what, values = "cue", cues_of(operation)
    return f"{what}{'s' * (len(values) > 1)} {numbers(values, most)}?"


def marks_of(
    session: Session | None,
    operations: Sequence[Operation] | None,
    starts: Sequence[float] | None,
    answer_ms: float,
    span: tuple[float, float],
    half_tick: float,
) -> list[Mark]:
    """Return the operations that show within a span, those of a session or those given."""
    if session is not None:
        if operations is not None or starts is not None:
            raise ValueError("session and operations are both given: give one of them")
        operations, starts = session.operations, session.starts
        answer_ms = session.memory.model.timing.answer_ms
    elif (operations is None) != (starts is None):
        missing = "operations" if operations is None else "starts"
        raise ValueError(f"{missing} missing: operations and starts go together")
    operations, starts = operations or (), starts or ()
    if len(operations) != len(starts):
        raise ValueError(
            f"{len(operations)} operations but {len(starts)} starts: give a start for each"
        )
    marks = []
    for operation, start in zip(operations, starts, strict=True):
        low, high = max(start - half_tick, span[0]), min(start + answer_ms + half_tick, span[1])
        if low < high:
            marks.append(Mark(operation, low, high))
    return marks


def place_labels(marks: list[Mark], span: tuple[float, float], width_pt: float) -> Labels:
    """Place labels without overlap: in one row, in two or upright; at last those that fit."""
    scale = width_pt / (span[1] - span[0])
    middles = [((m.start_ms + m.stop_ms) / 2 - span[0]) * scale for m in marks]
    widths = [text_pt(m.label, SMALL_PT) for m in marks]
    if not marks:
        return Labels([])
    flat = _AIR_PT + BAR_PT + _AIR_PT
    for rows in (1, 2):
        ends, placed = [-1e9] * rows, []
        for mark, middle, width in zip(marks, middles, widths, strict=True):
            # Inside the axes' width, or the first and last would stick out.
            middle = max(min(middle, width_pt - width / 2), width / 2)
            row = next((r for r in range(rows) if ends[r] + 4 <= middle - width / 2), None)
            if row is None:
                break
            ends[row] = middle + width / 2
            placed.append((mark, middle, row))
        else:
            return Labels(placed, flat + _ROW_PT * (1 + max(p[2] for p in placed)))
    placed = []
    for size in (SMALL_PT, TINY_PT):
        end, placed = -1e9, []
        for mark, middle in zip(marks, middles, strict=True):
            if end + size <= middle:
                end = middle
                placed.append((mark, middle, 0))
        if len(placed) == len(marks):
            return Labels(placed, flat + max(widths) * size / SMALL_PT + 2, True, size)
    return Labels(placed, flat + max(widths) * TINY_PT / SMALL_PT + 2, True, TINY_PT)


def draw_marks(axes: Axes, marks: list[Mark], labels: Labels, size_pt: tuple[float, float]) -> None:
    """Draw the spans behind the axes, and bars and labels above them."""
    width_pt, height_pt = size_pt
    low = 1 + _AIR_PT / height_pt
    for kind, (name, colour, tint) in KINDS.items():
        spans = [(m.start_ms, m.stop_ms - m.start_ms) for m in marks if type(m.operation) is kind]
        if not spans:
            continue
        across = axes.get_xaxis_transform()
        behind = axes.broken_barh(spans, (0, 1), transform=across, facecolor=tint, zorder=0)
        behind.set(linewidth=0, gid=f"span {name}")
        bar = (low, BAR_PT / height_pt)
        axes.broken_barh(spans, bar, transform=across, facecolor=colour, linewidth=0, clip_on=False)
    base = low + (BAR_PT + _AIR_PT) / height_pt
    for mark, middle, row in labels.placed:
        axes.text(
            middle / width_pt,
            base + row * _ROW_PT / height_pt,
            mark.label,
            transform=axes.transAxes,
            fontsize=labels.size,
            ha="center",
            va="bottom",
            rotation=90 if labels.upright else 0,
            gid="operation",
        )


@dataclass(frozen=True)
class Header:
    """The lines above everything: a title at the left, the key of the operations at the right.

    Parameters
    ----------
    title
        Text, or empty.
    kinds
        The kinds of operation to explain.
    left_pt, right_pt
        Where the axes begin and end.
    sheet_pt
        Width of the figure.
    """

    title: str
    kinds: frozenset[type]
    left_pt: float
    right_pt: float
    sheet_pt: float

    @property
    def height_pt(self) -> float:
        """Height of the lines, with the air above and below."""
        columns, width = self._key()
        rows = -(-len(self.kinds) // columns) if self.kinds else 0
        lines = max(rows, bool(self.title)) if self._beside(width) else rows + 1
        return _EDGE_PT + (lines * _HEADER_ROW_PT + 2 if lines else 0)

    def draw(self, figure: Figure) -> None:
        """Draw the lines at the top of the figure."""
        up = 72 * figure.get_figheight()
        top = up - _EDGE_PT
        if self.title:
            place = self.left_pt / self.sheet_pt, top / up
            figure.text(*place, self.title, va="top", fontsize=TEXT_PT, gid="title")
        if not self.kinds:
            return
        columns, width = self._key()
        if not self._beside(width):
            top -= _HEADER_ROW_PT
        right = self.right_pt if width <= self.right_pt else self.sheet_pt - _EDGE_PT
        handles = [
            Patch(facecolor=colour, label=name)
            for kind, (name, colour, _) in KINDS.items()
            if kind in self.kinds
        ]
        figure.legend(
            handles=handles,
            loc="upper right",
            bbox_to_anchor=(right / self.sheet_pt, top / up),
            ncols=columns,
            handlelength=1.2,
            handleheight=0.6,
        )

    def _key(self) -> tuple[int, float]:
        """Return columns and width of the key: all in a line, or one below the other."""
        wide = [text_pt(KINDS[kind][0], SMALL_PT) + 22 for kind in self.kinds]
        if sum(wide) <= self.sheet_pt - 2 * _EDGE_PT:
            return max(len(wide), 1), sum(wide)
        return 1, max(wide)

    def _beside(self, key_pt: float) -> bool:
        """Return whether title and key go side by side."""
        if not self.title or not self.kinds:
            return True
        return text_pt(self.title, TEXT_PT) + 12 + key_pt <= self.right_pt - self.left_pt

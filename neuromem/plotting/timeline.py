"""What a memory was asked, and what it said."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure

from neuromem.memory import Answer, Learn, RecallByContent, RecallByCue, Session
from neuromem.memory.operations import cues_of
from neuromem.plotting import marks as ops
from neuromem.plotting.style import (
    DOUBLE_COLUMN_MM,
    FAINT,
    HAIRLINE,
    MOST_VECTOR_MARKS,
    PAGE_PT,
    SMALL_PT,
    TEXT_PT,
    axes_at,
    points,
    sheet,
    styled,
    text_pt,
    window,
)

#: Height of a row with texts above and below the bar, with a text beside it, and of a third line.
_ROW_PT, _LOW_ROW_PT, _LINE_PT = 30.0, 10.0, 8.0
_BAR_PT = 4.0
_MOST_OVERHANG_PT = 70.0
_CONTENT_ROW = -1


@styled
def operation_timeline(
    session: Session,
    *,
    start_ms: float | None = None,
    stop_ms: float | None = None,
    title: str | None = None,
    width_mm: float = DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw the operations of a session and their answers, a row a cue; nothing is judged.

    A bar lasts from the operation's start to its answer, its latency; it is hollow, as long as an
    answer takes, where nothing answered. Above it stands what was asked, below what came back. A
    recall by content has a row of its own, and a line to each cue that answered.

    Parameters
    ----------
    session
        The memory at work.
    start_ms, stop_ms
        Draw the operations that start in ``start_ms <= time < stop_ms``; all where None.
    title
        Text above; none where None.
    width_mm
        Width of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Texts that would run into the next operation of the row are shortened, then left out.

    Raises
    ------
    ValueError
        When the span is empty.
    """
    lasting = session.memory.model.timing.answer_ms
    span = window(
        0.0 if start_ms is None else start_ms,
        max(session.time_ms, 1.0) if stop_ms is None else stop_ms,
    )
    answers = [a for a in session.answers() if span[0] <= a.at_ms < span[1]]
    # The row by content, of the lowest number, comes last; an empty session shows it alone.
    used = {row for a in answers for row, _ in _touches(a)} or {_CONTENT_ROW}
    rows = sorted(used, key=lambda row: (row == _CONTENT_ROW, row))
    names = ["by content" if row == _CONTENT_ROW else f"cue {row}" for row in rows]
    texts = [_Texts.of(answer) for answer in answers]
    row_pt = _ROW_PT + _LINE_PT * any(text.replaced for text in texts)
    roomy = row_pt * len(rows) <= PAGE_PT
    row_pt = row_pt if roomy else PAGE_PT / len(rows)

    left, right, below = max(text_pt(n, TEXT_PT) for n in names) + 9, 8.0, 26.0
    sheet_pt = points(width_mm, left + right + 80 + _MOST_OVERHANG_PT)
    width = sheet_pt - left - right
    # The last texts may reach beyond the axes.
    over = [
        (a.at_ms - span[0]) / (span[1] - span[0]) * width + text.width(roomy) - width
        for a, text in zip(answers, texts, strict=True)
    ]
    right += min(max([0.0, *over]), _MOST_OVERHANG_PT)
    width = sheet_pt - left - right
    height = row_pt * len(rows)
    header = ops.Header(
        title or "", frozenset(type(a.operation) for a in answers), left, left + width, sheet_pt
    )
    figure = sheet(width_mm, below + height + header.height_pt)
    header.draw(figure)
    axes = axes_at(figure, left, below, width, height)
    axes.set(xlim=span, ylim=(height, 0), xlabel="Time (ms)")
    share = _ROW_PT / 2 / row_pt if roomy else 0.5
    middle = {row: row_pt * (number + share) for number, row in enumerate(rows)}
    for y in middle.values():
        axes.axhline(y, color=FAINT, linewidth=HAIRLINE, zorder=0)
    scale = width / (span[1] - span[0])
    _draw_bars(axes, answers, middle, lasting, min(_BAR_PT, 0.6 * row_pt))
    later: dict[int, float] = {}
    for answer, text in zip(reversed(answers), reversed(texts), strict=True):
        own = [middle[row] for row in _rows(answer)]
        if isinstance(answer.operation, RecallByContent) and answer.latency_ms is not None:
            _draw_links(axes, answer, own[0], [middle[cue] for cue in answer.cues])
        # Texts end before the next operation of the row, at last at the figure's edge.
        until = later.get(_rows(answer)[0])
        room = (span[1] - answer.at_ms) * scale + right - 2
        if until is not None:
            room = (until - answer.at_ms) * scale - 4
        if row_pt >= _LOW_ROW_PT and room > SMALL_PT:
            _write(axes, answer, own[0], text, room, lasting * scale + 4, roomy)
        later.update(_touches(answer))
    axes.set_yticks(list(middle.values()), names, fontsize=TEXT_PT)
    axes.tick_params(axis="y", length=0, pad=5)
    axes.spines["left"].set_visible(False)
    return figure


def _rows(answer: Answer) -> tuple[int, ...]:
    """Return the rows of an operation: its cues, or that of recall by content."""
    return cues_of(answer.operation) or (_CONTENT_ROW,)


def _touches(answer: Answer) -> list[tuple[int, float]]:
    """Return the rows on which an operation draws, and when (ms)."""
    own = [(row, answer.at_ms) for row in _rows(answer)]
    if not isinstance(answer.operation, RecallByContent):
        return own
    return own + [(cue, answer.at_ms + (answer.latency_ms or 0.0)) for cue in answer.cues]


def _draw_bars(
    axes: Axes, answers: list[Answer], middle: dict[int, float], lasting: float, bar: float
) -> None:
    """Draw a bar on each row of each operation, hollow where nothing answered."""
    corners, faces, edges = [], [], []
    for answer in answers:
        colour = ops.KINDS[type(answer.operation)][1]
        own = [middle[row] for row in _rows(answer)]
        if len(own) > 1:
            axes.vlines(answer.at_ms, min(own), max(own), color=colour, linewidth=0.8, zorder=1)
        answered = answer.latency_ms is not None
        end = answer.at_ms + (answer.latency_ms if answer.latency_ms is not None else lasting)
        for y in own:
            low, high = y - bar / 2, y + bar / 2
            corners.append([(answer.at_ms, low), (end, low), (end, high), (answer.at_ms, high)])
            faces.append(colour if answered else "white")
            edges.append(colour)
    bars = PolyCollection(corners, facecolors=faces, edgecolors=edges, linewidths=0.7, zorder=2)
    bars.set(gid="operations", rasterized=len(corners) > MOST_VECTOR_MARKS)
    axes.add_collection(bars, autolim=False)


def _draw_links(axes: Axes, answer: Answer, own: float, cues: list[float]) -> None:
    """Join the answer of a recall by content to the cues it names."""
    colour = ops.KINDS[RecallByContent][1]
    time = answer.at_ms + (answer.latency_ms or 0.0)
    axes.vlines([time] * len(cues), cues, own, color=colour, linewidth=0.8, zorder=1)
    axes.plot([time] * len(cues), cues, "o", color=colour, markersize=3.5, linestyle="", zorder=2)


@dataclass(frozen=True)
class _Texts:
    """What to write at an operation, each text ever shorter."""

    asked: list[str]
    said: list[str]
    replaced: list[str]

    @classmethod
    def of(cls, answer: Answer) -> _Texts:
        operation = answer.operation
        if isinstance(operation, Learn):
            bits = ops.numbers(operation.content, 99)
            asked = [f"learn {bits}", bits, f"{len(operation.content)} bits", "learn"]
        elif isinstance(operation, RecallByCue):
            asked = ["recall?", "?"]
        else:
            count = f"{len(operation.content)} bits?"
            asked = [ops.question(operation, 99), count, "?"]
        if answer.latency_ms is None:
            return cls(asked, ["nothing", "–"], [])
        late = f"{answer.latency_ms:g} ms"
        if isinstance(operation, RecallByContent):
            what = f"→ cue{'s' * (len(answer.cues) > 1)} {ops.numbers(answer.cues, 99)}"
            count = f"→ {len(answer.cues)} cues"
        else:
            what = f"→ {ops.numbers(answer.content, 99)}"
            count = f"→ {len(answer.content)} bits"
        old = [f"was {ops.numbers(answer.replaced, 99)}", f"was {len(answer.replaced)} bits"]
        return cls(
            asked,
            [f"{what} ({late})", what, f"{count} ({late})", count, late],
            old if answer.replaced else [],
        )

    def beside(self) -> list[str]:
        """Return question and answer in one line."""
        return [f"{self.asked[0]} {self.said[0]}", *self.said]

    def width(self, roomy: bool) -> float:
        """Return the width of the longest full text (points)."""
        lines = [self.asked, self.said, self.replaced] if roomy else [self.beside()]
        return max(text_pt(line[0], SMALL_PT) for line in lines if line)


def _write(
    axes: Axes,
    answer: Answer,
    y: float,
    texts: _Texts,
    room: float,
    beside_pt: float,
    roomy: bool,
) -> None:
    """Write what fits: above and below the bar, or beside it where rows are low."""
    if roomy:
        # A recall by content has its link to the cues there: write beside it.
        linked = isinstance(answer.operation, RecallByContent) and answer.latency_ms is not None
        lines = [
            (texts.asked, beside_pt if linked else 0.0, 3.5, "bottom"),
            (texts.said, 0.0, -3.5, "top"),
            (texts.replaced, 0.0, -3.5 - _LINE_PT, "top"),
        ]
    else:
        lines = [(texts.beside(), beside_pt, 0.0, "center")]
    for choices, right, up, side in lines:
        text = next((t for t in choices if right + text_pt(t, SMALL_PT) <= room), "")
        if text:
            axes.annotate(
                text,
                (answer.at_ms, y),
                (right, up),
                textcoords="offset points",
                va=side,
                fontsize=SMALL_PT,
                bbox={"facecolor": "white", "linewidth": 0, "pad": 0.3},
                zorder=1.5,
                gid="answer",
            )

"""Who reaches whom: a network's projections as a table that can be seen at a glance."""

from __future__ import annotations

from collections import defaultdict

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from neuromem.network import AllToAllConnector, Network, OneToOneConnector, Projection, Values
from neuromem.plotting.style import (
    BLUE,
    DOUBLE_COLUMN_MM,
    FAINT,
    GREEN,
    HAIRLINE,
    INK,
    ORANGE,
    SMALL_PT,
    TINY_PT,
    styled,
)

_MM = 1 / 25.4
_KINDS = {"excitatory": BLUE, "inhibitory": ORANGE, "signed": "#CC79A7", "plastic": GREEN}
_SIGNS = {OneToOneConnector: "1:1", AllToAllConnector: "all"}
_ROW_MM, _HEAD_MM, _LEFT_MM, _FOOT_MM = 11.0, 22.0, 30.0, 9.0


@styled
def topology(network: Network, *, width_mm: float = DOUBLE_COLUMN_MM) -> Figure:
    """Draw a network's projections: a row for each sender, a column for each receiver.

    Each bar is a projection, coloured by its receptor or green where plastic, with its connector,
    its weight (in the receiver's unit; a plastic one's range) and its delay.

    Parameters
    ----------
    network
        What to draw.
    width_mm
        Width of the figure (mm).

    Returns
    -------
    Figure
        The picture.
    """
    posts = [
        p.name
        for p in network.populations
        if any(_post(network, q) == p.name for q in network.projections)
    ]
    pres = list(dict.fromkeys(q.pre for q in network.projections))
    order = {p.name: number for number, p in enumerate(network.populations)}
    pres.sort(
        key=lambda text: (order[network.view(text).population.name], network.view(text).start)
    )
    cells: dict[tuple[int, int], list[Projection]] = defaultdict(list)
    for projection in network.projections:
        key = pres.index(projection.pre), posts.index(_post(network, projection))
        cells[key].append(projection)
    height_mm = _HEAD_MM + _ROW_MM * max(len(pres), 1) + _FOOT_MM
    figure = Figure(figsize=(width_mm * _MM, height_mm * _MM))
    axes = figure.add_axes(
        (
            _LEFT_MM / width_mm,
            _FOOT_MM / height_mm,
            1 - (_LEFT_MM + 2) / width_mm,
            1 - (_HEAD_MM + _FOOT_MM) / height_mm,
        )
    )
    axes.set(xlim=(0, max(len(posts), 1)), ylim=(max(len(pres), 1), 0))
    for edge in range(len(posts) + 1):
        axes.axvline(edge, color=FAINT, linewidth=HAIRLINE, zorder=0)
    for edge in range(len(pres) + 1):
        axes.axhline(edge, color=FAINT, linewidth=HAIRLINE, zorder=0)
    for (row, column), projections in cells.items():
        share = 0.92 / len(projections)
        for number, projection in enumerate(projections):
            top = row + 0.04 + number * share
            color = _KINDS["plastic" if projection.plastic else projection.receptor_type]
            axes.add_patch(
                Rectangle(
                    (column + 0.03, top + 0.02), 0.94, share - 0.04, color=color, alpha=0.3, lw=0
                )
            )
            axes.text(
                column + 0.5,
                top + share / 2,
                _words(projection, "\n" if len(projections) == 1 else "  "),
                ha="center",
                va="center",
                fontsize=TINY_PT if len(projections) == 1 else TINY_PT - 1,
                color=INK,
            )
    axes.set_xticks(
        [number + 0.5 for number in range(len(posts))],
        [f"{name} ({network.population(name).size})" for name in posts],
        rotation=45,
        ha="left",
        rotation_mode="anchor",
        fontsize=SMALL_PT,
    )
    axes.set_yticks(
        [number + 0.5 for number in range(len(pres))],
        [f"{text} ({network.view(text).size})" for text in pres],
        fontsize=SMALL_PT,
    )
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    used = dict.fromkeys("plastic" if p.plastic else p.receptor_type for p in network.projections)
    axes.legend(
        handles=[Patch(color=_KINDS[kind], alpha=0.3, lw=0, label=kind) for kind in used],
        loc="upper left",
        bbox_to_anchor=(0, -0.01),
        ncols=max(len(used), 1),
    )
    return figure


def _post(network: Network, projection: Projection) -> str:
    return network.view(projection.post).population.name


def _words(projection: Projection, between: str) -> str:
    connector, synapse = projection.connector, projection.synapse
    sign = _SIGNS.get(type(connector), "some")
    if getattr(connector, "skip_same_index", False):
        sign += "\N{MINUS SIGN}self"
    if projection.plastic:
        weight = f"{synapse.w_min:g}..{synapse.w_max:g}"  # type: ignore[union-attr]
    else:
        weight = _number(synapse.weight)
    return f"{sign}{between}{weight}, {_number(synapse.delay_ms)} ms"


def _number(value: float | Values) -> str:
    if isinstance(value, Values):
        low, high = value.array.min(), value.array.max()
        return f"{low:.3g}..{high:.3g}" if low < high else f"{low:.3g}"
    return f"{value:.4g}"

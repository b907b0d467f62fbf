"""A network as the matrices that a step multiplies, and as the definition's own order of sums."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neuromem.backends.native.translate import (
    CONSTANT,
    ONE_TO_ONE,
    SPARSE,
    ProjectionPlan,
    translate,
)
from neuromem.network import Network

if TYPE_CHECKING:
    import torch

#: Spikes of every population and source in one step, each [batch, size].
Spikes = Mapping[str, "torch.Tensor"]
#: From the spikes of past steps, the latest first, to the summed weights that arrive now.
Arrivals = Callable[[Sequence[Spikes]], Mapping[str, "torch.Tensor"]]
#: Weights below 0 mean 0 where a projection is excitatory or inhibitory.
SIGN = {"excitatory": 1.0, "inhibitory": -1.0, "signed": None}


@dataclass(frozen=True, eq=False)
class Block:
    """Connections of one projection that share a delay.

    Parameters
    ----------
    projection
        Its number in the network.
    pre, post
        Names of the two populations.
    delay
        Delay in ticks.
    chosen
        Which of the projection's connections these are, in the order of ``Network.pairs``.
    rows, columns
        Their neurons, counted within the whole populations.
    sign
        +1 or -1 where weights are magnitudes, None where they have a sign of their own.
    """

    projection: int
    pre: str
    post: str
    delay: int
    chosen: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    sign: float | None


def blocks(network: Network) -> list[Block]:
    """Return the connections of a network, apart by projection and delay."""
    found = []
    for number, projection in enumerate(network.projections):
        pre, post = network.view(projection.pre), network.view(projection.post)
        rows, columns = network.pairs(projection)
        delays = network.delays_ticks(projection)
        for delay in np.unique(delays).tolist():
            chosen = np.flatnonzero(delays == delay)
            found.append(
                Block(
                    projection=number,
                    pre=pre.population.name,
                    post=post.population.name,
                    delay=delay,
                    chosen=chosen,
                    rows=rows[chosen] + pre.start,
                    columns=columns[chosen] + post.start,
                    sign=SIGN[projection.receptor_type],
                )
            )
    return found


def ordered(network: Network, device: torch.device) -> Arrivals:
    """Return the sums of a single run, in the order in which the definition's engine adds.

    A matrix product adds in an order of its own. Where weights add up to just the threshold the
    last bit decides, so that equal spikes need equal order: the longest delay first, for it was
    sent first, then projections as listed, then rows as they ascend, each receptor on its own.
    """
    import torch

    plan = translate(network)
    names = list(plan.groups)
    parts = sorted(plan.projections, key=lambda part: -part.delay)  # stable: then as listed
    weights = [torch.tensor(part.weights, dtype=torch.float64, device=device) for part in parts]
    columns = [
        None if part.columns is None else torch.tensor(part.columns, device=device)
        for part in parts
    ]

    def arrivals(history: Sequence[Spikes]) -> dict[str, torch.Tensor]:
        sums = torch.zeros((2, plan.n_neurons), dtype=torch.float64, device=device)
        for part, weight, column in zip(parts, weights, columns, strict=True):
            if part.delay > len(history):
                continue
            pre = names[part.pre_population]
            first = part.pre_start - plan.groups[pre][0]
            fired = history[part.delay - 1][pre][0, first : first + part.n_pre]
            rows = fired.nonzero()[:, 0].tolist()
            if rows:
                _add(sums[part.receptor, part.post_start : part.post_stop], part, weight, column,
                     rows)  # fmt: skip
        current = sums[0] - sums[1]
        return {p.name: current[None, p.start : p.stop] for p in plan.populations}

    return arrivals


def _add(
    target: torch.Tensor,
    part: ProjectionPlan,
    weight: torch.Tensor,
    columns: torch.Tensor | None,
    rows: list[int],
) -> None:
    """Add the rows of those that fired, one after the other."""
    if part.kind == CONSTANT:
        number = target.new_full(target.shape, len(rows))
        if part.skip_same_index:
            number[[row for row in rows if row < len(target)]] -= 1
        target += weight * number
    elif part.kind == ONE_TO_ONE:
        target[rows] += weight[rows]
    elif part.kind == SPARSE:
        assert part.row_start is not None and columns is not None
        for row in rows:
            some = slice(part.row_start[row], part.row_start[row + 1])
            target[columns[some]] += weight[some]
    else:
        for row in rows:
            target += weight[row]

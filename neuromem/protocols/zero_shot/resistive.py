"""What resistive memory under both liquids costs in zero-shot recognition."""

from __future__ import annotations

from collections.abc import Sequence

from neuromem.liquid import Liquid, best_nmnist, best_spoken
from neuromem.protocols import resistive
from neuromem.protocols.contest import Contestant, Splits
from neuromem.protocols.zero_shot.contestants import (
    EMBEDDING,
    NEURONS,
    TARGET_RATE,
    heads_of,
)
from neuromem.protocols.zero_shot.entries import Entrant, Meeting, View, ZeroShotRecord
from neuromem.protocols.zero_shot.summary import difference

#: Normal weights, with which the conditions of the device are compared.
NORMAL = "normal weights"
#: Conditions by their name in :mod:`neuromem.protocols.resistive`. Each is that of pairs of cells
#: as formed, about half of them, and one thing more. Read noise is that of the card.
CONDITIONS = {
    f"{resistive.NORMAL}=0": NORMAL,
    f"{resistive.IDEAL}=0": "half-formed pairs",
    f"{resistive.MEASURED}=0": "and read noise",
    "stuck cells=0.05": "and 5 % of cells stuck",
    f"{resistive.INT8}=0": "and int8 weights",
}
_SWEEPS = ("stuck cells", resistive.INT8)


def contestants(
    meeting: Meeting,
    *,
    neurons: int = NEURONS,
    embedding: int = EMBEDDING,
    seeds: Sequence[int] = (0,),
    card: str = "macro-40nm",
) -> list[Entrant]:
    """Return our liquids and heads with the weights of a device under each of ``CONDITIONS``.

    Input gains are set anew for each law of weights, without labels; heads are trained on the
    device as it is. What the conditions mean is said in :mod:`neuromem.protocols.resistive`.
    """
    found = []
    for seed in seeds:
        make, recipe = heads_of(embedding, seed)["contrastive"]
        first, second = (
            _encoders(splits, design(neurons, seed), seed, card)
            for splits, design in ((meeting.first, best_spoken), (meeting.second, best_nmnist))
        )
        for condition, name in CONDITIONS.items():
            views = (_view(first[condition]), _view(second[condition]))
            found.append(Entrant(name, *views, make, recipe, seed))
    return found


def losses(
    records: Sequence[ZeroShotRecord], metrics: Sequence[str] = ("seen", "unseen")
) -> list[str]:
    """Return a sentence for each condition: what it loses against normal weights, in points."""
    found = []
    for name in CONDITIONS.values():
        if name == NORMAL or not any(record.name == name for record in records):
            continue
        parts = []
        for metric in metrics:
            loss = difference(records, NORMAL, name, metric)
            parts.append(
                f"{100 * loss.mean:.1f} [{100 * loss.low:.1f}, {100 * loss.high:.1f}] of {metric}"
            )
        found.append(f"{name}: loses {' and '.join(parts)} (points, 95 % interval).")
    return found


def _encoders(splits: Splits, base: Liquid, seed: int, card: str) -> dict[str, Contestant]:
    swept = resistive.contestants(
        splits, base, seeds=(seed,), card=card, target_rate=TARGET_RATE, only=_SWEEPS
    )
    return {one.name: one for one in swept if one.name in CONDITIONS}


def _view(of: Contestant) -> View:
    return View(of.encode, of.recipe, neurons=of.neurons, keep=True)

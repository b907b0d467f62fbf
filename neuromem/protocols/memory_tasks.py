"""Delayed tasks, which no control without memory can do: N-parity and delayed match to sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuromem.liquid import DelayedMatch, Parity, calibrate, task_liquid
from neuromem.protocols.contest import Contestant, Samples, Splits
from neuromem.protocols.controls import contestant, controls

#: The tasks by name. N is even: for odd N a readout fitted to noise scatters far about chance.
TASKS: dict[str, Parity | DelayedMatch] = {
    "parity of 2": Parity(bits=2),
    "parity of 4": Parity(bits=4),
    "match after 2": DelayedMatch(slots_ago=2),
    "match after 4": DelayedMatch(slots_ago=4),
    "match after 8": DelayedMatch(slots_ago=8),
}
TRAIN, VALIDATION, TEST = 3000, 500, 1000
TARGET_RATE = 0.1


def trials(name: str, seed: int = 0) -> Splits:
    """Return trials of a task, drawn afresh for training, validation and test.

    Raises
    ------
    ValueError
        When there is no task of that name.
    """
    if name not in TASKS:
        raise ValueError(f"no task {name!r}: there are {', '.join(TASKS)}")
    task = TASKS[name]
    rng = np.random.default_rng([seed, list(TASKS).index(name)])

    def drawn(samples: int) -> Samples:
        spikes, targets = task.draw(samples, rng)
        return Samples(spikes, targets, name)

    return Splits(drawn(TRAIN), drawn(VALIDATION), {name: drawn(TEST)})


def contestants(
    splits: Splits, *, neurons: int | None = None, seeds: Sequence[int] = (0,)
) -> list[Contestant]:
    """Return a recurrent liquid, the same without recurrence, and their controls."""
    found: dict[tuple[str, int | None], Contestant] = {}
    batch = splits.train.data
    for seed in seeds:
        liquid = task_liquid(batch.steps, batch.channels, seed=seed)  # type: ignore[union-attr]
        liquid = liquid if neurons is None else liquid.replace(neurons=neurons)
        liquid = calibrate(liquid, batch, TARGET_RATE)
        alone = calibrate(liquid.replace(recurrent_wiring=None), batch, TARGET_RATE)
        own = [contestant("liquid", liquid, "ridge"), contestant("no-recurrence", alone, "ridge")]
        static = [entry for entry in controls(liquid) if entry.readout == "ridge"]
        for entry in (*own, *static):
            found.setdefault((entry.name, entry.seed), entry)
    return list(found.values())

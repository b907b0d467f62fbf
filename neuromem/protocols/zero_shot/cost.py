"""What zero-shot recognition costs: operations, energy, and the time that training takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neuromem.events import EventSet
from neuromem.liquid import Liquid
from neuromem.liquid.cost import Cost, event_macs
from neuromem.liquid.encoder import part_of, reservoir_of, spikes_of
from neuromem.protocols.contest import Samples
from neuromem.protocols.zero_shot.contestants import HIDDEN
from neuromem.protocols.zero_shot.entries import TEST, Meeting, ZeroShotRecord

#: Test recordings on which spikes are counted.
COUNTED = 100


def costs(meeting: Meeting, liquids: tuple[Liquid, Liquid], embedding: int) -> tuple[Cost, Cost]:
    """Return the cost of a sound and an image together, dense and event-driven.

    The heads are ours, with one hidden layer.
    """
    dense = heads = steps = events = 0.0
    for liquid, sense in zip(liquids, (meeting.first, meeting.second), strict=True):
        loops = 0 if liquid.recurrent_wiring is None else liquid.neurons
        rows = liquid.framing.channels + loops
        dense += rows * liquid.neurons * liquid.framing.steps
        steps += liquid.neurons * liquid.framing.steps
        heads += (_features(liquid) + embedding) * HIDDEN
        events += _event_macs(liquid, sense.tests[TEST])
    cost = Cost(encoder_macs=dense, head_macs=heads, neuron_steps=int(steps))
    return cost, cost.event_driven(events)


def cost_lines(dense: Cost, events: Cost) -> list[str]:
    """Return what the costs are, as sentences."""
    return [
        f"A sound and an image: encoders {dense.encoder_macs / 1e6:.2f} million MACs dense, "
        f"{events.encoder_macs / 1e6:.2f} event-driven; heads {dense.head_macs / 1e6:.2f}.",
        f"Energy all digital over that with liquids in resistive memory: {dense.gain:.2f} dense, "
        f"{events.gain:.2f} event-driven.",
        "Training all over training the heads (MACs): "
        + "; ".join(
            f"{dense.training_ratio(k):.1f} dense, {events.training_ratio(k):.1f} event-driven "
            f"with k = {k}"
            for k in (1, 3)
        )
        + ".",
    ]


def time_lines(records: Sequence[ZeroShotRecord], of: str, rival: str) -> list[str]:
    """Return how long two contestants took to train, as measured in their records."""
    took = {
        name: [record.seconds for record in records if record.name == name] for name in (of, rival)
    }
    if not all(took.values()):
        return []
    mine, theirs = (float(np.median(took[name])) for name in (of, rival))
    return [
        f"Training, measured (median): {of} {mine:.1f} s, {rival} {theirs:.1f} s, "
        f"{theirs / mine:.1f} times as long; the encoding of the liquids, done once, is not in it."
    ]


def _features(liquid: Liquid) -> int:
    return liquid.neurons * len(liquid.features.kinds) * liquid.features.bins


def _event_macs(liquid: Liquid, samples: Samples) -> float:
    from neuromem.backends.reservoir import run_batch

    # Recordings may be sorted by class: those counted are spread over all.
    chosen = np.linspace(0, len(samples) - 1, min(COUNTED, len(samples))).astype(int)
    data = (
        samples.data[chosen]
        if isinstance(samples.data, EventSet)
        else (part_of(samples.data, 0, len(chosen)))
    )
    batch = spikes_of(liquid, data)
    spikes = run_batch(reservoir_of(liquid), batch)["count"]
    loops = 0 if liquid.recurrent_wiring is None else liquid.neurons
    return event_macs(batch, spikes, input_fan_out=liquid.neurons, recurrent_fan_out=loops)

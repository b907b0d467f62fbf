"""The controls that stand beside every liquid: the same events and readouts without its spikes."""

from __future__ import annotations

from functools import partial

import numpy as np

from neuromem.events import EventSet, Framing
from neuromem.liquid import Liquid, encode
from neuromem.protocols.contest import Contestant, Data, ReadoutName

READOUTS: tuple[ReadoutName, ...] = ("ridge", "softmax", "lda")
#: Sums below this many of the largest weight are zero but for rounding.
ROUNDING = 1e-5
#: Slope of the leaky ReLU below 0.
LEAK = 0.1
#: Samples that are projected at once.
PART = 1000


def raw(framing: Framing, bins: int, data: Data) -> np.ndarray:
    """Return the square roots of the input's spike counts in each time bin."""
    parts = [
        np.sqrt(spikes.binned(bins)).reshape(len(spikes), -1) for spikes in _parts(framing, data)
    ]
    return np.concatenate(parts)


def projected(liquid: Liquid, slope: float, data: Data) -> np.ndarray:
    r"""Return a non-spiking projection through the liquid's own input weights.

    .. math::
        f_k = \max(z_k, slope \cdot z_k), \qquad z_k = W_{in} \sum_{t \in bin_k} x_t
    """
    weights = liquid.input_matrix().astype(np.float32)
    parts = []
    for spikes in _parts(liquid.framing, data):
        # One large product: numpy multiplies a stack of small ones a hundred times more slowly.
        z = spikes.binned(liquid.features.bins).reshape(-1, spikes.channels) @ weights
        # Weights that cancel leave a rounding error, which a readout would take for a feature.
        z[np.abs(z) < ROUNDING * np.abs(weights).max()] = 0
        parts.append(np.maximum(z, slope * z, out=z).reshape(len(spikes), -1))
    return np.concatenate(parts)


def contestant(name: str, liquid: Liquid, readout: ReadoutName, **engine: object) -> Contestant:
    """Return a liquid as a contestant; ``engine`` as in :func:`neuromem.liquid.encode`."""
    settings = " ".join(f"{key}={value}" for key, value in sorted(engine.items()) if value)
    return Contestant(
        name=name,
        encode=partial(encode, liquid, **engine),  # type: ignore[arg-type]
        recipe=f"liquid {liquid.digest()} {settings}",
        readout=readout,
        neurons=liquid.neurons,
        seed=liquid.seed,
        keep=True,
    )


def controls(liquid: Liquid) -> list[Contestant]:
    """Return the controls of a liquid.

    ``raw-counts`` and ``raw-binned`` are the input itself, in one time bin and in as many as the
    liquid's readout has. ``random-relu`` and ``random-leaky-relu`` are :func:`projected`, with the
    liquid's seed. Each has a ridge readout, and others under names that end in theirs.
    """
    framing, bins = liquid.framing, liquid.features.bins
    found = []
    for name, k in {"raw-counts": 1, "raw-binned": bins}.items():
        for readout in READOUTS:
            found.append(
                Contestant(
                    name=named(name, readout),
                    encode=partial(raw, framing, k),
                    recipe=f"raw {framing.digest()} in {k}",
                    readout=readout,
                )
            )
    for name, slope in (("random-relu", 0.0), ("random-leaky-relu", LEAK)):
        for readout in ("ridge", "lda"):
            found.append(
                Contestant(
                    name=named(name, readout),
                    encode=partial(projected, liquid, slope),
                    recipe=f"projected by {liquid.digest()} slope {slope}",
                    readout=readout,
                    neurons=liquid.neurons,
                    seed=liquid.seed,
                )
            )
    return found


def named(name: str, readout: ReadoutName, usual: ReadoutName = "ridge") -> str:
    """Return the name of a contestant with a readout that need not be its usual one."""
    return name if readout == usual else f"{name}-{readout}"


def _parts(framing: Framing, data: Data):
    """Return an iterator over the framed spikes, some samples at a time."""
    for start in range(0, len(data), PART):
        stop = min(start + PART, len(data))
        yield (
            framing.spikes(data[start:stop])
            if isinstance(data, EventSet)
            else (data.part(start, stop))
        )

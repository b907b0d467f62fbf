"""Who competes in zero-shot recognition: liquids, their controls without one, and an upper bound.

All are trained on the same recordings, choose on the same validation recordings of seen classes,
and meet in a space of the same size, save the closed forms, whose space has as many dimensions as
the seen classes allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from neuromem.events import Crop, EventSet, Framing
from neuromem.heads.training import require_torch
from neuromem.liquid import (
    Liquid,
    best_nmnist,
    best_spoken,
    calibrate,
    encode,
    published_nmnist,
    published_tidigits,
)
from neuromem.liquid.designs import COCHLEA_SENSOR, NMNIST_SENSOR
from neuromem.protocols.contest import Data
from neuromem.protocols.controls import projected, raw
from neuromem.protocols.zero_shot.entries import Entrant, Meeting, View

if TYPE_CHECKING:
    from neuromem.heads.senses import Aligner

#: The contestant that the others are compared with.
OURS = "liquid"
#: Neurons of each liquid, those of the published one.
NEURONS = 200
EMBEDDING = 64
#: Spikes per neuron and step to which our liquids are calibrated, without labels.
TARGET_RATE = 0.1
#: Epochs without a better validation accuracy after which the training of heads ends. Assumed.
PATIENCE = 5
EPOCHS = 30
#: Chosen on validation recordings of seen classes (five pairs of real recordings, one seed): the
#: search succeeds in 58.4 % at a temperature of 0.5 with linear heads, in 55.6, 57.2 and 54.8 % at
#: 0.1, 0.2 and 1; with hidden units in 62.7 % (64), 64.5 % (128) and 67.7 % (256). 64 cost no more
#: than a linear layer.
TEMPERATURE, HIDDEN = 0.5, 64
#: Gains of the published liquids in this experiment, for sound and for sight. Source: the scripts
#: published with Lin et al. (2025), doi 10.1038/s43588-024-00751-z.
PUBLISHED_GAINS = (0.1, 0.3)
#: What the spiking network that is trained as a whole sees: fewer steps, or training takes hours.
SPIKING_FRAMES = (
    Framing(sensor_size=COCHLEA_SENSOR, steps=40),
    Framing(
        sensor_size=NMNIST_SENSOR, steps=20, crop=Crop.centre(20, NMNIST_SENSOR), polarity="merge"
    ),
)
SPIKING_NEURONS, SPIKING_EPOCHS = 64, 15
#: Its membrane decays for sound and sight, those of the published liquids.
SPIKING_DECAYS = (0.97, 0.9)
NAMES = (
    OURS, "liquid-cca", "liquid-ridge", "liquid-prototypes", "published", "random-relu",
    "raw-counts", "raw-binned", "raw-cca", "raw-ridge", "raw-prototypes", "srnn-clip", "oracle",
)  # fmt: skip


def liquids(meeting: Meeting, neurons: int = NEURONS, seed: int = 0) -> tuple[Liquid, Liquid]:
    """Return our liquids for sound and sight; gains are set by the firing rate in training."""
    sound, sight = (
        calibrate(design(neurons, seed=seed), splits.train.data, TARGET_RATE)
        for design, splits in ((best_spoken, meeting.first), (best_nmnist, meeting.second))
    )
    return sound, sight


def published_liquids(neurons: int = NEURONS, seed: int = 0) -> tuple[Liquid, Liquid]:
    """Return the liquids of the published experiment, for sound and sight."""
    sound, sight = (
        design(neurons, seed=seed).replace(input_gain=gain, recurrent_gain=gain)
        for design, gain in zip(
            (published_tidigits, published_nmnist), PUBLISHED_GAINS, strict=True
        )
    )
    return sound, sight


def check(only: Sequence[str]) -> None:
    """Raise for what :func:`contestants` would refuse, before data are read.

    Raises
    ------
    ValueError
        For names that are no contestant's.
    ModuleNotFoundError
        When torch is not installed and one of them is trained with it.
    """
    if unknown := set(only) - {*NAMES}:
        raise ValueError(
            f"no contestant {', '.join(sorted(unknown))}: there are {', '.join(NAMES)}"
        )
    trained = [n for n in only or NAMES if not n.endswith(("-cca", "-ridge", "-prototypes"))]
    if trained:
        require_torch(f"contestant {trained[0]!r}")


def contestants(
    meeting: Meeting,
    *,
    neurons: int = NEURONS,
    embedding: int = EMBEDDING,
    seeds: Sequence[int] = (0,),
    only: Sequence[str] = (),
) -> list[Entrant]:
    """Return the liquids, their controls and the upper bound.

    - ``liquid``: our liquids and projections trained by a contrastive loss;
    - ``liquid-cca``, ``liquid-ridge``, ``liquid-prototypes``: closed forms on the same features;
    - ``published``: the published liquids and settings of the heads (validated as all others);
    - ``random-relu``: our projections on a non-spiking projection through the liquids' weights;
    - ``raw-counts``, ``raw-binned``: our projections on the events, in one bin and in as many as
      the liquids are read out in; ``raw-cca`` and so on: closed forms on ``raw-binned``;
    - ``srnn-clip``: two recurrent spiking networks of 64 neurons, trained as a whole;
    - ``oracle``: as ``liquid``, but the unseen classes are in training and validation.

    Parameters
    ----------
    meeting
        The recordings.
    neurons
        Of each liquid.
    embedding
        Dimensions of the common space.
    seeds
        Of liquids and heads alike.
    only
        Names of those to return; all where empty.

    Raises
    ------
    ValueError
        For an unknown name.
    """
    check(only)
    wanted = [name for name in NAMES if not only or name in only]
    found = []
    for seed in seeds:
        sound, sight = liquids(meeting, neurons, seed)
        views = _views(sound, sight, neurons, seed)
        trained = heads_of(embedding, seed)
        for name in wanted:
            view, head, random = _PLAN[name]
            if not random and seed != seeds[0]:
                continue  # the same for every seed
            make, recipe = trained[head]
            first, second = views[view]
            own = seed if random else None
            found.append(Entrant(name, first, second, make, recipe, own, oracle=name == "oracle"))
    return found


#: Of each contestant: how its features are made, what is trained, whether anything is random.
_PLAN = {
    OURS: ("liquid", "contrastive", True),
    "liquid-cca": ("liquid", "cca", True),
    "liquid-ridge": ("liquid", "ridge", True),
    "liquid-prototypes": ("liquid", "prototypes", True),
    "published": ("published", "published", True),
    "random-relu": ("projected", "contrastive", True),
    "raw-counts": ("counts", "contrastive", True),
    "raw-binned": ("binned", "contrastive", True),
    "raw-cca": ("binned", "cca", False),
    "raw-ridge": ("binned", "ridge", False),
    "raw-prototypes": ("binned", "prototypes", False),
    "srnn-clip": ("spikes", "srnn-clip", True),
    "oracle": ("liquid", "contrastive", True),
}


def liquid_view(liquid: Liquid) -> View:
    """Return a liquid's features as a view."""
    return View(
        partial(encode, liquid), f"liquid {liquid.digest()}", neurons=liquid.neurons, keep=True
    )


def rates(liquid: Liquid, data: Data) -> np.ndarray:
    """Return spike counts divided by the number of steps, the published features."""
    return encode(liquid, data) / np.float32(liquid.framing.steps)


def rates_view(liquid: Liquid) -> View:
    """Return :func:`rates` as a view."""
    return View(
        partial(rates, liquid), f"rates of {liquid.digest()}", neurons=liquid.neurons, keep=True
    )


def published_views(neurons: int = NEURONS, seed: int = 0) -> tuple[View, View]:
    """Return the views of :func:`published_liquids`."""
    sound, sight = published_liquids(neurons, seed)
    return rates_view(sound), rates_view(sight)


def dense(framing: Framing, data: Data) -> np.ndarray:
    """Return spikes as float32 [samples, steps, channels]."""
    return (framing.spikes(data) if isinstance(data, EventSet) else data).dense()


def _views(sound: Liquid, sight: Liquid, neurons: int, seed: int) -> dict[str, tuple[View, View]]:
    """Return how the features of each kind are made, for sound and sight."""

    def both(make: Callable[[Liquid], View]) -> tuple[View, View]:
        return make(sound), make(sight)

    spikes = [View(partial(dense, frame), f"spikes {frame.digest()}") for frame in SPIKING_FRAMES]
    return {
        "liquid": both(liquid_view),
        "published": published_views(neurons, seed),
        "projected": both(
            lambda of: View(
                partial(projected, of, 0.0), f"projected by {of.digest()}", of.neurons, keep=True
            )
        ),
        "counts": both(lambda of: _raw_view(of, 1)),
        "binned": both(lambda of: _raw_view(of, of.features.bins)),
        "spikes": (spikes[0], spikes[1]),
    }


def _raw_view(of: Liquid, bins: int) -> View:
    return View(partial(raw, of.framing, bins), f"raw {of.framing.digest()} in {bins}", keep=True)


def heads_of(embedding: int, seed: int) -> dict[str, tuple[Callable[[], Aligner], str]]:
    """Return what can be trained: how to make it, and a text that names all its settings."""
    from neuromem.heads import (
        PUBLISHED_CONTRASTIVE,
        CCAAligner,
        ContrastiveAligner,
        ContrastiveSettings,
        MLPProjection,
        PrototypeAligner,
        RidgeAligner,
        SpikingAligner,
        SpikingSettings,
    )

    ours = ContrastiveSettings(
        projection=MLPProjection(hidden=HIDDEN), embedding=embedding, temperature=TEMPERATURE,
        epochs=EPOCHS,
    )  # fmt: skip
    theirs = msgspec.structs.replace(PUBLISHED_CONTRASTIVE["audio-vision"], embedding=embedding)
    spiking = SpikingSettings(
        embedding=embedding, temperature=TEMPERATURE, neurons=SPIKING_NEURONS, decay=SPIKING_DECAYS,
        epochs=SPIKING_EPOCHS,
    )  # fmt: skip
    trained = {
        "contrastive": (ContrastiveAligner, ours, PATIENCE),
        "published": (ContrastiveAligner, theirs, None),
        "srnn-clip": (SpikingAligner, spiking, PATIENCE),
    }
    found: dict[str, tuple[Callable[[], Aligner], str]] = {
        name: (
            partial(kind, settings, seed=seed, patience=patience),
            f"{kind.__name__} {settings.digest()} {patience}",
        )
        for name, (kind, settings, patience) in trained.items()
    }
    closed = {"cca": CCAAligner, "ridge": RidgeAligner, "prototypes": PrototypeAligner}
    return found | {name: (kind, kind.__name__) for name, kind in closed.items()}

"""Zero-shot: one sense searched with the other, for classes that were never trained."""

from neuromem.protocols.zero_shot.entries import (
    Embedded,
    Entrant,
    Meeting,
    View,
    ZeroShotRecord,
)
from neuromem.protocols.zero_shot.metrics import (
    accuracy,
    harmonic_mean,
    left_out,
    prototypes,
    recognise,
)
from neuromem.protocols.zero_shot.trials import Trainer, zero_shot

__all__ = [
    "Embedded",
    "Entrant",
    "Meeting",
    "Trainer",
    "View",
    "ZeroShotRecord",
    "accuracy",
    "harmonic_mean",
    "left_out",
    "prototypes",
    "recognise",
    "zero_shot",
]

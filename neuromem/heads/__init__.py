"""What is trained on a liquid's states: readouts of one sense, and alignments of two."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromem.heads.alignment import (
        CCAAligner,
        ProcrustesAligner,
        PrototypeAligner,
        RidgeAligner,
    )
    from neuromem.heads.contrastive import (
        PUBLISHED_CONTRASTIVE,
        ContrastiveAligner,
        ContrastiveSettings,
    )
    from neuromem.heads.linear import PUBLISHED_HEADS, HeadSettings, LinearHead
    from neuromem.heads.pairs import info_nce
    from neuromem.heads.projections import GELUProjection, LinearProjection, MLPProjection
    from neuromem.heads.readouts import LDAReadout, LogisticReadout, RidgeReadout
    from neuromem.heads.senses import Aligner, Sense, retrieval_accuracy
    from neuromem.heads.spiking import SpikingAligner, SpikingSettings

# Loaded on first use: the readouts need scikit-learn, what is trained by gradient descent torch.
_HOMES = {
    "PUBLISHED_CONTRASTIVE": "neuromem.heads.contrastive",
    "PUBLISHED_HEADS": "neuromem.heads.linear",
    "Aligner": "neuromem.heads.senses",
    "CCAAligner": "neuromem.heads.alignment",
    "ContrastiveAligner": "neuromem.heads.contrastive",
    "ContrastiveSettings": "neuromem.heads.contrastive",
    "GELUProjection": "neuromem.heads.projections",
    "HeadSettings": "neuromem.heads.linear",
    "LDAReadout": "neuromem.heads.readouts",
    "LinearHead": "neuromem.heads.linear",
    "LinearProjection": "neuromem.heads.projections",
    "LogisticReadout": "neuromem.heads.readouts",
    "MLPProjection": "neuromem.heads.projections",
    "ProcrustesAligner": "neuromem.heads.alignment",
    "PrototypeAligner": "neuromem.heads.alignment",
    "RidgeAligner": "neuromem.heads.alignment",
    "RidgeReadout": "neuromem.heads.readouts",
    "Sense": "neuromem.heads.senses",
    "SpikingAligner": "neuromem.heads.spiking",
    "SpikingSettings": "neuromem.heads.spiking",
    "info_nce": "neuromem.heads.pairs",
    "retrieval_accuracy": "neuromem.heads.senses",
}

__all__ = [
    "PUBLISHED_CONTRASTIVE",
    "PUBLISHED_HEADS",
    "Aligner",
    "CCAAligner",
    "ContrastiveAligner",
    "ContrastiveSettings",
    "GELUProjection",
    "HeadSettings",
    "LDAReadout",
    "LinearHead",
    "LinearProjection",
    "LogisticReadout",
    "MLPProjection",
    "ProcrustesAligner",
    "PrototypeAligner",
    "RidgeAligner",
    "RidgeReadout",
    "Sense",
    "SpikingAligner",
    "SpikingSettings",
    "info_nce",
    "retrieval_accuracy",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuromem.heads' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

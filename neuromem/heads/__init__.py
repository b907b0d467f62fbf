"""What is trained on a liquid's states: linear readouts, chosen on validation samples."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neuromem.heads.linear import PUBLISHED_HEADS, HeadSettings, LinearHead
    from neuromem.heads.readouts import LDAReadout, LogisticReadout, RidgeReadout

# Loaded on first use: the readouts need scikit-learn, the linear head torch.
_HOMES = {
    "PUBLISHED_HEADS": "neuromem.heads.linear",
    "HeadSettings": "neuromem.heads.linear",
    "LDAReadout": "neuromem.heads.readouts",
    "LinearHead": "neuromem.heads.linear",
    "LogisticReadout": "neuromem.heads.readouts",
    "RidgeReadout": "neuromem.heads.readouts",
}

__all__ = [
    "PUBLISHED_HEADS",
    "HeadSettings",
    "LDAReadout",
    "LinearHead",
    "LogisticReadout",
    "RidgeReadout",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'neuromem.heads' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

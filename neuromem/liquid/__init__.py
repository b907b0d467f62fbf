"""Liquid state machines: fixed random spiking reservoirs over event streams.

Build a liquid, choose where it runs, use it: ``liquid.encode(recordings)`` gives the features of
each recording, for any readout.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from neuromem.liquid.calibration import calibrate, firing_rate
from neuromem.liquid.designs import (
    best_nmnist,
    best_spoken,
    published_nmnist,
    published_tidigits,
    task_liquid,
)
from neuromem.liquid.encoder import encode
from neuromem.liquid.features import Features
from neuromem.liquid.liquid import CITATION, Liquid
from neuromem.liquid.reading import NoisyReads
from neuromem.liquid.tasks import DelayedMatch, Parity, SymbolCode
from neuromem.liquid.wiring import Dense, DistanceDependent, ReceptiveField, Sparse, Wiring

if TYPE_CHECKING:
    from neuromem.liquid.transformer import LiquidTransformer

__all__ = [
    "CITATION",
    "DelayedMatch",
    "Dense",
    "DistanceDependent",
    "Features",
    "Liquid",
    "LiquidTransformer",
    "NoisyReads",
    "Parity",
    "ReceptiveField",
    "Sparse",
    "SymbolCode",
    "Wiring",
    "best_nmnist",
    "best_spoken",
    "calibrate",
    "encode",
    "firing_rate",
    "published_nmnist",
    "published_tidigits",
    "task_liquid",
]


def __getattr__(name: str) -> Any:
    if name == "LiquidTransformer":  # needs scikit-learn
        return import_module("neuromem.liquid.transformer").LiquidTransformer
    raise AttributeError(f"module 'neuromem.liquid' has no attribute {name!r}")

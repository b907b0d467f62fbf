"""What is measured: data, contestants beside their controls, and one record for each result."""

from neuromem.protocols.contest import Contestant, Record, Samples, Splits, contest
from neuromem.protocols.controls import controls
from neuromem.protocols.store import Store, cache_folder

__all__ = [
    "Contestant",
    "Record",
    "Samples",
    "Splits",
    "Store",
    "cache_folder",
    "contest",
    "controls",
]

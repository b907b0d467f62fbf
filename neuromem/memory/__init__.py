"""The CA3 family of spiking memories: topologies as tables, operations, and their timing."""

from neuromem.memory.answers import Answer
from neuromem.memory.memory import BOARD_POST_HISTORY, MODELS, Memory
from neuromem.memory.model import MemoryModel, Timing
from neuromem.memory.operations import (
    Learn,
    Operation,
    RecallByContent,
    RecallByCue,
    describe,
    schedule,
)
from neuromem.memory.programs import Program, load_program
from neuromem.memory.replay import Comparison, Recorded, load_recording, replay
from neuromem.memory.session import SPACING_MS, Session

__all__ = [
    "BOARD_POST_HISTORY",
    "MODELS",
    "SPACING_MS",
    "Answer",
    "Comparison",
    "Learn",
    "Memory",
    "MemoryModel",
    "Operation",
    "Program",
    "RecallByContent",
    "RecallByCue",
    "Recorded",
    "Session",
    "Timing",
    "describe",
    "load_program",
    "load_recording",
    "replay",
    "schedule",
]

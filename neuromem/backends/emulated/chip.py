"""A chip: its memory, and the system's variables in it."""

from __future__ import annotations

from neuromem.backends.emulated.memory import ChipMemory
from neuromem.backends.emulated.sark import System


class Chip:
    """What the cores of a chip share.

    Parameters
    ----------
    x, y
        Where it is.
    heap_bytes
        Shared memory that programs may take.
    """

    def __init__(self, x: int, y: int, heap_bytes: int) -> None:
        self.x, self.y = x, y
        self.memory = ChipMemory()
        self.system = System(self.memory, x, y, heap_bytes)

"""A processor's registers for an interrupt, by unicorn's C functions.

Its Python binding, 2.1, takes as long for them as for all that a core does in a quiet tick.
"""

from __future__ import annotations

import ctypes
from typing import Any


class Batch:
    """Some registers, read and written together, in the order given.

    Parameters
    ----------
    processor
        The emulated processor.
    numbers
        Unicorn's numbers of the registers.
    """

    def __init__(self, processor: Any, *numbers: int) -> None:
        from unicorn.unicorn_py3 import unicorn

        self._library, self._processor = unicorn.uclib, processor._uch
        self._count = len(numbers)
        self._numbers = (ctypes.c_int * self._count)(*numbers)
        self._values = (ctypes.c_uint32 * self._count)()
        start = ctypes.addressof(self._values)
        places = [start + 4 * i for i in range(self._count)]
        self._places = (ctypes.c_void_p * self._count)(*places)

    def read(self) -> list[int]:
        """Return their values."""
        self._library.uc_reg_read_batch(self._processor, self._numbers, self._places, self._count)
        return self._values[:]

    def write(self, *values: int) -> None:
        """Set their values."""
        self._values[:] = values
        self._library.uc_reg_write_batch(self._processor, self._numbers, self._places, self._count)

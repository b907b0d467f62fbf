"""The memory of a SpiNNaker chip: where it lies, and blocks of it that cores share.

Source of all addresses: SpiNNaker datasheet v2.02, section 3.3, and ``spinnaker.h`` of
``spinnaker_tools``.
"""

from __future__ import annotations

import ctypes
import mmap
import struct

import numpy as np

ITCM_BASE, ITCM_BYTES = 0x0000_0000, 0x8000
DTCM_BASE, DTCM_BYTES = 0x0040_0000, 0x1_0000
SDRAM_BASE, SDRAM_BYTES = 0x6000_0000, 0x800_0000
SYSRAM_BASE, SYSRAM_BYTES = 0xE500_0000, 0x8000
#: The same memory again, for writes that are not buffered.
SDRAM_UNBUFFERED, SYSRAM_UNBUFFERED = 0x7000_0000, 0xF500_0000


class Memory:
    """A zeroed block of memory, of which only the pages in use take room.

    Parameters
    ----------
    base
        Its address on the chip.
    size
        Its length (bytes).
    """

    def __init__(self, base: int, size: int) -> None:
        self.base, self.size = base, size
        self._mapped = mmap.mmap(-1, size)
        self._view = memoryview(self._mapped)
        #: Where it lies in the memory of this process.
        self.host_address = ctypes.addressof(ctypes.c_char.from_buffer(self._mapped))

    def read(self, address: int, size: int) -> bytes:
        """Return bytes from an address on the chip."""
        start = address - self.base
        return bytes(self._view[start : start + size])

    def write(self, address: int, data: bytes) -> None:
        """Write bytes to an address on the chip."""
        start = address - self.base
        self._view[start : start + len(data)] = data

    def word(self, address: int) -> int:
        """Return the word at an address."""
        return struct.unpack_from("<I", self._view, address - self.base)[0]

    def set_word(self, address: int, value: int) -> None:
        """Write the word at an address."""
        struct.pack_into("<I", self._view, address - self.base, value & 0xFFFF_FFFF)

    def byte(self, address: int) -> int:
        """Return the byte at an address."""
        return self._view[address - self.base]

    def set_byte(self, address: int, value: int) -> None:
        """Write the byte at an address."""
        self._view[address - self.base] = value

    def words(self, address: int, count: int) -> np.ndarray:
        """Return a copy of some words from an address."""
        return np.frombuffer(self._view, "<u4", count, address - self.base).copy()


class ChipMemory:
    """What all cores of a chip share."""

    def __init__(self) -> None:
        self.sdram = Memory(SDRAM_BASE, SDRAM_BYTES)
        self.sysram = Memory(SYSRAM_BASE, SYSRAM_BYTES)

    def regions(self) -> list[tuple[int, Memory]]:
        """Return the addresses at which a core sees each memory."""
        return [
            (SDRAM_BASE, self.sdram),
            (SDRAM_UNBUFFERED, self.sdram),
            (SYSRAM_BASE, self.sysram),
            (SYSRAM_UNBUFFERED, self.sysram),
        ]


def sdram_address(address: int) -> int:
    """Return an SDRAM address as a buffered one."""
    return address & ~(SDRAM_UNBUFFERED ^ SDRAM_BASE)

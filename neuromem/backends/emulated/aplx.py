"""Programs for a core: APLX files, a list of commands that put code and data in place.

Each command is 16 bytes: what to do and three arguments.

- 2, copy: destination, source counted from this command, length
- 3, fill: destination, length, word
- 4, execute: start address, the end of the list

Source: S. Temple, "The APLX File Format", 2011, and ``sark.h`` of ``spinnaker_tools``. The copy
from an absolute address (1), which sPyNNaker's programs do not use, is left out.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COPY, FILL, EXECUTE = 2, 3, 4
COMMAND_BYTES = 16


@dataclass(frozen=True)
class Program:
    """A program as it lies in its file.

    Parameters
    ----------
    name
        The file's name without its ending.
    segments
        What to write where: (address, bytes).
    entry
        Where it starts.
    """

    name: str
    segments: tuple[tuple[int, bytes], ...]
    entry: int

    def load(self, write: Callable[[int, bytes], None]) -> None:
        """Write all of it."""
        for address, data in self.segments:
            write(address, data)


def read_program(path: str | os.PathLike[str]) -> Program:
    """Read a program from its file.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When it is no program for a core.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(
            f"no program {file.name} at {file}: install sPyNNaker again, its wheels hold it"
        )
    data = file.read_bytes()
    segments: list[tuple[int, bytes]] = []
    for at in range(0, len(data) - COMMAND_BYTES + 1, COMMAND_BYTES):
        command, first, second, third = struct.unpack_from("<4I", data, at)
        if command == COPY and at + second + third <= len(data):
            segments.append((first, data[at + second : at + second + third]))
        elif command == FILL:
            segments.append((first, struct.pack("<I", third) * (second // 4)))
        elif command == EXECUTE:
            return Program(file.name.removesuffix(".aplx"), tuple(segments), first)
        else:
            break
    raise ValueError(f"{file}: no APLX program: its list of commands does not end in a start")

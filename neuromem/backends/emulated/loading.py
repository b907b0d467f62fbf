"""Data specifications: the regions of each core's data, and their way into a chip's memory.

A core's data starts with a table of its 32 regions: a pointer, a checksum (the sum of the words)
and a length in words. It is one block of shared memory, whose address is in user word 0.

Source: ``load_data_specification.py`` and ``constants.py`` of ``spinn_front_end_common`` 7.4.1.
"""

from __future__ import annotations

import sqlite3
import struct
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neuromem.backends.emulated import sark
from neuromem.backends.emulated.sark import System
from neuromem.backends.emulated.snapshot import PlacedCore

MAGIC, VERSION, REGIONS, TABLE_BYTES = 0xAD13_0AD6, 0x0001_0000, 32, 8 + 32 * 12
#: Tag of a core's block, to which its number is added; and of what cores hand each other.
DATA_TAG, EDGE_TAG = 200, 100
#: Name of the region that says where a synapse core hands its sums to a neuron core: their address
#: and length. On a virtual board the addresses count from the start of the chip's block for it.
EDGE = "SDRAM Params"
Where = tuple[int, int, int]


@dataclass(frozen=True)
class Region:
    """One region: its number, name, reserved size (bytes), content and reference number."""

    number: int
    label: str
    size: int
    content: bytes | None
    reference: int | None


class DataSpecification:
    """The regions of all cores, as sPyNNaker wrote them.

    Raises
    ------
    ValueError
        When the file is missing, or no data specification.
    """

    def __init__(self, path: str | Path) -> None:
        self._regions: dict[Where, list[Region]] = defaultdict(list)
        self._references: dict[Where, list[tuple[int, int]]] = defaultdict(list)
        if not Path(path).is_file():
            raise ValueError(f"{path}: no data specification: the mapping did not write one")
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                self._read(database)
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{path}: damaged data specification: {error}") from None

    def regions(self, where: Where) -> list[Region]:
        """Return the regions of a core, in order."""
        return self._regions[where]

    def references(self, where: Where) -> list[tuple[int, int]]:
        """Return the core's regions that are another core's: their number and reference."""
        return self._references[where]

    def region(self, where: Where, label: str) -> Region | None:
        """Return a core's region of that name, if there is one."""
        return next((r for r in self._regions[where] if r.label == label), None)

    def _read(self, database: sqlite3.Connection) -> None:
        rows = database.execute(
            "SELECT x, y, p, region_num, region_label, size, content, reference_num FROM region "
            "ORDER BY x, y, p, region_num"
        )
        for x, y, p, number, label, size, content, reference in rows:
            if content is not None and len(content) > size:
                raise ValueError(
                    f"malformed data specification: region {number} of core {x},{y},{p} has "
                    f"{len(content)} bytes and room for {size}"
                )
            self._regions[x, y, p].append(Region(number, label or "", size, content, reference))
        rows = database.execute("SELECT x, y, p, region_num, reference_num FROM reference")
        for x, y, p, number, reference in rows:
            self._references[x, y, p].append((number, reference))


def load_chip(
    system: System, cores: list[PlacedCore], data: DataSpecification
) -> dict[int, dict[int, int]]:
    """Load the data of a chip's cores, and return each region's address by core and number.

    Raises
    ------
    ValueError
        When a core has no data, or refers to a region that no core has.
    MemoryError
        When the chip's memory does not hold it.
    """
    addresses: dict[int, dict[int, int]] = {}
    shared: dict[int, int] = {}
    for core in cores:
        regions = data.regions((core.x, core.y, core.p))
        if not regions:
            raise ValueError(
                f"malformed data specification: no regions for core {core.x},{core.y},{core.p} "
                f"({core.holds!r})"
            )
        start = system.allocate(sum(r.size for r in regions) + TABLE_BYTES, DATA_TAG + core.p)
        system.set_user(core.p, sark.USER_0, start)
        at = start + TABLE_BYTES
        addresses[core.p] = {}
        for region in regions:
            addresses[core.p][region.number] = at
            if region.reference is not None:
                shared[region.reference] = at
            at += region.size
    edges = _edge_block(system, cores, data)
    for core in cores:
        _write_core(system, core, data, addresses[core.p], shared, edges)
    return addresses


def _edge_block(system: System, cores: list[PlacedCore], data: DataSpecification) -> int:
    """Return the address of a block for what cores of a chip hand each other, 0 without any."""
    found = [data.region((core.x, core.y, core.p), EDGE) for core in cores]
    ends = [sum(struct.unpack_from("<2I", r.content)) for r in found if r and r.content]
    return system.allocate(max(ends), EDGE_TAG) if ends else 0


def _write_core(
    system: System,
    core: PlacedCore,
    data: DataSpecification,
    addresses: dict[int, int],
    shared: dict[int, int],
    edges: int,
) -> None:
    where = (core.x, core.y, core.p)
    table = np.zeros((REGIONS, 3), dtype="<u4")
    for region in data.regions(where):
        address = addresses[region.number]
        table[region.number, 0] = address
        if region.content is not None:
            content = region.content + bytes(-len(region.content) % 4)
            if region.label == EDGE:
                offset = struct.unpack_from("<I", content)[0]
                content = struct.pack("<I", edges + offset) + content[4:]
            system.sdram.write(address, content)
            words = np.frombuffer(content, dtype="<u4")
            table[region.number, 1] = words.sum(dtype=np.uint32)
            table[region.number, 2] = len(words)
    for number, reference in data.references(where):
        if reference not in shared:
            raise ValueError(
                f"malformed data specification: core {where} refers to region {reference}, which "
                "no core of its chip has"
            )
        addresses[number] = shared[reference]
        table[number, 0] = shared[reference]
    start = system.sysram.word(sark.VCPU + core.p * sark.VCPU_BYTES + sark.USER_0)
    system.sdram.write(start, struct.pack("<2I", MAGIC, VERSION) + table.tobytes())
    # sPyNNaker loads these after the data specification, and without a checksum.
    for number, content in core.send_buffers.items():
        if number not in addresses:
            raise ValueError(
                f"malformed data specification: core {where} has no region {number} for its spikes"
            )
        system.sdram.write(addresses[number], content)

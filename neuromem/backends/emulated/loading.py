"""Data specifications: the regions of each core's data, and their way into a chip's memory.

A core's data starts with a table of its 32 regions: a pointer, a checksum (the sum of the words)
and a length in words. It is one block of shared memory, whose address is in user word 0.

Any network that sPyNNaker maps onto a virtual board can be loaded, not only one of our definition:
there the host makes all synaptic matrices. Those that are left to a real board to make (by its
``synapse_expander``) are refused. Nothing else would be left to that program but the filters of
spikes that have no target on a core, without which such a spike is looked up in vain; its region is
left empty, as a core accepts it. ``delay_expander`` and ``bit_field_expander`` are in the wheels,
and nothing starts them.

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
#: Names of the region that says where a core hands input to a neuron core, in shared memory: the
#: address and the length of its share, or of the first share for the neuron core itself. A Poisson
#: source has a name of its own for it, and a length of 0 where it sends packets instead. On a
#: virtual board the addresses count from the start of the chip's block for all shares.
EDGES = ("SDRAM Params", "sdram edge params")
#: The region that says how many synaptic matrices the board is to make, and in which word.
LEFT_TO_THE_BOARD, LEFT_AT = "ConnectorBuilderRegion", 4
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

    def edge(self, where: Where) -> Region | None:
        """Return the region by which a core hands or gets input in shared memory, if it does."""
        found = next((r for r in self._regions[where] if r.label in EDGES and r.content), None)
        return found if found and _share(found)[1] else None

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
        When a core has no data, or refers to a region that no core has, or is to make synaptic
        matrices itself.
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
        _no_matrices_left(core, data)
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


def _no_matrices_left(core: PlacedCore, data: DataSpecification) -> None:
    """Raise ValueError where a core is to make synaptic matrices itself."""
    region = data.region((core.x, core.y, core.p), LEFT_TO_THE_BOARD)
    if region is None or not region.content:
        return
    matrices = struct.unpack_from("<I", region.content, 4 * LEFT_AT)[0]
    if matrices:
        raise ValueError(
            f"core {core.x},{core.y},{core.p} ({core.holds!r}) is to make {matrices} synaptic "
            "matrices itself, by a program that is not emulated: map onto a virtual board, where "
            "the host makes them"
        )


def _edge_block(system: System, cores: list[PlacedCore], data: DataSpecification) -> int:
    """Return the address of a block for what cores of a chip hand each other, 0 without any."""
    found = [data.edge((core.x, core.y, core.p)) for core in cores]
    ends = [sum(_share(region)) for region in found if region]
    return system.allocate(max(ends), EDGE_TAG) if ends else 0


def _share(edge: Region) -> tuple[int, int]:
    """Return the address and the length of what a core hands on or gets."""
    assert edge.content is not None
    address, length = struct.unpack_from("<2I", edge.content)
    return address, length


def _write_core(
    system: System,
    core: PlacedCore,
    data: DataSpecification,
    addresses: dict[int, int],
    shared: dict[int, int],
    edges: int,
) -> None:
    where = (core.x, core.y, core.p)
    table, edge = np.zeros((REGIONS, 3), dtype="<u4"), data.edge(where)
    for region in data.regions(where):
        address = addresses[region.number]
        table[region.number, 0] = address
        if region.content is not None:
            content = region.content + bytes(-len(region.content) % 4)
            if region is edge:
                content = struct.pack("<I", edges + _share(region)[0]) + content[4:]
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

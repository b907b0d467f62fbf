"""A mapped network, as the file between the process that maps and the emulator.

The data specification itself stays where sPyNNaker wrote it (``ds.sqlite3``). This is the rest:
where each core is and what it runs, routing tables, links between chips, and the spikes of sources,
which sPyNNaker puts into their memory only while it loads a board.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

SNAPSHOT = "snapshot.json"
#: What a source that may fire more than once in a tick records.
SPIKE_COUNTS = "spike counts"


class PlacedCore(msgspec.Struct, frozen=True, kw_only=True):
    """A core of the network.

    Parameters
    ----------
    x, y, p
        Chip and core.
    program
        Path of its binary.
    holds
        Population, or name of what it serves.
    first, neurons
        Slice of the population.
    recorded
        Number of the recording region of each recorded variable: sPyNNaker's own names, and
        ``"spike counts"``.
    send_buffers
        What sPyNNaker loads into a source's regions before a run, by the region's number.
    counters
        Names of the words that its program counts in; none where they are not known.
    """

    x: int
    y: int
    p: int
    program: str
    holds: str
    first: int
    neurons: int
    recorded: dict[str, int]
    send_buffers: dict[int, bytes]
    counters: list[str] = []


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """An entry of a routing table: key, mask, and a bit for each link (0..5) and core (6..)."""

    key: int
    mask: int
    route: int


class PlacedChip(msgspec.Struct, frozen=True, kw_only=True):
    """A chip.

    Parameters
    ----------
    x, y
        Where it is.
    sdram
        Shared memory that programs may take (bytes).
    links
        Chip at the other end of each link.
    table, compressed
        Its routing table as generated, and after compression.
    """

    x: int
    y: int
    sdram: int
    links: dict[int, tuple[int, int]]
    table: list[Entry]
    compressed: list[Entry]


class PlasticBlock(msgspec.Struct, frozen=True, kw_only=True):
    """Where a core keeps the weights of a plastic projection.

    Parameters
    ----------
    label
        The definition's label of the projection.
    x, y, p, region
        The core, and the number of its region of synaptic rows.
    offset, rows, row_words
        Where the rows begin in it (bytes), how many, and how long each is (32-bit words).
    sources
        Neurons of the source: a row is that of neuron ``row % sources``.
    first
        First neuron of the core.
    index_bits, header_bytes
        Bits of a target's number in a row, and bytes before its first weight.
    weight_scale
        Raw steps of a weight of 1.
    """

    label: str
    x: int
    y: int
    p: int
    region: int
    offset: int
    rows: int
    row_words: int
    sources: int
    first: int
    index_bits: int
    header_bytes: int
    weight_scale: float


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A mapped network.

    Parameters
    ----------
    database
        Its data specification.
    cores, chips
        Those of the network, and all chips.
    plastic
        Where weights that change are.
    zeros
        How many weights that are not 0 were generated as 0.
    longest_run_ticks
        For how many ticks its recordings fit into the memory of every chip; no limit where None.
    """

    database: str
    cores: list[PlacedCore]
    chips: list[PlacedChip]
    plastic: list[PlasticBlock]
    zeros: int = 0
    longest_run_ticks: int | None = None


def load(folder: Path) -> Snapshot:
    """Read what :func:`neuromem.backends.emulated.capture.save` wrote.

    Raises
    ------
    ValueError
        When the file is missing or damaged.
    """
    file = folder / SNAPSHOT
    try:
        return msgspec.json.decode(file.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"{file}: no snapshot of a mapping: {error}") from None

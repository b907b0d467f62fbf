"""What a run left in the machine's memory, as arrays: spikes, states and plastic weights.

Recording region of a core: ``[n, (space, size, pointer) x n]``, with bit 31 of a size set where
records are missing. A record of spikes is ``[tick, a bit for each neuron]``, one of a state
``[tick, s16.15 for each neuron]``. A Poisson source, which may fire more than once in a tick,
records ``[tick, n, n x a bit for each neuron]``: those that fired at least once, twice, and so on.

A plastic row: ``[n, n words of a header and 16-bit weights, 0, m, m 16-bit controls]``; the lowest
bits of a control are the number of the target.

Source: ``neuron_recording.h``, ``recording.c``, ``spike_source_poisson.c`` and ``synapse_io.py`` of
sPyNNaker 7.4.1.
"""

from __future__ import annotations

import numpy as np

from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.memory import sdram_address
from neuromem.backends.emulated.snapshot import SPIKE_COUNTS, PlacedCore, PlasticBlock
from neuromem.backends.sampling import interval_ticks
from neuromem.backends.spinnaker.outcome import after_tick
from neuromem.network import Network, Population, Recording

RECORDING, MISSING, ONE = "Recording", 1 << 31, 2.0**15
#: Our name of a recorded variable and sPyNNaker's.
STATES = {"v": "v", "isyn_exc": "gsyn_exc", "isyn_inh": "gsyn_inh"}


def arrays(machine: Machine, network: Network) -> dict[str, np.ndarray]:
    """Return spikes, samples and weights by name.

    The names are those of :func:`neuromem.backends.spinnaker.outcome.to_outcome`, as from a board.

    Raises
    ------
    ValueError
        When a core had no room for all it was to record.
    """
    h, found = network.timestep_ms, {}
    for population in network.populations:
        if isinstance(population, Population):
            rows = spikes(machine, population.name)
            found[f"spikes {population.name}"] = rows * [h, 1]
    for recording in network.recordings:
        if recording.variable in STATES:
            values = _after_tick(machine, network, recording)
            every = interval_ticks(network, recording)
            found[f"sample {recording.variable} {recording.target}"] = values[::every]
    blocks = machine.snapshot.plastic
    for projection in network.projections:
        if projection.plastic:
            rows = [_weights(machine, block) for block in blocks if block.label == projection.label]
            found[f"weights {projection.label}"] = np.concatenate([np.zeros((0, 3)), *rows])
    return found


def spikes(machine: Machine, population: str) -> np.ndarray:
    """Return (tick, neuron) of every recorded spike of a population or Poisson source."""
    found = [np.zeros((0, 2))]
    for core in _cores(machine, population, "spikes"):
        records = _records(machine, core, "spikes", 1 + _bit_words(core))
        found.append(_fired(core, records[:, 0], records[:, 1:]))
    for core in _cores(machine, population, SPIKE_COUNTS):
        words, at = _recorded(machine, core, SPIKE_COUNTS), 0
        while at < len(words):
            end = at + 2 + int(words[at + 1]) * _bit_words(core)
            rows = words[at + 2 : end].reshape(-1, _bit_words(core))
            found.append(_fired(core, np.full(len(rows), words[at]), rows))
            at = end
    return np.concatenate(found)


def _bit_words(core: PlacedCore) -> int:
    """Return the number of words with a bit for each neuron of a core."""
    return (core.neurons + 31) // 32


def _fired(core: PlacedCore, ticks: np.ndarray, words: np.ndarray) -> np.ndarray:
    """Return (tick, neuron) of each set bit of some rows of words, each of which has its tick."""
    octets = np.ascontiguousarray(words).view(np.uint8)
    rows, neurons = np.nonzero(np.unpackbits(octets, axis=1, bitorder="little"))
    fired = np.column_stack([ticks[rows], core.first + neurons])
    return fired[neurons < core.neurons].astype(np.float64)


def _after_tick(machine: Machine, network: Network, recording: Recording) -> np.ndarray:
    """Return a state after every tick [tick, neuron]."""
    population = network.population(recording.target)
    assert isinstance(population, Population)
    variable = recording.variable
    rows = _states(machine, population.name, STATES[variable], population.size)
    return after_tick(network, recording, rows)


def _states(machine: Machine, population: str, variable: str, size: int) -> np.ndarray:
    """Return a state as recorded in every tick [tick, neuron]."""
    found = np.zeros((0, size))
    for core in _cores(machine, population, variable):
        records = _records(machine, core, variable, 1 + core.neurons)
        if len(found) < len(records):
            found = np.zeros((len(records), size))
        values = np.ascontiguousarray(records[:, 1:]).view("<i4") / ONE
        found[:, core.first : core.first + core.neurons] = values
    return found


def _weights(machine: Machine, block: PlasticBlock) -> np.ndarray:
    """Return (pre, post, weight) of every plastic connection in a block."""
    start = machine.regions[block.x, block.y, block.p][block.region] + block.offset
    memory = machine.chips[block.x, block.y].memory.sdram
    table = memory.words(start, block.rows * block.row_words).reshape(block.rows, -1)
    mask = (1 << block.index_bits) - 1
    found = []
    for number, row in enumerate(table):
        words = int(row[0])
        count = int(row[words + 2])
        weights = row[1 : words + 1].view("<u2")[block.header_bytes // 2 :][:count]
        targets = row[words + 3 :].view("<u2")[:count] & mask
        pre = np.full(count, number % block.sources)
        post = block.first + targets.astype(np.int64)
        found.append(np.column_stack([pre, post, weights / block.weight_scale]))
    return np.concatenate(found)


def _cores(machine: Machine, population: str, variable: str) -> list[PlacedCore]:
    return [
        core
        for core in machine.snapshot.cores
        if core.holds == population and variable in core.recorded and core.neurons
    ]


def _records(machine: Machine, core: PlacedCore, variable: str, words: int) -> np.ndarray:
    """Return a core's records of a variable, one a row."""
    found = _recorded(machine, core, variable)
    return found[: len(found) // words * words].reshape(-1, words)


def _recorded(machine: Machine, core: PlacedCore, variable: str) -> np.ndarray:
    """Return the words that a core has recorded of a variable."""
    where = (core.x, core.y, core.p)
    region = machine.data.region(where, RECORDING)
    if region is None:
        raise ValueError(f"malformed data specification: core {where} has no region {RECORDING!r}")
    memory = machine.chips[core.x, core.y].memory.sdram
    entry = machine.regions[where][region.number] + 4 + 12 * core.recorded[variable]
    _, size, pointer = (int(word) for word in memory.words(entry, 3))
    if size & MISSING:
        raise ValueError(
            f"core {where} had no room to record all {variable!r} of {core.holds!r}: run for "
            "fewer ticks, or record less"
        )
    return memory.words(sdram_address(pointer), size // 4)

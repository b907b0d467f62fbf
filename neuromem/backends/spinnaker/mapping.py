"""What the worker is given, and what it found: the two files between it and its parent."""

from __future__ import annotations

import msgspec

#: Files in a run's folder.
JOB, NETWORK, STIMULUS = "job.json", "network.json", "stimulus.npz"
MAPPING, CONNECTIONS, OUTCOME = "mapping.json", "connections.npz", "outcome.npz"
FAILURE, LOG = "failure.json", "sPyNNaker.log"


class WorkerJob(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker is to do with the network in its folder.

    Parameters
    ----------
    ticks
        How long the network runs, or would run.
    fit_weights
        As in :func:`neuromem.backends.spinnaker.deploy`.
    """

    ticks: int
    fit_weights: bool = False


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The exception that ended the worker."""

    kind: str
    message: str


class Core(msgspec.Struct, frozen=True, kw_only=True):
    """One core and what it holds.

    Parameters
    ----------
    x, y, p
        Chip and core.
    holds
        Population, or what it delays; empty for cores of the system.
    program
        Name of its binary.
    first, neurons
        Slice of the population.
    sdram_bytes, sdram_bytes_per_tick
        Memory that it needs, and more of it for each tick that is recorded.
    regions
        Size in bytes of each region of its data specification, by name.
    """

    x: int
    y: int
    p: int
    holds: str
    program: str
    first: int
    neurons: int
    sdram_bytes: int
    sdram_bytes_per_tick: float
    regions: dict[str, int]

    @property
    def has_synapses(self) -> bool:
        """Whether spikes come in here; below 1 ms neurons have cores of their own."""
        return "SynapseParams" in self.regions


class MappedPopulation(msgspec.Struct, frozen=True, kw_only=True):
    """What sPyNNaker chose for a population.

    Parameters
    ----------
    shifts
        Left shift of the ring buffers: excitatory, inhibitory.
    written_shifts
        The same, read from the data specification of each of its cores.
    ring_buffer_bits
        Logarithm of a core's number of ring buffer slots, over neurons, receptors and delays.
    delay_slots
        Longest delay without a delay core, in ticks.
    spike_buffer
        Spikes that may wait to be processed.
    longest_row_words
        Length of the longest synaptic row (32-bit words, with its head).
    plastic
        Whether its binary is plastic.
    """

    shifts: tuple[int, int]
    written_shifts: list[tuple[int, int]]
    ring_buffer_bits: int
    delay_slots: int
    spike_buffer: int
    longest_row_words: int
    plastic: bool


class DelayCore(msgspec.Struct, frozen=True, kw_only=True):
    """Cores that hold back the spikes of a population.

    Parameters
    ----------
    stages, ticks_per_stage
        How many times a spike is sent, and how many ticks apart.
    """

    stages: int
    ticks_per_stage: int


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """The network on the machine.

    Parameters
    ----------
    simulator
        Version of sPyNNaker.
    machine
        What it mapped to, in sPyNNaker's words.
    chips, boards
        Of that machine.
    sdram_per_chip, dtcm_per_core, routing_entries_per_chip
        What a chip and a core have.
    time_scale_factor
        How many times slower than real time the board runs.
    cores
        All cores in use, those of the system too.
    populations, delay_cores
        By population.
    routing
        Entries of each chip's routing table, ``"x,y": (before, after)`` compression.
    synapses_per_second
        Synaptic events for which sPyNNaker plans, on a core: by projection.
    warnings
        sPyNNaker's own.
    fit_weights
        As in the job.
    """

    simulator: str
    machine: str
    chips: int
    boards: int
    sdram_per_chip: int
    dtcm_per_core: int
    routing_entries_per_chip: int
    time_scale_factor: float
    cores: list[Core]
    populations: dict[str, MappedPopulation]
    delay_cores: dict[str, DelayCore]
    routing: dict[str, tuple[int, int]]
    synapses_per_second: dict[str, int]
    warnings: list[str]
    fit_weights: bool

"""What a deployment found, as records and in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

Severity = Literal["error", "warning", "note"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to know before a network runs on the board.

    Parameters
    ----------
    severity
        ``"error"``: it cannot run, or not as defined; ``"warning"``: it may differ; ``"note"``.
    check
        What was looked at, in a word or two.
    where
        Population, projection or machine.
    what
        What was found.
    remedy
        What to do about it; empty where nothing is to be done.
    """

    severity: Severity
    check: str
    where: str
    what: str
    remedy: str = ""


class CoreUse(msgspec.Struct, frozen=True, kw_only=True):
    """The cores of a population.

    Parameters
    ----------
    population, program
        What runs there; a source's or delay's program too.
    neurons, cores
        How many.
    sdram_bytes
        Largest shared memory of one core, with what is recorded in the run.
    dtcm_known_bytes
        Largest sum of those of its data structures whose sizes are known, of 65,536; None where
        none is. Neuron state, tables of the program and the stack come on top, and are not known.
    dtcm_parts
        These structures.
    rows, row_bytes
        Synaptic rows on all its cores, and their memory.
    """

    population: str
    program: str
    neurons: int
    cores: int
    sdram_bytes: int
    dtcm_known_bytes: int | None
    dtcm_parts: dict[str, int]
    rows: int
    row_bytes: int


class RingBuffer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the weights that arrive in one tick are summed.

    Parameters
    ----------
    population, receptor_type
        Whose.
    shift
        Left shift r that sPyNNaker chose.
    step
        Smallest weight above 0: 2^(r - 15), in the unit of the weights.
    largest
        Largest sum that it holds.
    inputs
        Connections of the neuron whose weights have the largest sum.
    largest_sum
        That sum, plastic weights at w_max.
    saturating_inputs
        Smallest number of inputs of one neuron, of any of them, that together exceed ``largest``;
        None: not even all do.
    """

    population: str
    receptor_type: str
    shift: int
    step: float
    largest: float
    inputs: int
    largest_sum: float
    saturating_inputs: int | None


class WeightUse(msgspec.Struct, frozen=True, kw_only=True):
    """A projection as the board holds it.

    Parameters
    ----------
    projection, receptor_type
        Which; a signed one has two parts.
    connections, held
        Of the definition, and read back from what was generated for the board.
    lowest, highest, held_lowest, held_highest
        Weights of the definition (magnitudes), and as held.
    largest_error, rms_error
        Of a weight, in its unit.
    zeros
        Weights that are not 0 in the definition and 0 on the board.
    longest_delay_ms, delays_changed
        Longest delay, and how many differ from the definition.
    """

    projection: str
    receptor_type: str
    connections: int
    held: int
    lowest: float
    highest: float
    held_lowest: float
    held_highest: float
    largest_error: float
    rms_error: float
    zeros: int
    longest_delay_ms: float
    delays_changed: int


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What the network takes of the machine.

    Parameters
    ----------
    simulator, board, card
        sPyNNaker's version, where to deploy, and the kind of board.
    cores, system_cores, chips, boards
        In use: cores of the network and of the system, chips with cores of the network, boards.
    fullest_chip_sdram_bytes, sdram_per_chip
        Memory of the fullest chip, system included, and what a chip has.
    time_scale_factor
        How many times slower than real time it runs.
    routing_before, routing_after
        Entries of all routing tables before and after compression.
    fullest_table_before, fullest_table_after, routing_entries_per_chip
        The same of the fullest table, and what a chip has.
    """

    simulator: str
    board: str
    card: str
    cores: int
    system_cores: int
    chips: int
    boards: int
    fullest_chip_sdram_bytes: int
    sdram_per_chip: int
    time_scale_factor: float
    routing_before: int
    routing_after: int
    fullest_table_before: int
    fullest_table_after: int
    routing_entries_per_chip: int


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """The busiest core of a population, by a run of the native backend.

    Parameters
    ----------
    population
        Whose.
    packets, events
        Most spikes, and most synaptic events, that reach one of its cores in one tick.
    share
        Share of the tick that the events of the worst tick take at the rates with which sPyNNaker
        plans; above 1 is more than it plans for.
    """

    population: str
    packets: int
    events: int
    share: float


class Preflight(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a network on the board before it runs.

    Parameters
    ----------
    network, sha256
        Its name and the digest of its definition.
    board, duration_ms
        Where and how long it is to run.
    findings
        Errors first.
    machine, cores, ring_buffers, weights
        What the mapping gave; empty where it could not be mapped.
    loads
        Of the given stimulus; empty without one.
    """

    network: str
    sha256: str
    board: str
    duration_ms: float
    findings: tuple[Finding, ...]
    machine: Machine | None = None
    cores: tuple[CoreUse, ...] = ()
    ring_buffers: tuple[RingBuffer, ...] = ()
    weights: tuple[WeightUse, ...] = ()
    loads: tuple[Load, ...] = ()

    def of(self, severity: Severity) -> list[Finding]:
        """Return the findings of a severity."""
        return [f for f in self.findings if f.severity == severity]

    @property
    def ok(self) -> bool:
        """Whether nothing forbids a run."""
        return not self.of("error")

    def __str__(self) -> str:
        """Return the report in plain words."""
        from neuromem.backends.spinnaker.words import report

        return report(self)


def sorted_findings(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings with errors first, then warnings, otherwise as they came."""
    order = ("error", "warning", "note")
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))

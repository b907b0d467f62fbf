"""What the programs counted in a run: the words that sPyNNaker reads after a run on a board.

They lie in a core's region ``Provenance``: six words of the system, then those of the program.
sPyNNaker's own structures name them. What they count, in its names:

- ``n_saturations``, ``n_plastic_saturations``: weights that found the sum in a slot of the ring
  buffers too large to take them whole. A slot that stays at its limit counts once for each of them,
  so that with different weights the number depends on the order of the packets, and it is counted
  in the tick of the spike.
- ``n_skipped_synapses``: plastic weights that were not delivered, as if they had come too late.
- ``max_size_input_buffer``, ``n_buffer_overflows``: spikes that waited at a core, and how many
  found no room. All packets of a tick come before the first of them is handled, as if nothing had
  been done meanwhile: a board loses as many at most.
- ``n_late_packets``: packets dropped because the core was in the next tick already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neuromem.backends.emulated.loading import Where

if TYPE_CHECKING:
    from neuromem.backends.emulated.machine import Machine

REGION = "Provenance"
#: The system's words, in the order in which sPyNNaker parses them.
SYSTEM = (
    "tx_overflow", "callback_overload", "dma_overload", "user_overload", "timer_overruns",
    "largest_timer_overrun",
)  # fmt: skip


def names_of(vertex: Any) -> list[str]:
    """Return the names of a core's words, by sPyNNaker's own structures; none for a source.

    Parameters
    ----------
    vertex
        sPyNNaker's machine vertex.
    """
    from spynnaker.pyNN.models.neuron import population_machine_vertex as combined
    from spynnaker.pyNN.models.neuron import population_neurons_machine_vertex as apart
    from spynnaker.pyNN.models.neuron import population_synapses_machine_vertex_common as common
    from spynnaker.pyNN.models.neuron.population_machine_neurons import NeuronProvenance
    from spynnaker.pyNN.models.neuron.population_machine_synapses_provenance import (
        SynapseProvenance,
    )

    structures: list[Any] = []
    if isinstance(vertex, combined.PopulationMachineVertex):
        structures = [
            NeuronProvenance, SynapseProvenance, combined.SpikeProcessingProvenance,
            combined.MainProvenance,
        ]  # fmt: skip
    elif isinstance(vertex, apart.PopulationNeuronsMachineVertex):
        structures = [NeuronProvenance, apart.NeuronMainProvenance]
    elif isinstance(vertex, common.PopulationSynapsesMachineVertexCommon):
        structures = [SynapseProvenance, common.SpikeProcessingFastProvenance]
    if not structures:
        return []
    return [*SYSTEM, *(name for structure in structures for name, _ in structure._fields_)]


@dataclass(frozen=True)
class Counters:
    """The words of every core that has them, after a run.

    Parameters
    ----------
    of
        Words by name, by core.
    """

    of: Mapping[Where, Mapping[str, int]]

    def total(self, *names: str) -> int:
        """Return the sum over all cores of some words."""
        return sum(words.get(name, 0) for words in self.of.values() for name in names)

    def largest(self, name: str) -> int:
        """Return the largest of a word."""
        return max((words.get(name, 0) for words in self.of.values()), default=0)


def read(machine: Machine) -> Counters:
    """Return what the programs counted, once a run has ended.

    Raises
    ------
    ValueError
        When a core's region has another length than its words.
    """
    found = {}
    for core in machine.snapshot.cores:
        where = (core.x, core.y, core.p)
        region = machine.data.region(where, REGION)
        if not core.counters or region is None:
            continue
        if region.size != 4 * len(core.counters):
            raise ValueError(
                f"malformed data specification: region {REGION!r} of core {where} has "
                f"{region.size} bytes, and {len(core.counters)} words are known"
            )
        memory = machine.chips[core.x, core.y].memory.sdram
        words = memory.words(machine.regions[where][region.number], len(core.counters))
        found[where] = dict(zip(core.counters, words.tolist(), strict=True))
    return Counters(found)


def settings(counters: Counters) -> dict[str, str]:
    """Return the counts that say whether the run was as defined, for the provenance."""
    lost, late = counters.total("n_buffer_overflows"), counters.total("n_late_packets")
    found = {
        "weights beyond a full ring buffer": str(
            counters.total("n_saturations", "n_plastic_saturations")
        ),
        "plastic weights skipped as too late": str(counters.total("n_skipped_synapses")),
        "most packets waiting at a core": str(counters.largest("max_size_input_buffer")),
    }
    if lost:
        found["packets lost at a full buffer"] = f"{lost}, where all of a tick come at once"
    if late:
        found["late packets"] = str(late)
    return found

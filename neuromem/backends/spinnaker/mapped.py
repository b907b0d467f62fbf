"""What the mapping takes of the machine: cores, memory and routing."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np

from neuromem.backends.spinnaker.card import BoardCard
from neuromem.backends.spinnaker.definition import ring_slots
from neuromem.backends.spinnaker.mapping import Core, Mapping
from neuromem.backends.spinnaker.parts import incoming
from neuromem.backends.spinnaker.preflight import (
    CoreUse,
    Finding,
    Machine,
)
from neuromem.network import Network, Population

#: Bytes of a core's data structures (sPyNNaker's C sources): a waiting spike; a post neuron's
#: history of 16 times and, where all spikes pair, 16 traces; the two buffers for synaptic rows; a
#: delay core's pointer to each slot of its counters.
SPIKE, TIMES, TRACES, ROW_BUFFERS, POINTER = 4, 4 + 16 * 4, 16 * 2, 2, 4


def machine_use(mapping: Mapping, board: str, card: BoardCard, ticks: int) -> Machine:
    """Return what the network takes of the machine."""
    network = [core for core in mapping.cores if core.holds]
    sdram: Counter[tuple[int, int]] = Counter()
    for core in mapping.cores:
        sdram[core.x, core.y] += _sdram(core, ticks)
    before = [pair[0] for pair in mapping.routing.values()]
    after = [pair[1] for pair in mapping.routing.values()]
    return Machine(
        simulator=mapping.simulator,
        board=board,
        card=card.name,
        cores=len(network),
        system_cores=len(mapping.cores) - len(network),
        chips=len({(core.x, core.y) for core in network}),
        boards=mapping.boards,
        fullest_chip_sdram_bytes=max(sdram.values()),
        sdram_per_chip=mapping.sdram_per_chip,
        time_scale_factor=mapping.time_scale_factor,
        routing_before=sum(before),
        routing_after=sum(after),
        fullest_table_before=max(before, default=0),
        fullest_table_after=max(after, default=0),
        routing_entries_per_chip=mapping.routing_entries_per_chip,
    )


def check_machine(machine: Machine, mapping: Mapping, card: BoardCard) -> list[Finding]:
    """Return what does not fit the machine."""
    findings = []
    if machine.boards > card.boards:
        findings.append(
            Finding(
                severity="error",
                check="size",
                where="machine",
                what=f"it needs {machine.boards} boards; {card.title} has {card.boards}",
                remedy="deploy to a larger machine (--card), or make the network smaller",
            )
        )
    if machine.fullest_table_after > machine.routing_entries_per_chip:
        findings.append(
            Finding(
                severity="error",
                check="routing",
                where="machine",
                what=f"a routing table of {machine.fullest_table_after} entries after compression; "
                f"a chip has {machine.routing_entries_per_chip}",
                remedy="use fewer populations, or more neurons a core",
            )
        )
    if mapping.time_scale_factor > 1:
        findings.append(
            Finding(
                severity="note",
                check="time step",
                where="machine",
                what=f"runs {mapping.time_scale_factor:g} times slower than real time",
            )
        )
    for name, use in mapping.delay_cores.items():
        findings.append(
            Finding(
                severity="note",
                check="delays",
                where=f"population {name.removesuffix('_delayed')!r}",
                what=f"its spikes are held back by delay cores, in {use.stages} stages of "
                f"{use.ticks_per_stage} ticks",
            )
        )
    return findings


def check_late_plasticity(network: Network, mapping: Mapping) -> list[Finding]:
    """Return the plastic projections whose delays are too long for their ring buffers.

    Both were found in the programs of sPyNNaker 7.4.1: a plastic weight of a delay as long as the
    ring is taken for one that comes too late.
    """
    findings = []
    for projection in network.projections:
        post = network.view(projection.post).population.name
        delays = network.delays_ticks(projection)
        slots = mapping.populations[post].delay_slots if post in mapping.populations else 0
        ring = ring_slots(network, network.view(projection.post).population)
        if projection.plastic and np.any(delays == ring):
            findings.append(
                Finding(
                    severity="warning",
                    check="plasticity",
                    where=f"projection {projection.label!r}",
                    what=f"plastic synapses with a delay of {ring} ticks, as long as the ring "
                    "buffer, deliver nothing",
                    remedy="change the longest delay onto the population by a tick",
                )
            )
        if projection.plastic and len(delays) and delays.max() > slots:
            findings.append(
                Finding(
                    severity="warning",
                    check="plasticity",
                    where=f"projection {projection.label!r}",
                    what=f"delays above {slots} ticks come by way of a delay core, and the rule "
                    "does not see that part of them: it learns otherwise than defined",
                    remedy=f"keep the delays of plastic projections to {slots} ticks",
                )
            )
    return findings


def check_divided_plasticity(network: Network, mapping: Mapping) -> list[Finding]:
    """Return the plastic projections onto a recurrent population with several synapse cores.

    Found in the programs of sPyNNaker 7.4.1: its spikes come back to one of these cores, and the
    synapses on the others never learn of them.
    """
    views = [
        (network.view(p.pre).population, network.view(p.post).population, p)
        for p in network.projections
    ]
    recurrent = {post.name for pre, post, _ in views if pre is post}
    findings = []
    for _, post, projection in views:
        programs = [core.program for core in mapping.cores if core.holds == post.name]
        of_neurons = sum(program.endswith("_neuron") for program in programs)
        each = len(programs) // of_neurons - 1 if of_neurons else 1
        if projection.plastic and post.name in recurrent and each > 1:
            findings.append(
                Finding(
                    severity="warning",
                    check="plasticity",
                    where=f"projection {projection.label!r}",
                    what=f"{post.name!r} is connected to itself and has {each} synapse cores for a "
                    "neuron core, of which one sees its spikes: plastic synapses on the others "
                    "learn nothing",
                    remedy="use a time step of 1 ms, or fewer connections onto the population",
                )
            )
    return findings


def core_use(
    network: Network, mapping: Mapping, ticks: int
) -> tuple[tuple[CoreUse, ...], list[Finding]]:
    """Return the cores of every population, and those whose data cannot fit."""
    of: dict[tuple[str, str], list[Core]] = defaultdict(list)
    for core in mapping.cores:
        if core.holds:
            of[core.holds, core.program].append(core)
    used, findings = [], []
    for (name, program), cores in of.items():
        known = max((_dtcm(core, mapping) for core in cores), key=lambda p: sum(p.values()))
        total = sum(known.values()) if known else None
        used.append(
            CoreUse(
                population=name,
                program=program,
                neurons=sum(core.neurons for core in cores),
                cores=len(cores),
                sdram_bytes=max(_sdram(core, ticks) for core in cores),
                dtcm_known_bytes=total,
                dtcm_parts=known,
                rows=_rows(network, mapping, name, sum(core.has_synapses for core in cores)),
                row_bytes=sum(core.regions.get("SynBlocks", 0) for core in cores),
            )
        )
        if total is not None and total > mapping.dtcm_per_core:
            findings.append(
                Finding(
                    severity="error",
                    check="DTCM",
                    where=f"population {name!r}",
                    what=f"{', '.join(known)} take {total} bytes of a core's own memory, which has "
                    f"{mapping.dtcm_per_core}; sPyNNaker maps it, and the core then stops",
                    remedy="shorten the delays, or use smaller populations",
                )
            )
    return tuple(used), findings


def _sdram(core: Core, ticks: int) -> int:
    return math.ceil(core.sdram_bytes + core.sdram_bytes_per_tick * ticks)


def _rows(network: Network, mapping: Mapping, name: str, cores: int) -> int:
    """Return one row for each pre neuron of each part and core, delayed ones again."""
    if name not in mapping.populations:
        return 0
    population, rows = network.population(name), 0
    assert isinstance(population, Population)
    for onto in incoming(network, population).values():
        for part, _ in onto:
            pre = network.view(network.projection(part.label).pre).population
            slots = mapping.populations[name].delay_slots
            longest = np.rint(part.delays_ms.max() / network.timestep_ms)
            rows += pre.size * cores * math.ceil(longest / slots)
    return rows


def _dtcm(core: Core, mapping: Mapping) -> dict[str, int]:
    """Return the data structures of a core whose sizes are known (bytes)."""
    if core.holds in mapping.delay_cores:
        delays = mapping.delay_cores[core.holds]
        slots = 2 ** math.ceil(math.log2(delays.stages * delays.ticks_per_stage + 1))
        return {"spike counters": slots * (core.neurons + POINTER)}
    use = mapping.populations.get(core.holds)
    if use is None or not core.has_synapses:
        return {}
    known = {
        "ring buffers": 2 * 2**use.ring_buffer_bits,
        "waiting spikes": SPIKE * use.spike_buffer,
        "row buffers": ROW_BUFFERS * 4 * use.longest_row_words,
        "population table": core.regions.get("PopTable", 0),
    }
    if use.plastic:
        traces = 0 if "nearest" in core.program else TRACES
        known["post history"] = core.neurons * (TIMES + traces)
    return known

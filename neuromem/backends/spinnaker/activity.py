"""What a stimulus does to the cores, by a run of the native backend."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping as Named

import msgspec
import numpy as np

from neuromem.backends.plasticity import overflow
from neuromem.backends.spinnaker.definition import POST_HISTORY
from neuromem.backends.spinnaker.mapping import Core, Mapping
from neuromem.backends.spinnaker.parts import incoming
from neuromem.backends.spinnaker.preflight import Finding, Load
from neuromem.backends.stimulus import Stimulus
from neuromem.network import Network, Population, Recording, SpikeTrains, STDPSynapse

#: Where the budget of synaptic events comes from.
BUDGET_SOURCE = (
    "sPyNNaker 7.4.1 plans with 13 million static or 1.4 million plastic events a second and core, "
    "after Knight and Furber 2016, doi 10.3389/fnins.2016.00420; neurons and packets cost more"
)

#: The largest trace of a pair rule: 16 bits with a sign, 11 of them fractional
#: (sPyNNaker 7.4.1: ``timing_pair_impl.h``). A larger one becomes negative.
LARGEST_TRACE = (2**15 - 1) / 2**11


def native_spikes(network: Network, stimulus: Stimulus, ticks: int) -> dict[str, SpikeTrains]:
    """Return the spikes of every population by the native backend."""
    from neuromem import backends

    everything = network.recording(*(Recording(target=p.name) for p in network.populations))
    return backends.run(everything, ticks * network.timestep_ms, stimulus).spikes


def check_activity(
    network: Network, mapping: Mapping, spikes: Named[str, SpikeTrains], ticks: int
) -> tuple[tuple[Load, ...], list[Finding]]:
    """Return the load of the busiest core of each population, and what is too much for it."""
    loads, findings = [], [*_history(network, spikes), *_traces(network, spikes)]
    for population in network.populations:
        if isinstance(population, Population):
            load = _load(network, population, mapping, spikes, ticks)
            loads.append(load)
            findings += _judged(load, mapping)
    return tuple(loads), findings


def _history(network: Network, spikes: Named[str, SpikeTrains]) -> list[Finding]:
    """Return where a post neuron outruns what the board remembers."""

    def as_board(projection):
        if not isinstance(projection.synapse, STDPSynapse):
            return projection
        rule = msgspec.structs.replace(projection.synapse, post_history=POST_HISTORY)
        return msgspec.structs.replace(projection, synapse=rule)

    board = msgspec.structs.replace(
        network, projections=tuple(map(as_board, network.projections)), recordings=()
    )
    where = overflow(board, spikes)
    if where is None:
        return []
    place, _, what = where.partition(": ")
    return [
        Finding(
            severity="warning",
            check="post history",
            where=place,
            what=what.replace("and remembers", "and the board keeps"),
            remedy="let the pre neuron fire once in between (in a memory: recall after learning)",
        )
    ]


def _traces(network: Network, spikes: Named[str, SpikeTrains]) -> Iterator[Finding]:
    """Yield where a neuron fires so much that its trace exceeds what the board holds."""
    for projection in network.projections:
        rule = projection.synapse
        if not isinstance(rule, STDPSynapse) or rule.pairing != "all":
            continue
        for side, name, tau_ms, amplitude in (
            ("pre", projection.pre, rule.tau_plus_ms, rule.A_plus),
            ("post", projection.post, rule.tau_minus_ms, rule.A_minus),
        ):
            view = network.view(name)
            trains = spikes[view.population.name].per_neuron()[view.start : view.start + view.size]
            found = max(_largest_trace(times, tau_ms) for times in trains)
            if amplitude and found > LARGEST_TRACE:
                yield Finding(
                    severity="warning",
                    check="plasticity",
                    where=f"projection {projection.label!r}",
                    what=f"the trace of a {side} neuron reaches {found:.1f}; on the board it "
                    "changes its sign from 16 on, so that weights move the wrong way and leave "
                    "their bounds",
                    remedy=f"let {side} neurons fire less often than 16 times in {tau_ms:g} ms, "
                    "the rule's time constant, or shorten that",
                )


def _largest_trace(times_ms: list[float], tau_ms: float) -> float:
    """Return the largest sum of a neuron's spikes, each decaying with a time constant."""
    largest = trace = last = 0.0
    for time in times_ms:
        trace = trace * math.exp((last - time) / tau_ms) + 1
        largest, last = max(largest, trace), time
    return largest


def _load(
    network: Network,
    population: Population,
    mapping: Mapping,
    spikes: Named[str, SpikeTrains],
    ticks: int,
) -> Load:
    cores = [c for c in mapping.cores if c.holds == population.name and c.has_synapses]
    core_of = _core_of(population, cores)
    events, share = np.zeros((ticks, len(cores)), dtype=np.int64), np.zeros((ticks, len(cores)))
    packets = np.zeros(ticks, dtype=np.int64)
    seen: set[str] = set()
    tick_s = network.timestep_ms / 1000 * mapping.time_scale_factor
    for found in incoming(network, population).values():
        for part, _ in found:
            source = network.view(network.projection(part.label).pre).population
            fired = spikes[source.name]
            at = np.rint(fired.times_ms / network.timestep_ms).astype(np.int64)
            count = source.size * len(cores)
            flat = np.bincount(part.pre * len(cores) + core_of[part.post], minlength=count)
            fan = flat.reshape(source.size, len(cores))
            caused = np.zeros_like(events)
            np.add.at(caused, at, fan[fired.neurons])
            events += caused
            share += caused / (mapping.synapses_per_second[part.label] * tick_s)
            if source.name not in seen:
                packets += np.bincount(at, minlength=ticks)[:ticks]
                seen.add(source.name)
    return Load(
        population=population.name,
        packets=int(packets.max(initial=0)),
        events=int(events.max(initial=0)),
        share=float(share.max(initial=0.0)),
    )


def _judged(load: Load, mapping: Mapping) -> list[Finding]:
    findings, where = [], f"population {load.population!r}"
    if load.share > 1:
        findings.append(
            Finding(
                severity="warning",
                check="load",
                where=where,
                what=f"up to {load.events} synaptic events reach a core in one tick, "
                f"{load.share:.1f} times what it is planned for ({BUDGET_SOURCE})",
                remedy=f"run at least {math.ceil(load.share)} times slower (time_scale_factor "
                "under [Machine] in --settings), or use fewer connections",
            )
        )
    buffer = mapping.populations[load.population].spike_buffer
    # A ring of the next power of two, with one entry always free.
    room = 2 ** math.ceil(math.log2(buffer)) - 1
    if load.packets > room:
        findings.append(
            Finding(
                severity="warning",
                check="load",
                where=where,
                what=f"{load.packets} spikes reach a core in one tick; {room} may wait, and more "
                "are lost unless the core keeps up",
                remedy="raise incoming_spike_buffer_size under [Simulation] in --settings",
            )
        )
    return findings


def _core_of(population: Population, cores: list[Core]) -> np.ndarray:
    """Return the number of each neuron's core."""
    found = np.zeros(population.size, dtype=np.int64)
    for number, core in enumerate(cores):
        found[core.first : core.first + core.neurons] = number
    return found

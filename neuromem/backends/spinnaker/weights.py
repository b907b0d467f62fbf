"""Weights as the board holds them: ring buffers that can overflow, and what rounding changes."""

from __future__ import annotations

import math
from collections.abc import Mapping as Named

import numpy as np

from neuromem.backends.spinnaker.definition import delay_slots
from neuromem.backends.spinnaker.fixed_point import (
    inputs_to_exceed,
    largest_raw_sum,
    raw_weights,
    weight_scale,
)
from neuromem.backends.spinnaker.mapping import Mapping
from neuromem.backends.spinnaker.parts import Part, incoming, parts
from neuromem.backends.spinnaker.preflight import Finding, RingBuffer, WeightUse
from neuromem.backends.spinnaker.translate import cell
from neuromem.network import IF_curr_exp, Network, Population

RECEPTORS = ("excitatory", "inhibitory")
#: Root mean square error of a projection's weights, relative to the weights', that is worth a
#: warning: an assumption.
NOTABLE_ERROR = 0.01


def ring_buffers(
    network: Network, mapping: Mapping
) -> tuple[tuple[RingBuffer, ...], list[Finding]]:
    """Return every ring buffer that is used, and those that can overflow."""
    found, findings = [], []
    for name, chosen in mapping.populations.items():
        population = network.population(name)
        assert isinstance(population, Population)
        if any(written != chosen.shifts for written in chosen.written_shifts):
            findings.append(
                Finding(
                    severity="error",
                    check="ring buffer",
                    where=f"population {name!r}",
                    what=f"shifts {chosen.shifts} were chosen and others were written",
                    remedy="report this to the authors of sPyNNaker, with the run's folder",
                )
            )
        for receptor, shift in zip(RECEPTORS, chosen.shifts, strict=True):
            onto = incoming(network, population)[receptor]
            if onto:
                buffer = _ring_buffer(population, receptor, shift, onto)
                found.append(buffer)
                findings += _judged(population, buffer, onto, network.timestep_ms)
    return tuple(found), findings


def weight_use(
    network: Network, mapping: Mapping, held: Named[str, np.ndarray]
) -> tuple[tuple[WeightUse, ...], list[Finding]]:
    """Return every projection as it was read back, and what is not as defined."""
    whole = [
        part
        for projection in network.projections
        for part in parts(network, projection)
        if len(part.pre)
    ]
    used, findings = [], []
    for number, part in enumerate(whole):
        use, missing = _compared(network, part, held[str(number)].reshape(-1, 4))
        used.append(use)
        findings += _weight_findings(network, mapping, part, use, missing)
    return tuple(used), findings


def _ring_buffer(
    population: Population, receptor: str, shift: int, onto: list[tuple[Part, float]]
) -> RingBuffer:
    scale, limit = weight_scale(shift), largest_raw_sum(shift)
    raw, post = _raw(onto, shift)
    sums = np.bincount(post, weights=raw, minlength=population.size)
    worst = int(sums.argmax())
    return RingBuffer(
        population=population.name,
        receptor_type=receptor,
        shift=shift,
        step=1 / scale,
        largest=limit / scale,
        inputs=int((post == worst).sum()),
        largest_sum=float(sums[worst] / scale),
        saturating_inputs=inputs_to_exceed(raw, limit, post),
    )


def _raw(onto: list[tuple[Part, float]], shift: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the raw weights onto a population, plastic ones at w_max, and their post neurons."""
    weights = np.concatenate([np.maximum(part.weights, limit) for part, limit in onto])
    return raw_weights(weights, shift), np.concatenate([part.post for part, _ in onto])


def _judged(
    population: Population, buffer: RingBuffer, onto: list[tuple[Part, float]], timestep_ms: float
) -> list[Finding]:
    where = f"population {population.name!r}, {buffer.receptor_type}"
    findings = []
    if buffer.saturating_inputs is not None:
        can, beyond = "saturate", "stays at that beyond"
        if buffer.shift > 15:
            can, beyond = "overflow", "changes its sign beyond, which the board does not count"
        findings.append(
            Finding(
                severity="warning",
                check="ring buffer",
                where=where,
                what=f"can {can} if {buffer.saturating_inputs} inputs of a neuron arrive in one "
                f"tick: it holds {_with_unit(buffer.largest, population)}, and {beyond}",
                remedy="keep so many inputs from firing at once, or make the weights smaller",
            )
        )
    raw, post = _raw(onto, buffer.shift)
    lift, rest = _lift(population, timestep_ms)
    limit = math.floor((2**16 - rest) / lift / buffer.step)
    inputs = inputs_to_exceed(raw, limit, post)
    if inputs is not None and inputs != buffer.saturating_inputs:
        findings.append(
            Finding(
                severity="warning",
                check="range of V",
                where=where,
                what=f"the potential leaves the board's numbers (65536 mV) if {inputs} "
                "inputs of a neuron arrive in one tick",
                remedy="keep so many inputs from firing at once, or make the weights smaller",
            )
        )
    return findings


def _lift(population: Population, timestep_ms: float) -> tuple[float, float]:
    """Return by how much a weight of 1 raises the level that V tends to, and the rest's size."""
    neuron = population.neuron
    of = cell(neuron, timestep_ms).parameters
    resistance = of["tau_m"] / of["cm"]
    if not isinstance(neuron, IF_curr_exp):
        return resistance / timestep_ms, abs(of["v_rest"])
    tau = neuron.tau_syn_E_ms
    return resistance * tau / timestep_ms * -math.expm1(-timestep_ms / tau), abs(of["v_rest"])


def _compared(network: Network, part: Part, held: np.ndarray) -> tuple[WeightUse, np.ndarray]:
    """Return a part beside what was read back, and which of its connections are missing."""
    size = network.view(network.projection(part.label).post).population.size
    asked, there = (
        part.pre * size + part.post,
        held[:, 0].astype(int) * size + held[:, 1].astype(int),
    )
    order = np.argsort(there)
    there, held = there[order], held[order]
    at = np.searchsorted(there, asked)
    present = np.zeros(len(asked), dtype=bool)
    inside = at < len(there)
    present[inside] = there[at[inside]] == asked[inside]
    weights, delays = part.weights[present], part.delays_ms[present]
    got = held[at[present]]
    errors = np.abs(got[:, 2] - weights)
    use = WeightUse(
        projection=part.label,
        receptor_type=part.receptor_type,
        connections=len(asked),
        held=len(there),
        lowest=float(part.weights.min()),
        highest=float(part.weights.max()),
        held_lowest=float(got[:, 2].min(initial=math.inf)) if len(got) else 0.0,
        held_highest=float(got[:, 2].max(initial=0.0)),
        largest_error=float(errors.max(initial=0.0)),
        rms_error=float(np.sqrt(np.mean(errors**2))) if len(errors) else 0.0,
        zeros=int(((got[:, 2] == 0) & (weights != 0)).sum()),
        longest_delay_ms=float(part.delays_ms.max()),
        delays_changed=int((np.abs(got[:, 3] - delays) > 1e-9).sum()),
    )
    return use, np.flatnonzero(~present)


def _weight_findings(
    network: Network, mapping: Mapping, part: Part, use: WeightUse, missing: np.ndarray
) -> list[Finding]:
    where = f"projection {part.label!r}, {part.receptor_type}"
    post = network.view(network.projection(part.label).post).population
    assert isinstance(post, Population)
    findings = []
    if len(missing):
        slots = delay_slots(network, post)
        late = part.delays_ms[missing].min() > slots * network.timestep_ms
        findings.append(
            Finding(
                severity="error",
                check="connections",
                where=where,
                what=f"{len(missing)} of {use.connections} connections are missing from what was "
                "generated for the board"
                + (f", all with delays above {slots} ticks" if late else ""),
                remedy=f"keep delays onto {post.name!r} up to {slots} ticks, or pass the spikes "
                "through a relay population: sPyNNaker 7.4.1 can write delayed rows empty"
                if late
                else "report this to the authors of sPyNNaker, with the run's folder",
            )
        )
    if use.held > use.connections - len(missing):
        findings.append(
            Finding(
                severity="error",
                check="connections",
                where=where,
                what=f"{use.held} connections were generated for the board, and "
                f"{use.connections} are defined",
                remedy="report this to the authors of sPyNNaker, with the run's folder",
            )
        )
    if use.delays_changed:
        findings.append(
            Finding(
                severity="error",
                check="delays",
                where=where,
                what=f"{use.delays_changed} delays were changed",
                remedy="use delays that are whole ticks and shorter",
            )
        )
    return findings + _precision(mapping, part, use, where, post)


def _precision(
    mapping: Mapping, part: Part, use: WeightUse, where: str, post: Population
) -> list[Finding]:
    size = float(np.sqrt(np.mean(part.weights**2)))
    off = use.rms_error / size if size else 0.0
    if not use.zeros and off <= NOTABLE_ERROR:
        return []
    shift = mapping.populations[post.name].shifts[RECEPTORS.index(part.receptor_type)]
    lost = f"{use.zeros} of {use.connections} weights became 0, and all" if use.zeros else "weights"
    return [
        Finding(
            severity="warning",
            check="weights",
            where=where,
            what=f"{lost} are off by {off:.1%} (root mean square), in steps of "
            f"{_with_unit(1 / weight_scale(shift), post)}",
            remedy=("" if mapping.fit_weights else "use --fit-weights, or ")
            + "give this population fewer or more equal weights",
        )
    ]


def _with_unit(value: float, population: Population) -> str:
    unit = population.neuron.weight_unit
    return f"{value:g}" if unit == "1" else f"{value:g} {unit}"

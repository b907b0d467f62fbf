"""The translation that gives the definition's spikes: retimed, rescaled, quiet between ticks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from neuromem.backends.pynn.dialects import FIRST_STEP, Dialect
from neuromem.backends.pynn.membrane import Membrane
from neuromem.backends.pynn.retiming import Timing, retime
from neuromem.backends.pynn.script import Cells, Rule, Script, Wires
from neuromem.backends.pynn.translate import pair_rule, plain, source_cells, wires_of
from neuromem.backends.stimulus import Stimulus
from neuromem.network import IF_curr_exp, Network, Population, Projection

#: Names of the sources of the drive; a name in a definition has no space.
CLOCK, START = "the clock", "the start"


def exact(network: Network, stimulus: Stimulus, ticks: int, dialect: Dialect) -> Script:
    """Return a network so that its spikes on the simulator are the definition's.

    Raises
    ------
    Unsupported
        For a network that cannot be matched; see :mod:`neuromem.backends.pynn.retiming`.
    """
    neurons = {
        p.name: plain(p.neuron, network.timestep_ms)
        for p in network.populations
        if isinstance(p, Population)
    }
    hops = {name: int(isinstance(neuron, IF_curr_exp)) for name, neuron in neurons.items()}

    def membrane(name: str, k: int) -> Membrane:
        return Membrane(neurons[name], network.timestep_ms, dialect, k, name)

    def earliest(name: str, k: int) -> int:
        if name not in neurons:
            times = stimulus[name].times_ms / network.timestep_ms
            first = round(times[0]) if len(times) else ticks
            return max(0, FIRST_STEP - k * first)
        # The first tick begins k steps before the shift, and with it the drive.
        drive = FIRST_STEP + dialect.least_delay
        return k + (drive if membrane(name, k).driven else 0)

    timing = retime(network, hops, earliest, dialect.fewest_steps, dialect.least_delay)
    k, step_ms = timing.steps_per_tick, dialect.step_ms
    membranes = {name: membrane(name, k) for name in neurons}
    cells, wires = [], []
    for projection in network.projections:
        wires += _wires(network, projection, timing, membranes, step_ms)
    for population in network.populations:
        name, shift = population.name, timing.shift[population.name]
        if name not in membranes:
            cells.append(source_cells(network, stimulus, name, k, shift, step_ms))
            continue
        cell = membranes[name]
        model, v_init = type(cell.neuron).__name__, cell.potential_before(shift - k + dialect.v_lag)
        cells.append(Cells(name, population.size, model, cell.parameters(), v_init))
        wires += _drive(cell, population.size, shift, wires, step_ms)
    if any(w.pre == CLOCK for w in wires):
        steps = FIRST_STEP + k * np.arange(ticks + max(timing.shift.values()) // k + 1)
        cells.append(Cells(CLOCK, 1, "SpikeSourceArray", spike_times=(steps * step_ms,)))
        cells.append(Cells(START, 1, "SpikeSourceArray", spike_times=(steps[:1] * step_ms,)))
    settings = {
        "steps per tick": str(k),
        "shifts": ", ".join(f"{name} {r}" for name, r in timing.shift.items()),
    }
    return Script(tuple(cells), tuple(wires), k, timing.shift, settings)


def _wires(
    network: Network,
    projection: Projection,
    timing: Timing,
    membranes: dict[str, Membrane],
    step_ms: float,
) -> list[Wires]:
    pre = network.view(projection.pre).population.name
    post = network.view(projection.post).population.name
    delays = timing.delay_steps(pre, post, network.delays_ticks(projection)) * step_ms
    rule: Rule | None = None
    if projection.plastic:
        steps_ms = timing.steps_per_tick * step_ms / network.timestep_ms
        rule = pair_rule(projection.synapse, steps_ms)
        late = timing.tie_offset(pre, post) * step_ms
        rule = replace(
            rule,
            a_plus=rule.a_plus * math.exp(-late / rule.tau_plus),
            a_minus=rule.a_minus * math.exp(late / rule.tau_minus),
        )
    return wires_of(network, projection, delays, membranes[post].scales(), rule)


def _drive(
    membrane: Membrane, size: int, shift: int, wires: list[Wires], step_ms: float
) -> list[Wires]:
    """Return the wires from the clock that keep a population quiet between ticks."""
    excitation = np.zeros(size)
    for w in wires:
        if w.post == membrane.name and w.receptor == "excitatory":
            most = w.weights if w.rule is None else np.full(len(w.columns), w.rule.w_max)
            np.add.at(excitation, w.columns, most)
    columns = np.arange(size)
    made = []
    for number, pulse in enumerate(membrane.drive(float(excitation.max()))):
        delay = shift - membrane.k - FIRST_STEP + pulse.step
        made.append(
            Wires(
                label=f"drive {number} of {membrane.name}",
                source="",
                pre=CLOCK if pulse.repeated else START,
                post=membrane.name,
                rows=np.zeros(size, dtype=np.int64),
                columns=columns,
                weights=np.full(size, pulse.weight),
                delays=np.full(size, delay * step_ms),
                receptor=pulse.receptor,
            )
        )
    return made

"""A network in PyNN's terms, as plain data, and how it is built with any PyNN module."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.pynn.dialects import Dialect
from neuromem.network import Network

#: Stands for an amplitude of 0, by which PyNN's NEST divides; and for a plastic weight of 0, whose
#: sign must be that of w_max.
TINY = 1e-30


@dataclass(frozen=True)
class Cells:
    """One population; times in ms of the simulator.

    Parameters
    ----------
    name, size
        As defined.
    model
        Name of the PyNN cell type.
    parameters
        Its parameters.
    v_init
        Potential at the simulator's t = 0 (mV).
    spike_times
        For a spike source: the spike times of every line.
    """

    name: str
    size: int
    model: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    v_init: float = 0.0
    spike_times: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class Rule:
    """Additive pair rule; times in ms of the simulator, amplitudes in the unit of the weight."""

    tau_plus: float
    tau_minus: float
    a_plus: float
    a_minus: float
    w_min: float
    w_max: float

    def scaled(self, factor: float) -> Rule:
        """Return the rule for weights that are so many times as large."""
        return replace(
            self,
            a_plus=self.a_plus * factor,
            a_minus=self.a_minus * factor,
            w_min=self.w_min * factor,
            w_max=self.w_max * factor,
        )


@dataclass(frozen=True)
class Wires:
    """Connections from one whole population to another, by one receptor.

    Parameters
    ----------
    label
        Unique name.
    source
        Label of the projection in the definition; empty where it has none.
    pre, post
        Names of the populations.
    rows, columns
        Indices of the connected cells, shape (n,) each.
    weights, delays
        Weight, as a magnitude, and delay (ms of the simulator) of each connection, shape (n,).
    receptor
        ``"excitatory"`` or ``"inhibitory"``.
    rule
        The plasticity; None for static synapses.
    scale
        The simulator's weight for a weight of 1 in the definition.
    """

    label: str
    source: str
    pre: str
    post: str
    rows: np.ndarray
    columns: np.ndarray
    weights: np.ndarray
    delays: np.ndarray
    receptor: str
    rule: Rule | None = None
    scale: float = 1.0


@dataclass(frozen=True)
class Script:
    """A whole network, and how its time is to be read.

    Parameters
    ----------
    cells, wires
        What to build.
    steps_per_tick
        Simulator steps k of one tick.
    shift
        For each population r: a spike in tick t is stamped with the simulator's step k t + r.
    settings
        What was done, for the provenance.
    """

    cells: tuple[Cells, ...]
    wires: tuple[Wires, ...]
    steps_per_tick: int
    shift: Mapping[str, int]
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def longest_delay(self) -> float:
        """Longest delay (ms of the simulator); 0 where nothing is connected."""
        return max((float(w.delays.max()) for w in self.wires if len(w.delays)), default=0.0)

    @property
    def shortest_delay(self) -> float:
        """Shortest delay (ms of the simulator); infinite where nothing is connected."""
        return min((float(w.delays.min()) for w in self.wires if len(w.delays)), default=math.inf)


@dataclass(frozen=True)
class Built:
    """What was built: PyNN's populations by name, and projections by label."""

    populations: dict[str, Any]
    projections: dict[str, Any]


def build(sim: Any, script: Script, dialect: Dialect) -> Built:
    """Build a script with a PyNN module on which ``setup`` has been called."""
    populations = {cells.name: _population(sim, cells, dialect) for cells in script.cells}
    models = {cells.name: cells.model for cells in script.cells}
    projections = {
        wires.label: _projection(sim, wires, populations, models[wires.post], dialect)
        for wires in script.wires
    }
    return Built(populations, projections)


def check(network: Network, script: Script, dialect: Dialect) -> None:
    """Raise Unsupported for what neither fidelity can do on the simulator.

    Raises
    ------
    Unsupported
        For a potential that PyNN does not record; time constants that are equal where the
        simulator divides by their difference; two plastic projections onto one population
        with different ``tau_minus``, where the simulator keeps it in the neuron; and a plastic
        weight without room (``w_max = 0``).
    """
    models = {cells.name: cells.model for cells in script.cells}
    for recording in network.recordings:
        if recording.variable == "v" and models[recording.target] in dialect.unrecorded:
            raise Unsupported(
                f"recording of {recording.target!r}: {dialect.module} cannot record the potential "
                f"of {models[recording.target]}; use the native backend"
            )
    for cells in script.cells:
        tau_m = cells.parameters.get("tau_m", 0.0)
        for name in ("tau_syn_E", "tau_syn_I"):
            apart = abs(cells.parameters.get(name, 0.0) - tau_m)
            if name in cells.parameters and not dialect.equal_taus and apart < 1e-6 * tau_m:
                raise Unsupported(
                    f"population {cells.name!r}: {dialect.module} divides by the difference of "
                    f"{name} and tau_m, which are equal; use the native backend"
                )
    found: dict[str, tuple[float, str]] = {}
    for wires in script.wires:
        if wires.rule is None:
            continue
        if wires.rule.w_max == 0:
            raise Unsupported(
                f"projection {wires.source!r}: PyNN takes no plastic synapse with w_max = 0; use a "
                "StaticSynapse of weight 0, or the native backend"
            )
        tau, other = found.setdefault(wires.post, (wires.rule.tau_minus, wires.source))
        if dialect.one_tau_minus and tau != wires.rule.tau_minus:
            raise Unsupported(
                f"projections {other!r} and {wires.source!r} onto {wires.post!r} have different "
                f"tau_minus_ms, and {dialect.module} has one for each post neuron; use the native "
                "backend"
            )


def _population(sim: Any, cells: Cells, dialect: Dialect) -> Any:
    if cells.model == "SpikeSourceArray":
        # PyNN takes a list of trains as one for each line; with a single line it is that line's.
        trains = [sim.Sequence(times) for times in cells.spike_times]
        source = sim.SpikeSourceArray(spike_times=trains if cells.size > 1 else trains[0])
        return sim.Population(cells.size, source, label=cells.name)
    cell = getattr(sim, cells.model)(**cells.parameters)
    potential = dialect.delta_potential if cells.model == "IF_curr_delta" else "v"
    start = {potential: cells.v_init}
    return sim.Population(cells.size, cell, initial_values=start, label=cells.name)


def _projection(
    sim: Any, wires: Wires, populations: dict[str, Any], post_model: str, dialect: Dialect
) -> Any:
    sign = -1.0 if dialect.negative_inhibition and wires.receptor == "inhibitory" else 1.0
    weights, synapse = wires.weights, sim.StaticSynapse()
    if wires.rule is not None:
        weights = np.maximum(weights, TINY)
        synapse = _stdp(sim, wires.rule, sign, post_model, dialect)
    # Explicit pairs of whole populations: every simulator means the same by them.
    columns = (wires.rows, wires.columns, sign * weights, wires.delays)
    connections = list(zip(*(column.tolist() for column in columns), strict=True))
    return sim.Projection(
        populations[wires.pre],
        populations[wires.post],
        sim.FromListConnector(connections, column_names=["weight", "delay"]),
        synapse,
        receptor_type=wires.receptor,
        label=wires.label,
    )


def _stdp(sim: Any, rule: Rule, sign: float, post_model: str, dialect: Dialect) -> Any:
    unit = rule.w_max if dialect.relative_amplitude else 1.0
    bound = sign * (dialect.delta_bound if post_model == "IF_curr_delta" else 1.0)
    timing = sim.SpikePairRule(
        tau_plus=rule.tau_plus,
        tau_minus=rule.tau_minus,
        A_plus=max(rule.a_plus / unit, TINY),
        A_minus=rule.a_minus / unit,
    )
    # Without a lower bound of its own a simulator refuses even -0.0.
    weight = sim.AdditiveWeightDependence(
        w_min=bound * rule.w_min if rule.w_min else 0.0, w_max=bound * rule.w_max
    )
    return sim.STDPMechanism(
        timing_dependence=timing,
        weight_dependence=weight,
        dendritic_delay_fraction=dialect.dendritic_delay_fraction,
        weight=sign * TINY,
    )

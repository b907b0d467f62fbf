"""A network as the numbers that one tick needs: what both engines share, computed once.

Cells are numbered through the network: neurons first, in the order of the populations, then the
lines of the spike sources.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from neuromem.network import (
    AllToAllConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    STDPSynapse,
    Values,
    View,
    refractory_ticks,
)

NEVER = -1
#: A pair whose decayed trace is below this fraction of a fresh one changes nothing.
TRACE_CUTOFF = 2.0**-32
#: After a decay to this fraction a neuron counts as at rest.
QUIET_CUTOFF = 2.0**-64
QUIET_ROWS = 4096
#: The longest table of a pair rule's decay.
TRACE_ROWS = 10_000_000
#: A static projection denser than this is kept as a full matrix.
DENSE_FROM = 0.25

EXCITATORY, INHIBITORY = 0, 1
CONSTANT, ONE_TO_ONE, DENSE, SPARSE, PLASTIC = range(5)
MODELS = (IF_curr_exp, IF_curr_delta, LIF_hard_reset)


@dataclass(frozen=True)
class PopulationPlan:
    """One population: its cells, and its parameters as the factors of one tick."""

    name: str
    model: int
    start: int
    stop: int
    decay_v: float
    resistance: float
    offset: float
    v_rest: float
    v_reset: float
    v_thresh: float
    v_init: float
    refractory: int
    decay_e: float = 0.0
    decay_i: float = 0.0
    arrive_e: float = 1.0
    arrive_i: float = 1.0

    def after_quiet(self, v, i_exc, i_inh, refractory, ticks: int):
        """Return potentials, currents and refractory ticks after ticks in which nothing arrived."""
        if self.model != 0:
            return v, i_exc, i_inh, refractory
        rest = self.v_rest + self.resistance * self.offset
        while ticks > 0:
            held = refractory[refractory > 0]
            step = min(ticks, len(self.quiet) - 1, *held.tolist())
            by_v, by_e, by_i, left_e, left_i = self.quiet[step]
            moved = v + ((v - rest) * (by_v - 1) + (i_exc * by_e - i_inh * by_i))
            v = np.where(refractory > 0, self.v_reset, moved)
            i_exc, i_inh = i_exc * left_e, i_inh * left_i
            refractory = np.maximum(refractory - step, 0)
            ticks = 0 if by_v == left_e == left_i == 0 and not held.size else ticks - step
        return v, i_exc, i_inh, refractory

    @cached_property
    def quiet(self) -> np.ndarray:
        """Return the exact solution over k ticks without arrivals, a row for each k.

        Columns: what is left of V - V_rest, what a unit of excitatory and of inhibitory current
        has added to V, and what is left of each current. The last row is the limit, all zero,
        unless a decay is too slow for it; longer times are then taken in several steps.
        """
        rows = [(1.0, 0.0, 0.0, 1.0, 1.0)]
        gain = self.resistance * (1 - self.decay_v)
        while len(rows) < QUIET_ROWS:
            v, e, i, left_e, left_i = rows[-1]
            if max(v, left_e, left_i) < QUIET_CUTOFF:
                rows.append((0.0, 0.0, 0.0, 0.0, 0.0))
                break
            v, e, i = (
                v * self.decay_v,
                e * self.decay_v + gain * left_e,
                i * self.decay_v + gain * left_i,
            )
            rows.append((v, e, i, left_e * self.decay_e, left_i * self.decay_i))
        return np.array(rows)


@dataclass(frozen=True)
class PlasticPlan:
    """The pair rule of one projection; times in ticks."""

    a_plus: float
    a_minus: float
    w_min: float
    w_max: float
    table_plus: np.ndarray
    table_minus: np.ndarray
    dendritic: bool
    dt_zero: str
    nearest: bool
    post_history: int
    mask: np.ndarray | None

    def arrival_delay(self, delay: int) -> int:
        """Return after how many ticks a post spike reaches the synapse."""
        return delay if self.dendritic else 0


@dataclass(frozen=True)
class ProjectionPlan:
    """Connections of one projection that share one delay.

    ``weights`` is a number (CONSTANT), a value per connection (ONE_TO_ONE, SPARSE) or a matrix
    [pre, post] (DENSE, PLASTIC). Rows of pre cells are handled ``lag`` ticks after they fired and
    delivered to the tick ``ahead`` ticks later; lag + ahead is the delay.
    """

    label: str
    kind: int
    pre_population: int
    pre_start: int
    pre_stop: int
    post_population: int
    post_start: int
    post_stop: int
    receptor: int
    delay: int
    lag: int
    ahead: int
    weights: np.ndarray
    skip_same_index: bool = False
    row_start: np.ndarray | None = None
    columns: np.ndarray | None = None
    plastic: PlasticPlan | None = None

    @property
    def n_pre(self) -> int:
        """Number of pre cells in the projection's slice."""
        return self.pre_stop - self.pre_start

    @property
    def n_post(self) -> int:
        """Number of post cells in the projection's slice."""
        return self.post_stop - self.post_start


@dataclass(frozen=True)
class Plan:
    """Everything an engine runs; ``ring`` is a power of two above the longest delay in ticks."""

    network: Network
    populations: tuple[PopulationPlan, ...]
    groups: dict[str, tuple[int, int]]
    projections: tuple[ProjectionPlan, ...]
    n_neurons: int
    n_cells: int
    ring: int
    labels: dict[str, list[int]] = field(default_factory=dict)

    def v_init(self) -> np.ndarray:
        """Return the potential of every neuron at t = 0."""
        potentials = np.zeros(self.n_neurons)
        for p in self.populations:
            potentials[p.start : p.stop] = p.v_init
        return potentials


def translate(network: Network) -> Plan:
    """Return the plan of a network."""
    groups: dict[str, tuple[int, int]] = {}
    order = [p for p in network.populations if isinstance(p, Population)]
    order_all = order + [p for p in network.populations if not isinstance(p, Population)]
    position = 0
    for group in order_all:
        groups[group.name] = (position, position + group.size)
        position += group.size
    index = {group.name: number for number, group in enumerate(order_all)}
    populations = tuple(_population(p, groups[p.name], network.timestep_ms) for p in order)
    projections: list[ProjectionPlan] = []
    labels: dict[str, list[int]] = {}
    for projection in network.projections:
        parts = _projection(network, projection, groups, index)
        labels[projection.label] = list(range(len(projections), len(projections) + len(parts)))
        projections.extend(parts)
    longest = max((p.delay for p in projections), default=1)
    return Plan(
        network=network,
        populations=populations,
        groups=groups,
        projections=tuple(projections),
        n_neurons=populations[-1].stop if populations else 0,
        n_cells=position,
        ring=1 << longest.bit_length(),
        labels=labels,
    )


def _population(population: Population, cells: tuple[int, int], h: float) -> PopulationPlan:
    neuron = population.neuron
    start, stop = cells
    model, refractory = MODELS.index(type(neuron)), refractory_ticks(neuron, h)
    if isinstance(neuron, LIF_hard_reset):
        return PopulationPlan(
            name=population.name,
            model=model,
            start=start,
            stop=stop,
            decay_v=neuron.decay,
            resistance=0.0,
            offset=0.0,
            v_rest=0.0,
            v_reset=0.0,
            # Strict comparison: fire from the next number above the threshold.
            v_thresh=math.nextafter(neuron.v_thresh, math.inf),
            v_init=0.0,
            refractory=refractory,
        )
    plan = PopulationPlan(
        name=population.name,
        model=model,
        start=start,
        stop=stop,
        decay_v=math.exp(-h / neuron.tau_m_ms),
        resistance=neuron.tau_m_ms / neuron.cm_nf,
        offset=neuron.i_offset_na,
        v_rest=neuron.v_rest_mv,
        v_reset=neuron.v_reset_mv,
        v_thresh=neuron.v_thresh_mv,
        v_init=neuron.v_rest_mv if neuron.v_init_mv is None else neuron.v_init_mv,
        refractory=refractory,
    )
    if isinstance(neuron, IF_curr_delta):
        return plan
    decay_e, decay_i = math.exp(-h / neuron.tau_syn_E_ms), math.exp(-h / neuron.tau_syn_I_ms)
    return replace(
        plan,
        decay_e=decay_e,
        decay_i=decay_i,
        arrive_e=neuron.tau_syn_E_ms / h * (1 - decay_e),
        arrive_i=neuron.tau_syn_I_ms / h * (1 - decay_i),
    )


def _projection(
    network: Network,
    projection: Projection,
    groups: dict[str, tuple[int, int]],
    index: dict[str, int],
) -> list[ProjectionPlan]:
    """Return one plan for each delay that occurs in a projection."""
    pre, post = network.view(projection.pre), network.view(projection.post)
    pre_start, post_start = _first(pre, groups), _first(post, groups)
    synapse = projection.synapse
    delays = network.delays_ticks(projection)
    rows, columns = network.pairs(projection)
    weights = network.weights(projection)
    plans = []
    for delay in np.unique(delays).tolist():
        chosen = delays == delay
        plastic = None
        lag, ahead = 0, delay
        if isinstance(synapse, STDPSynapse):
            plastic = _plastic(
                synapse, network.timestep_ms, pre, post, rows[chosen], columns[chosen]
            )
            if not plastic.dendritic:
                lag, ahead = delay - 1, 1
        kind, stored, csr = _storage(projection, pre, post, rows, columns, weights, chosen)
        plans.append(
            ProjectionPlan(
                label=projection.label,
                kind=kind,
                pre_population=index[pre.population.name],
                pre_start=pre_start,
                pre_stop=pre_start + pre.size,
                post_population=index[post.population.name],
                post_start=post_start,
                post_stop=post_start + post.size,
                receptor=INHIBITORY if projection.receptor_type == "inhibitory" else EXCITATORY,
                delay=delay,
                lag=lag,
                ahead=ahead,
                weights=stored,
                skip_same_index=getattr(projection.connector, "skip_same_index", False),
                row_start=csr[0],
                columns=csr[1],
                plastic=plastic,
            )
        )
    return plans


def _storage(projection: Projection, pre: View, post: View, rows, columns, weights, chosen):
    """Choose how the weights of one delay are kept; returns kind, weights and row pointers."""
    weight, connector = projection.synapse.weight, projection.connector
    whole = bool(np.all(chosen))
    if not projection.plastic:
        if isinstance(connector, AllToAllConnector) and whole and not isinstance(weight, Values):
            return CONSTANT, np.array(weight), (None, None)
        if isinstance(connector, OneToOneConnector) and whole:
            return ONE_TO_ONE, weights.copy(), (None, None)
        if np.count_nonzero(chosen) < DENSE_FROM * pre.size * post.size:
            row_start = np.searchsorted(rows[chosen], np.arange(pre.size + 1))
            return SPARSE, weights[chosen], (row_start, columns[chosen].astype(np.int64))
    matrix = np.zeros((pre.size, post.size))
    matrix[rows[chosen], columns[chosen]] = weights[chosen]
    return (PLASTIC if projection.plastic else DENSE), matrix, (None, None)


def _plastic(synapse: STDPSynapse, h: float, pre: View, post: View, rows, columns) -> PlasticPlan:
    mask = np.zeros((pre.size, post.size), dtype=bool)
    mask[rows, columns] = True
    return PlasticPlan(
        a_plus=synapse.A_plus,
        a_minus=synapse.A_minus,
        w_min=synapse.w_min,
        w_max=synapse.w_max,
        table_plus=_decay_table(synapse.tau_plus_ms, h),
        table_minus=_decay_table(synapse.tau_minus_ms, h),
        dendritic=synapse.dendritic_delay_fraction == 1,
        dt_zero=synapse.dt_zero,
        nearest=synapse.pairing == "nearest",
        post_history=synapse.post_history or 0,
        mask=None if mask.all() else mask,
    )


def _decay_table(tau_ms: float, h: float) -> np.ndarray:
    """Return exp(-k h / tau) for k = 0, 1, ... while it matters."""
    last = math.floor(-math.log(TRACE_CUTOFF) * tau_ms / h)
    if last >= TRACE_ROWS:
        most_ms = TRACE_ROWS * h / -math.log(TRACE_CUTOFF)
        raise ValueError(
            f"STDP time constant {tau_ms:g} ms: the native engines take {most_ms:g} ms at most "
            f"with a time step of {h:g} ms; shorten it, or lengthen the time step"
        )
    return np.exp(-np.arange(last + 1) * h / tau_ms)


def _first(view: View, groups: dict[str, tuple[int, int]]) -> int:
    return groups[view.population.name][0] + view.start

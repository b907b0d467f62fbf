"""The reference engine: one tick in plain numpy and Python, to be checked by eye.

The tick is SpiNNaker's:

1. weights whose arrival is this tick are taken by their targets,
2. every neuron advances, and fires in the tick that takes it over the threshold,
3. a spike emitted in tick t with delay d is put where the targets take it at t + d; plastic
   weights are updated when their pre neuron spikes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from neuromem.backends.native.state import State, plastic_keys, still_needed
from neuromem.backends.native.translate import (
    CONSTANT,
    EXCITATORY,
    INHIBITORY,
    NEVER,
    ONE_TO_ONE,
    SPARSE,
    Plan,
    PopulationPlan,
    ProjectionPlan,
)


def step_if_curr_exp(v, i_exc, i_inh, refractory, exc, inh, p: PopulationPlan):
    """Advance IF_curr_exp by one tick; returns the new state and who fired."""
    i_exc = i_exc + p.arrive_e * exc
    i_inh = i_inh + p.arrive_i * inh
    target = p.v_rest + p.resistance * ((i_exc - i_inh) + p.offset)
    v = np.where(refractory > 0, v, target + (v - target) * p.decay_v)
    return v, i_exc * p.decay_e, i_inh * p.decay_i, (refractory == 0) & (v >= p.v_thresh)


def step_if_curr_delta(v, i_exc, i_inh, refractory, exc, inh, p: PopulationPlan):
    """Advance IF_curr_delta by one tick; returns the new state and who fired."""
    target = p.v_rest + p.resistance * p.offset
    v = np.where(refractory > 0, v, target + (v - target) * p.decay_v + (exc - inh))
    return v, i_exc, i_inh, (refractory == 0) & (v >= p.v_thresh)


def step_lif_hard_reset(v, i_exc, i_inh, refractory, exc, inh, p: PopulationPlan):
    """Advance LIF_hard_reset by one tick; returns the new state and who fired."""
    v = v * p.decay_v + (exc - inh)
    return v, i_exc, i_inh, v >= p.v_thresh


STEP = (step_if_curr_exp, step_if_curr_delta, step_lif_hard_reset)


class Plasticity:
    """The pair rule on one projection, a row at a time, when its pre neuron spikes."""

    def __init__(self, projection: ProjectionPlan) -> None:
        rule = projection.plastic
        assert rule is not None
        self.rule = rule
        self.delay = rule.arrival_delay(projection.delay)
        n_pre, n_post = projection.n_pre, projection.n_post
        self.weights = projection.weights.copy()
        self.mask = np.ones((n_pre, n_post), bool) if rule.mask is None else rule.mask
        self.last_pre = np.full(n_pre, NEVER)
        self.trace_pre = np.zeros(n_pre)
        self.trace_post = np.zeros(n_post)
        self.last_post = np.full(n_post, NEVER)
        # Post spikes for the potentiation at the next pre spike: (tick, neuron's spike number).
        self.history: list[list[tuple[int, int]]] = [[] for _ in range(n_post)]
        self.spikes = np.zeros(n_post, dtype=np.int64)
        self.on_the_way: deque[tuple[int, int]] = deque()

    def post_spikes(self, now: int, fired: np.ndarray) -> None:
        """Remember post spikes; they reach the synapse after the delay."""
        for neuron in fired:
            self.on_the_way.append((now + self.delay, int(neuron)))
            self.spikes[neuron] += 1
            self.history[neuron].append((now + self.delay, self.spikes[neuron]))

    def absorb_posts(self, until: int) -> None:
        """Take post spikes that have reached the synapse by then into the post traces."""
        while self.on_the_way and self.on_the_way[0][0] <= until:
            when, neuron = self.on_the_way.popleft()
            trace = 0.0
            if self.last_post[neuron] != NEVER and not self.rule.nearest:
                gap = when - int(self.last_post[neuron])
                trace = self.trace_post[neuron] * self._minus(gap)
            self.trace_post[neuron] = trace + 1.0
            self.last_post[neuron] = when

    def pre_spike(self, row: int, now: int) -> np.ndarray:
        """Update one row at a pre spike and return the weights it delivers."""
        rule = self.rule
        self.absorb_posts(now if rule.dt_zero == "depress" else now - 1)
        weights = self.replayed(row, now)
        for neuron in np.flatnonzero(self.mask[row]):
            if self.last_post[neuron] != NEVER:
                decay = self._minus(now - int(self.last_post[neuron]))
                drop = rule.a_minus * (self.trace_post[neuron] * decay)
                weights[neuron] = max(weights[neuron] - drop, rule.w_min)
        trace = 0.0
        if self.last_pre[row] != NEVER and not rule.nearest:
            trace = self.trace_pre[row] * self._plus(now - int(self.last_pre[row]))
        self.trace_pre[row] = trace + 1.0
        self.last_pre[row] = now
        self.weights[row] = weights
        return weights

    def replayed(self, row: int, now: int) -> np.ndarray:
        """Return a row with the potentiation by the posts since its last pre spike."""
        rule, weights, last = self.rule, self.weights[row].copy(), self.last_pre[row]
        if last == NEVER:
            return weights
        # A tie with the last pre spike: the post came first unless it is said to potentiate.
        first = last + (1 if rule.dendritic and rule.dt_zero != "potentiate" else 0)
        final = now - (1 if rule.dt_zero == "potentiate" else 0)
        for neuron in np.flatnonzero(self.mask[row]):
            for when, number in self.history[neuron]:
                later = self.spikes[neuron] - number
                forgotten = rule.post_history and later >= rule.post_history
                if first <= when <= final and not forgotten:
                    trace = self.trace_pre[row]
                    if when == last and rule.dt_zero == "ignore":
                        trace = trace - 1.0
                    rise = rule.a_plus * (trace * self._plus(when - last))
                    weights[neuron] = min(weights[neuron] + rise, rule.w_max)
        return weights

    def state(self, now: int) -> dict[str, np.ndarray]:
        """Return the rule's part of the state after tick ``now``."""
        self.absorb_posts(now)
        entries = {
            (when, neuron, self.spikes[neuron] - number)
            for neuron, past in enumerate(self.history)
            for when, number in past
        }
        when, neuron, later = np.array(sorted(entries), dtype=np.int64).reshape(-1, 3).T
        keep = still_needed(when, later, self.last_pre, now, self.rule)
        return {
            "weights": self.weights.copy(),
            "last_pre": self.last_pre.copy(),
            "trace_pre": self.trace_pre.copy(),
            "last_post": self.last_post.copy(),
            "trace_post": self.trace_post.copy(),
            "history": np.stack([when, neuron, later])[:, keep],
        }

    def restore(self, state: dict[str, np.ndarray], now: int) -> None:
        """Take over the rule's part of a state."""
        self.weights = state["weights"].copy()
        self.last_pre, self.trace_pre = state["last_pre"].copy(), state["trace_pre"].copy()
        self.last_post, self.trace_post = state["last_post"].copy(), state["trace_post"].copy()
        self.history = [[] for _ in self.last_post]
        self.spikes = np.zeros(len(self.last_post), dtype=np.int64)
        self.on_the_way.clear()
        for when, neuron, later in state["history"].T.tolist():
            self.history[neuron].append((when, -later))
            if when > now:
                self.on_the_way.append((when, neuron))

    def _plus(self, ticks: int) -> float:
        table = self.rule.table_plus
        return float(table[ticks]) if ticks < len(table) else 0.0

    def _minus(self, ticks: int) -> float:
        table = self.rule.table_minus
        return float(table[ticks]) if ticks < len(table) else 0.0


class ReferenceEngine:
    """Runs a plan tick by tick; slow, and short enough to be checked by eye."""

    name = "native-reference"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tick = 0
        self.v = plan.v_init()
        self.i_exc, self.i_inh = np.zeros(plan.n_neurons), np.zeros(plan.n_neurons)
        self.refractory = np.zeros(plan.n_neurons, dtype=np.int64)
        # arrivals[receptor][k]: summed weights that act k ticks from now
        self.arrivals = np.zeros((2, plan.ring, plan.n_neurons))
        # fired[k]: who fired k ticks ago
        self.fired = np.zeros((plan.ring, plan.n_cells), dtype=bool)
        self.plastic = {q: Plasticity(p) for q, p in enumerate(plan.projections) if p.plastic}
        self.log: list[tuple[int, int]] = []

    def advance(self, n_ticks: int, events: np.ndarray) -> None:
        """Run some ticks with input spikes: (tick, cell) rows."""
        ticks, cells = events.T
        for _ in range(n_ticks):
            self._tick(cells[ticks == self.tick])

    def present(
        self, first_cell: int, lines: Sequence[int], start: int, hold: int, n_ticks: int
    ) -> None:
        """Run some ticks, with input spikes of some lines in ``hold`` ticks from a start."""
        cells = first_cell + np.array(lines, dtype=np.int64)
        for _ in range(n_ticks):
            self._tick(cells if start <= self.tick < start + hold else cells[:0])

    def _tick(self, inputs: np.ndarray) -> None:
        fired = np.zeros(self.plan.n_cells, dtype=bool)
        fired[inputs] = True
        for p in self.plan.populations:
            s = slice(p.start, p.stop)
            self.v[s], self.i_exc[s], self.i_inh[s], fired[s] = STEP[p.model](
                self.v[s],
                self.i_exc[s],
                self.i_inh[s],
                self.refractory[s],
                self.arrivals[EXCITATORY, 0, s],
                self.arrivals[INHIBITORY, 0, s],
                p,
            )
            self.refractory[s] = np.where(
                fired[s], p.refractory, np.maximum(self.refractory[s] - 1, 0)
            )
            self.v[s][fired[s]] = p.v_reset
        self.arrivals[:, 0] = 0.0
        self.fired = np.roll(self.fired, 1, axis=0)
        self.fired[0] = fired
        for q, projection in enumerate(self.plan.projections):
            self._deliver(q, projection)
        self.arrivals = np.roll(self.arrivals, -1, axis=1)
        self.log.extend((self.tick, int(cell)) for cell in np.flatnonzero(fired))
        self.tick += 1

    def _deliver(self, q: int, projection: ProjectionPlan) -> None:
        spikes = self.fired[projection.lag, projection.pre_start : projection.pre_stop]
        rows = np.flatnonzero(spikes)
        target = self.arrivals[
            projection.receptor, projection.ahead, projection.post_start : projection.post_stop
        ]
        weights = projection.weights
        if projection.plastic:
            rule = self.plastic[q]
            posts = self.fired[0, projection.post_start : projection.post_stop]
            rule.post_spikes(self.tick, np.flatnonzero(posts))
            now = self.tick if rule.rule.dendritic else self.tick + 1
            for row in rows:
                target += rule.pre_spike(row, now)
        elif projection.kind == CONSTANT:
            same = np.isin(np.arange(len(target)), rows) if projection.skip_same_index else 0
            target += weights * (len(rows) - same)
        elif projection.kind == ONE_TO_ONE:
            target[rows] += weights[rows]
        elif projection.kind == SPARSE:
            assert projection.row_start is not None and projection.columns is not None
            for row in rows:
                some = slice(projection.row_start[row], projection.row_start[row + 1])
                target[projection.columns[some]] += weights[some]
        else:
            for row in rows:
                target += weights[row]

    def take_spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the (tick, cell) of every spike since the last call, sources included."""
        ticks, cells = np.array(self.log, dtype=np.int64).reshape(-1, 2).T
        self.log.clear()
        return ticks, cells

    def fired_cells(self, population: str, ticks_ago: int) -> list[int]:
        """Return which neurons of a population fired that many ticks before the last one."""
        start, stop = self.plan.groups[population]
        return np.flatnonzero(self.fired[ticks_ago, start:stop]).tolist()

    def values(self, variable: str) -> np.ndarray:
        """Return a state variable of every neuron."""
        return {"v": self.v, "isyn_exc": self.i_exc, "isyn_inh": self.i_inh}[variable].copy()

    def weights(self, part: int, settled: bool) -> np.ndarray:
        """Return the weights [pre, post] of a plastic part, pending potentiation in or out."""
        rule = self.plastic[part]
        if not settled:
            return rule.weights.copy()
        return np.stack(
            [rule.replayed(row, self.tick + self.plan.ring) for row in range(len(rule.weights))]
        )

    def state(self) -> State:
        """Return a copy of everything that the next tick depends on."""
        state = {
            "tick": np.array(self.tick),
            "v": self.v.copy(),
            "isyn_exc": self.i_exc.copy(),
            "isyn_inh": self.i_inh.copy(),
            "age": np.zeros(len(self.plan.populations), dtype=np.int64),
            "due": np.ones((self.plan.ring - 1, len(self.plan.populations)), dtype=np.int64),
            "refractory": self.refractory.copy(),
            "arrivals": self.arrivals[:, :-1].copy(),
            "fired": self.fired[:-1].copy(),
        }
        for part, rule in self.plastic.items():
            keys = plastic_keys(part)
            state |= {keys[name]: value for name, value in rule.state(self.tick - 1).items()}
        return state

    def restore(self, state: State) -> None:
        """Continue from a state of either engine."""
        self.tick = int(state["tick"])
        self.v, self.refractory = state["v"].copy(), state["refractory"].copy()
        self.i_exc, self.i_inh = state["isyn_exc"].copy(), state["isyn_inh"].copy()
        for p, age in zip(self.plan.populations, state["age"], strict=True):
            s = slice(p.start, p.stop)
            self.v[s], self.i_exc[s], self.i_inh[s], self.refractory[s] = p.after_quiet(
                self.v[s], self.i_exc[s], self.i_inh[s], self.refractory[s], int(age)
            )
        self.arrivals[:, :-1], self.arrivals[:, -1] = state["arrivals"], 0.0
        self.fired[:-1], self.fired[-1] = state["fired"], False
        for part, rule in self.plastic.items():
            keys = plastic_keys(part)
            rule.restore({name: state[key] for name, key in keys.items()}, self.tick - 1)

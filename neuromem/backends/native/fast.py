"""The fast engine: a plan laid out flat, and run by the compiled kernel."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import addressof, c_int64, c_void_p

import numpy as np

from neuromem.backends.native import arena as at
from neuromem.backends.native import kernel
from neuromem.backends.native.arena import Pool, population_row, projection_row
from neuromem.backends.native.state import State, plastic_keys, still_needed
from neuromem.backends.native.translate import (
    INHIBITORY,
    NEVER,
    PLASTIC,
    Plan,
    ProjectionPlan,
)

#: Room in the spike log, in the logs of post spikes, and for the input of a live operation.
LOG_ROWS = 1 << 16
HISTORY_ROWS = 1 << 16
INBOX = 1 << 12
VARIABLES = {"v": at.H_V, "isyn_exc": at.H_IE, "isyn_inh": at.H_II}


class FastEngine:
    """Runs a plan with the compiled kernel; state and spikes equal the reference engine's."""

    name = "native"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.log = np.zeros((LOG_ROWS + plan.n_cells, 2), dtype=np.int32)
        self.taken: list[np.ndarray] = []
        self._inbox = (c_int64 * INBOX)()
        self._inbox_address = c_void_p(addressof(self._inbox))
        self._build()

    @property
    def tick(self) -> int:
        """Number of completed ticks."""
        return self._k[at.K_TICK]

    def advance(self, n_ticks: int, events: np.ndarray | Sequence[int]) -> None:
        """Run some ticks with input spikes: (tick, cell) pairs, sorted, or all flat."""
        if isinstance(events, np.ndarray):
            events = np.ascontiguousarray(events, dtype=np.int64)
            count, address = len(events), events.ctypes.data
        elif len(events) <= INBOX:
            # The path of a live session's operations: no array is made.
            self._inbox[: len(events)] = events
            count, address = len(events) // 2, self._inbox_address
        else:
            self.advance(n_ticks, np.array(events, dtype=np.int64).reshape(-1, 2))
            return
        done = self._run(*self._pointers, address, count, n_ticks)
        if done == n_ticks:
            return
        rest = np.array(events, dtype=np.int64).reshape(-1, 2)
        while done < n_ticks:
            self._make_room()
            rest = rest[np.searchsorted(rest[:, 0], self.tick) :]
            address = np.ascontiguousarray(rest).ctypes.data
            done += self._run(*self._pointers, address, len(rest), n_ticks - done)

    def take_spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the (tick, cell) of every spike since the last call, sources included."""
        self._drain()
        spikes = np.concatenate(self.taken) if self.taken else np.zeros((0, 2), np.int32)
        self.taken.clear()
        return spikes[:, 0], spikes[:, 1]

    def fired_cells(self, population: str, ticks_ago: int) -> list[int]:
        """Return which neurons of a population fired that many ticks before the last one."""
        where, counted, step = self._recent[population]
        k, slot = self._k, (self._k[at.K_TICK] - 1 - ticks_ago) & (self.plan.ring - 1)
        first = where + slot * self.plan.n_cells
        return k[first : first + k[counted + slot * step]]

    def values(self, variable: str) -> np.ndarray:
        """Return a state variable of every neuron, as of the last completed tick."""
        stored = [self._floats(field) for field in VARIABLES.values()]
        chosen = list(VARIABLES).index(variable)
        values = stored[chosen].copy()
        for p, age in zip(self.plan.populations, self._age(), strict=True):
            s = slice(p.start, p.stop)
            v, i_exc, i_inh = (array[s] for array in stored)
            values[s] = p.after_quiet(v, i_exc, i_inh, int(age))[chosen]
        return values

    def weights(self, part: int, settled: bool) -> np.ndarray:
        """Return the weights [pre, post] of a plastic part, pending potentiation in or out."""
        stored = self._stored(part)
        weights = stored.copy()
        if settled:
            kernel.settle()(*self._pointers[:3], part, self.tick + self.plan.ring)
            weights, stored[:] = stored.copy(), weights
        return weights

    def state(self) -> State:
        """Return a copy of everything that the next tick depends on."""
        plan, tick, ring = self.plan, self.tick, self.plan.ring
        n, cells = plan.n_neurons, plan.n_cells
        order = (tick + np.arange(ring - 1)) % ring
        past = (tick - 1 - np.arange(ring - 1)) % ring
        arrivals = [self._floats(h).reshape(ring, n)[order] for h in (at.H_RING_E, at.H_RING_I)]
        fired = np.zeros((ring, cells), dtype=bool)
        lists = self._ints(at.H_FIRED).reshape(ring, cells)
        counts = self._ints(at.H_N_FIRED).reshape(ring, -1)
        for slot in range(ring):
            for group, (start, _) in enumerate(plan.groups.values()):
                fired[slot, start + lists[slot, start : start + counts[slot, group]]] = True
        state = {
            "tick": np.array(tick),
            **{name: self._floats(field).copy() for name, field in VARIABLES.items()},
            "age": self._age(),
            "due": self.populations[:, at.P_DUE].copy(),
            "refractory": self._ints(at.H_REFR).copy(),
            "arrivals": np.stack(arrivals),
            "fired": fired[past],
        }
        for part, projection in enumerate(plan.projections):
            if projection.plastic:
                keys = plastic_keys(part)
                values = self._plastic_state(part, projection)
                state |= {keys[name]: value for name, value in values.items()}
        return state

    def restore(self, state: State) -> None:
        """Continue from a state of either engine."""
        plan, ring = self.plan, self.plan.ring
        self._build()
        tick = int(state["tick"])
        self.k[at.K_TICK] = tick
        for name, field in VARIABLES.items():
            self._floats(field)[:] = state[name]
        self.populations[:, at.P_READY] = tick - state["age"]
        self.populations[:, at.P_DUE] = state["due"]
        self._ints(at.H_REFR)[:] = state["refractory"]
        order = (tick + np.arange(ring - 1)) % ring
        past = (tick - 1 - np.arange(ring - 1)) % ring
        for field, arrivals in zip((at.H_RING_E, at.H_RING_I), state["arrivals"], strict=True):
            self._floats(field).reshape(ring, -1)[order] = arrivals
        lists = self._ints(at.H_FIRED).reshape(ring, -1)
        counts = self._ints(at.H_N_FIRED).reshape(ring, -1)
        for slot, fired in zip(past, state["fired"], strict=True):
            for group, (start, stop) in enumerate(plan.groups.values()):
                listed = np.flatnonzero(fired[start:stop])
                lists[slot, start : start + len(listed)] = listed
                counts[slot, group] = len(listed)
        touched = self._ints(at.H_TOUCHED).reshape(ring, -1)
        refractory_list = self._ints(at.H_REFR_LIST)
        for number, population in enumerate(plan.populations):
            cells = slice(population.start, population.stop)
            waiting = np.flatnonzero(state["refractory"][cells])
            refractory_list[population.start : population.start + len(waiting)] = waiting
            self.populations[number, at.P_N_REFR] = len(waiting)
            for bit, arrivals in zip((1, 2), state["arrivals"], strict=True):
                touched[order, number] |= bit * np.any(arrivals[:, cells] != 0, axis=1)
        self.k[at.K_PENDING] = np.count_nonzero(touched)
        for part, projection in enumerate(plan.projections):
            if projection.plastic:
                keys = plastic_keys(part)
                self._restore_plastic(part, {name: state[key] for name, key in keys.items()})

    # -- layout ----------------------------------------------------------------------------------

    def _build(self) -> None:
        plan = self.plan
        f, k = Pool(np.float64), Pool(np.int64, reserved=at.HEADER)
        n, cells, ring = plan.n_neurons, plan.n_cells, plan.ring
        groups = list(plan.groups.values())
        n_pop = len(plan.populations)
        header: dict[int, int] = {}
        self._lengths: dict[int, int] = {}

        def place(pool: Pool, field: int, values: np.ndarray) -> None:
            header[field], self._lengths[field] = pool.add(values), values.size

        place(
            f,
            at.H_V,
            plan.v_init(),
        )
        for field in (at.H_IE, at.H_II):
            place(f, field, np.zeros(n))
        for field in (at.H_RING_E, at.H_RING_I):
            place(f, field, np.zeros(ring * n))
        for field in (at.H_REFR, at.H_REFR_LIST):
            place(k, field, np.zeros(n))
        place(k, at.H_TOUCHED, np.zeros(ring * n_pop))
        place(k, at.H_FIRED, np.zeros(ring * cells))
        place(k, at.H_N_FIRED, np.zeros(ring * len(groups)))
        place(k, at.H_ROWS, np.zeros(cells + 1))
        place(k, at.H_GROUPS, np.array([start for start, _ in groups] + [cells]))
        inhibited = {p.post_population for p in plan.projections if p.receptor == INHIBITORY}
        rows = [population_row(p, i in inhibited, f) for i, p in enumerate(plan.populations)]
        place(k, at.H_POP_I, np.array([row for row, _ in rows]))
        place(f, at.H_POP_F, np.array([row for _, row in rows]))
        rows = [projection_row(p, f, k) for p in plan.projections]
        start = 0
        for row, _ in rows:
            if row[at.Q_KIND] == PLASTIC:
                width = row[at.Q_POST_STOP] - row[at.Q_POST_START]
                row[at.Q_HIST_START], row[at.Q_HIST_ROOM] = start, HISTORY_ROWS + 2 * width
                start += row[at.Q_HIST_ROOM]
        self.history = np.zeros((max(start, 1), 3), dtype=np.int64)
        place(k, at.H_PROJ_I, np.array([row for row, _ in rows], np.int64).reshape(-1))
        place(f, at.H_PROJ_F, np.array([row for _, row in rows], np.float64).reshape(-1))
        self.f, self.k = f.build(), k.build()
        for field, first in header.items():
            self.k[field] = first
        self.k[at.K_NEURONS], self.k[at.K_CELLS], self.k[at.K_RING] = n, cells, ring
        self.k[at.K_POPULATIONS], self.k[at.K_GROUPS] = n_pop, len(groups)
        self.k[at.K_PROJECTIONS], self.k[at.K_LOG_ROOM] = len(plan.projections), len(self.log)
        self.populations = self._ints(at.H_POP_I).reshape(-1, at.P_FIELDS)
        self.projections = self._ints(at.H_PROJ_I).reshape(-1, at.Q_FIELDS)
        lists, counts = int(self.k[at.H_FIRED]), int(self.k[at.H_N_FIRED])
        self._recent = {
            name: (lists + start, counts + number, len(groups))
            for number, (name, (start, _)) in enumerate(plan.groups.items())
        }
        self._run = kernel.run
        self._point()

    def _point(self) -> None:
        arrays = (self.f, self.k, self.history, self.log)
        self._pointers = tuple(c_void_p(array.ctypes.data) for array in arrays)
        # The same memory as ``k``, read as plain Python numbers several times faster.
        self._k = (c_int64 * len(self.k)).from_address(self.k.ctypes.data)

    def _age(self) -> np.ndarray:
        """Return for how many ticks each population was left alone."""
        lazy = self.populations[:, at.P_MODEL] == 0
        return np.where(lazy, self.tick - self.populations[:, at.P_READY], 0)

    def _ints(self, field: int) -> np.ndarray:
        return self.k[self.k[field] : self.k[field] + self._lengths[field]]

    def _floats(self, field: int) -> np.ndarray:
        return self.f[self.k[field] : self.k[field] + self._lengths[field]]

    # -- logs that grow --------------------------------------------------------------------------

    def _drain(self) -> None:
        count = int(self.k[at.K_LOG])
        if count:
            self.taken.append(self.log[:count].copy())
            self.k[at.K_LOG] = 0

    def _make_room(self) -> None:
        """Empty the spike log; drop post spikes that cannot change anything where room is short."""
        self._drain()
        if all(
            q[at.Q_HIST_N] + p.n_post <= q[at.Q_HIST_ROOM]
            for q, p in zip(self.projections, self.plan.projections, strict=True)
            if p.plastic
        ):
            return
        regions = []
        for part, projection in enumerate(self.plan.projections):
            q = self.projections[part]
            if projection.plastic:
                history, keep = self._needed(part, projection)
                new_index = np.concatenate([[0], np.cumsum(keep)])
                cursors = self.k[q[at.Q_CURSOR] : q[at.Q_CURSOR] + projection.n_pre]
                cursors[:] = new_index[cursors]
                q[at.Q_ARRIVED] = new_index[q[at.Q_ARRIVED]]
                regions.append((q, history[keep], projection.n_post))
        start = 0
        for q, kept, width in regions:
            q[at.Q_HIST_N] = len(kept)
            q[at.Q_HIST_START] = start
            q[at.Q_HIST_ROOM] = max(q[at.Q_HIST_ROOM], 2 * len(kept) + 2 * width)
            start += q[at.Q_HIST_ROOM]
        if start > len(self.history):
            self.history = np.zeros((start, 3), dtype=np.int64)
            self._point()
        for q, kept, _ in regions:
            self.history[q[at.Q_HIST_START] : q[at.Q_HIST_START] + len(kept)] = kept

    def _needed(self, part: int, projection: ProjectionPlan) -> tuple[np.ndarray, np.ndarray]:
        """Return the post spikes of a part's log and which of them still matter."""
        q = self.projections[part]
        history = self.history[q[at.Q_HIST_START] : q[at.Q_HIST_START] + q[at.Q_HIST_N]]
        counts = self.k[q[at.Q_COUNT] : q[at.Q_COUNT] + projection.n_post]
        last_pre = self.k[q[at.Q_LAST_PRE] : q[at.Q_LAST_PRE] + projection.n_pre]
        later = counts[history[:, 1]] - history[:, 2]
        assert projection.plastic is not None
        keep = still_needed(history[:, 0], later, last_pre, self.tick - 1, projection.plastic)
        # Never drop what the post traces have not absorbed yet.
        keep[q[at.Q_ARRIVED] :] = True
        return history, keep

    # -- plastic state ---------------------------------------------------------------------------

    def _stored(self, part: int) -> np.ndarray:
        plan, q = self.plan.projections[part], self.projections[part]
        size = plan.n_pre * plan.n_post
        return self.f[q[at.Q_DATA] : q[at.Q_DATA] + size].reshape(plan.n_pre, plan.n_post)

    def _plastic_arrays(self, part: int) -> dict[str, np.ndarray]:
        plan, q = self.plan.projections[part], self.projections[part]
        pre, post = plan.n_pre, plan.n_post
        return {
            "weights": self._stored(part),
            "last_pre": self.k[q[at.Q_LAST_PRE] : q[at.Q_LAST_PRE] + pre],
            "trace_pre": self.f[q[at.Q_TRACE_PRE] : q[at.Q_TRACE_PRE] + pre],
            "last_post": self.k[q[at.Q_LAST_POST] : q[at.Q_LAST_POST] + post],
            "trace_post": self.f[q[at.Q_TRACE_POST] : q[at.Q_TRACE_POST] + post],
        }

    def _plastic_state(self, part: int, projection: ProjectionPlan) -> State:
        q = self.projections[part]
        self._absorb_posts(part)
        history, keep = self._needed(part, projection)
        counts = self.k[q[at.Q_COUNT] : q[at.Q_COUNT] + projection.n_post]
        kept = history[keep].T
        kept[2] = counts[kept[1]] - kept[2]
        arrays = {name: value.copy() for name, value in self._plastic_arrays(part).items()}
        return {**arrays, "history": kept}

    def _absorb_posts(self, part: int) -> None:
        """Take posts that have reached the synapse into the post traces, as the kernel does."""
        q, rule = self.projections[part], self.plan.projections[part].plastic
        assert rule is not None
        arrays = self._plastic_arrays(part)
        trace_post, last_post = arrays["trace_post"], arrays["last_post"]
        while q[at.Q_ARRIVED] < q[at.Q_HIST_N]:
            when, j, _ = self.history[q[at.Q_HIST_START] + q[at.Q_ARRIVED]]
            if when >= self.tick:
                break
            gap = when - last_post[j]
            connected = last_post[j] != NEVER and not rule.nearest and gap < len(rule.table_minus)
            trace = trace_post[j] * rule.table_minus[gap] if connected else 0.0
            trace_post[j], last_post[j] = trace + 1.0, when
            q[at.Q_ARRIVED] += 1

    def _restore_plastic(self, part: int, state: State) -> None:
        q, projection = self.projections[part], self.plan.projections[part]
        for name, target in self._plastic_arrays(part).items():
            target[:] = state[name]
        when, neuron, later = state["history"]
        width, n = projection.n_post, len(when)
        if n + width > q[at.Q_HIST_ROOM]:
            q[at.Q_HIST_START], q[at.Q_HIST_ROOM] = len(self.history), 2 * n + 2 * width
            self.history = np.concatenate(
                [self.history, np.zeros((2 * n + 2 * width, 3), np.int64)]
            )
            self._point()
        region = self.history[q[at.Q_HIST_START] : q[at.Q_HIST_START] + n]
        region[:] = np.stack([when, neuron, -later], axis=1)
        q[at.Q_HIST_N] = n
        q[at.Q_ARRIVED] = np.searchsorted(when, self.tick - 1, side="right")
        rule = projection.plastic
        assert rule is not None
        last_pre = state["last_pre"]
        replayed = (
            last_pre if not (rule.dendritic and rule.dt_zero != "potentiate") else last_pre + 1
        )
        cursors = np.where(last_pre == NEVER, 0, np.searchsorted(when, replayed, side="left"))
        self.k[q[at.Q_CURSOR] : q[at.Q_CURSOR] + projection.n_pre] = cursors

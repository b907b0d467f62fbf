"""The fast engine: a plan laid out flat, and run by the compiled kernel."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import c_int64

import numpy as np

from neuromem.backends.native import arena as at
from neuromem.backends.native import kernel
from neuromem.backends.native.arena import Pool, population_row, projection_row
from neuromem.backends.native.plastic import PlasticPart
from neuromem.backends.native.state import State, plastic_keys
from neuromem.backends.native.translate import INHIBITORY, PLASTIC, Plan

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
        # Written to here, or the first run would wait for the memory to be mapped.
        self.log = np.full((LOG_ROWS + plan.n_cells, 2), 0, dtype=np.int32)
        self.taken: list[np.ndarray] = []
        self._build()

    @property
    def tick(self) -> int:
        """Number of completed ticks."""
        return self._k[at.K_TICK]

    def advance(self, n_ticks: int, events: np.ndarray) -> None:
        """Run some ticks with input spikes: (tick, cell) rows, sorted."""
        n_left, rows = n_ticks, np.ascontiguousarray(np.transpose(events), dtype=np.int64)
        while True:
            when, n_events, size = rows.ctypes.data, rows.shape[1], rows.itemsize
            n_left -= self._run(when, when + n_events * size, n_events, 0, 1, n_left)
            if n_left <= 0:
                return
            self._make_room()
            rows = np.ascontiguousarray(rows[:, np.searchsorted(rows[0], self.tick) :])

    def present(
        self, first_cell: int, lines: Sequence[int], start: int, hold: int, n_ticks: int
    ) -> None:
        """Run some ticks, with input spikes of some lines in ``hold`` ticks from a start.

        The path of a live session's operations: no array is made.
        """
        n = len(lines)
        if n <= INBOX:
            (when, at_when), (who, at_who) = self._inbox
            self._k[when : when + n] = [start] * n
            self._k[who : who + n] = lines
            n_ticks -= self._run(at_when, at_who, n, first_cell, hold, n_ticks)
            if n_ticks <= 0:
                return
            self._make_room()
        events = [
            (tick, first_cell + line)
            for tick in range(max(start, self.tick), start + hold)
            for line in lines
        ]
        self.advance(n_ticks, np.array(events, dtype=np.int64).reshape(-1, 2))

    def take_spikes(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the (tick, cell) of every spike since the last call, sources included."""
        self._drain()
        taken, self.taken = self.taken, []
        if len(taken) != 1:
            taken = [np.concatenate([np.zeros((0, 2), np.int32), *taken])]
        spikes = taken[0]
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
        values, age, refractory = stored[chosen].copy(), self._age(), self._refractory()
        for p, ticks in zip(self.plan.populations, age.tolist(), strict=True):
            s = slice(p.start, p.stop)
            v, i_exc, i_inh = (array[s] for array in stored)
            values[s] = p.after_quiet(v, i_exc, i_inh, refractory[s], ticks)[chosen]
        return values

    def weights(self, part: int, settled: bool) -> np.ndarray:
        """Return the weights [pre, post] of a plastic part, pending potentiation in or out."""
        stored, place = self.plastic[part].weights, self.plastic[part].place
        weights = stored.copy()
        if settled:
            kernel.settle()(self._address, part, self.tick + self.plan.ring)
            weights, stored[:] = stored.copy(), weights
        return weights[:, place]

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
            "due": self._ints(at.H_TOUCHED).reshape(ring, -1)[order],
            "refractory": self._refractory(),
            "arrivals": np.stack(arrivals),
            "fired": fired[past],
        }
        for number, part in self.plastic.items():
            keys = plastic_keys(number)
            values = part.state(self.posts, tick)
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
        touched[:] = 0
        touched[order] = state["due"]
        refractory = np.zeros(plan.n_neurons, dtype=np.int64)
        refractory[:] = state["refractory"]
        waiting, until = self._ints(at.H_WAITING), self._ints(at.H_UNTIL)
        for number, population in enumerate(plan.populations):
            cells = slice(population.start, population.stop)
            left = refractory[cells]
            # In the order of firing: those with the least time left first.
            listed = np.argsort(left, kind="stable")[np.count_nonzero(left == 0) :]
            here = slice(population.start, population.start + len(listed))
            ready = tick - int(state["age"][number])
            waiting[here], until[here] = listed, ready - 1 + left[listed]
            self.populations[number, at.P_N_WAITING] = len(listed)
            why = (at.EXC_ARRIVES, at.INH_ARRIVES)
            for bit, arrivals in zip(why, state["arrivals"], strict=True):
                touched[order, number] |= bit * np.any(arrivals[:, cells] != 0, axis=1)
        self.k[at.K_PENDING] = np.count_nonzero(touched)
        for number, part in self.plastic.items():
            values = {name: state[key] for name, key in plastic_keys(number).items()}
            self._room_for(part, len(values["history"][0]))
            part.restore(values, self.posts, tick)

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

        place(f, at.H_V, plan.v_init())
        for field in (at.H_IE, at.H_II):
            place(f, field, np.zeros(n))
        for field in (at.H_RING_E, at.H_RING_I):
            place(f, field, np.zeros(ring * n))
        place(f, at.H_NOTHING, np.zeros(2 * n))
        for field in (at.H_WAITING, at.H_UNTIL):
            place(k, field, np.zeros(n))
        touched = np.zeros((ring, n_pop))
        touched[0] = at.DUE
        place(k, at.H_TOUCHED, touched)
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
        self.posts = np.full((max(start, 1), 3), 0, dtype=np.int32)
        place(k, at.H_PROJ_I, np.array([row for row, _ in rows], np.int64).reshape(-1))
        place(f, at.H_PROJ_F, np.array([row for _, row in rows], np.float64).reshape(-1))
        senders = [(row[at.Q_PRE_POP], row[at.Q_LAG]) for row, _ in rows]
        place(k, at.H_SENDERS, np.array(senders, np.int64).reshape(-1))
        first = header[at.H_PROJ_I]
        learners = [
            first + part * at.Q_FIELDS
            for part, (row, _) in enumerate(rows)
            if row[at.Q_KIND] == PLASTIC
        ]
        place(k, at.H_LEARNERS, np.array(learners, np.int64))
        place(k, at.H_INBOX, np.zeros(2 * INBOX))
        self.f, self.k = f.build(), k.build()
        for field, first in header.items():
            self.k[field] = first
        self.k[at.K_NEURONS], self.k[at.K_CELLS], self.k[at.K_RING] = n, cells, ring
        self.k[at.K_POPULATIONS], self.k[at.K_GROUPS] = n_pop, len(groups)
        self.k[at.K_PROJECTIONS], self.k[at.K_LOG_ROOM] = len(plan.projections), len(self.log)
        self.k[at.K_LEARNERS] = len(learners)
        self.k[at.K_MOST_LAG] = max([lag for _, lag in senders], default=0)
        self.k[at.K_PENDING] = n_pop
        self.populations = self._ints(at.H_POP_I).reshape(-1, at.P_FIELDS)
        self.projections = self._ints(at.H_PROJ_I).reshape(-1, at.Q_FIELDS)
        lists, counts = int(self.k[at.H_FIRED]), int(self.k[at.H_N_FIRED])
        self._recent = {
            name: (lists + start, counts + number, len(groups))
            for number, (name, (start, _)) in enumerate(plan.groups.items())
        }
        inbox, address, size = header[at.H_INBOX], self.k.ctypes.data, self.k.itemsize
        self._inbox = [(row, address + row * size) for row in (inbox, inbox + INBOX)]
        # The same memory as ``k``, read as plain Python numbers several times faster.
        self._k = (c_int64 * len(self.k)).from_address(address)
        self._address = address
        self._point()
        self.plastic = {
            number: PlasticPart(projection, self.projections[number], self.f, self.k)
            for number, projection in enumerate(plan.projections)
            if projection.plastic
        }

    def _point(self) -> None:
        """Say where the arrays outside ``k`` are."""
        self.k[at.K_F] = self.f.ctypes.data
        self.k[at.K_POSTS], self.k[at.K_LOG] = self.posts.ctypes.data, self.log.ctypes.data

    def _run(self, *given: int) -> int:
        """Call the kernel with ``K_WHEN`` and what follows it; returns how many ticks it ran."""
        self._k[at.K_WHEN : at.HEADER] = given
        return kernel.run(self._address)

    def _age(self) -> np.ndarray:
        """Return for how many ticks each population was left alone."""
        lazy = self.populations[:, at.P_MODEL] == 0
        return np.where(lazy, self.tick - self.populations[:, at.P_READY], 0)

    def _refractory(self) -> np.ndarray:
        """Return the refractory ticks left of every neuron, from when it was brought up to date."""
        left = np.zeros(self.plan.n_neurons, dtype=np.int64)
        waiting, until = self._ints(at.H_WAITING), self._ints(at.H_UNTIL)
        counts, ready = self.populations[:, at.P_N_WAITING], self.tick - self._age()
        for p, count, first in zip(self.plan.populations, counts, ready, strict=True):
            here = slice(p.start, p.start + count)
            left[p.start + waiting[here]] = until[here] - first + 1
        return left

    def _ints(self, field: int) -> np.ndarray:
        return self.k[self.k[field] : self.k[field] + self._lengths[field]]

    def _floats(self, field: int) -> np.ndarray:
        return self.f[self.k[field] : self.k[field] + self._lengths[field]]

    # -- logs that grow --------------------------------------------------------------------------

    def _drain(self) -> None:
        count = int(self.k[at.K_N_LOGGED])
        if count:
            self.taken.append(self.log[:count].copy())
            self.k[at.K_N_LOGGED] = 0

    def _make_room(self) -> None:
        """Empty the spike log; drop post spikes that cannot change anything where room is short."""
        self._drain()
        parts = self.plastic.values()
        if all(p.q[at.Q_HIST_N] + len(p.place) <= p.q[at.Q_HIST_ROOM] for p in parts):
            return
        kept = [part.compacted(self.posts, self.tick) for part in parts]
        start = 0
        for part, rows in zip(parts, kept, strict=True):
            q, least = part.q, 2 * len(rows) + 2 * len(part.place)
            q[at.Q_HIST_N], q[at.Q_HIST_START] = len(rows), start
            q[at.Q_HIST_ROOM] = max(q[at.Q_HIST_ROOM], least)
            start += q[at.Q_HIST_ROOM]
        if start > len(self.posts):
            self.posts = np.zeros((start, 3), dtype=np.int32)
            self._point()
        for part, rows in zip(parts, kept, strict=True):
            part.history(self.posts)[:] = rows

    def _room_for(self, part: PlasticPart, n: int) -> None:
        """Have a part's log of post spikes hold at least ``n``."""
        q, room = part.q, 2 * n + 2 * len(part.place)
        if n + len(part.place) > q[at.Q_HIST_ROOM]:
            q[at.Q_HIST_START], q[at.Q_HIST_ROOM] = len(self.posts), room
            self.posts = np.concatenate([self.posts, np.zeros((room, 3), np.int32)])
            self._point()

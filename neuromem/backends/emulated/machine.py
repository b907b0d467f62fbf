"""The whole machine, tick by tick: all cores in lock step.

A tick: the timers of all cores end their period, and every core runs until it sleeps; then packets
are routed and handled until none is left. So a packet sent in a tick reaches its targets after they
have begun that tick and before the next, as on a board where cores keep up. Nothing here tells
whether they would.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from neuromem.backends.emulated import sark
from neuromem.backends.emulated.aplx import Program, read_program
from neuromem.backends.emulated.chip import Chip
from neuromem.backends.emulated.core import Core, CoreError
from neuromem.backends.emulated.crash import crash
from neuromem.backends.emulated.devices import Packet
from neuromem.backends.emulated.loading import DataSpecification, Where, load_chip
from neuromem.backends.emulated.router import Router
from neuromem.backends.emulated.snapshot import PlacedCore, Snapshot
from neuromem.backends.emulated.watchdog import Watchdog

#: Name of the region from which neurons are made, and the program that makes them on the core.
NEURON_BUILDER, NEURON_EXPANDER = "neuron_builder", "neuron_expander.aplx"
#: Port and command that set the duration of a run (``SDP_NEW_RUNTIME_ID_CODE``).
CONTROL_PORT, SET_RUN_TIME = 3, 7
#: How long a core may run without sleeping (s of wall time): an assumption, far above any need.
PATIENCE_S = 60.0
#: Rounds of packets within a tick after which they are taken to go round for ever.
MOST_ROUNDS = 1000


class Machine:
    """A machine with a network loaded.

    Parameters
    ----------
    snapshot
        The mapped network.
    folder
        Where the report of a crash goes.
    compressed
        Whether to use the compressed routing tables.
    patience_s
        How long a core may run without sleeping (s of wall time).
    """

    def __init__(
        self,
        snapshot: Snapshot,
        folder: Path,
        *,
        compressed: bool = True,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.snapshot = snapshot
        self.data = DataSpecification(snapshot.database)
        self.router = Router(
            {(c.x, c.y): c.compressed if compressed else c.table for c in snapshot.chips},
            {(c.x, c.y): c.links for c in snapshot.chips},
        )
        self.chips: dict[tuple[int, int], Chip] = {}
        self.cores: dict[Where, Core] = {}
        self.regions: dict[Where, dict[int, int]] = {}
        self._readers: set[Where] = set()
        self.tick = 0
        self._programs: dict[Path, Program] = {}
        self._watchdog, self._folder = Watchdog(patience_s), folder
        self._current: Core | None = None

    def boot(self) -> None:
        """Load data and programs, and start all cores, up to their synchronisation.

        Raises
        ------
        EmulationError
            When a core cannot go on.
        """
        placed: dict[tuple[int, int], list[PlacedCore]] = defaultdict(list)
        for core in self.snapshot.cores:
            placed[core.x, core.y].append(core)
        for chip in self.snapshot.chips:
            where = (chip.x, chip.y)
            if where not in placed:
                continue
            made = self.chips[where] = Chip(chip.x, chip.y, chip.sdram)
            for p, addresses in load_chip(made.system, placed[where], self.data).items():
                self.regions[*where, p] = addresses
        with self._guarded():
            for core in self.snapshot.cores:
                self._start(core)

    def run(self, ticks: int, progress: Callable[[int], None] | None = None) -> None:
        """Run all cores for some ticks, from the start to their end.

        A board would be stopped and read out where its recordings fill the memory; this is not.

        Raises
        ------
        ValueError
            When the recordings of so many ticks do not fit into the memory of a chip.
        EmulationError
            When a core cannot go on.
        """
        longest = self.snapshot.longest_run_ticks
        if longest is not None and ticks > longest:
            raise ValueError(
                f"{ticks} ticks: what is recorded fills the memory of a chip after {longest}; run "
                "for fewer ticks, record fewer variables, or put fewer neurons on a core"
            )
        message = sark.Message(CONTROL_PORT, SET_RUN_TIME, (ticks, 0, 0), bytes(4))
        with self._guarded():
            for core in self._all():
                core.post(message)
                _expect(core, sark.SYNC0)
            for core in self._all():
                core.synchronise()
            # In the tick after the last one a core finds that its time is over.
            for _ in range(ticks + 1):
                self.step()
                if progress is not None:
                    progress(min(self.tick, ticks))
            for core in self._all():
                _expect(core, sark.WAIT)

    def step(self) -> None:
        """Advance all cores by a tick."""
        # What others hand over in shared memory is read before it is written for the next tick.
        for reads in (True, False) if self._readers else (False,):
            for where, core in self.cores.items():
                if (where in self._readers) == reads:
                    core.timers.tick()
            for core in self._all():
                core.drain()
        for _ in range(MOST_ROUNDS):
            waiting = self._exchange()
            if not waiting:
                break
            for where, packets in waiting.items():
                core = self._current = self.cores[where]
                self._watchdog.watch(core)
                core.communications.receive(packets)
                core.drain()
        else:
            raise CoreError("packets go round for ever")
        for core in self._all():
            core.end_tick()
        self.tick += 1

    def _all(self) -> Iterator[Core]:
        """Yield every core, under the watchdog's eye."""
        for core in self.cores.values():
            self._current = core
            self._watchdog.watch(core)
            yield core

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Make a report of a core that cannot go on."""
        try:
            with self._watchdog:
                yield
        except CoreError as error:
            core = self._current
            assert core is not None
            where = (core.chip.x, core.chip.y, core.p)
            placed = next(c for c in self.snapshot.cores if (c.x, c.y, c.p) == where)
            raise crash(core, placed, self.tick, str(error), self._folder) from None

    def _exchange(self) -> dict[Where, list[Packet]]:
        """Route what cores have sent, and return what each core gets."""
        waiting: dict[Where, list[Packet]] = defaultdict(list)
        for (x, y, _), core in self.cores.items():
            sent = core.communications.sent
            if not sent:
                continue
            core.communications.sent = []
            for packet in sent:
                for where in self.router.route((x, y), packet):
                    if where in self.cores:
                        waiting[where].append(packet)
                    else:
                        self.router.dropped[f"core {where} has no program"] += 1
        return waiting

    def _start(self, placed: PlacedCore) -> None:
        """Start a core; where it has neurons, it makes their parameters from a short form first."""
        where = (placed.x, placed.y, placed.p)
        chip = self.chips[placed.x, placed.y]
        core = self._current = self.cores[where] = Core(chip, placed.p)
        self._watchdog.watch(core)
        region = self.data.region(where, NEURON_BUILDER)
        if region is not None and self.data.edge(where) is not None:
            self._readers.add(where)
        if region is not None and region.content is not None:
            chip.system.set_user(placed.p, sark.USER_1, region.number)
            core.start(self._program(Path(placed.program).parent / NEURON_EXPANDER))
            _expect(core, sark.EXIT)
        core.start(self._program(Path(placed.program)))
        _expect(core, sark.PAUSE)

    def _program(self, path: Path) -> Program:
        if path not in self._programs:
            self._programs[path] = read_program(path)
        return self._programs[path]


def _expect(core: Core, state: int) -> None:
    if core.state != state:
        found = sark.STATES.get(core.state, core.state)
        raise CoreError(f"it is {found}, and should be {sark.STATES[state]}")

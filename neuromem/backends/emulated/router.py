"""Packets on their way: each chip's router looks a key up in its table and passes copies on.

The first entry with ``key & mask == entry.key`` decides: copies go to cores, and over links to
other chips. Without an entry, a packet from a link goes straight on (default routing) and one from
a core is dropped.

Source: SpiNNaker datasheet v2.02, section 10.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from neuromem.backends.emulated.devices import Packet
from neuromem.backends.emulated.snapshot import Entry

LINKS = 6
Chip = tuple[int, int]
Core = tuple[int, int, int]


class Router:
    """All routers of a machine, and what they counted.

    Parameters
    ----------
    tables
        Routing table of each chip.
    links
        Chip at the other end of each link of each chip.
    """

    def __init__(
        self, tables: Mapping[Chip, Sequence[Entry]], links: Mapping[Chip, Mapping[int, Chip]]
    ) -> None:
        self._tables, self._links = dict(tables), dict(links)
        self._targets: dict[tuple[Chip, int], tuple[Core, ...]] = {}
        self._lost: dict[tuple[Chip, int], list[str]] = defaultdict(list)
        self._hops: Counter[tuple[Chip, int]] = Counter()
        self._defaulted: Counter[tuple[Chip, int]] = Counter()
        #: Packets sent, copies that reached a core, copies over a link, those by default routing.
        self.sent = self.delivered = self.hops = self.defaulted = 0
        #: What was dropped, and why: number of packets by reason.
        self.dropped: Counter[str] = Counter()

    def route(self, chip: Chip, packet: Packet) -> tuple[Core, ...]:
        """Return the cores that a packet sent on a chip reaches."""
        where = (chip, packet[0])
        if where not in self._targets:
            self._targets[where] = tuple(self._follow(*where))
        targets = self._targets[where]
        self.sent += 1
        self.delivered += len(targets)
        self.hops += self._hops[where]
        self.defaulted += self._defaulted[where]
        for reason in self._lost.get(where, ()):
            self.dropped[reason] += 1
        return targets

    def _follow(self, chip: Chip, key: int) -> list[Core]:
        """Return where a key ends up, in the order in which copies are made."""
        found: list[Core] = []
        where, waiting = (chip, key), [(chip, -1)]
        seen = set()
        while waiting:
            at, came_by = waiting.pop(0)
            if (at, came_by) in seen:
                self._lost[where].append(f"key {key:#x} runs in a circle at chip {at}")
                continue
            seen.add((at, came_by))
            entry = next((e for e in self._tables.get(at, ()) if key & e.mask == e.key), None)
            if entry is None and came_by < 0:
                self._lost[where].append(f"key {key:#x} has no entry on its own chip {at}")
                continue
            if entry is None:
                self._defaulted[where] += 1
            # Straight on: out at the opposite side of where it came in.
            route = entry.route if entry is not None else 1 << (came_by + LINKS // 2) % LINKS
            found += [(*at, p) for p in range(18) if route >> LINKS + p & 1]
            for link in range(LINKS):
                if not route >> link & 1:
                    continue
                if link not in self._links[at]:
                    self._lost[where].append(f"key {key:#x} leaves chip {at} by a dead link")
                    continue
                self._hops[where] += 1
                # It comes in by the link opposite to the one it left by.
                waiting.append((self._links[at][link], (link + LINKS // 2) % LINKS))
        return found

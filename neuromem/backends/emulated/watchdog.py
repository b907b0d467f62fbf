"""Ends the run of a core that never sleeps: nothing inside it can."""

from __future__ import annotations

import threading
from typing import Protocol

LOOKS_PER_PATIENCE = 20


class Stoppable(Protocol):
    """What runs, and can be stopped."""

    def stop(self) -> None:
        """Stop it, from another thread."""
        ...


class Watchdog:
    """Looks now and then whether what runs has changed, while it is entered.

    Parameters
    ----------
    patience_s
        How long one may run (s of wall time).
    """

    def __init__(self, patience_s: float) -> None:
        self.patience_s = patience_s
        self._running: Stoppable | None = None
        self._count = 0
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, what: Stoppable) -> None:
        """Say what runs from now on."""
        self._running = what
        self._count += 1

    def __enter__(self) -> Watchdog:
        self._over.clear()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._running = None
        self._over.set()
        assert self._thread is not None
        self._thread.join()

    def _look(self) -> None:
        seen, looks = -1, 0
        while not self._over.wait(self.patience_s / LOOKS_PER_PATIENCE):
            looks = looks + 1 if self._count == seen else 0
            seen, running = self._count, self._running
            if looks > LOOKS_PER_PATIENCE and running is not None:
                running.stop()

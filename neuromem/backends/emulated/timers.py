"""The two timers of a core, which only the machine moves on.

Source of the registers: SpiNNaker datasheet v2.02, section 6, and ``spinnaker.h`` of
``spinnaker_tools``.
"""

from __future__ import annotations

from collections.abc import Callable

from neuromem.backends.emulated.devices import TIMER_1, TIMER_2, InterruptController

#: Bits of a timer's control: it runs, with an interrupt.
RUNNING = 0xA0
#: After so many reads of a countdown, and nothing else, a core is taken to wait: it handles one
#: packet at a time, and reads the count at most half as often between two block transfers.
WAITING_READS = 12


class Timers:
    """Two counters that only the machine moves on, a tick at a time.

    A core that reads timer 2 again and again, while it runs as a countdown, waits for its end.

    Parameters
    ----------
    interrupts
        Where the end of a period is told.
    on_wait
        Called when the core waits.
    """

    def __init__(self, interrupts: InterruptController, on_wait: Callable[[], None]) -> None:
        self._interrupts, self._on_wait = interrupts, on_wait
        self._registers: dict[int, int] = {}
        self._reads, self._ended = 0, False

    def tick(self) -> None:
        """Let the period of timer 1 end."""
        if self._registers.get(0x08, 0) & RUNNING == RUNNING:
            self._interrupts.raise_line(TIMER_1)

    def end_countdown(self) -> None:
        """Let the countdown of timer 2 end."""
        self._ended = True

    def busy(self) -> None:
        """Say that the core does something."""
        self._reads = 0

    def read(self, offset: int) -> int:
        """Read a register."""
        timer, register = offset & 0x20, offset & 0x1F
        if offset == 0x24 and self._registers.get(0x28, 0) & RUNNING == RUNNING:
            if self._ended:
                return 0
            self._reads += 1
            if self._reads > WAITING_READS:
                self._reads = 0
                self._on_wait()
        if register == 0x04:  # the count: at the start of its period
            return self._registers.get(timer, 0)
        if register in (0x10, 0x14):
            line = TIMER_2 if timer else TIMER_1
            return self._interrupts.lines >> line & 1
        return self._registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset & 0x1F == 0x0C:
            self._interrupts.lower_line(TIMER_2 if offset & 0x20 else TIMER_1)
            return
        self._registers[offset] = value
        if offset == 0x28:
            self._reads, self._ended = 0, False

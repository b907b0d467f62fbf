"""The devices of a core: interrupt controller, DMA, communications, system controller.

Each has ``read(offset)`` and ``write(offset, value)`` for its registers. Time does not pass in
them: DMA is done at once, and a packet can always be sent.

Source of all registers: SpiNNaker datasheet v2.02, and ``spinnaker.h`` of ``spinnaker_tools``.
"""

from __future__ import annotations

import ctypes
from collections import deque
from collections.abc import Callable

#: Interrupt lines.
SOFTWARE, TIMER_1, TIMER_2, PACKET_READY, DMA_DONE, CPU, MULTICAST = 1, 4, 5, 6, 12, 18, 24
PACKET_LINES = 1 << PACKET_READY | 1 << MULTICAST
#: A packet: its key and payload (None without).
Packet = tuple[int, int | None]


class InterruptController:
    """The vectored interrupt controller (VIC): 32 lines, 16 vectors in order of priority."""

    def __init__(self) -> None:
        self.lines = self.soft = self.enabled = self.fast = 0
        self._vectors, self._controls = [0] * 16, [0] * 16
        #: The handler for each set of waiting lines, found before.
        self._handlers: dict[int, int] = {}

    def raise_line(self, line: int) -> None:
        """Make a line active."""
        self.lines |= 1 << line

    def lower_line(self, line: int) -> None:
        """Make a line inactive."""
        self.lines &= ~(1 << line)

    @property
    def pending(self) -> int:
        """Active lines that are enabled."""
        return (self.lines | self.soft) & self.enabled

    def vector(self) -> int:
        """Return the handler of the pending interrupt of highest priority, 0 where none has one."""
        waiting = self.pending & ~self.fast
        if waiting not in self._handlers:
            self._handlers[waiting] = self._handler(waiting)
        return self._handlers[waiting]

    def _handler(self, waiting: int) -> int:
        for vector, control in zip(self._vectors, self._controls, strict=True):
            if control & 0x20 and waiting >> (control & 0x1F) & 1:
                return vector
        return 0

    def read(self, offset: int) -> int:
        """Read a register."""
        if offset == 0x10:
            return self.enabled
        if offset == 0x0C:
            return self.fast
        if offset == 0x00:
            return self.pending & ~self.fast
        if offset == 0x04:
            return self.pending & self.fast
        if offset == 0x08:
            return self.lines | self.soft
        return self.vector() if offset == 0x30 else 0

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == 0x30:
            return  # the end of a handler: none is interrupted by another here
        if offset == 0x10:
            self.enabled |= value
        elif offset == 0x14:
            self.enabled &= ~value
        elif offset == 0x18:
            self.soft |= value
        elif offset == 0x1C:
            self.soft &= ~value
        elif offset == 0x0C:
            self.fast = value
        elif 0x100 <= offset < 0x140:
            self._vectors[(offset - 0x100) // 4] = value
            self._handlers.clear()
        elif 0x200 <= offset < 0x240:
            self._controls[(offset - 0x200) // 4] = value
            self._handlers.clear()


class Dma:
    """Block transfers between shared and local memory, each done at once."""

    def __init__(
        self,
        interrupts: InterruptController,
        core: int,
        host: Callable[[int, int], int],
        on_transfer: Callable[[], None],
    ) -> None:
        self._interrupts, self._core, self._host = interrupts, core, host
        self._on_transfer = on_transfer
        self._system = self._local = 0
        self._done = False

    def read(self, offset: int) -> int:
        """Read a register."""
        if offset == 0x14:  # status: core, transfer done
            return self._core << 24 | self._done << 10
        return {0x04: self._system, 0x08: self._local}.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == 0x04:
            self._system = value
        elif offset == 0x08:
            self._local = value
        elif offset == 0x0C:
            length = value & 0x1_FFFF
            system = self._host(self._system, length)
            local = self._host(self._local, length)
            if value >> 19 & 1:
                ctypes.memmove(system, local, length)
            else:
                ctypes.memmove(local, system, length)
            self._done = True
            self._interrupts.raise_line(DMA_DONE)
            self._on_transfer()
        elif offset == 0x10 and value & 0x0A:  # done, or all aborted
            self._done = False
            self._interrupts.lower_line(DMA_DONE)


class Communications:
    """Sender and receiver of packets."""

    def __init__(self, interrupts: InterruptController) -> None:
        self._interrupts = interrupts
        self._control, self._payload = 0, None
        self.sent: list[Packet] = []
        self.received: deque[Packet] = deque()

    def receive(self, packets: list[Packet]) -> None:
        """Take packets from the router."""
        self.received.extend(packets)
        self._interrupts.lines |= PACKET_LINES

    def read(self, offset: int) -> int:
        """Read a register."""
        if offset == 0x14:
            key, _ = self.received.popleft()
            if not self.received:
                self._interrupts.lines &= ~PACKET_LINES
            return key
        payload = self.received[0][1] if self.received else None
        if offset == 0x0C:
            return bool(self.received) << 31 | (payload is not None) << 17
        if offset == 0x10:
            return payload or 0
        # Control: empty and not full.
        return self._control & 0x00FF_FFFF | 0x9000_0000 if offset == 0x00 else 0

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == 0x08:
            self.sent.append((value, self._payload))
            self._payload = None
        elif offset == 0x04:
            self._payload = value
        elif offset == 0x00:
            self._control = value


class SystemController:
    """The chip's registers for all cores, as one of them sees it; a lock is always free here."""

    def __init__(self, interrupts: InterruptController, on_message: Callable[[], None]) -> None:
        self._interrupts, self._on_message = interrupts, on_message
        #: One bit a core: 0 lets it go on at synchronisation barrier 0.
        self.flags = 0xFFFF_FFFF

    def read(self, offset: int) -> int:
        """Read a register."""
        return self.flags if offset in (0x58, 0x5C) else 0

    def write(self, offset: int, value: int) -> None:
        """Write a register."""
        if offset == 0x0C:
            self._interrupts.lower_line(CPU)
        elif offset == 0x08 and value & 1:  # to the monitor
            self._on_message()


class Nothing:
    """A device that is not emulated: reads give 0."""

    def read(self, offset: int) -> int:
        """Read a register."""
        return 0

    def write(self, offset: int, value: int) -> None:
        """Write a register."""

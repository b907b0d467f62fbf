"""What a booted chip offers its cores: system variables, heaps, locks' memory and the mailbox.

On a board the monitor core's program (SCAMP) sets these up, and serves them while others run.

Source of all offsets: ``sark.h`` and ``sark_alloc.c`` of ``spinnaker_tools``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from neuromem.backends.emulated.memory import (
    SDRAM_BASE,
    SDRAM_BYTES,
    SYSRAM_BASE,
    ChipMemory,
)

#: Codes of a core's state that matter here (``cpu_state_e``).
RUN_TIME_ERROR, WATCHDOG, WAIT, SYNC0, PAUSE, EXIT = 2, 3, 5, 8, 10, 11
STATES = {
    0: "dead", 1: "powered down", 2: "run-time error", 3: "watchdog", 4: "initialising",
    5: "ready", 6: "in main", 7: "running", 8: "waiting for sync 0", 9: "waiting for sync 1",
    10: "paused", 11: "finished", 15: "idle",
}  # fmt: skip
#: Codes of a run-time error (``rte_code_e``).
ERRORS = {
    1: "branch through zero", 2: "undefined instruction", 3: "undefined supervisor call",
    4: "prefetch abort", 5: "data abort", 6: "unhandled IRQ", 7: "unhandled FIQ",
    8: "unconfigured interrupt vector", 9: "abort by the program", 10: "out of memory",
    11: "division by zero", 12: "event start-up", 13: "software error", 14: "no log buffer",
    15: "bad event enable", 16: "null pointer", 17: "packet start-up", 18: "timer start-up",
    19: "API start-up", 20: "software versions differ",
}  # fmt: skip
CORES = 18
#: A core's block: where, how long, and fields in it (``vcpu_t``).
VCPU, VCPU_BYTES = SYSRAM_BASE + 0x7000, 128
ERROR_CODE, STATE, LOG, USER_0, USER_1 = 44, 46, 88, 112, 116
TO_CORE, FROM_CORE, COMMAND_TO_CORE, COMMAND_FROM_CORE = 48, 52, 56, 57
#: The system variables (``sv_t``).
SV = SYSRAM_BASE + 0x7F00
MAILBOX_FLAGS, FREE_MESSAGE = SV + 0xEC, SV + 0x68
#: Shared message buffers, and a mailbox command.
MESSAGES, MESSAGE_BYTES, MESSAGE_COUNT, HAS_MESSAGE = SYSRAM_BASE + 0x100, 292, 32, 1
#: Shared memory outside the heap: tagged blocks, applications, router copy, heap of the system.
TAGS, APPLICATIONS, ROUTER_COPY, SYSTEM_HEAP = 0x0, 0x4_0000, 0x4_1000, 0x5_0000
SYSRAM_HEAP, SYSRAM_HEAP_END = SYSRAM_BASE + 0x4000, SYSRAM_BASE + 0x7000
HEAP_BYTES, BLOCK_BYTES = 16, 8
APPLICATION = 17
CPU_MHZ, LOG_BYTES = 200, 16_384
#: Version of the monitor's program that sPyNNaker 7.4.1 asks for (``base_transceiver.py``): 4.0.0.
SCAMP_VERSION = 0x0004_0000


@dataclass(frozen=True)
class Message:
    """A message (SDP with a command header) to a core.

    Parameters
    ----------
    port
        Port of the core.
    command
        What it is to do.
    arguments
        Its three arguments.
    data
        What follows.
    """

    port: int
    command: int
    arguments: tuple[int, int, int] = (0, 0, 0)
    data: bytes = b""


class System:
    """The system's part of a chip's memory.

    Parameters
    ----------
    memory
        Of the chip.
    x, y
        Where the chip is.
    heap_bytes
        Shared memory that programs may take.
    """

    def __init__(self, memory: ChipMemory, x: int, y: int, heap_bytes: int) -> None:
        self.sdram, self.sysram = memory.sdram, memory.sysram
        self.x, self.y = x, y
        top = SDRAM_BASE + SDRAM_BYTES
        self.heap = (top - heap_bytes - HEAP_BYTES - 2 * BLOCK_BYTES) & ~3
        _heap(self.sdram, self.heap, top)
        _heap(self.sdram, SDRAM_BASE + SYSTEM_HEAP, self.heap)
        _heap(self.sysram, SYSRAM_HEAP, SYSRAM_HEAP_END)
        for i in range(MESSAGE_COUNT):
            following = MESSAGES + (i + 1) * MESSAGE_BYTES if i + 1 < MESSAGE_COUNT else 0
            self.sysram.set_word(MESSAGES + i * MESSAGE_BYTES, following)
        self._variables()

    def _variables(self) -> None:
        fields = {
            0x00: ("<H", self.x << 8 | self.y),  # where the chip is
            0x0A: ("<B", 5),  # version of the board
            0x24: ("<2H", CPU_MHZ, 130),  # clocks: processor, memory
            0x48: ("<2I", SYSRAM_HEAP, self.heap),  # heaps: system RAM, SDRAM
            0x50: ("<I", LOG_BYTES),  # length of a log buffer
            0x68: ("<I", MESSAGES),  # first free message
            0x94: (f"<{CORES}B", *range(CORES)),  # virtual number of each core
            0xA8: (f"<{CORES}B", *range(CORES)),  # and the other way round
            0xBC: ("<B", CORES),  # working cores
            0xC0: ("<I", self.heap),  # SDRAM for users
            0xC4: ("<I", SYSRAM_HEAP),  # system RAM for users
            0xCC: ("<I", VCPU),  # blocks of the cores
            0xD0: ("<I", SDRAM_BASE + SYSTEM_HEAP),  # heap of the system
            0xD4: ("<I", SDRAM_BASE + ROUTER_COPY),  # copy of the routing table
            0xDC: ("<I", SDRAM_BASE + TAGS),  # tagged blocks
            0xE4: ("<I", SDRAM_BASE + APPLICATIONS),  # applications
            0xE8: ("<I", MESSAGES),  # all messages
            0xFC: ("<I", SCAMP_VERSION),  # version of the monitor
        }
        for offset, (form, *values) in fields.items():
            self.sysram.write(SV + offset, struct.pack(form, *values))

    def allocate(self, size: int, tag: int = 0) -> int:
        """Return the address of a new block of shared memory, as the host asks for one.

        Raises
        ------
        MemoryError
            When the chip has no such block left.
        """
        needed = (size + 3 & ~3) + BLOCK_BYTES
        before, block = self.heap, self.sdram.word(self.heap)
        while block:
            end, next_free = self.sdram.word(block), self.sdram.word(block + 4)
            if block + needed <= end:
                break
            before, block = block + 4, next_free
        else:
            raise MemoryError(
                f"chip {self.x},{self.y} has no {size} bytes of shared memory left: use fewer "
                "neurons, or a shorter run"
            )
        if block + needed + BLOCK_BYTES < end:
            rest = block + needed
            self.sdram.set_word(rest, end)
            self.sdram.set_word(rest + 4, next_free)
            self.sdram.set_word(block, rest)
            next_free = rest
        self.sdram.set_word(before, next_free)
        self.sdram.set_word(block + 4, 0xFFFF_0000 + (APPLICATION << 8) + tag)
        left = self.sdram.word(self.heap + 12)
        self.sdram.set_word(self.heap + 12, left - needed)
        address = block + BLOCK_BYTES
        if tag:
            self.sdram.set_word(SDRAM_BASE + TAGS + 4 * ((APPLICATION << 8) + tag), address)
        return address

    def state(self, p: int) -> int:
        """Return the code of a core's state."""
        return self.sysram.byte(VCPU + p * VCPU_BYTES + STATE)

    def error(self, p: int) -> str:
        """Return what a core's run-time error was."""
        code = self.sysram.byte(VCPU + p * VCPU_BYTES + ERROR_CODE)
        return ERRORS.get(code, f"error {code}")

    def set_user(self, p: int, field: int, value: int) -> None:
        """Write one of a core's user words, ``USER_0`` or ``USER_1``."""
        self.sysram.set_word(VCPU + p * VCPU_BYTES + field, value)

    def post(self, p: int, message: Message) -> None:
        """Put a message into a core's mailbox; the core must then be interrupted."""
        buffer = self.sysram.word(FREE_MESSAGE)
        self.sysram.set_word(FREE_MESSAGE, self.sysram.word(buffer))
        where = self.x << 8 | self.y
        # To the core's port, from a host; an answer is expected (0x87).
        header = struct.pack("<2H4B2H", 24 + len(message.data), 0, 0x87, 0xFF,
                             message.port << 5 | p, 0xFF, where, where)  # fmt: skip
        body = struct.pack("<2H3I", message.command, 0, *message.arguments) + message.data
        self.sysram.write(buffer + 4, header + body)
        block = VCPU + p * VCPU_BYTES
        self.sysram.set_word(block + TO_CORE, buffer)
        self.sysram.set_byte(block + COMMAND_TO_CORE, HAS_MESSAGE)

    def collect(self) -> None:
        """Take what cores have sent to the monitor: answers, of which only the buffers matter."""
        flags = self.sysram.word(MAILBOX_FLAGS)
        self.sysram.set_word(MAILBOX_FLAGS, 0)
        for p in range(CORES):
            block = VCPU + p * VCPU_BYTES
            if not flags >> p & 1 or self.sysram.byte(block + COMMAND_FROM_CORE) != HAS_MESSAGE:
                continue
            buffer = self.sysram.word(block + FROM_CORE)
            self.sysram.set_word(buffer, self.sysram.word(FREE_MESSAGE))
            self.sysram.set_word(FREE_MESSAGE, buffer)
            self.sysram.set_byte(block + COMMAND_FROM_CORE, 0)

    def log(self, p: int) -> str:
        """Return the text that a core has logged."""
        buffer = self.sysram.word(VCPU + p * VCPU_BYTES + LOG)
        text = b""
        # Each buffer: the next one, time (2 words), length, characters.
        while buffer and len(text) < 1_000_000:
            following, _, _, length = struct.unpack("<4I", self.sdram.read(buffer, 16))
            text += self.sdram.read(buffer + 16, min(length, LOG_BYTES))
            buffer = following
        return text.decode("latin-1")


def _heap(memory, base: int, end: int) -> None:
    """Make a memory area a heap with one free block."""
    first, last = base + HEAP_BYTES, end - BLOCK_BYTES
    for at, word in (
        (base, first), (base + 4, first), (base + 8, last), (base + 12, last - first - 8),
        (first, last), (first + 4, 0), (last, 0), (last + 4, 0),
    ):  # fmt: skip
        memory.set_word(at, word)

"""One core: its processor, local memory and devices, run from one sleep to the next.

A core sleeps until an interrupt, handles it, and sleeps again. Interrupts that arise while it is
awake (a finished DMA, its own software interrupt) are taken when it sleeps: SpiNNaker's run-time
system sleeps with interrupts masked, and unmasks them right after. So handlers do not interrupt
each other, and the same input gives the same run.

A core for synapses alone does not sleep within a tick: its handler of the timer waits for packets
by reading a countdown. It stops where it waits, takes packets there by its fast interrupt, and goes
on to sleep when the machine ends the countdown.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from neuromem.backends.emulated import sark
from neuromem.backends.emulated.aplx import Program
from neuromem.backends.emulated.devices import (
    CPU,
    Communications,
    Dma,
    InterruptController,
    Nothing,
    SystemController,
)
from neuromem.backends.emulated.memory import (
    DTCM_BASE,
    DTCM_BYTES,
    ITCM_BASE,
    ITCM_BYTES,
    Memory,
)
from neuromem.backends.emulated.registers import Batch
from neuromem.backends.emulated.timers import Timers

if TYPE_CHECKING:
    from neuromem.backends.emulated.chip import Chip

#: Where the registers of each device are, buffered and not, and how long.
DEVICES = {
    "communications": (0x1000_0000, 0x2000_0000, 0x1000),
    "timers": (0x1100_0000, 0x2100_0000, 0x1000),
    "interrupts": (0x1F00_0000, 0x2F00_0000, 0x1000),
    "dma": (0x3000_0000, 0x4000_0000, 0x1000),
    "memory controller": (0xF000_0000, 0xE000_0000, 0x1000),
    "router": (0xF100_0000, 0xE100_0000, 0x1_8000),
    "system controller": (0xF200_0000, 0xE200_0000, 0x1000),
    "watchdog": (0xF300_0000, 0xE300_0000, 0x1000),
}
#: Modes of the processor: IRQ masks IRQ, the others fast interrupts as well.
IRQ_MODE, FIQ_MODE, SUPERVISOR = 0x92, 0xD1, 0xD3
FAST_VECTOR = 0x1C
#: An address that no program reaches.
NEVER = 0xFFFF_FFFC
#: Room for a program's translated code, and far more than 32 KB of code need: unicorn's own choice
#: is 1 GB of address space for each core.
TRANSLATED_BYTES = 8 << 20
REMEMBERED = 24


class CoreError(Exception):
    """Why a core cannot go on; the machine makes a report of it."""


class Core:
    """A core of a chip.

    Parameters
    ----------
    chip
        Its chip.
    p
        Its number there.
    """

    program: Program

    def __init__(self, chip: Chip, p: int) -> None:
        import unicorn
        from unicorn import arm_const

        self.chip, self.p = chip, p
        self.accesses: deque[tuple[str, str, int, int]] = deque(maxlen=REMEMBERED)
        self.itcm = Memory(ITCM_BASE, ITCM_BYTES)
        self.dtcm = Memory(DTCM_BASE, DTCM_BYTES)
        self._memories = [(ITCM_BASE, self.itcm), (DTCM_BASE, self.dtcm), *chip.memory.regions()]
        self.interrupts = InterruptController()
        self.timers = Timers(self.interrupts, self._wait)
        self.communications = Communications(self.interrupts)
        self.controller = SystemController(self.interrupts, chip.system.collect)
        self._error: type[Exception] = unicorn.UcError  # pyright: ignore[reportPrivateImportUsage]
        self._stopped = False
        #: Whether it waits for packets, instead of sleeping.
        self.waits = False
        # The ARM968 of the board has the instructions of the ARM946.
        self.processor = unicorn.Uc(  # pyright: ignore[reportPrivateImportUsage]
            unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM | unicorn.UC_MODE_ARM946
        )
        self.processor.ctl_set_tcg_buffer_size(TRANSLATED_BYTES)
        self._now = Batch(self.processor, arm_const.UC_ARM_REG_PC, arm_const.UC_ARM_REG_CPSR)
        # The mode first: it decides which link register and saved status are written.
        self._on_interrupt = Batch(
            self.processor,
            arm_const.UC_ARM_REG_CPSR,
            arm_const.UC_ARM_REG_SPSR,
            arm_const.UC_ARM_REG_LR,
        )
        for base, memory in self._memories:
            self.processor.mem_map_ptr(base, memory.size, unicorn.UC_PROT_ALL, memory.host_address)
        devices = {
            "communications": self.communications,
            "timers": self.timers,
            "interrupts": self.interrupts,
            "dma": Dma(self.interrupts, p, self._host_address, self.timers.busy),
            "system controller": self.controller,
        }
        for name, (first, second, size) in DEVICES.items():
            self._map_device(name, devices.get(name, Nothing()), first, size)
            self._map_device(name, devices.get(name, Nothing()), second, size)

    def start(self, program: Program) -> None:
        """Load a program and run it until it sleeps.

        As on the board it finds the local memory as the program before it left it.
        """
        from unicorn import arm_const

        self.program = program
        program.load(self._write)
        self.processor.ctl_flush_tb()  # code that was translated before is no longer there
        self.processor.reg_write(arm_const.UC_ARM_REG_CPSR, SUPERVISOR)
        self.processor.reg_write(arm_const.UC_ARM_REG_R0, sark.APPLICATION)
        self._run(program.entry)

    @property
    def state(self) -> int:
        """The code of its state."""
        return self.chip.system.state(self.p)

    def post(self, message: sark.Message) -> None:
        """Send it a message, and let it be handled."""
        self.chip.system.post(self.p, message)
        self.interrupts.raise_line(CPU)
        self.drain()

    def synchronise(self) -> None:
        """Let it pass synchronisation barrier 0."""
        self.controller.flags = 0
        self._run(self._now.read()[0])
        self.drain()

    def end_tick(self) -> None:
        """Let it go to sleep, where it waits for packets."""
        if self.waits:
            self.timers.end_countdown()
            self._run(self._now.read()[0])
            self.drain()

    def drain(self) -> None:
        """Take interrupts until none is left."""
        interrupts = self.interrupts
        while pending := interrupts.pending:
            fast = pending & interrupts.fast
            # Where it waits, it is in a handler, and others are masked.
            vector = FAST_VECTOR if fast else 0 if self.waits else interrupts.vector()
            if not vector:
                return
            where, status = self._now.read()
            mode = FIQ_MODE if fast else IRQ_MODE
            self._on_interrupt.write(status & ~0xFF | mode, status, where + 4)
            self._run(vector)

    def stop(self) -> None:
        """End its run, from another thread."""
        self._stopped = True
        self.processor.emu_stop()

    def registers(self) -> dict[str, int]:
        """Return the processor's registers by name."""
        from unicorn import arm_const

        names = [f"r{i}" for i in range(13)] + ["sp", "lr", "pc", "cpsr"]
        numbers = [getattr(arm_const, f"UC_ARM_REG_{name.upper()}") for name in names]
        return dict(zip(names, self.processor.reg_read_batch(numbers), strict=True))

    def _run(self, address: int) -> None:
        """Run from an address until the core sleeps, or waits."""
        self.waits = False
        try:
            self.processor.emu_start(address, NEVER)
        except self._error as error:
            raise CoreError(f"the processor stopped: {error}") from None
        if self._stopped:
            raise CoreError("it does not go to sleep")
        if (state := self.state) in (sark.RUN_TIME_ERROR, sark.WATCHDOG):
            raise CoreError(f"{sark.STATES[state]}: {self.chip.system.error(self.p)}")

    def _wait(self) -> None:
        """Stop before the read by which it waits; it is repeated when the core goes on."""
        self.waits = True
        self.processor.emu_stop()

    def _write(self, address: int, data: bytes) -> None:
        for base, memory in self._memories:
            if base <= address and address + len(data) <= base + memory.size:
                memory.write(address - base + memory.base, data)
                return
        raise CoreError(f"no memory at {address:#x} to load {len(data)} bytes into")

    def _host_address(self, address: int, size: int) -> int:
        """Return where the core's memory lies in this process."""
        for base, memory in self._memories:
            if base <= address and address + size <= base + memory.size:
                return memory.host_address + address - base
        raise CoreError(f"DMA of {size} bytes at {address:#x}, where there is no memory")

    def _map_device(self, name: str, device, base: int, size: int) -> None:
        read, write, remember = device.read, device.write, self.accesses.append

        def on_read(_uc, offset: int, _size: int, _data) -> int:
            value = read(offset)
            remember(("read", name, offset, value))
            return value

        def on_write(_uc, offset: int, _size: int, value: int, _data) -> None:
            remember(("write", name, offset, value))
            write(offset, value)

        self.processor.mmio_map(base, size, on_read, None, on_write, None)

"""What is known of a core that stopped, in plain words and in a file."""

from __future__ import annotations

from pathlib import Path

from neuromem.backends.emulated import sark
from neuromem.backends.emulated.core import Core
from neuromem.backends.emulated.snapshot import PlacedCore

NAME = "crash.txt"
LAST_LINES = 40


class EmulationError(ValueError):
    """An emulated core that cannot go on: which, why, and where the report is."""


def crash(core: Core, placed: PlacedCore, tick: int, reason: str, folder: Path) -> EmulationError:
    """Write a report of a core that stopped, and return the error that names it.

    Parameters
    ----------
    core, placed
        The core, and what it holds.
    tick
        When.
    reason
        Why.
    folder
        Where the report goes.
    """
    path = folder / NAME
    path.write_text(report(core, placed, tick, reason), encoding="utf-8")
    where = f"{placed.x},{placed.y},{placed.p}"
    return EmulationError(
        f"emulated core {where} of {placed.holds!r} ({core.program.name}) stopped in tick {tick}: "
        f"{reason}; report: {path}"
    )


def report(core: Core, placed: PlacedCore, tick: int, reason: str) -> str:
    """Return all that is known of a core."""
    registers = [f"{name:>4} {value:08x}" for name, value in core.registers().items()]
    accesses = [
        f"{kind:5} {device} +{offset:#x} {value:#x}"
        for kind, device, offset, value in core.accesses
    ]
    system = core.chip.system
    lines = [
        f"core {placed.x},{placed.y},{placed.p}, tick {tick}",
        f"holds    {placed.holds} [{placed.first}:{placed.first + placed.neurons}]",
        f"program  {core.program.name}",
        f"state    {sark.STATES.get(core.state, core.state)}",
        f"reason   {reason}",
        "",
        "REGISTERS",
        *(" ".join(registers[i : i + 4]) for i in range(0, len(registers), 4)),
        "",
        "LAST ACCESSES TO DEVICES",
        *accesses,
        "",
        "ITS LOG",
        *decoded(system.log(core.p)).split("\n")[-LAST_LINES:],
    ]
    return "\n".join(lines) + "\n"


def decoded(log: str) -> str:
    """Return a program's log with the messages that its numbers stand for."""
    # Not splitlines: the arguments of a message are separated by a control character.
    from spinn_utilities.make_tools.replacer import Replacer

    with Replacer() as replacer:
        return "\n".join(replacer.replace(line) for line in log.split("\n"))

"""What the tests of the memories share: the board's recordings, and raw input spikes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from neuromem import backends
from neuromem.memory import Memory
from neuromem.network import SpikeTrains

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def oracle() -> Path:
    """The folder of board recordings, which are not part of the project."""
    named = os.environ.get("NEUROMEM_ORACLE")
    folder = Path(named) if named else ROOT.parent / "shared" / "oracle"
    if not (folder / "ca3_functional.json").is_file():
        where = f"NEUROMEM_ORACLE = {named}" if named else "../shared/oracle"
        pytest.skip(f"no board recordings in {where}: set NEUROMEM_ORACLE to their folder")
    return folder


@pytest.fixture
def drive() -> Callable[..., backends.Simulation]:
    """Run a memory on input spikes of one's own: ``{line: [times]}``, cue lines first."""

    def driven(
        memory: Memory, lines: dict[int, list[int]], duration_ms: float, backend: str = "native"
    ) -> backends.Simulation:
        simulation = backends.start(memory.network, backend)
        boot = {name: SpikeTrains.of([times]) for name, times in memory.model.boot.items()}
        size = memory.network.population("input").size
        simulation.stimulate({"input": SpikeTrains.of(lines, size), **boot})
        simulation.run(duration_ms)
        return simulation

    return driven

"""What the tests of the memories share: raw input spikes."""

from collections.abc import Callable

import pytest

from neuromem import backends
from neuromem.memory import Memory
from neuromem.network import SpikeTrains


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

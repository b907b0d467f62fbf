"""SpiNNaker without a board: sPyNNaker maps a network, and the board's own programs are emulated.

The programs are the unmodified ones of sPyNNaker's wheels, so their fixed-point arithmetic, plastic
rules and memory limits are the board's. The emulation is functional: it says nothing of overrun
ticks, contention for memory, packets lost on their way or speed, and it is no board.

A core may hold neurons with their synapses, neurons alone, synapses alone (several such cores for
one of neurons), given or Poisson spikes, or delays. A run is one run: a board that is stopped and
read out whenever its recordings fill its memory is not emulated, and such a run is refused.

It needs the emulator ``unicorn``, whose licence is GPL-2; nothing outside this package imports it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neuromem.backends.emulated.capabilities import capabilities
from neuromem.backends.emulated.crash import EmulationError
from neuromem.backends.emulated.simulation import simulate, sizing
from neuromem.backends.rerun import RerunSimulation
from neuromem.backends.simulation import Fidelity, Simulation
from neuromem.network import Network


def start(
    network: Network,
    backend: str,
    seed: int | None,
    fidelity: Fidelity,
    options: Mapping[str, Any],
) -> Simulation:
    """Return a simulation of a network at t = 0."""
    sizing(options)
    return RerunSimulation(simulate, capabilities(backend), network, seed, fidelity, options)


__all__ = ["EmulationError", "capabilities", "simulate", "start"]

"""Input spikes, checked against a network and its grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neuromem.network import Network, Population, SpikeTrains

Stimulus = Mapping[str, SpikeTrains]
#: Ticks are logged in 32 bits.
LAST_TICK = 2**31 - 1


def input_ticks(network: Network, name: str, trains: SpikeTrains, now: int) -> np.ndarray:
    """Return the ticks of a source's input spikes.

    Raises
    ------
    ValueError
        For an unknown source, a size that does not fit, or a time before tick ``now`` or off the
        grid.
    """
    h, source = network.timestep_ms, network.population(name)
    if isinstance(source, Population):
        raise ValueError(f"{name!r} is a population of neurons: stimulate a spike source")
    if trains.size != source.size:
        raise ValueError(f"{trains.size} spike trains for {name!r} of size {source.size}")
    if len(trains) and trains.times_ms[-1] / h > LAST_TICK:
        latest = trains.times_ms[-1]
        raise ValueError(f"input spike at {latest:g} ms: the last tick is {LAST_TICK}")
    ticks = np.rint(trains.times_ms / h).astype(np.int64)
    off_grid = np.abs(ticks * h - trains.times_ms) > 1e-6 * h
    if np.any(off_grid):
        bad = trains.times_ms[off_grid][0]
        raise ValueError(f"input spike at {bad} ms: must lie on the {h:g} ms grid")
    if np.any(ticks < now):
        bad = trains.times_ms[ticks < now][0]
        raise ValueError(f"input spike at {bad:g} ms: the simulation is at {now * h:g} ms")
    return ticks

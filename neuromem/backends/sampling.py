"""When and in which unit a recording samples, the same on every backend."""

from __future__ import annotations

import numpy as np

from neuromem.network import Network, Population, Recording


def sample_ticks(network: Network, recording: Recording, ticks: int) -> np.ndarray:
    """Return the ticks after which a recording samples in a run of so many ticks."""
    return np.arange(0, ticks, interval_ticks(network, recording))


def interval_ticks(network: Network, recording: Recording) -> int:
    """Return the sampling interval in ticks."""
    return network.ticks(recording.every_ms or network.timestep_ms)


def sample_shape(network: Network, recording: Recording) -> tuple[int, ...]:
    """Return the shape of one sample: (neurons,) or (pre, post)."""
    if recording.variable != "weights":
        return (network.population(recording.target).size,)
    projection = network.projection(recording.target)
    return network.view(projection.pre).size, network.view(projection.post).size


def sample_unit(network: Network, recording: Recording) -> str:
    """Return the unit of what a recording samples."""
    if recording.variable == "weights":
        target = network.view(network.projection(recording.target).post).population
    else:
        target = network.population(recording.target)
    assert isinstance(target, Population)
    if recording.variable == "v":
        return "1" if target.neuron.weight_unit == "1" else "mV"
    return target.neuron.weight_unit

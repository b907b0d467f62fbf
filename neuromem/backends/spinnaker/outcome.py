"""What a board gave, in the definition's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from neuromem.backends.rerun import Outcome
from neuromem.backends.sampling import sample_ticks, sample_unit
from neuromem.backends.spinnaker.mapping import OUTCOME
from neuromem.backends.stimulus import Stimulus
from neuromem.network import (
    IF_curr_exp,
    Network,
    Population,
    Recording,
    SpikeSource,
    SpikeTrains,
)
from neuromem.results import Samples


def read_outcome(folder: Path, network: Network, stimulus: Stimulus, ticks: int) -> Outcome:
    """Return what the worker wrote after a run on a board."""
    with np.load(folder / OUTCOME) as stored:
        arrays = dict(stored.items())
    return to_outcome(arrays, network, stimulus, ticks)


def to_outcome(
    arrays: Mapping[str, np.ndarray], network: Network, stimulus: Stimulus, ticks: int
) -> Outcome:
    """Return an outcome from arrays named ``"spikes NAME"``, ``"weights LABEL"`` and so on."""
    spikes = {}
    for population in network.populations:
        if isinstance(population, SpikeSource):
            none = SpikeTrains(np.zeros(0), np.zeros(0, dtype=int), population.size)
            spikes[population.name] = stimulus.get(population.name, none)
        else:
            rows = arrays[f"spikes {population.name}"]
            spikes[population.name] = SpikeTrains(
                rows[:, 0], rows[:, 1].astype(int), population.size
            )
    samples = {}
    for recording in network.recordings:
        key = f"sample {recording.variable} {recording.target}"
        if key in arrays:
            at = sample_ticks(network, recording, ticks)[: len(arrays[key])]
            samples[recording.target, recording.variable] = Samples(
                at * network.timestep_ms, arrays[key], sample_unit(network, recording)
            )
    return Outcome(spikes, _weights(arrays, network), samples)


def after_tick(network: Network, recording: Recording, recorded: np.ndarray) -> np.ndarray:
    """Return a state after every tick, from what the board recorded in every tick.

    The board records V before a tick's update, so that V of the last tick is not known, and
    currents after their input and before they decay.
    """
    if recording.variable == "v":
        return recorded[1:]
    population = network.population(recording.target)
    assert isinstance(population, Population) and isinstance(population.neuron, IF_curr_exp)
    neuron = population.neuron
    tau_ms = neuron.tau_syn_E_ms if recording.variable == "isyn_exc" else neuron.tau_syn_I_ms
    return recorded * np.exp(-network.timestep_ms / tau_ms)


def every_tick(network: Network) -> Network:
    """Return the network with states recorded in every tick: a sample needs the record after it."""
    recordings = [msgspec.structs.replace(r, every_ms=None) for r in network.recordings]
    return network.recording(*recordings)


def _weights(arrays: Mapping[str, np.ndarray], network: Network) -> dict[str, np.ndarray]:
    weights = {}
    for projection in network.projections:
        if projection.plastic:
            pre, post = network.view(projection.pre), network.view(projection.post)
            rows = arrays.get(f"weights {projection.label}", np.zeros((0, 3)))
            matrix = np.full((pre.size, post.size), np.nan)
            source, target = rows[:, 0].astype(int), rows[:, 1].astype(int)
            matrix[source - pre.start, target - post.start] = rows[:, 2]
            weights[projection.label] = matrix
    return weights

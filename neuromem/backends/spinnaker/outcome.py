"""What a board gave, in the definition's own terms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from neuromem.backends.rerun import Outcome
from neuromem.backends.sampling import sample_ticks, sample_unit
from neuromem.backends.spinnaker.mapping import OUTCOME
from neuromem.backends.stimulus import Stimulus
from neuromem.network import Network, SpikeSource, SpikeTrains
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


def _weights(arrays: Mapping[str, np.ndarray], network: Network) -> dict[str, np.ndarray]:
    weights = {}
    for projection in network.projections:
        if projection.plastic:
            pre, post = network.view(projection.pre), network.view(projection.post)
            rows = arrays[f"weights {projection.label}"]
            matrix = np.full((pre.size, post.size), np.nan)
            source, target = rows[:, 0].astype(int), rows[:, 1].astype(int)
            matrix[source - pre.start, target - post.start] = rows[:, 2]
            weights[projection.label] = matrix
    return weights

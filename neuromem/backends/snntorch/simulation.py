"""One run of a network: a job in, its outcome out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.sampling import sample_ticks, sample_unit
from neuromem.network import Network, Population, Projection, SpikeTrains
from neuromem.results import Samples

if TYPE_CHECKING:
    import torch

#: Reports of progress in a run.
REPORTS = 100


def simulate(job: Job) -> Outcome:
    """Run a job from t = 0.

    ``exact`` computes in float64 and adds weights in the definition's order; ``native`` in
    float32 by matrix products, as a snnTorch module does.
    """
    import torch

    from neuromem.backends.snntorch.module import SpikingModule
    from neuromem.backends.snntorch.translate import ordered

    network, exact = job.network, job.fidelity == "exact"
    device = device_of(job.options.get("device", "cpu"))
    dtype = torch.float64 if exact else torch.float32
    module = SpikingModule(network, dtype=dtype).to(device)
    sampled = {
        (r.target, r.variable): set(sample_ticks(network, r, job.ticks).tolist())
        for r in network.recordings
        if r.variable == "v"
    }
    values: dict[tuple[str, str], list[np.ndarray]] = {key: [] for key in sampled}
    fired: dict[str, list[np.ndarray]] = {
        p.name: [] for p in network.populations if isinstance(p, Population)
    }
    every = max(1, job.ticks // REPORTS)
    with torch.inference_mode():
        arrivals = ordered(network, device) if exact else None
        steps = module.steps(_inputs(job, dtype, device), arrivals)
        for tick, (spikes, membrane) in enumerate(steps):
            for name, found in fired.items():
                found.append(spikes[name][0].nonzero()[:, 0].cpu().numpy())
            for (target, variable), ticks in sampled.items():
                if tick in ticks:
                    v = torch.where(spikes[target] > 0, 0, membrane[target])
                    values[target, variable].append(v[0].cpu().numpy().astype(np.float64))
            if job.progress is not None and (tick + 1) % every == 0:
                job.progress((tick + 1) * network.timestep_ms, job.duration_ms)
    return Outcome(
        spikes={**job.stimulus, **{name: _trains(job, name, f) for name, f in fired.items()}},
        samples=_samples(job, values),
        settings={"device": str(device), "dtype": str(dtype).removeprefix("torch.")},
    )


def device_of(name: Any) -> torch.device:
    """Return a device; raise ValueError where torch has no such."""
    import torch

    try:
        device = torch.device(name)
        torch.zeros(0, device=device)
    except (RuntimeError, TypeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"device {name!r}: torch cannot use it here ({reason}); use 'cpu'"
        ) from None
    return device


def _inputs(job: Job, dtype: torch.dtype, device: torch.device) -> Iterator[dict]:
    """Yield the spikes [1, lines] of every source, tick by tick."""
    import torch

    ticks = {
        name: np.rint(trains.times_ms / job.network.timestep_ms).astype(np.int64)
        for name, trains in job.stimulus.items()
    }
    ends = {name: np.searchsorted(t, np.arange(job.ticks + 1)) for name, t in ticks.items()}
    for tick in range(job.ticks):
        given = {}
        for name, trains in job.stimulus.items():
            lines = trains.neurons[ends[name][tick] : ends[name][tick + 1]]
            spikes = np.zeros((1, trains.size))
            spikes[0, lines] = 1.0
            given[name] = torch.tensor(spikes, dtype=dtype, device=device)
        yield given


def _trains(job: Job, name: str, fired: list[np.ndarray]) -> SpikeTrains:
    ticks = np.repeat(np.arange(len(fired)), [len(neurons) for neurons in fired])
    return SpikeTrains(
        ticks * job.network.timestep_ms,
        np.concatenate(fired),
        job.network.population(name).size,
    )


def _samples(job: Job, values: dict) -> dict[tuple[str, str], Samples]:
    network, samples = job.network, {}
    for recording in network.recordings:
        if recording.variable == "spikes":
            continue
        key = recording.target, recording.variable
        times = sample_ticks(network, recording, job.ticks) * network.timestep_ms
        if recording.variable == "weights":
            matrix = _matrix(network, network.projection(recording.target))
            taken = np.repeat(matrix[None], len(times), axis=0)
        else:
            taken = np.stack(values[key])
        samples[key] = Samples(times, taken, sample_unit(network, recording))
    return samples


def _matrix(network: Network, projection: Projection) -> np.ndarray:
    """Return static weights [pre, post], NaN where there is no connection."""
    pre, post = network.view(projection.pre), network.view(projection.post)
    matrix = np.full((pre.size, post.size), np.nan)
    matrix[network.pairs(projection)] = network.weights(projection)
    return matrix

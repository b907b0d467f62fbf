"""Many samples through one network at once, with the features of a liquid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuromem.backends.reservoir.features import Features, Readout, Recorder
from neuromem.network import Network, Population, SpikeBatch, SpikeSource

if TYPE_CHECKING:
    import torch

#: Samples that are run at once.
PART = 256
Report = Callable[[int, int], object]


def run_batch(
    network: Network,
    batch: SpikeBatch,
    *,
    bins: int = 1,
    outputs: Sequence[str] = ("count",),
    trace_decay: float = 0.95,
    device: str = "cpu",
    progress: Report | None = None,
) -> Features:
    """Run every sample from rest and return what the neurons did, in float32.

    Unlike :func:`neuromem.backends.reservoir.run_batch` it takes delays of any length.

    Parameters
    ----------
    network
        LIF_hard_reset populations, static projections and one spike source. Step t of a sample
        is tick t + 1 of a run whose source emits the spikes of step t in tick t.
    batch
        Input spikes; a line that spikes c times in a step acts with c times its weight.
    bins, outputs, trace_decay
        As in :func:`neuromem.backends.reservoir.run_batch`, with the same meaning.
    device
        Where torch computes: ``"cpu"``, ``"cuda"``, ...
    progress
        Called with (samples done, samples in all).

    Returns
    -------
    dict
        An array (samples, bins, N) by the name of each output, N over all populations in the
        network's order. Sums are a matrix product's: where u comes within rounding of the
        threshold, a spike may differ from the native engine's.

    Raises
    ------
    Unsupported
        A ValueError, for another neuron model or a plastic projection.
    ValueError
        For an unknown output or device, more than one source, a batch whose channels do not
        fit, or more bins than steps.
    ModuleNotFoundError
        Without snnTorch.
    """
    from neuromem import backends

    sources = [p for p in network.populations if isinstance(p, SpikeSource)]
    if len(sources) != 1:
        raise ValueError(f"{len(sources)} spike sources: a batch is the input of exactly one")
    if batch.channels != sources[0].size:
        raise ValueError(
            f"a batch of {batch.channels} channels into {sources[0].name!r} of size "
            f"{sources[0].size}: they must be equal"
        )
    backends.check(network.recording(), "snntorch")
    import torch

    from neuromem.backends.snntorch.module import SpikingModule
    from neuromem.backends.snntorch.simulation import device_of

    readout = Readout.of(batch.steps, bins, outputs, trace_decay)
    names = [p.name for p in network.populations if isinstance(p, Population)]
    neurons = sum(network.population(name).size for name in names)
    features = readout.empty(batch.samples, neurons)
    where = device_of(device)
    with torch.inference_mode():
        module = SpikingModule(network).to(where)
        for first in range(0, batch.samples, PART):
            last = min(first + PART, batch.samples)
            recorder = Recorder(readout, {k: array[first:last] for k, array in features.items()})
            inputs = _inputs(batch.part(first, last), sources[0].name, where)
            for tick, (spikes, membrane) in enumerate(module.steps(inputs)):
                if tick:
                    u, fired = (
                        torch.cat([state[name] for name in names], dim=1).cpu().numpy()
                        for state in (membrane, spikes)
                    )
                    recorder.step(tick - 1, u, fired > 0)
            if progress is not None:
                progress(last, batch.samples)
    return features


def _inputs(batch: SpikeBatch, source: str, device: torch.device) -> Iterator[dict]:
    """Yield the spikes [samples, channels] of every step, and then silence."""
    import torch

    count = np.ones(len(batch.channel)) if batch.count is None else batch.count
    for step in range(batch.steps):
        spikes = np.zeros((batch.samples, batch.channels), dtype=np.float32)
        for sample in range(batch.samples):
            at = sample * batch.steps + step
            some = slice(batch.offsets[at], batch.offsets[at + 1])
            np.add.at(spikes[sample], batch.channel[some], count[some])
        yield {source: torch.tensor(spikes, device=device)}
    yield {source: torch.zeros((batch.samples, batch.channels), device=device)}

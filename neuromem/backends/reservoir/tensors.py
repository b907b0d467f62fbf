"""The torch engine: rows added by ``embedding_bag``, on CPU or GPU, tensors as result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neuromem.backends.reservoir.features import Features, Readout
from neuromem.backends.reservoir.reservoir import Reservoir
from neuromem.network import SpikeBatch

if TYPE_CHECKING:
    import torch


def run_tensors(
    reservoir: Reservoir,
    batch: SpikeBatch,
    *,
    bins: int = 1,
    outputs: Sequence[str] = ("count",),
    trace_decay: float = 0.95,
    device: str = "cpu",
) -> dict[str, torch.Tensor]:
    """Run every sample from rest; the tensors (samples, bins, N) stay on the device.

    Parameters
    ----------
    reservoir, batch, bins, outputs, trace_decay
        As in :func:`neuromem.backends.reservoir.run_batch`. Whole numbers come as int32.
    device
        Where torch computes: ``"cpu"``, ``"cuda"``, ...

    Raises
    ------
    ModuleNotFoundError
        Without torch.
    ValueError
        As ``run_batch``.
    """
    from neuromem.backends.reservoir.run import one_by_one

    readout = Readout.of(batch.steps, bins, outputs, trace_decay)
    if batch.channels != reservoir.channels:
        raise ValueError(
            f"a batch of {batch.channels} channels into a reservoir of {reservoir.channels}: "
            "they must be equal"
        )
    return _run(reservoir, one_by_one(batch), readout, device)


def run_part(
    reservoir: Reservoir, batch: SpikeBatch, readout: Readout, features: Features, precision: str
) -> None:
    """Run some samples on the CPU and fill their features."""
    for name, tensor in _run(reservoir, batch, readout, "cpu").items():
        features[name][:] = tensor.numpy()


def _run(
    reservoir: Reservoir, batch: SpikeBatch, readout: Readout, device: str
) -> dict[str, torch.Tensor]:
    torch = _torch()
    samples, n = batch.samples, reservoir.neurons
    w_in, decay, v_thresh = (
        torch.tensor(array, device=device)
        for array in (reservoir.w_in, reservoir.decay, reservoir.v_thresh)
    )
    w_rec = None if reservoir.w_rec is None else torch.tensor(reservoir.w_rec, device=device)
    channel, offsets = _by_step(batch)
    channel, offsets = torch.tensor(channel, device=device), torch.tensor(offsets, device=device)
    kept = {name: torch.tensor(array, device=device) for name, array in _empty(readout, samples, n)}
    v = torch.zeros((samples, n), device=device)
    trace, fired = torch.zeros_like(v), torch.zeros_like(v, dtype=torch.bool)
    for k in range(readout.bins):
        start, stop = int(readout.edges[k]), int(readout.edges[k + 1])
        for t in range(start, stop):
            own = offsets[t * samples : (t + 1) * samples + 1]
            u = decay * v + _added(torch, w_in, channel[own[0] : own[-1]], own[:-1] - own[0])
            if w_rec is not None:
                ends = fired.sum(dim=1).cumsum(0)
                begins = torch.cat([torch.zeros_like(ends[:1]), ends[:-1]])
                u += _added(torch, w_rec, fired.nonzero()[:, 1], begins)
            fired = u > v_thresh
            v = torch.where(fired, 0.0, u)
            trace = readout.trace_decay * trace + fired
            if "count" in kept:
                kept["count"][:, k] += fired
            if "membrane" in kept:
                kept["membrane"][:, k] += u / (stop - start)
            if "latency" in kept:
                first = fired & (kept["latency"][:, k] == stop - start)
                kept["latency"][:, k][first] = t - start
        if "trace" in kept:
            kept["trace"][:, k] = trace
    return kept


def _added(torch, weights: torch.Tensor, rows: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
    """Return the sum of each bag of rows."""
    if not len(rows):
        return torch.zeros((len(begins), weights.shape[1]), device=weights.device)
    return torch.nn.functional.embedding_bag(rows, weights, begins, mode="sum")


def _by_step(batch: SpikeBatch) -> tuple[np.ndarray, np.ndarray]:
    """Return channels and offsets with the samples of one step next to each other."""
    lengths = np.diff(batch.offsets).reshape(batch.samples, batch.steps)
    step = np.repeat(np.tile(np.arange(batch.steps), batch.samples), lengths.ravel())
    channel = batch.channel[np.argsort(step, kind="stable")].astype(np.int64)
    return channel, np.concatenate([[0], np.cumsum(lengths.T.ravel())])


def _empty(readout: Readout, samples: int, neurons: int):
    for name, array in readout.empty(samples, neurons).items():
        yield name, array if array.dtype == np.float32 else array.astype(np.int32)


def _torch():
    try:
        import torch
    except ImportError:
        raise ModuleNotFoundError(
            "the engine 'torch' needs torch: pip install 'neuromem-snn[torch]'"
        ) from None
    return torch

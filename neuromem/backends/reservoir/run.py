"""Many samples through one liquid, on the engine asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import SimpleQueue
from threading import Event

import numpy as np

from neuromem.backends.reservoir.features import Features, Readout
from neuromem.backends.reservoir.noisy import ColumnTransform, WeightsOfStep, run_noisy
from neuromem.backends.reservoir.reservoir import Reservoir
from neuromem.network import SpikeBatch

#: What each engine is.
ENGINES = {
    "native": "compiled by numba, on any number of threads",
    "native-reference": "plain numpy and scipy, one thread: the oracle",
    "torch": "torch's embedding_bag on the CPU",
}
PRECISIONS = ("float32", "int8")
#: Samples that the engines in Python take at once.
PART = 256
Report = Callable[[int, int], object]


def run_batch(
    reservoir: Reservoir,
    batch: SpikeBatch,
    *,
    bins: int = 1,
    outputs: Sequence[str] = ("count",),
    engine: str = "native",
    precision: str = "float32",
    trace_decay: float = 0.95,
    threads: int | None = None,
    progress: Report | None = None,
    column_transform: ColumnTransform | None = None,
    weights_of_step: WeightsOfStep | None = None,
    group: int = 64,
    rng: np.random.Generator | int | None = None,
) -> Features:
    r"""Run every sample from rest and return what its neurons did.

    .. math::
        u_t = d\, u_{t-1} (1 - s_{t-1}) + \sum_{\text{input spikes of step } t} w
            + \sum_{\text{neurons that fired in step } t-1} w, \qquad s_t = [u_t > V_{th}]

    Parameters
    ----------
    reservoir
        The neurons and their weights.
    batch
        Input spikes; a line that spikes c times in a step adds its row c times.
    bins
        Number of time bins; bin k covers the steps floor(k T / bins) up to, not including,
        floor((k + 1) T / bins) of T.
    outputs
        Which of these to return:

        - ``"count"``: spikes in the bin, uint16;
        - ``"membrane"``: mean of u over the bin's steps, before the reset, float32;
        - ``"trace"``: r at the end of the bin, r <- ``trace_decay`` r + s in every step, float32;
        - ``"latency"``: steps from the bin's start to the first spike, the bin's length where
          there is none, uint16.
    engine
        A name in ``ENGINES``. ``"native"`` and ``"native-reference"`` return the same to the last
        bit, whatever the number of threads; ``"torch"`` sums in torch's order.
    precision
        Of the weights: ``"float32"``, or ``"int8"``, where each matrix is rounded to multiples of
        a 127th of its largest magnitude.
    trace_decay
        Factor of the trace in a step, 0..1.
    threads
        Threads of the native engine; as many as there are processors where None.
    progress
        Called with (samples done, samples in all).
    column_transform
        Applied in every step to the summed currents (samples, N) before the neurons take them,
        such as a converter's rounding. With it the reference engine runs, whichever is named.
    weights_of_step
        Called once for each group of samples with a generator of its own; ``step()`` of what it
        returns gives the (w_in, w_rec) of the next step for the whole group, as read noise that is
        correlated in time needs. With it the reference engine runs, whichever is named.
    group
        Samples of such a group.
    rng
        Generator or seed from which each group's generator is spawned.

    Returns
    -------
    dict
        An array (samples, bins, N) by the name of each output.

    Raises
    ------
    ValueError
        For an unknown engine, output or precision, a batch whose channels do not fit, more bins
        than steps, or fewer than one thread: before anything runs.
    """
    if engine not in ENGINES:
        raise ValueError(f"no engine {engine!r}: there are {', '.join(ENGINES)}")
    if precision not in PRECISIONS:
        raise ValueError(f"no precision {precision!r}: there are {', '.join(PRECISIONS)}")
    if batch.channels != reservoir.channels:
        raise ValueError(
            f"a batch of {batch.channels} channels into a reservoir of {reservoir.channels}: "
            "they must be equal"
        )
    for name, number in (("threads", threads), ("group", group)):
        if number is not None and number < 1:
            raise ValueError(f"{name} = {number}: must be at least 1")
    if precision == "int8" and (engine == "torch" or weights_of_step is not None):
        raise ValueError("precision 'int8' with engine 'torch' or weights_of_step: use 'float32'")
    readout = Readout.of(batch.steps, bins, outputs, trace_decay)
    batch = one_by_one(batch)
    features = readout.empty(batch.samples, reservoir.neurons)
    report = progress or (lambda done, total: None)
    if weights_of_step is not None or column_transform is not None:
        run_noisy(
            reservoir, batch, readout, features, precision, column_transform, weights_of_step,
            group, np.random.default_rng(rng), report,
        )  # fmt: skip
    elif engine == "native":
        workers = threads or processors()
        _run_native(reservoir, batch, readout, features, precision, workers, report)
    else:
        if engine == "torch":
            from neuromem.backends.reservoir.tensors import run_part
        else:
            from neuromem.backends.reservoir.reference import run_part
        for start in range(0, batch.samples, PART):
            stop = min(start + PART, batch.samples)
            part = {name: array[start:stop] for name, array in features.items()}
            run_part(reservoir, batch.part(start, stop), readout, part, precision)
            report(stop, batch.samples)
    return features


def one_by_one(batch: SpikeBatch) -> SpikeBatch:
    """Return a batch in which a line that spikes c times in a step is listed c times."""
    if batch.count is None:
        return batch
    spikes = np.concatenate([[0], np.cumsum(batch.count)])
    channel = np.repeat(batch.channel, batch.count)
    return SpikeBatch(spikes[batch.offsets], channel, batch.steps, batch.channels)


def processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run_native(
    reservoir: Reservoir,
    batch: SpikeBatch,
    readout: Readout,
    features: Features,
    precision: str,
    threads: int,
    report: Report,
) -> None:
    """Run groups of samples on threads; an interruption stops them after some steps."""
    from neuromem.backends.reservoir.fast import FastEngine, Workspace, group_size

    if not batch.samples:
        return
    engine = FastEngine(reservoir, batch, readout, precision)
    # Equal groups, as many for one thread as for another.
    turns = -(-batch.samples // (threads * group_size(reservoir.neurons)))
    size = -(-batch.samples // (threads * turns))
    starts = range(0, batch.samples, size)
    spaces: SimpleQueue[Workspace] = SimpleQueue()
    for _ in range(min(threads, len(starts))):
        spaces.put(Workspace(engine, size))
    stop = Event()

    def run_group(first: int) -> int:
        last = min(first + size, batch.samples)
        space = spaces.get()
        try:
            space.run(first, last, features, stop.is_set)
        finally:
            spaces.put(space)
        return last - first

    done = 0
    with ThreadPoolExecutor(threads) as pool:
        try:
            for task in as_completed([pool.submit(run_group, first) for first in starts]):
                done += task.result()
                report(done, batch.samples)
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise

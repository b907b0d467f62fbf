"""From recordings to features: a liquid run on many recordings at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromem.backends import BACKENDS, Progress
from neuromem.backends.reservoir import ENGINES, Reservoir, run_batch
from neuromem.events import EventSet
from neuromem.liquid.liquid import INPUT, Liquid
from neuromem.liquid.shards import encode_in_processes
from neuromem.network import SpikeBatch, SpikeTrains

#: Recordings that are encoded in one go: bounds the memory that their framed spikes take.
CHUNK = 2000


def encode(
    liquid: Liquid,
    recordings: EventSet | SpikeBatch,
    backend: str = "native",
    *,
    precision: str = "float32",
    threads: int | None = None,
    processes: int = 1,
    progress: Progress | None = None,
    **engine: Any,
) -> np.ndarray:
    """Return the features of recordings, float32 [recordings, features].

    Parameters
    ----------
    liquid
        The reservoir.
    recordings
        Events of the sensor that the liquid's framing expects, or spikes framed already.
    backend
        ``"native"``, ``"native-reference"`` and ``"torch"`` run batches of liquids (see
        :func:`neuromem.backends.reservoir.run_batch`), and so does ``"snntorch"``. Any other
        backend runs the network one recording at a time, and offers counts and traces of binary
        lines only.
    precision
        ``"float32"`` or ``"int8"`` weights.
    threads
        Of the native engine; all cores where None. The features are the same for any number.
    processes
        Share the recordings out over so many processes; the features are the same for any number.
        A script that asks for several runs its own part under ``if __name__ == "__main__":``.
    progress
        Called with (done, total) recordings.
    **engine
        Further arguments of ``run_batch``: read noise over the steps, a column converter.

    Raises
    ------
    ValueError
        When the recordings do not fit the framing, for an unknown backend or precision, or one
        that the backend does not offer.
    """
    if backend not in ENGINES and backend not in BACKENDS:
        known = ", ".join(dict.fromkeys([*ENGINES, *BACKENDS]))
        raise ValueError(f"no backend {backend!r}: there are {known}")
    if backend not in ENGINES and (engine or precision != "float32"):
        asked = ", ".join([*engine, f"precision {precision!r}"])
        raise ValueError(
            f"{asked} on backend {backend!r}: it runs float32 without options; use the native "
            "backend"
        )
    if processes < 1:
        raise ValueError(f"processes = {processes}: must be at least 1")
    if processes > 1 and engine:
        raise ValueError(
            f"{', '.join(engine)} with processes = {processes}: noise is drawn in one stream; use "
            "one process, and threads"
        )
    if processes > 1 and len(recordings):
        return encode_in_processes(
            liquid, recordings, backend, processes, progress,
            precision=precision, threads=threads,
        )  # fmt: skip
    if "rng" in engine:  # one for all chunks, or each would repeat the noise of the first
        engine["rng"] = np.random.default_rng(engine["rng"])
    features = liquid.features
    reservoir = reservoir_of(liquid) if backend in ENGINES else None
    network = None if backend in ENGINES else liquid.network()
    parts = []
    for start in range(0, max(len(recordings), 1), CHUNK):
        stop = min(start + CHUNK, len(recordings))
        spikes = spikes_of(liquid, part_of(recordings, start, stop))
        if reservoir is not None:
            outputs = run_batch(
                reservoir, spikes, bins=features.bins, outputs=features.kinds, engine=backend,
                precision=precision, threads=threads, trace_decay=features.trace_decay, **engine,
            )  # fmt: skip
        elif backend == "snntorch" and network is not None:
            from neuromem.backends.snntorch import run_batch as run_modules

            outputs = run_modules(
                network, spikes, bins=features.bins, outputs=features.kinds,
                trace_decay=features.trace_decay,
            )  # fmt: skip
        else:
            outputs = _one_by_one(liquid, network, spikes, backend)
        parts.append(features.matrix(outputs))
        if progress is not None:
            progress(stop, len(recordings))
    return np.concatenate(parts)


def reservoir_of(liquid: Liquid) -> Reservoir:
    """Return what ``Reservoir.of(liquid.network())`` returns, without building the network."""
    recurrent = liquid.recurrent_matrix()
    sizes = [len(part) for part in np.array_split(np.arange(liquid.neurons), len(liquid.decay))]
    return Reservoir(
        liquid.input_matrix().astype(np.float32),
        None if recurrent is None else recurrent.astype(np.float32),
        np.repeat(np.array(liquid.decay, dtype=np.float32), sizes),
        np.full(liquid.neurons, liquid.v_thresh, dtype=np.float32),
    )


def part_of(recordings: EventSet | SpikeBatch, start: int, stop: int) -> EventSet | SpikeBatch:
    """Return the recordings ``start..stop-1``."""
    if isinstance(recordings, EventSet):
        return recordings[start:stop]
    if isinstance(recordings, SpikeBatch):
        return recordings.part(start, stop)
    raise TypeError(
        f"recordings of type {type(recordings).__name__}: give an EventSet or a SpikeBatch "
        "(recordings[:1] is a set of one; SpikeBatch.of_dense takes an array)"
    )


def spikes_of(liquid: Liquid, recordings: EventSet | SpikeBatch) -> SpikeBatch:
    """Return the input spikes of recordings, checked against the liquid's framing."""
    framing = liquid.framing
    if isinstance(recordings, EventSet):
        return framing.spikes(recordings)
    if (recordings.steps, recordings.channels) != (framing.steps, framing.channels):
        raise ValueError(
            f"spikes of {recordings.steps} steps on {recordings.channels} lines: this liquid's "
            f"framing has {framing.steps} steps and {framing.channels} lines"
        )
    return recordings


def _one_by_one(
    liquid: Liquid, network: Any, batch: SpikeBatch, backend: str
) -> dict[str, np.ndarray]:
    """Run each sample as a network of its own, on a backend that knows no batches."""
    from neuromem.backends import run
    from neuromem.network import Population, Recording

    kinds = liquid.features.kinds
    if set(kinds) - {"count", "trace"}:
        raise ValueError(
            f"features {kinds} on backend {backend!r}: it offers count and trace; use the native "
            "backend for the others"
        )
    if not batch.binary:
        raise ValueError(
            f"lines that spike more than once in a step on backend {backend!r}: a network's lines "
            "are binary; use the native backend, or framing without counts"
        )
    steps, bins = batch.steps, liquid.features.bins
    layers = [p for p in network.populations if isinstance(p, Population)]
    network = network.recording(*(Recording(target=layer.name) for layer in layers))
    ends = np.arange(1, bins + 1) * steps // bins
    counts = np.zeros((len(batch), bins, liquid.neurons), dtype=np.uint16)
    traces = np.zeros((len(batch), bins, liquid.neurons), dtype=np.float32)
    for sample in range(len(batch)):
        one = batch.part(sample, sample + 1)
        times = np.repeat(np.arange(steps), np.diff(one.offsets)).astype(float)
        stimulus = {INPUT: SpikeTrains(times, one.channel, batch.channels)}
        result = run(network, steps + 1.0, stimulus, backend)
        first = 0
        for layer in layers:
            spikes = result.spikes[layer.name]
            step = np.rint(spikes.times_ms).astype(int) - 1  # a source's spike takes one step
            neuron = first + spikes.neurons
            np.add.at(counts[sample], (np.searchsorted(ends, step, side="right"), neuron), 1)
            for k, end in enumerate(ends):
                past = step < end
                fade = liquid.features.trace_decay ** (end - 1 - step[past])
                np.add.at(traces[sample, k], neuron[past], fade)
            first += layer.size
    return {"count": counts, "trace": traces}

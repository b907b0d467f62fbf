"""A run with the board's numbers: translate, run, collect, and compare with the definition."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neuromem.backends.arithmetic.engine import Engine
from neuromem.backends.arithmetic.fixed import ONE
from neuromem.backends.arithmetic.synapses import PLASTIC
from neuromem.backends.arithmetic.translate import Plan, translate
from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.sampling import interval_ticks, sample_ticks, sample_unit
from neuromem.backends.spinnaker.fixed_point import weight_scale
from neuromem.backends.verified import against_definition
from neuromem.network import SpikeTrains
from neuromem.results import Samples

#: How many ticks pass between two reports of progress, or looks at an interruption.
CHUNK_TICKS = 200
#: How many packets may wait at a core: the ring of 256 (``incoming_spike_buffer_size`` in
#: ``spynnaker.cfg``) is full with one fewer.
SPIKE_BUFFER = 255


def simulate(job: Job) -> Outcome:
    """Return what the board's programs compute for a job.

    The comparison with the definition is a run of the native engine, and so not made where nobody
    asks for it: with ``fidelity="native"`` and without ``compare``.

    Raises
    ------
    Unsupported
        When the board cannot run the network, or with ``fidelity="exact"`` when the outcome is not
        the definition's: the first spike or weight that differs is named.
    """
    plan = translate(job.network, bool(job.options.get("fit_weights", False)))
    engine = Engine(plan, _inputs(job, plan))
    samples = _run(job, engine)
    spikes = _spikes(job, engine)
    found = Outcome(spikes, _weights(engine), samples, _settings(job, engine, spikes))
    if job.fidelity != "exact" and not job.options.get("compare"):
        return found
    difference = against_definition(job, found)
    if job.fidelity == "exact":
        difference.require_none(job.backend)
    return replace(found, settings={**found.settings, "against the definition": str(difference)})


def _inputs(job: Job, plan: Plan) -> np.ndarray:
    """Return the (tick, cell) of every input spike, sorted."""
    rows = [np.zeros((0, 2), dtype=np.int64)]
    for name, trains in job.stimulus.items():
        ticks = np.rint(trains.times_ms / job.network.timestep_ms).astype(np.int64)
        rows.append(np.column_stack([ticks, trains.neurons + plan.groups[name][0]]))
    found = np.concatenate(rows)
    # Each source's are sorted; those of several are put together.
    return found if len(rows) == 2 else found[np.lexsort((found[:, 1], found[:, 0]))]


def _run(job: Job, engine: Engine) -> dict[tuple[str, str], Samples]:
    """Run to the end, and return the states sampled on the way."""
    network = job.network
    sampled = [r for r in network.recordings if r.variable != "spikes"]
    every = [interval_ticks(network, r) for r in sampled]
    taken: list[list[np.ndarray]] = [[] for _ in sampled]
    stops = {*range(CHUNK_TICKS, job.ticks, CHUNK_TICKS), job.ticks}
    for interval in every:
        stops.update(range(1, job.ticks + 1, interval))
    for stop in sorted(stops):
        engine.advance(stop)
        for recording, interval, values in zip(sampled, every, taken, strict=True):
            if (stop - 1) % interval == 0:
                values.append(engine.state(recording.variable, recording.target) / ONE)
        if job.progress is not None and (stop % CHUNK_TICKS == 0 or stop == job.ticks):
            job.progress(stop * network.timestep_ms, job.duration_ms)
    return {
        (r.target, r.variable): Samples(
            sample_ticks(network, r, job.ticks) * network.timestep_ms,
            np.array(values),
            sample_unit(network, r),
        )
        for r, values in zip(sampled, taken, strict=True)
    }


def _spikes(job: Job, engine: Engine) -> dict[str, SpikeTrains]:
    """Return the spikes of every population, sources included."""
    ticks, neurons = engine.spikes.T
    found = {}
    for population in job.network.populations:
        name, size = population.name, population.size
        if name in job.stimulus:
            found[name] = job.stimulus[name]
        else:
            first, stop = engine.plan.groups[name]
            mine = (neurons >= first) & (neurons < stop)
            times = ticks[mine] * job.network.timestep_ms
            found[name] = SpikeTrains(times, neurons[mine] - first, size)
    return found


def _weights(engine: Engine) -> dict[str, np.ndarray]:
    """Return the weights of every plastic projection, NaN where there is no connection."""
    found: dict[str, np.ndarray] = {}
    for projection in engine.plan.network.projections:
        if projection.plastic:
            pre, post = (engine.plan.network.view(v) for v in (projection.pre, projection.post))
            found[projection.label] = np.full((pre.size, post.size), np.nan)
    for number, part in enumerate(engine.plan.parts):
        if part.kind == PLASTIC:
            connected = ... if part.mask is None else part.mask
            weights = engine.weights(number) / weight_scale(part.shift)
            found[part.label][connected] = weights[connected]
    return found


def _settings(job: Job, engine: Engine, spikes: dict[str, SpikeTrains]) -> dict[str, str]:
    """Return what happened to the numbers on the way, for the provenance."""
    settings = {
        "weights rounded to zero": str(engine.plan.lost),
        "plastic synapses that deliver nothing": str(engine.plan.silent),
        "saturated inputs": str(engine.saturated),
    }
    if (packets := _packets(job, engine.plan, spikes)) > SPIKE_BUFFER:
        settings["packets in a tick"] = (
            f"up to {packets} onto a population: the board loses those beyond {SPIKE_BUFFER} that "
            "wait at a core, and here none is lost"
        )
    if (full := engine.full_memories()) and job.network.timestep_ms < 1:
        settings["full memories"] = (
            f"{full} neurons have forgotten post spikes; below 1 ms the board does so before or "
            "after other spikes of the tick, by the order of packets, and here before"
        )
    return settings


def _packets(job: Job, plan: Plan, spikes: dict[str, SpikeTrains]) -> int:
    """Return the most spikes that come to a population in one tick, delay cores' included."""
    names = list(plan.groups)
    sources: dict[int, set[tuple[str, int]]] = {}
    for part in plan.parts:
        # What a delay core holds back comes at once as well.
        name = names[part.pre]
        sources.setdefault(part.post, set()).update([(name, 0), (name, part.late)])
    most = 0
    counts: dict[str, np.ndarray] = {}
    for copies in sources.values():
        if sum(spikes[name].size for name, _ in copies) <= SPIKE_BUFFER:
            continue  # not even if all of them fire
        arriving = np.zeros(job.ticks, dtype=np.int64)
        for name, late in copies:
            if name not in counts:
                ticks = np.rint(spikes[name].times_ms / job.network.timestep_ms).astype(np.int64)
                counts[name] = np.bincount(ticks, minlength=job.ticks)
            arriving[late:] += counts[name][: max(job.ticks - late, 0)]
        most = max(most, int(arriving.max(initial=0)))
    return most

"""A run with the board's numbers: translate, run, collect, and compare with the definition."""

from __future__ import annotations

import numpy as np

from neuromem.backends.arithmetic.engine import ENTRIES, Engine
from neuromem.backends.arithmetic.fixed import ONE
from neuromem.backends.arithmetic.translate import Plan, translate
from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.sampling import sample_ticks
from neuromem.backends.spinnaker.fixed_point import weight_scale
from neuromem.backends.spinnaker.outcome import to_outcome
from neuromem.backends.verified import against_definition
from neuromem.network import Population, Recording

#: How many ticks pass between two reports of progress, or looks at an interruption.
CHUNK_TICKS = 200
#: How many packets may wait at a core (``incoming_spike_buffer_size`` in ``spynnaker.cfg``).
SPIKE_BUFFER = 256


def simulate(job: Job) -> Outcome:
    """Return what the board's programs compute for a job.

    Raises
    ------
    Unsupported
        When the board cannot run the network, or with ``fidelity="exact"`` when the outcome is not
        the definition's: the first spike or weight that differs is named.
    """
    plan = translate(job.network, bool(job.options.get("fit_weights", False)))
    engine = Engine(plan, _inputs(job, plan), job.ticks)
    states = _run(job, engine)
    arrays = {**_spikes(plan, engine), **states, **_weights(plan, engine)}
    found = to_outcome(arrays, job.network, job.stimulus, job.ticks)
    difference = against_definition(job, found)
    if job.fidelity == "exact":
        difference.require_none(job.backend)
    settings = {
        "weights rounded to zero": str(plan.lost),
        "plastic synapses that deliver nothing": str(plan.silent),
        "saturated inputs": str(engine.saturated),
        "against the definition": str(difference),
    }
    if (packets := _packets(plan, engine)) > SPIKE_BUFFER:
        settings["packets in a tick"] = (
            f"up to {packets} onto a population: the board loses those beyond {SPIKE_BUFFER} that "
            "wait at a core, and here none is lost"
        )
    if (full := _full_memories(plan, engine)) and job.network.timestep_ms < 1:
        settings["full memories"] = (
            f"{full} neurons have forgotten post spikes; below 1 ms the board does so before or "
            "after other spikes of the tick, by the order of packets, and here before"
        )
    return Outcome(found.spikes, found.weights, found.samples, settings)


def _inputs(job: Job, plan: Plan) -> np.ndarray:
    """Return the (tick, cell) of every input spike, sorted."""
    rows = [np.zeros((0, 2), dtype=np.int64)]
    for name, trains in job.stimulus.items():
        ticks = np.rint(trains.times_ms / job.network.timestep_ms).astype(np.int64)
        rows.append(np.column_stack([ticks, trains.neurons + plan.groups[name][0]]))
    found = np.concatenate(rows)
    return found[np.argsort(found[:, 0], kind="stable")]


def _run(job: Job, engine: Engine) -> dict[str, np.ndarray]:
    """Run to the end, and return the states sampled on the way."""
    samples: dict[str, list[np.ndarray]] = {}
    due: dict[int, list[Recording]] = {}
    for recording in job.network.recordings:
        if recording.variable != "spikes":
            samples[_key(recording)] = []
            for tick in sample_ticks(job.network, recording, job.ticks).tolist():
                due.setdefault(tick + 1, []).append(recording)
    stops = {*due, *range(CHUNK_TICKS, job.ticks, CHUNK_TICKS), job.ticks}
    for stop in sorted(stops):
        engine.advance(stop)
        for recording in due.get(stop, ()):
            samples[_key(recording)].append(_state(engine, recording))
        if job.progress is not None and (stop % CHUNK_TICKS == 0 or stop == job.ticks):
            job.progress(stop * job.network.timestep_ms, job.duration_ms)
    return {key: np.array(rows) for key, rows in samples.items()}


def _key(recording: Recording) -> str:
    return f"sample {recording.variable} {recording.target}"


def _state(engine: Engine, recording: Recording) -> np.ndarray:
    state, (first, stop) = engine.state, engine.plan.groups[recording.target]
    exc, inh = state.currents
    values = {"v": state.v, "isyn_exc": exc, "isyn_inh": inh}[recording.variable]
    return values[first:stop] / ONE


def _spikes(plan: Plan, engine: Engine) -> dict[str, np.ndarray]:
    ticks, cells = engine.spikes.T
    found = {}
    for population in plan.network.populations:
        if isinstance(population, Population):
            first, stop = plan.groups[population.name]
            mine = (cells >= first) & (cells < stop)
            times = ticks[mine] * plan.network.timestep_ms
            found[f"spikes {population.name}"] = np.column_stack([times, cells[mine] - first])
    return found


def _full_memories(plan: Plan, engine: Engine) -> int:
    """Return how many neurons have no room for another post spike."""
    return int(((engine.state.known == ENTRIES) & (plan.plastic.rule_of >= 0)).sum())


def _packets(plan: Plan, engine: Engine) -> int:
    """Return the most spikes that come to a population in one tick."""
    ticks, cells = engine.spikes.T
    sources: dict[str, set[str]] = {}
    for projection in plan.network.projections:
        post = plan.network.view(projection.post).population.name
        pre = plan.network.view(projection.pre).population.name
        sources.setdefault(post, set()).add(pre)
    most = 0
    for names in sources.values():
        ours = np.zeros(len(cells), dtype=bool)
        for first, stop in (plan.groups[name] for name in names):
            ours |= (cells >= first) & (cells < stop)
        most = max(most, int(np.bincount(ticks[ours]).max(initial=0)))
    return most


def _weights(plan: Plan, engine: Engine) -> dict[str, np.ndarray]:
    """Return (pre, post, weight) of every plastic connection, by projection."""
    found: dict[str, np.ndarray] = {}
    for part, label in enumerate(plan.labels):
        projection, first = plan.network.projection(label), plan.plastic.first[part]
        pre = plan.network.view(projection.pre).population.name
        post = plan.network.view(projection.post).population.name
        at = slice(first[0], first[-1])
        cells = np.repeat(np.arange(len(first) - 1), np.diff(first))
        rows = np.column_stack(
            [
                cells - plan.groups[pre][0],
                plan.plastic.post[at] - plan.groups[post][0],
                engine.state.weight[at] / weight_scale(int(plan.plastic.shift[part])),
            ]
        )
        name = f"weights {label}"
        found[name] = np.concatenate([found[name], rows]) if name in found else rows
    return found

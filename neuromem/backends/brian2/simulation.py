"""One run in Brian2, from t = 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from neuromem.backends.brian2.build import neuron_group, spike_sources, synapses
from neuromem.backends.brian2.session import ran_on, session, target_of
from neuromem.backends.brian2.translate import SOURCES, Model, Synapses, translate
from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.sampling import interval_ticks, sample_ticks, sample_unit
from neuromem.network import Population, Recording, SpikeTrains
from neuromem.results import Samples

#: How often progress is reported (s).
REPORT_SECONDS = 0.1
#: Variables with another name in Brian2.
_NAMES = {"weights": "w"}


def simulate(job: Job) -> Outcome:
    """Run a network in Brian2 and return what came of it.

    Raises
    ------
    Unsupported
        With ``fidelity="native"``, where a membrane and a synapse have one time constant.
    """
    model = translate(job.network, job.fidelity)
    if set(model.groups) == {SOURCES}:
        return Outcome(dict(job.stimulus))
    target = target_of(job.options)
    with session(target) as brian2:
        run = _Run(brian2, job, model)
        compiled = target == "cpp_standalone"
        run.network.run(
            job.ticks * run.clock.dt,
            report=None if compiled else run.report,
            report_period=REPORT_SECONDS * brian2.second,
            namespace={},
        )
        if compiled:
            # It cannot call back, and has run to the end.
            run.report(None, 1.0, None, None)
        return Outcome(run.spikes(), run.weights(), run.samples(), {"target": ran_on(brian2)})


class _Run:
    """The objects of one run, and what they hold after it."""

    def __init__(self, brian2: Any, job: Job, model: Model) -> None:
        self.brian2, self.job, self.model = brian2, job, model
        self.clock = brian2.Clock(dt=job.network.timestep_ms * brian2.ms, name="tick")
        self.groups = {
            key: spike_sources(brian2, self.clock, group.size, model, job)
            if group.code is None
            else neuron_group(brian2, self.clock, key, group, job.fidelity)
            for key, group in model.groups.items()
        }
        self.synapses = [
            synapses(
                brian2, self.clock, f"bundle_{n}", table,
                self.groups[table.pre], self.groups[table.post],
            )
            for n, table in enumerate(model.synapses)
        ]  # fmt: skip
        self.spike_monitors = {
            key: brian2.SpikeMonitor(self.groups[key], name=f"spikes_{key}")
            for key in self.groups
            if key != SOURCES
        }
        self.monitors = [
            (r, self._monitors(n, r))
            for n, r in enumerate(job.network.recordings)
            if r.variable != "spikes"
        ]
        self.network = brian2.Network(
            *self.groups.values(),
            *self.synapses,
            *self.spike_monitors.values(),
            *(monitor for _, some in self.monitors for monitor in some),
        )

    def report(self, elapsed: Any, completed: float, start: Any, duration: Any) -> None:
        """Pass on Brian2's progress."""
        if self.job.progress is not None:
            self.job.progress(completed * self.job.duration_ms, self.job.duration_ms)

    def spikes(self) -> dict[str, SpikeTrains]:
        """Return the spikes of every population."""
        h, found = self.job.network.timestep_ms, dict(self.job.stimulus)
        logs = {
            key: (np.rint(monitor.t_[:] / self.clock.dt_).astype(np.int64), monitor.i[:])
            for key, monitor in self.spike_monitors.items()
        }
        for population in self.job.network.populations:
            if isinstance(population, Population):
                key, first = self.model.first[population.name]
                ticks, cells = logs[key]
                own = (cells >= first) & (cells < first + population.size)
                found[population.name] = SpikeTrains(
                    ticks[own] * h, cells[own] - first, population.size
                )
        return found

    def weights(self) -> dict[str, np.ndarray]:
        """Return the weights of plastic projections as stored at the end."""
        return {
            p.label: self._matrices(p.label, 1, [made.w[:] for _, made in self._parts(p.label)])[0]
            for p in self.job.network.projections
            if p.plastic
        }

    def samples(self) -> dict[tuple[str, str], Samples]:
        """Return what every recording sampled."""
        network, found = self.job.network, {}
        for r, monitors in self.monitors:
            ticks = sample_ticks(network, r, self.job.ticks)
            values = [
                getattr(monitor, _NAMES.get(r.variable, r.variable)).T for monitor in monitors
            ]
            table = (
                self._matrices(r.target, len(ticks), values)
                if r.variable == "weights"
                else values[0]
            )
            found[r.target, r.variable] = Samples(
                ticks * network.timestep_ms, table, sample_unit(network, r)
            )
        return found

    def _monitors(self, number: int, r: Recording) -> list[Any]:
        """Return what records a variable, after everything else in its ticks."""
        network = self.job.network
        every = interval_ticks(network, r)
        if r.variable == "weights":
            recorded = [(made, np.arange(len(table.i))) for table, made in self._parts(r.target)]
        else:
            key, first = self.model.first[r.target]
            cells = np.arange(first, first + network.population(r.target).size)
            recorded = [(self.groups[key], cells)]
        return [
            self.brian2.StateMonitor(
                source,
                _NAMES.get(r.variable, r.variable),
                record=cells,
                # A second clock slows every tick down.
                **({"clock": self.clock} if every == 1 else {"dt": every * self.clock.dt}),
                when="end",
                name=f"samples_{number}_{part}",
            )
            for part, (source, cells) in enumerate(recorded)
        ]

    def _parts(self, label: str) -> list[tuple[Synapses, Any]]:
        """Return the plastic synapses of a projection, by delay."""
        pairs = zip(self.model.synapses, self.synapses, strict=True)
        return [(table, made) for table, made in pairs if table.label == label]

    def _matrices(self, label: str, number: int, values: list[np.ndarray]) -> np.ndarray:
        """Return weights as matrices [pre, post], NaN where there is no connection."""
        network = self.job.network
        projection = network.projection(label)
        pre, post = network.view(projection.pre), network.view(projection.post)
        table = np.full((number, pre.size, post.size), np.nan)
        if not projection.plastic:
            table[:, *network.pairs(projection)] = network.weights(projection)
        for (part, _), some in zip(self._parts(label), values, strict=True):
            rows = part.i - self.model.first[pre.population.name][1] - pre.start
            columns = part.j - self.model.first[post.population.name][1] - post.start
            table[:, rows, columns] = some
        return table

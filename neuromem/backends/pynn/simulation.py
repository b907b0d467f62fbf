"""One run on a PyNN simulator, from t = 0: set up, build, run, collect."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from neuromem.backends.features import Unsupported
from neuromem.backends.pynn.dialects import DIALECTS, Dialect
from neuromem.backends.pynn.exact import exact
from neuromem.backends.pynn.mechanisms import load_mechanisms
from neuromem.backends.pynn.quiet import quiet
from neuromem.backends.pynn.script import TINY, Built, Script, build, check
from neuromem.backends.pynn.translate import literal
from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.sampling import sample_shape, sample_ticks, sample_unit
from neuromem.network import Network, Population, SpikeTrains
from neuromem.results import Samples


def simulate(job: Job) -> Outcome:
    """Run a job and return what it gave."""
    dialect = DIALECTS[job.backend]
    if job.fidelity == "exact":
        script = exact(job.network, job.stimulus, job.ticks, dialect)
    else:
        script = literal(job.network, job.stimulus, dialect)
    check(job.network, script, dialect)
    if dialect.module == "pyNN.neuron":
        load_mechanisms()
    with quiet(), module(dialect) as sim:
        sim.setup(
            timestep=dialect.step_ms,
            min_delay=min(script.shortest_delay, dialect.least_delay * dialect.step_ms),
            max_delay=script.longest_delay + dialect.step_ms,
            **dialect.setup,
            **job.options,
        )
        try:
            _check_processes(sim, script, dialect)
            run = Run(job, script, dialect, sim, build(sim, script, dialect))
            outcome = _on_all_processes(sim, run.outcome())
        finally:
            sim.end()
    if job.progress is not None:
        job.progress(job.duration_ms, job.duration_ms)
    return outcome


def _check_processes(sim: Any, script: Script, dialect: Dialect) -> None:
    """Raise Unsupported where several processes would stop without a word."""
    least = dialect.least_delay * dialect.step_ms
    if sim.num_processes() == 1:
        return
    if any(w.rule is not None for w in script.wires):
        raise Unsupported(f"{dialect.module} on several processes: static networks only")
    if script.shortest_delay < least:
        raise Unsupported(
            f"{dialect.module} on several processes takes no delay below {dialect.least_delay} "
            "time steps: use fidelity='exact', which finds longer ones, or lengthen the delays"
        )


def _on_all_processes(sim: Any, outcome: Outcome) -> Outcome:
    """Return the outcome of the first process, where PyNN has gathered it, on each of them."""
    if sim.num_processes() == 1:
        return outcome
    from mpi4py import MPI

    return MPI.COMM_WORLD.bcast(outcome, root=0)


@contextmanager
def module(dialect: Dialect) -> Iterator[Any]:
    """Yield the PyNN module, leaving the process's settings as they were."""
    hook = sys.excepthook
    sim = import_module(dialect.module)
    sys.excepthook = hook  # Brian2 reports every error of the process as its own
    if dialect.module == "pyNN.nest":
        from threadpoolctl import threadpool_limits

        nest: Any = import_module("nest")
        # NEST crashes where another library, such as torch, has set OpenMP to another number of
        # threads than NEST's last run had, and leaves its own number to that library.
        with threadpool_limits(nest.local_num_threads, user_api="openmp"):
            yield sim
        return
    if dialect.module != "pyNN.brian2":
        yield sim
        return
    from brian2 import prefs  # pyright: ignore[reportAttributeAccessIssue]

    target = prefs["codegen.target"]
    prefs["codegen.target"] = "numpy"  # compiling takes longer than nearly every run
    try:
        yield sim
    finally:
        prefs["codegen.target"] = target


class Run:
    """A script that has been built, run to its end and read."""

    def __init__(self, job: Job, script: Script, dialect: Dialect, sim: Any, built: Built) -> None:
        self.job, self.script, self.dialect, self.sim = job, script, dialect, sim
        self.built = built
        self.network: Network = job.network
        self.neurons = [p for p in job.network.populations if isinstance(p, Population)]

    def outcome(self) -> Outcome:
        """Run, and return what was recorded."""
        potentials = {r.target for r in self.network.recordings if r.variable == "v"}
        for population in self.neurons:
            group = self.built.populations[population.name]
            group.record(["spikes", "v"] if population.name in potentials else "spikes")
        weights = self._advance()
        data = {p.name: self.built.populations[p.name].get_data().segments[0] for p in self.neurons}
        spikes = dict(self.job.stimulus)
        spikes |= {p.name: self._spikes(p, data[p.name]) for p in self.neurons}
        samples = {}
        for recording in self.network.recordings:
            ticks = sample_ticks(self.network, recording, self.job.ticks)
            if recording.variable == "v":
                population = self.network.population(recording.target)
                values = self._potentials(population, data[recording.target], spikes)[ticks]
            elif recording.variable == "weights":
                shape = sample_shape(self.network, recording)
                values = [weights[recording.target, tick] for tick in ticks.tolist()]
                values = np.array(values).reshape(len(ticks), *shape)
            else:
                continue
            times = ticks * self.network.timestep_ms
            unit = sample_unit(self.network, recording)
            samples[recording.target, recording.variable] = Samples(times, values, unit)
        last = {
            p.label: weights[p.label, self.job.ticks - 1]
            for p in self.network.projections
            if p.plastic
        }
        return Outcome(spikes, last, samples, self.script.settings)

    def _step(self, population: str, tick: int) -> int:
        return self.script.steps_per_tick * tick + self.script.shift[population]

    def _advance(self) -> dict[tuple[str, int], np.ndarray]:
        """Run to the end, reading weights after the ticks in which they are wanted."""
        wanted = {(p.label, self.job.ticks - 1) for p in self.network.projections if p.plastic}
        for recording in self.network.recordings:
            if recording.variable == "weights":
                ticks = sample_ticks(self.network, recording, self.job.ticks)
                wanted |= {(recording.target, tick) for tick in ticks.tolist()}
        stops: dict[int, list[tuple[str, int]]] = {}
        for label, tick in wanted:
            pre = self.network.view(self.network.projection(label).pre).population.name
            stop = self._step(pre, tick) + self.dialect.read_lag
            stops.setdefault(stop, []).append((label, tick))
        end = max(self._step(p.name, self.job.ticks - 1) for p in self.network.populations)
        found = {}
        # One step past the last, since some look for spikes only at the start of the next step.
        for stop in sorted({*stops, end + 1}):
            self.sim.run_until(stop * self.dialect.step_ms)
            for label, tick in stops.get(stop, ()):
                found[label, tick] = self._weights(label)
        return found

    def _weights(self, label: str) -> np.ndarray:
        """Return the weights [pre, post] of a projection now, in the definition's unit."""
        projection = self.network.projection(label)
        pre, post = self.network.view(projection.pre), self.network.view(projection.post)
        matrix = np.full((pre.population.size, post.population.size), np.nan)
        for wires in self.script.wires:
            if wires.source != label:
                continue
            read = self.built.projections[wires.label].get("weight", format="array")
            model = next(c.model for c in self.script.cells if c.name == wires.post)
            unit = self.dialect.delta_bound if model == "IF_curr_delta" else 1.0
            sign = -1.0 if projection.receptor_type == "signed" else 1.0
            values = np.maximum(np.abs(read[wires.rows, wires.columns]) - TINY, 0.0)
            values = values / (wires.scale * unit)
            matrix[wires.rows, wires.columns] = (
                sign * values if wires.receptor == "inhibitory" else values
            )
        return matrix[pre.start : pre.stop, post.start : post.stop]

    def _spikes(self, population: Population, segment: Any) -> SpikeTrains:
        """Return the recorded spikes in the definition's time."""
        steps, neurons = [np.zeros(0)], [np.zeros(0, dtype=np.int64)]
        for train in segment.spiketrains:
            times = np.asarray(train.rescale("ms").magnitude, dtype=float)
            steps.append(np.rint(times / self.dialect.step_ms))
            neurons.append(np.full(len(times), int(train.annotations["source_index"])))
        step, neuron = np.concatenate(steps), np.concatenate(neurons)
        ticks = (step - self.script.shift[population.name]) / self.script.steps_per_tick
        inside = (ticks >= 0) & (ticks < self.job.ticks)
        if self.job.fidelity == "exact" and np.any(ticks[inside] % 1):
            raise RuntimeError(
                f"{self.job.backend}: {population.name!r} fired between two ticks, which the "
                "translation excludes; please report this network"
            )
        h = self.network.timestep_ms
        return SpikeTrains(ticks[inside] * h, neuron[inside], population.size)

    def _potentials(self, population: Any, segment: Any, spikes: dict) -> np.ndarray:
        """Return the potential after every tick, shape (ticks, neurons)."""
        (signal,) = (s for s in segment.analogsignals if s.name == "v")
        order = np.argsort(signal.array_annotations["channel_index"])
        steps = np.array([self._step(population.name, tick) for tick in range(self.job.ticks)])
        values = np.asarray(signal.rescale("mV").magnitude)[steps + self.dialect.v_lag][:, order]
        if self.dialect.v_before_reset:
            trains = spikes[population.name]
            ticks = np.rint(trains.times_ms / self.network.timestep_ms).astype(int)
            values[ticks, trains.neurons] = population.neuron.v_reset_mv
        return values

"""The float engine and the fixed-point twin on the same networks: the engines, and whole runs."""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time

import numpy as np

from contestants.liquid_workload import liquid
from contestants.workload import SOURCE, workload
from neuromem import backends
from neuromem.backends.arithmetic.engine import Engine
from neuromem.backends.arithmetic.translate import translate as translate_twin
from neuromem.backends.native.fast import FastEngine
from neuromem.backends.native.translate import translate as translate_native
from neuromem.memory import Memory
from neuromem.memory.memory import BOARD_POST_HISTORY
from neuromem.network import (
    AllToAllConnector,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
)

#: Steps of a liquid's recording, and how many recordings follow each other.
STEPS, RECORDINGS = 100, 8


@dataclass(frozen=True)
class TwinWorkload:
    """A network with its input: (tick, line) of every input spike, sorted, of its one source."""

    name: str
    network: Network
    ticks: int
    events: np.ndarray

    @property
    def stimulus(self) -> dict[str, SpikeTrains]:
        """The input as spike trains."""
        ticks, lines = self.events.T
        size = self.network.population(SOURCE).size
        return {SOURCE: SpikeTrains(ticks * self.network.timestep_ms, lines, size)}

    @property
    def neurons(self) -> int:
        """Neurons of all populations."""
        return sum(p.size for p in self.network.populations if isinstance(p, Population))


def memory_workload(cues: int, content: int, seconds: float) -> TwinWorkload:
    """Return a memory with an operation every 8 ms on half-full content.

    Neurons remember 15 post spikes, as on the board: then both engines do the same.
    """
    work = workload(cues, content, seconds)
    network = Memory(cues, content, post_history=BOARD_POST_HISTORY).network
    network = network.recording(*(Recording(target=p.name) for p in _neurons(network)))
    return TwinWorkload(f"memory {cues}x{content}", network, work.ticks, work.events)


def liquid_workload(neurons: int) -> TwinWorkload:
    """Return a liquid with some recordings, one after the other."""
    work = liquid(neurons, STEPS, RECORDINGS)
    matrices = {SOURCE: work.reservoir.w_in, "liquid": work.reservoir.w_rec}
    network = Network(
        name=f"liquid of {neurons}",
        populations=(
            SpikeSource(name=SOURCE, size=len(work.reservoir.w_in)),
            Population(
                name="liquid",
                size=neurons,
                neuron=LIF_hard_reset(
                    decay=work.decay, v_thresh=float(work.reservoir.v_thresh[0])
                ),
            ),
        ),
        projections=tuple(
            Projection(
                pre=pre, post="liquid", connector=AllToAllConnector(), receptor_type="signed",
                synapse=StaticSynapse(weight=np.asarray(matrix, dtype=np.float64)), label=pre,
            )
            for pre, matrix in matrices.items()
        ),
        recordings=(Recording(target="liquid"),),
    )  # fmt: skip
    per_tick = np.diff(work.batch.offsets)
    ticks = np.repeat(np.arange(len(per_tick)), per_tick)
    events = np.stack([ticks, work.batch.channel.astype(np.int64)], axis=1)
    return TwinWorkload(network.name, network, len(per_tick), events)


class NativeEngine:
    """The float engine: one call for all ticks, and reading out every spike."""

    def __init__(self, work: TwinWorkload) -> None:
        self.work, self.plan = work, translate_native(work.network)
        self.events = work.events + np.array([0, self.plan.groups[SOURCE][0]])

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        engine = FastEngine(self.plan)
        start = process_time()
        engine.advance(self.work.ticks, self.events)
        _, cells = engine.take_spikes()
        seconds = process_time() - start
        return seconds, np.bincount(cells, minlength=self.plan.n_cells)[: self.plan.n_neurons]


class TwinEngine:
    """The twin's engine, in the same way."""

    def __init__(self, work: TwinWorkload) -> None:
        self.work, self.plan = work, translate_twin(work.network)
        self.events = work.events + np.array([0, self.plan.groups[SOURCE][0]])

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return CPU seconds and the spikes of every neuron."""
        engine = Engine(self.plan, self.events)
        start = process_time()
        engine.advance(self.work.ticks)
        cells = engine.spikes[:, 1]
        seconds = process_time() - start
        return seconds, np.bincount(cells, minlength=self.work.neurons)


class Run:
    """A whole ``neuromem.backends.run``: checks, translation, the engine and the result."""

    def __init__(self, work: TwinWorkload, backend: str, **options: object) -> None:
        self.work, self.backend, self.options = work, backend, options

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return CPU seconds and the spikes of every neuron."""
        work = self.work
        start = process_time()
        result = backends.run(
            work.network, work.ticks * work.network.timestep_ms, work.stimulus, self.backend,
            **self.options,
        )  # fmt: skip
        seconds = process_time() - start
        counts = [
            np.bincount(result.spikes[p.name].neurons, minlength=p.size)
            for p in _neurons(work.network)
        ]
        return seconds, np.concatenate(counts)


def _neurons(network: Network) -> list[Population]:
    return [p for p in network.populations if isinstance(p, Population)]

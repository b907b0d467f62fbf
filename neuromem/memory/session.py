"""A memory at work: operations one at a time or as a program, with the state kept in between."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from neuromem.backends import Progress, Simulation
from neuromem.memory.answers import Answer, read_answer, read_answers
from neuromem.memory.operations import (
    Learn,
    Operation,
    RecallByContent,
    RecallByCue,
    check,
    input_lines,
    schedule,
    stimulus,
    whole_ms,
)
from neuromem.network import Population, firing_weight
from neuromem.results import Result, write_tree

if TYPE_CHECKING:
    from neuromem.memory.memory import Memory

KIND = "memory session"
#: The default distance from one operation's start to the next (ms).
SPACING_MS = 20
_REMEMBERED = 4096


class Saved(msgspec.Struct, forbid_unknown_fields=True):
    """What a session's file holds beside the simulation."""

    settings: dict
    operations: list[Operation]
    starts: list[int]
    spacing_ms: int
    force: bool


class Session:
    """A live memory; made by :meth:`Memory.start` or :meth:`Memory.resume`.

    Attributes
    ----------
    memory : Memory
        What is running.
    simulation : Simulation
        Where it runs.
    operations, starts : list
        What was asked so far, and when it started (ms).
    """

    def __init__(
        self, memory: Memory, simulation: Simulation, *, spacing_ms: int | None, force: bool
    ) -> None:
        timing = memory.model.timing
        least = max(timing.after_learn_ms, timing.after_recall_ms)
        self.spacing_ms = whole_ms("spacing_ms", SPACING_MS if spacing_ms is None else spacing_ms)
        if self.spacing_ms < least and not force:
            raise ValueError(
                f"spacing_ms = {self.spacing_ms}: the model {memory.model.name!r} needs {least} ms "
                "between operations; space them more, or force it"
            )
        self.memory, self.simulation, self.force = memory, simulation, force
        self.operations: list[Operation] = []
        self.starts: list[int] = []
        self._next = timing.start_ms
        self._checked: dict[Operation, tuple[list[int], int]] = {}

    @property
    def time_ms(self) -> float:
        """Simulated time so far (ms)."""
        return self.simulation.time_ms

    def learn(self, cue: int, content: Iterable[int]) -> Answer:
        """Store content under a cue, forgetting what the cue held; returns what was echoed.

        Raises
        ------
        ValueError
            When the cue or a bit is out of range, or the content empty or with a bit twice.
        """
        return self.perform(Learn(cue=cue, content=content))  # type: ignore[arg-type]

    overwrite = learn

    def recall_by_cue(self, cue: int | Sequence[int]) -> Answer:
        """Ask for the content under a cue (or the union under several)."""
        return self.perform(RecallByCue(cue=cue))  # type: ignore[arg-type]

    def recall_by_content(self, content: Iterable[int]) -> Answer:
        """Ask for the cues that share at least one of the content bits."""
        return self.perform(RecallByContent(content=content))  # type: ignore[arg-type]

    def perform(self, operation: Operation) -> Answer:
        """Perform one operation now, or as soon as the spacing allows, and return its answer."""
        try:
            known = self._checked.get(operation)
        except TypeError:  # something in it cannot be hashed: the check says what
            known = None
        if known is None:
            known = self._prepare(operation)
        lines, hold = known
        simulation, model = self.simulation, self.memory.model
        timing, now = model.timing, simulation.tick
        start = max(self._next, now)
        simulation.present("input", lines, start, hold, start + timing.answer_ms + 1 - now)
        self._next = start + self.spacing_ms
        self.operations.append(operation)
        self.starts.append(start)
        echo = simulation.fired("output", timing.answer_ms - timing.echo_ms)
        answer = simulation.fired("output", 0)
        return read_answer(operation, float(start), echo, answer, model, self.memory.cues)

    def run(
        self, operations: Sequence[Operation], progress: Progress | None = None
    ) -> list[Answer]:
        """Run a program of operations in one go and return the answers to all operations so far.

        Times in the program count from the start of the simulation. An interruption leaves the
        session whole: what was computed is kept, :meth:`save` it and :meth:`finish` it later.

        Raises
        ------
        ValueError
            For an operation that does not fit the memory, or starts too early.
        """
        memory = self.memory
        for number, operation in enumerate(operations):
            try:
                check(operation, memory.model, memory.cues, memory.content)
            except ValueError as error:
                raise ValueError(f"operation {number}: {error}") from None
        starts = schedule(
            operations,
            memory.model,
            self.spacing_ms,
            first_ms=max(self._next, self.simulation.tick),
            force=self.force,
        )
        lines = self.memory.network.population("input").size
        trains = stimulus(operations, starts, memory.model, memory.cues, lines)
        self.simulation.stimulate({"input": trains})
        self.operations.extend(operations)
        self.starts.extend(starts)
        if starts:
            self._next = starts[-1] + self.spacing_ms
        return self.finish(progress)

    def finish(self, progress: Progress | None = None) -> list[Answer]:
        """Run until every operation asked so far has its answer, and return all answers."""
        timing = self.memory.model.timing
        if self.starts:
            until = max(self.starts) + timing.answer_ms + 1
            if until > self.simulation.tick:
                self.simulation.run(until - self.simulation.tick, progress)
        return self.answers()

    def wait(self, duration_ms: float) -> None:
        """Let time pass without input (ms)."""
        self.simulation.run(duration_ms)

    def answers(self) -> list[Answer]:
        """Return the answers to all operations that have been reached, in order."""
        output, memory = self.simulation.spikes("output"), self.memory
        return read_answers(
            self.operations, self.starts, output, self.time_ms, memory.model, memory.cues
        )

    def stored(self) -> dict[int, tuple[int, ...]]:
        """Return what the synapses hold: for each cue the bits that would answer it.

        A bit counts where its weight, with all pending potentiation, fires the content neuron.
        """
        label = self.memory.model.cue_to_content
        weights = self.simulation.weights(label, settled=True)
        network = self.memory.network
        target = network.view(network.projection(label).post).population
        assert isinstance(target, Population)
        least = firing_weight(target.neuron, network.timestep_ms)
        return {
            cue: tuple(np.flatnonzero(row >= least).tolist())
            for cue, row in enumerate(weights)
            if np.any(row >= least)
        }

    def weights(self, *, settled: bool = True) -> dict[str, np.ndarray]:
        """Return the plastic weights [pre, post] (nA) of each plastic projection by label."""
        return {
            p.label: self.simulation.weights(p.label, settled=settled)
            for p in self.memory.network.projections
            if p.plastic
        }

    def result(self) -> Result:
        """Return the spikes, and weights where sampled, of the whole session."""
        return self.simulation.result()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the session to an HDF5 file, whole or not at all; mid-operation too."""
        saved = Saved(
            self.memory.settings(), self.operations, self.starts, self.spacing_ms, self.force
        )
        tree = {
            "session": msgspec.json.encode(saved).decode(),
            "next_ms": self._next,
            "simulation": self.simulation.tree(),
        }
        return write_tree(path, KIND, tree)

    @classmethod
    def restored(
        cls, memory: Memory, saved: Saved, next_ms: int, simulation: Simulation
    ) -> Session:
        """Return the session of which :meth:`save` wrote these parts."""
        session = cls(memory, simulation, spacing_ms=saved.spacing_ms, force=saved.force)
        session.operations, session.starts = saved.operations, saved.starts
        session._next = next_ms
        return session

    def _prepare(self, operation: Operation) -> tuple[list[int], int]:
        """Check an operation and remember its input."""
        memory = self.memory
        check(operation, memory.model, memory.cues, memory.content)
        if operation.at_ms is not None:
            raise ValueError(
                f"at_ms = {operation.at_ms}: a live session starts an operation when it is asked; "
                "give times in a program"
            )
        if len(self._checked) >= _REMEMBERED:
            self._checked.clear()
        hold = memory.model.timing.hold_ms if isinstance(operation, Learn) else 1
        prepared = input_lines(operation, memory.model, memory.cues), hold
        self._checked[operation] = prepared
        return prepared

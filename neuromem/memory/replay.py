"""Recordings of a board: run their inputs through the definition and compare spike for spike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from neuromem import backends
from neuromem.memory.memory import Memory
from neuromem.network import SpikeTrains
from neuromem.results import Result

Trains = list[tuple[int, list[float]]]


class _Parameters(msgspec.Struct):
    cue_size: int
    content_size: int
    sim_time_ms: float
    time_step_ms: float = 1.0


class _Inputs(msgspec.Struct):
    cue: list[list[float]]
    content: list[list[float]]


class Recorded(msgspec.Struct):
    """A recording of the content-addressable memory on a board.

    Parameters
    ----------
    params
        Sizes and duration.
    inputs
        Spike times (ms) of every cue and content line.
    recorded
        For each population, ``(neuron, [times])`` of those that fired. ``OUTcue`` and ``OUTcont``
        are the two parts of the output.
    experiment
        What was recorded.
    """

    params: _Parameters
    inputs: _Inputs
    recorded: dict[str, Trains]
    experiment: str = ""


@dataclass(frozen=True)
class Comparison:
    """Recorded against reproduced spikes of one population, as sets of (time in ms, neuron)."""

    population: str
    recorded: set[tuple[float, int]]
    reproduced: set[tuple[float, int]]

    @property
    def missing(self) -> set[tuple[float, int]]:
        """Spikes recorded but not reproduced."""
        return self.recorded - self.reproduced

    @property
    def extra(self) -> set[tuple[float, int]]:
        """Spikes reproduced but not recorded."""
        return self.reproduced - self.recorded


def load_recording(path: str | os.PathLike[str]) -> Recorded:
    """Read a recording from a JSON file.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is no recording, or its sizes contradict each other.
    """
    try:
        recording = msgspec.json.decode(Path(path).read_bytes(), type=Recorded)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: not a recording: {error}") from None
    for what, lines, size in (
        ("cue", recording.inputs.cue, recording.params.cue_size),
        ("content", recording.inputs.content, recording.params.content_size),
    ):
        if len(lines) != size:
            raise ValueError(f"{path}: {len(lines)} {what} inputs, but {what}_size is {size}")
    if recording.params.time_step_ms != 1.0:
        raise ValueError(f"{path}: time step {recording.params.time_step_ms} ms: must be 1 ms")
    return recording


def replay(
    recording: Recorded,
    backend: str = "native",
    *,
    seed: int | None = None,
    fidelity: backends.Fidelity = "exact",
    **options: Any,
) -> tuple[list[Comparison], Result]:
    """Run a recording's inputs through the memory and compare with what the board did.

    Parameters
    ----------
    recording
        What the board did.
    backend, seed, fidelity, **options
        As in :func:`neuromem.backends.start`.

    Returns
    -------
    comparisons
        One per recorded population.
    result
        The run.
    """
    cues, content = recording.params.cue_size, recording.params.content_size
    memory = Memory(cues, content)
    inputs = SpikeTrains.of(recording.inputs.cue + recording.inputs.content)
    result = backends.run(
        memory.network,
        recording.params.sim_time_ms,
        {"input": inputs},
        backend,
        seed=seed,
        fidelity=fidelity,
        **options,
    )
    parts = {"OUTcue": ("output", 0, cues), "OUTcont": ("output", cues, cues + content)}
    comparisons = []
    for name, trains in recording.recorded.items():
        population, first, stop = parts.get(name, (name, 0, None))
        if population not in result.spikes:
            known = ", ".join([*result.spikes, *parts])
            raise ValueError(f"recorded population {name!r} is unknown: there are {known}")
        reproduced = {
            (time, neuron - first)
            for time, neuron in result.spikes[population].pairs()
            if neuron >= first and (stop is None or neuron < stop)
        }
        recorded = {(float(time), neuron) for neuron, times in trains for time in times}
        comparisons.append(Comparison(name, recorded, reproduced))
    return comparisons, result

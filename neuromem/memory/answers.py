"""What a memory said to an operation, read from its output spikes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import msgspec
import numpy as np

from neuromem.memory.model import MemoryModel
from neuromem.memory.operations import Operation, RecallByContent, RecallByCue
from neuromem.network import SpikeTrains


class Answer(msgspec.Struct, frozen=True, gc=False):
    """An operation and what the output showed for it.

    Parameters
    ----------
    operation
        What was asked.
    at_ms
        When it started (ms).
    cues
        Recall by content: the cues that answered. Otherwise the cue echoed.
    content
        Recall by cue: the content that answered. Learn: the content echoed. Recall by content:
        the content echoed.
    replaced
        Learn: old content of the cue, seen leaving.
    latency_ms
        From the start to the first spike of the answering side; None when nothing answered.
    """

    operation: Operation
    at_ms: float
    cues: tuple[int, ...]
    content: tuple[int, ...]
    replaced: tuple[int, ...]
    latency_ms: float | None


def read_answer(
    operation: Operation,
    at_ms: float,
    echo: list[int],
    answer: list[int],
    model: MemoryModel,
    cues: int,
) -> Answer:
    """Return the answer in the output lines, ascending, that were active at echo and answer."""
    first, timing = model.cue_lines(cues), model.timing
    n_echo, n_answer = bisect_left(echo, first), bisect_left(answer, first)
    if isinstance(operation, RecallByContent):
        found = model.decode_cue(answer[:n_answer], cues)
        shown = tuple([line - first for line in echo[n_echo:]])
        return Answer(operation, at_ms, found, shown, (), timing.answer_ms if found else None)
    asked = model.decode_cue(echo[:n_echo], cues)
    late = tuple([line - first for line in answer[n_answer:]])
    if isinstance(operation, RecallByCue):
        return Answer(operation, at_ms, asked, late, (), timing.answer_ms if late else None)
    shown = tuple([line - first for line in echo[n_echo:]])
    replaced = tuple([bit for bit in late if bit not in operation.content])
    return Answer(operation, at_ms, asked, shown, replaced, timing.echo_ms if shown else None)


def read_answers(
    operations: Sequence[Operation],
    starts: Sequence[int],
    output: SpikeTrains,
    until_ms: float,
    model: MemoryModel,
    cues: int,
) -> list[Answer]:
    """Return the answers to all operations whose answer lies before ``until_ms``."""
    answers = []
    for operation, start in zip(operations, starts, strict=True):
        if start + model.timing.answer_ms >= until_ms:
            break
        echo = _active(output, start + model.timing.echo_ms)
        late = _active(output, start + model.timing.answer_ms)
        answers.append(read_answer(operation, float(start), echo, late, model, cues))
    return answers


def _active(output: SpikeTrains, tick: int) -> list[int]:
    low, high = np.searchsorted(output.times_ms, (tick - 0.5, tick + 0.5))
    return output.neurons[low:high].tolist()

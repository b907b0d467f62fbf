"""What a memory said to an operation, read from its output spikes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from neuromem.memory.model import MemoryModel
from neuromem.memory.operations import Learn, Operation, RecallByCue
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
    echo: Sequence[int],
    answer: Sequence[int],
    model: MemoryModel,
    cues: int,
) -> Answer:
    """Return the answer in the output lines active at the echo and at the answer time."""
    first, timing = model.cue_lines(cues), model.timing
    echo_cues = model.decode_cue([line for line in echo if line < first], cues)
    echo_content = tuple([line - first for line in echo if line >= first])
    late_content = tuple([line - first for line in answer if line >= first])
    if isinstance(operation, Learn):
        replaced = tuple([bit for bit in late_content if bit not in operation.content])
        latency = timing.echo_ms if echo_content else None
        return Answer(operation, at_ms, echo_cues, echo_content, replaced, latency)
    if isinstance(operation, RecallByCue):
        latency = timing.answer_ms if late_content else None
        return Answer(operation, at_ms, echo_cues, late_content, (), latency)
    found = model.decode_cue([line for line in answer if line < first], cues)
    return Answer(operation, at_ms, found, echo_content, (), timing.answer_ms if found else None)


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

"""The operations of a memory, when they may start, and the input spikes that carry them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from neuromem.memory.model import MemoryModel
from neuromem.network import SpikeTrains


class Learn(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="do",
    tag="learn",
):
    """Store content under a cue; what the cue held before is forgotten.

    Parameters
    ----------
    cue
        Number of the cue, 0..cues-1.
    content
        Content bits to store, at least one.
    at_ms
        Start (ms); as early as the spacing allows where None.
    """

    cue: int
    content: tuple[int, ...]
    at_ms: float | None = None

    def __post_init__(self) -> None:
        _plain(self, "cue", "content", "at_ms")


class RecallByCue(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="do",
    tag="recall-by-cue",
):
    """Ask for the content stored under a cue.

    Parameters
    ----------
    cue
        Number of the cue, or several for the union of their contents.
    at_ms
        Start (ms); as early as the spacing allows where None.
    """

    cue: int | tuple[int, ...]
    at_ms: float | None = None

    def __post_init__(self) -> None:
        if type(self.cue) is not int or self.at_ms is not None:
            _plain(self, "cue", "at_ms")


class RecallByContent(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="do",
    tag="recall-by-content",
):
    """Ask for the cues that share at least one of the given content bits.

    Parameters
    ----------
    content
        Content bits, at least one.
    at_ms
        Start (ms); as early as the spacing allows where None.
    """

    content: tuple[int, ...]
    at_ms: float | None = None

    def __post_init__(self) -> None:
        _plain(self, "content", "at_ms")


Operation = Learn | RecallByCue | RecallByContent
#: Nothing may start later than this (ms).
LATEST_MS = 2**53
NAMES = {Learn: "learn", RecallByCue: "recall by cue", RecallByContent: "recall by content"}


def cues_of(operation: Operation) -> tuple[int, ...]:
    """Return the cues that an operation presents."""
    if isinstance(operation, RecallByContent):
        return ()
    return operation.cue if isinstance(operation.cue, tuple) else (operation.cue,)


def content_of(operation: Operation) -> tuple[int, ...]:
    """Return the content bits that an operation presents."""
    return () if isinstance(operation, RecallByCue) else operation.content


def describe(operation: Operation) -> str:
    """Return an operation in words."""
    cues, content = list(cues_of(operation)), list(content_of(operation))
    if isinstance(operation, Learn):
        return f"learn {content} under cue {operation.cue}"
    if isinstance(operation, RecallByCue):
        return f"recall by cue {cues[0] if len(cues) == 1 else cues}"
    return f"recall by content {content}"


def check(operation: Operation, model: MemoryModel, cues: int, content: int) -> None:
    """Raise ValueError when an operation does not fit a memory of this model and size."""
    if type(operation) not in NAMES:
        kinds = ", ".join(kind.__name__ for kind in NAMES)
        raise ValueError(f"{operation!r} is no operation: give one of {kinds}")
    name = NAMES[type(operation)]
    if isinstance(operation, RecallByContent) and not model.recalls_by_content:
        raise ValueError(f"{name}: the model {model.name!r} recalls by cue only")
    if not isinstance(operation, RecallByContent):
        _check_indices(f"{name}: cue", cues_of(operation), cues)
        if len(cues_of(operation)) > 1 and model.binary_cue:
            raise ValueError(f"{name}: the binary cue of {model.name!r} names one cue at a time")
    if not isinstance(operation, RecallByCue):
        _check_indices(f"{name}: content bit", content_of(operation), content)
    at_ms = operation.at_ms
    if at_ms is not None and not _is_whole(at_ms):
        raise ValueError(
            f"{name}: at_ms = {at_ms!r}: must be a whole number of ms in 0..{LATEST_MS:g}"
        )


def schedule(
    operations: Sequence[Operation],
    model: MemoryModel,
    spacing_ms: int,
    *,
    first_ms: int | None = None,
    force: bool = False,
) -> list[int]:
    """Return the start (ms) of every operation, checking the model's minimal spacing.

    Parameters
    ----------
    operations
        In the order in which they start.
    model
        Whose timing applies.
    spacing_ms
        Distance kept before an operation without a time of its own, at least the minimal one.
    first_ms
        Earliest start of the first operation; the model's where None.
    force
        Accept operations that start too early.

    Raises
    ------
    ValueError
        When an operation starts before its predecessor is done, saying by how much.
    """
    timing = model.timing
    starts: list[int] = []
    for number, operation in enumerate(operations):
        earliest = timing.start_ms if first_ms is None else first_ms
        reason = f"the first may start at {earliest} ms"
        if number:
            before = operations[number - 1]
            need = timing.after_learn_ms if isinstance(before, Learn) else timing.after_recall_ms
            earliest = starts[-1] + need
            reason = f"{NAMES[type(before)]} at {starts[-1]} ms needs {need} ms"
            natural = starts[-1] + max(need, spacing_ms)
        else:
            natural = earliest
        start = natural if operation.at_ms is None else int(operation.at_ms)
        if start < earliest and not force:
            raise ValueError(
                f"operation {number} ({NAMES[type(operation)]}) at {start} ms starts "
                f"{earliest - start} ms too early: {reason}; start it at {earliest} ms or later, "
                "or force the schedule"
            )
        starts.append(start)
    return starts


def input_lines(operation: Operation, model: MemoryModel, cues: int) -> list[int]:
    """Return the input lines that an operation drives, in ascending order."""
    first = model.cue_lines(cues)
    lines = {line for cue in cues_of(operation) for line in model.encode_cue(cue)}
    return sorted(lines) + sorted(first + bit for bit in content_of(operation))


def stimulus(
    operations: Sequence[Operation], starts: Sequence[int], model: MemoryModel, cues: int, size: int
) -> SpikeTrains:
    """Return the input spikes of scheduled operations on ``size`` input lines."""
    times: list[int] = []
    lines: list[int] = []
    for operation, start in zip(operations, starts, strict=True):
        driven = input_lines(operation, model, cues)
        for tick in range(model.timing.hold_ms if isinstance(operation, Learn) else 1):
            times.extend([start + tick] * len(driven))
            lines.extend(driven)
    return SpikeTrains(np.array(times, dtype=np.float64), np.array(lines, dtype=np.int64), size)


def whole_ms(name: str, value: float) -> int:
    """Return a number of whole ms as an int; raise ValueError, naming it, for anything else."""
    if not _is_whole(value) or value < 1:
        raise ValueError(f"{name} = {value!r}: must be a whole number of ms, at least 1")
    return int(value)


def _is_whole(value: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= LATEST_MS and value % 1 == 0


def _plain(operation: Operation, *names: str) -> None:
    """Turn numpy numbers into plain ones and sequences into tuples; the rest is left to check."""
    for name in names:
        value = getattr(operation, name)
        if isinstance(value, np.ndarray | list | range | set | frozenset):
            value = tuple(value)
        if isinstance(value, tuple):
            value = tuple([v.item() if isinstance(v, np.generic) else v for v in value])
        elif isinstance(value, np.generic):
            value = value.item()
        msgspec.structs.force_setattr(operation, name, value)


def _check_indices(what: str, values: tuple[int, ...], size: int) -> None:
    if not isinstance(values, tuple):
        raise ValueError(f"{what} {values!r}: give a list of whole numbers in 0..{size - 1}")
    if not values:
        raise ValueError(f"{what} missing: give at least one of 0..{size - 1}")
    for value in values:
        # The type first, which tells nearly always: every live operation passes here.
        whole = type(value) is int or (isinstance(value, int) and not isinstance(value, bool))
        if not whole or not 0 <= value < size:
            raise ValueError(f"{what} {value!r}: must be a whole number in 0..{size - 1}")
    if len(set(values)) < len(values):
        twice = next(v for v in values if values.count(v) > 1)
        raise ValueError(f"{what} {twice} is given twice: name each once")

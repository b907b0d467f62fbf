"""Programs of operations in readable TOML files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from neuromem.memory.memory import BOARD_POST_HISTORY, Memory, find_model
from neuromem.memory.operations import Learn, Operation, RecallByContent, RecallByCue

Count = Annotated[int, Meta(ge=1)]


class Random(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="do",
    tag="random",
):
    """Random operations: half of them learns of new content, the rest recalls of what was learned.

    Parameters
    ----------
    count
        How many.
    bits
        Bits of each content.
    """

    count: Count
    bits: Count


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The ``[memory]`` table of a program: as the arguments of :class:`Memory`."""

    cues: int
    content: int
    model: str = "content-addressable"
    post_history: int | None = BOARD_POST_HISTORY
    initial: dict[str, list[int]] = {}
    weights_every_ms: float | None = None


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A memory and the operations to perform on it.

    Parameters
    ----------
    memory
        Size and model.
    operations
        In the order in which they start.
    spacing_ms
        Distance before an operation without a time of its own (ms).
    force
        Accept operations closer than the model's minimal spacing.
    """

    memory: MemorySettings
    operations: list[Learn | RecallByCue | RecallByContent | Random]
    spacing_ms: Count | None = None
    force: bool = False

    def build(self) -> Memory:
        """Return the program's memory."""
        return Memory.from_settings(msgspec.structs.asdict(self.memory))

    def expanded(self, rng: np.random.Generator) -> list[Operation]:
        """Return the operations with every random block drawn from ``rng``."""
        operations: list[Operation] = []
        for operation in self.operations:
            if isinstance(operation, Random):
                operations.extend(self._draw(operation, operations, rng))
            else:
                operations.append(operation)
        return operations

    def _draw(
        self, block: Random, before: list[Operation], rng: np.random.Generator
    ) -> list[Operation]:
        if block.bits > self.memory.content:
            raise ValueError(
                f"random: bits = {block.bits}: must not exceed content = {self.memory.content}"
            )
        by_content = find_model(self.memory.model).recalls_by_content
        stored = {op.cue: op.content for op in before if isinstance(op, Learn)}
        drawn: list[Operation] = []
        for _ in range(block.count):
            if not stored or rng.random() < 0.5:
                cue = int(rng.integers(self.memory.cues))
                bits = rng.choice(self.memory.content, block.bits, replace=False)
                stored[cue] = tuple(sorted(bits.tolist()))
                drawn.append(Learn(cue=cue, content=stored[cue]))
                continue
            cue = list(stored)[int(rng.integers(len(stored)))]
            if by_content and rng.random() < 0.5:
                bit = stored[cue][int(rng.integers(len(stored[cue])))]
                drawn.append(RecallByContent(content=(bit,)))
            else:
                drawn.append(RecallByCue(cue=cue))
        return drawn


def load_program(path: str | os.PathLike[str]) -> Program:
    """Read a program from a TOML file.

    Raises
    ------
    OSError
        When the file cannot be read.
    ValueError
        When it is no TOML, has unknown keys or lacks some; the message names file and key.
    """
    try:
        return msgspec.toml.decode(Path(path).read_bytes(), type=Program)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = str(error).replace("Object", "it").replace("`", "'")
        raise ValueError(f"{path}: {reason}") from None

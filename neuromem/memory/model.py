"""A member of the CA3 family: its topology, its code and its timing in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from neuromem.memory.cells import code_bits
from neuromem.network import Network


@dataclass(frozen=True)
class Timing:
    """When a memory takes its input and gives its answer (ms after the operation's start).

    Parameters
    ----------
    hold_ms
        For how many consecutive ms cue and content are presented in a learn.
    echo_ms
        When the presented side first appears at the output; in a learn, both sides.
    answer_ms
        When the answer appears; in a learn over old content, when the old content passes.
    after_learn_ms, after_recall_ms
        The earliest start of the next operation.
    start_ms
        The earliest start of the first operation.
    """

    hold_ms: int
    echo_ms: int
    answer_ms: int
    after_learn_ms: int
    after_recall_ms: int
    start_ms: int = 0


@dataclass(frozen=True)
class MemoryModel:
    """What is needed to build and to operate one model of the family.

    Parameters
    ----------
    name
        Its name.
    title
        What it is, in a line.
    source
        Citation.
    build
        Function of (cues, content, post_history) that returns the network.
    timing
        Its operations in time.
    binary_cue
        Whether a cue is given as the binary code of its number + 1, lowest bit first, rather than
        as one line per cue.
    recalls_by_content
        Whether it can be queried by content.
    cue_to_content, content_to_cue
        Labels of its plastic projections.
    boot
        Spike times (ms) of sources that must fire once for it to work.
    """

    name: str
    title: str
    source: str
    build: Callable[[int, int, int | None], Network]
    timing: Timing
    binary_cue: bool = False
    recalls_by_content: bool = False
    cue_to_content: str = ""
    content_to_cue: str = ""
    boot: dict[str, list[float]] = field(default_factory=dict)

    def cue_lines(self, cues: int) -> int:
        """Return the number of input lines that carry the cue; content lines follow them."""
        return cues.bit_length() if self.binary_cue else cues

    def encode_cue(self, cue: int) -> list[int]:
        """Return the input lines that stand for a cue."""
        return code_bits(cue + 1) if self.binary_cue else [cue]

    def decode_cue(self, lines: list[int], cues: int) -> tuple[int, ...]:
        """Return the cues that the active output lines stand for."""
        if not self.binary_cue:
            return tuple(lines)
        cue = sum(1 << line for line in lines) - 1
        return (cue,) if 0 <= cue < cues else ()

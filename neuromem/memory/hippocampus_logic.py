"""CA3 between dentate gyrus and CA1 built of spiking logic gates: a binary cue.

Dentate gyrus is a decoder: NOT gates for the bits that must be silent, and for each code j an AND,
made of a neuron AND_OR that inhibits the neuron AND_OUT by one less than the number of bits, while
the bits reach AND_OUT one tick later. A latch that drives itself for ever feeds the NOT gates. CA1
is an OR per bit. Cue i has the code i + 1, lowest bit first; code 0 is not used.

Source: IEEE Transactions on Emerging Topics in Computing (2024), doi 10.1109/TETC.2024.3387026,
with the gates of arXiv 2205.04430; parameters as configured by the authors.
"""

from __future__ import annotations

from neuromem.memory.cells import (
    ALL_TO_ALL,
    EXC,
    GATE,
    INH,
    ONE_TO_ONE,
    SLOW,
    SLOW_RELAY,
    code_bits,
    learning,
    pairs,
    table,
)
from neuromem.memory.model import MemoryModel, Timing
from neuromem.network import Network, Population, SpikeSource

SOURCE = "Casanueva-Morato et al. 2024, IEEE TETC, doi 10.1109/TETC.2024.3387026 (logic gates)"


def build(cues: int, content: int, post_history: int | None) -> Network:
    """Return the network for C cues (in B code bits) and M content bits."""
    C, M, B = cues, content, cues.bit_length()
    stdp = learning(post_history)
    codes = range(2**B)
    set_bits = pairs([(bit, j) for j in codes for bit in code_bits(j)])
    clear_bits = pairs([(bit, j) for j in codes for bit in range(B) if not j >> bit & 1])
    used = pairs([(i + 1, i) for i in range(C)])
    back = pairs([(i, bit) for i in range(C) for bit in code_bits(i + 1)])
    # fmt: off
    projections = table(
        #    from            to              connector   receptor weight delay
        (1,  "boot",         "latch",         ONE_TO_ONE, EXC,     1,     1),
        (2,  "latch",        "latch",         ONE_TO_ONE, EXC,     1,     1),
        (3,  "boot",         "NOT",           ALL_TO_ALL, EXC,     1,     1),
        (4,  "latch",        "NOT",           ALL_TO_ALL, EXC,     1,     1),
        (5,  f"input[:{B}]", "NOT",           ONE_TO_ONE, INH,     1,     1),
        (6,  "NOT",          "AND_OR",        clear_bits, EXC,     1,     1),
        (7,  "NOT",          "AND_OUT",       clear_bits, EXC,     1,     2),
        (8,  f"input[:{B}]", "AND_OR",        set_bits,   EXC,     1,     2),
        (9,  f"input[:{B}]", "AND_OUT",       set_bits,   EXC,     1,     3),
        (10, "AND_OR",       "AND_OUT",       ONE_TO_ONE, INH,     B - 1, 1),
        (11, "AND_OUT",      "cue",           used,       EXC,     6,     1),
        (12, f"input[{B}:]", "content",       ONE_TO_ONE, EXC,     6,     4),
        (13, "cue",          "content",       ALL_TO_ALL, EXC,     stdp,  1),
        (14, "cue",          "CA1",           back,       EXC,     1,     1),
        (15, "CA1",          f"output[:{B}]", ONE_TO_ONE, EXC,     6,     1),
        (16, "content",      f"output[{B}:]", ONE_TO_ONE, EXC,     6,     2),
    )
    # fmt: on
    return Network(
        name=f"hippocampal memory of logic gates {C} x {M}",
        source=SOURCE,
        populations=(
            SpikeSource(name="input", size=B + M),
            SpikeSource(name="boot", size=1),
            Population(name="latch", size=1, neuron=GATE),
            Population(name="NOT", size=B, neuron=GATE),
            Population(name="AND_OR", size=2**B, neuron=GATE),
            Population(name="AND_OUT", size=2**B, neuron=GATE),
            Population(name="cue", size=C, neuron=SLOW),
            Population(name="content", size=M, neuron=SLOW_RELAY),
            Population(name="CA1", size=B, neuron=GATE),
            Population(name="output", size=B + M, neuron=SLOW_RELAY),
        ),
        projections=projections,
    )


MODEL = MemoryModel(
    name="hippocampus-logic",
    title="binary cue; dentate gyrus and CA1 as spiking logic gates",
    source=SOURCE,
    build=build,
    timing=Timing(
        hold_ms=3, echo_ms=6, answer_ms=7, after_learn_ms=7, after_recall_ms=6, start_ms=1
    ),
    binary_cue=True,
    cue_to_content="cue->content",
    boot={"boot": [1.0]},
)

"""CA3 between dentate gyrus and CA1 built as populations of neurons: a binary cue.

Dentate gyrus (DG) turns the binary code of a cue into one active neuron, CA1 turns it back. Cue i
has the code i + 1, lowest bit first; code 0 is not used.

Source: the authors' published configuration of this variant of the model in IEEE Transactions on
Emerging Topics in Computing (2024), doi 10.1109/TETC.2024.3387026.
"""

from __future__ import annotations

import numpy as np

from neuromem.memory.cells import (
    ALL_TO_ALL,
    ALL_TO_OTHERS,
    EXC,
    FAST_RELAY,
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
from neuromem.network import Network, Population, SpikeSource, Values

SOURCE = "Casanueva-Morato et al. 2024, IEEE TETC, doi 10.1109/TETC.2024.3387026 (DG, CA1 as LIF)"


def build(cues: int, content: int, post_history: int | None) -> Network:
    """Return the network for C cues (in B code bits) and M content bits."""
    C, M, B = cues, content, cues.bit_length()
    stdp = learning(post_history)
    codes = [code_bits(i + 1) for i in range(C)]
    set_bits = pairs([(bit, i) for i, code in enumerate(codes) for bit in code])
    clear_bits = pairs(
        [(bit, i) for i, code in enumerate(codes) for bit in range(B) if bit not in code]
    )
    # The set bits of a code share 3 nA, so that DG fires only when all of them are present.
    share = Values(array=np.array([3 / len(codes[i]) for _, i in set_bits.connections]))
    back = pairs([(i, bit) for i, code in enumerate(codes) for bit in code])
    # fmt: off
    projections = table(
        #    from            to              connector      receptor weight delay
        (1,  f"input[:{B}]", "DG",            set_bits,      EXC,     share, 1),
        (2,  f"input[:{B}]", "DG",            clear_bits,    INH,     3,     1),
        (3,  "DG",           "DG",            ALL_TO_OTHERS, INH,     2.5,   1),
        (4,  "DG",           "cue",           ONE_TO_ONE,    EXC,     6,     1),
        (5,  f"input[{B}:]", "content",       ONE_TO_ONE,    EXC,     6,     2),
        (6,  "cue",          "content",       ALL_TO_ALL,    EXC,     stdp,  1),
        (7,  "cue",          "CA1",           back,          EXC,     6,     1),
        (8,  "CA1",          f"output[:{B}]", ONE_TO_ONE,    EXC,     6,     1),
        (9,  "content",      f"output[{B}:]", ONE_TO_ONE,    EXC,     6,     2),
    )
    # fmt: on
    return Network(
        name=f"hippocampal memory {C} x {M}",
        source=SOURCE,
        populations=(
            SpikeSource(name="input", size=B + M),
            Population(name="DG", size=C, neuron=FAST_RELAY),
            Population(name="cue", size=C, neuron=SLOW),
            Population(name="content", size=M, neuron=SLOW_RELAY),
            Population(name="CA1", size=B, neuron=SLOW_RELAY),
            Population(name="output", size=B + M, neuron=SLOW_RELAY),
        ),
        projections=projections,
    )


MODEL = MemoryModel(
    name="hippocampus",
    title="binary cue; dentate gyrus and CA1 as neuron populations",
    source=SOURCE,
    build=build,
    timing=Timing(hold_ms=3, echo_ms=4, answer_ms=5, after_learn_ms=7, after_recall_ms=5),
    binary_cue=True,
    cue_to_content="cue->content",
)

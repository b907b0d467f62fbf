"""The spiking content-addressable memory modelled on hippocampal CA3.

Source: Casanueva-Morato, Ayuso-Martinez, Dominguez-Morales, Jimenez-Fernandez, Jimenez-Moreno,
Neural Networks 178:106474 (2024), doi 10.1016/j.neunet.2024.106474.

================  ======  =====================================================================
CueCue            C       cue driven by the input: the path of recall by cue
ContCue           M       content driven by the input or by CueCue's learned weights
ContCond          M       gate: passes ContCue on to ContCont unless CueCue alone is active
ContCondInt       1       fires with any ContCue and boosts ContCond: the gate opens in learning
CueCont           C       cue recalled from content
ContCont          M       content copy that drives the content-to-cue synapses
MergeCue          C       OR of the two cue paths: the memory's output
MergeCont         M       OR of the two content paths: the memory's output
output            C + M   relay that the experiments read
================  ======  =====================================================================
"""

from __future__ import annotations

from neuromem.memory.cells import (
    ALL_TO_ALL,
    ALL_TO_OTHERS,
    EXC,
    FAST,
    INH,
    ONE_TO_ONE,
    SLOW,
    SLOW_RELAY,
    learning,
    table,
)
from neuromem.memory.model import MemoryModel, Timing
from neuromem.network import Network, Population, SpikeSource

SOURCE = (
    "Casanueva-Morato et al. 2024, Neural Networks 178:106474, doi 10.1016/j.neunet.2024.106474"
)


def build(cues: int, content: int, post_history: int | None) -> Network:
    """Return the network for C cues and M content bits."""
    C, M = cues, content
    stdp = learning(post_history)
    # fmt: off
    projections = table(
        #    from            to              connector      receptor weight delay
        (1,  f"input[:{C}]", "CueCue",       ONE_TO_ONE,    EXC,     6,     1),
        (2,  f"input[{C}:]", "ContCue",      ONE_TO_ONE,    EXC,     6,     1),
        (3,  "CueCue",       "CueCont",      ONE_TO_ONE,    EXC,     6,     2),
        (4,  "CueCue",       "CueCont",      ALL_TO_OTHERS, INH,     6 * M, 3),
        (5,  "CueCue",       "ContCond",     ALL_TO_ALL,    INH,     6,     2),
        (6,  "ContCue",      "ContCond",     ONE_TO_ONE,    EXC,     9,     1),
        (7,  "ContCond",     "ContCont",     ONE_TO_ONE,    EXC,     6,     1),
        (8,  "ContCue",      "ContCondInt",  ALL_TO_ALL,    EXC,     6,     1),
        (9,  "ContCondInt",  "ContCond",     ALL_TO_ALL,    EXC,     2,     1),
        (10, "CueCue",       "ContCue",      ALL_TO_ALL,    EXC,     stdp,  1),
        (11, "ContCont",     "CueCont",      ALL_TO_ALL,    EXC,     stdp,  1),
        (12, "CueCont",      "CueCont",      ALL_TO_OTHERS, INH,     6 * M, 2),
        (13, "CueCue",       "MergeCue",     ONE_TO_ONE,    EXC,     6,     3),
        (14, "CueCont",      "MergeCue",     ONE_TO_ONE,    EXC,     6,     1),
        (15, "ContCue",      "MergeCont",    ONE_TO_ONE,    EXC,     6,     3),
        (16, "ContCont",     "MergeCont",    ONE_TO_ONE,    EXC,     6,     1),
        (17, "MergeCue",     f"output[:{C}]", ONE_TO_ONE,   EXC,     6,     1),
        (18, "MergeCont",    f"output[{C}:]", ONE_TO_ONE,   EXC,     6,     1),
    )
    # fmt: on
    return Network(
        name=f"content-addressable memory {C} x {M}",
        source=SOURCE,
        populations=(
            SpikeSource(name="input", size=C + M),
            Population(name="CueCue", size=C, neuron=SLOW),
            Population(name="ContCue", size=M, neuron=SLOW),
            Population(name="ContCond", size=M, neuron=FAST),
            Population(name="ContCondInt", size=1, neuron=FAST),
            Population(name="CueCont", size=C, neuron=FAST),
            Population(name="ContCont", size=M, neuron=SLOW),
            Population(name="MergeCue", size=C, neuron=SLOW),
            Population(name="MergeCont", size=M, neuron=SLOW),
            Population(name="output", size=C + M, neuron=SLOW_RELAY),
        ),
        projections=projections,
    )


MODEL = MemoryModel(
    name="content-addressable",
    title="learns, recalls by cue or by any fragment of the content, forgets on overwrite",
    source=SOURCE,
    build=build,
    timing=Timing(hold_ms=3, echo_ms=5, answer_ms=6, after_learn_ms=7, after_recall_ms=6),
    recalls_by_content=True,
    cue_to_content="CueCue->ContCue",
    content_to_cue="ContCont->CueCont",
)

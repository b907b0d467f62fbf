"""The oldest and smallest memory of the family: CA3 alone, a one-hot cue recalls its content.

Source: the authors' configuration of the model described, with dentate gyrus and CA1 around it, in
IEEE Transactions on Emerging Topics in Computing (2024), doi 10.1109/TETC.2024.3387026. No board
recording of this model is published; absolute times are those of the configured delays.
"""

from __future__ import annotations

from neuromem.memory.cells import ALL_TO_ALL, EXC, ONE_TO_ONE, SLOW, SLOW_RELAY, learning, table
from neuromem.memory.model import MemoryModel, Timing
from neuromem.network import Network, Population, SpikeSource

SOURCE = "Casanueva-Morato et al. 2024, IEEE TETC, doi 10.1109/TETC.2024.3387026"


def build(cues: int, content: int, post_history: int | None) -> Network:
    """Return the network for C cues and M content bits."""
    C, M = cues, content
    stdp = learning(post_history)
    # fmt: off
    projections = table(
        #   from            to              connector   receptor weight delay
        (1, f"input[:{C}]", "cue",           ONE_TO_ONE, EXC,     6,    1),
        (2, f"input[{C}:]", "content",       ONE_TO_ONE, EXC,     6,    1),
        (3, "cue",          "content",       ALL_TO_ALL, EXC,     stdp, 1),
        (4, "cue",          f"output[:{C}]", ONE_TO_ONE, EXC,     6,    1),
        (5, "content",      f"output[{C}:]", ONE_TO_ONE, EXC,     6,    1),
    )
    # fmt: on
    return Network(
        name=f"CA3 memory {C} x {M}",
        source=SOURCE,
        populations=(
            SpikeSource(name="input", size=C + M),
            Population(name="cue", size=C, neuron=SLOW),
            Population(name="content", size=M, neuron=SLOW_RELAY),
            Population(name="output", size=C + M, neuron=SLOW_RELAY),
        ),
        projections=projections,
    )


MODEL = MemoryModel(
    name="ca3",
    title="one-hot cue, recall by cue only",
    source=SOURCE,
    build=build,
    timing=Timing(hold_ms=3, echo_ms=2, answer_ms=3, after_learn_ms=7, after_recall_ms=5),
    cue_to_content="cue->content",
)

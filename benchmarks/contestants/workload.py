"""What every contestant runs: the CA3 memory, and the same input spikes for all of them.

An operation starts every 8 ms. Which one (learn, recall by cue, recall by content), on which cue
and with which content is drawn from a seeded generator. Content is half full: a learn stores
M // 2 of the M bits, and a recall by content shows all bits that were last learned for a cue.

The network keeps every post spike for its plasticity (``post_history=None``), as the peers do; the
board's limit of 15 is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    SpikeSource,
    StaticSynapse,
    STDPSynapse,
)

#: Ticks (ms) from one operation to the next.
PERIOD = 8
LEARN_TICKS = 3
SEED = 20240606
SOURCE = "input"


@dataclass(frozen=True)
class Workload:
    """One size of the memory with its input.

    ``events`` are (tick, input line) pairs, sorted; lines 0..cues-1 are cues, the rest content.
    """

    cues: int
    content: int
    ticks: int
    network: Network
    events: np.ndarray

    @property
    def seconds(self) -> float:
        """Biological time (s)."""
        return self.ticks / 1000

    @property
    def size(self) -> str:
        """Name of the size, as in ``5x10``."""
        return f"{self.cues}x{self.content}"

    def line_times(self) -> list[np.ndarray]:
        """Return the spike times (ms) of every input line."""
        order = np.argsort(self.events[:, 1], kind="stable")
        times, lines = self.events[order].T
        bounds = np.searchsorted(lines, np.arange(self.cues + self.content + 1))
        return [times[a:b].astype(float) for a, b in zip(bounds, bounds[1:], strict=False)]


class Contestant(Protocol):
    """One simulator, ready to run one workload."""

    compile_seconds: float

    def run(self) -> tuple[float, np.ndarray]:
        """Run from the initial state; return wall seconds and the spikes of every neuron."""
        ...

    def close(self) -> None:
        """Free what the contestant holds."""
        ...


def workload(cues: int, content: int, seconds: float) -> Workload:
    """Return the memory of one size and its input."""
    ticks = round(seconds * 1000)
    events = operations(cues, content, ticks, np.random.default_rng(SEED))
    return Workload(cues, content, ticks, memory_network(cues, content), events)


def operations(cues: int, content: int, ticks: int, rng: np.random.Generator) -> np.ndarray:
    """Return the input spikes, (tick, line), of one random operation every 8 ms."""
    learned: dict[int, np.ndarray] = {}
    spikes: list[np.ndarray] = []
    for start in range(PERIOD, ticks - PERIOD + 1, PERIOD):
        kind = rng.choice(["learn", "by cue", "by content"]) if learned else "learn"
        if kind == "learn":
            cue = int(rng.integers(cues))
            learned[cue] = cues + np.sort(rng.choice(content, content // 2, replace=False))
            lines, length = np.concatenate([[cue], learned[cue]]), LEARN_TICKS
        else:
            cue = list(learned)[rng.integers(len(learned))]
            lines, length = np.array([cue]) if kind == "by cue" else learned[cue], 1
        for tick in range(start, start + length):
            spikes.append(np.stack([np.full(len(lines), tick), lines], axis=1))
    return np.concatenate(spikes).astype(np.int64)


def memory_network(cues: int, content: int) -> Network:
    """Return the CA3 content-addressable memory."""
    slow = IF_curr_exp(
        cm_nf=0.27, tau_m_ms=3.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3, tau_refrac_ms=1.0,
        v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.0,
    )  # fmt: skip
    fast = IF_curr_exp(
        cm_nf=0.14, tau_m_ms=0.5, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3, tau_refrac_ms=1.0,
        v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.0,
    )  # fmt: skip
    relay = IF_curr_exp(
        cm_nf=0.27, tau_m_ms=3.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3, tau_refrac_ms=1.0,
        v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.5,
    )  # fmt: skip
    cells = [
        ("CueCue", cues, slow), ("ContCue", content, slow), ("ContCond", content, fast),
        ("ContCondInt", 1, fast), ("CueCont", cues, fast), ("ContCont", content, slow),
        ("MergeCue", cues, slow), ("MergeCont", content, slow), ("output", cues + content, relay),
    ]  # fmt: skip
    one, full = OneToOneConnector(), AllToAllConnector()
    other = AllToAllConnector(skip_same_index=True)
    strong = 6.0 * content
    static = [
        (f"{SOURCE}[:{cues}]", "CueCue", one, 6.0, 1),
        (f"{SOURCE}[{cues}:]", "ContCue", one, 6.0, 1),
        ("CueCue", "CueCont", one, 6.0, 2),
        ("CueCue", "CueCont", other, -strong, 3),
        ("CueCue", "ContCond", full, -6.0, 2),
        ("ContCue", "ContCond", one, 9.0, 1),
        ("ContCond", "ContCont", one, 6.0, 1),
        ("ContCue", "ContCondInt", full, 6.0, 1),
        ("ContCondInt", "ContCond", full, 2.0, 1),
        ("CueCont", "CueCont", other, -strong, 2),
        ("CueCue", "MergeCue", one, 6.0, 3),
        ("CueCont", "MergeCue", one, 6.0, 1),
        ("ContCue", "MergeCont", one, 6.0, 3),
        ("ContCont", "MergeCont", one, 6.0, 1),
        ("MergeCue", f"output[:{cues}]", one, 6.0, 1),
        ("MergeCont", f"output[{cues}:]", one, 6.0, 1),
    ]
    plastic = STDPSynapse(
        weight=0.0, delay_ms=1.0, tau_plus_ms=3.0, tau_minus_ms=3.0, A_plus=6.0, A_minus=6.0,
        w_max=6.0, dt_zero="depress", post_history=None,
    )  # fmt: skip
    projections = [
        Projection(
            pre=pre,
            post=post,
            connector=connector,
            synapse=StaticSynapse(weight=abs(weight), delay_ms=delay),
            receptor_type="excitatory" if weight > 0 else "inhibitory",
        )
        for pre, post, connector, weight, delay in static
    ]
    projections += [
        Projection(pre=pre, post=post, connector=full, synapse=plastic)
        for pre, post in (("CueCue", "ContCue"), ("ContCont", "CueCont"))
    ]
    populations = [Population(name=name, size=size, neuron=neuron) for name, size, neuron in cells]
    return Network(
        name="ca3_memory",
        populations=(SpikeSource(name=SOURCE, size=cues + content), *populations),
        projections=tuple(projections),
    )

"""What backends are compared on: one small network and its input a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from neuromem.backends import Stimulus
from neuromem.events import Framing
from neuromem.liquid import Dense, Liquid
from neuromem.memory import (
    Learn,
    Memory,
    Operation,
    RecallByContent,
    RecallByCue,
    Recorded,
    load_recording,
)
from neuromem.network import (
    AllToAllConnector,
    Connector,
    FixedProbabilityConnector,
    IF_curr_delta,
    IF_curr_exp,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
    firing_weight,
)

#: A neuron that fires on one strong spike and forgets fast, as those of the CA3 memory.
_NEURON = IF_curr_exp(
    cm_nf=0.27, tau_m_ms=3.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3, tau_refrac_ms=1.0,
    v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.0,
)  # fmt: skip
_STRONG = 6.0
PAIRINGS = ("all", "nearest")


@dataclass(frozen=True)
class Scenario:
    """A network and what it is given.

    Parameters
    ----------
    name
        What it tries.
    network, stimulus, duration_ms
        What to run.
    recording
        What a board did, to compare with; the reference engine's run where None.
    """

    name: str
    network: Network
    stimulus: Stimulus
    duration_ms: float
    recording: Recorded | None = None


def scenarios(oracle: Path | None = None) -> list[Scenario]:
    """Return all scenarios; those of a board's recordings where ``oracle`` is their folder."""
    found = [
        _single_spikes(),
        _coincidence(),
        _refractoriness(),
        _delays(),
        _inhibition(),
        *_connectors(),
        *_plasticity(),
        _recurrence(),
        _potential_jumps(),
        _small_liquid(),
        _memory_program(),
    ]
    return [*found, *(_recording(path) for path in sorted((oracle or Path()).glob("ca3_*.json")))]


def _scenario(
    name: str,
    populations: Sequence[Population | SpikeSource],
    projections: Sequence[Projection],
    trains: Mapping[str, Sequence[Sequence[float]]],
    duration_ms: float = 60.0,
) -> Scenario:
    network = Network(
        name=name, populations=tuple(populations), projections=tuple(projections),
        recordings=tuple(Recording(target=p.name) for p in populations),
    )  # fmt: skip
    stimulus = {source: SpikeTrains.of(lists) for source, lists in trains.items()}
    return Scenario(name, network, stimulus, duration_ms)


def _to(
    pre: str,
    post: str,
    weight: float | np.ndarray,
    delay_ms: float | np.ndarray = 1.0,
    connector: Connector | None = None,
    receptor_type: Literal["excitatory", "inhibitory", "signed"] = "excitatory",
    label: str = "",
) -> Projection:
    return Projection(
        pre=pre,
        post=post,
        connector=connector or OneToOneConnector(),
        synapse=StaticSynapse(weight=weight, delay_ms=delay_ms),  # type: ignore[arg-type]
        receptor_type=receptor_type,
        label=label,
    )


def _cells(size: int, **changes: float) -> Population:
    return Population(name="cells", size=size, neuron=msgspec.structs.replace(_NEURON, **changes))


def _single_spikes() -> Scenario:
    least = firing_weight(_NEURON, 1.0)
    weights = least * np.array([0.5, 0.99, 1.01, 2.0])
    times = [[5.0, 25.0]] * 4
    return _scenario(
        "one spike, below and above threshold", [SpikeSource(name="input", size=4), _cells(4)],
        [_to("input", "cells", weights)], {"input": times},
    )  # fmt: skip


def _coincidence() -> Scenario:
    """Return two spikes of 0.6 thresholds that meet in one tick, in the next, and later."""
    weight = 0.6 * firing_weight(_NEURON, 1.0)
    first, second = [[10.0]] * 5, [[10.0 + gap] for gap in range(5)]
    inputs = [SpikeSource(name=name, size=5) for name in ("a", "b")]
    return _scenario(
        "coincidence", [*inputs, _cells(5)],
        [_to("a", "cells", weight), _to("b", "cells", weight)], {"a": first, "b": second},
    )  # fmt: skip


def _refractoriness() -> Scenario:
    populations: list[Population | SpikeSource] = [SpikeSource(name="input", size=1)]
    projections = []
    for ticks in (0, 1, 2, 5):
        neuron = msgspec.structs.replace(_NEURON, tau_refrac_ms=float(ticks))
        populations.append(Population(name=f"refractory_{ticks}", size=1, neuron=neuron))
        projections.append(_to("input", f"refractory_{ticks}", 2 * _STRONG))
    drive = [[float(t) for t in range(5, 30)]]
    return _scenario("refractory for 0, 1, 2, 5 ms", populations, projections, {"input": drive})


def _delays() -> Scenario:
    delays = np.arange(1.0, 16.0)
    return _scenario(
        "delays of 1 to 15 ms", [SpikeSource(name="input", size=1), _cells(15)],
        [_to("input", "cells", _STRONG, delays, AllToAllConnector())], {"input": [[3.0, 30.0]]},
    )  # fmt: skip


def _inhibition() -> Scenario:
    """Return an inhibitory spike 2 ms before to 2 ms after an excitatory one."""
    later = [[10.0 + shift] for shift in range(-2, 3)]
    inputs = [SpikeSource(name=name, size=5) for name in ("excite", "inhibit")]
    return _scenario(
        "inhibition", [*inputs, _cells(5)],
        [
            _to("excite", "cells", _STRONG),
            _to("inhibit", "cells", 4.0, receptor_type="inhibitory"),
        ],
        {"excite": [[10.0, 30.0]] * 5, "inhibit": later},
    )  # fmt: skip


def _connectors() -> list[Scenario]:
    """Return four lines that spike one after the other, on four neurons."""
    trains = {"input": [[10.0 + 10 * line] for line in range(4)]}
    kinds = {
        "one-to-one": OneToOneConnector(),
        "all-to-all": AllToAllConnector(),
        "all-to-all except same index": AllToAllConnector(skip_same_index=True),
    }
    return [
        _scenario(
            name, [SpikeSource(name="input", size=5), _cells(4)],
            [_to("input[1:5]", "cells", _STRONG, connector=connector)],
            {"input": [[], *trains["input"]]},
        )
        for name, connector in kinds.items()
    ]  # fmt: skip


def _plasticity() -> list[Scenario]:
    """Return pairs at every distance from -4 to 4 ms at the synapse, ties included, seen thrice.

    A teacher fires the post neuron, so that its spikes do not hang on the plastic weight; the
    pre neuron's last spike takes over what the pairs have done.
    """
    rule = STDPSynapse(
        weight=0.5, delay_ms=2.0, A_plus=0.2, A_minus=0.1, w_max=1.0, tau_plus_ms=5.0,
        tau_minus_ms=8.0,
    )  # fmt: skip
    sides = {"dendritic": 1, "axonal": 0}
    undefined = {("axonal", "depress"), ("axonal", "ignore", "nearest")}
    found = []
    for side, tie, pairing in product(sides, ("depress", "potentiate", "ignore"), PAIRINGS):
        if undefined & {(side, tie), (side, tie, pairing)}:
            continue
        changed = msgspec.structs.replace(
            rule, dendritic_delay_fraction=sides[side], dt_zero=tie, pairing=pairing
        )
        name = f"pair STDP, {side} delay, ties {tie}, {pairing} pairs"
        found.append(_pairs_at_all_distances(name, changed))
    return found


def _pairs_at_all_distances(name: str, rule: STDPSynapse) -> Scenario:
    gaps = range(-4, 5)
    pre = [[20.0, 50.0, 58.0, 120.0] for _ in gaps]
    teach = [[time + gap for time in (20.0, 49.0, 57.0)] for gap in gaps]
    inputs = [SpikeSource(name=name, size=len(gaps)) for name in ("pre", "teacher")]
    plastic = Projection(pre="pre", post="cells", connector=OneToOneConnector(), synapse=rule)
    return _scenario(
        name, [*inputs, _cells(len(gaps))], [plastic, _to("teacher", "cells", 2 * _STRONG)],
        {"pre": pre, "teacher": teach}, 140.0,
    )  # fmt: skip


def _random_trains(size: int, rate: float, duration: int, seed: int) -> list[list[float]]:
    drawn = np.random.default_rng(seed).random((size, duration)) < rate
    return [np.flatnonzero(row).astype(float).tolist() for row in drawn]


def _recurrence() -> Scenario:
    some = FixedProbabilityConnector(p_connect=0.2, seed=1, skip_same_index=True)
    few = FixedProbabilityConnector(p_connect=0.2, seed=2)
    return _scenario(
        "30 recurrent neurons, delays of 2 ms", [SpikeSource(name="input", size=20), _cells(30)],
        [
            _to("input", "cells", 2.0, connector=few),
            _to("cells", "cells", 1.2, 2.0, connector=some, label="excitation"),
            _to("cells", "cells", 0.9, 3.0, some, receptor_type="inhibitory", label="inhibition"),
        ],
        {"input": _random_trains(20, 0.1, 100, 3)}, 100.0,
    )  # fmt: skip


def _potential_jumps() -> Scenario:
    neuron = IF_curr_delta(
        tau_m_ms=10.0, tau_refrac_ms=2.0, v_rest_mv=0.0, v_reset_mv=0.0, v_thresh_mv=10.0
    )
    weights = np.random.default_rng(4).normal(1.0, 3.0, (20, 30))
    back = np.random.default_rng(5).normal(0.0, 2.0, (30, 30))
    return _scenario(
        "30 recurrent neurons with jumps of the potential",
        [SpikeSource(name="input", size=20), Population(name="cells", size=30, neuron=neuron)],
        [
            _to("input", "cells", weights, 1.0, AllToAllConnector(), receptor_type="signed"),
            _to("cells", "cells", back, 2.0, AllToAllConnector(), receptor_type="signed"),
        ],
        {"input": _random_trains(20, 0.1, 100, 6)}, 100.0,
    )  # fmt: skip


def _small_liquid() -> Scenario:
    framing = Framing(sensor_size=(6, 6, 2), steps=40)
    liquid = Liquid(framing=framing, neurons=40, recurrent_wiring=Dense(), seed=7)
    network = liquid.network()
    lines = framing.channels
    return Scenario(
        "a liquid of 40 neurons", network,
        {"input": SpikeTrains.of(_random_trains(lines, 0.05, 40, 8))}, 42.0,
    )  # fmt: skip


def _memory_program() -> Scenario:
    """Return 30 random operations on a memory of 4 cues and 6 bits."""
    rng = np.random.default_rng(9)
    operations: list[Operation] = []
    for _ in range(30):
        cue, bits = int(rng.integers(4)), rng.permutation(6)[: rng.integers(1, 4)].tolist()
        kind = rng.integers(3)
        if kind == 0:
            operations.append(Learn(cue=cue, content=tuple(bits)))
        elif kind == 1:
            operations.append(RecallByCue(cue=cue))
        else:
            operations.append(RecallByContent(content=tuple(bits)))
    memory = Memory(4, 6)
    session = memory.run(operations)
    given = session.simulation.spikes("input")
    return Scenario(
        "30 random operations of a 4 x 6 memory", memory.network, {"input": given},
        session.time_ms,
    )  # fmt: skip


def _recording(path: Path) -> Scenario:
    recording = load_recording(path)
    network = Memory(recording.params.cue_size, recording.params.content_size).network
    name = f"recorded on a board: {path.stem}"
    return Scenario(name, network, {}, recording.params.sim_time_ms, recording)

"""The four networks against the published tables, written down here once more as single synapses.

A synapse is (from, neuron, to, neuron, receptor, kind, weight in nA, delay in ms).
"""

from collections import Counter

import msgspec
import numpy as np
import pytest

from neuromem.memory import MODELS, Memory
from neuromem.network import Network, Population, STDPSynapse, totals

COMMON = {"tau_syn_E_ms": 0.3, "tau_syn_I_ms": 0.3, "tau_refrac_ms": 1.0, "i_offset_na": 0.0} | {
    f"v_{name}_mv": -60.0 for name in ("rest", "reset", "init")
}
SLOW = {**COMMON, "cm_nf": 0.27, "tau_m_ms": 3.0, "v_thresh_mv": -57.0}
FAST = {**COMMON, "cm_nf": 0.14, "tau_m_ms": 0.5, "v_thresh_mv": -57.0}
SLOW_LOW = {**SLOW, "v_thresh_mv": -57.5}
FAST_LOW = {**FAST, "v_thresh_mv": -57.5}
GATE = {
    "cm_nf": 0.1,
    "tau_m_ms": 0.1,
    "tau_syn_E_ms": 0.1,
    "tau_syn_I_ms": 0.1,
    "tau_refrac_ms": 0.0,
    "v_rest_mv": -65.0,
    "v_reset_mv": -65.0,
    "v_init_mv": -65.0,
    "v_thresh_mv": -64.91,
    "i_offset_na": 0.0,
}
SIZES = [(5, 10), (16, 6), (1, 1), (7, 3), (8, 12)]
EXC, INH = "excitatory", "inhibitory"


def populations_of(network: Network) -> dict[str, tuple[int, dict | None]]:
    return {
        p.name: (p.size, msgspec.structs.asdict(p.neuron) if isinstance(p, Population) else None)
        for p in network.populations
    }


def synapses_of(network: Network) -> Counter:
    found: Counter = Counter()
    for projection in network.projections:
        pre, post = network.view(projection.pre), network.view(projection.post)
        kind = "STDP" if projection.plastic else "static"
        for i, j, weight, delay in zip(
            *network.pairs(projection),
            network.weights(projection),
            network.delays_ticks(projection) * network.timestep_ms,
            strict=True,
        ):
            names = (pre.population.name, int(pre.start + i), post.population.name)
            rest = (
                int(post.start + j),
                projection.receptor_type,
                kind,
                float(weight),
                float(delay),
            )
            found[names + rest] += 1
    return found


class Wiring:
    """Synapses collected from rows of a published table."""

    def __init__(self) -> None:
        self.synapses: Counter = Counter()

    def add(self, pre, post, pairs, receptor, weight, delay) -> None:
        """Add synapses; ``pre`` and ``post`` are names or (name, first neuron) of a slice."""
        (pre, first), (post, start) = (x if isinstance(x, tuple) else (x, 0) for x in (pre, post))
        kind = "STDP" if weight == "STDP" else "static"
        nano = 0.0 if weight == "STDP" else float(weight)
        for i, j in pairs:
            synapse = (pre, first + i, post, start + j, receptor, kind, nano, float(delay))
            self.synapses[synapse] += 1


def same(n):
    return [(i, i) for i in range(n)]


def every(n, m):
    return [(i, j) for i in range(n) for j in range(m)]


def others(n):
    return [(i, j) for i in range(n) for j in range(n) if i != j]


def content_addressable(C, M):
    populations = {
        "input": (C + M, None),
        "CueCue": (C, SLOW),
        "ContCue": (M, SLOW),
        "ContCond": (M, FAST),
        "ContCondInt": (1, FAST),
        "CueCont": (C, FAST),
        "ContCont": (M, SLOW),
        "MergeCue": (C, SLOW),
        "MergeCont": (M, SLOW),
        "output": (C + M, SLOW_LOW),
    }
    w = Wiring()
    w.add("input", "CueCue", same(C), EXC, 6, 1)
    w.add(("input", C), "ContCue", same(M), EXC, 6, 1)
    w.add("CueCue", "CueCont", same(C), EXC, 6, 2)
    w.add("CueCue", "CueCont", others(C), INH, 6 * M, 3)
    w.add("CueCue", "ContCond", every(C, M), INH, 6, 2)
    w.add("ContCue", "ContCond", same(M), EXC, 9, 1)
    w.add("ContCond", "ContCont", same(M), EXC, 6, 1)
    w.add("ContCue", "ContCondInt", every(M, 1), EXC, 6, 1)
    w.add("ContCondInt", "ContCond", every(1, M), EXC, 2, 1)
    w.add("CueCue", "ContCue", every(C, M), EXC, "STDP", 1)
    w.add("ContCont", "CueCont", every(M, C), EXC, "STDP", 1)
    w.add("CueCont", "CueCont", others(C), INH, 6 * M, 2)
    w.add("CueCue", "MergeCue", same(C), EXC, 6, 3)
    w.add("CueCont", "MergeCue", same(C), EXC, 6, 1)
    w.add("ContCue", "MergeCont", same(M), EXC, 6, 3)
    w.add("ContCont", "MergeCont", same(M), EXC, 6, 1)
    w.add("MergeCue", "output", same(C), EXC, 6, 1)
    w.add("MergeCont", ("output", C), same(M), EXC, 6, 1)
    return populations, w.synapses


def ca3(C, M):
    populations = {
        "input": (C + M, None),
        "cue": (C, SLOW),
        "content": (M, SLOW_LOW),
        "output": (C + M, SLOW_LOW),
    }
    w = Wiring()
    w.add("input", "cue", same(C), EXC, 6, 1)
    w.add(("input", C), "content", same(M), EXC, 6, 1)
    w.add("cue", "content", every(C, M), EXC, "STDP", 1)
    w.add("cue", "output", same(C), EXC, 6, 1)
    w.add("content", ("output", C), same(M), EXC, 6, 1)
    return populations, w.synapses


def bits_for(C):
    """ceil(log2(C + 1)) bits: code 0 is not used."""
    return int(np.ceil(np.log2(C + 1)))


def has(code, bit):
    return bool(code >> bit & 1)


def hippocampus(C, M):
    B = bits_for(C)
    populations = {
        "input": (B + M, None),
        "DG": (C, FAST_LOW),
        "cue": (C, SLOW),
        "content": (M, SLOW_LOW),
        "CA1": (B, SLOW_LOW),
        "output": (B + M, SLOW_LOW),
    }
    w = Wiring()
    for i, b in every(C, B):
        if has(i + 1, b):
            w.add("input", "DG", [(b, i)], EXC, 3 / bin(i + 1).count("1"), 1)
            w.add("cue", "CA1", [(i, b)], EXC, 6, 1)
        else:
            w.add("input", "DG", [(b, i)], INH, 3, 1)
    w.add("DG", "DG", others(C), INH, 2.5, 1)
    w.add("DG", "cue", same(C), EXC, 6, 1)
    w.add(("input", B), "content", same(M), EXC, 6, 2)
    w.add("cue", "content", every(C, M), EXC, "STDP", 1)
    w.add("CA1", "output", same(B), EXC, 6, 1)
    w.add("content", ("output", B), same(M), EXC, 6, 2)
    return populations, w.synapses


def hippocampus_logic(C, M):
    B = bits_for(C)
    populations = {
        "input": (B + M, None),
        "boot": (1, None),
        "latch": (1, GATE),
        "NOT": (B, GATE),
        "AND_OR": (2**B, GATE),
        "AND_OUT": (2**B, GATE),
        "cue": (C, SLOW),
        "content": (M, SLOW_LOW),
        "CA1": (B, GATE),
        "output": (B + M, SLOW_LOW),
    }
    w = Wiring()
    w.add("boot", "latch", same(1), EXC, 1, 1)
    w.add("latch", "latch", same(1), EXC, 1, 1)
    w.add("boot", "NOT", every(1, B), EXC, 1, 1)
    w.add("latch", "NOT", every(1, B), EXC, 1, 1)
    w.add("input", "NOT", same(B), INH, 1, 1)
    for j, b in every(2**B, B):
        if has(j, b):
            w.add("input", "AND_OR", [(b, j)], EXC, 1, 2)
            w.add("input", "AND_OUT", [(b, j)], EXC, 1, 3)
        else:
            w.add("NOT", "AND_OR", [(b, j)], EXC, 1, 1)
            w.add("NOT", "AND_OUT", [(b, j)], EXC, 1, 2)
    w.add("AND_OR", "AND_OUT", same(2**B), INH, B - 1, 1)
    w.add("AND_OUT", "cue", [(i + 1, i) for i in range(C)], EXC, 6, 1)
    w.add(("input", B), "content", same(M), EXC, 6, 4)
    w.add("cue", "content", every(C, M), EXC, "STDP", 1)
    w.add("cue", "CA1", [(i, b) for i, b in every(C, B) if has(i + 1, b)], EXC, 1, 1)
    w.add("CA1", "output", same(B), EXC, 6, 1)
    w.add("content", ("output", B), same(M), EXC, 6, 2)
    return populations, w.synapses


TABLES = {
    "content-addressable": content_addressable,
    "ca3": ca3,
    "hippocampus": hippocampus,
    "hippocampus-logic": hippocampus_logic,
}


def test_every_model_has_a_table_here():
    assert set(MODELS) == set(TABLES)


@pytest.mark.parametrize(("cues", "content"), SIZES)
@pytest.mark.parametrize("model", TABLES)
def test_network_equals_the_published_table(model, cues, content):
    network = Memory(cues, content, model=model).network
    populations, synapses = TABLES[model](cues, content)
    assert populations_of(network) == populations
    found = synapses_of(network)
    assert found - synapses == Counter()
    assert synapses - found == Counter()
    assert network.timestep_ms == 1.0


@pytest.mark.parametrize("history", [15, None, 3])
@pytest.mark.parametrize("model", TABLES)
def test_plastic_synapses_follow_the_published_rule(model, history):
    network = Memory(5, 10, model=model, post_history=history).network
    plastic = [p for p in network.projections if p.plastic]
    assert {p.label for p in plastic} == {
        label for label in (MODELS[model].cue_to_content, MODELS[model].content_to_cue) if label
    }
    for projection in plastic:
        rule = projection.synapse
        assert isinstance(rule, STDPSynapse)
        assert (rule.tau_plus_ms, rule.tau_minus_ms) == (3.0, 3.0)
        assert (rule.A_plus, rule.A_minus) == (6.0, 6.0)  # nA, not a fraction of w_max
        assert (rule.w_min, rule.w_max) == (0.0, 6.0)
        assert (rule.dt_zero, rule.pairing, rule.dendritic_delay_fraction) == ("depress", "all", 1)
        assert rule.post_history == history


def test_the_board_history_is_the_default():
    assert Memory(2, 2).post_history == 15


@pytest.mark.parametrize(
    ("cues", "content", "memory_neurons", "static", "plastic"),
    [(5, 10, 56, 195, 100), (16, 6, 73, 704, 192)],
)
def test_content_addressable_size(cues, content, memory_neurons, static, plastic):
    """The memory is 3C + 4M + 1 neurons; the output relay is the experiments'."""
    network = Memory(cues, content).network
    assert memory_neurons == 3 * cues + 4 * content + 1
    assert totals(network) == {
        "neurons": memory_neurons + cues + content,
        "input lines": cues + content,
        "static synapses": static,
        "plastic synapses": plastic,
    }


@pytest.mark.parametrize(
    ("model", "neurons", "with_output", "synapses"),
    [("ca3", 15, 30, 80), ("hippocampus", 23, 36, 120), ("hippocampus-logic", 38, 51, 152)],
)
def test_older_models_size(model, neurons, with_output, synapses):
    """For 5 cues and 10 content neurons."""
    network = Memory(5, 10, model=model).network
    counts = totals(network)
    assert counts["neurons"] == with_output
    assert counts["neurons"] - network.population("output").size == neurons
    assert counts["static synapses"] + counts["plastic synapses"] == synapses
    assert counts["plastic synapses"] == 50


@pytest.mark.parametrize(
    ("cues", "bits"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4), (15, 4)]
)
@pytest.mark.parametrize("model", ["hippocampus", "hippocampus-logic"])
def test_a_binary_cue_leaves_code_0_unused(model, cues, bits):
    memory = Memory(cues, 2, model=model)
    assert memory.network.population("input").size == bits + 2
    codes = [memory.model.encode_cue(cue) for cue in range(cues)]
    assert all(codes)
    assert len({tuple(code) for code in codes}) == cues
    for cue, code in enumerate(codes):
        assert sum(2**bit for bit in code) == cue + 1
        assert memory.model.decode_cue(code, cues) == (cue,)
    assert memory.model.decode_cue([], cues) == ()


@pytest.mark.parametrize("model", TABLES)
def test_models_name_their_source(model):
    memory = Memory(2, 2, model=model)
    assert "doi 10." in memory.model.source
    assert memory.network.source == memory.model.source

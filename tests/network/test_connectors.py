"""Which neuron reaches which, and the weight and delay of each connection."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    FixedProbabilityConnector,
    FromListConnector,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    SpikeSource,
    StaticSynapse,
)
from tests.network.strategies import SEEDS, connectors

SIZES = st.integers(1, 6)


def listed(pairs) -> list[tuple[int, int]]:
    return list(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))


@given(st.data(), SIZES, SIZES)
def test_pairs_ascend_within_range(data, n_pre: int, n_post: int) -> None:
    connector = data.draw(connectors(n_pre, n_post))
    pairs = listed(connector.pairs(n_pre, n_post))
    assert pairs == sorted(set(pairs))
    assert all(0 <= i < n_pre and 0 <= j < n_post for i, j in pairs)
    if getattr(connector, "skip_same_index", False):
        assert all(i != j for i, j in pairs)


@given(SIZES, SIZES, st.booleans())
def test_all_to_all(n_pre: int, n_post: int, skip: bool) -> None:
    expected = [(i, j) for i in range(n_pre) for j in range(n_post) if not (skip and i == j)]
    assert listed(AllToAllConnector(skip_same_index=skip).pairs(n_pre, n_post)) == expected


def test_one_to_one() -> None:
    assert listed(OneToOneConnector().pairs(3, 3)) == [(0, 0), (1, 1), (2, 2)]


@given(st.sets(st.tuples(st.integers(0, 4), st.integers(0, 2))), st.randoms(use_true_random=False))
def test_list_and_matrix_hold_their_pairs(chosen, random) -> None:
    shuffled = list(chosen)
    random.shuffle(shuffled)
    assert listed(FromListConnector(connections=shuffled).pairs(5, 3)) == sorted(chosen)
    mask = np.zeros((5, 3), dtype=int)
    for pair in chosen:
        mask[pair] = 3
    assert listed(ArrayConnector(array=mask).pairs(5, 3)) == sorted(chosen)


@given(SEEDS, st.floats(0, 1), SIZES, SIZES)
def test_same_seed_same_pairs(seed: int, p: float, n_pre: int, n_post: int) -> None:
    one = FixedProbabilityConnector(p_connect=p, seed=seed)
    other = FixedProbabilityConnector(p_connect=p, seed=seed)
    assert listed(one.pairs(n_pre, n_post)) == listed(other.pairs(n_pre, n_post))


@pytest.mark.parametrize("p", [0.02, 0.3, 0.8])
@pytest.mark.parametrize("seed", range(5))
def test_probability_is_met(p: float, seed: int) -> None:
    n = 300
    count = len(FixedProbabilityConnector(p_connect=p, seed=seed).pairs(n, n)[0])
    assert abs(count - p * n * n) < 5 * math.sqrt(p * (1 - p) * n * n)


def test_probabilities_0_and_1_and_other_seeds() -> None:
    assert len(FixedProbabilityConnector(p_connect=0, seed=1).pairs(9, 9)[0]) == 0
    assert len(FixedProbabilityConnector(p_connect=1, seed=1).pairs(9, 9)[0]) == 81
    drawn = {str(FixedProbabilityConnector(p_connect=0.5, seed=s).pairs(9, 9)) for s in range(9)}
    assert len(drawn) == 9


@given(SEEDS)
def test_weights_and_delays_follow_the_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = rng.random((4, 3)) < 0.5
    weights, delays = rng.random((4, 3)), rng.integers(1, 9, (4, 3)) * 0.1
    answers = []
    for weight, delay in ((weights, delays), (weights[mask], delays[mask])):
        network = Network(
            name="n",
            timestep_ms=0.1,
            populations=[
                SpikeSource(name="s", size=6),
                Population(name="p", size=5, neuron=LIF_hard_reset()),
            ],
            projections=[
                Projection(
                    pre="s[1:5]",
                    post="p[2:]",
                    connector=ArrayConnector(array=mask),
                    synapse=StaticSynapse(weight=weight, delay_ms=delay),
                )
            ],
        )
        projection = network.projections[0]
        answers.append((network.weights(projection), network.delays_ticks(projection)))
        assert np.array_equal(answers[-1][0], weights[mask])
        assert np.array_equal(answers[-1][1], np.rint(delays[mask] * 10))


def test_views() -> None:
    network = Network(name="n", populations=[SpikeSource(name="s", size=7)])
    spans = {text: network.view(text)[1:] for text in ("s", "s[:]", "s[2:]", "s[:3]", "s[4:5]")}
    assert spans == {
        "s": (0, 7),
        "s[:]": (0, 7),
        "s[2:]": (2, 7),
        "s[:3]": (0, 3),
        "s[4:5]": (4, 5),
    }

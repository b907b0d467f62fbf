"""The plasticity rule, against a sum over all pairs written down here once more."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.network import (
    AllToAllConnector,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)

BACKENDS = ("native", "native-reference")
# Pairs that decay below 2^-32 of a fresh one are left out by the engines.
CLOSE = {"rtol": 0, "atol": 1e-8}


def simulate(
    rule: STDPSynapse, pre: list[list[int]], post: list[list[int]], until: int, backend: str
) -> backends.Simulation:
    """Run plastic synapses from ``pre`` to ``post``, both firing at chosen ticks, posts from 1.

    Posts have no memory and weights are small: only the driver makes them fire.
    """
    network = Network(
        name="pairs",
        populations=[
            SpikeSource(name="pre", size=len(pre)),
            SpikeSource(name="driver", size=len(post)),
            Population(name="post", size=len(post), neuron=LIF_hard_reset(decay=0.0)),
        ],
        projections=[
            Projection(
                pre="driver",
                post="post",
                connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=3.0),
            ),
            Projection(pre="pre", post="post", connector=AllToAllConnector(), synapse=rule),
        ],
    )
    simulation = backends.start(network, backend)
    simulation.stimulate(
        {
            "pre": SpikeTrains.of([[float(t) for t in train if t < until] for train in pre]),
            "driver": SpikeTrains.of([[t - 1.0 for t in train if t <= until] for train in post]),
        }
    )
    simulation.run(until)
    for neuron, train in enumerate(simulation.spikes("post").per_neuron()):
        assert train == sorted({t for t in post[neuron] if t < until})
    return simulation


def by_pairs(rule: STDPSynapse, pre: list[int], post: list[int], until: int) -> tuple[float, float]:
    """Return one synapse's weight as left by its last pre spike, and as of the last tick."""
    delay = round(float(rule.delay_ms))
    dendritic = rule.dendritic_delay_fraction == 1
    # At the synapse, a pre spike is known as soon as it is emitted.
    pre_at = [t + (0 if dendritic else delay) for t in sorted(set(pre)) if t < until]
    post_at = [t + (delay if dendritic else 0) for t in sorted(set(post)) if t < until]
    last_pre = max(pre_at, default=-1)
    weight = stored = float(rule.weight)

    def summed(others: list[int], now: int, tie: bool, tau_ms: float) -> float:
        counted = [t for t in others if t < now or (tie and t == now)]
        if rule.pairing == "nearest":
            counted = counted[-1:]
        return sum(math.exp(-(now - t) / tau_ms) for t in counted)

    # In a tie the post comes first, unless the delay makes the pre arrive before the post fires.
    post_first = rule.dt_zero == "depress" or (rule.dt_zero == "ignore" and dendritic)
    order = ("post", "pre") if post_first else ("pre", "post")
    for now in sorted({*pre_at, *post_at}):
        for side in order:
            if side == "post" and now in post_at and now < until:
                tie = rule.dt_zero == "potentiate"
                rise = rule.A_plus * summed(pre_at, now, tie, rule.tau_plus_ms)
                weight = min(weight + rise, rule.w_max)
            if side == "pre" and now in pre_at:
                tie = rule.dt_zero == "depress"
                drop = rule.A_minus * summed(post_at, now, tie, rule.tau_minus_ms)
                weight = max(weight - drop, rule.w_min)
                if now == last_pre:
                    stored = weight
    return stored, weight


VARIANTS = [
    (fraction, tie, pairing)
    for fraction, tie, pairing in product(
        (1, 0), ("depress", "potentiate", "ignore"), ("all", "nearest")
    )
    # Refused by the definition: see tests/network/test_validation.py.
    if (fraction, tie) != (0, "depress") and (fraction, tie, pairing) != (0, "ignore", "nearest")
]


def rule_of(variant: tuple[int, str, str], **changes) -> STDPSynapse:
    fraction, tie, pairing = variant
    values = {
        "weight": 0.1,
        "tau_plus_ms": 5.0,
        "tau_minus_ms": 8.0,
        "A_plus": 0.03,
        "A_minus": 0.02,
        "w_max": 0.25,
        **changes,
    }
    return STDPSynapse(
        dendritic_delay_fraction=fraction,
        dt_zero=tie,
        pairing=pairing,
        **values,
    )


TRAINS = st.lists(st.integers(1, 30), max_size=8).map(lambda ticks: sorted(set(ticks)))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@given(data=st.data())
@settings(max_examples=12)
def test_random_trains(backend, variant, data) -> None:
    rule = rule_of(
        variant,
        delay_ms=data.draw(st.integers(1, 5)),
        weight=data.draw(st.sampled_from([0.0, 0.1, 0.25])),
        A_plus=data.draw(st.sampled_from([0.0, 0.03, 0.2])),
        A_minus=data.draw(st.sampled_from([0.0, 0.02, 0.2])),
    )
    pre = data.draw(st.lists(TRAINS, min_size=2, max_size=2))
    post = data.draw(st.lists(TRAINS, min_size=2, max_size=2))
    simulation = simulate(rule, pre, post, 40, backend)
    stored = simulation.weights("pre->post")
    settled = simulation.weights("pre->post", settled=True)
    expected = np.array([[by_pairs(rule, i, j, 40) for j in post] for i in pre])
    np.testing.assert_allclose(stored, expected[:, :, 0], **CLOSE)
    np.testing.assert_allclose(settled, expected[:, :, 1], **CLOSE)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("delay", range(1, 6))
@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_each_sign_and_tie(backend, variant, delay) -> None:
    """One pair in closed form, for every time difference at the synapse from -6 to 6."""
    rule = rule_of(variant, delay_ms=delay)
    shift = delay if variant[0] == 1 else -delay
    for dt in range(-6, 7):
        pre, post = 15, 15 + dt - shift
        simulation = simulate(rule, [[pre]], [[post]], 40, backend)
        change = simulation.weights("pre->post", settled=True)[0, 0] - 0.1
        if dt > 0 or (dt == 0 and variant[1] == "potentiate"):
            expected = 0.03 * math.exp(-dt / 5.0)
        elif dt < 0 or variant[1] == "depress":
            expected = -0.02 * math.exp(dt / 8.0)
        else:
            expected = 0.0
        assert change == pytest.approx(expected, abs=1e-9), dt


@pytest.mark.parametrize("backend", BACKENDS)
def test_update_is_deferred_to_the_next_pre_spike(backend) -> None:
    rule = rule_of((1, "depress", "all"), A_minus=0.0)
    simulation = simulate(rule, [[10, 30]], [[12]], 20, backend)
    potentiated = 0.1 + 0.03 * math.exp(-3 / 5.0)
    assert simulation.weights("pre->post")[0, 0] == 0.1
    assert simulation.weights("pre->post", settled=True)[0, 0] == pytest.approx(potentiated)
    assert simulation.weights("pre->post")[0, 0] == 0.1
    simulation = simulate(rule, [[10, 30]], [[12]], 31, backend)
    assert simulation.weights("pre->post")[0, 0] == pytest.approx(potentiated)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("delay", [1, 4])
@pytest.mark.parametrize("tie", ["depress", "ignore", "potentiate"])
def test_settled_counts_posts_on_their_way(backend, tie, delay) -> None:
    rule = rule_of((1, tie, "all"), delay_ms=delay)
    simulation = simulate(rule, [[10]], [[12]], 12, backend)
    assert simulation.weights("pre->post", settled=True)[0, 0] == 0.1
    simulation.run(1)
    settled = simulation.weights("pre->post", settled=True)[0, 0]
    assert settled == pytest.approx(0.1 + 0.03 * math.exp(-(2 + delay) / 5.0))
    assert simulation.weights("pre->post")[0, 0] == 0.1


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("delay", [1, 4])
def test_delivered_weight_is_the_updated_one(backend, delay) -> None:
    rule = rule_of((1, "depress", "all"), delay_ms=delay)
    simulation = simulate(rule, [[10, 30]], [[12]], 31 + delay, backend)
    state = simulation.tree()["state"]
    expected, _ = by_pairs(rule, [10, 30], [12], 31 + delay)
    # Posts keep nothing of the tick before: what they hold arrived in the last tick.
    assert state["v"][0] == pytest.approx(expected, abs=1e-8)
    assert state["v"][0] == simulation.weights("pre->post")[0, 0]


@pytest.mark.parametrize("backend", BACKENDS)
def test_weights_stay_within_their_bounds(backend) -> None:
    up = rule_of((1, "depress", "all"), A_plus=0.2, A_minus=0.0)
    pre, post = list(range(1, 30, 4)), list(range(2, 30, 4))
    assert simulate(up, [pre], [post], 40, backend).weights("pre->post")[0, 0] == 0.25
    down = rule_of((1, "depress", "all"), A_plus=0.0, A_minus=0.2, w_min=0.05)
    assert simulate(down, [pre], [post], 40, backend).weights("pre->post")[0, 0] == 0.05


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("later, kept", [(0, True), (14, True), (15, False), (16, False)])
def test_history_of_15_post_spikes(backend, later, kept) -> None:
    """A paired post spike survives 14 others before the next pre spike, and is lost with 15."""
    rule = rule_of((1, "depress", "all"), post_history=15, A_minus=0.0, tau_plus_ms=1.0, A_plus=0.1)
    posts = [12, *range(60, 60 + later)]
    simulation = simulate(rule, [[10, 90]], [posts], 91, backend)
    gain = simulation.weights("pre->post")[0, 0] - 0.1
    assert gain == pytest.approx(0.1 * math.exp(-3) if kept else 0.0, abs=1e-9)
    unlimited = simulate(
        rule_of((1, "depress", "all"), A_minus=0.0, tau_plus_ms=1.0, A_plus=0.1),
        [[10, 90]],
        [posts],
        91,
        backend,
    )
    assert unlimited.weights("pre->post")[0, 0] - 0.1 == pytest.approx(0.1 * math.exp(-3))


@pytest.mark.parametrize("backend", BACKENDS)
def test_first_pre_spike_depresses_only(backend) -> None:
    rule = rule_of((1, "depress", "all"))
    simulation = simulate(rule, [[10]], [[3, 5]], 20, backend)
    drop = 0.02 * (math.exp(-6 / 8.0) + math.exp(-4 / 8.0))
    assert simulation.weights("pre->post")[0, 0] == pytest.approx(0.1 - drop)

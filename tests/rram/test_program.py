"""Programming the weights of a network, of a memory's too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from neuromem import backends
from neuromem.memory import Memory
from neuromem.network import (
    AllToAllConnector,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
)
from neuromem.rram import (
    Pairs,
    ResistiveWeights,
    WhiteReadNoise,
    load_card,
    noisy_differences,
    program,
    program_weights,
)


def network(weights, receptor_type="signed"):
    weights = np.asarray(weights, dtype=float)
    return Network(
        name="pair",
        populations=(
            SpikeSource(name="a", size=weights.shape[0]),
            Population(name="b", size=weights.shape[1], neuron=LIF_hard_reset()),
        ),
        projections=(
            Projection(
                pre="a",
                post="b",
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=weights),
                receptor_type=receptor_type,
            ),
        ),
    )


def weights_of(network):
    return network.weights(network.projections[0])


def test_weights_miss_their_targets_by_the_error_of_the_card():
    card = load_card("cmo-hfo2")
    original = np.full((200, 200), -0.5)
    original[0, 0] = 1.0
    held = weights_of(program(network(original), card, rng=0))[1:]
    # The largest weight stands for the whole window.
    us_per_unit = 88.2 - 9.0
    expected = np.hypot(card.programming.sd(9.0 + 0.5 * us_per_unit), card.programming.sd(9.0))
    assert held.mean() == pytest.approx(-0.5, abs=1e-3)
    assert held.std() == pytest.approx(expected / us_per_unit, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float64, (4, 3), elements=st.floats(0, 100)),
    st.sampled_from(["hfo2", "cmo-hfo2", "pcm", "macro-40nm"]),
    st.integers(0, 2**32),
)
def test_magnitudes_stay_magnitudes(weights, card, seed):
    held = program(network(weights, "excitatory"), card, rng=seed)
    assert weights_of(held).min() >= 0
    assert program(network(weights, "excitatory"), card, rng=seed) == held


def test_the_stronger_cell_is_that_of_the_sign():
    pairs, us_per_unit = program_weights(
        np.array([2.0, -1.0, 0.0]), "cmo-hfo2", np.random.default_rng(0)
    )
    assert us_per_unit == pytest.approx((88.2 - 9.0) / 2)
    assert pairs.g_plus_us == pytest.approx([88.2, 9.0, 9.0], abs=5)
    assert pairs.g_minus_us == pytest.approx([9.0, 48.6, 9.0], abs=5)
    assert isinstance(pairs, Pairs)
    read = noisy_differences(
        pairs, WhiteReadNoise(relative_sd=0.01), 1.0, np.random.default_rng(1)
    ).step()
    assert read / us_per_unit == pytest.approx([2.0, -1.0, 0.0], abs=0.15)


def test_conditions_act_on_programmed_cells():
    original = network(np.linspace(-1, 1, 10_000).reshape(100, 100))
    ideal = weights_of(original)

    def error(**conditions):
        device = ResistiveWeights(card="cmo-hfo2", **conditions)
        return np.abs(weights_of(program(original, device, rng=1)) - ideal).mean()

    assert error() < error(retention_s=3.15e8) < 0.05
    assert error(levels=4) > 3 * error()
    assert error(stuck_low=0.2) > 3 * error()
    assert error(formed_fraction=0.5) > 10 * error()


def spikes(network):
    """Return when each neuron fires while every input line fires in turn."""
    inputs = {
        p.name: SpikeTrains(10.0 * np.arange(p.size) + 1, np.arange(p.size), p.size)
        for p in network.populations
        if isinstance(p, SpikeSource)
    }
    result = backends.run(network, 120.0, inputs, "native-reference")
    return {name: (s.times_ms.tolist(), s.neurons.tolist()) for name, s in result.spikes.items()}


def test_a_memory_runs_on_a_good_device_and_not_on_a_broken_one():
    memory = Memory(5, 10).network
    static = {p.label for p in memory.projections if not p.plastic}
    held = program(memory, "cmo-hfo2", rng=3)
    for before, after in zip(memory.projections, held.projections, strict=True):
        weights = held.weights(after)
        assert weights == pytest.approx(memory.weights(before), rel=0.12)
        assert np.array_equal(weights, memory.weights(before)) == (after.label not in static)
    assert spikes(held) == spikes(memory)
    broken = program(memory, ResistiveWeights(card="cmo-hfo2", formed_fraction=0.2), rng=3)
    assert spikes(broken) != spikes(memory)


def test_only_chosen_static_projections_are_programmed():
    memory = Memory(5, 10).network
    static = [p.label for p in memory.projections if not p.plastic]
    plastic = [p.label for p in memory.projections if p.plastic]
    held = program(memory, "hfo2", rng=0, labels=static[:1])
    assert held.projection(static[0]) != memory.projection(static[0])
    for label in [*static[1:], *plastic]:
        assert held.projection(label) == memory.projection(label)
    with pytest.raises(ValueError, match="is plastic"):
        program(memory, "hfo2", rng=0, labels=plastic[:1])
    with pytest.raises(ValueError, match="no projection 'x'"):
        program(memory, "hfo2", rng=0, labels=["x"])


def test_bad_weights_and_devices_are_refused(tmp_path):
    with pytest.raises(ValueError, match="finite"):
        program_weights(np.array([np.nan]), "pcm", np.random.default_rng(0))
    with pytest.raises(ValueError, match="no device card"):
        program(network([[1.0]]), "flash", rng=0)
    card = tmp_path / "bare.toml"
    card.write_text(
        'title = "t"\n[window]\nlowest_us = 0\nhighest_us = 1\nsource = "s"\n'
        '[conductance]\nkind = "NormalConductance"\nmean_us = 1\nsd_us = 0\nsource = "s"\n'
    )
    with pytest.raises(ValueError, match=r"no \[programming\]"):
        program(network([[1.0]]), str(card), rng=0)


def test_zero_weights_have_a_scale():
    pairs, us_per_unit = program_weights(np.zeros(4), "hfo2", np.random.default_rng(0))
    assert us_per_unit == 40.0
    assert np.all(pairs.g_plus_us < 2)

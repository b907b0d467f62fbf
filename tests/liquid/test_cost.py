"""The cost model, against the published experiments and against a count by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.liquid.cost import Cost, EncoderSize, Hardware, event_macs
from neuromem.network import SpikeBatch

AUDIO_TO_IMAGE = Cost.dense(
    [
        EncoderSize(inputs=256, neurons=200, steps=50),
        EncoderSize(inputs=64, neurons=200, steps=129),
    ],
    head_macs=2 * 200 * 64,
)
NEURAL_TO_IMAGE = Cost.dense(
    [
        EncoderSize(inputs=192, neurons=2048, steps=201),
        EncoderSize(inputs=784, neurons=2048, steps=50),
    ],
    head_macs=2 * 2048 * 256,
)


@pytest.mark.parametrize(
    ("cost", "macs", "head", "steps", "gain", "once", "thrice"),
    [
        (AUDIO_TO_IMAGE, 11_371_200, 25_600, 35_800, "23.57", "445.19", "148.40"),
        (NEURAL_TO_IMAGE, 1_212_088_320, 1_048_576, 514_048, "159.1", "1156.94", "385.65"),
    ],
)
def test_published_experiments(cost, macs, head, steps, gain, once, thrice) -> None:
    assert (cost.encoder_macs, cost.head_macs, cost.neuron_steps) == (macs, head, steps)
    assert f"{cost.gain:.{len(gain.split('.')[1])}f}" == gain
    assert f"{cost.training_ratio(1):.2f}" == once
    assert f"{cost.training_ratio(3):.2f}" == thrice


def test_energy_in_pj() -> None:
    cost = Cost(encoder_macs=900, head_macs=100, neuron_steps=10)
    assert cost.energy_digital_pj == pytest.approx(2000 / 2.08)  # 1 TOPS/W is 1 operation a pJ
    assert cost.energy_hybrid_pj == pytest.approx(123 + 200 / 2.08)
    other = Cost(
        encoder_macs=900,
        head_macs=100,
        neuron_steps=10,
        hardware=Hardware(digital_tops_per_w=4.16, readout_pj=1.0),
    )
    assert other.energy_digital_pj == pytest.approx(cost.energy_digital_pj / 2)
    assert other.energy_hybrid_pj == pytest.approx(10 + 200 / 4.16)


@given(data=st.data())
def test_events_are_counted_as_by_hand(data) -> None:
    sizes = st.integers(1, 4)
    samples, steps, lines, neurons = (data.draw(sizes) for _ in range(4))
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    dense = rng.integers(0, 3, size=(samples, steps, lines))
    fired = rng.integers(0, 2, size=(samples, steps, neurons))
    fan_in, fan_rec = rng.integers(0, 5, lines), rng.integers(0, 5, neurons)
    by_hand = 0
    for b, t, line in np.ndindex(dense.shape):
        by_hand += fan_in[line] if dense[b, t, line] else 0
    for b, t, neuron in np.ndindex(fired.shape):
        by_hand += fan_rec[neuron] * fired[b, t, neuron]
    found = event_macs(
        SpikeBatch.of_dense(dense), fired, input_fan_out=fan_in, recurrent_fan_out=fan_rec
    )
    assert found == pytest.approx(by_hand / samples)


def test_when_everything_fires_events_are_the_dense_count() -> None:
    size = EncoderSize(inputs=3, neurons=5, steps=7)
    batch = SpikeBatch.of_dense(np.ones((2, 7, 3)))
    spikes = np.full((2, 5), 7)  # every neuron in every step
    macs = event_macs(batch, spikes, input_fan_out=5, recurrent_fan_out=5)
    assert macs == size.dense_macs
    dense = Cost.dense([size], head_macs=10)
    assert dense.event_driven(macs) == dense
    assert dense.event_driven(macs / 10).gain < dense.gain
    assert dense.event_driven(macs / 10).energy_hybrid_pj == dense.energy_hybrid_pj


def test_bad_use_is_named() -> None:
    batch = SpikeBatch.of_dense(np.ones((2, 7, 3)))
    with pytest.raises(ValueError, match="no encoder"):
        Cost.dense([], head_macs=1)
    with pytest.raises(ValueError, match="neurons"):
        EncoderSize(inputs=1, neurons=0, steps=1)
    with pytest.raises(ValueError, match="at least 1"):
        AUDIO_TO_IMAGE.training_ratio(0)
    with pytest.raises(ValueError, match="for 2 samples"):
        event_macs(batch, np.ones((3, 5)), input_fan_out=5, recurrent_fan_out=5)
    with pytest.raises(ValueError, match=r"input_fan_out of shape \(4,\)"):
        event_macs(batch, np.ones((2, 5)), input_fan_out=np.ones(4), recurrent_fan_out=5)
    with pytest.raises(ValueError, match="recurrent_fan_out"):
        event_macs(batch, np.ones((2, 5)), input_fan_out=5, recurrent_fan_out=-1)

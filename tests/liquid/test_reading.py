"""Reads of a device: the ideal weights with noise about them, repeatable by the generator."""

import numpy as np
import pytest

from neuromem.events import Framing
from neuromem.liquid import Dense, Liquid, NoisyReads, Sparse, encode
from neuromem.network import SpikeBatch
from neuromem.rram import FlickerNoise, ResistiveWeights, TelegraphNoise, WhiteReadNoise

PAIRS = ResistiveWeights(card="macro-40nm")
LIQUID = Liquid(
    framing=Framing(sensor_size=(5, 4, 1), steps=12),
    neurons=9,
    input_wiring=Sparse(p_connect=0.6),
    recurrent_wiring=Dense(),
    input_weights=PAIRS,
    recurrent_weights=PAIRS,
    v_thresh=1.0,
)
NOISES = [
    WhiteReadNoise(relative_sd=0.2),
    FlickerNoise(relative_sd=0.2, f_min_hz=0.1),
    TelegraphNoise(relative_amplitude=0.3, dwell_high_ms=20, dwell_low_ms=20),
]
SILENT = [
    WhiteReadNoise(relative_sd=0),
    FlickerNoise(relative_sd=0, f_min_hz=0.1),
    TelegraphNoise(relative_amplitude=0, dwell_high_ms=20, dwell_low_ms=20),
    TelegraphNoise(relative_amplitude=0.9, dwell_high_ms=20, dwell_low_ms=20, fraction=0),
]


def reads(noise, seed: int, steps: int = 5) -> np.ndarray:
    reader = NoisyReads(LIQUID, noise, step_ms=6.0)(np.random.default_rng(seed))
    return np.array([np.concatenate([m.ravel() for m in reader.step()]) for _ in range(steps)])


def ideal() -> np.ndarray:
    return np.concatenate([LIQUID.input_matrix().ravel(), LIQUID.recurrent_matrix().ravel()])


def spikes() -> SpikeBatch:
    return SpikeBatch.of_dense(np.random.default_rng(3).integers(0, 2, (150, 12, 20)))


@pytest.mark.parametrize("noise", SILENT, ids=lambda n: type(n).__name__)
def test_without_noise_the_weights_are_read_as_they_are(noise):
    for step in reads(noise, 0):
        assert np.allclose(step, ideal(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("noise", NOISES, ids=lambda n: type(n).__name__)
def test_noise_is_about_the_weights_and_spares_what_is_not_connected(noise):
    steps = reads(noise, 0, steps=600)
    pairs = (LIQUID.cells("input"), LIQUID.cells("recurrent"))
    cells = np.concatenate([np.hypot(p.g_plus_us, p.g_minus_us).ravel() for p in pairs])
    assert (cells == 0).any()
    assert np.all(steps[:, cells == 0] == 0)
    spread = steps.std(axis=0)[cells > 0]
    assert (spread > 0).all()
    expected = noise.relative_sd * LIQUID.input_gain * np.median(cells[cells > 0])
    if not isinstance(noise, FlickerNoise):  # whose slow part lasts longer than these steps
        assert np.median(spread) == pytest.approx(expected, rel=0.2)
        assert np.abs(steps.mean(axis=0) - ideal()).max() < 10 * spread.max() / 600**0.5 * 3


@pytest.mark.parametrize("noise", NOISES, ids=lambda n: type(n).__name__)
def test_the_generator_decides(noise):
    assert np.array_equal(reads(noise, 1), reads(noise, 1))
    assert not np.array_equal(reads(noise, 1), reads(noise, 2))


def test_silent_reads_give_the_features_of_the_ideal_liquid():
    silent = NoisyReads(LIQUID, SILENT[0], step_ms=6.0)
    noisy = NoisyReads(LIQUID, NOISES[0], step_ms=6.0)
    plain = encode(LIQUID, spikes())
    assert plain.max() > 1
    assert np.array_equal(encode(LIQUID, spikes(), weights_of_step=silent, rng=0), plain)
    read = encode(LIQUID, spikes(), weights_of_step=noisy, rng=0)
    assert not np.array_equal(read, plain)
    assert np.array_equal(encode(LIQUID, spikes(), weights_of_step=noisy, rng=0), read)
    assert not np.array_equal(encode(LIQUID, spikes(), weights_of_step=noisy, rng=1), read)


def test_without_recurrence_only_the_input_is_read():
    alone = LIQUID.replace(recurrent_wiring=None)
    w_in, w_rec = NoisyReads(alone, SILENT[0], step_ms=6.0)(np.random.default_rng(0)).step()
    assert w_rec is None
    assert np.allclose(w_in, alone.input_matrix(), atol=1e-6)


def test_weights_without_cells_cannot_be_read():
    with pytest.raises(ValueError, match="use ResistiveWeights"):
        NoisyReads(Liquid(framing=LIQUID.framing, neurons=3), NOISES[0], step_ms=6.0)


def test_its_text_names_liquid_noise_and_step():
    texts = {
        repr(NoisyReads(liquid, noise, step_ms))
        for liquid in (LIQUID, LIQUID.replace(seed=1))
        for noise in NOISES
        for step_ms in (6.0, 7.0)
    }
    assert len(texts) == 12

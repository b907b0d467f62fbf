"""The trained recurrent spiking layers: they learn, generalise, resume and name bad input."""

import numpy as np
import pytest

from neuromem.heads import Sense, SpikingAligner, SpikingSettings, training
from neuromem.network import SpikeBatch
from tests.heads.two_senses import found, seen, senses, unseen_accuracy

torch = pytest.importorskip("torch", reason="needs torch: pip install 'neuromem-snn[torch]'")
pytest.importorskip("snntorch", reason="needs snntorch: pip install 'neuromem-snn[torch]'")

SETTINGS = SpikingSettings(
    neurons=32, embedding=8, temperature=0.3, learning_rate=0.01, batch=60, epochs=8
)


def spiking(each=30, steps=16) -> tuple[Sense, Sense]:
    """Return the two senses as spikes of noisy rates [n, steps, channels]."""
    made = []
    for number, sense in enumerate(senses(each=each, widths=(24, 32), noise=0.1)):
        rng = np.random.default_rng([7, number])
        rate = 1 / (1 + np.exp(1.5 - 2 * sense.features))
        drawn = rng.random((len(rate), steps, rate.shape[1])) < rate[:, None]
        made.append(Sense(drawn.astype(np.uint8), sense.labels))
    return made[0], made[1]


def short(sense: Sense) -> Sense:
    """Return every fifth sample."""
    return Sense(sense.features[::5], sense.labels[::5])


def test_it_learns_from_spikes_and_finds_classes_never_seen() -> None:
    first, second = spiking()
    aligner = SpikingAligner(SETTINGS).fit(seen(first), seen(second))
    rows = aligner.embed_first(first.features)
    assert rows.dtype == np.float32
    assert rows.shape == (len(first.labels), 8)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert found(aligner, seen(first), seen(second)) > 0.6  # chance 0.1
    assert unseen_accuracy(aligner, first, second) > 0.7  # chance 0.5


def test_the_layers_are_trained_not_the_projections_alone() -> None:
    first, second = map(short, map(seen, spiking()))
    still = SpikingSettings(neurons=16, embedding=4, learning_rate=1e-12, epochs=1)
    moved = SpikingSettings(neurons=16, embedding=4, learning_rate=1e-2, epochs=1)
    weights = [
        dict(SpikingAligner(s).fit(first, second)._model.named_parameters()) for s in (still, moved)
    ]
    for name in ("senses.0.0.input.weight", "senses.1.0.recurrent.weight"):
        assert (weights[0][name] - weights[1][name]).abs().max() > 1e-3


def test_the_layer_is_its_equation() -> None:
    first, second = map(short, map(seen, spiking()))
    settings = SpikingSettings(neurons=16, embedding=4, epochs=1)
    model = SpikingAligner(settings).fit(first, second)._model.senses[1][0]
    w_in, bias, w_rec = (
        p.detach().double().numpy()
        for p in (model.input.weight, model.input.bias, model.recurrent.weight)
    )
    x = second.features.astype(float)
    u, s, count = (np.zeros((len(x), 16)) for _ in range(3))
    for t in range(x.shape[1]):
        u = 0.97 * u * (1 - s) + x[:, t] @ w_in.T + bias + s @ w_rec.T
        s = (u > 1.0).astype(float)
        count += s
    with torch.no_grad():
        rates = model(torch.tensor(second.features)).numpy()
    assert 0.01 < rates.mean() < 0.9
    assert np.mean(np.abs(rates - count / x.shape[1]) < 1e-6) > 0.99  # but for rounding


def test_same_seed_same_result_and_exact_resumption(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_INTERVAL_S", 0.0)
    first, second = map(short, map(seen, spiking()))
    settings = SpikingSettings(neurons=16, embedding=4, epochs=3)
    path = tmp_path / "state.pt"

    def stop(done, _):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SpikingAligner(settings).fit(first, second, checkpoint=path, progress=stop)
    resumed = SpikingAligner(settings).fit(first, second, checkpoint=path)
    whole = SpikingAligner(settings).fit(first, second)
    assert resumed.history_ == whole.history_
    np.testing.assert_array_equal(
        resumed.embed_second(second.features), whole.embed_second(second.features)
    )


def test_batches_of_spikes_and_dense_ones_of_any_type_are_alike(tmp_path) -> None:
    first, second = map(short, map(seen, spiking()))
    settings = SpikingSettings(neurons=16, embedding=4, epochs=1)
    dense = SpikingAligner(settings).fit(first, second)
    rows = dense.embed_first(first.features)
    n, steps, channels = first.features.shape
    where = np.argwhere(first.features)
    offsets = np.searchsorted(where[:, 0] * steps + where[:, 1], np.arange(n * steps + 1))
    batch = SpikeBatch(offsets, where[:, 2], steps, channels)
    for same in (batch, first.features.astype(bool), first.features.astype(np.float64)):
        np.testing.assert_array_equal(dense.embed_first(same), rows)
    for _ in range(2):  # the second time from the checkpoint
        other = SpikingAligner(settings).fit(
            Sense(batch, first.labels), second, checkpoint=tmp_path / "state.pt"
        )
        np.testing.assert_array_equal(other.embed_first(first.features), rows)


def test_bad_input_is_named() -> None:
    first, second = map(short, map(seen, spiking()))
    hole = first.features.astype(float)
    hole[3, 2, 1] = np.nan
    settings = SpikingSettings(neurons=4, embedding=2, epochs=1)
    for message, sense in {
        r"shape \(60, 384\)": Sense(first.features.reshape(60, -1), first.labels),
        r"first features\[3, 2, 1\] = nan": Sense(hole, first.labels),
        "labels of shape": Sense(first.features[:-1], first.labels),
    }.items():
        with pytest.raises(ValueError, match=message):
            SpikingAligner(settings).fit(sense, second)
    aligner = SpikingAligner(settings).fit(first, second)
    with pytest.raises(ValueError, match="32 channels: training had 24"):
        aligner.embed_first(second.features)
    for name, value in (("decay", (0.9,)), ("decay", (0.9, 1.0)), ("neurons", 0)):
        with pytest.raises(ValueError, match=name):
            SpikingSettings(**{name: value})

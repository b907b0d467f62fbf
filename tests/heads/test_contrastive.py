"""Contrastive alignment: the laws of its loss, what it finds, and that it can be resumed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem.heads import (
    PUBLISHED_CONTRASTIVE,
    ContrastiveAligner,
    ContrastiveSettings,
    GELUProjection,
    LinearProjection,
    MLPProjection,
    Sense,
    info_nce,
    training,
)
from tests.heads.two_senses import UNSEEN, divided, found, of_classes, seen, senses, unseen_accuracy

torch = pytest.importorskip("torch", reason="needs torch: pip install 'neuromem-snn[torch]'")

FAST = ContrastiveSettings(embedding=8, learning_rate=0.01, batch=64, epochs=15)
TARGETS = ["diagonal", "labels", "soft"]


def unit(seed, rows=12, size=16):
    rows = torch.randn(rows, size, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(rows.double(), dim=1)


def reference(u, v, labels, scale, targets):
    """The loss as its equation says, in numpy, a pair at a time."""
    u, v = u.numpy(), v.numpy()

    def log_softmax(x):
        return x - np.log(np.sum(np.exp(x)))

    n, total = len(u), 0.0
    for i in range(n):
        wanted = {
            "diagonal": np.eye(n)[i],
            "labels": (labels == labels[i]) / np.sum(labels == labels[i]),
            "soft": np.exp(log_softmax(scale * (u[i] @ u.T + v[i] @ v.T) / 2)),
        }[targets]
        total -= wanted @ log_softmax(scale * u[i] @ v.T)
        total -= wanted @ log_softmax(scale * v[i] @ u.T)
    return total / 2 / n


@pytest.mark.parametrize("targets", TARGETS)
@given(seed=st.integers(0, 99), scale=st.floats(0.1, 30))
@settings(max_examples=10)
def test_loss_is_its_equation(targets, seed, scale) -> None:
    u, v = unit(seed), unit(seed + 1000)
    labels = np.random.default_rng(seed).integers(0, 4, 12)
    loss = info_nce(u, v, torch.tensor(labels), scale, targets)
    assert loss.item() == pytest.approx(reference(u, v, labels, scale, targets))


@pytest.mark.parametrize("targets", TARGETS)
@given(seed=st.integers(0, 99))
@settings(max_examples=10)
def test_loss_does_not_know_the_order_of_pairs_nor_which_sense_is_first(targets, seed) -> None:
    u, v, labels = unit(seed), unit(seed + 1000), torch.arange(12) % 5
    order = torch.tensor(np.random.default_rng(seed).permutation(12))
    before = info_nce(u, v, labels, 5.0, targets).item()
    assert info_nce(u[order], v[order], labels[order], 5.0, targets).item() == pytest.approx(before)
    assert info_nce(v, u, labels, 5.0, targets).item() == pytest.approx(before)


def test_one_pair_a_class_makes_multi_positive_targets_diagonal() -> None:
    u, v, labels = unit(0), unit(1), torch.arange(12)
    one, many = (info_nce(u, v, labels, 5.0, targets) for targets in ("diagonal", "labels"))
    assert one.item() == many.item()


def test_perfect_alignment_has_the_least_loss() -> None:
    corners = torch.eye(4, dtype=torch.float64)
    labels = torch.arange(12) % 4
    u = corners[labels]
    aligned = info_nce(u, u, labels, 50.0, "labels").item()
    assert aligned == pytest.approx(math.log(3))  # three pairs a class, which share the target
    assert info_nce(corners, corners, torch.arange(4), 50.0, "diagonal").item() < 1e-12
    assert info_nce(u, u.roll(1, dims=0), labels, 50.0, "labels").item() > 40


@pytest.mark.parametrize("targets", TARGETS)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
def test_gradients_are_finite(targets, scale) -> None:
    u, v = unit(0).requires_grad_(), unit(1).requires_grad_()
    info_nce(u, v, torch.arange(12) % 3, scale, targets).backward()
    assert u.grad.isfinite().all()
    assert v.grad.isfinite().all()


@pytest.mark.parametrize("targets", TARGETS)
def test_classes_never_seen_are_found(targets) -> None:
    first, second = senses()
    settings = ContrastiveSettings(
        embedding=8, targets=targets, temperature=0.3, learning_rate=0.01, batch=64, epochs=30
    )
    (a, a_held), (b, b_held) = divided(seen(first)), divided(seen(second))
    aligner = ContrastiveAligner(settings).fit(a, b, validation=(a_held, b_held))
    assert found(aligner, a_held, b_held) > 0.6  # chance 0.1
    assert unseen_accuracy(aligner, first, second) > 0.8  # chance 0.5


@pytest.mark.parametrize("projection", [LinearProjection(), MLPProjection(), GELUProjection()])
def test_every_projection_learns_and_gives_unit_rows(projection) -> None:
    first, second = map(seen, senses())
    settings = ContrastiveSettings(
        projection=projection, embedding=8, learning_rate=0.01, batch=64, epochs=15
    )
    aligner = ContrastiveAligner(settings).fit(first, second)
    for rows in (aligner.embed_first(first.features), aligner.embed_second(second.features)):
        assert rows.dtype == np.float32
        assert rows.shape == (len(first.labels), 8)
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert found(aligner, first, second) > 0.6


def test_published_settings() -> None:
    audio, neural = (PUBLISHED_CONTRASTIVE[name] for name in ("audio-vision", "neural-vision"))
    for preset, expected in (
        (audio, (64, 1.0, False, 1e-3, 8, 100)),
        (neural, (256, 0.5, True, 1e-3, 1024, 100)),
    ):
        assert isinstance(preset.projection, LinearProjection)
        assert expected == (
            preset.embedding,
            preset.temperature,
            preset.learn_temperature,
            preset.learning_rate,
            preset.batch,
            preset.epochs,
        )


def same(one: ContrastiveAligner, other: ContrastiveAligner) -> None:
    first, second = senses()
    np.testing.assert_array_equal(
        one.embed_first(first.features), other.embed_first(first.features)
    )
    np.testing.assert_array_equal(
        one.embed_second(second.features), other.embed_second(second.features)
    )
    assert one.history_ == other.history_


def test_same_seed_same_result_for_any_number_of_threads() -> None:
    first, second = map(seen, senses())
    before, state = torch.get_num_threads(), torch.get_rng_state()
    fitted = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            fitted.append(ContrastiveAligner(FAST, seed=3).fit(first, second))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    same(*fitted)
    assert torch.equal(state, torch.get_rng_state())
    assert fitted[0].history_ != ContrastiveAligner(FAST, seed=4).fit(first, second).history_


class Interrupted(Exception):
    pass


@pytest.mark.parametrize("patience", [None, 3])
def test_an_interrupted_training_ends_as_if_it_was_not(tmp_path, monkeypatch, patience) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_INTERVAL_S", 0.0)
    (a, a_held), (b, b_held) = (divided(seen(sense)) for sense in senses())
    settings = ContrastiveSettings(
        embedding=8, learning_rate=0.02, batch=64, epochs=12, learn_temperature=True
    )

    def fit(**options):
        aligner = ContrastiveAligner(settings, patience=patience)
        return aligner.fit(a, b, validation=(a_held, b_held), **options)

    def stop(done, total):
        assert total == 12
        if done in (2, 4):
            raise Interrupted

    path = tmp_path / "state.pt"
    for _ in range(2):
        with pytest.raises(Interrupted):
            fit(checkpoint=path, progress=stop)
    resumed, told = None, []
    resumed = fit(checkpoint=path, progress=lambda done, _: told.append(done))
    whole = fit()
    same(resumed, whole)
    assert resumed.temperature_ == whole.temperature_ != 0.3
    assert told == list(range(5, len(whole.history_) + 1))
    same(fit(checkpoint=path, progress=told.append), whole)  # done: nothing is trained again
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_a_checkpoint_of_another_training_is_refused(tmp_path) -> None:
    first, second = map(seen, senses())
    path = tmp_path / "state.pt"
    ContrastiveAligner(FAST).fit(first, second, checkpoint=path)
    changed = first.features.copy()
    changed[0, 0] += 1
    for aligner, sense in (
        (ContrastiveAligner(FAST, seed=1), first),
        (ContrastiveAligner(ContrastiveSettings(embedding=4)), first),
        (ContrastiveAligner(FAST), Sense(changed, first.labels)),
    ):
        with pytest.raises(ValueError, match="other settings, seed or samples"):
            aligner.fit(sense, second, checkpoint=path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ValueError, match="not a readable checkpoint"):
        ContrastiveAligner(FAST).fit(first, second, checkpoint=path)


def test_the_best_epoch_is_kept_and_patience_ends_the_training() -> None:
    (a, a_held), (b, b_held) = (divided(seen(sense)) for sense in senses(noise=2.0))
    settings = ContrastiveSettings(embedding=8, learning_rate=0.05, batch=64, epochs=60)
    aligner = ContrastiveAligner(settings, patience=4).fit(a, b, validation=(a_held, b_held))
    accuracies = [epoch.accuracy for epoch in aligner.history_]
    assert len(accuracies) < 60
    assert accuracies.index(max(accuracies)) == len(accuracies) - 1 - 4
    assert found(aligner, a_held, b_held) == max(accuracies)


def test_standardising_makes_scale_and_offset_of_features_irrelevant() -> None:
    first, second = map(seen, senses())
    moved = Sense((first.features * 64 + 512).astype(np.float64), first.labels)
    losses = [ContrastiveAligner(FAST).fit(x, second).history_[-1].loss for x in (first, moved)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)
    raw = ContrastiveSettings(
        embedding=8, learning_rate=0.01, batch=64, epochs=15, standardise=False
    )
    losses = [ContrastiveAligner(raw).fit(x, second).history_[-1].loss for x in (first, moved)]
    assert losses[0] != pytest.approx(losses[1], rel=1e-3)


def test_square_roots_keep_the_sign() -> None:
    first, second = map(seen, senses())
    squared = Sense(np.copysign(first.features**2, first.features), first.labels)
    roots = ContrastiveSettings(embedding=8, batch=64, epochs=3, sqrt=True)
    second_squared = Sense(np.copysign(second.features**2, second.features), second.labels)
    plain = ContrastiveSettings(embedding=8, batch=64, epochs=3)
    assert ContrastiveAligner(roots).fit(squared, second_squared).history_[-1].loss == (
        pytest.approx(ContrastiveAligner(plain).fit(first, second).history_[-1].loss, rel=1e-4)
    )


def test_a_sense_with_fewer_samples_shows_them_again() -> None:
    first, second = map(seen, senses())
    few = Sense(second.features[::8], second.labels[::8])
    aligner = ContrastiveAligner(FAST).fit(first, few)
    assert found(aligner, first, few) > 0.5


def bad(first, second):
    hole = first.features.copy()
    hole[5, 3] = np.nan
    unseen = of_classes(senses()[0], UNSEEN)
    lacking = of_classes(second, [0, 1, 2])
    return {
        r"first features\[5, 3\] = nan": (Sense(hole, first.labels), second, None),
        "class 4 has no sample in the second sense": (first, lacking, None),
        "class 4 has no sample in the first sense": (lacking, second, None),
        "all samples are of class 0": (of_classes(first, [0]), of_classes(second, [0]), None),
        "labels of shape": (Sense(first.features[:-1], first.labels), second, None),
        "at least one of each": (Sense(first.features[:, :0], first.labels), second, None),
        "validation has class 3, training has none": (first, second, (unseen, second)),
        "validation X of 50 features: training had 30": (first, second, (second, second)),
        r"validation X\[5, 3\] = nan": (first, second, (Sense(hole, first.labels), second)),
    }


@pytest.mark.parametrize("message", list(bad(*map(seen, senses()))))
def test_bad_samples_are_named(message) -> None:
    first, second, validation = bad(*map(seen, senses()))[message]
    with pytest.raises(ValueError, match=message):
        ContrastiveAligner(FAST).fit(first, second, validation=validation)


def test_bad_settings_are_named() -> None:
    first, second = map(seen, senses())
    for name, value in (
        ("embedding", 1),
        ("embedding", 5000),
        ("temperature", 0.0),
        ("learning_rate", -1.0),
        ("batch", 1),
        ("epochs", 0),
        ("weight_decay", -0.1),
        ("targets", "hard"),
    ):
        with pytest.raises(ValueError, match=name):
            ContrastiveSettings(**{name: value})
    with pytest.raises(ValueError, match="patience = 0"):
        ContrastiveAligner(patience=0)
    with pytest.raises(ValueError, match="without validation"):
        ContrastiveAligner(patience=2).fit(first, second)
    with pytest.raises(ValueError, match="call fit first"):
        ContrastiveAligner().embed_first(first.features)
    with pytest.raises(ValueError, match="50 features: training had 30"):
        ContrastiveAligner(FAST).fit(first, second).embed_first(second.features)


def test_a_training_that_diverges_says_so() -> None:
    first, second = map(seen, senses())
    settings = ContrastiveSettings(learning_rate=1e38, embedding=8, epochs=5)
    aligner = ContrastiveAligner(FAST).fit(first, second)
    aligner.settings = settings
    with pytest.raises(ValueError, match="training diverged; lower learning_rate"):
        aligner.fit(first, second)
    with pytest.raises(ValueError, match="call fit first"):
        aligner.embed_first(first.features)

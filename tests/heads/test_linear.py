"""The linear head: it learns, repeats itself, and stops early when asked."""

import numpy as np
import pytest

from neuromem.heads import PUBLISHED_HEADS, HeadSettings, LinearHead

torch = pytest.importorskip("torch", reason="needs torch: pip install 'neuromem-snn[torch]'")

FAST = HeadSettings(learning_rate=0.05, batch=16, epochs=20)


def clouds(samples=240, spread=0.3, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(samples) % 3
    centres = np.random.default_rng(99).normal(size=(3, 8))
    return (centres[y] + spread * rng.normal(size=(samples, 8))).astype(np.float32), y


def test_published_settings() -> None:
    nmnist, tidigits = PUBLISHED_HEADS["N-MNIST"], PUBLISHED_HEADS["N-TIDIGITS"]
    assert (nmnist.optimiser, nmnist.learning_rate, nmnist.batch, nmnist.epochs) == (
        "adam", 1e-4, 100, 100,
    )  # fmt: skip
    assert (tidigits.optimiser, tidigits.learning_rate, tidigits.batch, tidigits.epochs) == (
        "adamw", 6e-4, 256, 600,
    )  # fmt: skip


@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_it_learns(optimiser: str) -> None:
    X, y = clouds()
    settings = HeadSettings(optimiser=optimiser, learning_rate=0.05, batch=16, epochs=20)
    head = LinearHead(settings).fit(X, np.array(["a", "b", "c"])[y])
    test, label = clouds(seed=1)
    assert head.score(test, np.array(["a", "b", "c"])[label]) > 0.95
    assert len(head.history_) == 20
    assert head.history_[-1].loss < 0.2 * head.history_[0].loss


def test_it_is_the_gradient_descent_of_the_equation() -> None:
    # One full batch: Adam's first step is the learning rate against the gradient's sign.
    X, y = clouds()
    start = LinearHead(HeadSettings(learning_rate=1e-12, batch=240, epochs=1)).fit(X, y)
    moved = LinearHead(HeadSettings(learning_rate=1e-3, batch=240, epochs=1)).fit(X, y)
    assert np.abs(start.coef_).max() <= 1 / np.sqrt(8)
    logits = start.decision_function(X)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    gradient = (p - np.eye(3)[y]).T @ X / len(X)
    np.testing.assert_allclose(moved.coef_ - start.coef_, -1e-3 * np.sign(gradient), atol=1e-6)


def test_same_seed_same_head_for_any_number_of_threads() -> None:
    X, y = clouds()
    before = torch.get_num_threads()
    heads = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            heads.append(LinearHead(FAST, seed=3).fit(X, y))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(heads[0].coef_, heads[1].coef_)
    assert not np.array_equal(heads[0].coef_, LinearHead(FAST, seed=4).fit(X, y).coef_)


def test_the_global_generator_is_left_alone() -> None:
    X, y = clouds()
    state = torch.get_rng_state()
    LinearHead(FAST).fit(X, y)
    assert torch.equal(state, torch.get_rng_state())


def test_early_stopping_keeps_the_best_epoch() -> None:
    X, y = clouds(spread=3.0)
    valid = clouds(spread=3.0, seed=5)
    settings = HeadSettings(learning_rate=0.05, batch=16, epochs=200)
    head = LinearHead(settings, patience=4).fit(X, y, validation=valid)
    accuracies = [epoch.accuracy for epoch in head.history_]
    assert len(accuracies) < 200
    assert accuracies.index(max(accuracies)) == len(accuracies) - 1 - 4
    assert head.score(*valid) == pytest.approx(max(accuracies))


def test_without_patience_the_last_epoch_counts() -> None:
    X, y = clouds(spread=3.0)
    valid = clouds(spread=3.0, seed=5)
    head = LinearHead(FAST).fit(X, y, validation=valid)
    assert head.score(*valid) == pytest.approx(head.history_[-1].accuracy)
    np.testing.assert_array_equal(head.coef_, LinearHead(FAST).fit(X, y).coef_)


def test_bad_use_is_named() -> None:
    X, y = clouds()
    with pytest.raises(ValueError, match="patience = 0"):
        LinearHead(patience=0)
    with pytest.raises(ValueError, match="without validation"):
        LinearHead(patience=3).fit(X, y)
    with pytest.raises(ValueError, match="learning_rate"):
        HeadSettings(learning_rate=0.0)
    with pytest.raises(ValueError, match="must be finite"):
        LinearHead(FAST).fit(X * np.inf, y)
    with pytest.raises(ValueError, match="validation has class 5"):
        LinearHead(FAST).fit(X, y, validation=(X, y + 5))
    with pytest.raises(ValueError, match="call fit first"):
        LinearHead().predict(X)
    with pytest.raises(ValueError, match="training had 8"):
        LinearHead(FAST).fit(X, y).predict(X[:, :3])

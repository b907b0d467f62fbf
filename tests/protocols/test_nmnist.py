"""The N-MNIST protocol: who is trained on what, and which contestants stand beside each other."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.datasets import offline_digits, split, write_nmnist
from neuromem.protocols import nmnist
from tests.protocols.small_data import filmed, part, splits, write_folder, write_images


def prints(samples) -> set[bytes]:
    return {recording.data.tobytes() for recording in samples.data}


def apart(found) -> bool:
    """Return whether no recording is in two of the parts, nor twice in one."""
    parts = [samples for _, samples in found.named()]
    return len(set.union(*map(prints, parts))) == sum(map(len, parts))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return write_images(tmp_path_factory.mktemp("images") / "digits.npz")


@pytest.mark.parametrize("train", [None, 10, 47, 90])
def test_recordings_are_divided_and_never_shared(train, folder):
    found = nmnist.from_recordings(folder, train)
    assert [len(s) for _, s in found.named()] == [train or 90, 10, 30]
    assert apart(found)
    counts = np.bincount(found.train.labels, minlength=10)
    assert counts.max() - counts.min() <= 1


def test_filmed_images_are_divided_and_never_shared(images):
    found = nmnist.from_images(images, 100)
    assert [len(s) for _, s in found.named()] == [100, 10, 30]
    assert apart(found)
    assert {s.name for _, s in found.named()} == {"simulated N-MNIST"}
    ids = [set(s.data.ids.tolist()) for _, s in found.named()]
    assert len(set.union(*ids)) == 140


def test_test_images_that_the_design_has_seen_are_passed_over(images, tmp_path):
    arrays = dict(np.load(images))
    index = arrays["test_index"]
    index[::3] -= nmnist.SEEN_IN_DESIGN
    np.savez(tmp_path / "some.npz", **arrays)
    found = nmnist.from_images(tmp_path / "some.npz", 100).tests["test"].data
    assert set(found.ids.tolist()) == set(index[index >= nmnist.SEEN_IN_DESIGN].tolist())


def test_images_that_real_test_recordings_show_are_not_filmed_for_training(tmp_path):
    images = write_images(tmp_path / "digits.npz", train=13)
    folder = tmp_path / "recordings"
    write_nmnist(part(0, 2), folder, "train")  # of numbers that the image file has too
    shown = set(part(0, 2).ids.tolist())
    careless = nmnist.from_images(images, 90)
    assert shown & set(careless.train.data.ids.tolist())
    careful = nmnist.from_images(images, 90, apart_from=folder)
    assert not shown & {*careful.train.data.ids.tolist(), *careful.validation.data.ids.tolist()}
    assert len(nmnist.with_real_test(careful, folder).tests["real-test"]) == 20
    with pytest.raises(ValueError, match="filmed for training"):
        nmnist.with_real_test(careless, folder)


def test_validation_is_the_same_for_any_training_size(folder):
    few, all_ = nmnist.from_recordings(folder, 20), nmnist.from_recordings(folder)
    assert few.validation.digest == all_.validation.digest
    assert few.tests["test"].digest == all_.tests["test"].digest
    assert prints(few.train) < prints(all_.train)


@pytest.mark.slow
def test_the_default_films_each_digit_as_if_all_were_filmed():
    images, labels = offline_digits()
    found = nmnist.offline(50)
    assert [len(s) for _, s in found.named()] == [50, 500, 1000]
    assert apart(found)
    parts = split(labels, nmnist.OFFLINE_SHARES, nmnist.SPLIT)
    assert not set(parts[0]) & set(parts[2])
    (only,) = np.flatnonzero(parts[2] == found.tests["test"].data.ids[7])
    alone = nmnist.simulated_nmnist(
        images[parts[2][[only]]], [0], nmnist.TRAIN_SENSOR, ids=parts[2][[only]]
    )
    assert alone[0].data.tolist() == found.tests["test"].data[7].data.tolist()


@given(sizes=st.lists(st.integers(1, 30), min_size=2, max_size=10), data=st.data())
def test_a_part_of_the_training_samples_is_exact_and_holds_every_class(sizes, data):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    labels = labels[np.random.default_rng(0).permutation(len(labels))]
    if len(labels) < 10:
        with pytest.raises(ValueError, match=r"must be 10\.\."):
            nmnist._first(labels, 10)
        return
    n = data.draw(st.integers(10, len(labels)))
    chosen = nmnist._first(labels, n)
    assert len(chosen) == n
    assert np.all(np.diff(chosen) > 0)
    assert set(labels[chosen]) == set(labels)
    # Each class has its share, but for one sample of its own and those that every class has.
    share = np.bincount(labels[chosen], minlength=len(sizes)) - n * np.array(sizes) / len(labels)
    assert np.abs(share).max() <= len(sizes) + 1


def test_real_recordings_are_a_test_of_their_own(images, tmp_path):
    real = write_folder(tmp_path, real=True)
    found = nmnist.with_real_test(nmnist.from_images(images, 20), real)
    assert list(found.tests) == ["test", "real-test"]
    assert found.tests["real-test"].name == "real N-MNIST"
    assert apart(found)


def test_an_image_that_was_trained_on_is_not_tested_on(images, tmp_path):
    """Of the 10 x 10 images in Train, the filmed 20 + 10 are left out; the 30 in Test are not."""
    real = write_folder(tmp_path, real=True)
    known = nmnist.from_images(images, 20)
    found = nmnist.with_real_test(known, real).tests["real-test"]
    assert len(found) == 100
    assert any("30 recordings in Train" in line for line in found.rejected)
    of_unknown_images = nmnist.with_real_test(splits(), real).tests["real-test"]
    assert len(of_unknown_images) == 30


def test_a_recording_cannot_be_trained_and_tested_on(folder):
    with pytest.raises(ValueError, match="of the 100 recordings of 'real-test' are in train"):
        nmnist.with_real_test(nmnist.from_recordings(folder), folder / "Train")


def test_seeds_make_liquids_and_controls_without_chance_stand_once():
    found = nmnist.contestants(splits(), neurons=10, seeds=range(2))
    names = [(c.name, c.seed) for c in found]
    assert len(set(names)) == len(names)
    for name in ("paper", "liquid", "liquid-ridge", "random-relu", "random-leaky-relu-lda"):
        assert [seed for n, seed in names if n == name] == [0, 1]
    for name in ("raw-counts", "raw-binned", "raw-binned-lda", "raw-counts-softmax"):
        assert [seed for n, seed in names if n == name] == [None]
    assert len({(c.recipe, c.readout) for c in found}) == len(found)


def test_a_recipe_names_backend_and_weights():
    def recipes(**options):
        found = nmnist.contestants(splits(), "paper", neurons=10, **options)
        return {c.recipe for c in found if c.name == "paper"}

    kinds = [{}, {"weights": "pairs"}, {"weights": "half-formed"}, {"backend": "native-reference"}]
    assert len(set.union(*(recipes(**kind) for kind in kinds))) == len(kinds)


def test_the_controls_are_the_input_of_the_liquid():
    """raw-counts are the square roots of the numbers of steps in which each line spikes."""
    found = {c.name: c for c in nmnist.contestants(splits(), "best", neurons=10)}
    recordings = filmed()[[3]]
    dense = np.zeros((100, 2, 34, 34))
    events = recordings[0].data
    inside = events["t"] < 100 * 3080
    e = events[inside]
    dense[(e["t"] // 3080), e["p"], e["y"], e["x"]] = 1
    counts = found["raw-counts"].encode(recordings)
    assert np.allclose(counts, np.sqrt(dense.sum(axis=0)).reshape(1, -1))
    binned = found["raw-binned"].encode(recordings)
    assert np.allclose(binned, np.sqrt(dense.reshape(5, 20, -1).sum(axis=1)).reshape(1, -1))


def test_a_projection_uses_the_liquids_weights_and_the_slope():
    found = {c.name: c for c in nmnist.contestants(splits(), "best", neurons=10)}
    recordings = filmed()[:4]
    relu = found["random-relu"].encode(recordings)
    leaky = found["random-leaky-relu"].encode(recordings)
    assert relu.shape == (4, 50)
    assert np.allclose(np.maximum(leaky, 0), relu)
    assert (leaky < 0).any()
    opposite = leaky[leaky < 0]
    counts = found["raw-binned"].encode(recordings).reshape(4, 5, -1) ** 2
    liquid = found["random-relu"].encode.args[0]
    z = counts @ liquid.input_matrix()
    assert np.allclose(leaky.reshape(z.shape)[z < 0], 0.1 * z[z < 0], rtol=1e-3, atol=1e-4)
    assert len(opposite) == (z < 0).sum()

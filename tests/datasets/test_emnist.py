"""The reader of E-MNIST letters, on files written here byte for byte in the official formats."""

import gzip
import re
import struct

import numpy as np
import pytest
from scipy.io import savemat

from neuromem.datasets import LETTERS, load_card, read_emnist_letters, read_idx
from neuromem.events import bernoulli_spikes

RNG = np.random.default_rng(0)
UPRIGHT = RNG.integers(0, 256, (5, 28, 28), dtype=np.uint8)
NUMBERS = np.array([1, 26, 3, 3, 15], dtype=np.uint8)


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def write_idx(folder, split="train", images=UPRIGHT, numbers=NUMBERS, packed=True):
    folder.mkdir(exist_ok=True)
    stem = f"emnist-letters-{split}"
    for name, values in (
        (f"{stem}-images-idx3-ubyte", np.ascontiguousarray(images.transpose(0, 2, 1))),
        (f"{stem}-labels-idx1-ubyte", numbers),
    ):
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(values)))
        else:
            (folder / name).write_bytes(idx(values))
    return folder


def write_mat(path, images=UPRIGHT, numbers=NUMBERS):
    """Write {dataset: {train, test, mapping}}, images as rows of 784 in MATLAB's order."""
    part = {
        "images": np.stack([image.ravel(order="F") for image in images]),
        "labels": numbers[:, None].astype(np.float64),
        "writers": np.arange(len(numbers), dtype=np.float64)[:, None],
    }
    half = {name: values[:2] for name, values in part.items()}
    savemat(path, {"dataset": {"train": part, "test": half, "mapping": np.eye(3)}})
    return path


def test_the_bytes_are_those_of_the_format():
    data = idx(np.zeros((5, 28, 28), np.uint8))
    assert data[:16] == bytes.fromhex("00000803 00000005 0000001c 0000001c")
    assert idx(NUMBERS) == bytes.fromhex("00000801 00000005 011a03030f")


@pytest.mark.parametrize("packed", [True, False])
def test_images_are_upright_and_a_is_class_0(tmp_path, packed):
    letters = read_emnist_letters(write_idx(tmp_path / "gzip", packed=packed))
    np.testing.assert_array_equal(letters.images, UPRIGHT)
    assert letters.images.dtype == np.uint8
    assert "".join(LETTERS[label] for label in letters.labels) == "azcco"
    assert len(letters) == 5


def test_files_are_found_in_the_folder_that_unpacking_makes(tmp_path):
    write_idx(tmp_path / "gzip")
    write_idx(tmp_path / "gzip", "test", UPRIGHT[3:], NUMBERS[3:])
    np.testing.assert_array_equal(read_emnist_letters(tmp_path, "test").images, UPRIGHT[3:])


def test_both_formats_hold_the_same(tmp_path):
    path = write_mat(tmp_path / "emnist-letters.mat")
    letters = read_emnist_letters(path)
    np.testing.assert_array_equal(letters.images, UPRIGHT)
    np.testing.assert_array_equal(
        letters.labels, read_emnist_letters(write_idx(tmp_path / "gzip")).labels
    )
    np.testing.assert_array_equal(read_emnist_letters(path, "test").images, UPRIGHT[:2])


def test_letters_become_spikes_with_the_rate_code(tmp_path):
    letters = read_emnist_letters(write_idx(tmp_path / "gzip"))
    batch = bernoulli_spikes(letters.images / 127.5 - 1, rng=0)
    assert (batch.samples, batch.steps, batch.channels) == (5, 50, 784)
    rates = batch.dense().mean(axis=1).reshape(5, 28, 28)
    assert not rates[UPRIGHT < 128].any()
    assert rates[UPRIGHT > 240].mean() == pytest.approx(0.4 * 0.945, abs=0.03)


@pytest.mark.parametrize("which", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("damage", ["cut", "empty", "text", "bits"])
def test_a_damaged_file_is_named(tmp_path, which, damage):
    folder = write_idx(tmp_path / "gzip")
    path = folder / f"emnist-letters-train-{which}-ubyte.gz"
    content = path.read_bytes()
    flipped = bytes([*content[:-8], content[-8] ^ 1, *content[-7:]])  # the checksum
    path.write_bytes(
        {"cut": content[: len(content) // 2], "empty": b"", "text": b"<html>", "bits": flipped}[
            damage
        ]
    )
    with pytest.raises(ValueError, match=re.escape(path.name)):
        read_emnist_letters(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (idx(NUMBERS)[:-1], "12 bytes, 13 expected"),
        (idx(NUMBERS) + b"x", "14 bytes, 13 expected"),
        (idx(UPRIGHT)[:6], "cut short or damaged"),
        (idx(UPRIGHT)[:3], "not an idx file"),
        (b"\x00\x00\x0d\x01" + bytes(8), "begins with 00 00 0d 01: not an idx file of bytes"),
    ],
)
def test_a_file_cut_short_or_too_long_is_named(tmp_path, content, message):
    path = tmp_path / "labels-idx1-ubyte"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"labels-idx1-ubyte: {message}|{message}"):
        read_idx(path)


def test_another_part_of_emnist_is_refused(tmp_path):
    numbers = np.array([0, 26, 3, 40, 15], dtype=np.uint8)
    with pytest.raises(ValueError, match=r"label 0 of image 0 \(2 such\): must be in 1\.\.26"):
        read_emnist_letters(write_idx(tmp_path / "a", numbers=numbers))
    with pytest.raises(ValueError, match=r"images \(5, 28, 28\) and labels \(4,\)"):
        read_emnist_letters(write_idx(tmp_path / "b", numbers=NUMBERS[:4]))
    with pytest.raises(ValueError, match="no image of split 'train'"):
        read_emnist_letters(write_idx(tmp_path / "c", images=UPRIGHT[:0], numbers=NUMBERS[:0]))


def test_a_mat_file_that_is_none_is_named(tmp_path):
    path = tmp_path / "emnist-letters.mat"
    for content in (b"", b"no matrix at all", write_mat(path).read_bytes()[:3000]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"emnist-letters\.mat: not a readable"):
            read_emnist_letters(path)
    savemat(path, {"data": np.eye(2)})
    with pytest.raises(ValueError, match=r"not a readable emnist-letters\.mat"):
        read_emnist_letters(path)


def test_what_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no emnist-letters-test-images-idx3-ubyte"):
        read_emnist_letters(write_idx(tmp_path / "gzip"), "test")
    with pytest.raises(FileNotFoundError, match=r"absent\.mat"):
        read_emnist_letters(tmp_path / "absent.mat")
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "absent")
    with pytest.raises(ValueError, match="split = 'valid'"):
        read_emnist_letters(tmp_path, "valid")  # type: ignore[arg-type]


def test_the_card_counts_what_the_publisher_counts():
    card = load_card("emnist-letters")
    assert card.classes == len(LETTERS) == 26
    assert sum(card.splits.values()) == 145_600

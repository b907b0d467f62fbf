"""The reader of attempted handwriting, on files that MATLAB could have written."""

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat

from neuromem.datasets import load_card, read_handwriting

BINS, ELECTRODES, BLOCKS = 201, 6, [3, 5, 9]
CUES = ["a", "doNothing", "z", "b", "a", "comma", "b", "z", "a"]
BLOCK_OF_CUE = [3, 3, 3, 5, 5, 5, 9, 9, 9]


def variables() -> dict:
    """Return what the published file holds, small: a 100 time bins long recording for each cue."""
    rng = np.random.default_rng(0)
    cues = np.empty((len(CUES), 1), dtype=object)
    cues[:, 0] = CUES
    cubes = {
        f"neuralActivityCube_{name}": rng.poisson(0.4, (CUES.count(name), BINS, ELECTRODES)).astype(
            np.uint8
        )
        for name in sorted(set(CUES))
    }
    return cubes | {
        "characterCues": cues,
        "blockNumsTimeSeries": np.repeat(BLOCK_OF_CUE, 100)[:, None].astype(np.uint8),
        "goPeriodOnsetTimeBin": (np.arange(len(CUES)) * 100 + 51)[:, None].astype(np.uint16),
        "blockList": np.array(BLOCKS, dtype=np.uint8)[:, None],
        "meansPerBlock": rng.uniform(0.2, 0.6, (len(BLOCKS), ELECTRODES)),
        "stdAcrossAllData": np.array([[0.5, 0.7, 0.0, 0.6, 0.9, 1.1]]),
        "neuralActivityTimeSeries": np.zeros((len(CUES) * 100, ELECTRODES), np.uint8),
    }


@pytest.fixture
def folder(tmp_path):
    savemat(tmp_path / "singleLetters.mat", variables(), do_compression=True)
    return tmp_path


def test_trials_come_letter_by_letter(folder):
    data = read_handwriting(folder, "abz")
    assert data.counts.shape == (7, BINS, ELECTRODES)
    assert data.counts.dtype == np.uint8
    assert data.labels.tolist() == [0, 0, 0, 1, 1, 25, 25]
    assert data.blocks.tolist() == [0, 1, 2, 1, 2, 0, 2]
    expected = variables()
    np.testing.assert_array_equal(data.counts[3:5], expected["neuralActivityCube_b"])
    again = read_handwriting(folder / "singleLetters.mat", ["z", "a", "b"])
    np.testing.assert_array_equal(again.counts, data.counts)
    assert len(read_handwriting(folder, "z")) == 2


def test_spikes_are_the_counts_clamped_to_1(folder):
    data = read_handwriting(folder, "ab")
    assert data.counts.max() > 1
    batch = data.spikes()
    assert (batch.samples, batch.steps, batch.channels, batch.binary) == (5, 201, 6, True)
    np.testing.assert_array_equal(batch.dense(), data.counts > 0)


def test_z_scores_are_those_of_the_authors_loop(folder):
    data = read_handwriting(folder, "abz")
    z = data.zscored()
    assert z.dtype == np.float32
    file = loadmat(folder / "singleLetters.mat")
    for letter, label in (("a", 0), ("b", 1), ("z", 25)):
        cube = file[f"neuralActivityCube_{letter}"].astype(np.float64)
        trials = [i for i, cue in enumerate(file["characterCues"][:, 0]) if cue[0] == letter]
        for trial, cue in enumerate(trials):
            block = file["blockNumsTimeSeries"][file["goPeriodOnsetTimeBin"][cue, 0], 0]
            row = file["blockList"].ravel().tolist().index(block)
            cube[trial] -= file["meansPerBlock"][row]
        with np.errstate(divide="ignore"):
            cube /= file["stdAcrossAllData"][0]
        cube[:, :, 2] = 0  # the electrode that never varied
        np.testing.assert_allclose(z[data.labels == label], cube, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("neuralActivityCube_a", None, "no variable neuralActivityCube_a"),
        ("meansPerBlock", None, "no variable meansPerBlock"),
        ("neuralActivityCube_a", np.zeros((3, BINS)), r"neuralActivityCube_a of shape \(3, 201\)"),
        ("neuralActivityCube_a", np.zeros((0, BINS, 6)), r"neuralActivityCube_a of shape \(0, "),
        ("neuralActivityCube_a", np.zeros((2, BINS, 6)), "2 trials, but 3 cues 'a'"),
        ("neuralActivityCube_b", np.zeros((2, 100, 6)), r"bins and electrodes \(100, 6\), others"),
        ("neuralActivityCube_a", np.full((3, BINS, 6), np.nan), "counts must be whole numbers"),
        ("neuralActivityCube_a", np.full((3, BINS, 6), -1.0), "counts must be whole numbers"),
        ("neuralActivityCube_a", np.full((3, BINS, 6), 300), "counts must be whole numbers"),
        ("blockList", np.array([[3], [5], [8]]), "block is not in blockList"),
        ("goPeriodOnsetTimeBin", np.full((9, 1), 900), r"each to be in 0\.\.899"),
        ("goPeriodOnsetTimeBin", np.zeros((8, 1)), "8 values for 9 characterCues"),
        ("meansPerBlock", np.zeros((2, 6)), r"meansPerBlock \(2, 6\)"),
        ("stdAcrossAllData", np.full((1, 6), np.inf), "not finite"),
    ],
)
def test_a_damaged_variable_is_named(tmp_path, name, value, message):
    tree = variables() | {name: value}
    savemat(tmp_path / "singleLetters.mat", {k: v for k, v in tree.items() if v is not None})
    with pytest.raises(ValueError, match=rf"singleLetters\.mat: .*{message}"):
        read_handwriting(tmp_path, "ab")


def test_a_file_of_version_7_3_is_named_with_the_remedy(tmp_path):
    path = tmp_path / "singleLetters.mat"
    with h5py.File(path, "w", userblock_size=512) as tree:
        tree["neuralActivityCube_a"] = np.zeros((6, BINS, 3), np.uint8)
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM"
    with open(path, "r+b") as file:
        file.write(header)
    with pytest.raises(ValueError, match=r"version 7\.3 \(HDF5\).*save it with -v7"):
        read_handwriting(path)


@pytest.mark.parametrize("damage", ["empty", "text", "cut"])
def test_a_file_that_is_none_is_named(folder, damage):
    path = folder / "singleLetters.mat"
    content = path.read_bytes()
    path.write_bytes(
        {"empty": b"", "text": b"<html>not found</html>" * 20, "cut": content[:900]}[damage]
    )
    with pytest.raises(ValueError, match=r"singleLetters\.mat: not a readable|no variable"):
        read_handwriting(folder)


def test_what_is_not_there_or_no_letter_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="dryad"):
        read_handwriting(tmp_path)
    for letters in ("", ["comma"], "a?"):
        with pytest.raises(ValueError, match="give one or more of abc"):
            read_handwriting(tmp_path, letters)


def test_the_card_counts_the_letters_of_its_session():
    card = load_card("handwriting-bci")
    assert card.splits == {"letters": 26 * 27}

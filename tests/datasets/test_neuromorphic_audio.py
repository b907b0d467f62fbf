"""N-TIDIGITS18, SHD and SSC, on small files written here in their formats."""

import re
import socket
import sys

import h5py
import numpy as np
import pytest

from neuromem.datasets import load_card
from neuromem.datasets.neuromorphic_audio import (
    fetch_neuromorphic_audio,
    read_heidelberg_commands,
    read_heidelberg_digits,
    read_n_tidigits,
)

tonic = pytest.importorskip("tonic")

#: Names as in the file: speaker group, speaker, take and what was said.
NAMES = {
    "train": ["man-ae-a-z", "man-ae-a-o", "woman-bf-b-7", "woman-bf-a-13", "boy-cc-a-1"],
    "test": ["girl-dd-a-9", "girl-dd-a-o82z"],
}
CHANNELS = np.array([0, 63, 5, 5], dtype=np.uint8)
SECONDS = np.array([0.0, 0.300123, 0.300123, 1.5])


@pytest.fixture
def n_tidigits(tmp_path):
    folder = tmp_path / "NTIDIGITS18"
    folder.mkdir()
    with h5py.File(folder / "n-tidigits.hdf5", "w") as tree:
        for split, names in NAMES.items():
            tree[f"{split}_labels"] = np.array(names, dtype="S")
            for at, name in enumerate(names):
                tree[f"{split}_addresses/{name}"] = CHANNELS
                tree[f"{split}_timestamps/{name}"] = SECONDS + at
    return tmp_path


def heidelberg(folder, name, splits):
    (folder / name).mkdir()
    for split in splits:
        with h5py.File(folder / name / f"{name.lower()}_{split}.h5", "w") as tree:
            times = tree.create_dataset("spikes/times", (3,), h5py.vlen_dtype(np.float16))
            units = tree.create_dataset("spikes/units", (3,), h5py.vlen_dtype(np.uint16))
            for at in range(3):
                times[at] = np.array([0.25, 0.5, 0.125 * at + 0.5], dtype=np.float16)
                units[at] = np.array([0, 699, 100 * at], dtype=np.uint16)
            tree["labels"] = np.array([19, 3, 0], dtype=np.uint16)
            tree["extra/speaker"] = np.array([4, 5, 4], dtype=np.uint16)
            tree["extra/keys"] = np.array([b"zero", b"one"])
    return folder


@pytest.mark.parametrize(
    ("labels", "expected"), [("paper", [0, 10, 7, 1]), ("tonic", [10, 0, 7, 1])]
)
def test_single_digits_in_both_conventions(n_tidigits, labels, expected):
    digits = read_n_tidigits(n_tidigits, "train", labels)
    assert digits.labels.tolist() == expected
    assert digits.ids.tolist() == ["man-ae-a-z", "man-ae-a-o", "woman-bf-b-7", "boy-cc-a-1"]
    assert digits.sensor_size == (64, 1, 1)
    assert digits.rejected == ()
    assert digits[0].data["x"].tolist() == [0, 63, 5, 5]
    assert digits[0].data["t"].tolist() == [0, 300_123, 300_123, 1_500_000]
    assert digits[3].data["t"][0] == 4_000_000  # the sequence "13" before it was left out


def test_the_test_split_is_the_test_split(n_tidigits):
    digits = read_n_tidigits(n_tidigits, "test")
    assert digits.ids.tolist() == ["girl-dd-a-9"]
    assert digits.labels.tolist() == [9]


def test_our_tonic_labels_are_those_of_tonic(n_tidigits):
    theirs = tonic.datasets.NTIDIGITS18(str(n_tidigits), train=True, single_digits=True)
    ours = read_n_tidigits(n_tidigits, "train", "tonic")
    assert [target for _, target in theirs] == ours.labels.tolist()
    # Its attribute ``labels`` holds the sequences too: whoever takes it is one off from the third.
    assert theirs.labels == ["z", "o", "7", "13", "1"]
    assert len(theirs.labels) != len(theirs) == len(ours)
    theirs.data.close()


def test_every_word_has_its_class_in_both_conventions(tmp_path):
    """The types of the official file: addresses int, times in seconds, names as bytes."""
    (tmp_path / "NTIDIGITS18").mkdir()
    words = ["o", "1", "2", "3", "4", "5", "6", "7", "8", "9", "z"]
    with h5py.File(tmp_path / "NTIDIGITS18" / "n-tidigits.hdf5", "w") as tree:
        tree["train_labels"] = np.array([f"man-ae-a-{word}" for word in words], dtype="S")
        for word in words:
            tree[f"train_addresses/man-ae-a-{word}"] = CHANNELS.astype(np.int64)
            tree[f"train_timestamps/man-ae-a-{word}"] = SECONDS
    assert read_n_tidigits(tmp_path, labels="tonic").labels.tolist() == list(range(11))
    assert read_n_tidigits(tmp_path, labels="paper").labels.tolist() == [10, *range(1, 10), 0]
    with pytest.raises(ValueError, match="labels = 'theirs': must be 'paper' or 'tonic'"):
        read_n_tidigits(tmp_path, labels="theirs")  # type: ignore[arg-type]


@pytest.mark.parametrize("group", ["train_addresses", "train_timestamps"])
def test_a_missing_recording_is_named_and_the_others_are_read(n_tidigits, group):
    with h5py.File(n_tidigits / "NTIDIGITS18" / "n-tidigits.hdf5", "a") as tree:
        del tree[group]["man-ae-a-o"]
    digits = read_n_tidigits(n_tidigits)
    assert digits.labels.tolist() == [0, 7, 1]
    assert len(digits.rejected) == 1
    assert digits.rejected[0].startswith("man-ae-a-o: ")


@pytest.mark.parametrize(
    ("group", "values", "reason"),
    [
        ("addresses", np.array([0, 64, 5, 5]), "x = 64, must be in 0..63"),
        ("addresses", np.array([0, 1]), "2 addresses|shape|broadcast"),
        ("timestamps", np.array([0.0, 0.1, np.nan, 0.2]), "t = -|not finite|cannot convert"),
        ("timestamps", np.array([-1.0, 0.1, 0.2, 0.3]), "t = -1000000 us"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_damaged_recording_is_named(n_tidigits, group, values, reason):
    with h5py.File(n_tidigits / "NTIDIGITS18" / "n-tidigits.hdf5", "a") as tree:
        del tree[f"train_{group}"]["man-ae-a-o"]
        tree[f"train_{group}/man-ae-a-o"] = values
    digits = read_n_tidigits(n_tidigits)
    assert len(digits) == 3
    assert re.search(rf"^man-ae-a-o: .*({reason})", digits.rejected[0])


@pytest.mark.parametrize("damage", ["labels", "group", "cut", "text"])
def test_a_damaged_file_is_an_error_that_names_it(n_tidigits, damage):
    file = n_tidigits / "NTIDIGITS18" / "n-tidigits.hdf5"
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:3000])
    elif damage == "text":
        file.write_text("<html>not found</html>")
    else:
        with h5py.File(file, "a") as tree:
            del tree["train_labels" if damage == "labels" else "train_addresses"]
    with pytest.raises(ValueError, match=r"n-tidigits\.hdf5"):
        read_n_tidigits(n_tidigits)


@pytest.mark.parametrize(
    ("read", "name", "split", "part"),
    [
        (read_heidelberg_digits, "SHD", "train", "SHD train"),
        (read_heidelberg_digits, "SHD", "test", "SHD test"),
        (read_heidelberg_commands, "SSC", "valid", "SSC valid"),
    ],
)
def test_heidelberg_recordings(tmp_path, read, name, split, part):
    heard = read(heidelberg(tmp_path, name, ["train", "test", "valid"]), split)
    assert (heard.name, heard.sensor_size) == (part, (700, 1, 1))
    assert heard.labels.tolist() == [19, 3, 0]
    assert heard.ids.tolist() == [0, 1, 2]
    assert heard[0].data["t"].tolist() == [250_000, 500_000, 500_000]
    assert heard[2].data["x"].tolist() == [0, 699, 200]


@pytest.mark.parametrize(("which", "ids"), [(slice(1, None), [1, 2]), ([2, 0], [2, 0])])
def test_chosen_recordings_keep_their_labels(tmp_path, which, ids):
    heard = read_heidelberg_digits(heidelberg(tmp_path, "SHD", ["train"]), which=which)
    assert heard.ids.tolist() == ids
    assert heard.labels.tolist() == [[19, 3, 0][at] for at in ids]
    with pytest.raises(ValueError, match="which = "):
        read_heidelberg_digits(tmp_path, which=[3])


def test_heidelberg_events_are_those_of_tonic(tmp_path):
    folder = heidelberg(tmp_path, "SHD", ["train"])
    ours = read_heidelberg_digits(folder)
    (folder / "SHD" / "shd_train.h5.zip").touch()  # without it tonic downloads
    theirs = tonic.datasets.SHD(str(folder), train=True)
    for at, (events, target) in enumerate(theirs):
        assert events["x"].tolist() == ours[at].data["x"].tolist()
        assert events["t"].tolist() == ours[at].data["t"].tolist()
        assert target == ours.labels[at]
        if at == len(theirs) - 1:
            break


def test_events_out_of_order_are_put_in_order(tmp_path):
    folder = heidelberg(tmp_path, "SHD", ["train"])
    with h5py.File(folder / "SHD" / "shd_train.h5", "a") as tree:
        tree["spikes/times"][1] = np.array([0.5, 0.25, 0.5], dtype=np.float16)
    heard = read_heidelberg_digits(folder)
    assert heard[1].data["t"].tolist() == [250_000, 500_000, 500_000]
    assert heard[1].data["x"].tolist() == [699, 0, 100]


def test_a_damaged_heidelberg_recording_is_named(tmp_path):
    folder = heidelberg(tmp_path, "SHD", ["train"])
    with h5py.File(folder / "SHD" / "shd_train.h5", "a") as tree:
        tree["spikes/units"][0] = np.array([0, 700, 1], dtype=np.uint16)
        tree["spikes/times"][1] = np.array([0.5], dtype=np.float16)
    heard = read_heidelberg_digits(folder)
    assert (heard.ids.tolist(), heard.labels.tolist()) == ([2], [0])
    assert heard.rejected[0].startswith("0: event 1: x = 700")
    assert heard.rejected[1] == "1: 3 addresses and 1 times"


@pytest.mark.parametrize("missing", ["spikes/times", "spikes/units", "labels"])
def test_a_heidelberg_file_without_a_part_is_an_error(tmp_path, missing):
    folder = heidelberg(tmp_path, "SHD", ["train"])
    with h5py.File(folder / "SHD" / "shd_train.h5", "a") as tree:
        del tree[missing]
    with pytest.raises(ValueError, match=r"shd_train\.h5: damaged"):
        read_heidelberg_digits(folder)


@pytest.mark.parametrize(
    ("read", "name"),
    [
        (read_n_tidigits, "n-tidigits18"),
        (read_heidelberg_digits, "shd"),
        (read_heidelberg_commands, "ssc"),
    ],
)
def test_an_absent_file_is_one_clear_line(tmp_path, read, name):
    with pytest.raises(FileNotFoundError, match=rf"fetch_neuromorphic_audio\('{name}'") as error:
        read(tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["n-tidigits18", "shd", "ssc"])
def test_a_download_without_internet_is_one_clear_line(tmp_path, monkeypatch, name):
    def offline(*_, **__):
        raise OSError("network is unreachable")

    for function in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, function, offline)
    with pytest.raises(ConnectionError, match=r"could not be downloaded.*unreachable") as error:
        fetch_neuromorphic_audio(name, tmp_path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


def test_a_file_that_is_there_is_not_downloaded(n_tidigits):
    file = n_tidigits / "NTIDIGITS18" / "n-tidigits.hdf5"
    before = file.read_bytes()
    assert fetch_neuromorphic_audio("n-tidigits18", n_tidigits) == file
    assert file.read_bytes() == before


def test_a_download_of_something_else_is_refused_and_deleted(tmp_path, monkeypatch):
    def download(save_to, **_):
        (tmp_path / "NTIDIGITS18").mkdir()
        (tmp_path / "NTIDIGITS18" / "n-tidigits.hdf5").write_text("a web page")

    monkeypatch.setattr(tonic.datasets, "NTIDIGITS18", download)
    with pytest.raises(ValueError, match="not N-TIDIGITS18 and was deleted"):
        fetch_neuromorphic_audio("n-tidigits18", tmp_path)
    assert not (tmp_path / "NTIDIGITS18" / "n-tidigits.hdf5").exists()


def test_words_that_are_no_choice_are_named(tmp_path):
    with pytest.raises(ValueError, match="split = 'valid': n-tidigits18 has train, test"):
        read_n_tidigits(tmp_path, "valid")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="split = 'all': ssc has train, valid, test"):
        read_heidelberg_commands(tmp_path, "all")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="labels = 'mine': must be 'paper' or 'tonic'"):
        read_n_tidigits(tmp_path, labels="mine")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="dataset = 'hsd': must be one of n-tidigits18, shd, ssc"):
        fetch_neuromorphic_audio("hsd", tmp_path)  # type: ignore[arg-type]


def test_without_tonic_the_error_says_what_to_install(n_tidigits, monkeypatch):
    monkeypatch.setitem(sys.modules, "tonic", None)
    monkeypatch.setitem(sys.modules, "tonic.datasets", None)
    with pytest.raises(ModuleNotFoundError, match=r"neuromem-snn\[data\]"):
        read_n_tidigits(n_tidigits)


def test_the_cards_hold_the_checksums_that_tonic_knows():
    md5 = {file.name: file.md5 for name in ("n-tidigits18", "shd", "ssc")
           for file in load_card(name).files}  # fmt: skip
    known = tonic.datasets
    assert md5 == {
        "n-tidigits.hdf5": known.NTIDIGITS18.file_md5,
        "shd_train.h5.zip": known.SHD.train_md5,
        "shd_test.h5.zip": known.SHD.test_md5,
        "ssc_train.h5.zip": known.SSC.train_md5,
        "ssc_valid.h5.zip": known.SSC.valid_md5,
        "ssc_test.h5.zip": known.SSC.test_md5,
    }

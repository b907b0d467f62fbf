import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.datasets import fetch_nmnist, mnist_index, read_nmnist, write_nmnist
from neuromem.events import Events, EventSet
from tests.recordings import NMNIST, needs

SIZE = (34, 34, 2)
#: x 33, y 1, ON, 300,123 us.
RECORD = bytes.fromhex("210184945b")


def make(folder: Path, name: str, data: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def events(n: int, rng: np.random.Generator) -> Events:
    return Events.of(
        rng.integers(0, 34, n), np.sort(rng.integers(0, 2**23, n)), SIZE,
        rng.integers(0, 34, n), rng.integers(0, 2, n),
    )  # fmt: skip


def test_a_record_is_read_bit_by_bit(tmp_path):
    make(tmp_path, "Train/7/00042.bin", RECORD)
    recordings = read_nmnist(tmp_path, classes=[7])
    assert recordings[0].data.tolist() == [(33, 1, 1, 300123)]
    assert recordings.labels.tolist() == [7]
    assert mnist_index(recordings.ids).tolist() == [41]


def test_an_overflow_mark_is_no_event_and_delays_what_follows(tmp_path):
    mark = bytes([0, 240, 0, 0, 0])
    make(tmp_path, "Test/0/00001.bin", RECORD + mark + RECORD + mark + mark + RECORD)
    recordings = read_nmnist(tmp_path, "test", classes=[0])
    assert recordings.t.tolist() == [300123, 300123 + 8192, 300123 + 3 * 8192]


def test_the_bytes_are_read_as_tonic_reads_them(tmp_path):
    tonic_io = pytest.importorskip("tonic.io")
    rng = np.random.default_rng(5)
    raw = np.frombuffer(_file(events(500, rng)), np.uint8).reshape(-1, 5).copy()
    raw[100, 1] = raw[300, 1] = 240
    make(tmp_path, "Train/3/00009.bin", raw.tobytes())
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    theirs = tonic_io.read_mnist_file(str(tmp_path / "Train/3/00009.bin"), dtype)
    ours = read_nmnist(tmp_path, classes=[3])[0].data
    for field in "xytp":
        assert np.array_equal(ours[field], theirs[field]), field


def _file(recording: Events) -> bytes:
    """Encode by the definition of the format, one event at a time."""
    return b"".join(
        bytes([int(x), int(y)]) + ((int(p) << 23) | int(t)).to_bytes(3, "big")
        for x, y, p, t in recording.data
    )


@given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.sampled_from(["train", "test"]))
def test_what_is_written_is_read_again(tmp_path_factory, seed, n, split):
    folder = tmp_path_factory.mktemp("nmnist")
    rng = np.random.default_rng(seed)
    written = EventSet.of(
        [events(n, rng) for _ in range(3)], [4, 4, 9], "made up", ids=[0, 59_999, 7]
    )
    assert write_nmnist(written, folder, split) == folder / split.capitalize()
    read = read_nmnist(folder, split, classes=[4, 9])
    assert read.name == "made up"
    assert mnist_index(read.ids).tolist() == written.ids.tolist()
    assert read.digest() == written.digest()
    one_file = folder / split.capitalize() / "9" / "00008.bin"
    assert one_file.read_bytes() == _file(written[2])


def test_a_set_that_was_read_keeps_its_names(tmp_path):
    make(tmp_path / "a", "Train/3/odd name.bin", RECORD)
    write_nmnist(read_nmnist(tmp_path / "a", classes=[3]), tmp_path / "b")
    assert read_nmnist(tmp_path / "b", classes=[3]).ids.tolist() == ["Train/3/odd name"]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty file"),
        (RECORD + RECORD[:3], "8 bytes, no multiple of 5"),
        (bytes([0, 240, 0, 0, 0]), "no event"),
        (RECORD + bytes([34, 0, 0x84, 0x94, 0x5B]), "event 1: x = 34"),
        (RECORD + bytes([0, 35, 0x84, 0x94, 0x5B]), "event 1: y = 35"),
        (RECORD + bytes([33, 1, 0x84, 0x94, 0x5A]), "event 1: t = 300122 us after 300123"),
    ],
)
def test_a_damaged_file_is_named_and_left_out(tmp_path, data, why):
    make(tmp_path, "Train/5/00001.bin", data)
    make(tmp_path, "Train/5/00002.bin", RECORD)
    recordings = read_nmnist(tmp_path, classes=[5])
    assert recordings.ids.tolist() == ["Train/5/00002"]
    (line,) = recordings.rejected
    assert line.startswith("Train/5/00001: ")
    assert why in line


def test_a_file_of_no_digit_is_named(tmp_path):
    make(tmp_path, "Train/5/00001.bin", RECORD)
    make(tmp_path, "Train/x/00002.bin", RECORD)
    (line,) = read_nmnist(tmp_path, classes=[5]).rejected
    assert line.startswith("Train/x/00002.bin: ")


def test_missing_digits_are_named_unless_others_are_asked_for(tmp_path):
    for digit in (0, 1, 2, 4, 5, 6, 8, 9):
        make(tmp_path, f"Test/{digit}/00001.bin", RECORD)
    with pytest.raises(ValueError, match="digits 3, 7 in split 'test'"):
        read_nmnist(tmp_path, "test")
    assert read_nmnist(tmp_path, "test", classes=(0, 9)).labels.tolist() == [0, 9]


def test_a_digit_with_damaged_files_only_is_missing(tmp_path):
    make(tmp_path, "Test/3/00001.bin", b"")
    with pytest.raises(ValueError, match=r"digits 3 .*1 rejected, first Test/3/00001: empty file"):
        read_nmnist(tmp_path, "test", classes=[3])


def test_wrong_paths_say_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file or folder"):
        read_nmnist(tmp_path / "none")
    with pytest.raises(ValueError, match="Train/<digit>/<id>"):
        read_nmnist(tmp_path)
    make(tmp_path, "Test/5/00001.bin", RECORD)
    with pytest.raises(ValueError, match="it holds the split 'test'"):
        read_nmnist(tmp_path, "train")
    with pytest.raises(ValueError, match="neither a folder nor a zip"):
        read_nmnist(tmp_path / "Test/5/00001.bin")
    with pytest.raises(ValueError, match="limit = 0"):
        read_nmnist(tmp_path, "test", limit=0)


def test_a_folder_of_digits_is_read_whatever_the_split(tmp_path):
    make(tmp_path, "Test/5/00001.bin", RECORD)
    for split in ("train", "test", "all"):
        assert read_nmnist(tmp_path / "Test", split, classes=[5]).ids.tolist() == ["5/00001"]


def test_an_archive_is_read_like_the_folder_it_was_made_from(tmp_path):
    rng = np.random.default_rng(3)
    for split in ("Train", "Test"):
        for number in range(3):
            make(tmp_path / "a", f"{split}/2/{number:05d}.bin", _file(events(50, rng)))
    make(tmp_path / "a", "Train/2/._00000.bin", b"made by macOS")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in (tmp_path / "a").rglob("*.bin"):
            archive.write(file, Path("inside") / file.relative_to(tmp_path / "a"))
    for split, n in (("train", 3), ("test", 3), ("all", 6)):
        folder = read_nmnist(tmp_path / "a", split, classes=[2])
        archive = read_nmnist(tmp_path / "a.zip", split, classes=[2])
        assert len(folder) == n
        assert folder.digest() == archive.digest()
        assert folder.ids.tolist() == archive.ids.tolist()
        assert archive.rejected == ()


def test_a_damaged_archive_member_is_named(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("Train/2/00001.bin", RECORD)
        archive.writestr("Train/2/00002.bin", bytes(reversed(RECORD)))
    data = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(data.replace(bytes(reversed(RECORD)), RECORD))
    recordings = read_nmnist(tmp_path / "a.zip", classes=[2])
    assert recordings.ids.tolist() == ["Train/2/00001"]
    assert recordings.rejected[0].startswith("Train/2/00002: ")


def test_what_the_format_cannot_hold_is_not_written(tmp_path):
    rng = np.random.default_rng(1)
    late = Events.of(np.array([1]), np.array([2**23]), SIZE)
    for recordings, why in (
        (EventSet.of([late], [1]), "recording 0: t = 8388608 us"),
        (EventSet.of([events(0, rng)], [1]), "no event"),
        (EventSet.of([events(3, rng)], [10]), "label 10"),
        (EventSet.of([events(3, rng)] * 2, [1, 1], ids=[5, 5]), "twice"),
        (EventSet.of([Events.of(np.array([40]), np.array([0]), (64, 1, 1))], [1]), "sensor size"),
    ):
        with pytest.raises(ValueError, match=why):
            write_nmnist(recordings, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_internet_the_download_says_so_in_one_line(tmp_path, monkeypatch):
    pytest.importorskip("tonic")
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(ConnectionError, match="could not be downloaded") as caught:
        fetch_nmnist(tmp_path)
    assert "\n" not in str(caught.value)


@needs(NMNIST)
def test_the_real_recordings_are_all_read():
    recordings = read_nmnist(NMNIST, "all").check()
    assert len(recordings) == 772
    assert recordings.rejected == ()
    assert recordings.name == "real N-MNIST"
    assert len(read_nmnist(NMNIST, "test")) == 73
    few = read_nmnist(NMNIST, "train", limit=2)
    assert np.bincount(few.labels).tolist() == [2] * 10


@needs(NMNIST)
def test_the_real_recordings_are_read_as_tonic_reads_them():
    tonic_io = pytest.importorskip("tonic.io")
    recordings = read_nmnist(NMNIST, "test", limit=1)
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    with zipfile.ZipFile(NMNIST) as archive:
        for recording, name in zip(recordings, recordings.ids, strict=True):
            with archive.open(f"{name}.bin") as stream:
                theirs = tonic_io.read_mnist_file(stream, dtype, is_stream=True)
            assert all(np.array_equal(recording.data[f], theirs[f]) for f in "xytp")

"""N-MNIST: handwritten digits filmed by an event camera, in the layout of the official archives."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from neuromem.events import Events, EventSet, SensorSize, check_events

#: Width, height and polarities of the filmed field.
SENSOR_SIZE: SensorSize = (34, 34, 2)
#: Bytes of an event: x, y, polarity and the high bits of the time, two more bytes of time.
RECORD_BYTES = 5
#: A record with this y is no event: the clock ran over, and all later times are so much later.
OVERFLOW_Y = 240
OVERFLOW_US = 2**13
#: First time that 23 bits cannot hold (µs).
END_US = 2**23
#: Where :func:`write_nmnist` keeps the name of a set, beside the folders of the digits.
NAME_FILE = "name.txt"

Split = Literal["train", "test", "all"]


def read_nmnist(
    path: str | os.PathLike[str],
    split: Split = "train",
    *,
    classes: Iterable[int] = range(10),
    limit: int | None = None,
) -> EventSet:
    """Read N-MNIST recordings from their folder or from a zip archive of it.

    The layout is ``Train|Test/<digit>/<id>.bin``; a folder or archive that holds ``<digit>/<id>``
    at once is read whatever split is asked for. A file that is damaged is left out and named in
    ``rejected``; one that was cut between two events cannot be told from a short recording.

    Parameters
    ----------
    path
        Folder or zip archive; an archive is read in place.
    split
        ``"train"``, ``"test"``, or ``"all"`` for both.
    classes
        Digits to read. Each must be there.
    limit
        How many recordings of each digit to read at most, in the order of their names.

    Returns
    -------
    EventSet
        Sorted by digit, then by id. The ids are paths such as ``"Train/5/00001"``, of which
        :func:`mnist_index` makes the number of the image. Its name is "real N-MNIST", unless
        :func:`write_nmnist` kept another one there.

    Raises
    ------
    FileNotFoundError
        When there is no such file or folder.
    ValueError
        When it is neither folder nor archive, holds no recording of the split, or lacks a digit.

    Notes
    -----
    Orchard, Jayawant, Cohen and Thakor, Frontiers in Neuroscience 9:437 (2015),
    doi 10.3389/fnins.2015.00437.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"limit = {limit}: must be at least 1, or None for all")
    wanted = sorted({int(digit) for digit in classes})
    columns: list[tuple[np.ndarray, ...]] = []
    labels: list[int] = []
    ids: list[str] = []
    rejected: list[str] = []
    with _opened(Path(path)) as (names, read):
        found, strangers = _of_split(path, names, split)
        rejected += strangers
        for digit in wanted:
            files = sorted((name for name in found if int(name.parent.name) == digit), key=_order)
            for name in files[:limit]:
                try:
                    columns.append(_columns(read(str(name))))
                except (ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
                    rejected.append(f"{_id(name)}: {error}")
                    continue
                labels.append(digit)
                ids.append(_id(name))
        missing = sorted(set(wanted) - set(labels))
        if missing:
            why = f" ({len(rejected)} rejected, first {rejected[0]})" if rejected else ""
            raise ValueError(
                f"{path}: no recording of the digits {', '.join(map(str, missing))} in split "
                f"{split!r}{why}; name those you want with classes="
            )
        title = _title(found, read)
    offsets = np.concatenate(([0], np.cumsum([len(c[0]) for c in columns])))
    x, y, p, t = (np.concatenate(parts) for parts in zip(*columns, strict=True))
    return EventSet(
        x, y, p, t, offsets, np.array(labels), SENSOR_SIZE, title, np.array(ids), tuple(rejected)
    )


def mnist_index(ids: Iterable[str]) -> np.ndarray:
    """Return the number, from 0, of the MNIST image that each recording shows.

    >>> mnist_index(["Train/5/00001", "Train/4/00003"]).tolist()
    [0, 2]
    """
    return np.array([int(str(name).rpartition("/")[2]) - 1 for name in ids], dtype=np.int64)


def write_nmnist(
    recordings: EventSet, folder: str | os.PathLike[str], split: Literal["train", "test"] = "train"
) -> Path:
    """Write recordings in the official layout, for programs that read N-MNIST.

    A recording whose id is the number k of an image becomes ``<digit>/<k + 1>.bin``; one whose id
    is a path keeps the path's last part. The name of the set is kept, so that simulated recordings
    are not taken for real ones when they are read again.

    Returns
    -------
    Path
        The folder of the split.

    Raises
    ------
    ValueError
        When the sensor is larger than 34 x 34, a label is no digit, two recordings have the same
        id, or a recording has no event or one at 8.388608 s or later; nothing is then written.
    """
    if any(n > m for n, m in zip(recordings.sensor_size, SENSOR_SIZE, strict=True)):
        raise ValueError(f"sensor size {recordings.sensor_size}: N-MNIST has at most {SENSOR_SIZE}")
    root = Path(folder) / split.capitalize()
    files: dict[Path, bytes] = {}
    for recording, label, name in zip(recordings, recordings.labels, recordings.ids, strict=True):
        if not 0 <= label <= 9:
            raise ValueError(f"recording {name}: label {label}, must be a digit")
        number = isinstance(name, int | np.integer)
        stem = f"{int(name) + 1:05d}" if number else str(name).rpartition("/")[2]
        target = root / str(int(label)) / f"{stem}.bin"
        if target in files:
            raise ValueError(f"recording {name}: its id occurs twice among the {label}s")
        try:
            files[target] = _encode(recording)
        except ValueError as error:
            raise ValueError(f"recording {name}: {error}") from None
    for target, data in files.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    if files:
        (root / NAME_FILE).write_text(recordings.name + "\n", encoding="utf-8")
    return root


def fetch_nmnist(folder: str | os.PathLike[str], split: Literal["train", "test"] = "test") -> Path:
    """Download N-MNIST with tonic, unless it is there, and return the folder to read.

    Raises
    ------
    ModuleNotFoundError
        When tonic is not installed.
    ConnectionError
        When the archive cannot be had.
    """
    try:
        from tonic.datasets import NMNIST
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "the download of N-MNIST needs tonic: pip install 'neuromem-snn[data]'"
        ) from None
    try:
        return Path(NMNIST(save_to=os.fspath(folder), train=split == "train").location_on_system)
    except (OSError, RuntimeError) as error:
        raise ConnectionError(
            f"N-MNIST could not be downloaded ({error}): connect to the internet, or put the "
            f"official {split.capitalize()}.zip in a folder and give its path to read_nmnist"
        ) from None


Reader = Callable[[str], bytes]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[list[PurePosixPath], Reader]]:
    """Give the names of all files, relative and with slashes, and a function that reads one."""
    if path.is_dir():
        names = (file.relative_to(path).as_posix() for file in path.rglob("*.bin"))
        yield [PurePosixPath(name) for name in names], lambda name: (path / name).read_bytes()
    elif not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    elif not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: neither a folder nor a zip archive")
    else:
        with zipfile.ZipFile(path) as archive:
            names = (name for name in archive.namelist() if name.endswith(".bin"))
            yield [PurePosixPath(name) for name in names], archive.read


def _of_split(
    path: str | os.PathLike[str], names: list[PurePosixPath], split: Split
) -> tuple[list[PurePosixPath], list[str]]:
    """Return the files of a split, and a line about each that belongs to no digit."""
    visible = [name for name in names if not name.name.startswith(".")]
    digits = [name for name in visible if name.parent.name in "0123456789" and name.parent.name]
    strangers = sorted(f"{name}: not in the folder of a digit" for name in set(visible) - {*digits})
    folders = {name: _folder(name) for name in digits}
    splits = set(folders.values()) - {""}
    if splits and split != "all":
        digits = [name for name in digits if folders[name] == split]
    if not digits:
        hint = f"; it holds the split {splits.pop()!r}" if len(splits) == 1 else ""
        raise ValueError(
            f"{path}: no recordings of the split {split!r}, which would be "
            f"{'Train' if split == 'all' else split.capitalize()}/<digit>/<id>.bin{hint}"
        )
    return digits, strangers


def _folder(name: PurePosixPath) -> str:
    """Return "train", "test", or "" for a file that lies in neither."""
    folder = name.parent.parent.name.lower()
    return folder if folder in ("train", "test") else ""


def _order(name: PurePosixPath) -> tuple[str, str]:
    return name.stem, str(name)


def _id(name: PurePosixPath) -> str:
    return "/".join(name.with_suffix("").parts[-3 if _folder(name) else -2 :])


def _title(names: list[PurePosixPath], read: Reader) -> str:
    """Return the name that a set was written with."""
    try:
        text = read(str(names[0].parent.parent / NAME_FILE)).decode("utf-8")
    except (OSError, KeyError):
        return "real N-MNIST"
    return text.strip()


def _columns(data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decode a file into the columns x, y, p, t."""
    if not data:
        raise ValueError("empty file")
    if len(data) % RECORD_BYTES:
        raise ValueError(f"{len(data)} bytes, no multiple of {RECORD_BYTES}: cut short?")
    record = np.frombuffer(data, np.uint8).reshape(-1, RECORD_BYTES)
    x, y = record[:, 0].astype(np.int16), record[:, 1].astype(np.int16)
    p = (record[:, 2] >> 7).astype(np.int8)
    high, middle, low = (record[:, 2] & 0x7F), record[:, 3], record[:, 4]
    t = (high.astype(np.int64) << 16) | (middle.astype(np.int64) << 8) | low
    overflow = y == OVERFLOW_Y
    if overflow.any():
        t += OVERFLOW_US * np.cumsum(overflow)
        x, y, p, t = x[~overflow], y[~overflow], p[~overflow], t[~overflow]
        if not len(t):
            raise ValueError("no event in it")
    check_events(x, y, p, t, SENSOR_SIZE)
    return x, y, p, t.astype(np.int32)


def _encode(recording: Events) -> bytes:
    """Encode a recording; the inverse of :func:`_columns`."""
    data = recording.data
    if not len(data):
        raise ValueError("no event in it: readers take its file for a damaged one")
    if data["t"][-1] >= END_US:
        raise ValueError(f"t = {data['t'][-1]} us: the format holds times below {END_US} us")
    record = np.empty((len(data), RECORD_BYTES), np.uint8)
    time = data["t"].astype(np.uint32)
    record[:, 0], record[:, 1] = data["x"], data["y"]
    record[:, 2] = (data["p"].astype(np.uint32) << 7) | (time >> 16)
    record[:, 3], record[:, 4] = (time >> 8) & 0xFF, time & 0xFF
    return record.tobytes()

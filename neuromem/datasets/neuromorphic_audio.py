"""Recordings and simulations of cochleas: N-TIDIGITS18, Spiking Heidelberg Digits and Commands.

The files lie where tonic puts them: ``FOLDER/NTIDIGITS18/n-tidigits.hdf5``,
``FOLDER/SHD/shd_train.h5``, ``FOLDER/SSC/ssc_train.h5``; :func:`fetch_neuromorphic_audio` has
tonic download them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from neuromem.datasets.cards import load_card
from neuromem.events import Events, EventSet, SensorSize

N_TIDIGITS_SENSOR: SensorSize = (64, 1, 1)
HEIDELBERG_SENSOR: SensorSize = (700, 1, 1)

_NINE = {str(digit): digit for digit in range(1, 10)}
#: Class of each word of N-TIDIGITS18: "z" is zero, "o" is oh. The paper (Anumula et al. 2018, doi
#: 10.3389/fnins.2018.00023) and tonic number these two the other way round.
N_TIDIGITS_CLASSES = {"paper": {"z": 0, **_NINE, "o": 10}, "tonic": {"o": 0, **_NINE, "z": 10}}

Dataset = Literal["n-tidigits18", "shd", "ssc"]


def fetch_neuromorphic_audio(
    dataset: Dataset, folder: str | os.PathLike[str], split: str = "train"
) -> Path:
    """Download a data set with tonic, unless it is there, and return its file.

    Parameters
    ----------
    dataset
        "n-tidigits18", whose one file has both splits, "shd" or "ssc".
    folder
        Where to put it; the folder that the readers are given.
    split
        "train" or "test"; "ssc" also has "valid".

    Raises
    ------
    ValueError
        For an unknown data set or split, or when what was downloaded is something else.
    ModuleNotFoundError
        When tonic is not installed.
    ConnectionError
        When it cannot be had.
    """
    file = _file(dataset, folder, split)
    if file.exists():
        return file
    arguments = {"split": split} if dataset == "ssc" else {"train": split == "train"}
    try:
        getattr(_tonic(), file.parent.name)(save_to=os.fspath(folder), **arguments)
    except (OSError, RuntimeError) as error:
        file.unlink(missing_ok=True)
        raise ConnectionError(
            f"{file} could not be downloaded ({_reason(_root(error))}): connect to the internet, "
            f"or put the file there; its publisher's page is {load_card(dataset).source}"
        ) from None
    if dataset == "n-tidigits18" and not load_card(dataset).files[0].matches(file):
        file.unlink()  # tonic checks only the others
        raise ValueError(f"{file}: what was downloaded is not N-TIDIGITS18 and was deleted")
    return file


def read_n_tidigits(
    folder: str | os.PathLike[str],
    split: Literal["train", "test"] = "train",
    labels: Literal["paper", "tonic"] = "paper",
) -> EventSet:
    """Return the single digits of N-TIDIGITS18, through ``tonic.datasets.NTIDIGITS18``.

    Parameters
    ----------
    folder
        Where ``NTIDIGITS18/n-tidigits.hdf5`` is.
    split
        The official training or test recordings.
    labels
        Numbers of the classes: "paper" has z 0, 1..9 and o 10, "tonic" has o 0, 1..9 and z 10.

    Returns
    -------
    EventSet
        One ear of 64 channels, its names in the file as ids. Recordings that are missing or
        damaged are left out and named in ``rejected``.

    Raises
    ------
    FileNotFoundError
        When the file is not there.
    ValueError
        When it is not N-TIDIGITS18 or is damaged.
    ModuleNotFoundError
        When tonic is not installed.
    """
    if labels not in N_TIDIGITS_CLASSES:
        raise ValueError(f"labels = {labels!r}: must be 'paper' or 'tonic'")
    classes = N_TIDIGITS_CLASSES[labels]
    file = _present("n-tidigits18", folder, split)
    recordings: list[Events] = []
    found: list[int] = []
    ids: list[str] = []
    rejected: list[str] = []
    try:
        digits = _tonic().NTIDIGITS18(
            save_to=os.fspath(folder), train=split == "train", single_digits=True
        )
        names = digits.data[f"{split}_labels"][()]
    except (KeyError, OSError) as error:
        raise _damaged(file, error) from None
    with digits.data:
        # tonic's own ``labels`` covers the sequences too; its indices of single digits do not.
        for at, index in enumerate(digits.single_indices):
            name = names[index].decode()
            try:
                events, _ = digits[at]
                recordings.append(_events(events["x"], events["t"], N_TIDIGITS_SENSOR))
            except (KeyError, OSError, ValueError) as error:
                rejected.append(f"{name}: {_reason(error)}")
            else:
                found.append(classes[name[-1]])
                ids.append(name)
    return _packed(file, recordings, found, ids, f"N-TIDIGITS18 {split}", rejected)


def read_heidelberg_digits(
    folder: str | os.PathLike[str],
    split: Literal["train", "test"] = "train",
    which: slice | Sequence[int] = slice(None),
) -> EventSet:
    """Return the Spiking Heidelberg Digits (SHD), ``FOLDER/SHD/shd_<split>.h5``.

    Parameters
    ----------
    folder
        Where ``SHD/shd_train.h5`` and ``SHD/shd_test.h5`` are.
    split
        The official training or test recordings.
    which
        The recordings to read, by their numbers; the numbers are the ids.

    Returns
    -------
    EventSet
        700 channels; classes 0..9 are the English, 10..19 the German digits. Recordings that are
        damaged are left out and named in ``rejected``.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`read_n_tidigits`.
    """
    return _read_heidelberg(_present("shd", folder, split), which, f"SHD {split}")


def read_heidelberg_commands(
    folder: str | os.PathLike[str],
    split: Literal["train", "valid", "test"] = "train",
    which: slice | Sequence[int] = slice(None),
) -> EventSet:
    """Return the Spiking Speech Commands (SSC), ``FOLDER/SSC/ssc_<split>.h5``, 35 classes.

    Parameters, errors and the rest as :func:`read_heidelberg_digits`; the training file holds
    75,466 recordings and does not fit everyone's memory: choose with ``which``.
    """
    return _read_heidelberg(_present("ssc", folder, split), which, f"SSC {split}")


def _read_heidelberg(file: Path, which: slice | Sequence[int], name: str) -> EventSet:
    # Not through tonic: it wants the zip file beside the unpacked one, and opens the file anew for
    # each recording.
    import h5py

    recordings: list[Events] = []
    ids: list[int] = []
    rejected: list[str] = []
    try:
        with h5py.File(file, "r") as opened:
            tree: Any = opened
            times, units, labels = tree["spikes/times"], tree["spikes/units"], tree["labels"][()]
            for index in np.arange(len(labels))[which].tolist():
                try:
                    t_us = np.asarray(times[index], dtype=np.float64) * 1e6
                    recordings.append(_events(units[index], t_us, HEIDELBERG_SENSOR))
                except (IndexError, OSError, ValueError) as error:
                    rejected.append(f"{index}: {_reason(error)}")
                else:
                    ids.append(index)
    except (KeyError, OSError, TypeError) as error:
        raise _damaged(file, error) from None
    except IndexError as error:
        raise ValueError(f"which = {which}: {error}") from None
    return _packed(file, recordings, labels[ids].astype(np.int64), ids, name, rejected)


def _events(channel: np.ndarray, t_us: np.ndarray, sensor: SensorSize) -> Events:
    """Return events in order of time, t rounded to whole microseconds."""
    if len(channel) != len(t_us):
        raise ValueError(f"{len(channel)} addresses and {len(t_us)} times")
    if not np.all(np.isfinite(t_us)):
        raise ValueError("a time is not finite")
    t = np.rint(t_us).astype(np.int64)
    order = np.argsort(t, kind="stable")
    return Events.of(np.asarray(channel).astype(np.int64)[order], t[order], sensor)


def _packed(
    file: Path, recordings: list[Events], labels: Any, ids: list, name: str, rejected: list[str]
) -> EventSet:
    if not recordings:
        why = f"; the first of {len(rejected)}: {rejected[0]}" if rejected else ""
        raise ValueError(f"{file}: no recording of {name} that can be read{why}")
    return EventSet.of(recordings, labels, name, ids, rejected)


def _file(dataset: str, folder: str | os.PathLike[str], split: str) -> Path:
    """Return where tonic keeps a split."""
    names = {"n-tidigits18": "NTIDIGITS18/n-tidigits.hdf5"}
    names |= {name: f"{name.upper()}/{name}_{split}.h5" for name in ("shd", "ssc")}
    if dataset not in names:
        raise ValueError(f"dataset = {dataset!r}: must be one of {', '.join(names)}")
    splits = ("train", "valid", "test") if dataset == "ssc" else ("train", "test")
    if split not in splits:
        raise ValueError(f"split = {split!r}: {dataset} has {', '.join(splits)}")
    return Path(folder) / names[dataset]


def _present(dataset: str, folder: str | os.PathLike[str], split: str) -> Path:
    file = _file(dataset, folder, split)
    if not file.exists():
        raise FileNotFoundError(
            f"{file}: no such file; put it there, or have tonic download it with "
            f"fetch_neuromorphic_audio({dataset!r}, {os.fspath(folder)!r}, {split!r})"
        )
    return file


def _tonic() -> Any:
    try:
        import tonic.datasets
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "N-TIDIGITS18, and the download of SHD and SSC, needs tonic: "
            "pip install 'neuromem-snn[data]'"
        ) from None
    return tonic.datasets


def _damaged(file: Path, error: Exception) -> ValueError:
    return ValueError(f"{file}: damaged, or another kind of file: {_reason(error)}")


def _root(error: BaseException) -> BaseException:
    """Return the error that another one is due to: libraries of downloads wrap theirs in URLs."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _reason(error: BaseException) -> str:
    """Return what an error says, in one line."""
    return " ".join(str(error).strip("'\"").split())

"""Wav files of spoken digits (Free Spoken Digit Dataset), and what a cochlea hears in them."""

from __future__ import annotations

import io
import os
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from neuromem.events.cochlea import Cochlea
from neuromem.events.eventset import EventSet

#: ``<digit>_<speaker>_<index>.wav``
FILE_NAME = re.compile(r"([0-9])_(.+)_([0-9]+)\.wav", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class SpokenDigits:
    """Spoken digits as waveforms, ordered by digit, speaker and index.

    Parameters
    ----------
    clips
        A waveform per recording, int16, mono.
    labels
        Digit of each recording, 0..9, shape (n,).
    speakers
        Name of each recording's speaker, shape (n,).
    ids
        File name of each recording without ".wav", shape (n,).
    rate_hz
        Samples a second, the same for all.
    rejected
        Files that were not taken, as texts "name: why".
    name
        What they are, in tables.
    """

    clips: tuple[np.ndarray, ...]
    labels: np.ndarray
    speakers: np.ndarray
    ids: np.ndarray
    rate_hz: int
    rejected: tuple[str, ...] = ()
    name: str = "spoken digits"

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self.clips)


def read_wav(file: str | os.PathLike[str] | io.BytesIO) -> tuple[np.ndarray, int]:
    """Read a mono 16-bit wav file: the waveform, int16, shape (n,), and its samples a second.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no wav file, is cut short or empty, or is not mono with 16 bits.
    """
    from scipy.io import wavfile

    if not isinstance(file, io.BytesIO):
        file = os.fspath(file)
    with warnings.catch_warnings():
        # What a file holds besides sound does no harm; a file cut short does.
        warnings.simplefilter("error", wavfile.WavFileWarning)
        warnings.filterwarnings("ignore", "Chunk .* not understood", wavfile.WavFileWarning)
        try:
            rate_hz, samples = wavfile.read(file)
        except FileNotFoundError:
            raise FileNotFoundError(f"{file}: no such file") from None
        except Exception as error:  # scipy raises whatever the damage leads to
            raise ValueError(f"not a readable wav file: {error}") from None
    audio = np.asarray(samples)
    if audio.ndim != 1:
        raise ValueError(
            f"{audio.shape[1]} channels: mix them to one (sox IN OUT remix -) or pick one (remix 1)"
        )
    if audio.dtype != np.int16:
        raise ValueError(f"samples of {audio.dtype}: convert to 16 bit (sox IN -b 16 OUT)")
    if not audio.size:
        raise ValueError("no samples")
    return audio, int(rate_hz)


def read_spoken_digits(path: str | os.PathLike[str]) -> SpokenDigits:
    """Read the recordings ``<digit>_<speaker>_<index>.wav`` of a folder or zip file.

    Files that cannot be read or are named otherwise are left out and named in ``rejected``. Any
    speakers will do, also a single one.

    Raises
    ------
    FileNotFoundError
        When there is no such folder or file.
    ValueError
        When it is no zip file, holds no recording that can be read, or recordings of several
        sampling rates.
    """
    path = Path(path)
    found: list[tuple[tuple[int, str, int], str, np.ndarray, int]] = []
    rejected: list[str] = []
    for name, read in _wav_files(path):
        match = FILE_NAME.fullmatch(name)
        try:
            if match is None:
                raise ValueError("not named <digit>_<speaker>_<index>.wav")
            audio, rate_hz = read_wav(io.BytesIO(read()))
        except (ValueError, OSError, zipfile.BadZipFile, zlib.error) as error:
            rejected.append(f"{name}: {error}")
        else:
            key = (int(match[1]), match[2], int(match[3]))
            found.append((key, name[: -len(".wav")], audio, rate_hz))
    if not found:
        why = f"; the first of {len(rejected)}: {rejected[0]}" if rejected else ""
        raise ValueError(f"{path}: no recording <digit>_<speaker>_<index>.wav{why}")
    found.sort(key=lambda item: item[0])
    rates = Counter(item[3] for item in found).most_common()
    rate_hz = rates[0][0]
    if len(rates) > 1:
        stray = next(name for _, name, _, rate in found if rate != rate_hz)
        counts = ", ".join(f"{count} of {rate} Hz" for rate, count in rates)
        raise ValueError(
            f"{path}: recordings of several sampling rates ({counts}; {stray}.wav is one of the "
            "fewer): resample them to one (sox IN -r RATE OUT)"
        )
    return SpokenDigits(
        clips=tuple(audio for _, _, audio, _ in found),
        labels=np.array([key[0] for key, *_ in found]),
        speakers=np.array([key[1] for key, *_ in found]),
        ids=np.array([name for _, name, *_ in found]),
        rate_hz=rate_hz,
        rejected=tuple(rejected),
    )


def spoken_events(
    source: str | os.PathLike[str] | SpokenDigits, cochlea: Cochlea | None = None
) -> tuple[EventSet, np.ndarray]:
    """Return what a cochlea hears in spoken digits, and the speakers.

    Parameters
    ----------
    source
        The digits, or a folder or zip file for :func:`read_spoken_digits`, whose errors it raises.
    cochlea
        The cochlea; with its defaults where None.

    Returns
    -------
    EventSet, np.ndarray
        The recordings as events, with the file names as ids, and the name of each one's speaker.
    """
    digits = source if isinstance(source, SpokenDigits) else read_spoken_digits(source)
    heard = (cochlea or Cochlea()).hear_all(
        digits.clips, digits.rate_hz, digits.labels, digits.ids, digits.name
    )
    return replace(heard, rejected=digits.rejected), digits.speakers


def leave_one_speaker_out(
    speakers: np.ndarray,
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield, for each speaker in alphabetical order, the name and the train and test indices.

    Raises
    ------
    ValueError
        When there are fewer than two speakers.
    """
    speakers = np.asarray(speakers)
    names = np.unique(speakers)
    if len(names) < 2:
        raise ValueError(f"{len(names)} speaker(s): at least 2 are needed to leave one out")
    for name in names:
        yield str(name), np.flatnonzero(speakers != name), np.flatnonzero(speakers == name)


def _wav_files(path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield name and reader of each wav file, but not of the sidecars that macOS leaves."""
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if _is_wav(file.name) and file.is_file():
                yield file.name, file.read_bytes
    elif not path.exists():
        raise FileNotFoundError(
            f"{path}: no such folder or zip file; obtain the recordings with git clone "
            "https://github.com/Jakobovski/free-spoken-digit-dataset"
        )
    elif not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: not a zip file, or a damaged one: give a folder or zip file")
    else:
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                name = member.rsplit("/", 1)[-1]
                if _is_wav(name):
                    yield name, partial(archive.read, member)


def _is_wav(name: str) -> bool:
    return name.lower().endswith(".wav") and not name.startswith("._")

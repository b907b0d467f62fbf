"""Recordings of the Neuromorphic Auditory Sensor, an FPGA cochlea, in AEDAT files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from neuromem.events import Events, SensorSize
from neuromem.network import Spec

#: The first bytes of files that jAER writes; lines that begin with # follow it.
HEADER = b"#!AER-DAT"


class AuditoryAedat(Spec, frozen=True, kw_only=True):
    r"""How a recording is written: an AEDAT file does not say.

    An event is a big-endian address and a big-endian time of 4 bytes. The address is

    .. math:: \mathrm{address} = 2 (C \cdot \mathrm{ear} + \mathrm{channel}) + \mathrm{off}

    with C channels an ear, 0 for the left or only ear and 1 for the right one, and off 0 for ON and
    1 for OFF events.

    Parameters
    ----------
    channels
        Channels of an ear; channel 0 has the highest frequency.
    stereo
        Whether there are two ears.
    address_bytes
        4 in files that jAER recorded, 2 in those of a USBAERmini2 board.
    tick_us
        Unit of the times: 1 µs with jAER, 0.2 µs with USBAERmini2.

    Raises
    ------
    ValueError
        For a parameter out of its bounds.

    Notes
    -----
    As the sensor's own software, pyNAVIS, reads it (github.com/jpdominguez/pyNAVIS: loadAEDAT,
    MainSettings, phase_lock and stereo_to_mono); the order of the frequencies is from the wiki of
    its forerunner NAVIS-Tool, page Cochleogram.
    """

    channels: Annotated[int, Meta(ge=1, le=16384)] = 64
    stereo: bool = False
    address_bytes: Literal[2, 4] = 4
    tick_us: Annotated[float, Meta(gt=0)] = 1.0

    @property
    def sensor_size(self) -> SensorSize:
        """Channels, ears and polarities."""
        return self.channels, 2 if self.stereo else 1, 2


def read_auditory_aedat(path: str | os.PathLike[str], layout: AuditoryAedat) -> Events:
    """Read a recording: x is the channel, y the ear (0 left, 1 right), p is 1 for ON.

    Times are counted from the first event, in whole microseconds.

    Parameters
    ----------
    path
        The file, with or without jAER's header.
    layout
        What the file does not say.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is empty, cut short, of AEDAT version 3 or 4, or does not fit the layout: an address
        that the sensor does not have, or times that go back.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    data = _without_header(path, path.read_bytes())
    size = layout.address_bytes + 4
    if not data:
        raise ValueError(f"{path}: no event in it")
    if len(data) % size:
        raise ValueError(
            f"{path}: {len(data)} bytes of events, no multiple of {size}: cut short, or the "
            f"addresses do not have {layout.address_bytes} bytes"
        )
    record = np.dtype([("address", f">u{layout.address_bytes}"), ("ticks", ">u4")])
    events = np.frombuffer(data, record)
    address, ticks = events["address"].astype(np.int64), events["ticks"].astype(np.int64)
    width, ears, polarities = layout.sensor_size
    wrong = np.flatnonzero(address >= width * ears * polarities)
    if wrong.size:
        raise ValueError(
            f"{path}: event {wrong[0]}: address {address[wrong[0]]}, must be in "
            f"0..{width * ears * polarities - 1} ({wrong.size} such of {len(address)}): other "
            "channels, stereo or address_bytes, or a damaged recording?"
        )
    t = np.rint((ticks - ticks[0]) * layout.tick_us).astype(np.int64)
    ear, channel = np.divmod(address // 2, width)
    try:
        return Events.of(channel, t, layout.sensor_size, y=ear, p=1 - address % 2)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; other address_bytes, or damaged?") from None


def _without_header(path: Path, data: bytes) -> bytes:
    """Return what follows the lines of jAER's header."""
    if not data.startswith(HEADER):
        return data
    version = data[len(HEADER) : len(HEADER) + 1]
    if version not in (b"1", b"2"):
        raise ValueError(
            f"{path}: an AEDAT file of version {version.decode('ascii', 'replace')}: only versions "
            "1 and 2 hold addresses and times alone; convert it with jAER"
        )
    while data.startswith(b"#"):
        data = data.partition(b"\n")[2]
    return data

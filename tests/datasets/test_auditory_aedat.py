"""AEDAT recordings of the Neuromorphic Auditory Sensor, written here and real ones."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from neuromem.datasets import AuditoryAedat, load_card, read_auditory_aedat
from tests.recordings import EVENT_SAMPLES, needs

STEREO = AuditoryAedat(channels=64, stereo=True)
MONO = AuditoryAedat(channels=32, address_bytes=2, tick_us=0.2)


def written(path: Path, events, address_bytes=4, header=b"") -> Path:
    code = ">II" if address_bytes == 4 else ">HI"
    path.write_bytes(header + b"".join(struct.pack(code, *event) for event in events))
    return path


def test_addresses_are_channel_ear_and_polarity(tmp_path):
    # left ON 0, left OFF 0, left ON 63, right ON 0, right OFF 63
    path = written(tmp_path / "a.aedat", [(0, 7), (1, 7), (126, 9), (128, 10), (255, 1007)])
    events = read_auditory_aedat(path, STEREO)
    assert events.sensor_size == (64, 2, 2)
    assert events.data["x"].tolist() == [0, 0, 63, 0, 63]
    assert events.data["y"].tolist() == [0, 0, 0, 1, 1]
    assert events.data["p"].tolist() == [1, 0, 1, 1, 0]
    assert events.data["t"].tolist() == [0, 0, 2, 3, 1000]


def test_short_addresses_and_ticks_of_a_fifth_of_a_microsecond(tmp_path):
    path = written(tmp_path / "a.aedat", [(63, 573010), (2, 573012), (3, 573025)], 2)
    events = read_auditory_aedat(path, MONO)
    assert events.sensor_size == (32, 1, 2)
    assert events.data["x"].tolist() == [31, 1, 1]
    assert events.data["p"].tolist() == [0, 1, 0]
    assert events.data["t"].tolist() == [0, 0, 3]


def test_a_header_of_jaer_is_skipped(tmp_path):
    header = b"#!AER-DAT2.0\r\n# a comment\r\n#End Of ASCII Header\r\n"
    path = written(tmp_path / "a.aedat", [(0, 1), (2, 5)], header=header)
    assert read_auditory_aedat(path, STEREO).data["t"].tolist() == [0, 4]


@pytest.mark.parametrize(
    ("content", "layout", "message"),
    [
        (b"", STEREO, "no event in it"),
        (b"#!AER-DAT2.0\r\n", STEREO, "no event in it"),
        (bytes(15), STEREO, "15 bytes of events, no multiple of 8: cut short"),
        (bytes(8), MONO, "8 bytes of events, no multiple of 6"),
        (b"#!AER-DAT3.1\r\n#End", STEREO, "AEDAT file of version 3"),
        (
            struct.pack(">IIII", 255, 0, 256, 1),
            STEREO,
            r"event 1: address 256, must be in 0\.\.255",
        ),
        (struct.pack(">II", 64, 0), AuditoryAedat(channels=32), r"\(1 such of 1\): other channels"),
        (struct.pack(">IIII", 0, 5, 0, 4), STEREO, "event 1: t = -1 us"),
        (struct.pack(">IIIIII", 0, 5, 0, 9, 0, 8), STEREO, "event 2: t = 3 us after 4 us"),
    ],
)
def test_a_damaged_or_other_file_is_named(tmp_path, content, layout, message):
    path = tmp_path / "a.aedat"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.aedat: .*{message}"):
        read_auditory_aedat(path, layout)


def test_a_file_that_is_not_there_and_a_bad_layout(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_auditory_aedat(tmp_path / "a.aedat", STEREO)
    with pytest.raises(ValueError, match="address_bytes = 3"):
        AuditoryAedat(address_bytes=3)
    with pytest.raises(ValueError, match="tick_us = 0"):
        AuditoryAedat(tick_us=0)


@needs(EVENT_SAMPLES)
@pytest.mark.parametrize(
    ("name", "layout", "count", "seconds"),
    [
        ("enun_stereo_64ch_ONOFF_addr4b_ts1.aedat", STEREO, 428_635, 13.741184),
        ("sound_mono_32ch_ONOFF_addr2b_ts02.aedat", MONO, 49_864, 1.144739),
    ],
)
def test_real_recordings(tmp_path, name, layout, count, seconds):
    with zipfile.ZipFile(EVENT_SAMPLES / f"pynavis_{name}.zip") as archive:
        archive.extractall(tmp_path)
    (path,) = tmp_path.rglob(name)
    assert next(f for f in load_card("nas-samples").files if f.name == name).matches(path)
    events = read_auditory_aedat(path, layout)
    assert len(events) == count
    assert events.duration_us == round(seconds * 1e6)
    assert np.mean(events.data["p"]) == pytest.approx(0.5, abs=0.01)
    if layout.stereo:
        assert np.bincount(events.data["y"]).tolist() == [207_835, 220_800]
        wrong = AuditoryAedat(channels=32, stereo=True)
    else:
        wrong = AuditoryAedat(channels=32, tick_us=0.2)
    with pytest.raises(ValueError, match="address"):
        read_auditory_aedat(path, wrong)

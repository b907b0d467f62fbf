"""The simulated event camera: what it must do whatever its parameters, and how real it is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem.events import EventSet
from neuromem.events.saccades import SaccadeSensor
from tests.recordings import DATA, MNIST, NMNIST, needs

ROOT = Path(__file__).parents[2]
#: Every recording alike: no noise, no differences between pixels or recordings.
IDEAL = {
    "mismatch": 0.0,
    "noise_off_hz": 0.0,
    "noise_on_hz": 0.0,
    "duration_sd_us": 0.0,
    "position_sd_px": (0.0, 0.0),
    "delay_sd_us": (0.0, 0.0, 0.0),
    "contrast_sd": 0.0,
}


def strokes(n: int, seed: int = 0) -> np.ndarray:
    """Return images of two random bars each."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, 28, 28), np.uint8)
    for image in images:
        row, column = rng.integers(5, 20, 2)
        image[row : row + 3, 4:24] = rng.integers(100, 256)
        image[4:24, column : column + 3] = 255
    return images


def bar(rows: slice, columns: slice) -> np.ndarray:
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, rows, columns] = 255
    return image


def intervals(recordings: EventSet) -> np.ndarray:
    """Return the times between the events of a pixel, of whatever polarity (µs)."""
    number = np.repeat(np.arange(len(recordings)), np.diff(recordings.offsets))
    pixel = (number * 34 + recordings.y) * 34 + recordings.x
    order = np.lexsort((recordings.t, pixel))
    return np.diff(recordings.t[order])[np.diff(pixel[order]) == 0]


def test_a_recording_depends_on_seed_image_and_id_only():
    images = strokes(70)
    sensor = SaccadeSensor()
    whole = sensor.record(images, seed=3, threads=1).check()
    assert len(whole) == 70
    assert whole.sensor_size == (34, 34, 2)
    assert sensor.record(images, seed=3, threads=5).digest() == whole.digest()
    chosen = np.array([66, 4, 31])
    part = sensor.record(images[chosen], seed=3, ids=chosen)
    for recording, index in zip(part, chosen, strict=True):
        assert recording == whole[int(index)]
    same_image = sensor.record(images[[4, 4]], seed=3, ids=[4, 5])
    assert same_image[0] == whole[4]
    assert same_image[0] != same_image[1]
    assert sensor.record(images[:1], seed=4)[0] != whole[0]


def test_labels_ids_and_name_are_kept():
    recordings = SaccadeSensor().record(strokes(2), 0, labels=[7, 1], ids=[50, 9], name="x")
    assert recordings.labels.tolist() == [7, 1]
    assert recordings.ids.tolist() == [50, 9]
    assert recordings.name == "x"


def test_an_empty_image_gives_noise_at_its_rate_and_nothing_else():
    blank = np.zeros((200, 28, 28), np.uint8)
    sensor = SaccadeSensor(noise_on_hz=0.5, noise_off_hz=0.1)
    recordings = sensor.record(blank, seed=1)
    seconds = 200 * 34 * 34 * sensor.duration_us * 1e-6
    for polarity, rate in ((1, 0.5), (0, 0.1)):
        n = np.sum(recordings.p == polarity)
        assert abs(n - rate * seconds) < 5 * np.sqrt(rate * seconds)
    assert len(SaccadeSensor(**IDEAL).record(blank[:2], seed=1).t) == 0


def test_bright_ink_sends_off_ahead_and_on_behind_like_the_real_recordings():
    sensor = SaccadeSensor(**IDEAL)
    # The first saccade moves the image down, the third to the left.
    level = sensor.record(bar(slice(12, 15), slice(4, 24)), 0)
    first = level.t < 95_000
    on, off = first & (level.p == 1), first & (level.p == 0)
    assert level.y[off].mean() > level.y[on].mean() + 0.5
    upright = sensor.record(bar(slice(4, 24), slice(12, 15)), 0)
    third = upright.t > 225_000
    on, off = third & (upright.p == 1), third & (upright.p == 0)
    assert upright.x[off].mean() < upright.x[on].mean() - 0.5


@settings(max_examples=15)
@given(st.floats(0.2, 1.0), st.floats(0.2, 1.0), st.integers(0, 100))
def test_without_refractory_time_events_add_up_to_the_change_of_light(on, off, seed):
    """Before the first event as after the last, light is between a pixel's two thresholds."""
    sensor = SaccadeSensor(
        **IDEAL, refractory_us=0, follow_us=1, threshold_on=on, threshold_off=off
    )
    recordings = sensor.record(strokes(1, seed), 0)
    pixel = recordings.y.astype(int) * 34 + recordings.x
    rise = np.bincount(pixel, np.where(recordings.p == 1, on, -off), minlength=34 * 34)
    reference = np.bincount(
        (fine := _fine(strokes(1, seed))).y.astype(int) * 34 + fine.x,
        np.where(fine.p == 1, 0.01, -0.01),
        minlength=34 * 34,
    )
    assert np.all(np.abs(rise - reference) < on + off + 0.02)
    assert len(recordings.t) > 100


def _fine(images: np.ndarray) -> EventSet:
    """Record with thresholds so small that the events trace the light itself."""
    sensor = SaccadeSensor(
        **IDEAL, refractory_us=0, follow_us=1, threshold_on=0.01, threshold_off=0.01
    )
    return sensor.record(images, 0)


@settings(max_examples=10)
@given(st.floats(0, 20_000))
def test_a_pixel_is_blind_after_an_event(refractory_us):
    sensor = SaccadeSensor(**IDEAL, refractory_us=refractory_us)
    gaps = intervals(sensor.record(strokes(3), 0))
    assert gaps.min() >= int(refractory_us)  # times are cut to whole microseconds


def test_a_higher_threshold_and_a_slower_pixel_send_fewer_events():
    images = strokes(5)
    n = [
        len(SaccadeSensor(**IDEAL, **change).record(images, 0).t)
        for change in ({}, {"threshold_on": 0.9, "threshold_off": 0.9}, {"follow_us": 40_000})
    ]
    assert n[1] < 0.7 * n[0]
    assert n[2] < 0.7 * n[0]


def test_half_the_time_step_changes_little():
    images = strokes(20)
    coarse = SaccadeSensor(**IDEAL).record(images, 0)
    fine = SaccadeSensor(**IDEAL, step_us=500).record(images, 0)
    assert abs(len(coarse.t) / len(fine.t) - 1) < 0.02
    bins = np.arange(0, 310_001, 10_000)
    profiles = [np.histogram(recordings.t, bins)[0] for recordings in (coarse, fine)]
    assert np.abs(profiles[0] - profiles[1]).sum() < 0.05 * len(fine.t)


def test_more_events_than_expected_are_kept():
    sensor = SaccadeSensor(**IDEAL, threshold_on=0.02, threshold_off=0.02, refractory_us=0)
    recordings = sensor.record(strokes(1), 0).check()
    assert len(recordings.t) > 20_000


def test_no_image_gives_no_recording():
    assert len(SaccadeSensor().record(np.empty((0, 28, 28), np.uint8), 0)) == 0


@pytest.mark.parametrize(
    ("images", "ids"),
    [
        (np.zeros((2, 28, 28)), None),
        (np.zeros((2, 34, 34), np.uint8), None),
        (np.zeros((28, 28), np.uint8), None),
        (np.zeros((2, 28, 28), np.uint8), [1]),
        (np.zeros((2, 28, 28), np.uint8), [-1, 2]),
        (np.zeros((2, 28, 28), np.uint8), ["a", "b"]),
    ],
)
def test_what_cannot_be_recorded_is_refused(images, ids):
    with pytest.raises(ValueError, match=r"give (uint8|2 whole)"):
        SaccadeSensor().record(images, 0, ids=ids)


@pytest.mark.parametrize(
    "field", ["gamma", "blur_px", "ink_light", "threshold_on", "follow_us", "step_us"]
)
def test_parameters_that_make_no_sense_are_refused(field):
    with pytest.raises(ValueError, match=f"SaccadeSensor.{field}"):
        SaccadeSensor(**{field: 0.0})


def _fidelity(folder: Path, *options: str) -> dict[str, dict[str, float]]:
    out = folder / "fidelity.json"
    script = ROOT / "benchmarks" / "saccade_fidelity.py"
    done = subprocess.run(
        [sys.executable, str(script), "--data", str(DATA), "--json", str(out), *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return {record["measure"]: record for record in json.loads(out.read_text())}


def _close_to_real(measured: dict[str, dict[str, float]]) -> None:
    for name in (
        "events per recording",
        "duration, ms",
        "ON fraction",
        "share of saccade 1",
        "share of saccade 2",
        "share of saccade 3",
        "median interval, same pixel and polarity, ms",
    ):
        assert 0.95 < measured[f"{name}, Train"]["ratio"] < 1.05, name
    for saccade in (1, 2, 3):
        assert measured[f"signed map correlation, saccade {saccade}, Train"]["mean"] > 0.94


@needs(NMNIST, MNIST)
def test_few_simulated_recordings_teach_to_read_real_ones(tmp_path):
    pytest.importorskip("sklearn")
    measured = _fidelity(tmp_path, "--quick")
    assert measured["accuracy simulated to real, all, %"]["mean"] > 90
    _close_to_real(measured)


@pytest.mark.slow
@needs(NMNIST, MNIST)
def test_simulated_recordings_teach_to_read_real_ones(tmp_path):
    pytest.importorskip("sklearn")
    measured = _fidelity(tmp_path, "--seeds", "3")
    assert measured["accuracy simulated to real, all, %"]["mean"] > 93
    _close_to_real(measured)

"""What the cochlea keeps of spoken digits: how well a ridge classifier tells them apart.

It reads 64 channels x 20 time bins of event counts, and is tested on a speaker it has not heard;
chance is 10 %. Its strength, and with ``--choose`` the cochlea's compression and floor, are chosen
for each left-out speaker by leaving out the others in turn, so that the tested speaker has no say.

Run it: ``python benchmarks/cochlea_fidelity.py --data DIR [--choose]``, where DIR is a folder of
``<digit>_<speaker>_<index>.wav`` or holds ``fsdd_shared.zip``.
"""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import cyclopts
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import RidgeClassifier

from neuromem.datasets.spoken import SpokenDigits, leave_one_speaker_out, read_spoken_digits
from neuromem.events import EventSet
from neuromem.events.cochlea import Cochlea

BINS = 20
#: Strengths of the ridge per training recording, for features of overall deviation 1.
STRENGTHS = (0.3, 1.0, 3.0, 10.0)
COMPRESSIONS = (0.2, 0.33, 0.5)
FLOORS_DB = (-50.0, -40.0, -30.0)


def binned(heard: EventSet, seconds: np.ndarray) -> np.ndarray:
    """Return event counts per channel and twentieth of each recording, shape (n, channels * 20)."""
    channels = heard.sensor_size[0]
    recording = np.repeat(np.arange(len(heard)), np.diff(heard.offsets))
    part = np.minimum(heard.t * 1e-6 * BINS / seconds[recording], BINS - 1).astype(int)
    cell = (recording * channels + heard.x) * BINS + part
    counts = np.bincount(cell, minlength=len(heard) * channels * BINS)
    return (counts / counts.std()).reshape(len(heard), -1).astype(np.float32)


def accuracies(
    features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Return the share of right answers (%) for each strength of the ridge."""
    return np.array(
        [
            100
            * RidgeClassifier(alpha=strength * len(train))
            .fit(features[train], labels[train])
            .score(features[test], labels[test])
            for strength in STRENGTHS
        ]
    )


def main(*, data: Path, choose: bool = False) -> None:
    """Print accuracy per left-out speaker, events per second and speed.

    Parameters
    ----------
    data
        Folder of the recordings, or of fsdd_shared.zip.
    choose
        Choose compression and floor too; takes some minutes.
    """
    console = Console()
    archive = data / "fsdd_shared.zip"
    digits = read_spoken_digits(archive if archive.exists() else data)
    seconds = np.array([len(clip) / digits.rate_hz for clip in digits.clips])
    cochleas = [Cochlea()]
    if choose:
        grid = itertools.product(COMPRESSIONS, FLOORS_DB)
        cochleas = [Cochlea(compression=c, floor_db=floor_db) for c, floor_db in grid]
    outer: list[dict[str, np.ndarray]] = []
    inner: list[dict[str, np.ndarray]] = []
    for cochlea in track(cochleas, "hearing", console=console, transient=True):
        started = time.process_time()
        heard = cochlea.hear_all(digits.clips, digits.rate_hz, digits.labels, digits.ids)
        taken_s = time.process_time() - started
        features = binned(heard, seconds)
        outer.append({})
        inner.append({})
        for name, train, test in leave_one_speaker_out(digits.speakers):
            outer[-1][name] = accuracies(features, digits.labels, train, test)
            inner[-1][name] = np.mean(
                [
                    accuracies(features, digits.labels, train[most], train[left])
                    for _, most, left in leave_one_speaker_out(digits.speakers[train])
                ],
                axis=0,
            )
        best = np.mean(list(inner[-1].values()), axis=0).max()
        console.print(
            f"compression {cochlea.compression:g}, floor {cochlea.floor_db:g} dB: "
            f"{len(heard.x) / seconds.sum():,.0f} events/s, "
            f"median {np.median(np.diff(heard.offsets)):,.0f} a digit, "
            f"{1000 * taken_s / seconds.sum():.0f} ms CPU per second of sound ({taken_s:.0f} s in "
            f"all), {best:.1f} % on average when two speakers are left out and one is tested"
        )
    console.print(_table(digits, cochleas, outer, inner))
    if not choose:
        official = np.array([int(name.rsplit("_", 1)[1]) < 5 for name in digits.ids])
        seen = accuracies(
            features, digits.labels, np.flatnonzero(~official), np.flatnonzero(official)
        )
        console.print(f"all speakers seen, indices 0 to 4 for testing: {seen.round(1)} %")


def _table(
    digits: SpokenDigits,
    cochleas: list[Cochlea],
    outer: list[dict[str, np.ndarray]],
    inner: list[dict[str, np.ndarray]],
) -> Table:
    """Return what each speaker's own choice, made on the others, scores on that speaker."""
    table = Table("left-out speaker", "compression", "floor dB", "ridge", "accuracy %")
    reached = []
    for name in np.unique(digits.speakers):
        scores = np.array([part[name] for part in inner])
        which, strength = np.unravel_index(np.argmax(scores), scores.shape)
        cochlea = cochleas[which]
        reached.append(outer[which][name][strength])
        table.add_row(
            name, f"{cochlea.compression:g}", f"{cochlea.floor_db:g}",
            f"{STRENGTHS[strength]:g}", f"{reached[-1]:.1f}",
        )  # fmt: skip
    table.add_row("mean", "", "", "", f"{np.mean(reached):.1f}")
    return table


if __name__ == "__main__":
    cyclopts.run(main)

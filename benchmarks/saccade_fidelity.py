"""How real the simulated saccade recordings are, judged against real N-MNIST recordings.

1. A ridge classifier is trained on simulated recordings and tested on real ones. Its features are
   the square roots of event counts: 3 saccades x 2 polarities x 17 x 17 (blocks of 2 x 2 pixels).
   The images it is trained on are MNIST training images that no real recording here shows; its
   penalty is chosen on them too. Beside it: tested on simulated recordings of the very images that
   the real ones show, and trained on real recordings (5-fold).
2. Statistics of real recordings beside those of simulated recordings of the same images.
3. Correlation of the signed event map (ON - OFF, 17 x 17) of each real recording with that of the
   simulated recording of the same image, saccade by saccade.

The sensor's parameters were fitted to the Train part of these recordings; the Test part took no
part in it. Run it: ``python benchmarks/saccade_fidelity.py --data DIR [--json FILE] [--quick]``.
"""

from __future__ import annotations

import json as json_format
import os
from pathlib import Path
from time import perf_counter
from typing import Any

import cyclopts
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from neuromem.datasets import Digits, mnist_images, mnist_index, read_nmnist, simulated_nmnist
from neuromem.events import EventSet

RECORDINGS, IMAGES = "nmnist_real_shared.zip", "mnist_shared.npz"
#: Ends of the first two saccades (µs): where the event rate is lowest.
SACCADES_US = (90_000, 225_000)
PENALTIES = np.logspace(2, 4, 5)
SIDE = 17


def counts(recordings: EventSet) -> np.ndarray:
    """Return event counts, shape (n, 3 saccades, 2 polarities, 17, 17)."""
    shape = (len(recordings), 3, 2, SIDE, SIDE)
    number = np.repeat(np.arange(len(recordings)), np.diff(recordings.offsets))
    saccade = np.searchsorted(SACCADES_US, recordings.t, side="right")
    cell = (number, saccade, recordings.p, recordings.y // 2, recordings.x // 2)
    flat = np.ravel_multi_index(cell, shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


def features(recordings: EventSet) -> np.ndarray:
    """Return the square roots of the counts, shape (n, 1734)."""
    return np.sqrt(counts(recordings).reshape(len(recordings), -1))


def statistics(recordings: EventSet) -> dict[str, float]:
    """Return what describes a set of recordings, by name and unit."""
    ends = recordings.offsets[1:] - 1
    number = np.repeat(np.arange(len(recordings)), np.diff(recordings.offsets))
    pixel = (number * 34 + recordings.y) * 34 + recordings.x
    order = np.lexsort((recordings.t, pixel * 2 + recordings.p))
    same = np.diff((pixel * 2 + recordings.p)[order]) == 0
    saccade = counts(recordings).sum(axis=(0, 2, 3, 4)) / len(recordings.t)
    return {
        "events per recording": len(recordings.t) / len(recordings),
        "their standard deviation": float(np.std(np.diff(recordings.offsets))),
        "duration, ms": float(
            np.mean(recordings.t[ends] - recordings.t[recordings.offsets[:-1]]) / 1000
        ),
        "ON fraction": float(recordings.p.mean()),
        "share of saccade 1": float(saccade[0]),
        "share of saccade 2": float(saccade[1]),
        "share of saccade 3": float(saccade[2]),
        "median interval, same pixel and polarity, ms": float(
            np.median(np.diff(recordings.t[order])[same]) / 1000
        ),
        "pixels with events": len(np.unique(pixel)) / len(recordings),
    }


def map_correlation(real: EventSet, simulated: EventSet) -> np.ndarray:
    """Return the mean correlation of the signed maps for each saccade, shape (3,)."""
    signed = [counts(r)[:, :, 1] - counts(r)[:, :, 0] for r in (real, simulated)]
    a, b = (m.reshape(len(real), 3, -1) - m.mean(axis=(2, 3))[..., None] for m in signed)
    norm = np.sqrt((a**2).sum(axis=2) * (b**2).sum(axis=2))
    return np.mean((a * b).sum(axis=2) / norm, axis=0)


def profile_deviation(real: EventSet, simulated: EventSet) -> float:
    """Return the root mean square difference of the 5 ms profiles over the mean of the real one."""
    bins = np.arange(0, 320_001, 5_000)
    a, b = (np.histogram(r.t, bins)[0] / len(r) for r in (real, simulated))
    return float(np.sqrt(np.mean((a - b) ** 2)) / a.mean())


def shown(real: EventSet, train: Digits, test: Digits) -> tuple[np.ndarray, np.ndarray]:
    """Return the images that recordings show, and a number for each."""
    index = mnist_index(real.ids)
    of_train = np.char.startswith(real.ids, "Train/")
    images = np.empty((len(real), 28, 28), np.uint8)
    for digits, chosen in ((train, of_train), (test, ~of_train)):
        place = np.searchsorted(digits.index, index[chosen])
        if np.any(digits.index[np.minimum(place, len(digits.index) - 1)] != index[chosen]):
            raise SystemExit(f"{IMAGES} lacks images that {RECORDINGS} shows")
        images[chosen] = digits.images[place]
    return images, index + 60_000 * ~of_train


def right(model: Any, recordings: EventSet) -> np.ndarray:
    """Return which recordings are classified rightly."""
    return model.predict(features(recordings)) == recordings.labels


def main(
    *,
    data: Path | None = None,
    json: Path | None = None,
    quick: bool = False,
    images: int = 2500,
    seeds: int = 5,
) -> None:
    """Judge the simulated event camera.

    Parameters
    ----------
    data
        Folder with nmnist_real_shared.zip (N-MNIST recordings in the official layout) and
        mnist_shared.npz; $NEUROMEM_DATA, or ../shared/data, where not given.
    json
        Write the records here too.
    quick
        500 images, one seed, and nothing trained on real recordings.
    images
        Simulated training images.
    seeds
        Seeds of simulator and choice of images.
    """
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if quick:
        images, seeds = 500, 1
    default = os.environ.get("NEUROMEM_DATA", Path(__file__).parents[2] / "shared" / "data")
    data = Path(default) if data is None else data
    real = read_nmnist(data / RECORDINGS, "all")
    train, test = mnist_images(data / IMAGES, "train"), mnist_images(data / IMAGES, "test")
    of_train = np.char.startswith(real.ids, "Train/")
    pictures, numbers = shown(real, train, test)
    free = np.flatnonzero(~np.isin(train.index, mnist_index(real.ids[of_train])))
    records: list[dict[str, Any]] = []

    def note(measure: str, **values: float) -> None:
        records.append({"measure": measure, **{k: round(float(v), 4) for k, v in values.items()}})

    accuracy: dict[str, list[float]] = {}
    speed, twins = 0.0, real
    for seed in track(range(seeds), "simulating and training", transient=True):
        rng = np.random.default_rng([seed, 12345])
        chosen = np.sort(rng.choice(free, images, replace=False))
        begin = perf_counter()
        simulated = simulated_nmnist(
            train.images[chosen], train.labels[chosen], seed, ids=train.index[chosen]
        )
        speed = images / (perf_counter() - begin)
        model = RidgeClassifierCV(PENALTIES).fit(features(simulated), simulated.labels)
        hits = right(model, real)
        twins = simulated_nmnist(pictures, real.labels, seed, ids=numbers)
        for name, value in (
            ("simulated to real, all", hits),
            ("simulated to real, Train", hits[of_train]),
            ("simulated to real, Test", hits[~of_train]),
            ("simulated to simulated, same images", right(model, twins)),
        ):
            accuracy.setdefault(name, []).append(100 * float(value.mean()))
    if not quick:
        folds = StratifiedKFold(5, shuffle=True, random_state=0)
        guess = cross_val_predict(
            RidgeClassifierCV(PENALTIES), features(real), real.labels, cv=folds
        )
        accuracy["real to real, 5-fold"] = [100 * float(np.mean(guess == real.labels))]
    for name, values in accuracy.items():
        note(f"accuracy {name}, %", mean=np.mean(values), low=min(values), high=max(values))

    for part, chosen in (("Train", of_train), ("Test", ~of_train)):
        ours, theirs = statistics(twins[chosen]), statistics(real[chosen])
        for name, value in theirs.items():
            note(f"{name}, {part}", real=value, simulated=ours[name], ratio=ours[name] / value)
        for saccade, value in enumerate(map_correlation(real[chosen], twins[chosen]), 1):
            note(f"signed map correlation, saccade {saccade}, {part}", mean=value)
        note(
            f"deviation of the 5 ms profile, {part}",
            mean=profile_deviation(real[chosen], twins[chosen]),
        )
    note("recordings simulated per second", mean=speed)

    columns = ("mean", "low", "high", "real", "simulated", "ratio")
    title = f"{images} training images, {seeds} seeds; {len(real)} real recordings"
    table = Table("", *columns, title=title, title_justify="left", box=None)
    for record in records:
        cells = [f"{record[c]:.4g}" if c in record else "" for c in columns]
        table.add_row(record["measure"], *cells)
    Console(width=130).print(table)
    if json is not None:
        json.write_text(json_format.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    cyclopts.run(main)

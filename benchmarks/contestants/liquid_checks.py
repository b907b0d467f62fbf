"""What must hold beside the speed: the same counts however the work is cut, and int8's accuracy."""

from __future__ import annotations

import numpy as np

from contestants.liquid_workload import POLARITIES, SIDE, STEPS, TRIED, liquid
from neuromem.backends.reservoir import fast, run_batch

#: Points of accuracy that int8 weights may cost.
INT8_GOAL = 0.5


def identical(precision: str, neurons: int = 200) -> dict[str, object]:
    """Return whether no count changes with threads, groups and parts of the batch."""
    work = liquid(neurons, STEPS, 100)

    def counts(first: int, stop: int, threads: int | None = None) -> np.ndarray:
        part = work.batch.part(first, stop)
        return run_batch(work.reservoir, part, precision=precision, threads=threads)["count"]

    whole = counts(0, 100, threads=1)
    others = [counts(0, 100, threads) for threads in (2, 3, 7)]
    others.append(np.concatenate([counts(0, 37), counts(37, 100)]))
    kept = fast.group_size
    try:
        for size in (1, 13):
            fast.group_size = lambda neurons, size=size: size
            others.append(counts(0, 100))
    finally:
        fast.group_size = kept
    reached = all(np.array_equal(other, whole) for other in others)
    return {
        "measure": f"identical counts for any threads and chunking, {precision}",
        "goal_name": "G13", "neurons": neurons, "steps": STEPS, "value": float(reached),
        "goal": 1.0, "reached": reached,
    }  # fmt: skip


def int8_accuracy(neurons: int = 1000) -> dict[str, object]:
    """Return the accuracy of float32 and int8 weights on simulated digits, and how alike they are.

    A ridge readout is trained on the spike counts of five time bins of the benchmark's liquid, for
    2,500 digits, and tested on 2,500 others; both precisions see the same. The standard error is
    that of the difference over these test digits. The correlation is that of all counts.

    Raises
    ------
    ImportError
        When the images or scikit-learn are not installed.
    """
    from neuromem.datasets import offline_digits, simulated_nmnist, split
    from neuromem.events import Framing
    from neuromem.heads import RidgeReadout

    images, labels = offline_digits()
    train, test = split(labels, (0.5, 0.5), seed=0)
    chosen = np.concatenate([train, test])
    recordings = simulated_nmnist(images[chosen], labels[chosen], seed=0, ids=chosen)
    batch = Framing(sensor_size=(SIDE, SIDE, POLARITIES), steps=STEPS).spikes(recordings)
    reservoir = liquid(neurons, STEPS, TRIED).reservoir
    right, features = {}, {}
    for precision in ("float32", "int8"):
        counts = run_batch(reservoir, batch, bins=5, precision=precision)["count"]
        x = features[precision] = counts.reshape(len(counts), -1).astype(np.float32)
        readout = RidgeReadout().fit(x[: len(train)], labels[train])
        right[precision] = 100.0 * (readout.predict(x[len(train) :]) == labels[test])
    difference = right["float32"] - right["int8"]
    lost = float(difference.mean())
    return {
        "measure": "points of accuracy that int8 loses, simulated digits", "goal_name": "G4",
        "neurons": neurons, "steps": STEPS, "value": lost, "goal": INT8_GOAL,
        "reached": lost <= INT8_GOAL, "tested": len(test),
        "standard_error": float(difference.std(ddof=1) / np.sqrt(len(test))),
        "accuracy_float32": float(right["float32"].mean()),
        "accuracy_int8": float(right["int8"].mean()),
        "correlation": float(np.corrcoef(*(x.ravel() for x in features.values()))[0, 1]),
        "spikes_ratio": float(features["int8"].sum() / features["float32"].sum()),
    }  # fmt: skip

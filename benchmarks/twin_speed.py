"""Speed of the fixed-point twin ``spinnaker-arithmetic`` against the float engine ``native``.

Both run the same networks with the same input on one processor: memories with an operation every
8 ms on half-full content, and liquids with recordings one after the other. A round runs both next
to each other, in changing order; what counts is the ratio of each round, of CPU seconds, compiling
excluded. Measured are the engines alone, from the initial state to the spikes read out, and whole
calls of ``neuromem.backends.run``, which also check and translate the network and make a result.
A third measure is the whole call where the twin compares its outcome with the definition, which
needs a run of the float engine: always with ``fidelity="exact"``, and here asked for by
``compare=True``. It has no goal.

Run it: ``python benchmarks/twin_speed.py [--quick] [--json FILE]``. An interruption prints what
was measured so far.
"""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

import cyclopts
import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from contestants.measure import Pair, environment, pair, pinned, quartiles, run_seconds
from contestants.twin import (
    NativeEngine,
    Run,
    TwinEngine,
    TwinWorkload,
    liquid_workload,
    memory_workload,
)

TWIN, FLOAT = "spinnaker-arithmetic", "native"
WORKLOADS: dict[str, Callable[[], TwinWorkload]] = {
    "memory 5x10": partial(memory_workload, 5, 10, 10.0),
    "memory 32x64": partial(memory_workload, 32, 64, 10.0),
    "memory 256x512": partial(memory_workload, 256, 512, 2.0),
    "liquid of 200": partial(liquid_workload, 200),
    "liquid of 1000": partial(liquid_workload, 1000),
}
QUICK = ("memory 5x10", "memory 32x64", "liquid of 200")
#: How often the time of the float engine the twin may take.
GOAL = 2.0
#: What is measured, and its goal.
CONTESTANTS = {"engine": GOAL, "run": GOAL, "run, compared": None}
ROUNDS, QUICK_ROUNDS = 9, 3
#: Width of the table where it does not go to a terminal.
FILE_WIDTH = 130
#: Keys that every record of the JSON file has, null where they do not apply.
KEYS = ("contestant", "size", "ratio", "quartiles", "goal", "reached", "spikes")
COLUMNS = (
    "measure", "network", "neurons", "ticks", "native ms", "twin ms", "spikes", "ratio",
    "quartiles", "goal", "reached",
)  # fmt: skip


@dataclass
class Comparison:
    """The rounds of one measure of one network."""

    contestant: str
    work: TwinWorkload
    counts: np.ndarray
    native_counts: np.ndarray
    pairs: list[Pair] = field(default_factory=list)

    def record(self) -> dict[str, object]:
        """Return what was measured."""
        low, ratio, high = quartiles([p.ratio for p in self.pairs])
        goal = CONTESTANTS[self.contestant]
        return {
            "contestant": self.contestant,
            "size": self.work.name,
            "neurons": self.work.neurons,
            "ticks": self.work.ticks,
            "ratio": ratio,
            "quartiles": [low, high],
            "goal": goal,
            "reached": None if goal is None else ratio <= goal,
            "spikes": int(self.counts.sum()),
            "native_spikes": int(self.native_counts.sum()),
            "same_spike_counts": bool(np.array_equal(self.counts, self.native_counts)),
            "seconds": median(p.other for p in self.pairs),
            "native_seconds": median(p.ours for p in self.pairs),
            "rounds": len(self.pairs),
        }


def compare(
    name: str, rounds: int, comparisons: list[Comparison], progress: Progress
) -> None:  # fmt: skip
    """Measure one network; the comparisons grow with every round."""
    task = progress.add_task(f"{name}: building", total=rounds)
    work = WORKLOADS[name]()
    runs = {
        "engine": (NativeEngine(work), TwinEngine(work)),
        "run": (Run(work, FLOAT), Run(work, TWIN, fidelity="native")),
        "run, compared": (Run(work, FLOAT), Run(work, TWIN, fidelity="native", compare=True)),
    }
    found = {}
    for contestant, (native, twin) in runs.items():
        # Compiles what is not compiled yet.
        native_counts, counts = native.run()[1], twin.run()[1]
        found[contestant] = Comparison(contestant, work, counts, native_counts)
        comparisons.append(found[contestant])
    with pinned():
        for number in range(rounds):
            for contestant, (native, twin) in runs.items():
                progress.update(task, description=f"{name}: round {number + 1}, {contestant}")
                measured = pair(
                    lambda native=native: run_seconds(native)[0],
                    lambda twin=twin: run_seconds(twin)[0],
                    number,
                )
                found[contestant].pairs.append(measured)
            progress.update(task, advance=1)


def show(records: list[dict], console: Console) -> None:
    """Print the table."""
    title = f"{TWIN} against {FLOAT}: medians of the rounds"
    table = Table(title=title, box=SIMPLE)
    for name in COLUMNS:
        left = name in ("measure", "network")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for r in records:
        low, high = r["quartiles"]
        reached = "" if r["goal"] is None else "[green]yes" if r["reached"] else "[red]no"
        same = "=" if r["same_spike_counts"] else f"{r['spikes'] / max(r['native_spikes'], 1):.4f}"
        table.add_row(
            r["contestant"], r["size"], f"{r['neurons']:,}", f"{r['ticks']:,}",
            f"{1e3 * r['native_seconds']:.2f}", f"{1e3 * r['seconds']:.2f}", same,
            f"{r['ratio']:.2f}", f"{low:.2f} .. {high:.2f}",
            "" if r["goal"] is None else f"{r['goal']:g}", reached,
        )  # fmt: skip
    table.caption = (
        "CPU time; ratio: how often the float engine's time the twin takes, its goal at most; "
        "spikes: = those of native, counted neuron by neuron, or the ratio of all spikes to native"
    )
    console.print(table)


def main(*, quick: bool = False, rounds: int | None = None, json: Path | None = None) -> None:
    """Measure, print the table, and write it.

    Parameters
    ----------
    quick
        The two smaller memories and the smaller liquid only, in three rounds.
    rounds
        How often everything is measured; 9, or 3 where quick.
    json
        Write the records here too.
    """
    comparisons: list[Comparison] = []
    try:
        with Progress(console=Console(stderr=True)) as progress:
            for name in QUICK if quick else WORKLOADS:
                compare(name, rounds or (QUICK_ROUNDS if quick else ROUNDS), comparisons, progress)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted: this is what was measured so far")
    records = [c.record() for c in comparisons if c.pairs]
    records.sort(key=lambda r: list(CONTESTANTS).index(str(r["contestant"])))
    show(records, Console(width=None if sys.stdout.isatty() else FILE_WIDTH))
    if json is not None:
        records.append({"measure": "environment", **environment()})
        filled = [{**dict.fromkeys(KEYS), **record} for record in records]
        json.write_text(json_format.dumps(filled, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    cyclopts.run(main)

"""Speed of the batched liquid against torch's libraries, NEST, Brian2 and the same algorithm in C.

Every size runs the same recordings on every contestant. A round runs ours and a contestant next to
each other, in changing order; what counts is the ratio of each round, of seconds per recording.
``contestants/liquid_workload.py`` says what is run and what the time is; each contestant's module
how its own is taken. Building, compiling, laying out weights and choosing the batch size are
outside and reported apart. Spikes are compared neuron by neuron for the recordings that the
contestant ran, and ``c`` fails the benchmark if one differs. One whose arithmetic rounds otherwise
is compared again on the same liquid at a decay where it does not. The float32 engine is measured,
but for contestants marked int8, beside which the int8 engine is: its counts are its own.

Contestants of torch and ours run on ``--threads`` threads; C, Brian2 and NEST on one processor.

Run it: ``python benchmarks/liquid_speed.py [--quick] [--json FILE]``. An interruption prints what
was measured so far.
"""

from __future__ import annotations

import json as json_format
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import geometric_mean, median
from types import ModuleType

import cyclopts
import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from contestants.liquid_checks import identical, int8_accuracy
from contestants.liquid_native import NativeLiquid
from contestants.liquid_workload import STEPS, LiquidContestant, LiquidWorkload, liquid
from contestants.measure import Pair, environment, pair, pinned, quartiles, same_counts, silent
from neuromem.backends.reservoir import PRECISIONS


@dataclass(frozen=True)
class Entry:
    """A contestant: where it is, and the most recordings it runs at a size."""

    module: str
    cls: str
    most: dict[int, int] | None = None
    precision: str = "float32"
    one_processor: bool = False


_TORCH = {200: 256, 1000: 128}
CONTESTANTS = {
    "torch-dense": Entry("liquid_torch", "DenseTorch", {**_TORCH, 5000: 32}),
    "snntorch": Entry("liquid_torch", "SnnTorch", _TORCH),
    "snntorch, ours int8": Entry("liquid_torch", "SnnTorch", _TORCH, precision="int8"),
    "spikingjelly": Entry("liquid_torch", "SpikingJelly", _TORCH),
    "norse": Entry("liquid_torch", "Norse", _TORCH),
    "c": Entry("liquid_c", "CompiledC", one_processor=True),
    "nest": Entry("liquid_nest", "NestLiquid", {200: 8, 1000: 3}, one_processor=True),
    "brian2-cpp": Entry("liquid_brian", "BrianLiquid", {200: 32, 1000: 8}, one_processor=True),
}
QUICK = ("torch-dense", "snntorch", "snntorch, ours int8", "spikingjelly", "c")
#: Name of each goal and, by neurons, how many times faster ours is to be, at 100 steps.
GOALS = {
    "snntorch": ("G1", {200: 30, 1000: 25}),
    "spikingjelly": ("G2", {200: 25, 1000: 20}),
    "torch-dense": ("G3", {200: 20, 1000: 16, 5000: 6}),
    "snntorch, ours int8": ("G4", {200: 45, 1000: 55}),
    "nest": ("G5", {200: 110, 1000: 110}),
    "brian2-cpp": ("G5", {200: 13, 1000: 13}),
}
C_GOAL = 0.95
#: Neurons of the sizes; those at which C is compared, at each number of steps.
SIZES = (200, 1000, 5000)
C_SIZES, C_STEPS = (200, 1000), (20, 100, 300)
#: Recordings that ours runs in a call, by neurons: as many as a peer's best batches come to, so
#: that what a call costs by itself does not count.
SAMPLES = {200: 1024, 1000: 512, 5000: 256}
#: Recordings by which counts are compared at a decay that rounds alike.
EXACT_SAMPLES = 32
ROUNDS, QUICK_ROUNDS = 7, 3
#: Width of the tables where they do not go to a terminal.
FILE_WIDTH = 150
#: Keys that every record of the JSON file has, null where they do not apply.
KEYS = ("contestant", "neurons", "steps", "ratio", "quartiles", "goal", "reached", "same_counts")
COLUMNS = (
    "contestant", "N", "T", "threads", "recordings/s", "ours", "counts", "faster", "quartiles",
    "compile s", "goal", "reached",
)  # fmt: skip


@dataclass
class Comparison:
    """The rounds of one contestant at one size."""

    contestant: str
    work: LiquidWorkload
    samples: int
    compile_seconds: float
    counts: np.ndarray
    our_counts: np.ndarray
    precision: str
    batch_size: int | None
    same_at_exact_decay: bool | None
    pairs: list[Pair] = field(default_factory=list)

    def record(self) -> dict[str, object]:
        """Return what was measured."""
        work = self.work
        low, ratio, high = quartiles([p.ratio for p in self.pairs])
        name, goals = GOALS.get(self.contestant, ("", {}))
        goal = goals.get(work.neurons) if work.steps == STEPS else None
        same = self.our_counts[: self.samples]
        return {
            "contestant": self.contestant,
            "neurons": work.neurons,
            "steps": work.steps,
            "ratio": ratio,
            "quartiles": [low, high],
            "goal_name": name or None,
            "goal": goal,
            "reached": None if goal is None else ratio >= goal,
            "same_counts": same_counts(self.counts, same),
            "same_counts_at_decay_0.875": self.same_at_exact_decay,
            "spikes": int(self.counts.sum()),
            "native_spikes": int(same.sum()),
            "firing_rate": float(self.our_counts.mean()) / work.steps,
            "precision": self.precision,
            "threads": work.threads,
            "samples": self.samples,
            "native_samples": work.batch.samples,
            "batch_size": self.batch_size,
            "seconds_per_sample": median(p.other for p in self.pairs),
            "native_seconds_per_sample": median(p.ours for p in self.pairs),
            "compile_seconds": self.compile_seconds,
            "rounds": len(self.pairs),
        }


@dataclass
class Report:
    """Everything measured so far."""

    comparisons: list[Comparison] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    identical: list[dict[str, object]] = field(default_factory=list)
    accuracy: dict[str, object] | None = None

    def records(self) -> list[dict[str, object]]:
        """Return a record for each comparison, and for each further measure one named by it."""
        records = [c.record() for c in self.comparisons if c.pairs]
        against_c = {
            (r["neurons"], r["steps"]): r["ratio"] for r in records if r["contestant"] == "c"
        }
        if {steps for _, steps in against_c} == set(C_STEPS):
            value = geometric_mean(against_c.values())
            records.append({
                "measure": "geometric mean of the ratios to c", "goal_name": "G6", "value": value,
                "goal": C_GOAL, "reached": value >= C_GOAL,
            })  # fmt: skip
        records += self.identical
        if self.accuracy is not None:
            records.append(self.accuracy)
        return [*records, {"measure": "environment", **environment()}]

    def show(self, console: Console) -> None:
        """Print the tables."""
        records = self.records()
        console.print(_speed_table([r for r in records if "measure" not in r]))
        for name, reason in self.skipped.items():
            console.print(f"{name}: skipped, {reason}", markup=False)
        further = [r for r in records if r.get("measure") not in (None, "environment")]
        if further:
            console.print(_further_table(further))


def compare(
    neurons: int, steps: int, names: list[str], threads: int, rounds: int, report: Report,
    progress: Progress,
) -> None:  # fmt: skip
    """Run the contestants of one size; the report grows with every round."""
    title = f"N = {neurons}, T = {steps}"
    task = progress.add_task(f"{title}: recordings and gain", total=rounds + 1)
    work = liquid(neurons, steps, SAMPLES[neurons])
    ours: dict[tuple[str, int], NativeLiquid] = {}
    our_counts: dict[str, np.ndarray] = {}
    ready: list[tuple[Comparison, LiquidContestant, NativeLiquid]] = []
    try:
        for name in names:
            entry = CONTESTANTS[name]
            if name in report.skipped or (entry.most and neurons not in entry.most):
                continue
            progress.update(task, description=f"{title}: building {name}")
            own = work.on(1 if entry.one_processor else threads)
            key = (entry.precision, own.threads)
            if key not in ours:
                ours[key] = NativeLiquid(own, entry.precision)
                our_counts[entry.precision] = ours[key].run()[1]
            arguments = (entry.most[neurons],) if entry.most else ()
            try:
                with silent():
                    module = import_module(f"contestants.{entry.module}")
                    contestant = getattr(module, entry.cls)(own, *arguments)
                    counts = contestant.run()[1]
            except ImportError as error:
                report.skipped[name] = f"not installed: {error}"
                continue
            comparison = Comparison(
                name, own, contestant.samples, contestant.compile_seconds, counts,
                our_counts[entry.precision], entry.precision, getattr(contestant, "best", None),
                None,
            )  # fmt: skip
            differs = not same_counts(counts, comparison.our_counts[: len(counts)])
            if differs and entry.module == "liquid_torch" and entry.precision == "float32":
                with silent():
                    comparison.same_at_exact_decay = _same_at_exact_decay(own, module, entry.cls)
            if name == "c" and not same_counts(counts, our_counts["float32"]):
                raise RuntimeError(f"{title}: the C kernel's spikes differ from ours")
            report.comparisons.append(comparison)
            ready.append((comparison, contestant, ours[key]))
        progress.update(task, advance=1)
        for number in range(rounds):
            for comparison, contestant, native in ready if number % 2 == 0 else reversed(ready):
                text = f"{title}: round {number + 1}, {comparison.contestant}"
                progress.update(task, description=text)
                with pinned() if comparison.work.threads == 1 else nullcontext(), silent():
                    measured = pair(
                        lambda ours=native: ours.run()[0] / ours.samples,
                        lambda other=contestant: other.run()[0] / other.samples,
                        number,
                    )
                comparison.pairs.append(measured)
            progress.update(task, advance=1)
    finally:
        for _, contestant, _ in ready:
            contestant.close()


def _same_at_exact_decay(work: LiquidWorkload, module: ModuleType, cls: str) -> bool:
    exact = work.at_exact_decay(EXACT_SAMPLES)
    counts = getattr(module, cls)(exact, EXACT_SAMPLES).run()[1]
    return same_counts(counts, NativeLiquid(exact).run()[1])


def _speed_table(records: list[dict]) -> Table:
    table = Table(title="The batched liquid: medians of the rounds", box=SIMPLE)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "contestant" else "right", no_wrap=True)
    for r in records:
        low, high = r["quartiles"]
        table.add_row(
            r["contestant"], f"{r['neurons']}", f"{r['steps']}", f"{r['threads']}",
            f"{1 / r['seconds_per_sample']:.4g}", f"{1 / r['native_seconds_per_sample']:.4g}",
            _counts(r),
            f"{r['ratio']:.3g}",
            f"{low:.3g} .. {high:.3g}", f"{r['compile_seconds']:.1f}", *_goal(r),
        )  # fmt: skip
    rates = [r["firing_rate"] for r in records]
    fired = f"{100 * min(rates):.2f} to {100 * max(rates):.2f} %" if rates else "-"
    table.caption = (
        f"neurons fire in {fired} of the steps; ours: recordings/s of ours in the same rounds; "
        "counts: = our spikes, neuron by neuron, or the ratio of all spikes to ours, with * where "
        "they are ours at a decay of 0.875, which rounds alike; faster: times that ours is"
    )
    return table


def _counts(record: dict) -> str:
    if record["same_counts"]:
        return "="
    mark = "*" if record["same_counts_at_decay_0.875"] else ""
    return f"{record['spikes'] / record['native_spikes']:.4f}{mark}"


def _further_table(records: list[dict]) -> Table:
    table = Table(title="Further measures", box=SIMPLE)
    for name in ("measure", "value", "goal", "reached"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    for r in records:
        table.add_row(r["measure"], f"{r['value']:.4g}", *_goal(r))
    return table


def _goal(record: dict) -> tuple[str, str]:
    if record.get("goal") is None:
        return "", ""
    name = record.get("goal_name") or ""
    return f"{name} {record['goal']:g}", "[green]yes" if record["reached"] else "[red]no"


def main(
    *,
    quick: bool = False,
    rounds: int | None = None,
    threads: int | None = None,
    contestant: list[str] | None = None,
    neurons: list[int] | None = None,
    json: Path | None = None,
) -> None:
    """Measure, print the tables, and write them.

    Parameters
    ----------
    quick
        200 neurons at 100 steps only, in three rounds; no Norse, NEST, Brian2, accuracy.
    rounds
        How often everything is measured; 7, or 3 where quick.
    threads
        Threads of ours and of torch; 2, or 1 where there is one processor.
    contestant
        Whom to compare with; all where not given.
    neurons
        Which sizes to run, of 200, 1000 and 5000.
    json
        Write the records here too.

    Raises
    ------
    ValueError
        For an unknown contestant or size.
    """
    names = contestant or list(QUICK if quick else CONTESTANTS)
    sizes = neurons or ([200] if quick else list(SIZES))
    for kind, asked, known in (("contestant", names, CONTESTANTS), ("size", sizes, SIZES)):
        unknown = [str(one) for one in asked if one not in known]
        if unknown:
            raise ValueError(f"no {kind} {unknown[0]}: there are {', '.join(map(str, known))}")
    threads = threads or min(2, os.cpu_count() or 1)
    n = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    report = Report()
    try:
        with Progress(console=Console(stderr=True)) as progress:
            report.identical = [identical(precision) for precision in PRECISIONS]
            if not quick and any(CONTESTANTS[name].precision == "int8" for name in names):
                progress.add_task("accuracy of int8", total=None)
                try:
                    report.accuracy = int8_accuracy()
                except ImportError as error:
                    report.skipped["accuracy of int8"] = f"not installed: {error}"
            for size in sizes:
                compare(size, STEPS, names, threads, n, report, progress)
            if "c" in names and not quick:
                for size in set(sizes) & set(C_SIZES):
                    for steps in set(C_STEPS) - {STEPS}:
                        compare(size, steps, ["c"], 1, n, report, progress)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted: this is what was measured so far")
    report.show(Console(width=None if sys.stdout.isatty() else FILE_WIDTH))
    if json is not None:
        records = [{**dict.fromkeys(KEYS), **record} for record in report.records()]
        json.write_text(json_format.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    cyclopts.run(main)

"""Speed of the CA3 memory against the same algorithm in C, Brian2, NEST and PyNN.

Every size runs the same input on every contestant, one thread on one processor. A round runs ours
and a contestant next to each other, in changing order; what counts is the ratio of each round.
Times are CPU seconds of the simulation loop, from the initial state, without building and
compiling, which is reported apart; ``contestants/`` says for each how that is taken. ``c`` must
emit exactly our spikes, or the benchmark fails. Brian2 does as well; NEST at dt = 1 ms does not,
hence the ratio per spike beside the ratio per second.

Measured besides: one live call per operation against PyNN on NEST, how the time of an operation
grows with the size, and the time to import and to a first result.

Run it: ``python benchmarks/memory_speed.py [--quick] [--json FILE]``. An interruption prints what
was measured so far.
"""

from __future__ import annotations

import json as json_format
import math
import sys
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import cyclopts
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from contestants.measure import (
    Pair,
    environment,
    pair,
    pinned,
    quartiles,
    run_seconds,
    same_counts,
    silent,
)
from contestants.native import Native, run_interactive_native
from contestants.start_up import start_up
from contestants.workload import Contestant, Workload, workload

if TYPE_CHECKING:
    import numpy as np

#: Cues, content bits, biological seconds.
SIZES = ((5, 10, 10.0), (32, 64, 10.0), (256, 512, 2.0))
#: Where each contestant is, and up to how many cues it runs.
CONTESTANTS = {
    "c": ("compiled_c", "CompiledC", 256),
    "brian2-cpp": ("brian", "BrianCpp", 256),
    "brian2-cython": ("brian", "BrianCython", 256),
    "nest": ("nest_simulator", "Nest", 256),
    "pynn-nest": ("pynn_nest", "PynnNest", 32),
}
QUICK = ("c", "brian2-cpp", "nest")
#: How many times faster ours is to be, at the three sizes.
GOALS = {"brian2-cpp": (10, 15, 150), "nest": (15, 45, 150), "c": (0.8, 1.0, 1.1)}
INTERACTIVE_GOAL = 700
EXPONENT_GOAL = 0.35
START_UP_GOALS = {"import": 0.3, "first result, cold": 5.0, "first result, cached": 1.0}
INTERACTIVE_SECONDS = (8.0, 1.0)
ROUNDS, QUICK_ROUNDS = 7, 3
#: Width of the tables where they do not go to a terminal.
FILE_WIDTH = 130
#: Keys that every record of the JSON file has, null where they do not apply.
KEYS = ("contestant", "cues", "content", "ratio", "quartiles", "spikes")
COLUMNS = (
    "contestant", "size", "biol. s/s", "ours", "spikes", "faster", "quartiles", "per spike",
    "compile s", "goal", "reached",
)  # fmt: skip


@dataclass
class Comparison:
    """The rounds of one contestant at one size."""

    contestant: str
    work: Workload
    goal: float | None
    compile_seconds: float
    counts: np.ndarray
    our_counts: np.ndarray
    pairs: list[Pair] = field(default_factory=list)

    def record(self) -> dict[str, object]:
        """Return what was measured."""
        low, ratio, high = quartiles([p.ratio for p in self.pairs])
        spikes, ours = int(self.counts.sum()), int(self.our_counts.sum())
        return {
            "contestant": self.contestant,
            "cues": self.work.memory.cues,
            "content": self.work.memory.content,
            "ratio": ratio,
            "quartiles": [low, high],
            "spikes": spikes,
            "same_spike_counts": same_counts(self.counts, self.our_counts),
            "ratio_per_spike": ratio * ours / spikes if spikes else None,
            "biological_seconds": self.work.seconds,
            "seconds": median(p.other for p in self.pairs),
            "native_seconds": median(p.ours for p in self.pairs),
            "compile_seconds": self.compile_seconds,
            "rounds": len(self.pairs),
            "goal": self.goal,
            "reached": None if self.goal is None else ratio >= self.goal,
        }


@dataclass
class Report:
    """Everything measured so far."""

    comparisons: list[Comparison] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    interactive: list[Pair] = field(default_factory=list)
    start_ups: list[dict[str, float]] = field(default_factory=list)

    def records(self) -> list[dict[str, object]]:
        """Return a record for each comparison, and for each further measure one named by it."""
        records = [c.record() for c in self.comparisons if c.pairs]
        if self.interactive:
            low, ratio, high = quartiles([p.ratio for p in self.interactive])
            records.append({
                "measure": "interactive", "contestant": "pynn-nest-live",
                "cues": SIZES[0][0], "content": SIZES[0][1],
                "ratio": ratio, "quartiles": [low, high],
                "seconds_per_operation": median(p.other for p in self.interactive),
                "native_seconds_per_operation": median(p.ours for p in self.interactive),
                "goal": INTERACTIVE_GOAL, "reached": ratio >= INTERACTIVE_GOAL,
            })  # fmt: skip
        exponent = self._exponent()
        if exponent is not None:
            records.append({
                "measure": "exponent", "value": exponent,
                "goal": EXPONENT_GOAL, "reached": exponent <= EXPONENT_GOAL,
            })  # fmt: skip
        for name, goal in START_UP_GOALS.items() if self.start_ups else ():
            low, seconds, high = quartiles([s[name] for s in self.start_ups])
            records.append({
                "measure": name, "value": seconds, "quartiles": [low, high],
                "goal": goal, "reached": seconds <= goal,
            })  # fmt: skip
        return [*records, {"measure": "environment", **environment()}]

    def _exponent(self) -> float | None:
        """Return by which power of cues x content the time of an operation grows."""
        by_size: dict[int, list[float]] = {}
        for c in self.comparisons:
            size = c.work.memory.cues * c.work.memory.content
            each = [p.ours / len(c.work.operations) for p in c.pairs]
            by_size.setdefault(size, []).extend(each)
        small, large = (cues * content for cues, content, _ in (SIZES[0], SIZES[-1]))
        if not by_size.get(small) or not by_size.get(large):
            return None
        growth = median(by_size[large]) / median(by_size[small])
        return math.log(growth) / math.log(large / small)

    def show(self, console: Console) -> None:
        """Print the tables."""
        records = self.records()
        console.print(_speed_table([r for r in records if "measure" not in r]))
        for name, reason in self.skipped.items():
            console.print(f"{name}: skipped, {reason}", markup=False)
        further = [r for r in records if r.get("measure") not in (None, "environment")]
        if further:
            console.print(_further_table(further))


def compare(size: int, names: list[str], rounds: int, report: Report, progress: Progress) -> None:
    """Run the contestants of one size; the report grows with every round."""
    cues, content, seconds = SIZES[size]
    task = progress.add_task(f"{cues}x{content}: building", total=rounds + 1)
    work = workload(cues, content, seconds)
    ours = Native(work)
    _, our_counts = ours.run()
    ready: list[tuple[Comparison, Contestant]] = []
    try:
        for name in names:
            progress.update(task, description=f"{cues}x{content}: building {name}")
            module, cls, most_cues = CONTESTANTS[name]
            if name in report.skipped or cues > most_cues:
                report.skipped.setdefault(
                    name, f"above {most_cues} cues each round would build for over 10 s"
                )
                continue
            try:
                with silent():
                    contestant = getattr(import_module(f"contestants.{module}"), cls)(work)
                    counts = contestant.run()[1]
            except ImportError as error:
                report.skipped[name] = f"not installed: {error}"
                continue
            if name == "c" and not same_counts(counts, our_counts):
                raise RuntimeError(f"{cues}x{content}: the C kernel's spikes differ from ours")
            goal = GOALS[name][size] if name in GOALS else None
            comparison = Comparison(
                name, work, goal, contestant.compile_seconds, counts, our_counts
            )
            report.comparisons.append(comparison)
            ready.append((comparison, contestant))
        progress.update(task, advance=1)
        with pinned():
            for number in range(rounds):
                for comparison, contestant in ready if number % 2 == 0 else reversed(ready):
                    text = f"{cues}x{content}: round {number + 1}, {comparison.contestant}"
                    progress.update(task, description=text)
                    with silent():
                        measured = pair(
                            lambda: run_seconds(ours)[0],
                            lambda other=contestant: run_seconds(other)[0],
                            number,
                        )
                    comparison.pairs.append(measured)
                progress.update(task, advance=1)
    finally:
        for _, contestant in ready:
            contestant.close()


def compare_interactive(rounds: int, report: Report, progress: Progress) -> None:
    """Run one call per operation on ours and on PyNN with NEST."""
    task = progress.add_task("one call per operation", total=rounds)
    try:
        from contestants.pynn_nest import run_interactive_pynn
    except ImportError as error:
        report.skipped["interactive"] = f"not installed: {error}"
        return
    cues, content, _ = SIZES[0]
    ours, other = (workload(cues, content, seconds) for seconds in INTERACTIVE_SECONDS)
    run_interactive_native(ours)
    with pinned():
        for number in range(rounds):
            with silent():
                measured = pair(
                    lambda: run_interactive_native(ours),
                    lambda: run_interactive_pynn(other),
                    number,
                )
            report.interactive.append(measured)
            progress.update(task, advance=1)


def _speed_table(records: list[dict]) -> Table:
    title = "The CA3 memory: medians of the rounds"
    table = Table(title=title, box=SIMPLE)
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "contestant" else "right", no_wrap=True)
    for r in records:
        low, high = r["quartiles"]
        per_spike = r["ratio_per_spike"]
        table.add_row(
            r["contestant"],
            f"{r['cues']}x{r['content']}",
            f"{r['biological_seconds'] / r['seconds']:.4g}",
            f"{r['biological_seconds'] / r['native_seconds']:.4g}",
            f"{r['spikes']:,}" + (" =" if r["same_spike_counts"] else ""),
            f"{r['ratio']:.3g}",
            f"{low:.3g} .. {high:.3g}",
            "" if per_spike is None else f"{per_spike:.3g}",
            f"{r['compile_seconds']:.1f}",
            *_goal(r),
        )
    table.caption = (
        "biol. s/s: biological seconds per CPU second, and ours in the same rounds; "
        "faster: times that ours is; =: our spikes, counted neuron by neuron"
    )
    return table


def _further_table(records: list[dict]) -> Table:
    table = Table(title="Further measures", box=SIMPLE)
    for name in ("measure", "value", "goal", "reached"):
        table.add_column(name, justify="left" if name == "measure" else "right")
    for r in records:
        if r["measure"] == "interactive":
            microseconds = [1e6 * r[k] for k in r if str(k).endswith("per_operation")]
            text = "one call per operation, 5x10, against PyNN on NEST: {1:.1f} against {0:.0f} us"
            table.add_row(text.format(*microseconds), f"{r['ratio']:.0f}x", *_goal(r))
        elif r["measure"] == "exponent":
            text = "exponent of the time per operation in cues x content, 5x10 to 256x512"
            table.add_row(text, f"{r['value']:.3f}", *_goal(r))
        else:
            table.add_row(f"{r['measure']} (CPU s)", f"{r['value']:.2f}", *_goal(r))
    return table


def _goal(record: dict) -> tuple[str, str]:
    if record["goal"] is None:
        return "", ""
    return f"{record['goal']:g}", "[green]yes" if record["reached"] else "[red]no"


def main(
    *,
    quick: bool = False,
    rounds: int | None = None,
    contestant: list[str] | None = None,
    json: Path | None = None,
) -> None:
    """Measure, print the tables, and write them.

    Parameters
    ----------
    quick
        The two smaller sizes against C, NEST and compiled Brian2 only, in three rounds.
    rounds
        How often everything is measured; 7, or 3 where quick.
    contestant
        Whom to compare with (c, brian2-cpp, brian2-cython, nest, pynn-nest); all where not given.
    json
        Write the records here too.
    """
    names = contestant or list(QUICK if quick else CONTESTANTS)
    unknown = set(names) - set(CONTESTANTS)
    if unknown:
        known = ", ".join(CONTESTANTS)
        raise ValueError(f"no contestant {', '.join(sorted(unknown))}: there are {known}")
    n = rounds or (QUICK_ROUNDS if quick else ROUNDS)
    report = Report()
    try:
        with Progress(console=Console(stderr=True)) as progress:
            for size in range(2 if quick else len(SIZES)):
                compare(size, names, n, report, progress)
            if not quick:
                compare_interactive(n, report, progress)
                for _ in progress.track(range(n), description="start-up"):
                    report.start_ups.append(start_up())
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted: this is what was measured so far")
    report.show(Console(width=None if sys.stdout.isatty() else FILE_WIDTH))
    if json is not None:
        records = [{**dict.fromkeys(KEYS), **record} for record in report.records()]
        json.write_text(json_format.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    cyclopts.run(main)

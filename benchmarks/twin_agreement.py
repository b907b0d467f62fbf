"""Whether the fixed-point twin is the emulated board, bit for bit, on as many networks as you like.

Random groups of neurons (models and parameters, refractory periods, weights up to saturation,
delays of 1..16 ticks, pair rules, ties of pre and post spikes) run on ``spinnaker-emulated``, which
executes the board's own programs, and on ``spinnaker-arithmetic``. Compared are every spike, every
recorded potential and current (s16.15), every plastic weight (16 bits) and the counts of both.

30 groups are mapped at a time; batch k is made from the seed S + k alone. In turn the ring buffers
are sized by sPyNNaker or fitted to the weights, and every fourth batch has a time step of 0.5 ms,
where neurons and their synapses have cores of their own.

Run it: ``python benchmarks/twin_agreement.py [--groups N] [--seed S] [--json FILE] [--quick]``.
Each batch is written to FILE when it is done: after an interruption the same command goes on. It
stops at the first disagreement, and leaves the network beside FILE.
"""

from __future__ import annotations

import json as json_format
import os
import shlex
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cyclopts
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from neuromem import backends
from neuromem.backends.spinnaker.definition import POST_HISTORY
from neuromem.network import Network, Population, SpikeTrains, save
from twin_groups import (
    BOARD,
    TWIN,
    Disagreement,
    disagreements,
    random_groups,
    random_input,
    run,
    without_full_delays,
)

#: Groups that are mapped at once, ticks that they run; fewer of both where quick.
BATCH, TICKS = 30, 120
QUICK_BATCH, QUICK_TICKS = 4, 40
#: Batches with this remainder by 4 have a short time step.
SHORT_STEP, SHORT_STEP_MS = 3, 0.5
DONE, DIFFERS, WRONG = 0, 1, 2
out, errors = Console(highlight=False, soft_wrap=True), Console(stderr=True, soft_wrap=True)


def made(seed: int, groups: int, ticks: int) -> tuple[Network, dict[str, SpikeTrains], dict]:
    """Return the network of a batch, its input and the options of both backends."""
    if seed % 4 == SHORT_STEP:
        network = without_full_delays(random_groups(seed, groups, SHORT_STEP_MS))
    else:
        network = random_groups(seed, groups)
    return network, random_input(network, ticks, seed), {"fit_weights": bool(seed % 2)}


def compare(
    seed: int, groups: int, ticks: int, where: Path
) -> tuple[dict[str, Any], list[Disagreement]]:
    """Run a batch on both, mapping in a folder; returns its record and all disagreements.

    Below 1 ms the order of a tick's packets decides what a full memory of post spikes forgets, and
    the twin says that it does not follow that: such populations are set aside where they differ.
    """
    network, stimulus, options = made(seed, groups, ticks)
    started = time.perf_counter()
    ours = run(network, stimulus, ticks, TWIN, **options)
    with TemporaryDirectory(dir=where) as folder:
        theirs = run(network, stimulus, ticks, BOARD, folder=folder, **options)
    settings, board = (s.result().provenance.settings for s in (ours, theirs))
    found = list(disagreements(network, ours, theirs))
    full = _full_memories(network, ours) if "full memories" in settings else set()
    aside = {d.population for d in found} & full
    kept = [p.name for p in network.populations if isinstance(p, Population)]
    kept = [name for name in kept if name not in aside]
    states = theirs.result().states
    record = {
        "seed": seed,
        "groups": groups,
        "ticks": ticks,
        "timestep_ms": network.timestep_ms,
        **options,
        "spikes": sum(len(theirs.spikes(name)) for name in kept),
        "states": sum(s.values.size for name in kept for s in states[name].values()),
        "plastic_weights": sum(
            int(np.sum(~np.isnan(theirs.weights(p.label))))
            for p in network.projections
            if p.plastic and network.view(p.post).population.name in kept
        ),
        "rounded_to_zero": int(settings["weights rounded to zero"]),
        "saturated_inputs": int(settings["saturated inputs"]),
        "beyond_a_full_buffer": int(board["weights beyond a full ring buffer"]),
        "set_aside": len(aside),
        "seconds": round(time.perf_counter() - started, 2),
    }
    return record, [d for d in found if d.population not in aside]


def _full_memories(network: Network, simulation: backends.Simulation) -> set[str]:
    """Return the plastic populations of which a neuron has fired as often as is remembered."""
    plastic = {network.view(p.post).population for p in network.projections if p.plastic}
    return {
        p.name
        for p in plastic
        if np.bincount(simulation.spikes(p.name).neurons).max(initial=0) >= POST_HISTORY
    }


def keep(folder: Path, seed: int, groups: int, ticks: int, found: list[Disagreement]) -> str:
    """Save what disagrees; returns the command that runs it again."""
    network, stimulus, options = made(seed, groups, ticks)
    folder.mkdir(parents=True, exist_ok=True)
    save(network, folder / "network.json")
    spikes: dict[str, Any] = {
        name: np.column_stack([trains.times_ms, trains.neurons])
        for name, trains in stimulus.items()
    }
    np.savez_compressed(folder / "stimulus.npz", **spikes)
    again = [
        sys.executable, __file__, "--seed", str(seed), "--groups", str(groups), "--batch",
        str(groups), "--ticks", str(ticks), "--json", str(folder / "again.json"),
    ]  # fmt: skip
    text = [f"seed {seed}, {groups} groups, {ticks} ticks, {options}"]
    text += [d.what for d in found]
    (folder / "what.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    return shlex.join(again)


def summary(records: list[dict[str, Any]], state: str) -> str:
    """Return what has been found so far, in words."""

    def total(name: str) -> int:
        return sum(r[name] for r in records)

    aside = total("set_aside")
    text = (
        f"{total('groups') - aside:,} groups agree in every bit: {total('spikes'):,} spikes, "
        f"{total('states'):,} potentials and currents, {total('plastic_weights'):,} plastic "
        f"weights, {total('saturated_inputs'):,} saturated inputs, {total('rounded_to_zero'):,} "
        f"weights rounded to zero, in {total('seconds') / 60:.1f} min"
    )
    if aside:
        text += f"; {aside} set aside, where the order of packets decides (below 1 ms)"
    return f"{state}: {text}" if state else text


def main(
    *,
    groups: int = 3000,
    seed: int = 1000,
    json: Path = Path("out/twin_agreement.json"),
    quick: bool = False,
    batch: int | None = None,
    ticks: int | None = None,
) -> int:
    """Compare until so many groups are done, or one disagrees.

    Parameters
    ----------
    groups
        How many groups, those in FILE included; whole batches are run.
    seed
        Seed of the first batch.
    json
        Where the batches that agreed are written, and looked up.
    quick
        Two small batches.
    batch, ticks
        Groups that are mapped at once, and how long they run.
    """
    size = batch or (QUICK_BATCH if quick else BATCH)
    length = ticks or (QUICK_TICKS if quick else TICKS)
    if min(groups, size, length) < 1 or seed < 0:
        errors.print("give at least one group, one tick and a seed of 0 or more")
        return WRONG
    for name in (TWIN, BOARD):
        backends.capabilities(name).require()
    wanted = [seed + k for k in range(2 if quick else -(-groups // size))]
    json.parent.mkdir(parents=True, exist_ok=True)
    records = json_format.loads(json.read_text(encoding="utf-8")) if json.exists() else []
    known = {(r["seed"], r["groups"], r["ticks"]): r for r in records}
    mine = [known[key] for s in wanted if (key := (s, size, length)) in known]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=errors, transient=True) as progress:
        task = progress.add_task("groups", total=len(wanted) * size, completed=len(mine) * size)
        try:
            for s in wanted:
                if (s, size, length) in known:
                    continue
                progress.update(task, description=f"seed {s}")
                record, found = compare(s, size, length, json.parent)
                if found:
                    folder = json.with_name(f"disagreement_{s}")
                    again = keep(folder, s, size, length, found)
                    out.print(summary(mine, "before a disagreement"))
                    out.print(
                        f"seed {s} disagrees in {found[0].what} ({len(found)} in all)",
                        markup=False,
                    )
                    out.print(f"network, input and list: {folder}; again: {again}", markup=False)
                    return DIFFERS
                records.append(record)
                mine.append(record)
                _write(json, records)
                progress.advance(task, size)
        except KeyboardInterrupt:
            out.print(summary(mine, "interrupted, the same command goes on"))
            return 130
    out.print(summary(mine, ""))
    return DONE


def _write(path: Path, records: list[dict[str, Any]]) -> None:
    """Write whole or not at all: an interruption costs a batch at most."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json_format.dumps(records, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(cyclopts.run(main))

"""How far apart operations must be: share of right answers against their spacing.

Random programs of learns, overwrites, recalls by cue and one-bit recalls by content, spaced alike,
on the native engine; an answer is right when it equals a last-written table with any-shared-bit
match. Run it: ``python benchmarks/memory_spacing.py [--json FILE]``.
"""

from __future__ import annotations

import json as json_format
from pathlib import Path

import cyclopts
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from neuromem import Memory

SIZES = ((5, 10, 3), (16, 6, 2), (16, 16, 3), (32, 64, 8))
SPACINGS_MS = (7, 8, 10, 12, 15, 20, 30)


def right_answers(
    cues: int, content: int, bits: int, spacing_ms: int, post_history: int | None, seed: int, n: int
) -> tuple[list[bool], list[bool]]:
    """Run one random program live; returns which recalls by cue and by content were right."""
    rng = np.random.default_rng(seed)
    session = Memory(cues, content, post_history=post_history).start(spacing_ms=spacing_ms)
    held: dict[int, tuple[int, ...]] = {}
    by_cue: list[bool] = []
    by_content: list[bool] = []
    for _ in range(n):
        kind = rng.random()
        if kind < 0.4 or not held:
            cue = int(rng.integers(cues))
            held[cue] = tuple(sorted(rng.choice(content, bits, replace=False).tolist()))
            session.learn(cue, held[cue])
        elif kind < 0.7:
            cue = list(held)[int(rng.integers(len(held)))]
            by_cue.append(session.recall_by_cue(cue).content == held[cue])
        else:
            bit = int(rng.integers(content))
            found = session.recall_by_content([bit]).cues
            by_content.append(set(found) == {cue for cue in held if bit in held[cue]})
    return by_cue, by_content


def main(*, seeds: int = 6, operations: int = 200, json: Path | None = None) -> None:
    """Print the table for the board's post history of 15 spikes and for an unlimited one.

    Parameters
    ----------
    seeds
        Random programs per cell.
    operations
        Operations per program.
    json
        Write the records here too.
    """
    records = []
    cells = [(s, g, h) for h in (15, None) for s in SIZES for g in SPACINGS_MS]
    for (cues, content, bits), spacing, history in track(cells, "running", transient=True):
        runs = [
            right_answers(cues, content, bits, spacing, history, seed, operations)
            for seed in range(seeds)
        ]
        cue, query = (np.concatenate([run[side] for run in runs]) for side in (0, 1))
        records.append(
            {
                "cues": cues,
                "content": content,
                "bits": bits,
                "spacing_ms": spacing,
                "post_history": history,
                "by_cue": float(np.mean(cue)),
                "by_content": float(np.mean(query)),
                "recalls": [len(cue), len(query)],
            }
        )
    console = Console()
    for history in (15, None):
        title = f"right by cue / by content, post history {history or 'unlimited'}"
        table = Table(title=title, title_justify="left", box=None)
        table.add_column("C x M, bits")
        for spacing in SPACINGS_MS:
            table.add_column(f"{spacing} ms", justify="right")
        for cues, content, bits in SIZES:
            cells_of = [
                r
                for r in records
                if (r["cues"], r["content"], r["post_history"]) == (cues, content, history)
            ]
            shares = [f"{r['by_cue']:.3f} / {r['by_content']:.3f}" for r in cells_of]
            table.add_row(f"{cues} x {content}, {bits}", *shares)
        console.print(table)
    if json is not None:
        json.write_text(json_format.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    cyclopts.run(main)

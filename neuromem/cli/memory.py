"""``neuromem memory``: run a program, show a topology, replay a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import cyclopts
import numpy as np
from cyclopts import Parameter, validators

from neuromem.backends import Fidelity, check
from neuromem.cli.output import (
    check_plot,
    check_writable,
    prepare,
    print_line,
    print_table,
    progress,
    write_json,
    write_text,
)
from neuromem.cli.parameters import Json
from neuromem.memory import (
    BOARD_POST_HISTORY,
    Answer,
    Learn,
    Memory,
    Operation,
    RecallByContent,
    Session,
    describe,
    load_program,
    load_recording,
    replay,
)
from neuromem.network import neuron_table, population_table, projection_table, totals
from neuromem.network import save as save_network

app = cyclopts.App(name="memory", help="Spiking memories modelled on hippocampal CA3.")

Seed = Annotated[int | None, Parameter(validator=validators.Number(gte=0))]
Size = Annotated[int, Parameter(validator=validators.Number(gte=0))]


@app.command
def run(
    program: Path | None = None,
    /,
    *,
    backend: str = "native",
    fidelity: Fidelity = "exact",
    seed: Seed = None,
    out: Path | None = None,
    plot: Path | None = None,
    json: Json = None,
    session: Path | None = None,
    resume: Path | None = None,
) -> int:
    """Perform the operations in a program file and print what was asked and what came back.

    Parameters
    ----------
    program
        Operations to perform (TOML).
    backend
        Where to run; see "neuromem backends".
    fidelity
        exact: the definition's spikes, or an error; native: as that simulator would.
    seed
        Seed of the program's random operations.
    out
        Write spikes and weights here (HDF5).
    plot
        Write a raster here (.png, .pdf, .svg).
    json
        Write the answers here; "-" for the standard output.
    session
        Write the memory's complete state here (HDF5), to go on from.
    resume
        Continue the run in this session file instead of starting a program.
    """
    check_writable(out, json, session)
    check_plot(plot)
    prepare(backend)
    if (program is None) == (resume is None):
        raise ValueError("give either a PROGRAM.toml or --resume SESSION.h5")
    operations: list[Operation] = []
    if program is None:
        assert resume is not None
        work, keep = Memory.resume(resume), session or resume
    else:
        loaded = load_program(program)
        operations = loaded.expanded(np.random.default_rng(seed))
        work = loaded.build().start(
            backend,
            seed=seed,
            fidelity=fidelity,
            spacing_ms=loaded.spacing_ms,
            force=loaded.force,
        )
        keep = session or Path(f"{program.stem}.session.h5")
    interrupted = False
    try:
        with progress("running") as update:
            work.run(operations, update)
    except KeyboardInterrupt:
        interrupted = True
    answers = work.answers()
    print_answers(answers)
    if interrupted or session is not None:
        print_line(f"wrote {work.save(keep)}")
    if interrupted:
        print_line(
            f"interrupted at {work.time_ms:g} ms with {len(answers)} of {len(work.operations)} "
            f"answers; to continue: neuromem memory run --resume {keep}"
        )
    if out is not None:
        print_line(f"wrote {work.result().save(out)}")
    if plot is not None:
        from neuromem.plotting import raster, save_figure

        print_line(f"wrote {save_figure(raster(work.result(), session=work), plot)}")
    write_json(json, outcome(work))
    return 130 if interrupted else 0


@app.command
def show(
    *,
    cues: int,
    content: int,
    model: str = "content-addressable",
    post_history: Size = BOARD_POST_HISTORY,
    save: Path | None = None,
    backend: str = "native",
    seed: Seed = None,
    out: Path | None = None,
    plot: Path | None = None,
    json: Json = None,
) -> None:
    """Show a memory's topology as tables that can be checked against the paper.

    Parameters
    ----------
    cues
        Number of cues C.
    content
        Number of content bits M.
    model
        content-addressable, ca3, hippocampus or hippocampus-logic.
    post_history
        How many post spikes a neuron remembers, as on the board; 0: unlimited.
    save
        Write the definition here (JSON).
    backend
        On which to check that it runs; see "neuromem backends".
    seed
        Seed of random connections; these topologies have none.
    out
        Write the tables here as text.
    plot
        Write a picture of the topology here (.png, .pdf, .svg).
    json
        Write the tables here as JSON; "-" for the standard output.
    """
    check_writable(save, out, json)
    check_plot(plot)
    network = Memory(cues, content, model=model, post_history=post_history or None).network
    can = check(network, backend)
    tables = {
        "populations": population_table(network),
        "neurons": neuron_table(network),
        "projections": projection_table(network),
    }
    counts = totals(network)
    print_line(network.name)
    print_line(network.source)
    for title, (header, rows) in tables.items():
        print_line()
        print_table(header, rows, title)
    print_line()
    print_line(", ".join(f"{count} {what}" for what, count in counts.items()))
    print_line(f"definition {network.digest()[:16]}, runs on {can.name} {can.version}")
    if save is not None:
        print_line(f"wrote {save_network(network, save)}")
    write_text(out, f"{network}\n")
    if plot is not None:
        from neuromem.plotting import save_figure, topology

        print_line(f"wrote {save_figure(topology(network), plot)}")
    records = {
        title: [dict(zip(header, row, strict=True)) for row in rows]
        for title, (header, rows) in tables.items()
    }
    identity = {"name": network.name, "sha256": network.digest(), "seed": seed}
    write_json(json, {**identity, **records, "totals": counts})


@app.command(name="replay")
def replay_recording(
    recording: Path,
    /,
    *,
    backend: str = "native",
    fidelity: Fidelity = "exact",
    seed: Seed = None,
    out: Path | None = None,
    plot: Path | None = None,
    json: Json = None,
) -> int:
    """Run a recording's inputs and compare spike for spike; exit 1 on any difference.

    Parameters
    ----------
    recording
        Recording of a board (JSON).
    backend
        Where to run; see "neuromem backends".
    fidelity
        exact: the definition's spikes, or an error; native: as that simulator would.
    seed
        Seed for the provenance; a replay draws nothing.
    out
        Write the reproduced spikes here (HDF5).
    plot
        Write a raster of them here (.png, .pdf, .svg).
    json
        Write the comparison here; "-" for the standard output.
    """
    check_writable(out, json)
    check_plot(plot)
    loaded = load_recording(recording)
    prepare(backend)
    comparisons, result = replay(loaded, backend, seed=seed, fidelity=fidelity)
    counts = [
        (len(c.recorded), len(c.reproduced), len(c.missing), len(c.extra)) for c in comparisons
    ]
    total = [sum(column) for column in zip(*counts, strict=True)]
    rows = [(c.population, *row) for c, row in zip(comparisons, counts, strict=True)]
    header = ("population", "recorded", "reproduced", "missing", "extra")
    print_table(header, [[str(cell) for cell in row] for row in [*rows, ("total", *total)]])
    if out is not None:
        print_line(f"wrote {result.save(out)}")
    if plot is not None:
        from neuromem.plotting import raster, save_figure

        print_line(f"wrote {save_figure(raster(result), plot)}")
    comparison = {
        "recording": recording.name,
        "populations": [dict(zip(header, row, strict=True)) for row in rows],
        "total": dict(zip(header[1:], total, strict=True)),
        "provenance": result.provenance,
    }
    write_json(json, comparison)
    return 0 if total[2] == total[3] == 0 else 1


def print_answers(answers: list[Answer]) -> None:
    """Print a table of what was asked and what came back."""
    rows = []
    for answer in answers:
        latency = "-" if answer.latency_ms is None else f"{answer.latency_ms:g} ms"
        rows.append((f"{answer.at_ms:g} ms", describe(answer.operation), in_words(answer), latency))
    print_table(("at", "asked", "came back", "latency"), rows)


def in_words(answer: Answer) -> str:
    """Return what came back in words."""
    if isinstance(answer.operation, Learn):
        text = f"echo {list(answer.content)}"
        return text + (f", replaced {list(answer.replaced)}" if answer.replaced else "")
    if isinstance(answer.operation, RecallByContent):
        return f"cues {list(answer.cues)}" if answer.cues else "nothing"
    return f"content {list(answer.content)}" if answer.content else "nothing"


def outcome(session: Session) -> dict[str, Any]:
    """Return a session's answers and provenance as plain values."""
    answers = session.answers()
    return {
        "memory": session.memory.settings(),
        "answers": answers,
        "complete": len(answers) == len(session.operations),
        "provenance": session.result().provenance,
    }

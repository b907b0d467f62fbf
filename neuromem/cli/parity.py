"""``neuromem bench parity``: whether the simulators that are installed agree."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from neuromem.backends import BACKENDS, FIDELITIES, capabilities
from neuromem.cli.contests import contest_progress
from neuromem.cli.output import check_writable, print_line, print_table, write_json, write_text
from neuromem.cli.parameters import Json, check_there
from neuromem.protocols.parity.comparison import REFERENCE, table
from neuromem.protocols.parity.comparison import markdown as as_markdown
from neuromem.protocols.parity.comparison import parity as compare
from neuromem.protocols.parity.scenarios import scenarios


def parity(
    *,
    backend: tuple[str, ...] = (),
    fidelity: Literal["exact", "native", "both"] = "exact",
    recordings: Path | None = None,
    markdown: Path | None = None,
    json: Json = None,
) -> int:
    """Compare the backends that are installed, spike for spike; exit 1 where an exact one differs.

    Parameters
    ----------
    backend
        Compare these alone; may be given several times.
    fidelity
        exact: as the definition says; native: as each simulator would run it; or both.
    recordings
        Folder of a board's recordings (ca3_*.json) to compare with as well.
    markdown
        Write the tables here as Markdown.
    json
        Write a record for each comparison here; "-" for the standard output.
    """
    check_writable(markdown, json)
    check_there(recordings)
    names = backend or tuple(n for n in BACKENDS if n != REFERENCE and capabilities(n).runs)
    for name in names:
        if not capabilities(name).runs:
            raise ValueError(f"backend {name!r} runs on a board only: compare others")
    chosen = FIDELITIES if fidelity == "both" else (fidelity,)
    with contest_progress() as report:
        rows = list(compare(scenarios(recordings), names, chosen, report))  # type: ignore[arg-type]
    for one in chosen:
        print_table(*table(rows, one))  # type: ignore[arg-type]
        print_line()
    write_text(markdown, as_markdown(rows, "Do the backends agree?"))
    write_json(json, rows)
    return int(any(r.outcome == "differs" and r.fidelity == "exact" for r in rows))

"""What the benchmarks share: where results go, what is kept, and who is at work."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import Parameter

from neuromem.cli.output import check_plot, check_writable, errors
from neuromem.cli.parameters import Json

if TYPE_CHECKING:
    from neuromem.protocols import Store


@Parameter(name="*")
@dataclass(frozen=True)
class Outputs:
    """Options of every benchmark of contestants.

    Parameters
    ----------
    json
        Write a record for each result here; "-" for the standard output.
    plot
        Write a figure here (.png, .pdf, .svg).
    cache
        Folder for features and finished records, from which an interrupted run goes on.
    no_cache
        Keep nothing.
    """

    json: Json = None
    plot: Path | None = None
    cache: Path | None = None
    no_cache: bool = False

    def store(self) -> Store:
        """Check all of them before anything runs; return the cache, the user's own by default."""
        check_writable(self.json)
        check_plot(self.plot)
        from neuromem.protocols import Store, cache_folder

        if self.cache is not None and self.cache.exists() and not self.cache.is_dir():
            raise NotADirectoryError(f"{self.cache}: is a file; name a folder")
        return Store(None if self.no_cache else self.cache or cache_folder())


#: What a benchmark that was given none of the options does.
NOWHERE = Outputs()


@contextmanager
def contest_progress():
    """Show which contestant is at work, on the error stream."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=errors, transient=True,
        disable=not errors.is_terminal,
    ) as bar:  # fmt: skip
        task = bar.add_task("contest", total=None)

        def report(text: str, done: int, total: int) -> None:
            bar.update(task, description=text, completed=done, total=total)

        yield report

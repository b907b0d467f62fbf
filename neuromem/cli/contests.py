"""What the benchmarks share: their cache, and who is at work."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from neuromem.cli.output import errors

if TYPE_CHECKING:
    from neuromem.protocols import Store


def store_in(cache: Path | None, no_cache: bool) -> Store:
    """Return the cache in a folder, the user's own where None; one that keeps nothing if asked."""
    from neuromem.protocols import Store, cache_folder

    if cache is not None and cache.exists() and not cache.is_dir():
        raise NotADirectoryError(f"{cache}: is a file; name a folder")
    return Store(None if no_cache else cache or cache_folder())


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

"""How the command line speaks: tables, files, progress."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from neuromem.backends import Progress as ProgressCall

#: A file or a pipe gets whole lines, whatever the terminal's width.
_WIDTH = None if sys.stdout.isatty() else 200
console = Console(highlight=False, width=_WIDTH)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], title: str | None = None
) -> None:
    """Print a table."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*[_plain(cell) for cell in row])
    console.print(table)


def print_line(text: str = "") -> None:
    """Print one line as it is."""
    console.print(text, markup=False, soft_wrap=True)


def check_writable(*paths: Path | None) -> None:
    """Raise OSError or ValueError for an output that could not be written, before anything runs."""
    for path in paths:
        if path is None or str(path) == "-":
            continue
        folder = path.parent
        if path.is_dir():
            raise IsADirectoryError(f"{path}: is a folder; name a file")
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: no such folder; create it, or write elsewhere")
        if not os.access(folder, os.W_OK):
            raise PermissionError(f"{folder}: cannot be written to; write elsewhere")


def check_plot(path: Path | None) -> None:
    """Raise ValueError for a figure of an unknown kind, before anything runs."""
    if path is not None:
        from neuromem.plotting import FORMATS

        check_writable(path)
        if path.suffix.lower() not in FORMATS:
            raise ValueError(f"{path}: a figure's name ends in {', '.join(FORMATS)}")


def write_json(path: Path | None, value: Any) -> None:
    """Write a value as readable JSON, as :func:`write_text` does."""
    if path is not None:
        text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
        write_text(path, text + "\n")


def write_text(path: Path | None, text: str) -> None:
    """Write a text, whole or not at all; to the standard output for ``-``."""
    if path is None:
        return
    if str(path) == "-":
        print(text, end="")
        return
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    print_line(f"wrote {path}")


def prepare(backend: str) -> None:
    """Say what the wait is for when the native engine is compiled on its first use."""
    if backend == "native" and errors.is_terminal:
        with errors.status("preparing the native engine (compiled once, some seconds)"):
            import_module("neuromem.backends.native.fast")


@contextmanager
def stage(what: str) -> Iterator[None]:
    """Say on the error stream what is being done, while it is done."""
    if not errors.is_terminal:
        yield
        return
    with errors.status(what):
        yield


@contextmanager
def progress(what: str) -> Iterator[ProgressCall]:
    """Show a progress bar on the error stream while something runs, and remove it at the end."""
    columns = (TextColumn(what), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    shown = errors.is_terminal
    with Progress(
        *columns, TimeRemainingColumn(), console=errors, transient=True, disable=not shown
    ) as bar:
        task = bar.add_task(what, total=None)

        def update(done: float, total: float) -> None:
            bar.update(task, completed=done, total=total)

        yield update


def _plain(cell: str) -> str:
    return cell.replace("[", r"\[")

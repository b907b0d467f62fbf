"""Options that several commands take, and what they check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

Count = Annotated[int, Parameter(validator=validators.Number(gte=1))]
#: Where to write records; a hyphen is the standard output.
Json = Annotated[Path | None, Parameter(allow_leading_hyphen=True)]


def check_there(*paths: Path | None) -> None:
    """Raise FileNotFoundError for data that are not there, before others are read."""
    for path in paths:
        if path is not None and not path.exists():
            raise FileNotFoundError(f"{path}: no such file or folder")

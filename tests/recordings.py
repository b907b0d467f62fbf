"""Real recordings, which are not part of the project: where they are, and tests that need them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_SHARED = Path(__file__).parents[2] / "shared"
#: Data sets.
DATA = Path(os.environ.get("NEUROMEM_DATA", _SHARED / "data"))
NMNIST = DATA / "nmnist_real_shared.zip"
MNIST = DATA / "mnist_shared.npz"
SPOKEN = DATA / "fsdd_shared.zip"
EVENT_SAMPLES = DATA / "other_event_samples"
#: Recordings of a SpiNNaker board.
ORACLE = Path(os.environ.get("NEUROMEM_ORACLE", _SHARED / "oracle"))


def needs(*paths: Path) -> pytest.MarkDecorator:
    """Skip a test where data sets are absent."""
    absent = [str(path) for path in paths if not path.exists()]
    return pytest.mark.skipif(bool(absent), reason=f"no {', '.join(absent)}: set NEUROMEM_DATA")


def of_the_board(name: str) -> Path:
    """Return a recording of the board; skip the test where it is absent."""
    path = ORACLE / f"ca3_{name}.json"
    if not path.is_file():
        pytest.skip(f"no recording of a board at {path}: set NEUROMEM_ORACLE to its folder")
    return path

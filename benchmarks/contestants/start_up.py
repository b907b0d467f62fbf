"""How long it takes to import neuromem and to get a first result, in fresh processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

SCRIPT = """
from time import process_time
start = process_time()
import neuromem
imported = process_time()
session = neuromem.Memory(cues=5, content=10).start(backend="native")
session.learn(0, [0, 1, 8, 9])
if session.recall_by_cue(0).content != (0, 1, 8, 9):
    raise SystemExit("the first result is wrong")
print(imported - start, process_time() - start)
"""


def start_up() -> dict[str, float]:
    """Return CPU seconds of the import and of a first result, without and with numba's cache."""
    with tempfile.TemporaryDirectory() as cache:
        _, cold = _fresh_process(cache)
        imported, cached = _fresh_process(cache)
    return {"import": imported, "first result, cold": cold, "first result, cached": cached}


def _fresh_process(cache: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"a first result failed in a fresh process:\n{done.stderr}")
    imported, first = (float(value) for value in done.stdout.split())
    return imported, first

"""One liquid on many recordings, shared out over processes."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any

import numpy as np

from neuromem.backends import Progress
from neuromem.events import EventSet
from neuromem.liquid.liquid import Liquid
from neuromem.network import SpikeBatch

#: Pieces that a process gets on average, so that a slow one does not hold up the rest.
PIECES_EACH = 4


def encode_in_processes(
    liquid: Liquid,
    recordings: EventSet | SpikeBatch,
    backend: str,
    processes: int,
    progress: Progress | None,
    **options: Any,
) -> np.ndarray:
    """Return what :func:`neuromem.liquid.encode` returns, computed by several processes.

    Recordings do not depend on each other, so that the features are the same for any number.
    Worth it for simulators without batches; the native engine's threads need no processes.
    """
    from neuromem.liquid.encoder import encode, part_of

    edges = np.linspace(0, len(recordings), processes * PIECES_EACH + 1).astype(int)
    pieces = [(a, b) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True) if a < b]
    found: dict[int, np.ndarray] = {}
    done = 0
    # Not forked: simulators, and the threads of numba and torch, do not survive it.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        jobs = {
            pool.submit(encode, liquid, part_of(recordings, a, b), backend, **options): (a, b)
            for a, b in pieces
        }
        try:
            for job in as_completed(jobs):
                start, stop = jobs[job]
                found[start] = job.result()
                done += stop - start
                if progress is not None:
                    progress(done, len(recordings))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return np.concatenate([found[start] for start in sorted(found)])

"""A run on a board; the virtual one has none to give."""

from __future__ import annotations

from neuromem.backends.features import Unsupported
from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.spinnaker.deploy import deploy


def simulate(job: Job) -> Outcome:
    """Return what the board gave for a job.

    Raises
    ------
    Unsupported
        On the virtual board, and where the preflight found errors; the message says which.
    """
    options = dict(job.options)
    board = options.pop("board", "virtual")
    if board == "virtual":
        raise Unsupported(
            f"backend {job.backend!r} on the virtual board maps a network and gives no spikes: "
            "name a board (board='HOST' or 'spalloc:SERVER'), or use another backend; "
            "neuromem deploy reports on the mapping"
        )
    deployment = deploy(
        job.network, board, duration_ms=job.duration_ms, stimulus=job.stimulus, **options
    )
    if deployment.outcome is None:
        first = deployment.preflight.of("error")[0]
        raise Unsupported(f"{first.where}: {first.what}; {first.remedy}".rstrip("; "))
    return deployment.outcome

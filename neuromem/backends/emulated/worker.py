"""The child process that maps a network for the emulator, and takes a snapshot of the mapping.

``python -m neuromem.backends.emulated.worker FOLDER``, as
:mod:`neuromem.backends.spinnaker.worker` is run.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from neuromem.backends.emulated import capture
from neuromem.backends.spinnaker import mapping as files
from neuromem.backends.spinnaker.outcome import every_tick
from neuromem.backends.spinnaker.parts import Part
from neuromem.backends.spinnaker.translate import build
from neuromem.backends.spinnaker.worker import guarded, read_stimulus
from neuromem.network import load


class EmulatorJob(files.WorkerJob, frozen=True, kw_only=True):
    """What the worker is to do.

    Parameters
    ----------
    sizing
        sPyNNaker's options of how neurons are laid onto cores; its own choice where empty.
    """

    sizing: dict[str, int] = msgspec.field(default_factory=dict)


def main(folder: Path) -> int:
    """Map the network in the folder onto a virtual board, and write the snapshot."""
    return guarded(folder, _map)


def _map(folder: Path) -> None:
    import spynnaker.pyNN as sim

    job = msgspec.json.decode((folder / files.JOB).read_bytes(), type=EmulatorJob)
    network = every_tick(load(folder / files.NETWORK))
    h = network.timestep_ms
    sim.setup(timestep=h, min_delay=h)
    _, parts = build(
        sim, network, read_stimulus(folder, network), fit_weights=job.fit_weights, sizing=job.sizing
    )
    sim.run(job.ticks * h)
    zeros = sum(_zeros(part, projection) for part, projection in parts)
    plastic = [(p.label, made) for p, made in parts if network.projection(p.label).plastic]
    capture.save(folder, plastic, zeros)
    sim.end()


def _zeros(part: Part, projection: Any) -> int:
    """Return how many weights became 0; raise ValueError where sPyNNaker has lost connections.

    On a virtual board it generates them itself, and 7.4.1 loses those with delays above what ring
    buffers hold where the source has fewer neurons than a core of the target may have.
    """
    rows = projection.get(["weight"], format="list").connections
    held = np.concatenate([np.zeros(0), *(row["weight"] for row in rows if len(row))])
    if len(held) != len(part.pre):
        raise ValueError(
            f"projection {part.label!r}: {len(held)} of {len(part.pre)} connections were "
            f"generated, with delays up to {part.delays_ms.max():g} ms: shorten the longest delays"
        )
    return int((held == 0).sum() - (part.weights == 0).sum())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

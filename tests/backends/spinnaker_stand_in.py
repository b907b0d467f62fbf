"""A worker for tests: on the virtual board the real one, on any other the native backend.

What no laptop has, a board, is stood in for by a simulation; all else of a deployment is real.
"""

import os
import signal
import sys
from pathlib import Path

import msgspec
import numpy as np

from neuromem import backends
from neuromem.backends.spinnaker import mapping as files
from neuromem.backends.spinnaker import worker
from neuromem.backends.spinnaker.child import USER_CONFIGURATION
from neuromem.network import Population, load


def main(folder: Path) -> int:
    configuration = (folder / USER_CONFIGURATION).read_text(encoding="utf-8")
    if "virtual_board" in configuration:
        return worker.main(folder)
    if "machine_name = killed" in configuration:
        os.kill(os.getpid(), signal.SIGKILL)
    if "machine_name = broken" in configuration:
        (folder / files.FAILURE).write_bytes(b'{"kind":"Refused","message":"no\\n chips"}')
        return 1
    network = load(folder / files.NETWORK)
    job = msgspec.json.decode((folder / files.JOB).read_bytes(), type=worker.WorkerJob)
    simulation = backends.start(network, "native")
    simulation.stimulate(worker.read_stimulus(folder, network))
    simulation.run(job.ticks * network.timestep_ms)
    arrays = {}
    for population in network.populations:
        if isinstance(population, Population):
            spikes = simulation.spikes(population.name)
            arrays[f"spikes {population.name}"] = np.column_stack([spikes.times_ms, spikes.neurons])
    for projection in network.projections:
        if projection.plastic:
            weights = simulation.weights(projection.label)
            pre, post = np.nonzero(~np.isnan(weights))
            start = network.view(projection.pre).start, network.view(projection.post).start
            columns = [pre + start[0], post + start[1], weights[pre, post]]
            arrays[f"weights {projection.label}"] = np.column_stack(columns)
    for recording in network.recordings:
        if recording.variable not in ("spikes", "weights"):
            samples = simulation.result().states[recording.target][recording.variable]
            arrays[f"sample {recording.variable} {recording.target}"] = samples.values
    np.savez_compressed(folder / files.OUTCOME, **arrays)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

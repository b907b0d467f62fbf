"""Speed and memory of the emulated SpiNNaker board, against the number of cores.

One population, 64 neurons on a core, is driven by a source of 64 lines at 10 Hz: each line fires
one neuron in 64, and each neuron has 32 synapses among the 512 neurons around it, too weak to fire
another. So in a tick of 1 ms a core sends about 0.6 packets, gets about 6 from 9 cores, and has 20
synaptic events, whatever the size. Each size is mapped, booted and run in a process of its own.
Rates are in CPU seconds of one thread; memory is resident.

Run it: ``python benchmarks/emulator_speed.py [--quick] [--json FILE]``. An interruption prints what
was measured so far.
"""

from __future__ import annotations

import json as json_format
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import cyclopts
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from neuromem.network import Network

#: Cores in all, one of them the source's.
SIZES = (10, 50, 150)
TICKS, QUICK_TICKS = 500, 300
PER_CORE, LINES, SYNAPSES, RATE_HZ = 64, 64, 32, 10.0
#: How far a synapse reaches, either way.
REACH = 256
#: Of the run that is timed; the ticks before compile the programs' code.
WARM_UP = 0.2
COLUMNS = {
    "cores": "cores", "chips": "chips", "neurons": "neurons", "ticks": "ticks",
    "packets": "packets", "map_seconds": "map s", "boot_seconds": "boot s",
    "core_ms_per_second": "core-ms/s", "real_time_factor": "real time x",
    "mb_per_core": "MB a core", "resident_mb": "MB in all",
}  # fmt: skip


def network(cores: int) -> Network:
    """Return the network that takes so many cores."""
    import numpy as np

    from neuromem.network import (
        FromListConnector,
        IF_curr_exp,
        Network,
        Population,
        Projection,
        Recording,
        SpikeSource,
        StaticSynapse,
    )

    rng, size = np.random.default_rng(0), PER_CORE * (cores - 1)
    neuron = IF_curr_exp(
        cm_nf=0.27, tau_m_ms=3.0, tau_refrac_ms=1.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3,
        v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.5,
    )  # fmt: skip
    pre = np.repeat(np.arange(size), SYNAPSES)
    post = (pre + rng.integers(-REACH, REACH, len(pre))) % size
    inside = sorted(set(zip(pre.tolist(), post.tolist(), strict=True)))
    return Network(
        name=f"{cores} cores",
        populations=(
            SpikeSource(name="input", size=LINES),
            Population(name="cells", size=size, neuron=neuron),
        ),
        projections=(
            Projection(
                pre="input", post="cells", synapse=StaticSynapse(weight=6.0),
                connector=FromListConnector(
                    connections=tuple((n % LINES, n) for n in range(size))
                ),
            ),
            Projection(
                pre="cells", post="cells", synapse=StaticSynapse(weight=0.0625),
                connector=FromListConnector(connections=tuple(inside)),
            ),
        ),
        recordings=(Recording(target="cells"),),
    )  # fmt: skip


def measure(cores: int, ticks: int) -> dict[str, float]:
    """Map, boot and run so many cores, and return what it took."""
    import numpy as np

    from neuromem.backends.emulated.simulation import mapped
    from neuromem.backends.rerun import Job
    from neuromem.network import SpikeTrains

    at, lines = np.nonzero(np.random.default_rng(1).random((ticks, LINES)) < RATE_HZ / 1000)
    job = Job(
        network(cores),
        {"input": SpikeTrains(at.astype(float), lines, LINES)},
        ticks,
        "spinnaker-emulated",
        "native",
        options={"neurons_per_core": PER_CORE},
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        machine = mapped(job, Path(folder))
        map_seconds, before, start = time.perf_counter() - start, resident_mb(), time.process_time()
        machine.boot()
        boot_seconds = time.process_time() - start
        marks = [(0, time.process_time())]
        machine.run(ticks, lambda tick: marks.append((tick, time.process_time())))
    first = next(mark for mark in marks if mark[0] >= WARM_UP * ticks)
    milliseconds, seconds = (last - one for one, last in zip(first, marks[-1], strict=True))
    return {
        "cores": len(machine.cores),
        "chips": len(machine.chips),
        "neurons": job.network.population("cells").size,
        "ticks": ticks,
        "packets": machine.router.sent,
        "map_seconds": map_seconds,
        "boot_seconds": boot_seconds,
        "core_ms_per_second": len(machine.cores) * milliseconds / seconds,
        "real_time_factor": milliseconds / seconds / 1000,
        "mb_per_core": (resident_mb() - before) / len(machine.cores),
        "resident_mb": resident_mb(),
    }


def resident_mb() -> float:
    """Return the largest memory of this process so far (MB)."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / (1e6 if sys.platform == "darwin" else 1024)


def main(*, quick: bool = False, cores: list[int] | None = None, json: Path | None = None) -> None:
    """Measure, print the table, and write it.

    Parameters
    ----------
    quick
        10 cores only, for 300 ticks.
    cores
        How many cores; 10, 50 and 150 where not given.
    json
        Write the records here too.
    """
    records: list[dict[str, float]] = []
    progress = Console(stderr=True)
    try:
        for size in cores or (SIZES[:1] if quick else SIZES):
            progress.print(f"{size} cores: mapping, booting, running")
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                records.append(pool.submit(measure, size, QUICK_TICKS if quick else TICKS).result())
    except KeyboardInterrupt:
        progress.print("interrupted: this is what was measured so far")
    table = Table(title="The emulated board", box=SIMPLE)
    for title in COLUMNS.values():
        table.add_column(title, justify="right", no_wrap=True)
    for record in records:
        table.add_row(*(f"{record[name]:,.4g}" for name in COLUMNS))
    Console(width=None if sys.stdout.isatty() else 130).print(table)
    if json is not None:
        json.write_text(json_format.dumps(records, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    cyclopts.run(main)

"""The child process in which sPyNNaker runs: one network, from its folder and back into it.

sPyNNaker keeps global state, writes beside its configuration, prints, and ends the process that it
cannot go on in. Here all of that stays in the run's folder: ``python -m
neuromem.backends.spinnaker.worker FOLDER``, with ``HOME`` set to it.
"""

from __future__ import annotations

import os
import re
import sqlite3
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from neuromem.backends.sampling import interval_ticks
from neuromem.backends.spinnaker import mapping as files
from neuromem.backends.spinnaker.mapping import (
    Core,
    DelayCore,
    Failure,
    MappedPopulation,
    Mapping,
    WorkerJob,
)
from neuromem.backends.spinnaker.outcome import after_tick, every_tick
from neuromem.backends.spinnaker.parts import Part
from neuromem.backends.spinnaker.translate import RECORDED, build
from neuromem.network import Network, Population, SpikeTrains, load

#: How often the worker looks if its parent is still there (s).
PARENT_CHECK_S = 1.0
#: Words before the shifts in the region of synapse parameters, and before those of the neurons.
_SHIFTS_AT = {"SynapseParams": 7, "Neuron Core Params": 5}


def main(folder: Path) -> int:
    """Map the network in the folder, run it where there is a board, and write what was found."""
    return guarded(folder, _work)


def guarded(folder: Path, work: Callable[[Path], None]) -> int:
    """Do a worker's work, ending with the parent; write down why it failed."""
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    try:
        work(folder)
    except Exception as error:
        traceback.print_exc()
        failure = Failure(kind=type(error).__name__, message=str(error))
        (folder / files.FAILURE).write_bytes(msgspec.json.encode(failure))
        return 1
    return 0


def read_stimulus(folder: Path, network: Network) -> dict[str, SpikeTrains]:
    """Return the spikes of each source as they were written into the folder."""
    with np.load(folder / files.STIMULUS) as stored:
        return {
            name: SpikeTrains(rows[:, 0], rows[:, 1].astype(int), network.population(name).size)
            for name, rows in stored.items()
        }


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, as a killed one cannot end its children."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_S)
    os._exit(1)


def _work(folder: Path) -> None:
    import spynnaker.pyNN as sim  # pyright: ignore[reportMissingImports]
    from spinn_utilities.config_holder import (  # pyright: ignore[reportMissingImports]
        get_config_bool,
    )

    job = msgspec.json.decode((folder / files.JOB).read_bytes(), type=WorkerJob)
    network = load(folder / files.NETWORK)
    h = network.timestep_ms
    sim.setup(timestep=h, min_delay=h)
    virtual = get_config_bool("Machine", "virtual_board")
    stimulus = read_stimulus(folder, network)
    recorded = network if virtual else every_tick(network)
    made, parts = build(sim, recorded, stimulus, fit_weights=job.fit_weights)
    sim.run(job.ticks * h)
    if virtual:
        found = _mapping(network, made, parts, job)
        (folder / files.MAPPING).write_bytes(msgspec.json.encode(found))
        _write_connections(folder / files.CONNECTIONS, parts)
    else:
        _write_outcome(folder / files.OUTCOME, network, made, parts, job)
    sim.end()


def _mapping(
    network: Network, made: dict, parts: list[tuple[Part, Any]], job: WorkerJob
) -> Mapping:
    from importlib import metadata

    from spynnaker.pyNN.data import (  # pyright: ignore[reportMissingImports]
        SpynnakerDataView,
    )

    machine, run_dir = SpynnakerDataView.get_machine(), Path(SpynnakerDataView.get_run_dir_path())
    version = SpynnakerDataView.get_machine_version()
    regions, shifts = _data_specification(run_dir / "ds.sqlite3")
    cores = [_core(placement, regions) for placement in SpynnakerDataView.iterate_placemements()]
    neurons = {
        p.name: made[p.name]._vertex for p in network.populations if isinstance(p, Population)
    }
    chips = list(machine.chips)
    return Mapping(
        simulator=metadata.version("sPyNNaker"),
        machine=str(machine).strip("[]"),
        chips=machine.n_chips,
        boards=len(machine.ethernet_connected_chips),
        sdram_per_chip=min(chip.sdram for chip in chips),
        dtcm_per_core=version.dtcm_bytes,
        routing_entries_per_chip=min(c.router.n_available_multicast_entries for c in chips),
        time_scale_factor=SpynnakerDataView.get_time_scale_factor(),
        cores=cores,
        populations={name: _population(v, cores, shifts, name) for name, v in neurons.items()},
        delay_cores=_delays(SpynnakerDataView),
        routing=_routing(run_dir),
        synapses_per_second={
            part.label: projection._synapse_information.synapse_dynamics.synapses_per_second
            for part, projection in parts
        },
        warnings=_warnings(run_dir),
        fit_weights=job.fit_weights,
    )


def _core(placement: Any, regions: dict) -> Core:
    vertex, where = placement.vertex, (placement.x, placement.y, placement.p)
    parent, part = vertex.app_vertex, vertex.vertex_slice
    sdram = vertex.sdram_required
    return Core(
        x=placement.x,
        y=placement.y,
        p=placement.p,
        holds="" if parent is None else parent.label,
        program=vertex.get_binary_file_name().removesuffix(".aplx"),
        first=0 if parent is None else part.lo_atom,
        neurons=0 if parent is None else part.n_atoms,
        sdram_bytes=int(sdram.fixed),
        sdram_bytes_per_tick=float(sdram.per_timestep),
        regions=regions.get(where, {}),
    )


def _data_specification(path: Path) -> tuple[dict, dict]:
    """Return the sizes of every core's regions, and its ring buffer shifts by region."""
    sizes: dict[tuple[int, int, int], dict[str, int]] = {}
    shifts: dict[tuple[int, int, int], dict[str, tuple[int, ...]]] = {}
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT x, y, p, region_label, size, content FROM region")
        for x, y, p, label, size, content in rows:
            sizes.setdefault((x, y, p), {})[label or "unnamed"] = size
            if label in _SHIFTS_AT and content:
                words = struct.unpack(f"<{len(content) // 4}I", content)
                start = _SHIFTS_AT[label]
                shifts.setdefault((x, y, p), {})[label] = words[start : start + 2]
                if label == "SynapseParams":
                    shifts[x, y, p]["bits"] = words[2:5]
    return sizes, shifts


def _population(vertex: Any, cores: list[Core], shifts: dict, name: str) -> MappedPopulation:
    exc, inh = vertex.get_ring_buffer_shifts()
    of = [shifts[c.x, c.y, c.p] for c in cores if c.holds == name and (c.x, c.y, c.p) in shifts]
    rows, largest = [0], max(core.neurons for core in cores if core.holds == name)
    for projection in vertex.incoming_projections:
        info = projection._synapse_information
        row = vertex.get_max_row_info(info, largest, projection._projection_edge)
        rows += [row.undelayed_max_bytes // 4, row.delayed_max_bytes // 4]
    return MappedPopulation(
        shifts=(exc, inh),
        written_shifts=[found[label] for found in of for label in _SHIFTS_AT if label in found],
        ring_buffer_bits=max(sum(found["bits"]) for found in of if "bits" in found),
        delay_slots=vertex.max_delay_steps,
        spike_buffer=vertex.incoming_spike_buffer_size,
        longest_row_words=max(rows),
        plastic=vertex.synapse_dynamics.changes_during_run,
    )


def _delays(view: Any) -> dict[str, DelayCore]:
    from spynnaker.pyNN.models.utility_models.delays import (  # pyright: ignore[reportMissingImports]
        DelayExtensionVertex,
    )

    return {
        vertex.label: DelayCore(
            stages=vertex.n_delay_stages, ticks_per_stage=vertex.delay_per_stage
        )
        for vertex in view.get_vertices_by_type(DelayExtensionVertex)
    }


def _routing(run_dir: Path) -> dict[str, tuple[int, int]]:
    """Return each chip's routing entries before and after compression, from the report."""
    report = run_dir / "comparison_of_compressed_uncompressed_routing_tables.rpt"
    if not report.exists():
        return {}
    line = re.compile(r"table at (\d+):(\d+) has (\d+) entries .* has (\d+) entries")
    return {f"{x},{y}": (int(a), int(b)) for x, y, a, b in line.findall(report.read_text())}


def _warnings(run_dir: Path) -> list[str]:
    """Return what sPyNNaker warned of, each once, from its own log."""
    database = run_dir.parent / "global_provenance.sqlite3"
    with sqlite3.connect(database) as provenance:
        rows = provenance.execute(
            "SELECT message FROM p_log_provenance WHERE level >= 30 ORDER BY log_id"
        )
        return list(dict.fromkeys(message for (message,) in rows))


def _write_connections(path: Path, parts: list[tuple[Part, Any]]) -> None:
    """Write every connection as it was generated for the board's memory: pre, post, weight, delay.

    On the virtual board sPyNNaker reads this back from the synaptic rows, delays in ms.
    """
    tables: dict[str, Any] = {
        str(number): _columns(
            projection.get(["weight", "delay"], format="list"),
            ("source", "target", "weight", "delay"),
        )
        for number, (_, projection) in enumerate(parts)
    }
    np.savez_compressed(path, **tables)


def _columns(holder: Any, names: tuple[str, ...]) -> np.ndarray:
    """Return the connections of all cores as columns."""
    held: list[Any] = [rows for rows in holder.connections if len(rows)]
    if not held:
        return np.zeros((0, len(names)))
    return np.concatenate([np.column_stack([rows[n] for n in names]) for rows in held])


def _write_outcome(
    path: Path, network: Network, made: dict, parts: list[tuple[Part, Any]], job: WorkerJob
) -> None:
    """Write the spikes, samples and final weights that the board gave."""
    arrays: dict[str, Any] = {}
    for population in network.populations:
        if not isinstance(population, Population):
            continue
        segment = made[population.name].get_data("spikes").segments[-1]
        rows = [
            (float(t), neuron)
            for neuron, train in enumerate(segment.spiketrains)
            for t in train.rescale("ms").magnitude
        ]
        arrays[f"spikes {population.name}"] = np.array(rows).reshape(-1, 2)
    for recording in network.recordings:
        if recording.variable in RECORDED:
            name = RECORDED[recording.variable]
            segment = made[recording.target].get_data(name).segments[-1]
            signal = segment.filter(name=name)[0].magnitude
            values = after_tick(network, recording, np.asarray(signal))
            kept = values[:: interval_ticks(network, recording)]
            arrays[f"sample {recording.variable} {recording.target}"] = kept
    for part, projection in parts:
        if network.projection(part.label).plastic:
            held = projection.get(["weight"], format="list")
            arrays[f"weights {part.label}"] = _columns(held, ("source", "target", "weight"))
    np.savez_compressed(path, **arrays)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

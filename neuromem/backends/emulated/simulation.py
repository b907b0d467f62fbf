"""A run on the emulated board: check, map, boot, run, read out, and compare where asked to."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from neuromem.backends.emulated import counters, readout, snapshot
from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.worker import EmulatorJob
from neuromem.backends.features import Unsupported
from neuromem.backends.rerun import Job, Outcome
from neuromem.backends.spinnaker import child
from neuromem.backends.spinnaker.board import Board
from neuromem.backends.spinnaker.card import load_card
from neuromem.backends.spinnaker.definition import check_definition
from neuromem.backends.spinnaker.outcome import to_outcome
from neuromem.backends.verified import against_definition

#: The kind of board that the network is mapped onto; as many of them as it needs.
CARD = "spinn-5"
WORKER = "neuromem.backends.emulated.worker"
#: Options of how neurons are laid onto cores, and sPyNNaker's names of them.
SIZING = {"neurons_per_core": "neurons_per_core", "synapse_cores": "n_synapse_cores"}


def simulate(job: Job) -> Outcome:
    """Return what the board's programs give for a job.

    Raises
    ------
    Unsupported
        When the board cannot run the network, or with ``fidelity="exact"`` when the outcome is not
        the definition's: the first spike or weight that differs is named.
    DeploymentError, EmulationError
        ValueErrors, when sPyNNaker cannot map the network, or an emulated core stops; both name
        a file that says more.
    """
    errors = [found for found in check_definition(job.network) if found.severity == "error"]
    if errors:
        raise Unsupported(f"{errors[0].where}: {errors[0].what}; {errors[0].remedy}".rstrip("; "))
    given = job.options.get("folder")
    folder = Path(given or tempfile.mkdtemp(prefix="neuromem-emulated-"))
    try:
        outcome = _simulate(job, folder)
    except KeyboardInterrupt:
        if given is None:
            shutil.rmtree(folder)
        raise
    if given is None:  # after an error it stays: the error names files in it
        shutil.rmtree(folder)
    if job.fidelity == "exact":
        against_definition(job, outcome).require_none(job.backend)
        checked = {"checked": "spikes and weights against the native backend"}
        outcome = replace(outcome, settings={**outcome.settings, **checked})
    return outcome


def sizing(options: Mapping[str, Any]) -> dict[str, int]:
    """Return how options lay neurons onto cores; raise ValueError for a bad value."""
    found = {}
    for name, theirs in SIZING.items():
        value = options.get(name)
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{name} = {value!r}: must be a whole number, at least 1")
        if value is not None:
            found[theirs] = value
    return found


def mapped(job: Job, folder: Path) -> Machine:
    """Map a job's network in a folder, and return a machine that is to be booted with it."""
    mapping_job = EmulatorJob(
        ticks=job.ticks,
        fit_weights=bool(job.options.get("fit_weights", False)),
        sizing=sizing(job.options),
    )
    version = load_card(CARD).version
    child.prepare(folder, job.network, job.stimulus, mapping_job, Board("virtual"), version)
    child.run(folder, WORKER)
    return Machine(
        snapshot.load(folder),
        folder,
        compressed=bool(job.options.get("compressed", True)),
    )


def _simulate(job: Job, folder: Path) -> Outcome:
    """Map in a folder, and run what is found there."""
    machine = mapped(job, folder)
    machine.boot()
    machine.run(job.ticks, _progress(job))
    arrays = readout.arrays(machine, job.network)
    found = to_outcome(arrays, job.network, job.stimulus, job.ticks)
    return Outcome(found.spikes, found.weights, found.samples, _settings(machine))


def _progress(job: Job) -> Any:
    report, h = job.progress, job.network.timestep_ms
    if report is None:
        return None
    return lambda ticks: report(ticks * h, job.duration_ms)


def _settings(machine: Machine) -> dict[str, str]:
    """Return what was emulated, for the provenance."""
    router = machine.router
    settings = {
        "emulation": "functional: nothing of timing, contention, or packets lost on their way",
        "emulated": f"{len(machine.cores)} cores on {len(machine.chips)} chips",
        "packets": f"{router.sent} sent, {router.delivered} delivered, {router.hops} over links",
    }
    if router.dropped:
        settings["dropped packets"] = "; ".join(f"{n} x {why}" for why, n in router.dropped.items())
    settings["weights rounded to zero"] = str(machine.snapshot.zeros)
    return {**settings, **counters.settings(counters.read(machine))}

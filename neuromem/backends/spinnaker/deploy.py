"""Deployment: check the definition, find the board, map, report, and run where there is a board."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from neuromem.backends.rerun import Outcome
from neuromem.backends.spinnaker import activity, child, mapped, weights
from neuromem.backends.spinnaker import mapping as files
from neuromem.backends.spinnaker.board import Board
from neuromem.backends.spinnaker.capabilities import capabilities
from neuromem.backends.spinnaker.card import BoardCard, load_card
from neuromem.backends.spinnaker.child import DeploymentError
from neuromem.backends.spinnaker.definition import check_definition
from neuromem.backends.spinnaker.mapping import Mapping, WorkerJob
from neuromem.backends.spinnaker.outcome import read_outcome
from neuromem.backends.spinnaker.preflight import Finding, Preflight, sorted_findings
from neuromem.backends.stimulus import Stimulus
from neuromem.network import Network
from neuromem.results import Result, Samples, provenance

BACKEND = "pynn:spinnaker"
#: What the report itself says: a source without a stimulus, and a slower board.
OWN_WORDS = ("has no spike times", "slow the simulation down")


@dataclass(frozen=True)
class Deployment:
    """What came of a deployment.

    Parameters
    ----------
    preflight
        The report; errors in it mean that nothing was run.
    outcome
        Spikes, samples and weights from a board; None from the virtual one.
    """

    preflight: Preflight
    outcome: Outcome | None = None


def deploy(
    network: Network,
    board: str = "virtual",
    *,
    card: str | os.PathLike[str] | BoardCard = "spinn-5",
    folder: str | os.PathLike[str] | None = None,
    duration_ms: float = 1000.0,
    stimulus: Stimulus | None = None,
    settings: str | os.PathLike[str] | None = None,
    fit_weights: bool = False,
    check: bool = True,
) -> Deployment:
    """Map a network with sPyNNaker, report on it, and run it where there is a board.

    It is mapped onto a virtual board first, whatever the board: the report comes from that, and a
    network with errors in it is not run.

    Parameters
    ----------
    network
        What to deploy.
    board
        ``"virtual"``, a board's host name or IP address, or ``"spalloc:SERVER"``.
    card
        Kind of board: a name in ``hardware/spinnaker/``, or a TOML file like those.
    folder
        Where configuration, log and sPyNNaker's own reports go; where None a temporary one, which
        stays only when something is wrong.
    duration_ms
        How long it runs (ms); recordings take memory for each tick.
    stimulus
        Input spikes of each source. With them the report says what reaches the cores.
    settings
        A file of further sPyNNaker settings, in its own format.
    fit_weights
        Let ring buffers hold the largest sum of weights that can arrive in a tick and no more,
        instead of sPyNNaker's estimate: finer weights.
    check
        Ask the board or server whether it answers, before mapping.

    Raises
    ------
    ConnectionError
        When the board or server does not answer.
    DeploymentError
        A ValueError, when sPyNNaker fails while a board runs the network.
    ModuleNotFoundError
        When sPyNNaker is not installed.
    """
    capabilities(BACKEND).require()
    target = Board.of(board)
    known = card if isinstance(card, BoardCard) else load_card(card)
    ticks = network.ticks(duration_ms, "duration_ms")
    if ticks < 1:
        raise ValueError(f"duration_ms = {duration_ms:g}: must be at least one time step")
    if check:
        target.reach()
    if folder is None:
        made = tempfile.mkdtemp(prefix="neuromem-spinnaker-")
        found = deploy(
            network, board, card=known, folder=made, duration_ms=duration_ms, stimulus=stimulus,
            settings=settings, fit_weights=fit_weights, check=False,
        )  # fmt: skip
        if found.preflight.ok:  # otherwise the report may name the log
            shutil.rmtree(made)
        return found
    where, given = Path(folder), dict(stimulus or {})
    further = None if settings is None else Path(settings)
    job = WorkerJob(ticks=ticks, fit_weights=fit_weights)
    report = Preflight(
        network=network.name,
        sha256=network.digest(),
        board=board,
        duration_ms=duration_ms,
        findings=sorted_findings(check_definition(network)),
    )
    if not report.ok:
        return Deployment(report)
    child.prepare(where, network, given, job, Board("virtual"), known.version, further)
    try:
        child.run(where)
    except DeploymentError as error:
        failed = Finding(
            severity="error", check="mapping", where="network", what=str(error), remedy=""
        )
        return Deployment(msgspec.structs.replace(report, findings=(failed, *report.findings)))
    report = _examined(report, network, where, known, given, ticks)
    if target.kind == "virtual" or not report.ok:
        return Deployment(report)
    child.prepare(where, network, given, job, target, known.version, further)
    child.run(where)
    return Deployment(report, read_outcome(where, network, given, ticks))


def to_result(network: Network, outcome: Outcome, duration_ms: float) -> Result:
    """Return what a board gave as a result, with its provenance."""
    can = capabilities(BACKEND)
    states: dict[str, dict[str, Samples]] = {}
    for (target, variable), samples in outcome.samples.items():
        states.setdefault(target, {})[variable] = samples
    return Result(
        network=network,
        start_ms=0.0,
        stop_ms=duration_ms,
        spikes=dict(outcome.spikes),
        provenance=provenance(
            network.digest(), BACKEND, can.version, None, can.packages, fidelity="native"
        ),
        states=states,
    )


def _examined(
    report: Preflight,
    network: Network,
    folder: Path,
    card: BoardCard,
    stimulus: Stimulus,
    ticks: int,
) -> Preflight:
    """Return the report with all that the mapping gave."""
    mapping = msgspec.json.decode((folder / files.MAPPING).read_bytes(), type=Mapping)
    with np.load(folder / files.CONNECTIONS) as stored:
        held = dict(stored.items())
    machine = mapped.machine_use(mapping, report.board, card, ticks)
    cores, too_large = mapped.core_use(network, mapping, ticks)
    buffers, overflowing = weights.ring_buffers(network, mapping)
    held_weights, changed = weights.weight_use(network, mapping, held)
    findings = [
        *report.findings,
        *mapped.check_machine(machine, mapping, card),
        *mapped.check_late_plasticity(network, mapping),
        *mapped.check_divided_plasticity(network, mapping),
        *too_large,
        *overflowing,
        *changed,
        *_said(mapping),
    ]
    loads: tuple = ()
    if any(len(trains) for trains in stimulus.values()):
        spikes = activity.native_spikes(network, stimulus, ticks)
        loads, busy = activity.check_activity(network, mapping, spikes, ticks)
        findings += busy
    return msgspec.structs.replace(
        report,
        findings=sorted_findings(findings),
        machine=machine,
        cores=cores,
        ring_buffers=buffers,
        weights=held_weights,
        loads=loads,
    )


def _said(mapping: Mapping) -> list[Finding]:
    """Return sPyNNaker's own warnings, but for those that the report says in its own words."""
    return [
        Finding(severity="warning", check="sPyNNaker", where="its log", what=said.rstrip("."))
        for said in mapping.warnings
        if not any(own in said for own in OWN_WORDS)
    ]

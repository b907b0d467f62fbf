"""``neuromem deploy``: a network or a memory program on SpiNNaker, with a report before it runs."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter, validators

from neuromem import backends
from neuromem.backends.spinnaker import deploy as deploy_network
from neuromem.backends.spinnaker.deploy import BACKEND, to_result
from neuromem.backends.spinnaker.words import beside_counts
from neuromem.cli.memory import print_answers
from neuromem.cli.output import (
    check_writable,
    prepare,
    print_line,
    print_table,
    progress,
    stage,
    write_json,
    write_text,
)
from neuromem.cli.parameters import Json
from neuromem.memory import Session, load_program
from neuromem.memory.answers import read_answers
from neuromem.network import Network, SpikeSource, SpikeTrains, load
from neuromem.results import Result

Seed = Annotated[int | None, Parameter(validator=validators.Number(gte=0))]
#: How long a network without a stimulus is said to run (ms); recordings take memory for it.
DURATION_MS = 1000.0
#: The board that is not there, and the backend that stands for it.
EMULATED, EMULATOR = "emulated", "spinnaker-emulated"


@dataclass(frozen=True)
class Work:
    """What is to be deployed; the session that performed it natively, for a memory program."""

    network: Network
    stimulus: dict[str, SpikeTrains]
    duration_ms: float
    session: Session | None = None


def deploy(
    definition: Path,
    /,
    *,
    board: str = "virtual",
    card: str = "spinn-5",
    out: Path | None = None,
    report: Path | None = None,
    json: Json = None,
    duration_ms: float | None = None,
    stimulus: Path | None = None,
    settings: Path | None = None,
    fit_weights: bool = False,
    check: bool = True,
    seed: Seed = None,
) -> int:
    """Map a network onto SpiNNaker, report on it, and run it where a board answers.

    The exit code is 1 where the network cannot run.

    Parameters
    ----------
    definition
        A network (JSON), or a program of memory operations (TOML).
    board
        virtual: map and report only; emulated: then run the board's own programs on an emulated
        processor (slow, and nothing about timing); a board's host name or IP address; or
        spalloc:SERVER.
    card
        Kind of board: spinn-3, spinn-5, million-core, or a TOML file like theirs.
    out
        Folder for configuration, log and sPyNNaker's reports; DEFINITION.spinnaker if not given.
    report
        Keep the text of the report here, with the command on top.
    json
        Write the report here as JSON; "-" for the standard output.
    duration_ms
        How long a network runs (ms); a program runs until its last answer.
    stimulus
        Input spikes of a network: those of the sources in this result (HDF5).
    settings
        File of further sPyNNaker settings.
    fit_weights
        Finer weights: ring buffers no larger than the largest possible sum.
    check
        Ask the board if it answers, before mapping.
    seed
        Seed of a program's random operations.
    """
    check_writable(report, json)
    backends.capabilities(BACKEND if board != EMULATED else EMULATOR).require()
    work = _work(definition, duration_ms, stimulus, seed)
    folder = out or Path(f"{definition.stem}.spinnaker")
    with stage(f"mapping with sPyNNaker; its log is in {folder}"):
        found = deploy_network(
            work.network,
            "virtual" if board == EMULATED else board,
            card=card,
            folder=folder,
            duration_ms=work.duration_ms,
            stimulus=work.stimulus,
            settings=settings,
            fit_weights=fit_weights,
            check=check,
        )
    if str(json) != "-":
        print_line(str(found.preflight).rstrip("\n"))
    write_text(report, f"{_command()}{found.preflight}")
    write_json(json, found.preflight)
    if board == EMULATED and found.preflight.ok:
        with progress("emulating") as update:
            result = backends.run(
                work.network,
                work.duration_ms,
                work.stimulus,
                EMULATOR,
                fidelity="native",
                progress=update,
                folder=folder / EMULATED,
                fit_weights=fit_weights,
            )
        print_line()
        print_table(*beside_counts(found.preflight, result.provenance.settings))
        print_line()
        _print_result(work, result, folder, "the emulated board")
    elif found.outcome is not None:
        result = to_result(work.network, found.outcome, work.duration_ms)
        _print_result(work, result, folder, "the board")
    return 0 if found.preflight.ok else 1


def _command() -> str:
    """Return the command that was given, as the head of a report that is kept."""
    given = sys.argv[1:]
    return f"$ {shlex.join(['neuromem', *given])}\n\n" if given[:1] == ["deploy"] else ""


def _work(
    definition: Path, duration_ms: float | None, stimulus: Path | None, seed: int | None
) -> Work:
    if definition.suffix != ".toml":
        return _network(definition, duration_ms, stimulus)
    if duration_ms is not None or stimulus is not None:
        raise ValueError(
            f"{definition}: a program has its own input and duration; leave --stimulus and "
            "--duration-ms out"
        )
    program = load_program(definition)
    operations = program.expanded(np.random.default_rng(seed))
    prepare("native")
    session = program.build().start(
        "native", seed=seed, spacing_ms=program.spacing_ms, force=program.force
    )
    session.run(operations)
    network = session.memory.network
    return Work(network, _sources(network, session.result()), session.time_ms, session)


def _network(definition: Path, duration_ms: float | None, stimulus: Path | None) -> Work:
    network = load(definition)
    if stimulus is None:
        return Work(network, {}, DURATION_MS if duration_ms is None else duration_ms)
    result = Result.load(stimulus)
    prepare("native")
    duration = result.stop_ms if duration_ms is None else duration_ms
    return Work(network, _sources(network, result), duration)


def _sources(network: Network, result: Result) -> dict[str, SpikeTrains]:
    """Return the spikes of a network's sources in a result."""
    names = [p.name for p in network.populations if isinstance(p, SpikeSource)]
    missing = [name for name in names if name not in result.spikes]
    if missing:
        raise ValueError(f"the result has no spikes of {', '.join(missing)}: record its sources")
    return {name: result.spikes[name] for name in names}


def _print_result(work: Work, result: Result, folder: Path, where: str) -> None:
    """Print what the board gave, or what stands for it, and write it."""
    spikes = result.spikes
    print_table(
        ("population", f"spikes on {where}"), [(name, str(len(s))) for name, s in spikes.items()]
    )
    if work.session is not None:
        session, memory = work.session, work.session.memory
        print_answers(
            read_answers(
                session.operations,
                session.starts,
                spikes["output"],
                session.time_ms,
                memory.model,
                memory.cues,
            )
        )
    print_line(f"wrote {result.save(folder / 'result.h5')}")

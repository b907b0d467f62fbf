"""sPyNNaker in a process of its own: its files, its output and its end stay in the run's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from neuromem.backends.spinnaker import mapping as files
from neuromem.backends.spinnaker.board import Board
from neuromem.backends.spinnaker.mapping import Failure, WorkerJob
from neuromem.backends.stimulus import Stimulus
from neuromem.network import Network, save

WORKER = "neuromem.backends.spinnaker.worker"
#: sPyNNaker's configuration: what it takes for the user's, and what it finds where it runs.
USER_CONFIGURATION, RUN_CONFIGURATION = ".spynnaker.cfg", "spynnaker.cfg"
_WRITTEN = (files.MAPPING, files.CONNECTIONS, files.OUTCOME, files.FAILURE, RUN_CONFIGURATION)


class DeploymentError(ValueError):
    """sPyNNaker did not get to its end: what it said, and where its log is."""


def prepare(
    folder: Path,
    network: Network,
    stimulus: Stimulus,
    job: WorkerJob,
    board: Board,
    version: int,
    settings: Path | None = None,
) -> None:
    """Write all that the worker needs into its folder.

    ``settings`` is a file of further sPyNNaker settings, which win over ours.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in _WRITTEN:
        (folder / name).unlink(missing_ok=True)
    (folder / USER_CONFIGURATION).write_text(board.configuration(version), encoding="utf-8")
    if settings is not None:
        text = settings.read_text(encoding="utf-8")
        (folder / RUN_CONFIGURATION).write_text(text, encoding="utf-8")
    save(network, folder / files.NETWORK)
    spikes: dict[str, Any] = {
        name: np.column_stack([t.times_ms, t.neurons]) for name, t in stimulus.items()
    }
    np.savez_compressed(folder / files.STIMULUS, **spikes)
    (folder / files.JOB).write_bytes(msgspec.json.encode(job))


def run(folder: Path, worker: str | None = None) -> None:
    """Run a worker in a prepared folder until it ends; an interruption ends it as well.

    Raises
    ------
    DeploymentError
        When it fails or is killed, naming what sPyNNaker said and its log.
    """
    log = folder / files.LOG
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", worker or WORKER, str(folder.resolve())],
            cwd=folder,
            env=_environment(folder.resolve()),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # with its own children: one signal ends them all
        )
        try:
            code = child.wait()
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            raise
    if code == 0:
        return
    if (folder / files.FAILURE).exists():
        failed = msgspec.json.decode((folder / files.FAILURE).read_bytes(), type=Failure)
        said = " ".join(failed.message.split()) or "no reason given"
        raise DeploymentError(f"sPyNNaker stopped: {failed.kind}: {said}; its log: {log}")
    how = f"was killed (signal {-code})" if code < 0 else f"ended with exit code {code}"
    raise DeploymentError(f"sPyNNaker {how} before it was done; its log: {log}")


def _environment(home: Path) -> dict[str, str]:
    """Return an environment in which sPyNNaker finds our configuration and no other."""
    user = os.environ
    cache = user.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    paths = [str(Path(__file__).parents[3]), user.get("PYTHONPATH", "")]
    return {
        **user,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CONFIG_DIRS": str(home / ".config"),
        "XDG_CACHE_HOME": cache,  # or matplotlib's font list would be built anew in every run
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONWARNINGS": "ignore",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }

"""NEURON on two processes, by MPI."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from neuromem.backends import capabilities

SCRIPT = """
from mpi4py import MPI
from neuromem import backends
from neuromem.protocols.parity.scenarios import scenarios

(chosen,) = (s for s in scenarios() if s.name == "30 recurrent neurons, delays of 2 ms")
given = chosen.network, chosen.duration_ms, chosen.stimulus
try:
    backends.run(*given, "pynn:neuron", fidelity="native")
except ValueError as error:
    print(f"refused: {error}")
found, expected = backends.run(*given, "pynn:neuron"), backends.run(*given, "native-reference")
equal = all(found.spikes[name] == expected.spikes[name] for name in found.spikes)
print(f"of {MPI.COMM_WORLD.size}: {equal}, {len(expected.spikes['cells'])} spikes", flush=True)
"""


def two_processes(script: str) -> str:
    """Return what a script prints that runs on two processes."""
    launcher = Path(sysconfig.get_path("scripts")) / "mpiexec"
    library = Path(sys.prefix) / "lib" / "libmpi.so.40"
    if capabilities("pynn:neuron").missing or not launcher.exists() or not library.exists():
        pytest.skip(
            "NEURON, mpi4py or Open MPI not installed: pip install 'neuromem-snn[pynn,mpi]'"
        )
    environment = {
        **os.environ,
        "MPI_LIB_NRN_PATH": str(library),
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    done = subprocess.run(
        [str(launcher), "-n", "2", "--oversubscribe", sys.executable, "-c", script],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_two_processes_give_the_definitions_spikes_to_both() -> None:
    said = two_processes(SCRIPT)
    assert said.count("of 2: True, 1418 spikes") == 2
    assert said.count("refused: pyNN.neuron on several processes takes no delay below 2") == 2

"""``c``: the batched engine's kernel by hand in C (``liquid_rows.c``), compiled here and now.

It takes the very arguments of the engine's own kernel, which it replaces; all around it is ours.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from contestants.liquid_workload import LiquidWorkload
from neuromem.backends.reservoir import kernel, layout, run_batch

#: Without contraction, as a fused multiply-add rounds once where two operations round twice.
FLAGS = ("-O3", "-march=native", "-funroll-loops", "-ffp-contract=off", "-shared", "-fPIC")


class CompiledC:
    """The C kernel in place of the compiled Python one."""

    def __init__(self, work: LiquidWorkload) -> None:
        start = perf_counter()
        self.work = work
        self.samples = work.batch.samples
        self.function = _compiled()
        self.compile_seconds = perf_counter() - start

    def run(self) -> tuple[float, np.ndarray]:
        """Run; return the seconds and the spikes of every neuron in every recording."""
        work, ours = self.work, kernel.run
        kernel.run = lambda: self.function
        try:
            start = work.clock()
            features = run_batch(work.reservoir, work.batch, threads=work.threads)
            return work.clock() - start, features["count"][:, 0]
        finally:
            kernel.run = ours

    def close(self) -> None:
        """Nothing is held."""


def _compiled():
    """Compile ``liquid_rows.c`` for this machine and return its function."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise ImportError("no C compiler: install gcc")
    source = Path(__file__).with_name("liquid_rows.c")
    positions = [
        f"-D{name}={value}"
        for name, value in vars(layout).items()
        if name.isupper() and isinstance(value, int)
    ]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "liquid_rows.so"
        subprocess.run([compiler, *FLAGS, *positions, str(source), "-o", str(target)], check=True)
        function = ctypes.CDLL(str(target)).run
    function.restype = None
    function.argtypes = [ctypes.c_void_p] * 19
    return function

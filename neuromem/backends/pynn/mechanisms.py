"""NEURON's mechanisms for PyNN, compiled once for each user."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from neuromem.backends.pynn.quiet import quiet

TOOLS = ("make", "g++")


def load_mechanisms() -> None:
    """Load PyNN's mechanisms into NEURON, compiling them on first use.

    They are looked for in PyNN's own folder and in the user's cache, and compiled into the latter
    with ``nrnivmodl`` (about a minute).

    Raises
    ------
    ModuleNotFoundError
        When make or a C++ compiler is missing.
    RuntimeError
        When the compilation fails, with the end of what the compiler said.
    """
    with quiet():
        import neuron

    spec = find_spec("pyNN")
    assert spec is not None and spec.origin is not None
    sources = Path(spec.origin).parent / "neuron" / "nmodl"
    if str(sources) in neuron.nrn_dll_loaded:
        return
    if _compiled(sources):
        return  # PyNN loads them itself
    folder = _cache_folder()
    if not _compiled(folder):
        _compile(sources, folder)
    with quiet():
        neuron.load_mechanisms(str(folder))
    # PyNN would look in its own folder, and fail with a TypeError when it cannot compile there.
    neuron.nrn_dll_loaded.append(str(sources))


def _compiled(folder: Path) -> bool:
    return (folder / platform.machine()).is_dir()


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    versions = "-".join(f"{name}-{metadata.version(name)}" for name in ("neuron", "PyNN"))
    return Path(base) / "neuromem" / versions


def _compile(sources: Path, folder: Path) -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise ModuleNotFoundError(
            f"pynn:neuron compiles PyNN's mechanisms once and needs {' and '.join(missing)}: "
            "install them, for example with 'apt-get install build-essential'"
        )
    print(f"compiling PyNN's NEURON mechanisms into {folder}, once ...", file=sys.stderr)
    folder.parent.mkdir(parents=True, exist_ok=True)
    scripts = sysconfig.get_path("scripts")
    path = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    # Elsewhere first: two processes may compile at a time, and one may be interrupted.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        for source in sources.glob("*.mod"):
            shutil.copy(source, scratch)
        done = subprocess.run(
            ["nrnivmodl"], cwd=scratch, env={**os.environ, "PATH": path},
            capture_output=True, text=True, check=False,
        ) if shutil.which("nrnivmodl", path=path) else None  # fmt: skip
        if done is None or done.returncode:
            said = "nrnivmodl was not found" if done is None else (done.stdout + done.stderr)
            raise RuntimeError(f"pynn:neuron: PyNN's mechanisms do not compile: {said[-2000:]}")
        folder.mkdir(exist_ok=True)
        if not _compiled(folder):
            shutil.move(Path(scratch) / platform.machine(), folder)

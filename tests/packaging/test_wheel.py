"""The built wheel: what is in it, and that it works in an empty environment."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from neuromem._version import __version__
from neuromem.network.cards import FOLDERS

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("probe_imports.py").read_text(encoding="utf-8")


def run(command: Sequence[str | Path], cwd: Path) -> str:
    """Run a command without this process's import path; return what it printed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout}{done.stderr}"
    return done.stdout


@dataclass(frozen=True)
class Installed:
    """An environment that holds the wheel alone, and an empty folder to work in."""

    scripts: Path
    cwd: Path

    def run(self, program: str, *arguments: str) -> str:
        return run([self.scripts / program, *arguments], self.cwd)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run([sys.executable, "-m", "build", "--outdir", folder, ROOT], folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (path,) = dist.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", with_pip=True)
    environment = Installed(
        scripts=folder / "venv" / ("Scripts" if os.name == "nt" else "bin"), cwd=folder / "empty"
    )
    environment.cwd.mkdir()
    environment.run("python", "-m", "pip", "install", "--quiet", "--no-compile", str(wheel))
    return environment


def test_wheel_holds_the_package_only(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top = {name.split("/")[0] for name in names}
    assert top == {"neuromem", f"neuromem_snn-{__version__}.dist-info"}
    assert "neuromem/py.typed" in names
    unwanted = [name for name in names if "__pycache__" in name or name.endswith((".nbi", ".nbc"))]
    assert not unwanted


def test_wheel_holds_every_module(wheel: Path) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "neuromem").rglob("*.py")}
    assert modules <= set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_the_cards_as_they_are_in_their_folders(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {n: archive.read(n) for n in archive.namelist() if n.startswith("neuromem/_cards/")}
    expected = {
        f"neuromem/_cards/{kind}/{path.relative_to(ROOT / folder).as_posix()}": path.read_bytes()
        for kind, folder in FOLDERS.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert held == expected
    assert len([name for name in held if name.endswith(".toml")]) >= 10


def test_source_archive_holds_licence_and_tests(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "pyproject.toml", "tests/packaging/test_wheel.py"} <= names
    assert not any(name.startswith(("benchmarks/", "out/", ".venv/")) for name in names)


def test_import_loads_numpy_at_most(installed: Installed) -> None:
    assert set(installed.run("python", "-c", PROBE).split()) <= {"numpy", "neuromem"}


def test_cards_are_found_without_the_source_tree(installed: Installed) -> None:
    assert "macro-40nm" in installed.run("neuromem", "rram", "list")
    code = "from neuromem.datasets.cards import card_names; print(*card_names())"
    assert "nmnist" in installed.run("python", "-c", code).split()


def test_command_tells_its_version(installed: Installed) -> None:
    assert __version__ in installed.run("neuromem", "--version")


def test_command_explains_replay(installed: Installed) -> None:
    assert installed.run("neuromem", "memory", "replay", "--help")

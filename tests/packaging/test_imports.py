"""The rules about imports: layers inside the package, and a light `import neuromem`."""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROBE = Path(__file__).with_name("probe_imports.py").read_text(encoding="utf-8")


def test_import_rules_hold() -> None:
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    run = subprocess.run(
        [command, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_import_loads_numpy_at_most() -> None:
    run = subprocess.run([sys.executable, "-c", PROBE], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert set(run.stdout.split()) <= {"numpy", "neuromem"}

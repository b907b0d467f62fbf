"""The benchmarks' own parts: equal work is proved, and the scripts run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def contestants(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from contestants import compiled_c, native, workload

    return compiled_c, native, workload


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
@pytest.mark.parametrize(("cues", "content"), [(5, 10), (12, 20)])
def test_the_c_yardstick_does_the_same_work(contestants, cues, content):
    compiled_c, native, workload = contestants
    work = workload.workload(cues, content, 2.0)
    ours, yardstick = native.Native(work), compiled_c.CompiledC(work)
    try:
        assert np.array_equal(ours.run()[1], yardstick.run()[1])
    finally:
        yardstick.close()


def test_spacing_runs(tmp_path):
    out = tmp_path / "spacing.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "memory_spacing.py")]
    done = subprocess.run(
        [*command, "--seeds", "1", "--operations", "12", "--json", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert len(json.loads(out.read_text())) == 2 * 4 * 7


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_speed_runs_and_writes_records_with_the_same_keys(tmp_path):
    out = tmp_path / "speed.json"
    command = [sys.executable, str(ROOT / "benchmarks" / "memory_speed.py"), "--contestant", "c"]
    done = subprocess.run(
        [*command, "--rounds", "1", "--json", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    records = json.loads(out.read_text())
    keys = {"contestant", "cues", "content", "ratio", "quartiles", "spikes"}
    assert all(keys <= set(record) for record in records)
    sizes = [(r["cues"], r["content"]) for r in records if r["contestant"] == "c"]
    assert sizes == [(5, 10), (32, 64), (256, 512)]
    assert "256x512" in done.stdout

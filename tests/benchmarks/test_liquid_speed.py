"""The liquid benchmark's own parts: equal work is proved, and the script runs."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = str(ROOT / "benchmarks" / "liquid_speed.py")
KEYS = {"contestant", "neurons", "steps", "ratio", "quartiles", "goal", "reached", "same_counts"}
C_COMPILER = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture
def workload(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from contestants import liquid_workload

    return liquid_workload


def test_recordings_are_what_they_are_said_to_be(workload):
    batch = workload.recordings(5, 40)
    dense = batch.dense()
    assert dense.shape == (5, 40, workload.CHANNELS)
    assert dense.max() == 1
    assert np.all(dense.sum(axis=(1, 2)) == workload.EVENTS)
    rate = dense.sum(axis=(0, 2))
    # Three saccades: a peak in the middle of each, and little between them.
    assert rate[[6, 19, 33]].min() > 3 * rate[[0, 13, 26, 39]].max() / 2
    again = workload.recordings(5, 40)
    assert np.array_equal(batch.channel, again.channel)


def test_neurons_fire_at_the_rate_and_weights_lie_on_the_grid(workload):
    work = workload.liquid(60, 30, 24)
    from contestants.liquid_native import NativeLiquid

    counts = NativeLiquid(work).run()[1]
    assert counts.mean() / 30 == pytest.approx(workload.FIRING_RATE, abs=0.005)
    grid = work.reservoir.w_in / np.float32(workload.GRID)
    assert np.array_equal(grid, np.rint(grid))


@C_COMPILER
@pytest.mark.parametrize(
    ("neurons", "steps", "samples"), [(200, 20, 40), (77, 30, 9), (2100, 4, 3)]
)
def test_the_c_yardstick_does_the_same_work(workload, neurons, steps, samples):
    work = workload.liquid(neurons, steps, samples)
    from contestants.liquid_c import CompiledC
    from contestants.liquid_native import NativeLiquid

    counts = CompiledC(work).run()[1]
    assert counts.any()
    assert np.array_equal(counts, NativeLiquid(work).run()[1])


def test_dense_torch_does_the_same_work(workload):
    pytest.importorskip("torch")
    work = workload.liquid(100, 20, 40)
    from contestants.liquid_native import NativeLiquid
    from contestants.liquid_torch import DenseTorch

    torch = DenseTorch(work, 32)
    assert torch.samples == 32
    assert np.array_equal(torch.run()[1], NativeLiquid(work).run()[1][:32])


def start(tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, SCRIPT, *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@C_COMPILER
def test_speed_runs_and_writes_records_with_the_same_keys(tmp_path):
    out = tmp_path / "speed.json"
    process = start(tmp_path, "--quick", "--contestant", "c", "--rounds", "1", "--json", str(out))
    text, error = process.communicate()
    assert process.returncode == 0, error
    records = json.loads(out.read_text())
    assert all(set(record) >= KEYS for record in records)
    (c,) = [r for r in records if r["contestant"] == "c"]
    assert (c["neurons"], c["steps"], c["same_counts"]) == (200, 100, True)
    assert abs(c["firing_rate"] - 0.05) < 0.005
    g13 = [r for r in records if r.get("goal_name") == "G13"]
    assert len(g13) == 2 and all(r["reached"] for r in g13)
    assert "recordings/s" in text


@pytest.mark.slow
def test_an_interruption_prints_what_was_measured(tmp_path):
    process = start(tmp_path, "--contestant", "c", "--rounds", "100000", "--neurons", "200")
    time.sleep(25)
    process.send_signal(signal.SIGINT)
    text, error = process.communicate(timeout=60)
    assert process.returncode == 0, error
    assert "interrupted" in error
    assert "identical counts" in text


def test_unknown_contestants_are_named(tmp_path):
    process = start(tmp_path, "--contestant", "ours")
    _, error = process.communicate()
    assert process.returncode != 0
    assert "no contestant ours: there are torch-dense" in error

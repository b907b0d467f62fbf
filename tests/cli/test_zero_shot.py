"""``neuromem bench zero-shot``: one command to numbers, on anyone's recordings, resumable."""

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

from neuromem.cli.app import run
from neuromem.protocols.zero_shot import contestants as zero_shot_contestants
from neuromem.protocols.zero_shot import data as zero_shot_data
from tests.protocols.small_data import write_folder
from tests.protocols.small_speech import write_speech

pytest.importorskip("snntorch", reason="needs torch and snnTorch")


FEW = ("--neurons", 20, "--embedding", 8, "--pairs", 2)
CLOSED = ("--only", "liquid-cca", "--only", "raw-ridge")
KEYS = {
    "name", "pair", "direction", "seed", "seen", "unseen", "harmonic", "chance_seen",
    "chance_unseen",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> tuple[str, str]:
    """Return folders of filmed and spoken digits."""
    place = tmp_path_factory.mktemp("senses")
    return str(write_folder(place / "vision")), str(write_speech(place / "audio"))


@pytest.fixture
def bench(capsys):
    """Run the command and return its exit code, output and error."""

    def bench(*arguments):
        code = run(["bench", "zero-shot", *map(str, arguments)])
        return code, *capsys.readouterr()

    return bench


@pytest.fixture
def few(monkeypatch):
    """Simulate fewer recordings than by default, which takes minutes."""
    monkeypatch.setattr(zero_shot_data, "FILMED", (0.02, 0.01, 0.01))
    monkeypatch.setattr(zero_shot_data, "SPOKEN", 6)


def records_of(path: Path) -> list[dict]:
    return json.loads(path.read_text())


def test_from_recordings_to_table_figure_and_records(data, bench, tmp_path):
    out, figure = tmp_path / "records.json", tmp_path / "figure.png"
    arguments = ("--vision", data[0], "--audio", data[1], *FEW, "--cache", tmp_path / "cache")
    contestants = ("--only", "liquid", *CLOSED)
    code, output, error = bench(*arguments, *contestants, "--json", out, "--plot", figure)
    assert (code, error) == (0, "")
    assert figure.read_bytes().startswith(b"\x89PNG")
    records = records_of(out)
    assert {(r["name"], tuple(r["pair"]), r["direction"]) for r in records} == {
        (name, pair, way)
        for name in ("liquid", "liquid-cca", "raw-ridge")
        for pair in ((0, 1), (2, 3))
        for way in ("sound->sight", "sight->sound")
    }
    for record in records:
        assert set(record) >= KEYS
        assert (record["chance_seen"], record["chance_unseen"]) == (1 / 8, 1 / 2)
        assert all(0 <= record[k] <= 1 for k in ("seen", "unseen", "harmonic"))
        assert record["seed"] == (None if record["name"].startswith("raw") else 0)
        assert record["train"] == "spoken digits and simulated N-MNIST"
        assert record["test"] == "spoken digits of eve and simulated N-MNIST"
    assert "sound, test: 20 samples of spoken digits of eve" in output
    for text in ("sound->sight", "chance", "unseen: liquid", "Energy", "MACs dense"):
        assert text in output
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = tmp_path / "again.json"
    assert bench(*arguments, *contestants, "--json", again)[0] == 0
    assert records_of(again) == records
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}


def test_test_sets_of_their_own_are_never_trained_on(data, bench, tmp_path):
    fresh = write_speech(tmp_path / "fresh", voices=1, each=1)  # ann
    out = tmp_path / "records.json"
    code, output, _ = bench(
        "--vision", data[0], "--audio", data[1], "--test-audio", fresh, "--test-vision", data[0],
        *FEW, *CLOSED, "--no-cache", "--json", out,
    )  # fmt: skip
    assert code == 0
    assert "ann left out of training: in the test audio too" in output
    assert "sound, test: 10 samples" in output
    assert all(r["train_samples"][0] == 16 for r in records_of(out))  # one voice, 8 digits, twice


def test_a_single_speaker_and_a_test_folder_are_a_test_alone(data, bench, few, tmp_path):
    alone = write_speech(tmp_path / "alone", voices=1)
    vision = tmp_path / "vision"
    shutil.copytree(Path(data[0]) / "Test", vision / "Test")
    code, output, _ = bench(
        "--vision", vision, "--audio", alone, *FEW, *CLOSED, "--no-cache",
    )  # fmt: skip
    assert code == 0
    assert "ann alone, who is the test: training is on synthetic speech" in output
    assert "Test alone: training is on simulated recordings" in output
    assert "sound, train: 50 samples of synthetic spoken digits" in output
    assert "sight, test: 30 samples" in output


def test_each_speaker_in_turn(data, bench, tmp_path):
    out = tmp_path / "records.json"
    arguments = ("--vision", data[0], "--audio", data[1], *FEW, "--only", "raw-cca", "--no-cache")
    assert bench(*arguments, "--test-speaker", "all", "--json", out)[0] == 0
    tests = [r["test"] for r in records_of(out)]
    assert len(tests) == 12 and len(set(tests)) == 3
    code, _, error = bench(*arguments, "--test-speaker", "joe")
    assert code == 1 and "no test speaker 'joe': there are ann, bob, eve" in error


def test_classes_of_one_sense_alone_are_said_and_too_few_refused(data, bench, tmp_path):
    some = write_speech(tmp_path / "some", digits=(1, 2, 3, 5, 8))
    code, output, _ = bench("--vision", data[0], "--audio", some, *FEW, *CLOSED, "--no-cache")
    assert code == 0
    assert "classes: 1, 2, 3, 5, 8" in output and "are not in both senses" in output
    few = write_speech(tmp_path / "few", digits=(1, 2, 3))
    code, _, error = bench("--vision", data[0], "--audio", few, *FEW, *CLOSED, "--no-cache")
    assert code == 1 and "3 classes are in training and test of both senses" in error


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--only", "magic"), "no contestant magic: there are liquid,"),
        (("--only", "published, chosen on test data", "--plot", "x.png"), "to draw"),
        (("--vision", "nowhere"), "nowhere: no such file or folder"),
        (("--pairs", 46), r"46 sets of 2 unseen classes: there are 1..45"),
        (("--unseen", 9), "9 unseen of 10 classes"),
        (("--resistive", "--only", "liquid"), "leave out --only"),
        (("--json", "nowhere/x.json"), "no such folder"),
        (("--plot", "x.gif"), "a figure's name ends in"),
    ],
)
def test_mistakes_are_said_in_a_line(arguments, message, data, bench):
    given = () if "--vision" in arguments else ("--vision", data[0])
    code, _, error = bench(*given, "--audio", data[1], "--no-cache", *arguments)
    assert code == 1
    assert message in error and len(error.splitlines()) == 1


def test_resistive_memory_is_compared_with_normal_weights(data, bench, tmp_path):
    out = tmp_path / "records.json"
    code, output, _ = bench(
        "--vision", data[0], "--audio", data[1], "--neurons", 8, "--embedding", 8, "--pairs", 2,
        "--resistive", "--no-cache", "--json", out,
    )  # fmt: skip
    assert code == 0
    names = {r["name"] for r in records_of(out)}
    assert names == {
        "normal weights", "half-formed pairs", "and read noise", "and 5 % of cells stuck",
        "and int8 weights",
    }  # fmt: skip
    assert output.count(": loses ") == 4


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(data, tmp_path):
    arguments = ("--vision", data[0], "--audio", data[1], "--neurons", 20, "--pairs", 45)
    cache, out = tmp_path / "cache", tmp_path / "records.json"
    command = [
        sys.executable, "-c", "import sys; from neuromem.cli.app import run; "
        "sys.exit(run(['bench', 'zero-shot', *sys.argv[1:]]))",
        *map(str, arguments), "--only", "raw-cca", "--cache", str(cache), "--json", str(out),
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while len(list(cache.glob("*.json")) if cache.exists() else ()) < 3:
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and error.strip().endswith("interrupted")
    assert not out.exists()
    kept = {path: path.stat().st_mtime_ns for path in cache.glob("*.json")}
    assert subprocess.run(command).returncode == 0
    assert all(path.stat().st_mtime_ns == then for path, then in kept.items())
    assert len(records_of(out)) == 90


def test_all_contestants_run_without_any_data(bench, few, tmp_path, monkeypatch):
    monkeypatch.setattr(zero_shot_contestants, "SPIKING_EPOCHS", 1)
    monkeypatch.setattr(zero_shot_contestants, "EPOCHS", 2)
    out = tmp_path / "records.json"
    arguments = ("--neurons", 10, "--embedding", 8, "--pairs", 1, "--no-cache", "--json", out)
    names = [n for n in zero_shot_contestants.NAMES if n != "published"]
    code, output, _ = bench(*arguments, *(x for n in names for x in ("--only", n)))
    assert code == 0
    records = records_of(out)
    assert {r["name"] for r in records} == set(names)
    assert "synthetic spoken digits" in output and "simulated N-MNIST" in output
    assert "srnn-clip" in output.split("Training, measured")[1]
    oracle = [r["unseen"] for r in records if r["name"] == "oracle"]
    assert np.isfinite(oracle).all()

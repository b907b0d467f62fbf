"""The command line as its users meet it: output, files, exit codes, one line for an error."""

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from neuromem.cli.app import run
from neuromem.cli.memory import outcome
from neuromem.memory import Memory, load_program
from neuromem.network import load
from neuromem.results import Result

ROOT = Path(__file__).parents[2]
PROGRAM = """
[memory]
cues = 5
content = 10

[[operations]]
do = "learn"
cue = 0
content = [0, 1, 8, 9]

[[operations]]
do = "recall-by-content"
content = [8]
"""


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.toml"
    path.write_text(PROGRAM)
    return path


def fails(capsys, *arguments, code=1):
    """Run, check for one line of error and no other output, and return the line."""
    assert run([str(a) for a in arguments]) == code
    output, error = capsys.readouterr()
    assert output == ""
    assert error.startswith("neuromem: ")
    assert error.count("\n") == 1, error
    assert "Traceback" not in error
    return error


def test_run_prints_what_came_back_and_writes_everything(capsys, tmp_path, program):
    files = [tmp_path / name for name in ("spikes.h5", "raster.png", "answers.json", "state.h5")]
    out, plot, answers, state = map(str, files)
    command = ["memory", "run", str(program), "--out", out, "--plot", plot]
    assert run([*command, "--json", answers, "--session", state, "--seed", "4"]) == 0
    printed = capsys.readouterr().out
    assert "recall by content [8]" in printed
    assert "cues [0]" in printed
    assert "6 ms" in printed
    for path in files:
        assert str(path) in printed
    assert len(Result.load(out).spikes["output"]) > 0
    assert files[1].read_bytes().startswith(b"\x89PNG")
    record = json.loads(files[2].read_text())
    assert record["complete"]
    assert record["provenance"]["seed"] == 4
    assert record["answers"][1]["cues"] == [0]
    assert Memory.resume(state).recall_by_cue(0).content == (0, 1, 8, 9)


def test_json_goes_to_the_standard_output(capsys, program):
    assert run(["memory", "run", str(program), "--json", "-"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.index("{") :])["answers"][0]["content"] == [0, 1, 8, 9]


def test_both_engines_answer_alike(capsys):
    tables = []
    for backend in ("native", "native-reference"):
        path = str(ROOT / "examples" / "program.toml")
        assert run(["memory", "run", path, "--seed", "7", "--backend", backend]) == 0
        tables.append(capsys.readouterr().out)
    assert tables[0] == tables[1]


def test_the_seed_draws_the_random_operations(capsys):
    def table(seed):
        run(["memory", "run", str(ROOT / "examples" / "program.toml"), "--seed", seed])
        return capsys.readouterr().out

    assert table("1") == table("1")
    assert table("1") != table("2")


def test_show_prints_the_tables_and_saves_the_definition(capsys, tmp_path):
    saved, text, picture = (tmp_path / n for n in ("network.json", "tables.txt", "network.svg"))
    command = ["memory", "show", "--cues", "5", "--content", "10", "--save", str(saved)]
    assert run([*command, "--out", str(text), "--plot", str(picture), "--json", "-"]) == 0
    printed = capsys.readouterr().out
    assert "71 neurons, 15 input lines, 195 static synapses, 100 plastic synapses" in printed
    assert "all-to-all except same index" in printed
    network = load(saved)
    assert network == Memory(5, 10).network
    assert str(network) in text.read_text()
    assert picture.read_text().startswith("<?xml")
    assert json.loads(printed[printed.index("\n{") :])["totals"]["plastic synapses"] == 100


@pytest.mark.parametrize("model", ["ca3", "hippocampus", "hippocampus-logic"])
def test_show_knows_the_older_models(capsys, model):
    assert run(["memory", "show", "--cues", "5", "--content", "10", "--model", model]) == 0
    assert "cue->content" not in capsys.readouterr().err


@pytest.fixture
def recording(tmp_path):
    """Write a recording in the board's format, from the reference engine, with one spike moved."""

    def write(extra=()):
        session = Memory(3, 4).start("native-reference")
        session.learn(1, [0, 2])
        session.recall_by_cue(1)
        spikes = session.result().spikes
        cells = enumerate(spikes["CueCue"].per_neuron())
        inputs = spikes["input"].per_neuron()
        value = {
            "params": {"cue_size": 3, "content_size": 4, "sim_time_ms": 40, "time_step_ms": 1.0},
            "inputs": {"cue": inputs[:3], "content": inputs[3:]},
            "recorded": {"CueCue": [[n, t] for n, t in cells if t] + list(extra)},
        }
        path = tmp_path / "recording.json"
        path.write_text(json.dumps(value))
        return path

    return write


def test_replay_agrees_and_exits_0(capsys, recording):
    assert run(["memory", "replay", str(recording()), "--json", "-"]) == 0
    printed = capsys.readouterr().out
    total = json.loads(printed[printed.index("\n{") :])["total"]
    assert total == {"recorded": 3, "reproduced": 3, "missing": 0, "extra": 0}


def test_replay_differs_and_exits_1(capsys, recording):
    assert run(["memory", "replay", str(recording([[0, [33]]]))]) == 1
    assert capsys.readouterr().out.splitlines()[-1].split() == ["total", "4", "3", "1", "0"]


def test_errors_are_one_line(capsys, tmp_path, program):
    assert "no such folder" in fails(capsys, "memory", "run", program, "--out", "/nowhere/x.h5")
    assert ".png" in fails(capsys, "memory", "run", program, "--plot", tmp_path / "raster.bmp")
    assert "gone.toml" in fails(capsys, "memory", "run", tmp_path / "gone.toml")
    assert "no backend" in fails(capsys, "memory", "run", program, "--backend", "abacus")
    assert "--resume" in fails(capsys, "memory", "run")
    assert "at least 1" in fails(capsys, "memory", "show", "--cues", 0, "--content", 10)
    assert "not a recording" in fails(capsys, "memory", "replay", program)
    fails(capsys, "memory", "show", "--cues", "many", "--content", 10, code=2)
    fails(capsys, "memory", "run", program, "--seed", -1, code=2)
    fails(capsys, "memory", "dance", code=2)
    program.write_text(PROGRAM.replace("cue = 0", "kue = 0"))
    assert "kue" in fails(capsys, "memory", "run", program)
    program.write_text(PROGRAM + "at_ms = 3\n")
    assert "4 ms too early" in fails(capsys, "memory", "run", program)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["program.toml"]


def test_an_interrupted_run_keeps_what_it_has_and_goes_on(capsys, tmp_path, monkeypatch):
    program = '[memory]\ncues = 16\ncontent = 16\n[[operations]]\ndo = "random"\ncount = 1500\n'
    (tmp_path / "long.toml").write_text(program + "bits = 4\n")
    command = [sys.executable, "-c", "from neuromem.cli import main; main()", "memory", "run"]
    command += ["long.toml", "--seed", "1", "--json", "part.json", "--backend", "native-reference"]
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=its_end,
        text=True,
    )
    os.close(its_end)
    seen, sent = b"", False
    with contextlib.suppress(OSError):  # the end of a terminal
        while shown := os.read(terminal, 4096):
            seen += shown
            if not sent and re.search(rb"[1-9]\d* %", seen):
                process.send_signal(signal.SIGINT)
                sent = True
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 130, output
    assert "interrupted at" in output
    assert "--resume long.session.h5" in output
    part = json.loads((tmp_path / "part.json").read_text())
    assert not part["complete"]
    # What was computed is right, and the rest follows from the session file.
    monkeypatch.chdir(tmp_path)
    resumed = Memory.resume("long.session.h5", "native")
    assert len(resumed.finish()) == 1500
    whole = load_program("long.toml")
    fresh = whole.build().run(whole.expanded(np.random.default_rng(1)))
    assert resumed.answers() == fresh.answers()
    first = json.loads(msgspec.json.encode(outcome(fresh)["answers"][: len(part["answers"])]))
    assert part["answers"] == first


def test_version_help_backends_and_cite(capsys):
    for arguments, expected in (
        (["--version"], "0.1.0"),
        (["--help"], "memory"),
        (["memory", "run", "--help"], "PROGRAM"),
        (["backends"], "native-reference"),
        (["cite"], "10.1016/j.neunet.2024.106474"),
    ):
        assert run(arguments) == 0
        assert expected in capsys.readouterr().out


def test_demo_runs_without_any_recording(capsys, tmp_path):
    assert run(["demo", "--out", str(tmp_path / "demo"), "--recordings", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "replaced [4, 5, 6]" in printed
    assert "learned:" not in printed
    for name in ("memory_raster.png", "state_map_raster.png", "memory.h5"):
        assert (tmp_path / "demo" / name).stat().st_size > 0
        assert name in printed

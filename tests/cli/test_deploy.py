"""``neuromem deploy``: the report, its files, exit codes, and one line where something is wrong."""

import json

import pytest

from neuromem.backends.spinnaker import child
from neuromem.cli import app
from neuromem.memory import Memory
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    Network,
    Population,
    Projection,
    SpikeSource,
    STDPSynapse,
    save,
)

pytest.importorskip("spynnaker", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'")

PROGRAM = """
[memory]
cues = 2
content = 3

[[operations]]
do = "learn"
cue = 1
content = [0, 2]

[[operations]]
do = "recall-by-cue"
cue = 1
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "program.toml").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def wrong() -> Network:
    rule = STDPSynapse(A_plus=1.0, A_minus=1.0, w_max=1.0, dt_zero="ignore")
    return Network(
        name="wrong",
        populations=(
            SpikeSource(name="lines", size=2),
            Population(name="cells", size=2, neuron=IF_curr_exp()),
        ),
        projections=(
            Projection(pre="lines", post="cells", connector=AllToAllConnector(), synapse=rule),
        ),
    )


def test_a_network_that_cannot_run_exits_with_one_and_its_remedy(here, capsys):
    save(wrong(), here / "wrong.json")
    assert app.run(["deploy", "wrong.json", "--json", "report.json"]) == 1
    assert "set dt_zero = 'depress'" in capsys.readouterr().out
    report = json.loads((here / "report.json").read_text(encoding="utf-8"))
    assert [finding["severity"] for finding in report["findings"]] == ["error", "warning"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["program.toml", "--board", "no-such-board.invalid"], "no host 'no-such-board.invalid'"),
        (["program.toml", "--board", "spalloc"], "name the server"),
        (["program.toml", "--board", "spalloc:127.0.0.1:1"], "does not answer on TCP port 1"),
        (["program.toml", "--card", "spinn-9"], "no board card 'spinn-9'"),
        (["program.toml", "--duration-ms", "5"], "a program has its own input and duration"),
        (["missing.json"], "missing.json: No such file"),
        (["program.toml", "--report", "no/such/folder.txt"], "no/such: no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(here, capsys, arguments, said):
    assert app.run(["deploy", *arguments]) == 1
    written = capsys.readouterr().err
    assert said in written
    assert written.startswith("neuromem: ")
    assert written.count("\n") == 1


@pytest.mark.slow
def test_a_program_is_mapped_with_its_own_stimulus(here, capfd):
    arguments = ["deploy", "program.toml", "--json", "report.json", "--report", "report.txt"]
    assert app.run(arguments) == 0
    out, err = capfd.readouterr()
    assert err == ""
    assert "It can run on the board" in out
    kept = (here / "report.txt").read_text(encoding="utf-8")
    assert kept in out or kept.rstrip("\n") in out
    report = json.loads((here / "report.json").read_text(encoding="utf-8"))
    assert report["machine"]["cores"] == 10
    assert {load["population"] for load in report["loads"]} >= {"CueCue", "output"}
    assert (here / "program.spinnaker" / "sPyNNaker.log").exists()
    assert str(here) not in kept


@pytest.mark.slow
def test_a_network_is_run_with_the_stimulus_of_a_result(here, capfd):
    session = Memory(2, 3).start()
    session.learn(0, [1])
    session.result().save(here / "result.h5")
    save(session.memory.network, here / "memory.json")
    assert app.run(["deploy", "memory.json", "--stimulus", "result.h5", "--json", "-"]) == 0
    report = json.loads(capfd.readouterr().out)
    assert report["duration_ms"] == session.time_ms
    assert max(load["packets"] for load in report["loads"]) > 0


@pytest.mark.slow
def test_a_board_answers_with_what_the_memory_recalls(here, capfd, monkeypatch):
    """With a native simulation in the board's place; no board is at hand."""
    monkeypatch.setattr(child, "WORKER", "tests.backends.spinnaker_stand_in")
    arguments = ["deploy", "program.toml", "--board", "127.0.0.1", "--no-check", "--out", "run"]
    assert app.run(arguments) == 0
    out = capfd.readouterr().out
    assert "spikes on the board" in out
    assert "recall by cue 1" in out
    assert "[0, 2]" in out
    assert (here / "run" / "result.h5").exists()

"""The long comparison of the twin with the emulated board: it runs, goes on, and stops."""

import json
import sys
from pathlib import Path

import pytest

from neuromem.network import load

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def script(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.chdir(tmp_path)
    import twin_agreement

    yield twin_agreement
    for name in ("twin_agreement", "twin_groups"):
        del sys.modules[name]


def test_it_goes_on_where_it_was_interrupted(script, monkeypatch, capsys):
    compared = []
    compare = script.compare

    def counted(seed, *rest):
        compared.append(seed)
        if len(compared) == 2:
            raise KeyboardInterrupt
        return compare(seed, *rest)

    monkeypatch.setattr(script, "compare", counted)
    path = Path("agreed.json")
    given = {"groups": 4, "batch": 2, "ticks": 30, "seed": 7, "json": path}
    assert script.main(**given) == 130
    assert "interrupted, the same command goes on: 2 groups agree" in capsys.readouterr().out
    assert [record["seed"] for record in json.loads(path.read_text())] == [7]
    assert script.main(**given) == 0
    assert compared == [7, 8, 8]
    assert "4 groups agree in every bit" in capsys.readouterr().out
    first, second = json.loads(path.read_text())
    assert first["timestep_ms"] == 0.5 and second["timestep_ms"] == 1
    assert second["spikes"] > 0 and second["plastic_weights"] > 0
    assert script.main(**given) == 0
    assert len(compared) == 3


def test_it_stops_where_they_differ_and_keeps_the_network(script, monkeypatch, capsys):
    """Nothing is known to differ: what differs is the input, here that of the twin."""
    run = script.run

    def other_input(network, stimulus, ticks, backend, **options):
        given = {} if backend == script.TWIN else stimulus
        return run(network, given, ticks, backend, **options)

    monkeypatch.setattr(script, "run", other_input)
    path = Path("agreed.json")
    assert script.main(groups=4, batch=2, ticks=30, seed=8, json=path) == 1
    said = capsys.readouterr().out
    assert "seed 8 disagrees in" in said
    assert "--seed 8 --groups 2 --batch 2 --ticks 30" in said
    folder = Path("disagreement_8")
    assert load(folder / "network.json") == script.made(8, 2, 30)[0]
    assert "spikes of 's0'" in (folder / "what.txt").read_text(encoding="utf-8")
    assert not path.exists()

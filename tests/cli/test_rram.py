"""``neuromem rram``: cards as tables, pictures and JSON, and one line for an error."""

import json

import pytest

from neuromem.cli.app import run
from neuromem.cli.rram import app
from neuromem.rram import card_names, load_card


@pytest.fixture
def rram(capsys):
    """Run the command and return its exit code, output and error."""

    def rram(*arguments):
        code = run(["rram", *map(str, arguments)])
        return code, *capsys.readouterr()

    return rram


def test_the_list_names_every_card(rram):
    code, output, error = rram("list")
    assert (code, error) == (0, "")
    for name in card_names():
        assert name in output
    assert "retention" in output


@pytest.mark.parametrize("name", card_names())
def test_a_card_is_shown_with_numbers_and_sources(rram, name):
    card = load_card(name)
    code, output, error = rram("show", name)
    assert (code, error) == (0, "")
    assert card.title in output
    for part, source in card.sources.items():
        assert f"{part}: {' '.join(source.split())}" in output
    assert f"{card.window.highest_us}" in output


def test_what_no_source_gives_is_said(rram):
    output = rram("show", "macro-40nm")[1]
    lines = [line.split() for line in output.splitlines()]
    assert ["retention", "-", "no", "source", "gives", "it"] in lines
    assert ["readout", "energy_pj", "12.3"] in lines
    assert ["forming", "mean_v", "3.433"] in lines


def test_a_card_becomes_json_and_a_picture(rram, tmp_path):
    picture, record = tmp_path / "card.png", tmp_path / "card.json"
    code, output, _ = rram("show", "pcm", "--plot", picture, "--json", record, "--seed", "3")
    assert code == 0
    assert f"wrote {picture}" in output
    assert picture.read_bytes().startswith(b"\x89PNG")
    read = json.loads(record.read_text())
    assert read["retention"]["kind"] == "PowerRetention"
    assert read["sha256"] == load_card("pcm").digest()
    assert read["seed"] == 3
    assert read["drawn"]["formed fraction"] == 1.0


def test_the_seed_decides_which_cells_are_drawn(rram):
    def drawn(seed):
        output = rram("show", "macro-40nm", "--seed", seed, "--json", "-")[1]
        return json.loads(output[output.index("\n{") :])["drawn"]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1)["formed cells: mean (µS)"] == pytest.approx(12.3, abs=0.05)


def test_a_card_of_ones_own_is_shown(rram, tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(
        'title = "mine"\n[window]\nlowest_us = 0\nhighest_us = 9\nsource = "s"\n'
        '[conductance]\nkind = "HistogramConductance"\nedges_us = [1, 2, 4]\ncounts = [3, 1]\n'
        'source = "measured here"\n'
    )
    code, output, _ = rram("show", path)
    assert code == 0
    assert "own: mine" in output
    assert "1.0, 2.0, 4.0" in output


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["show", "flash"], "there are cmo-hfo2, hfo2, macro-40nm, pcm"),
        (["show", "absent.toml"], "absent.toml: No such file"),
        (["show", "pcm", "--plot", "card.gif"], "a figure's name ends in"),
        (["show", "pcm", "--json", "nowhere/card.json"], "no such folder"),
    ],
)
def test_errors_are_one_line(rram, arguments, why):
    code, output, error = rram(*arguments)
    assert (code, output) == (1, "")
    assert error.count("\n") == 1
    assert why in error


def test_the_command_is_named():
    assert app.name == ("rram",)

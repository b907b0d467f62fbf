"""The cards: readable where they are, legal by their schema, and nothing else beside them."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from neuromem import rram
from neuromem.backends import spinnaker
from neuromem.datasets import cards as datasets
from neuromem.network.cards import FOLDERS, card_folder

ROOT = Path(__file__).parents[2]
SHIPPED = ("rram", "spinnaker", "datasets")
CARDS = [(kind, path) for kind in SHIPPED for path in sorted((ROOT / FOLDERS[kind]).glob("*.toml"))]
LOADERS = {
    "rram": rram.load_card,
    "spinnaker": spinnaker.load_card,
    "datasets": datasets.load_card,
}
NAMES = {
    "rram": rram.card_names,
    "spinnaker": spinnaker.card_names,
    "datasets": datasets.card_names,
}


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_cards_of_a_source_tree_are_read_where_they_are(kind):
    assert card_folder(kind) == ROOT / FOLDERS[kind]


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_folders_hold_facts_and_no_package(kind):
    files = {path for path in (ROOT / FOLDERS[kind]).rglob("*") if path.is_file()}
    assert {path.suffix for path in files} <= {".toml", ".md"}
    assert any(path.suffix == ".toml" for path in files)


@pytest.mark.parametrize(("kind", "path"), CARDS, ids=lambda value: getattr(value, "stem", value))
def test_a_card_obeys_its_schema(kind, path):
    card = LOADERS[kind](path)
    assert card == LOADERS[kind](path.stem)
    assert card.name == path.stem
    assert msgspec.json.decode(msgspec.json.encode(card), type=type(card)) == card


@pytest.mark.parametrize(("kind", "path"), CARDS, ids=lambda value: getattr(value, "stem", value))
def test_a_field_that_the_schema_does_not_know_is_refused(kind, path, tmp_path):
    """Or a misspelt fact would be lost without a word."""
    strange = tmp_path / path.name
    strange.write_text('misspelt_field = "1"\n' + path.read_text(encoding="utf-8"))
    with pytest.raises(ValueError, match="misspelt_field"):
        LOADERS[kind](strange)


@pytest.mark.parametrize("kind", SHIPPED)
def test_the_names_are_those_of_the_files(kind):
    assert NAMES[kind]() == [path.stem for found, path in CARDS if found == kind]


def test_the_build_copies_the_folders_to_where_they_are_looked_for():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    included = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert included == {FOLDERS[kind]: f"neuromem/_cards/{kind}" for kind in SHIPPED}


def test_an_unknown_kind_is_named():
    with pytest.raises(ValueError, match="no cards of kind 'tarot': there are rram"):
        card_folder("tarot")


def test_sources_are_public():
    """A card names papers, addresses or its own measurement, never a path of one machine."""
    for _, path in CARDS:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<![\w.:/])/(work|home|tmp|Users)/", text), path

"""Device cards: every number has a source, and a bad card is refused by name."""

import msgspec
import pytest

from neuromem.network.cards import card_folder
from neuromem.rram import DeviceCard, card_names, load_card

MINIMAL = """
title = "test"
[window]
lowest_us = 0.0
highest_us = 10.0
source = "made up"
[conductance]
kind = "NormalConductance"
mean_us = 5.0
sd_us = 1.0
source = "made up"
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "own.toml"
        path.write_text(text)
        return path

    return write


def test_the_cards_are_known():
    assert card_names() == ["cmo-hfo2", "hfo2", "macro-40nm", "pcm"]


@pytest.mark.parametrize("name", card_names())
def test_every_number_is_beside_its_source(name):
    card = load_card(name)
    assert card.name == name
    given = {part for part, law in card.parts().items() if law is not None}
    assert given == set(card.sources)
    for part, source in card.sources.items():
        assert "doi 10." in source or source.startswith("Assumption"), (name, part)


@pytest.mark.parametrize("name", card_names())
def test_a_card_survives_serialisation(name):
    card = load_card(name)
    assert msgspec.json.decode(msgspec.json.encode(card), type=DeviceCard) == card


def test_the_macro_has_its_published_numbers():
    card = load_card("macro-40nm")
    assert card.forming.mean_v == 3.433
    assert card.forming.fraction(3.433) == 0.5
    assert card.formed_fraction == 0.495
    assert card.readout.energy_pj == 12.3
    assert card.readout.adc_bits is None
    assert card.retention is None


def test_a_card_of_ones_own_is_a_file(write):
    card = load_card(write(MINIMAL))
    assert (card.name, card.formed_fraction, card.retention) == ("own", 1.0, None)
    assert load_card(str(write(MINIMAL))) == card


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("sd_us = 1.0", "sd_us = nan"), "sd_us = nan"),
        (("sd_us = 1.0", "sd_us = inf"), "sd_us = inf: must be a finite number"),
        (("sd_us = 1.0", "sd_us = -1.0"), "sd_us = -1.0: must be float >= 0.0"),
        (("sd_us = 1.0", ""), "sd_us"),
        (("sd_us = 1.0", "sd_us = 1.0\nsize = 3"), "size"),
        (("highest_us = 10.0", "highest_us = 0.0"), "highest_us"),
        (('source = "made up"', ""), "has no source"),
        (('title = "test"', 'title = "test"\nformed_fraction = 1.5'), "formed_fraction = 1.5"),
        (('kind = "NormalConductance"', 'kind = "Magic"'), "Magic"),
        (('title = "test"', "title ="), "not a device card"),
    ],
)
def test_a_bad_card_is_refused_by_name(write, change, why):
    with pytest.raises(ValueError, match=why) as error:
        load_card(write(MINIMAL.replace(*change, 1)))
    assert "own.toml" in str(error.value)


def test_unknown_cards_are_refused():
    with pytest.raises(ValueError, match="there are cmo-hfo2, hfo2, macro-40nm, pcm"):
        load_card("flash")
    with pytest.raises(ValueError, match="no device card"):
        load_card("../rram/pcm")
    with pytest.raises(FileNotFoundError, match="absent"):
        load_card("absent.toml")


def test_only_known_kinds_have_folders():
    assert card_folder("rram").is_dir()
    with pytest.raises(ValueError, match="there are rram, spinnaker, datasets"):
        card_folder("flash")

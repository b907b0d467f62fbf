"""Board cards: what a kind of SpiNNaker machine has, every number with its source."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.cards import card_folder
from neuromem.network.neurons import Positive

Count = Annotated[int, Meta(ge=1)]
Text = Annotated[str, Meta(min_length=1)]


class Chip(Spec, frozen=True, kw_only=True):
    """A SpiNNaker chip.

    Parameters
    ----------
    cores
        Processors on the chip; one of them runs the system, and some chips have one that fails.
    clock_mhz
        Clock of a core (MHz).
    itcm_bytes, dtcm_bytes
        Memory of a core for its program and for its data.
    sdram_bytes
        Memory that the cores share.
    routing_entries
        Rows of the multicast routing table.
    source
        Where the numbers come from.
    """

    cores: Count
    clock_mhz: Positive
    itcm_bytes: Count
    dtcm_bytes: Count
    sdram_bytes: Count
    routing_entries: Count
    source: Text


class BoardCard(Spec, frozen=True, kw_only=True):
    """A kind of board, or a machine made of many.

    Parameters
    ----------
    name, title
        Short name and what it is.
    version
        What sPyNNaker calls it: 3 for the board with 4 chips, 5 for boards with 48.
    boards, chips_per_board
        How many.
    cores
        All cores of the machine.
    idle_power_w
        Power that it takes while idle (W), where published.
    source
        Where the numbers come from.
    chip
        Its chips.
    """

    name: Text
    title: Text
    version: Literal[3, 5]
    boards: Count
    chips_per_board: Count
    cores: Count
    idle_power_w: Positive | None = None
    source: Text
    chip: Chip

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cores > self.chips * self.chip.cores:
            raise ValueError(
                f"BoardCard.cores = {self.cores}: {self.chips} chips of {self.chip.cores} cores "
                f"have at most {self.chips * self.chip.cores}"
            )

    @property
    def chips(self) -> int:
        """Chips of the machine."""
        return self.boards * self.chips_per_board


def card_names() -> list[str]:
    """Return the names of the board cards that are part of the package."""
    return sorted(path.stem for path in card_folder("spinnaker").glob("*.toml"))


def load_card(card: str | os.PathLike[str]) -> BoardCard:
    """Return a board card by its name, or from a TOML file of one's own.

    Raises
    ------
    FileNotFoundError
        When there is no such card.
    ValueError
        When the file is no card; the message names file and field.
    """
    path = Path(card)
    if path.suffix != ".toml":
        path = card_folder("spinnaker") / f"{card}.toml"
        if not path.exists():
            raise FileNotFoundError(f"no board card {card!r}: there are {', '.join(card_names())}")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert({"name": path.stem, **values}, type=BoardCard)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError) as error:
        reason = str(error).replace("Object", "it").replace("`", "'")
        raise ValueError(f"{path}: {reason}") from None

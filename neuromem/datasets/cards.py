"""Dataset cards: where a data set comes from, what it holds, and what one may do with it."""

from __future__ import annotations

import hashlib
import os
import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from neuromem.network import Spec
from neuromem.network.cards import card_folder

Text = Annotated[str, Meta(min_length=1)]


class DataFile(Spec, frozen=True, kw_only=True):
    """A file as its publisher distributes it.

    Parameters
    ----------
    name
        File name.
    md5, sha256
        Checksums, of which at least one is known.
    source
        Who stated the checksum, or "measured here".

    Raises
    ------
    ValueError
        When there is no checksum.
    """

    name: Text
    md5: Annotated[str, Meta(pattern="^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")] | None = None
    source: Text

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.md5 is None and self.sha256 is None:
            raise ValueError(f"file {self.name!r} of a dataset card has no checksum: give a sha256")

    def matches(self, path: str | os.PathLike[str]) -> bool:
        """Return whether a file has all the checksums."""
        for kind in ("md5", "sha256"):
            stated = getattr(self, kind)
            if stated is not None:
                with open(path, "rb") as file:
                    if hashlib.file_digest(file, kind).hexdigest() != stated:
                        return False
        return True


class DatasetCard(Spec, frozen=True, kw_only=True):
    """What is known of one data set.

    Parameters
    ----------
    name, title
        Short name and what it is.
    source
        Address of its publisher.
    obtain
        How to get it, and with which function to read it.
    licence
        Under which terms it is used and passed on, and who says so.
    citation, doi
        The publication to cite.
    sensor
        What recorded it; None for images.
    sensor_size
        Width, height and polarities of the events; None for images and sound.
    classes
        Number of classes.
    splits
        Number of samples of each of the publisher's splits.
    files
        The distributed files with their checksums.
    notes
        What to mind.
    """

    name: Text
    title: Text
    source: Text
    obtain: Text
    licence: Text
    citation: Text
    doi: Annotated[str, Meta(pattern=r"^10\.\d{4,}/\S+$")] | None = None
    sensor: Text | None = None
    sensor_size: tuple[int, int, int] | None = None
    classes: Annotated[int, Meta(ge=1)]
    splits: dict[str, Annotated[int, Meta(ge=1)]]
    files: tuple[DataFile, ...] = ()
    notes: str = ""


def card_names() -> list[str]:
    """Return the names of the cards that come with the package."""
    return sorted(path.stem for path in card_folder("datasets").glob("*.toml"))


def load_card(name: str | os.PathLike[str]) -> DatasetCard:
    """Read a dataset card.

    Parameters
    ----------
    name
        Name of a card that comes with the package, or path of a file that ends in ``.toml``.

    Raises
    ------
    ValueError
        When there is no such card, or its file is none; the message names the field.
    FileNotFoundError
        When there is no such file.

    Examples
    --------
    >>> load_card("nmnist").sensor_size
    (34, 34, 2)
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = card_folder("datasets") / f"{name}.toml"
        if str(name) not in card_names():
            raise ValueError(
                f"no dataset card {str(name)!r}: there are {', '.join(card_names())}; or give the "
                "path of a .toml file"
            )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert({"name": path.stem, **table}, DatasetCard)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"{path}: not a dataset card: {error}") from None

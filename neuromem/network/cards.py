"""Where the cards are: small TOML files of sourced facts about devices and data sets."""

from __future__ import annotations

from pathlib import Path

#: Folder of each kind of card in the source tree; in a wheel it is ``neuromem/_cards/<kind>``.
FOLDERS = {"rram": "hardware/rram", "spinnaker": "hardware/spinnaker", "datasets": "datasets"}


def card_folder(kind: str) -> Path:
    """Return the folder of the cards of a kind: "rram", "spinnaker" or "datasets".

    Raises
    ------
    ValueError
        When there is no such kind.
    FileNotFoundError
        When neither the wheel nor the source tree has the folder.
    """
    if kind not in FOLDERS:
        raise ValueError(f"no cards of kind {kind!r}: there are {', '.join(FOLDERS)}")
    package = Path(__file__).parents[1]
    for folder in (package / "_cards" / kind, package.parent / FOLDERS[kind]):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"{folder}: the {kind} cards are missing; reinstall neuromem-snn")

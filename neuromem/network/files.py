"""Networks in files: readable JSON, back without loss."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from neuromem.network.network import Network
from neuromem.network.spec import decode_array, encode_array

FORMAT = "neuromem-network"
VERSION = 1


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: str
    version: int
    network: Network


def dumps(network: Network) -> str:
    """Return a network as readable JSON text."""
    raw = msgspec.json.encode(_File(FORMAT, VERSION, network), enc_hook=encode_array)
    return msgspec.json.format(raw, indent=2).decode("utf-8") + "\n"


def loads(text: str | bytes) -> Network:
    """Return the network in a JSON text.

    Raises
    ------
    ValueError
        When the text is no network, is of another version, or describes an invalid network.
    """
    try:
        file = msgspec.json.decode(text, type=_File, dec_hook=decode_array)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not a network file: {error}") from None
    if file.format != FORMAT or file.version != VERSION:
        raise ValueError(
            f"network file of format {file.format!r} version {file.version}: this version of "
            f"neuromem reads {FORMAT!r} version {VERSION}"
        )
    return file.network


def save(network: Network, path: str | os.PathLike[str]) -> Path:
    """Write a network to a JSON file, whole or not at all, and return its path."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(dumps(network), encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def load(path: str | os.PathLike[str]) -> Network:
    """Read a network from a JSON file; raise ValueError naming the file when it is none."""
    try:
        return loads(Path(path).read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None

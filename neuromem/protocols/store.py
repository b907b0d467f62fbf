"""What was computed before: features and records, each under a name made of its whole recipe.

A file is written whole or not at all, and holds its own recipe and a checksum, which are compared
when it is read: a damaged file, or one from other settings, is computed again, never used.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from neuromem.network.cards import card_folder
from neuromem.results import read_tree, write_tree

KIND = "features"
#: Features above this size are computed again rather than kept (bytes).
LARGEST = 2**30


#: Packages of neuromem whose code decides what features and accuracies are.
_DECIDING = (
    "backends/reservoir", "datasets", "events", "heads", "liquid", "network", "protocols", "rram",
)  # fmt: skip


@cache
def _code() -> str:
    """Return a digest of the deciding code: what an older version made is not taken for new."""
    root = Path(__file__).parents[1]
    files = sorted(path for part in _DECIDING for path in (root / part).rglob("*.py"))
    files += sorted(card_folder("rram").glob("*.toml"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def cache_folder() -> Path:
    """Return where results are kept unless told otherwise: ``$XDG_CACHE_HOME/neuromem``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neuromem"


class Store:
    """A folder of features and records; nothing is kept where the folder is None.

    Parameters
    ----------
    folder
        Where; made on the first write.
    """

    def __init__(self, folder: str | os.PathLike[str] | None) -> None:
        self.folder = None if folder is None else Path(folder)

    def features(self, recipe: str, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the features that a recipe stands for, made now unless they are here."""
        path = self._path(recipe, "h5")
        if path is None:
            return make()
        try:
            tree = read_tree(path, KIND)
            kept = np.asarray(tree["features"])
            if (tree["recipe"], tree["sha256"]) == (recipe, _checksum(kept)):
                return kept.astype(np.float32)
        except Exception:  # no such file, or damaged: h5py raises whatever the damage leads to
            pass
        values = np.asarray(make(), dtype=np.float32)
        if values.nbytes <= LARGEST:
            self._ready()
            small = _compact(values)
            tree = {"recipe": recipe, "features": small, "sha256": _checksum(small)}
            write_tree(path, KIND, tree)
        return values

    def record(self, recipe: str, kind: Any, make: Callable[[], Any]) -> Any:
        """Return the record that a recipe stands for, of a type that msgspec can write."""
        path = self._path(recipe, "json")
        if path is None:
            return make()
        try:
            text, checksum = msgspec.json.decode(path.read_bytes(), type=tuple[str, str])
            if checksum == hashlib.sha256(text.encode()).hexdigest():
                kept, value = msgspec.json.decode(text, type=tuple[str, kind])
                if kept == recipe:
                    return value
        except (FileNotFoundError, msgspec.MsgspecError, UnicodeError):
            pass
        value = make()
        text = msgspec.json.encode((recipe, value)).decode()
        self._ready()
        partial = path.with_name(path.name + ".partial")
        try:
            checksum = hashlib.sha256(text.encode()).hexdigest()
            partial.write_bytes(msgspec.json.encode((text, checksum)))
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return value

    def _path(self, recipe: str, suffix: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(f"{_code()}\n{recipe}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.{suffix}"

    def _ready(self) -> None:
        if self.folder is not None:
            self.folder.mkdir(parents=True, exist_ok=True)


def _checksum(values: np.ndarray) -> str:
    kind = f"{values.dtype.str} {values.shape}\n".encode()
    return hashlib.sha256(kind + np.ascontiguousarray(values).tobytes()).hexdigest()


def _compact(values: np.ndarray) -> np.ndarray:
    """Return whole numbers in the smallest type that holds them."""
    if values.size and values.min() >= 0 and values.max() < 2**16:
        small = values.astype(np.uint16)
        if np.array_equal(small, values):
            return small.astype(np.uint8) if small.max() < 2**8 else small
    return values

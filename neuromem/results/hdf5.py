"""Trees of arrays and texts in HDF5 files, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1

#: A nested mapping whose leaves are arrays, numbers or texts.
Tree = Mapping[str, Any]


def write_tree(path: str | os.PathLike[str], kind: str, tree: Tree) -> Path:
    """Write a tree to a file of the given kind; an existing file is replaced at the very end.

    Raises
    ------
    OSError
        When the file cannot be written; nothing is left behind.
    """
    import h5py

    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        # Built in memory: the HDF5 library does not survive a disk that fills up.
        with h5py.File(partial, "w", driver="core", backing_store=False) as file:
            file.attrs["neuromem"] = kind
            file.attrs["version"] = VERSION
            _write(file, tree)
            file.flush()
            image = file.id.get_file_image()
        partial.write_bytes(image)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return path


def read_tree(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Read a tree written by :func:`write_tree`.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no HDF5 file, is truncated, or was not written by neuromem as this kind.
    """
    import h5py

    if not Path(path).exists():
        raise FileNotFoundError(f"{path}: no such file")
    try:
        with h5py.File(path, "r") as file:
            found, version = file.attrs.get("neuromem"), file.attrs.get("version")
            if found is None:
                raise ValueError(f"{path}: an HDF5 file, but not one written by neuromem")
            if found != kind:
                raise ValueError(f"{path}: holds a neuromem {found}, not a {kind}")
            if version != VERSION:
                raise ValueError(
                    f"{path}: file version {version}, this version of neuromem reads {VERSION}"
                )
            return _read(file)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: not a readable HDF5 file, or truncated: {error}") from None


def _write(group: Any, tree: Tree) -> None:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            _write(group.create_group(name), value)
        elif isinstance(value, str):
            group.create_dataset(name, data=value)
        else:
            array = np.asarray(value)
            packed = {"compression": "gzip", "shuffle": True} if array.size > 256 else {}
            group.create_dataset(name, data=array, **packed)


def _read(group: Any) -> dict[str, Any]:
    import h5py

    tree: dict[str, Any] = {}
    for name, value in group.items():
        if isinstance(value, h5py.Group):
            tree[name] = _read(value)
        elif h5py.check_string_dtype(value.dtype) is not None:
            tree[name] = value.asstr()[()]
        else:
            tree[name] = value[()]
    return tree

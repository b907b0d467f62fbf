"""Many labelled recordings, packed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from neuromem.events.stream import EVENT_DTYPE, Events, SensorSize, check_sensor, find_fault
from neuromem.results import read_tree, write_tree

FILE_KIND = "event set"


@dataclass(frozen=True, eq=False)
class EventSet:
    """Labelled recordings of one sensor, their events one after the other in four columns.

    ``recordings[3]`` is an :class:`Events`; ``recordings[[1, 5]]`` and ``recordings[:10]`` are
    event sets, so that scikit-learn can split one.

    Parameters
    ----------
    x, y, p, t
        Columns of all events; t (µs) ascends within each recording.
    offsets
        Recording i is ``offsets[i]:offsets[i + 1]``, int64, shape (n + 1,).
    labels
        Class of each recording, shape (n,).
    sensor_size
        (width, height, polarities).
    name
        What it is, in tables and file names: "real N-MNIST", "simulated N-MNIST".
    ids
        Where each recording comes from (a file, an image's number), shape (n,).
    rejected
        Recordings that were not taken, as texts "name: why".

    Raises
    ------
    ValueError
        When shapes do not fit, labels are no whole numbers, or an event is not legal (see
        :class:`Events`), naming the recording.
    """

    x: np.ndarray
    y: np.ndarray
    p: np.ndarray
    t: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    sensor_size: SensorSize
    name: str
    ids: np.ndarray
    rejected: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        keep = partial(object.__setattr__, self)
        for name in ("x", "y", "p", "t", "offsets", "labels", "ids"):
            keep(name, np.asarray(getattr(self, name)))
        keep("offsets", self.offsets.astype(np.int64))
        keep("sensor_size", check_sensor(self.sensor_size))
        keep("rejected", tuple(self.rejected))
        n = len(self.offsets) - 1
        if n < 0 or self.offsets[0] != 0 or self.offsets[-1] != len(self.x) or (
            np.any(np.diff(self.offsets) < 0)
        ):  # fmt: skip
            raise ValueError(f"offsets must ascend from 0 to the number of events, {len(self.x)}")
        for name in ("labels", "ids"):
            if getattr(self, name).shape != (n,):
                shape = getattr(self, name).shape
                raise ValueError(f"{name} of shape {shape}: give one for each of {n} recordings")
        if n and self.labels.dtype.kind not in "iu":
            raise ValueError(f"labels of dtype {self.labels.dtype}: give whole numbers")
        keep("labels", self.labels.astype(np.int64))
        self.check()
        for name in ("x", "y", "p", "t"):  # one set of types: what reads them is compiled once
            column = getattr(self, name)
            keep(name, np.ascontiguousarray(column, dtype=EVENT_DTYPE[name]))

    @classmethod
    def of(
        cls,
        recordings: Sequence[Events],
        labels: Sequence[int] | np.ndarray,
        name: str = "events",
        ids: Sequence[Any] | np.ndarray | None = None,
        rejected: Sequence[str] = (),
    ) -> EventSet:
        """Pack recordings of one sensor; ids are 0, 1, ... where not given.

        Raises
        ------
        ValueError
            When there is no recording, or their sensors differ.
        """
        if not recordings:
            raise ValueError("no recording to pack: give at least one")
        sensors = {recording.sensor_size for recording in recordings}
        if len(sensors) > 1:
            raise ValueError(f"recordings of sensors {sorted(sensors)}: pack one sensor at a time")
        (sensor,) = sensors
        columns = [np.concatenate([r.data[f] for r in recordings]) for f in ("x", "y", "p", "t")]
        return cls(
            *columns,
            offsets=np.concatenate(([0], np.cumsum([len(r) for r in recordings]))),
            labels=np.asarray(labels),
            sensor_size=sensor,
            name=name,
            ids=np.arange(len(recordings)) if ids is None else np.asarray(ids),
            rejected=tuple(rejected),
        )

    def check(self) -> EventSet:
        """Return this set when every event is legal; raise ValueError naming the recording.

        A set is checked when it is built: this is for one whose columns were changed since.
        """
        fault = find_fault(self.x, self.y, self.p, self.t, self.sensor_size, self.offsets)
        if fault is not None:
            at, what = fault
            index = int(np.searchsorted(self.offsets, at, side="right")) - 1
            event = at - self.offsets[index]
            raise ValueError(f"{self.name} {self.ids[index]}: event {event}: {what}")
        return self

    @property
    def shape(self) -> tuple[int]:
        """Number of recordings, as a shape."""
        return (len(self),)

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[Events]:
        """Return an iterator over the recordings."""
        return (self[i] for i in range(len(self)))

    @overload
    def __getitem__(self, which: int) -> Events: ...
    @overload
    def __getitem__(self, which: slice | Sequence | np.ndarray | tuple) -> EventSet: ...
    def __getitem__(self, which: Any) -> Any:
        """Return one recording, or the set of those that a slice, mask or index array chooses."""
        if isinstance(which, tuple) and len(which) == 2 and which[1] is Ellipsis:
            which = which[0]  # scikit-learn writes X[indices, ...]
        index = np.arange(len(self))[which]
        if index.ndim > 1:
            raise IndexError("recordings have one axis: give an index, a slice, a mask or a list")
        if index.ndim == 0:
            low, high = self.offsets[index], self.offsets[index + 1]
            return Events.of(
                self.x[low:high], self.t[low:high], self.sensor_size,
                self.y[low:high], self.p[low:high],
            )  # fmt: skip
        lengths = np.diff(self.offsets)[index]
        offsets = np.concatenate(([0], np.cumsum(lengths)))
        if isinstance(which, slice) and which.step in (None, 1):
            start = self.offsets[index[0]] if len(index) else 0
            events: Any = slice(start, start + offsets[-1])
        else:
            events = np.repeat(self.offsets[:-1][index] - offsets[:-1], lengths)
            events += np.arange(offsets[-1])
        return EventSet(
            self.x[events], self.y[events], self.p[events], self.t[events],
            offsets, self.labels[index], self.sensor_size, self.name, self.ids[index],
        )  # fmt: skip

    def digest(self) -> str:
        """Return the SHA-256 of name, sensor, events and labels: a stable name for provenance."""
        sha = hashlib.sha256(repr((self.sensor_size, self.name)).encode())
        for column in (self.x, self.y, self.p, self.t):
            sha.update(np.ascontiguousarray(column, dtype=np.int32).data)
        for column in (self.offsets, self.labels):
            sha.update(np.ascontiguousarray(column).data)
        return sha.hexdigest()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the set to an HDF5 file, whole or not at all."""
        # Texts as JSON: HDF5 has no type for numpy's, and they may hold any character.
        ids = self.ids if self.ids.dtype.kind in "iu" else json.dumps(self.ids.astype(str).tolist())
        return write_tree(
            path,
            FILE_KIND,
            {
                "x": self.x, "y": self.y, "p": self.p, "t": self.t,
                "offsets": self.offsets, "labels": self.labels,
                "sensor_size": np.array(self.sensor_size), "name": self.name,
                "ids": ids, "rejected": json.dumps(self.rejected),
            },
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EventSet:
        """Read a file written by :meth:`save`.

        Raises
        ------
        FileNotFoundError, ValueError
            When there is no such file, or it is damaged or holds something else.
        """
        tree = read_tree(path, FILE_KIND)
        try:
            ids = tree["ids"]
            return cls(
                tree["x"], tree["y"], tree["p"], tree["t"], tree["offsets"], tree["labels"],
                tuple(tree["sensor_size"].tolist()), str(tree["name"]),
                np.array(json.loads(ids), dtype=str) if isinstance(ids, str) else ids,
                tuple(json.loads(tree["rejected"])),
            )  # fmt: skip
        except KeyError as error:
            raise ValueError(f"{path}: damaged event set: no {error}") from None
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: damaged event set: {error}") from None

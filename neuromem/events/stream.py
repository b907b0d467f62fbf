"""One event stream: what an event camera or a silicon cochlea sends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Fields of an event: address, polarity (1 ON, 0 OFF) and time (microseconds). The names are those
#: that tonic's transforms expect.
EVENT_DTYPE = np.dtype([("x", "<i2"), ("y", "<i2"), ("p", "i1"), ("t", "<i4")])

#: Width and height in pixels (or channels and 1), and the number of polarities.
SensorSize = tuple[int, int, int]
#: Most pixels in a row and in a column, so that an address fits its 16 bits.
LARGEST = 2**15
#: Recordings end before this time (µs), so that it fits its 32 bits: 35.8 minutes.
END_US = 2**31


@dataclass(frozen=True, eq=False)
class Events:
    """The events of one recording, ordered by time.

    ``events.data`` is a structured array that tonic's transforms accept as it is.

    Parameters
    ----------
    data
        Structured array with the fields x, y, p (0 or 1) and t (µs), shape (n,); any integer
        types. The times ascend, the first is not negative. It is copied and made read-only.
    sensor_size
        (width, height, polarities); a cochlea of 64 channels is (64, 1, 1), its channel x.

    Raises
    ------
    ValueError
        For a missing field, one that holds no whole numbers, an address outside the sensor, a
        polarity that is neither, or a time that is negative or before the one before it.
    """

    data: np.ndarray
    sensor_size: SensorSize

    def __post_init__(self) -> None:
        names = self.data.dtype.names or ()
        missing = [name for name in ("x", "y", "p", "t") if name not in names]
        if missing:
            raise ValueError(f"events without {', '.join(missing)}: give the fields x, y, p and t")
        columns = {name: np.asarray(self.data[name]) for name in ("x", "y", "p", "t")}
        check_events(**columns, sensor_size=self.sensor_size)
        object.__setattr__(self, "data", _structured(**columns))
        object.__setattr__(self, "sensor_size", check_sensor(self.sensor_size))

    @classmethod
    def of(
        cls,
        x: np.ndarray,
        t: np.ndarray,
        sensor_size: SensorSize,
        y: np.ndarray | None = None,
        p: np.ndarray | None = None,
    ) -> Events:
        """Build from an array per field; y and p are 0 where not given."""
        zeros = np.zeros(len(x), dtype=np.int8)
        y, p = zeros if y is None else y, zeros if p is None else p
        columns = {"x": np.asarray(x), "y": np.asarray(y), "p": np.asarray(p), "t": np.asarray(t)}
        check_events(**columns, sensor_size=sensor_size)
        return cls(_structured(**columns), sensor_size)

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.data)

    def __eq__(self, other: object) -> bool:
        """Return whether both hold the same events of the same sensor."""
        if not isinstance(other, Events):
            return NotImplemented
        return self.sensor_size == other.sensor_size and np.array_equal(self.data, other.data)

    __hash__ = None  # type: ignore[assignment]

    @property
    def duration_us(self) -> int:
        """Time from the first to the last event (µs)."""
        return int(self.data["t"][-1] - self.data["t"][0]) if len(self) else 0


def check_events(
    x: np.ndarray, y: np.ndarray, p: np.ndarray, t: np.ndarray, sensor_size: SensorSize
) -> None:
    """Raise ValueError, naming the event at fault, where events do not fit their sensor."""
    fault = find_fault(x, y, p, t, sensor_size, np.zeros(1, dtype=np.int64))
    if fault is not None:
        raise ValueError(f"event {fault[0]}: {fault[1]}")


def find_fault(
    x: np.ndarray,
    y: np.ndarray,
    p: np.ndarray,
    t: np.ndarray,
    sensor_size: SensorSize,
    starts: np.ndarray,
) -> tuple[int, str] | None:
    """Return the index of an event that is not legal and what is wrong with it, or None.

    Time may go back at each of ``starts``, where a recording begins.

    Raises
    ------
    ValueError
        When the fields are no whole numbers, or not as many of each, or there is no such sensor.
    """
    x, y, p, t = (np.asarray(column) for column in (x, y, p, t))
    columns = {"x": x, "y": y, "p": p, "t": t}
    width, height, _ = check_sensor(sensor_size)
    if len({len(column) for column in columns.values()}) != 1:
        raise ValueError(
            f"fields of {len(x)}, {len(y)}, {len(p)} and {len(t)} elements: give as many of each"
        )
    # A sensor of one polarity may send either bit: it means nothing there.
    bounds = {"x": width, "y": height, "p": 2, "t": END_US}
    for name, values in columns.items():
        if values.ndim != 1 or (values.size and values.dtype.kind not in "iub"):
            raise ValueError(
                f"{name} of dtype {values.dtype} and shape {values.shape}: give one whole number "
                "for each event (times in microseconds)"
            )
        if values.size and (values.min() < 0 or values.max() >= bounds[name]):
            at = int(np.flatnonzero((values < 0) | (values >= bounds[name]))[0])
            if name == "t":
                return at, f"t = {values[at]} us, must be in 0..{END_US - 1}"
            return at, (
                f"{name} = {values[at]}, must be in 0..{bounds[name] - 1} (sensor size "
                f"{sensor_size}): wrong sensor size, or a damaged recording?"
            )
    back = t[1:] < t[:-1]
    back[starts[(starts > 0) & (starts < len(t))] - 1] = False
    if back.any():
        at = int(np.flatnonzero(back)[0]) + 1
        return at, f"t = {t[at]} us after {t[at - 1]} us: sort the events by time"
    return None


def check_sensor(sensor_size: SensorSize) -> SensorSize:
    """Return a sensor size as three whole numbers; raise ValueError where it is none."""
    size = tuple(sensor_size)
    if len(size) != 3 or min(size) < 1 or max(size) > LARGEST or size[2] > 2:
        raise ValueError(
            f"sensor size {size}: give width, height (1..{LARGEST} each) and 1 or 2 polarities"
        )
    return int(size[0]), int(size[1]), int(size[2])


def _structured(x: np.ndarray, y: np.ndarray, p: np.ndarray, t: np.ndarray) -> np.ndarray:
    data = np.empty(len(x), dtype=EVENT_DTYPE)
    data["x"], data["y"], data["p"], data["t"] = x, y, p, t
    data.flags.writeable = False
    return data

"""One recording: what is accepted, what is refused, and that tonic takes it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.events import EVENT_DTYPE, Events, check_events

SIZE = (4, 3, 2)


def columns(**changes):
    """Return three legal events with some fields changed."""
    return {"x": [0, 3, 1], "y": [2, 0, 1], "p": [1, 0, 1], "t": [5, 5, 9]} | changes


def structured(fields) -> np.ndarray:
    data = np.empty(len(fields["t"]), dtype=[(name, np.int64) for name in fields])
    for name, values in fields.items():
        data[name] = values
    return data


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1), st.integers(0, 10**9))
    ),
    st.permutations("xypt"),
    st.sampled_from(["<i8", ">i4", "<u4", "<i4"]),
)
def test_events_of_any_integer_type_and_order_of_fields_are_kept(rows, order, dtype):
    rows = sorted(rows, key=lambda row: row[3])
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    given = np.empty(len(rows), dtype=[(name, dtype) for name in order])
    for name in order:
        given[name] = table[:, "xypt".index(name)]
    events = Events(given, SIZE)
    assert events.data.dtype == EVENT_DTYPE
    assert events.data.tolist() == rows
    assert len(events) == len(rows)
    assert events == Events.of(*table[:, [0, 3]].T, SIZE, *table[:, [1, 2]].T)
    assert events.duration_us == (rows[-1][3] - rows[0][3] if rows else 0)


def test_events_are_a_copy_that_cannot_be_changed():
    x = np.array([1, 2])
    events = Events.of(x, np.array([0, 1]), SIZE)
    x[:] = 0
    assert events.data["x"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        events.data["x"] = 0


def test_equality_takes_sensor_and_events():
    one = Events.of(np.array([1]), np.array([0]), SIZE)
    assert one == Events.of([1], [0], [4, 3, 2])
    assert one != Events.of(np.array([2]), np.array([0]), SIZE)
    assert one != Events.of(np.array([1]), np.array([0]), (4, 3, 1))
    assert one != "events"


def test_no_event_is_a_recording_too():
    empty = Events.of([], [], SIZE)
    assert len(empty) == 0
    assert empty.duration_us == 0
    assert empty == Events(np.empty(0, EVENT_DTYPE), SIZE)


def test_polarities_may_be_booleans_and_mean_nothing_on_a_sensor_of_one():
    events = Events.of([0, 1], [0, 1], (4, 1, 1), p=np.array([True, False]))
    assert events.data["p"].tolist() == [1, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": [0, 4, 1]}, r"event 1: x = 4, must be in 0\.\.3 .*\(4, 3, 2\)"),
        ({"x": [0, 3, -1]}, "event 2: x = -1"),
        ({"y": [3, 0, 1]}, r"event 0: y = 3, must be in 0\.\.2"),
        ({"p": [1, 2, 0]}, "event 1: p = 2"),
        ({"p": [1, -1, 0]}, "event 1: p = -1"),
        ({"t": [5, 4, 9]}, "event 1: t = 4 us after 5 us: sort the events by time"),
        ({"t": [-1, 0, 9]}, "event 0: t = -1 us"),
        ({"t": [0, 5, 2**31]}, r"event 2: t = 2147483648 us, must be in 0\.\.2147483647"),
        ({"t": [0.0, 0.5, 0.9]}, "t of dtype float64.*whole number.*microseconds"),
        ({"x": [0.0, np.nan, 1.0]}, "x of dtype float64"),
        ({"t": [5, 5]}, "fields of 3, 3, 3 and 2 elements"),
        ({"y": [[0], [0], [0]]}, r"y of dtype int64 and shape \(3, 1\)"),
    ],
)
def test_events_that_do_not_fit_are_named(changes, message):
    fields = {name: np.array(values) for name, values in columns(**changes).items()}
    with pytest.raises(ValueError, match=message):
        check_events(**fields, sensor_size=SIZE)
    with pytest.raises(ValueError, match=message):
        Events.of(**fields, sensor_size=SIZE)


def test_a_missing_field_is_named():
    fields = columns()
    del fields["y"], fields["p"]
    with pytest.raises(ValueError, match="events without y, p"):
        Events(structured(fields), SIZE)
    with pytest.raises(ValueError, match="events without x, y, p, t"):
        Events(np.zeros((3, 4)), SIZE)


@pytest.mark.parametrize(
    "size", [(4, 3), (4, 3, 2, 1), (0, 3, 2), (4, 3, 3), (4, 3, 0), (40_000, 1, 1)]
)
def test_a_sensor_that_is_none_is_refused(size):
    with pytest.raises(ValueError, match=r"sensor size .*width, height"):
        Events.of([0], [0], size)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ToFrame", {"sensor_size": SIZE, "n_time_bins": 2}),
        ("ToFrame", {"sensor_size": SIZE, "time_window": 3}),
        ("ToTimesurface", {"sensor_size": SIZE, "tau": 10.0, "dt": 3}),
        ("ToVoxelGrid", {"sensor_size": SIZE, "n_time_bins": 2}),
        ("CropTime", {"max": 5}),
        ("Denoise", {"filter_time": 10}),
        ("DropEvent", {"p": 0.5}),
        ("MergePolarities", {}),
        ("RandomFlipLR", {"sensor_size": SIZE, "p": 1.0}),
        ("RefractoryPeriod", {"delta": 3}),
        ("TimeSkew", {"coefficient": 2.0}),
    ],
)
def test_tonic_transforms_take_the_data_as_it_is(name, arguments):
    transforms = pytest.importorskip("tonic.transforms")
    events = Events.of(**{k: np.array(v) for k, v in columns().items()}, sensor_size=SIZE)
    before = events.data.copy()
    assert getattr(transforms, name)(**arguments)(events.data) is not None
    assert np.array_equal(events.data, before)

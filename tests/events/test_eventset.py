"""Many recordings: they are chosen from like an array, saved without loss, and checked."""

import dataclasses

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.events import Events, EventSet

SIZE = (5, 4, 2)
#: Without NUL, which ends a text of numpy and of HDF5.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)


def recording(rng: np.random.Generator, n: int) -> Events:
    return Events.of(
        rng.integers(0, 5, n), np.sort(rng.integers(0, 1000, n)), SIZE,
        rng.integers(0, 4, n), rng.integers(0, 2, n),
    )  # fmt: skip


@st.composite
def recordings(draw, least: int = 1) -> list[Events]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    lengths = draw(st.lists(st.integers(0, 6), min_size=least, max_size=7))
    return [recording(rng, n) for n in lengths]


def packed(parts: list[Events], **given) -> EventSet:
    return EventSet.of(parts, np.arange(len(parts)) * 3, **given)


def columns(**changes) -> dict:
    """Return the fields of a legal set of two recordings with some changed."""
    return {
        "x": np.array([0, 1, 2]),
        "y": np.array([0, 1, 2]),
        "p": np.array([0, 1, 1]),
        "t": np.array([7, 8, 3]),
        "offsets": [0, 2, 3],
        "labels": [4, 5],
        "sensor_size": SIZE,
        "name": "made up",
        "ids": ["a", "b"],
    } | changes


# -- choosing --------------------------------------------------------------------------------------


@given(recordings())
def test_what_is_packed_comes_out_again(parts):
    events = packed(parts)
    assert list(events) == parts
    assert [events[i] for i in range(-len(parts), len(parts))] == parts + parts
    assert len(events) == len(parts)
    assert events.shape == (len(parts),)


@given(recordings(), st.data())
def test_choosing_is_that_of_a_list(parts, data):
    events, n = packed(parts), len(parts)
    which = data.draw(
        st.one_of(
            st.slices(n),
            st.lists(st.integers(-n, n - 1), max_size=10),
            st.lists(st.booleans(), min_size=n, max_size=n),
            st.lists(st.booleans(), min_size=n, max_size=n).map(np.array),
            st.lists(st.integers(-n, n - 1), min_size=1, max_size=10).map(np.array),
        )
    )
    numbers = np.arange(n)[which]
    chosen = events[which]
    assert list(chosen) == [parts[i] for i in numbers]
    assert chosen.labels.tolist() == (numbers * 3).tolist()
    assert chosen.ids.tolist() == numbers.tolist()
    assert (chosen.sensor_size, chosen.name) == (SIZE, events.name)
    # a set of a set
    assert list(chosen[::-1]) == list(chosen)[::-1]


def test_scikit_learn_splits_a_set():
    model_selection = pytest.importorskip("sklearn.model_selection")
    events = packed([recording(np.random.default_rng(0), 3) for _ in range(10)])
    train, test = model_selection.train_test_split(events, test_size=3, random_state=0)
    assert (len(train), len(test)) == (7, 3)
    assert sorted([*train.ids, *test.ids]) == list(range(10))
    assert all(events[int(i)] == one for i, one in zip(test.ids, test, strict=True))


@pytest.mark.parametrize("which", [3, -4, [0, 3], (1, 2), 1.0, "a", None, np.array([[0, 1]]), True])
def test_what_cannot_be_chosen_is_an_index_error(which):
    with pytest.raises(IndexError):
        packed([recording(np.random.default_rng(0), 2)] * 3)[which]


# -- files and digests -----------------------------------------------------------------------------


@given(recordings(least=0), TEXT, st.lists(TEXT, max_size=3), st.booleans(), st.data())
def test_a_saved_set_is_read_again(tmp_path_factory, parts, name, rejected, numbered, data):
    n = len(parts)
    ids = np.arange(n) + 7
    if not numbered:
        ids = np.array(data.draw(st.lists(TEXT, min_size=n, max_size=n)), dtype=str)
    some = packed([*parts, recording(np.random.default_rng(0), 1)])[:n]
    events = dataclasses.replace(some, name=name, ids=ids, rejected=rejected)
    path = tmp_path_factory.mktemp("sets") / "set.h5"
    assert events.save(path) == path
    read = EventSet.load(path)
    assert list(read) == parts
    assert read.labels.tolist() == (3 * np.arange(n)).tolist()
    assert read.ids.tolist() == ids.tolist()
    assert (read.name, read.sensor_size, read.rejected) == (name, SIZE, tuple(rejected))
    assert read.digest() == events.digest()


def test_the_digest_names_the_content():
    events = EventSet(**columns())
    assert events.digest() == EventSet(**columns(ids=[1, 2], rejected=("x",))).digest()
    changed = [
        {"x": np.array([0, 1, 3])},
        {"y": np.array([1, 1, 2])},
        {"p": np.array([1, 1, 1])},
        {"t": np.array([7, 9, 3])},
        {"offsets": [0, 0, 3], "t": np.array([7, 8, 9])},
        {"t": np.array([7, 8, 9])},
        {"labels": [5, 4]},
        {"sensor_size": (5, 5, 2)},
        {"name": "real"},
    ]
    digests = {EventSet(**columns(**change)).digest() for change in changed}
    assert len(digests | {events.digest()}) == len(changed) + 1
    assert events[::-1].digest() != events.digest() == events[:].digest()


def test_the_digest_is_the_same_for_any_integer_types():
    wide = {f: columns()[f].astype(np.int64) for f in "xypt"}
    narrow = {f: columns()[f].astype(np.uint8) for f in "xypt"}
    assert EventSet(**columns(**wide)).digest() == EventSet(**columns(**narrow)).digest()


@pytest.mark.parametrize("field", ["x", "offsets", "labels", "ids", "sensor_size", "rejected"])
def test_a_file_without_a_field_is_damaged(tmp_path, field):
    path = EventSet(**columns()).save(tmp_path / "set.h5")
    with h5py.File(path, "a") as file:
        del file[field]
    with pytest.raises(ValueError, match=rf"set\.h5: damaged event set: no '{field}'"):
        EventSet.load(path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("x", [0, 1, 99], "made up b: event 0: x = 99"),
        ("x", [0, 1], "offsets must ascend"),
        ("t", [8, 7, 3], "made up a: event 1: t = 7 us after 8 us"),
        ("ids", '["a"', "damaged event set"),
        ("ids", '["a"]', r"ids of shape \(1,\)"),
        ("sensor_size", [5, 4], "sensor size"),
        ("rejected", 3.5, "damaged event set"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path, field, value, message):
    path = EventSet(**columns()).save(tmp_path / "set.h5")
    with h5py.File(path, "a") as file:
        del file[field]
        file[field] = value
    with pytest.raises(ValueError, match=rf"set\.h5: .*{message}"):
        EventSet.load(path)


def test_a_file_of_something_else_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.h5"):
        EventSet.load(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("x,y,p,t")
    with pytest.raises(ValueError, match=r"text\.h5"):
        EventSet.load(tmp_path / "text.h5")


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": np.array([0, 1, 5])}, r"made up b: event 0: x = 5, must be in 0\.\.4"),
        ({"y": np.array([0, 4, 1])}, "made up a: event 1: y = 4"),
        ({"p": np.array([0, 1, 3])}, "made up b: event 0: p = 3"),
        ({"t": np.array([8, 7, 3])}, "made up a: event 1: t = 7 us after 8 us"),
        ({"t": np.array([7, 8, -3])}, "made up b: event 0: t = -3"),
        ({"t": np.array([0.7, 0.8, 0.3])}, "t of dtype float64"),
        ({"y": np.array([0, 1])}, "fields of 3, 2, 3 and 3 elements"),
        ({"offsets": [0, 2]}, "offsets must ascend from 0 to the number of events, 3"),
        ({"offsets": [0, 4, 3]}, "offsets must ascend"),
        ({"offsets": []}, "offsets must ascend"),
        ({"labels": [1]}, r"labels of shape \(1,\): give one for each of 2 recordings"),
        ({"labels": [[1], [2]]}, "labels of shape"),
        ({"labels": ["four", "five"]}, "labels of dtype .*whole numbers"),
        ({"labels": [4.0, np.nan]}, "labels of dtype float64"),
        ({"ids": ["a"]}, "ids of shape"),
        ({"sensor_size": (5, 4)}, "sensor size"),
    ],
)
def test_columns_that_do_not_fit_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        EventSet(**columns(**changes))


def test_time_may_go_back_only_where_a_recording_begins():
    times = np.array([5, 6, 0, 0, 1, 1])
    fields = {name: np.zeros(6, int) for name in "xyp"} | {"sensor_size": SIZE, "name": "n"}
    ids = np.arange(5)
    for offsets in ([0, 2, 6, 6, 6, 6], [0, 0, 0, 2, 4, 6], [0, 0, 2, 2, 5, 6]):
        events = EventSet(**fields, t=times, offsets=offsets, labels=ids, ids=ids)
        assert [len(one) for one in events] == np.diff(offsets).tolist()
    with pytest.raises(ValueError, match="n 1: event 2: t = 0 us after 6 us"):
        EventSet(**fields, t=times, offsets=[0, 0, 3, 6, 6, 6], labels=ids, ids=ids)


def test_a_column_that_was_changed_is_found():
    events = EventSet(**columns()).check()
    events.x[1] = 17
    with pytest.raises(ValueError, match="made up a: event 1: x = 17"):
        events.check()


def test_only_recordings_of_one_sensor_are_packed():
    with pytest.raises(ValueError, match="give at least one"):
        EventSet.of([], [])
    parts = [Events.of([0], [0], (5, 4, 2)), Events.of([0], [0], (4, 4, 2))]
    with pytest.raises(ValueError, match=r"\(4, 4, 2\), \(5, 4, 2\)"):
        EventSet.of(parts, [0, 1])

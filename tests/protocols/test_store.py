"""The store gives back what was made, or makes it again: never anything else."""

import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuromem.protocols import Store, cache_folder


class Entry(msgspec.Struct, frozen=True):
    name: str
    value: float


FEATURES = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)
COUNTS = np.arange(600, dtype=np.float32).reshape(20, 30)
ENTRY = [Entry("a", 0.123456789), Entry("é", 1e-300)]


def never():
    raise AssertionError("made again")


@given(
    values=hnp.arrays(
        np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
        elements=st.one_of(
            st.integers(0, 300).map(float), st.floats(-1e6, 1e6, width=32), st.just(65536.0)
        ),
    )
)  # fmt: skip
def test_features_come_back_as_they_were(values, tmp_path_factory):
    store = Store(tmp_path_factory.mktemp("store"))
    assert store.features("recipe", lambda: values) is not None
    kept = store.features("recipe", never)
    assert kept.dtype == np.float32
    assert np.array_equal(kept, values)


def test_records_come_back_as_they_were(tmp_path):
    store = Store(tmp_path)
    assert store.record("recipe", list[Entry], lambda: ENTRY) == ENTRY
    assert store.record("recipe", list[Entry], never) == ENTRY


def test_nothing_is_kept_without_a_folder():
    made = []
    for _ in range(2):
        Store(None).features("recipe", lambda: made.append(1) or FEATURES)
        Store(None).record("recipe", list[Entry], lambda: made.append(2) or ENTRY)
    assert made == [1, 2, 1, 2]


def test_the_folder_is_made_when_something_is_written(tmp_path):
    store = Store(tmp_path / "a" / "b")
    assert not (tmp_path / "a").exists()
    store.record("recipe", list[Entry], lambda: ENTRY)
    assert len(list((tmp_path / "a" / "b").iterdir())) == 1


def test_a_failure_leaves_nothing_behind(tmp_path):
    store = Store(tmp_path)
    for call in (store.features, lambda recipe, make: store.record(recipe, list[Entry], make)):
        with pytest.raises(KeyboardInterrupt):
            call("recipe", _interrupted)
    assert not list(tmp_path.iterdir())


def _interrupted():
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    store = Store(folder)
    store.features("small", lambda: FEATURES)
    store.features("counts", lambda: COUNTS)
    store.record("record", list[Entry], lambda: ENTRY)
    return folder


def read(store: Store, recipe: str):
    if recipe == "record":
        return store.record(recipe, list[Entry], lambda: ENTRY)
    return store.features(recipe, lambda: COUNTS if recipe == "counts" else FEATURES).tolist()


@given(data=st.data())
def test_a_file_with_any_byte_changed_or_lost_is_never_believed(data, written, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    for path in written.iterdir():
        shutil.copy(path, folder)
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[at] ^= data.draw(st.integers(1, 255))
    else:
        del content[at:]
    path.write_bytes(bytes(content))
    for recipe in ("small", "counts", "record"):
        expected = ENTRY if recipe == "record" else read(Store(None), recipe)
        assert read(Store(folder), recipe) == expected


def test_a_file_of_another_recipe_or_kind_is_not_taken(written, tmp_path):
    for path in written.iterdir():
        others = [p for p in written.iterdir() if p != path]
        for other in others:
            shutil.copy(other, tmp_path / path.name)
            for recipe in ("small", "counts", "record"):
                expected = ENTRY if recipe == "record" else read(Store(None), recipe)
                assert read(Store(tmp_path), recipe) == expected


def test_a_record_of_another_shape_is_made_again(tmp_path):
    class Other(msgspec.Struct):
        other: int

    store = Store(tmp_path)
    store.record("recipe", list[Entry], lambda: ENTRY)
    assert store.record("recipe", Other, lambda: Other(1)) == Other(1)


def test_the_usual_folder_follows_the_desktop_standard(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/neuromem")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert cache_folder() == Path.home() / ".cache" / "neuromem"

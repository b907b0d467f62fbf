"""Results in files come back without loss, or not at all, and know where they come from."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import h5py
import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from neuromem import backends
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)
from neuromem.results import Provenance, Result, Samples

NETWORK = Network(
    name="two cells",
    populations=[
        SpikeSource(name="in", size=2),
        Population(name="exp", size=2, neuron=IF_curr_exp(tau_m_ms=4.0)),
        Population(name="lif", size=3, neuron=LIF_hard_reset()),
    ],
    projections=[
        Projection(
            pre="in",
            post="exp",
            connector=AllToAllConnector(skip_same_index=True),
            synapse=STDPSynapse(weight=30, A_plus=1, A_minus=1, w_max=40),
            label="a label / with: signs, é",
        ),
        Projection(
            pre="in", post="lif", connector=AllToAllConnector(), synapse=StaticSynapse(weight=0.7)
        ),
    ],
    recordings=[
        Recording(target="in"),
        Recording(target="exp"),
        Recording(target="lif"),
        Recording(target="exp", variable="v"),
        Recording(target="exp", variable="isyn_exc", every_ms=2),
        Recording(target="lif", variable="v", every_ms=5),
        Recording(target="a label / with: signs, é", variable="weights", every_ms=10),
        Recording(target="in->lif", variable="weights", every_ms=10),
    ],
)
STIMULUS = {"in": SpikeTrains.of([[1, 2, 3, 20, 21], [2, 3, 22]])}


@pytest.fixture(scope="module")
def result() -> Result:
    return backends.run(NETWORK, 40, STIMULUS, "native-reference", seed=7)


def assert_equal(one: Result, other: Result) -> None:
    assert one.network == other.network
    assert (one.start_ms, one.stop_ms) == (other.start_ms, other.stop_ms)
    assert one.spikes == other.spikes
    assert one.provenance == other.provenance
    assert one.weights.keys() == other.weights.keys()
    assert one.states.keys() == other.states.keys()
    pairs = [(one.weights[key], other.weights[key]) for key in one.weights]
    for name, states in one.states.items():
        assert states.keys() == other.states[name].keys()
        pairs += [(states[key], other.states[name][key]) for key in states]
    for left, right in pairs:
        assert left.unit == right.unit
        for a, b in ((left.times_ms, right.times_ms), (left.values, right.values)):
            assert a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("backend", ["native", "native-reference"])
def test_result_holds_what_was_recorded(backend) -> None:
    result = backends.run(NETWORK, 40, STIMULUS, backend)
    assert (result.start_ms, result.stop_ms, result.duration_ms) == (0, 40, 40)
    assert result.spikes["in"] == STIMULUS["in"]
    assert len(result.spikes["exp"]) > 0 and len(result.spikes["lif"]) > 0
    shapes = {
        (name, variable): (len(s.times_ms), s.values.shape, s.unit)
        for name, states in result.states.items()
        for variable, s in states.items()
    }
    assert shapes == {
        ("exp", "v"): (40, (40, 2), "mV"),
        ("exp", "isyn_exc"): (20, (20, 2), "nA"),
        ("lif", "v"): (8, (8, 3), "1"),
    }
    assert result.states["lif"]["v"].times_ms.tolist() == list(range(0, 40, 5))
    learned = result.weights["a label / with: signs, é"]
    assert learned.values.shape == (4, 2, 2) and learned.unit == "nA"
    assert np.isnan(learned.values[:, [0, 1], [0, 1]]).all()
    assert np.isfinite(learned.values[:, [0, 1], [1, 0]]).all()
    static = result.weights["in->lif"]
    assert static.unit == "1" and np.all(static.values == 0.7)


def test_provenance(result: Result) -> None:
    made = result.provenance
    assert made.network_sha256 == NETWORK.digest()
    assert (made.backend, made.seed) == ("native-reference", 7)
    assert made.backend_version == backends.capabilities("native-reference").version
    assert made.packages["numpy"] == np.__version__
    assert made.packages["h5py"] == h5py.__version__
    assert made.python == platform.python_version()
    assert platform.system() in made.system
    assert backends.run(NETWORK, 1).provenance.seed is None


def test_result_comes_back(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    path.write_text("old", encoding="utf-8")
    assert result.save(path) == path
    assert_equal(Result.load(path), result)
    assert [p.name for p in tmp_path.iterdir()] == ["run.h5"]


def test_empty_result_comes_back(tmp_path: Path) -> None:
    for network in (NETWORK, NETWORK.recording()):
        result = backends.start(network).result()
        assert_equal(Result.load(result.save(tmp_path / "run.h5")), result)


NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
LABELS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@st.composite
def trains(draw) -> SpikeTrains:
    size = draw(st.integers(1, 5))
    spikes = draw(st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, size - 1)), max_size=9))
    return SpikeTrains(
        np.array([t for t, _ in spikes]), np.array([n for _, n in spikes], dtype=np.int64), size
    )


@st.composite
def samples(draw, ndim: int) -> Samples:
    shape = draw(hnp.array_shapes(min_dims=ndim, max_dims=ndim, max_side=4))
    n = draw(st.sampled_from([shape[0], 0, 300]))
    value = draw(st.floats())
    values = np.full((n, *shape[1:]), value)
    return Samples(np.arange(n) * 0.1, values, draw(st.sampled_from(["mV", "nA", "1"])))


RESULTS = st.builds(
    Result,
    network=st.just(NETWORK),
    start_ms=st.floats(0, 1e3),
    stop_ms=st.floats(1e3, 1e9),
    spikes=st.dictionaries(NAMES, trains(), max_size=3),
    provenance=st.builds(
        Provenance,
        network_sha256=st.just(NETWORK.digest()),
        backend=LABELS,
        backend_version=LABELS,
        seed=st.none() | st.integers(0, 2**63),
        packages=st.dictionaries(LABELS, LABELS, max_size=2),
        python=LABELS,
        system=LABELS,
    ),
    states=st.dictionaries(
        NAMES, st.dictionaries(NAMES, samples(2), min_size=1, max_size=2), max_size=2
    ),
    weights=st.dictionaries(LABELS, samples(3), max_size=12),
)


@given(RESULTS)
@settings(max_examples=25)
def test_any_result_comes_back(tmp_path_factory, result: Result) -> None:
    path = tmp_path_factory.mktemp("result") / "run.h5"
    assert_equal(Result.load(result.save(path)), result)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "no.h5"))):
        Result.load(tmp_path / "no.h5")


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file_is_named(result: Result, tmp_path: Path, part: float) -> None:
    content = result.save(tmp_path / "whole.h5").read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Result.load(path)


def test_file_of_something_else_is_named(result: Result, tmp_path: Path) -> None:
    path = tmp_path / "other.h5"
    path.write_text("spikes: none", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Result.load(path)
    with pytest.raises(ValueError, match=re.escape(str(tmp_path))):
        Result.load(tmp_path)
    with h5py.File(path, "w") as file:
        file["spikes"] = np.arange(3)
    with pytest.raises(ValueError, match=r"other\.h5.*not one written by neuromem"):
        Result.load(path)
    backends.start(NETWORK).save(path)
    with pytest.raises(ValueError, match=r"other\.h5.*simulation, not a result"):
        Result.load(path)
    result.save(path)
    with h5py.File(path, "r+") as file:
        file.attrs["version"] = 99
    with pytest.raises(ValueError, match=r"other\.h5.*version 99"):
        Result.load(path)


@pytest.mark.parametrize(
    "lost", ["network", "provenance", "span_ms", "spikes", "states", "weights", "spikes/in/size"]
)
def test_file_that_lacks_something_is_named(result: Result, tmp_path: Path, lost: str) -> None:
    path = result.save(tmp_path / "part.h5")
    with h5py.File(path, "r+") as file:
        del file[lost]
    with pytest.raises(ValueError, match=re.escape(str(path))):
        Result.load(path)


def test_damaged_texts_are_named(result: Result, tmp_path: Path) -> None:
    for name in ("network", "provenance"):
        path = result.save(tmp_path / "part.h5")
        with h5py.File(path, "r+") as file:
            del file[name]
            file[name] = "{}"
        with pytest.raises(ValueError, match=re.escape(str(path))):
            Result.load(path)


def test_save_that_fails_leaves_nothing(result: Result, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "folder", tmp_path / "no" / "run.h5", tmp_path / "file" / "run.h5"):
        with pytest.raises(OSError):
            result.save(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]


def test_neo_holds_every_spike_and_state(result: Result) -> None:
    block = result.to_neo()
    assert isinstance(block, neo.Block) and block.name == "two cells"
    (segment,) = block.segments
    trains = {
        (t.annotations["population"], t.annotations["neuron"]): t for t in segment.spiketrains
    }
    assert len(trains) == 2 + 2 + 3
    for name, spikes in result.spikes.items():
        for neuron, times in enumerate(spikes.per_neuron()):
            train = trains[name, neuron]
            assert train.units == pq.ms and train.rescale("ms").magnitude.tolist() == times
            assert (float(train.t_start), float(train.t_stop)) == (0, 40)
    signals = {
        (s.annotations["population"], s.annotations["variable"]): s
        for s in segment.irregularlysampledsignals
    }
    units = {("exp", "v"): pq.mV, ("exp", "isyn_exc"): pq.nA, ("lif", "v"): pq.dimensionless}
    assert signals.keys() == units.keys()
    for (name, variable), signal in signals.items():
        recorded = result.states[name][variable]
        assert signal.units == units[name, variable]
        assert np.array_equal(signal.magnitude, recorded.values)
        assert np.array_equal(signal.times.rescale("ms").magnitude, recorded.times_ms)


def test_neo_of_nothing() -> None:
    (segment,) = backends.start(NETWORK).result().to_neo().segments
    assert [len(train) for train in segment.spiketrains] == [0] * 7

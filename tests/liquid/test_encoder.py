"""Recordings to features: the engines agree to the last bit, with the network, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem.events import Events, EventSet, Framing
from neuromem.liquid import (
    Dense,
    DistanceDependent,
    Features,
    Liquid,
    Sparse,
    encode,
    encoder,
    published_nmnist,
)
from neuromem.network import SpikeBatch
from neuromem.rram import GaussianWeights

SIZE = (6, 5, 2)
FRAMING = Framing(sensor_size=SIZE, steps=12)
ALL = ("count", "membrane", "trace", "latency")
LIQUID = Liquid(
    framing=FRAMING,
    neurons=20,
    recurrent_wiring=DistanceDependent(length_px=3.0),
    decay=(0.9, 0.5, 0.97),
    input_gain=0.5,
    features=Features(kinds=ALL, bins=4),
)


def recordings(n: int, seed: int = 0, size=SIZE, events: int = 200) -> EventSet:
    rng = np.random.default_rng(seed)
    width, height, polarities = size
    parts = [
        Events.of(
            rng.integers(0, width, k), np.sort(rng.integers(0, 10_000, k)), size,
            rng.integers(0, height, k), rng.integers(0, polarities, k),
        )
        for k in rng.integers(0, events, n)
    ]  # fmt: skip
    return EventSet.of(parts, rng.integers(0, 3, n))


def one_by_one(liquid: Liquid, data: EventSet | SpikeBatch, backend: str = "native") -> np.ndarray:
    """Encode as on a backend that knows no batches: one network, one recording at a time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoder, "ENGINES", {})
        return encode(liquid, data, backend)


# -- by hand ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["native", "native-reference", "torch"])
def test_lif_step_by_hand(backend):
    # u = 0.6, then 0.9 * 0.6 + 0.6 = 1.14 > 1: a spike; then the input alone.
    if backend == "torch":
        pytest.importorskip("torch")
    liquid = Liquid(
        framing=Framing(sensor_size=(1, 1, 1), steps=3, step_us=10.0),
        neurons=1,
        input_weights=GaussianWeights(mean_us=0.6, sd_us=0.0),
        input_gain=1.0,
        decay=(0.9,),
        v_thresh=1.0,
        features=Features(kinds=ALL, bins=3, trace_decay=0.5),
    )
    events = EventSet.of([Events.of([0, 0, 0], [0, 10, 20], (1, 1, 1))], [0])
    count, membrane, trace, latency = liquid.encode(events, backend).reshape(4, 3)
    np.testing.assert_allclose(membrane, [0.6, 1.14, 0.6], rtol=1e-6)
    assert count.tolist() == [0, 1, 0]
    assert trace.tolist() == [0, 1, 0.5]
    assert latency.tolist() == [1, 0, 1]


def test_features_stand_kind_by_kind_and_bin_by_bin():
    data = recordings(5)
    whole = LIQUID.encode(data).reshape(5, 4, 4, 20)
    for k, kind in enumerate(ALL):
        alone = LIQUID.replace(features=Features(kinds=(kind,), bins=4)).encode(data)
        assert np.array_equal(alone, whole[:, k].reshape(5, -1))
    once = LIQUID.replace(features=Features()).encode(data)
    assert np.array_equal(once, whole[:, 0].sum(axis=1))
    rooted = LIQUID.replace(features=Features(square_root=True)).encode(data)
    assert np.array_equal(rooted, np.sqrt(once))
    assert once.any()


# -- the engines -----------------------------------------------------------------------------------


@given(
    seed=st.integers(0, 2**32),
    decay=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    recurrent=st.sampled_from([None, Dense(), Sparse(p_connect=0.3)]),
    counts=st.booleans(),
    precision=st.sampled_from(["float32", "int8"]),
)
@settings(max_examples=25)
def test_native_equals_the_reference_to_the_last_bit(seed, decay, recurrent, counts, precision):
    liquid = LIQUID.replace(
        seed=seed,
        decay=tuple(decay),
        recurrent_wiring=recurrent,
        framing=Framing(sensor_size=SIZE, steps=12, counts=counts),
    )
    data = recordings(6, seed)
    native = liquid.encode(data, precision=precision)
    assert native.dtype == np.float32
    assert native.shape == (6, 4 * 4 * 20)
    assert np.array_equal(native, liquid.encode(data, "native-reference", precision=precision))


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_threads_change_nothing(threads):
    data = recordings(40)
    assert np.array_equal(
        LIQUID.encode(data, threads=threads), LIQUID.encode(data, "native-reference")
    )


def test_snntorch_runs_batches_with_every_feature():
    pytest.importorskip("snntorch")
    data = recordings(7)
    ours, theirs = LIQUID.encode(data), LIQUID.encode(data, "snntorch")
    assert ours.any() and theirs.shape == ours.shape
    # a sum in another order may turn a spike that hangs on the last bit
    assert np.mean(np.abs(theirs - ours) > 1e-3) < 0.01


def test_processes_change_nothing():
    data = recordings(7)
    seen = []
    shared = encode(LIQUID, data, processes=2, progress=lambda *pair: seen.append(pair))
    assert np.array_equal(shared, LIQUID.encode(data))
    assert seen[-1] == (7, 7) and len(seen) == 7


def test_chunks_change_nothing_but_what_is_reported(monkeypatch):
    data = recordings(9)
    whole = LIQUID.encode(data)
    monkeypatch.setattr(encoder, "CHUNK", 4)
    seen = []
    parts = encode(LIQUID, data, progress=lambda *pair: seen.append(pair))
    assert np.array_equal(parts, whole)
    assert seen == [(4, 9), (8, 9), (9, 9)]


def test_recordings_are_encoded_alike_in_any_order_and_framed_or_not():
    data = recordings(9)
    whole = LIQUID.encode(data)
    assert np.array_equal(LIQUID.encode(data[[5, 0, 5]]), whole[[5, 0, 5]])
    assert np.array_equal(LIQUID.encode(FRAMING.spikes(data)), whole)
    again = EventSet.of(list(data), data.labels[::-1], ids=[f"r{i}" for i in range(9)])
    assert np.array_equal(LIQUID.encode(again), whole)


class Noisy:
    """Weights with noise that differs from step to step."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng, self.w_in = rng, LIQUID.input_matrix().astype(np.float32)

    def step(self):
        noise = self.rng.normal(1, 0.5, self.w_in.shape)
        return (self.w_in * noise).astype(np.float32), None


def test_the_noise_of_a_seed_is_the_same_but_not_from_chunk_to_chunk(monkeypatch):
    monkeypatch.setattr(encoder, "CHUNK", 4)
    data = recordings(4, events=400)
    twice = data[[0, 1, 2, 3, 0, 1, 2, 3]]
    features = encode(LIQUID, twice, weights_of_step=Noisy, rng=5)
    assert np.array_equal(features, encode(LIQUID, twice, weights_of_step=Noisy, rng=5))
    assert not np.array_equal(features[:4], features[4:])


# -- a run of the network --------------------------------------------------------------------------


@st.composite
def exact_liquids(draw) -> Liquid:
    """Return liquids whose sums are exact in any order: one weight, 0 or a quarter, decay 0.5."""
    neurons = draw(st.integers(1, 12))
    decay = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=min(3, neurons))
    wiring = st.sampled_from([Dense(), Sparse(p_connect=0.3), DistanceDependent(length_px=2.0)])
    sign = draw(st.sampled_from([-1, 1]))
    return Liquid(
        framing=FRAMING,
        neurons=neurons,
        input_wiring=draw(wiring),
        recurrent_wiring=draw(st.one_of(st.none(), wiring)),
        input_weights=GaussianWeights(mean_us=0.25, sd_us=0.0),
        recurrent_weights=GaussianWeights(mean_us=0.125 * sign, sd_us=0.0),
        input_gain=1.0,
        recurrent_gain=1.0,
        decay=tuple(draw(decay)),
        v_thresh=draw(st.sampled_from([0.5, 1.0, 1.625])),
        features=Features(kinds=("trace", "count"), bins=draw(st.integers(1, 12)), trace_decay=0.5),
        seed=draw(st.integers(0, 2**32)),
    )


@given(exact_liquids(), st.integers(0, 2**32))
@settings(max_examples=25)
def test_a_batch_is_a_network_run_one_recording_at_a_time(liquid, seed):
    data = recordings(3, seed, events=60)
    assert np.array_equal(one_by_one(liquid, data), liquid.encode(data))


@pytest.mark.parametrize("backend", ["native", "native-reference"])
def test_the_published_liquid_as_a_network(backend):
    # The gain of the audio-to-image experiment, for more spikes than that of the design.
    liquid = published_nmnist(neurons=60).replace(features=Features(bins=5), input_gain=0.3)
    data = recordings(2, 1, (34, 34, 2), 4000)
    counts = one_by_one(liquid, data, backend)
    assert counts.sum() > 100
    assert np.array_equal(counts, liquid.encode(data))


def test_counts_on_a_line_are_added_or_refused():
    counted = Framing(sensor_size=SIZE, steps=12, counts=True)
    liquid = LIQUID.replace(framing=counted, features=Features())
    data = recordings(3, events=900)
    assert not counted.spikes(data).binary
    batched = liquid.encode(data)
    assert np.array_equal(batched, liquid.encode(data, "native-reference"))
    assert not np.array_equal(batched, liquid.replace(framing=FRAMING).encode(data))
    with pytest.raises(ValueError, match="spike more than once in a step on backend 'native'"):
        one_by_one(liquid, data)
    # the same, where the line is listed twice
    twice = SpikeBatch(np.minimum(np.arange(13), 1) * 2, np.array([7, 7]), 12, 60)
    with pytest.raises(ValueError, match="spike more than once"):
        one_by_one(liquid, twice)


def test_counts_of_one_run_as_binary_lines():
    counted = Framing(sensor_size=SIZE, steps=12, counts=True)
    few = EventSet.of([Events.of([1, 2, 2], [0, 500, 900], SIZE)], [0])
    liquid = LIQUID.replace(framing=counted, features=Features(), input_gain=5.0)
    assert np.array_equal(one_by_one(liquid, few), liquid.encode(few))
    assert liquid.encode(few).any()


# -- little and bad input --------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["native", "native-reference"])
def test_no_recordings_are_no_features(backend):
    data = recordings(3)
    for nothing in (data[:0], FRAMING.spikes(data[:0])):
        features = LIQUID.encode(nothing, backend)
        assert features.shape == (0, 4 * 4 * 20)
        assert features.dtype == np.float32
    assert one_by_one(LIQUID.replace(features=Features()), data[:0]).shape == (0, 20)


def test_a_recording_without_events_is_silence():
    empty = Events.of([], [], SIZE)
    single = Events.of([1], [7], SIZE)
    features = LIQUID.encode(EventSet.of([empty, single, empty], [0, 0, 0]))
    count, membrane, trace, latency = features.reshape(3, 4, 4, 20).swapaxes(0, 1)
    assert not count[[0, 2]].any() and not membrane[[0, 2]].any() and not trace[[0, 2]].any()
    assert (latency[[0, 2]] == 3).all()  # steps of a bin
    assert membrane[1].all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backend": "spinnaker3"}, "no backend 'spinnaker3': there are native, native-reference"),
        ({"precision": "int4"}, "no precision 'int4'"),
        ({"threads": 0}, "threads = 0"),
        ({"processes": 0}, "processes = 0: must be at least 1"),
        ({"processes": 2, "rng": 1}, "rng with processes = 2"),
    ],
)
def test_bad_requests_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        LIQUID.encode(recordings(2), **arguments)


def test_what_a_network_run_cannot_do_is_refused(monkeypatch):
    data = recordings(2)
    with pytest.raises(ValueError, match=r"features .*membrane.* it offers count and trace"):
        one_by_one(LIQUID, data)
    monkeypatch.setattr(encoder, "ENGINES", {})
    counting = LIQUID.replace(features=Features())
    with pytest.raises(ValueError, match="precision 'int8' on backend 'native'"):
        encode(counting, data, precision="int8")
    with pytest.raises(ValueError, match=r"column_transform, .*on backend 'native'"):
        encode(counting, data, column_transform=np.negative)


def test_recordings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"sensor size \(7, 5, 2\).*input is \(6, 5, 2\)"):
        LIQUID.encode(recordings(2, size=(7, 5, 2)))
    spikes = SpikeBatch.of_dense(np.zeros((2, 12, 59)))
    with pytest.raises(ValueError, match=r"12 steps on 59 lines.* 12 steps and 60 lines"):
        LIQUID.encode(spikes)
    with pytest.raises(ValueError, match="11 steps on 60 lines"):
        LIQUID.encode(SpikeBatch.of_dense(np.zeros((2, 11, 60))))


@pytest.mark.parametrize("wrong", [np.zeros((2, 12, 60)), recordings(1)[0], [recordings(1)[0]]])
def test_other_types_are_refused(wrong):
    with pytest.raises(TypeError, match="give an EventSet or a SpikeBatch"):
        LIQUID.encode(wrong)


def test_reservoir_of_a_liquid_is_that_of_its_network() -> None:
    from neuromem.backends.reservoir import Reservoir
    from neuromem.liquid.encoder import reservoir_of

    liquid = published_nmnist(neurons=31, seed=3).replace(decay=(0.5, 0.9, 0.97))
    for each in (liquid, liquid.replace(recurrent_wiring=None)):
        direct, through = reservoir_of(each), Reservoir.of(each.network())
        for name in ("w_in", "w_rec", "decay", "v_thresh"):
            np.testing.assert_array_equal(getattr(direct, name), getattr(through, name))

"""From events to input spikes: by definition, conserving what should be, as tonic does it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.events import Crop, Events, EventSet, Framing

SIZE = (5, 4, 2)
POLARITIES = ("both", "merge", "on", "off")


@st.composite
def event_sets(draw) -> EventSet:
    """Return recordings in which several events often share a time, a pixel, or both."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    parts = []
    for n in draw(st.lists(st.integers(0, 30), min_size=1, max_size=4)):
        first = int(rng.integers(0, 50))
        t = np.sort(rng.integers(first, first + draw(st.sampled_from([1, 7, 60, 400])), n))
        parts.append(
            Events.of(rng.integers(0, 5, n), t, SIZE, rng.integers(0, 4, n), rng.integers(0, 2, n))
        )
    return EventSet.of(parts, np.zeros(len(parts), dtype=int))


@st.composite
def framings(draw) -> Framing:
    crop = None
    if draw(st.booleans()):
        left, top = draw(st.integers(0, 4)), draw(st.integers(0, 3))
        width, height = draw(st.integers(1, 5 - left)), draw(st.integers(1, 4 - top))
        crop = Crop(left=left, top=top, width=width, height=height)
    step_us = draw(st.sampled_from([None, None, 1.0, 1.1, 3.0, 7.5, 100.0]))
    return Framing(
        sensor_size=SIZE,
        steps=draw(st.integers(1, 12)),
        step_us=step_us,
        chunked=step_us is not None and draw(st.booleans()),
        crop=crop,
        polarity=draw(st.sampled_from(POLARITIES)),
        counts=draw(st.booleans()),
    )


def by_definition(framing: Framing, recordings: EventSet) -> np.ndarray:
    """Frame one event at a time, as the documentation of Framing says."""
    crop, steps = framing.window, framing.steps
    out = np.zeros((len(recordings), steps, framing.planes, crop.height, crop.width))
    for sample, events in enumerate(recordings):
        t = events.data["t"].tolist()
        for x, y, p, time in events.data.tolist():
            if framing.step_us is None:
                step = (time - t[0]) * steps // max(t[-1] - t[0], 1)
                step = min(step, steps - 1)
            else:
                step = int(time / framing.step_us)
                if framing.chunked:
                    length = int(t[-1] / framing.step_us) + 1
                    step //= -(-length // steps)
            seen = framing.polarity in ("both", "merge", ("off", "on")[p])
            column, row = x - crop.left, y - crop.top
            if seen and step < steps and 0 <= column < crop.width and 0 <= row < crop.height:
                out[sample, step, p if framing.polarity == "both" else 0, row, column] += 1
    out = out.reshape(len(recordings), steps, framing.channels)
    return out if framing.counts else np.minimum(out, 1)


def one(t, x=None, y=None, p=None, size=SIZE) -> EventSet:
    """Return a set of one recording, at pixel (0, 0) where not told."""
    x = np.zeros(len(t), int) if x is None else x
    return EventSet.of([Events.of(np.array(x), np.array(t), size, y, p)], [0])


# -- laws ------------------------------------------------------------------------------------------


@given(framings(), event_sets())
def test_framing_is_as_defined(framing, recordings):
    batch = framing.spikes(recordings)
    assert (batch.samples, batch.steps) == (len(recordings), framing.steps)
    assert batch.channels == framing.channels
    assert np.array_equal(batch.dense(), by_definition(framing, recordings))
    assert (batch.count is not None) == framing.counts


@given(event_sets(), st.integers(1, 12), st.sampled_from(["both", "merge"]))
def test_counts_of_the_full_field_conserve_events(recordings, steps, polarity):
    framing = Framing(sensor_size=SIZE, steps=steps, polarity=polarity, counts=True)
    total = framing.spikes(recordings).dense().sum(axis=(1, 2))
    assert total.tolist() == [len(events) for events in recordings]
    late = Framing(
        sensor_size=SIZE, steps=steps, step_us=500.0 / steps, polarity=polarity, counts=True
    )
    assert late.spikes(recordings).dense().sum() == len(recordings.x)


@given(event_sets(), st.integers(1, 12))
def test_on_and_off_are_the_two_halves(recordings, steps):
    frames = {
        polarity: Framing(sensor_size=SIZE, steps=steps, polarity=polarity, counts=True)
        .spikes(recordings)
        .dense()
        for polarity in POLARITIES
    }
    halves = np.concatenate([frames["off"], frames["on"]], axis=2)
    assert np.array_equal(frames["both"], halves)
    assert np.array_equal(frames["merge"], frames["off"] + frames["on"])


@given(framings(), event_sets(), st.integers(0, 2**32))
def test_the_order_of_events_of_the_same_time_does_not_matter(framing, recordings, seed):
    rng = np.random.default_rng(seed)
    shuffled = []
    for events in recordings:
        order = rng.permutation(len(events))
        order = order[np.argsort(events.data["t"][order], kind="stable")]
        shuffled.append(Events(events.data[order], SIZE))
    other = EventSet.of(shuffled, recordings.labels)
    assert framing.spikes(other).digest() == framing.spikes(recordings).digest()


@given(framings(), event_sets(), st.data())
def test_a_recording_is_framed_alike_in_any_set(framing, recordings, data):
    which = data.draw(st.lists(st.integers(0, len(recordings) - 1), max_size=6))
    dense = framing.spikes(recordings).dense()
    assert np.array_equal(framing.spikes(recordings[which]).dense(), dense[which])


@given(event_sets(), st.integers(1, 12), st.integers(0, 10**6))
def test_steps_that_fit_the_recording_do_not_depend_on_when_it_begins(recordings, steps, delay):
    framing = Framing(sensor_size=SIZE, steps=steps)
    later = EventSet.of(
        [
            Events.of(e.data["x"], e.data["t"] + delay, SIZE, e.data["y"], e.data["p"])
            for e in recordings
        ],
        recordings.labels,
    )
    assert framing.spikes(later).digest() == framing.spikes(recordings).digest()


@given(framings())
def test_positions_say_where_each_line_lies(framing):
    crop = framing.window
    positions = framing.positions()
    assert positions.shape == (framing.channels, 3)
    # the plane of "on" is plane 0 as well, so polarity comes from the framing
    for line, (plane, row, column) in enumerate(positions.tolist()):
        p = {"on": 1, "off": 0}.get(framing.polarity, plane)
        x, y = crop.left + column, crop.top + row
        assert framing.spikes(one([0], [x], [y], [p])).channel.tolist() == [line]


# -- facts -----------------------------------------------------------------------------------------


def test_the_centre_of_34_pixels_is_9_to_24():
    every = np.arange(34)
    size = (34, 34, 2)
    framing = Framing(
        sensor_size=size, steps=1, crop=Crop.centre(16, size), polarity="merge", counts=True
    )
    assert framing.channels == 256
    seen = framing.spikes(one(np.zeros(34, int), every, every, size=size))
    assert seen.channel.tolist() == [17 * k for k in range(16)]  # the diagonal from (9, 9)
    for edge, kept in ((8, 0), (9, 1), (24, 1), (25, 0)):
        assert len(framing.spikes(one([0], [edge], [12], size=size)).channel) == kept
        assert len(framing.spikes(one([0], [12], [edge], size=size)).channel) == kept


@pytest.mark.parametrize(
    ("length", "chunks", "each"), [(600, 120, 5), (129, 129, 1), (130, 65, 2), (1, 1, 1)]
)
def test_long_recordings_are_combined_by_or(length, chunks, each):
    framing = Framing(sensor_size=(64, 1, 1), steps=129, step_us=1000.0, chunked=True)
    t = np.arange(length) * 1000
    cochlea = one(t, size=(64, 1, 1))
    dense = framing.spikes(cochlea).dense()[0, :, 0]
    assert dense.tolist() == [1] * chunks + [0] * (129 - chunks)
    counted = Framing(sensor_size=(64, 1, 1), steps=129, step_us=1000.0, chunked=True, counts=True)
    assert counted.spikes(cochlea).dense()[0, :chunks, 0].tolist() == [each] * chunks


@pytest.mark.parametrize(
    ("t", "span", "steps"), [(9, 18, 14), (65, 130, 14), (35, 42, 18), (150, 300, 50)]
)
def test_an_event_on_a_boundary_opens_the_next_step(t, span, steps):
    # In floating point, 9 / (18 / 14) falls short of 7.
    framing = Framing(sensor_size=(1, 1, 1), steps=steps)
    active = framing.spikes(one([0, t, span], size=(1, 1, 1))).dense().ravel().nonzero()[0]
    assert active.tolist() == [0, t * steps // span, steps - 1]


def test_events_after_the_last_step_are_left_out():
    framing = Framing(sensor_size=SIZE, steps=3, step_us=10.0, counts=True)
    dense = framing.spikes(one([0, 9, 10, 29, 30, 2**31 - 1])).dense()
    assert dense.sum(axis=2).tolist() == [[2, 1, 1]]


@pytest.mark.parametrize("t", [[0], [17], [17, 17, 17]])
def test_events_of_one_moment_are_in_the_first_step(t):
    framing = Framing(sensor_size=SIZE, steps=4, counts=True)
    assert framing.spikes(one(t)).dense().sum(axis=2).tolist() == [[len(t), 0, 0, 0]]


def test_no_events_are_no_spikes():
    for framing in (
        Framing(sensor_size=SIZE, steps=4),
        Framing(sensor_size=SIZE, steps=4, step_us=5.0, chunked=True),
    ):
        recordings = EventSet.of([Events.of([], [], SIZE), Events.of([1], [2], SIZE)], [0, 1])
        assert framing.spikes(recordings).dense().sum(axis=(1, 2)).tolist() == [0, 1]
        assert len(framing.spikes(recordings[:0])) == 0


def test_a_sensor_of_one_polarity_has_one_line_a_pixel():
    size = (5, 4, 1)
    for polarity in POLARITIES:
        framing = Framing(sensor_size=size, steps=1, polarity=polarity)
        assert framing.channels == 20
        assert framing.spikes(one([0, 0], [1, 2], p=[0, 1], size=size)).channel.tolist() == [1, 2]


def test_tonic_makes_the_same_frames():
    transforms = pytest.importorskip("tonic.transforms")
    rng = np.random.default_rng(3)
    t = np.sort(rng.integers(40, 440, 500))
    t[0], t[-1] = 40, 440
    recordings = one(t, rng.integers(0, 5, 500), rng.integers(0, 4, 500), rng.integers(0, 2, 500))
    last = int((t == 440).sum())  # tonic leaves out those at the very end
    ours = Framing(sensor_size=SIZE, steps=20, counts=True).spikes(recordings).dense()
    theirs = transforms.ToFrame(SIZE, n_time_bins=20)(recordings[0].data)
    assert ours.sum() == 500 == theirs.sum() + last
    theirs = theirs.reshape(20, -1)
    assert np.array_equal(ours[0, :-1], theirs[:-1])
    assert (ours[0, -1] - theirs[-1]).sum() == last

    ours = Framing(sensor_size=SIZE, steps=40, step_us=10.0, counts=True)
    from_zero = one(t - 40, *(recordings[0].data[f] for f in "xyp"))
    theirs = transforms.ToFrame(SIZE, time_window=10.0)(from_zero[0].data)
    assert np.array_equal(ours.spikes(from_zero).dense()[0], theirs[:40].reshape(40, -1))


# -- what is refused -------------------------------------------------------------------------------


def test_recordings_of_another_sensor_are_refused():
    with pytest.raises(ValueError, match=r"events of sensor size \(5, 4, 2\).*input is \(34, 34"):
        Framing(sensor_size=(34, 34, 2), steps=3).spikes(one([0]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "Framing.steps = 0"),
        ({"steps": 2.5}, r"Framing.steps = 2\.5"),
        ({"step_us": 0.0}, r"Framing.step_us = 0\.0"),
        ({"step_us": 1e-300}, "must be float >= 1"),
        ({"step_us": float("nan")}, "Framing.step_us = nan"),
        ({"chunked": True}, "chunked without step_us"),
        ({"polarity": "ON"}, "Framing.polarity = 'ON'"),
        ({"sensor_size": (5, 4)}, "Framing.sensor_size"),
        ({"sensor_size": (5, 0, 2)}, "Framing.sensor_size"),
        ({"sensor_size": (5, 4, 3)}, "1 or 2 polarities"),
        ({"crop": Crop(left=3, width=3, height=4)}, "must lie within the sensor of 5 x 4"),
        ({"crop": Crop(top=1, width=5, height=4)}, "must lie within the sensor of 5 x 4"),
    ],
)
def test_bad_framings_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Framing(**({"sensor_size": SIZE, "steps": 3} | changes))


@pytest.mark.parametrize("size", [0, 5, 34])
def test_a_centre_larger_than_the_sensor_is_refused(size):
    with pytest.raises(ValueError, match=rf"centre of {size} pixels: must be in 1\.\.4"):
        Crop.centre(size, SIZE)

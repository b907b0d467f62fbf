"""The gain is set by the firing rate of the recordings, and by nothing else."""

import dataclasses

import numpy as np
import pytest

from neuromem.events import Events, EventSet, Framing
from neuromem.liquid import Dense, Liquid, calibrate, firing_rate, published_nmnist
from neuromem.network import SpikeBatch
from neuromem.rram import ResistiveWeights

SIZE = (8, 8, 2)
FRAMING = Framing(sensor_size=SIZE, steps=20)
LIQUID = Liquid(framing=FRAMING, neurons=100)


def recordings(n: int, events: int = 500, seed: int = 0, size=SIZE) -> EventSet:
    rng = np.random.default_rng(seed)
    parts = [
        Events.of(
            rng.integers(0, size[0], events), np.sort(rng.integers(0, 10_000, events)), size,
            rng.integers(0, size[1], events), rng.integers(0, 2, events),
        )
        for _ in range(n)
    ]  # fmt: skip
    return EventSet.of(parts, np.arange(n) % 10)


@pytest.mark.parametrize("target", [0.01, 0.1, 0.3])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"recurrent_wiring": Dense(), "decay": (0.9, 0.5)},
        {"input_weights": ResistiveWeights(), "v_thresh": 0.5},
    ],
)
def test_the_rate_is_reached(changes, target):
    data = recordings(50)
    liquid = LIQUID.replace(**changes)
    calibrated = calibrate(liquid, data, target)
    assert firing_rate(calibrated, data) == pytest.approx(target, rel=0.01)
    # the gain is all that has changed
    assert calibrated == liquid.replace(input_gain=calibrated.input_gain)


def test_the_published_liquid_reaches_its_rate():
    size = (34, 34, 2)
    data = recordings(20, 3000, size=size)
    calibrated = calibrate(published_nmnist(), data, 0.1)
    assert firing_rate(calibrated, data) == pytest.approx(0.1, rel=0.01)


def test_the_rate_is_that_of_the_counts():
    data = recordings(7)
    counts = LIQUID.replace(input_gain=0.5).encode(data)
    rate = firing_rate(LIQUID.replace(input_gain=0.5), data)
    assert rate == pytest.approx(counts.mean() / 20)
    assert rate > 0


def test_labels_ids_and_names_do_not_matter():
    data = recordings(30)
    other = dataclasses.replace(
        data, labels=np.zeros(30, int), ids=np.arange(30) + 99, name="other"
    )
    assert calibrate(LIQUID, other) == calibrate(LIQUID, data)


def test_the_gain_before_does_not_matter():
    data = recordings(30)
    assert calibrate(LIQUID.replace(input_gain=3.0), data) == calibrate(LIQUID, data)


def test_the_engines_and_framed_spikes_give_the_same_gain():
    data = recordings(30)
    expected = calibrate(LIQUID, data)
    assert calibrate(LIQUID, data, backend="native-reference") == expected
    assert calibrate(LIQUID, FRAMING.spikes(data)) == expected


def test_sorted_recordings_are_sampled_from_end_to_end():
    # As many quiet recordings as busy ones, the quiet first: those at the beginning would mislead.
    data = EventSet.of(
        [*recordings(300, 100), *recordings(300, 600, seed=1)], np.repeat([0, 1], 300)
    )
    calibrated = calibrate(LIQUID, data)
    assert firing_rate(calibrated, data) == pytest.approx(0.1, rel=0.02)
    assert firing_rate(calibrated, data[:200]) < 0.05


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [0.0, 1.0, -0.1, 50, float("nan")])
def test_a_target_that_is_no_rate_is_refused(target):
    with pytest.raises(ValueError, match=r"target_rate = .*: must be above 0 and below 1"):
        calibrate(LIQUID, recordings(2), target)


@pytest.mark.parametrize(
    "nothing", [recordings(1)[:0], SpikeBatch.of_dense(np.zeros((0, 20, 128)))]
)
def test_no_recordings_have_no_rate(nothing):
    with pytest.raises(ValueError, match="no recordings"):
        calibrate(LIQUID, nothing)
    with pytest.raises(ValueError, match="no recordings"):
        firing_rate(LIQUID, nothing)


def test_recordings_without_events_reach_no_rate():
    silent = EventSet.of([Events.of([], [], SIZE)] * 3, [0, 1, 2])
    assert firing_rate(LIQUID, silent) == 0
    with pytest.raises(
        ValueError, match=r"no input gain reaches 0\.1 .*, only 0: lower the target"
    ):
        calibrate(LIQUID, silent)
    single = EventSet.of([Events.of([1], [1], SIZE)] * 3, [0, 1, 2])
    with pytest.raises(ValueError, match=r"no input gain reaches 0\.1"):
        calibrate(LIQUID, single)


def test_bad_recordings_and_backends_are_refused():
    with pytest.raises(ValueError, match="sensor size"):
        calibrate(LIQUID, recordings(2, size=(9, 9, 2)))
    with pytest.raises(ValueError, match="'nowhere'"):
        calibrate(LIQUID, recordings(2), backend="nowhere")
    with pytest.raises(TypeError, match="give an EventSet"):
        calibrate(LIQUID, recordings(1)[0])

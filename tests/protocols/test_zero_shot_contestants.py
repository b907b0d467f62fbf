"""Who competes: all controls at one size, the published designs, and what they cost."""

from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from neuromem.events import bernoulli_spikes
from neuromem.heads import ContrastiveAligner
from neuromem.liquid.cost import Cost, EncoderSize
from neuromem.network import SpikeBatch
from neuromem.protocols import Samples, Splits
from neuromem.protocols.zero_shot.contestants import (
    NAMES,
    contestants,
    liquids,
    published_liquids,
)
from neuromem.protocols.zero_shot.cost import cost_lines, costs, time_lines
from neuromem.protocols.zero_shot.data import meetings
from neuromem.protocols.zero_shot.entries import Meeting
from neuromem.protocols.zero_shot.published import (
    PUBLISHED,
    UNSEEN,
    neural_contestant,
    neural_liquids,
    published_protocol,
    windows,
)
from neuromem.protocols.zero_shot.resistive import CONDITIONS, NORMAL
from neuromem.protocols.zero_shot.resistive import contestants as resistive
from neuromem.protocols.zero_shot.trials import zero_shot
from tests.protocols.small_data import write_folder
from tests.protocols.small_speech import write_speech


@pytest.fixture(scope="module")
def meeting(tmp_path_factory) -> Meeting:
    place = tmp_path_factory.mktemp("senses")
    return next(meetings(write_folder(place / "vision"), write_speech(place / "audio")))


def test_every_contestant_has_its_seeds(meeting):
    pytest.importorskip("torch")
    found = contestants(meeting, neurons=10, seeds=(0, 1))
    seeds = {name: [e.seed for e in found if e.name == name] for name in NAMES}
    for name, mine in seeds.items():
        fixed = name in ("raw-cca", "raw-ridge", "raw-prototypes")
        assert mine == ([None] if fixed else [0, 1]), name
    recipes = [(e.first.recipe, e.second.recipe, e.recipe, e.seed, e.oracle) for e in found]
    assert len(set(recipes)) == len(recipes)
    assert [e.name for e in found if e.oracle] == ["oracle"] * 2


def test_resistive_conditions_are_of_the_same_sizes(meeting):
    found = resistive(meeting, neurons=6, seeds=(0, 1))
    assert [e.name for e in found] == [*CONDITIONS.values()] * 2
    assert len({(e.first.recipe, e.seed) for e in found}) == 2 * len(CONDITIONS)
    assert found[0].name == NORMAL
    test = meeting.first.tests["test"].data
    features = [e.first.encode(test[:4]) for e in found[: len(CONDITIONS)]]
    assert len({f.shape for f in features}) == 1
    assert all(not np.array_equal(a, b) for a, b in pairwise(features))


def test_the_cost_of_the_published_liquids_is_the_published_one():
    sound, sight = published_liquids()
    sizes = [
        EncoderSize(inputs=x.framing.channels, neurons=x.neurons, steps=x.framing.steps)
        for x in (sound, sight)
    ]
    cost = Cost.dense(sizes, head_macs=2 * 200 * 64)
    assert (cost.encoder_macs, round(cost.gain, 2)) == (11_371_200, 23.57)
    cortex, letters = neural_liquids()
    sizes = [
        EncoderSize(inputs=x.framing.channels, neurons=x.neurons, steps=x.framing.steps)
        for x in (cortex, letters)
    ]
    cost = Cost.dense(sizes, head_macs=2 * 2048 * 256)
    assert (cost.encoder_macs, round(cost.gain, 1)) == (1_212_088_320, 159.1)


def test_costs_are_counted_over_both_liquids(meeting):
    sound, sight = liquids(meeting, 10)
    dense, events = costs(meeting, (sound, sight), embedding=8)
    # 64 lines and 10 neurons for 100 steps; 2,312 lines, no recurrence, for 100 steps.
    assert dense.encoder_macs == (64 + 10) * 10 * 100 + 2312 * 10 * 100
    assert dense.head_macs == 64 * (10 * 2 * 10 + 8) + 64 * (10 * 2 * 5 + 8)
    assert 0 < events.encoder_macs < dense.encoder_macs
    assert any(f"{dense.training_ratio(3):.1f} dense" in line for line in cost_lines(dense, events))
    assert time_lines([], "liquid", "srnn-clip") == []


def test_the_published_protocol_has_its_digits_and_numbers(meeting):
    pytest.importorskip("torch")
    entrant, restricted = published_protocol(meeting)
    assert entrant.name == PUBLISHED and entrant.chosen_on_test
    assert restricted.classes == tuple(range(1, 10))
    assert max(np.bincount(restricted.first.train.labels)) <= 224
    few = [i for i in range(10) if i != 8]
    halves = [
        Splits(*(_of(s, few) for s in (sense.train, sense.validation)), {
            "test": _of(sense.tests["test"], few)
        })
        for sense in (meeting.first, meeting.second)
    ]  # fmt: skip
    assert published_protocol(Meeting(*halves)) is None
    settings = msgspec.structs.replace(entrant.make().settings, epochs=2)
    short = replace(entrant, make=lambda: ContrastiveAligner(settings))
    records = zero_shot([short], restricted, [UNSEEN])
    assert {(r.pair, r.chance_seen) for r in records} == {((8, 9), 1 / 7)}


def _of(samples: Samples, classes: list[int]) -> Samples:
    chosen = np.flatnonzero(np.isin(samples.labels, classes))
    return Samples(samples.data[chosen], samples.labels[chosen], samples.name)


def test_cortex_and_letters_run_on_arrays():
    pytest.importorskip("torch")
    rng = np.random.default_rng(0)

    def neural(each: int) -> Samples:
        labels = np.repeat(np.arange(8), each)
        rates = rng.random((8, 192))[labels] * 0.2
        spikes = rng.random((len(labels), 201, 192)) < rates[:, None]
        return Samples(SpikeBatch.of_dense(spikes), labels, "cortex")

    def letters(each: int) -> Samples:
        labels = np.repeat(np.arange(8), each)
        images = np.random.default_rng(9).uniform(-1, 1, (8, 28, 28))[labels]
        return Samples(bernoulli_spikes(images, rng), labels, "letters")

    senses = [Splits(make(6), make(2), {"test": make(3)}) for make in (neural, letters)]
    both = Meeting(*senses, names=("cortex", "letters"))
    sets = windows(both.classes)
    assert len(sets) == 5
    entrant = neural_contestant(neurons=30)
    for view, sense in ((entrant.first, senses[0]), (entrant.second, senses[1])):
        rates = view.encode(sense.train.data)
        assert rates.shape == (48, 30) and 0 < rates.mean() < 0.5
    records = zero_shot([entrant], both, sets[:2])
    assert [r.direction for r in records[:2]] == ["cortex->letters", "letters->cortex"]
    assert {(r.pair, r.chance_unseen, r.embedding) for r in records} == {
        (one, 1 / 4, 256) for one in sets[:2]
    }

"""One definition of a liquid: its matrices, its network, its seed, its text."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.backends.reservoir import Reservoir
from neuromem.events import Crop, Framing
from neuromem.liquid import (
    Dense,
    DistanceDependent,
    Features,
    Liquid,
    ReceptiveField,
    Sparse,
    best_nmnist,
    published_nmnist,
    published_tidigits,
)
from neuromem.network import LIF_hard_reset, Population
from neuromem.rram import GaussianWeights, ResistiveWeights

SIZE = (6, 5, 2)
FRAMING = Framing(sensor_size=SIZE, steps=8)
SMALL = Liquid(framing=FRAMING, neurons=7, recurrent_wiring=Dense())

wirings = st.one_of(
    st.just(Dense()),
    st.builds(Sparse, p_connect=st.floats(0.1, 1)),
    st.builds(ReceptiveField, size_px=st.floats(0.5, 9)),
    st.builds(DistanceDependent, length_px=st.floats(0.5, 9), p_connect=st.floats(0.1, 1)),
)
weights = st.one_of(
    st.builds(GaussianWeights, mean_us=st.floats(-5, 5), sd_us=st.floats(0, 9)),
    st.builds(ResistiveWeights, formed_fraction=st.floats(0, 1)),
)


@st.composite
def liquids(draw) -> Liquid:
    neurons = draw(st.integers(1, 12))
    kinds = draw(st.permutations(("count", "membrane", "trace", "latency")))
    return Liquid(
        framing=Framing(
            sensor_size=SIZE,
            steps=draw(st.integers(4, 9)),
            step_us=draw(st.sampled_from([None, 100.0])),
            crop=draw(st.sampled_from([None, Crop.centre(3, SIZE)])),
            polarity=draw(st.sampled_from(["both", "merge", "on", "off"])),
            counts=draw(st.booleans()),
        ),
        neurons=neurons,
        input_wiring=draw(wirings),
        recurrent_wiring=draw(st.one_of(st.none(), wirings)),
        input_weights=draw(weights),
        recurrent_weights=draw(weights),
        input_gain=draw(st.floats(1e-3, 10)),
        decay=tuple(draw(st.lists(st.floats(0, 1), min_size=1, max_size=min(3, neurons)))),
        v_thresh=draw(st.floats(1e-3, 9)),
        features=Features(
            kinds=tuple(kinds[: draw(st.integers(1, 4))]), bins=draw(st.integers(1, 4))
        ),
        seed=draw(st.integers(0, 2**40)),
    )


@given(liquids())
def test_a_liquid_is_its_text(liquid):
    again = msgspec.json.decode(liquid.canonical(), type=Liquid)
    assert again == liquid
    assert again.digest() == liquid.digest()
    assert np.array_equal(again.input_matrix(), liquid.input_matrix())
    assert msgspec.json.decode(msgspec.json.encode(liquid), type=Liquid) == liquid


@given(liquids())
def test_the_network_holds_the_matrices(liquid):
    network = liquid.network()
    reservoir = Reservoir.of(network)
    assert np.array_equal(reservoir.w_in, liquid.input_matrix().astype(np.float32))
    recurrent = liquid.recurrent_matrix()
    if recurrent is None or not recurrent.any():
        assert reservoir.w_rec is None
    else:
        assert np.array_equal(reservoir.w_rec, recurrent.astype(np.float32))
    assert reservoir.decay.tolist() == np.repeat(
        np.float32(liquid.decay),
        [len(part) for part in np.array_split(np.arange(liquid.neurons), len(liquid.decay))],
    ).tolist()  # fmt: skip
    layers = [p for p in network.populations if isinstance(p, Population)]
    for layer, decay in zip(layers, liquid.decay, strict=True):
        assert layer.neuron == LIF_hard_reset(decay=decay, v_thresh=liquid.v_thresh)


@pytest.mark.parametrize("liquid", [published_nmnist(), published_tidigits(), best_nmnist(50)])
def test_designs_can_be_written_and_read(liquid):
    assert msgspec.json.decode(liquid.canonical(), type=Liquid) == liquid


def test_the_digest_changes_with_every_field():
    changes = {
        "framing": Framing(sensor_size=SIZE, steps=9),
        "neurons": 8,
        "input_wiring": Sparse(p_connect=0.5),
        "recurrent_wiring": None,
        "input_weights": ResistiveWeights(),
        "recurrent_weights": ResistiveWeights(),
        "input_gain": 0.1,
        "recurrent_gain": 0.1,
        "decay": (0.8,),
        "v_thresh": 4.0,
        "features": Features(bins=2),
        "seed": 1,
    }
    assert changes.keys() == set(Liquid.__struct_fields__)
    digests = {SMALL.replace(**{name: value}).digest() for name, value in changes.items()}
    assert len(digests | {SMALL.digest()}) == len(changes) + 1


# -- acceptance ------------------------------------------------------------------------------------


def test_the_published_weights_have_their_spread():
    liquid = published_nmnist()
    matrix = liquid.input_matrix() / liquid.input_gain
    assert matrix.shape == (256, 200)
    assert matrix.std() == pytest.approx(6.613, rel=0.01)
    recurrent = liquid.recurrent_matrix()
    assert recurrent is not None
    assert (recurrent / liquid.recurrent_gain).std() == pytest.approx(6.673, rel=0.02)


def test_the_published_designs_have_their_sizes():
    image, audio = published_nmnist(), published_tidigits()
    window = image.framing.window
    assert (window.left, window.top) == (9, 9)
    assert (window.left + window.width - 1, window.top + window.height - 1) == (24, 24)
    for liquid, inputs, steps, decay, v_thresh, gain in (
        (image, 256, 50, 0.9, 5.0, 0.07),
        (audio, 64, 129, 0.97, 5.3, 0.08),
    ):
        assert (liquid.framing.channels, liquid.neurons) == (inputs, 200)
        assert (liquid.framing.steps, liquid.decay) == (steps, (decay,))
        assert (liquid.v_thresh, liquid.input_gain, liquid.recurrent_gain) == (v_thresh, gain, gain)


# -- the seed --------------------------------------------------------------------------------------


def test_the_seed_decides_everything_random():
    made = SMALL.replace(input_wiring=Sparse(p_connect=0.5))
    again = SMALL.replace(input_wiring=Sparse(p_connect=0.5))
    other = made.replace(seed=1)
    for draw in (Liquid.places, Liquid.input_matrix, Liquid.recurrent_matrix):
        assert np.array_equal(draw(made), draw(again))
        assert not np.array_equal(draw(made), draw(other))


def test_every_role_draws_for_itself():
    dense = SMALL
    sparse = dense.replace(input_wiring=Sparse(p_connect=0.4))
    kept = sparse.input_matrix() != 0
    assert 0 < kept.sum() < kept.size
    # other input wiring: the weights of the connections that are left are the same, as is the rest
    assert np.array_equal(sparse.input_matrix()[kept], dense.input_matrix()[kept])
    assert np.array_equal(sparse.recurrent_matrix(), dense.recurrent_matrix())
    assert np.array_equal(sparse.places(), dense.places())
    # other input weights: the same connections, and the rest is the same
    resistive = sparse.replace(input_weights=ResistiveWeights(formed_fraction=1.0))
    assert np.array_equal(resistive.input_matrix() != 0, kept)
    assert np.array_equal(resistive.recurrent_matrix(), dense.recurrent_matrix())
    # other recurrence: the input is the same
    local = dense.replace(recurrent_wiring=DistanceDependent(length_px=2.0))
    assert np.array_equal(local.input_matrix(), dense.input_matrix())
    kept = local.recurrent_matrix() != 0
    assert 0 < kept.sum() < kept.size
    assert np.array_equal(local.recurrent_matrix()[kept], dense.recurrent_matrix()[kept])


def test_the_roles_draw_different_numbers():
    # As many input lines as neurons, one law: the two matrices must not be each other's copy.
    square = Liquid(
        framing=Framing(sensor_size=(20, 1, 1), steps=1),
        neurons=20,
        recurrent_wiring=Dense(),
        recurrent_weights=GaussianWeights(),
    )
    both = np.corrcoef(square.input_matrix().ravel(), square.recurrent_matrix().ravel())[0, 1]
    assert abs(both) < 5 / 20


def test_cells_are_those_behind_the_weights():
    liquid = SMALL.replace(
        input_wiring=Sparse(p_connect=0.5),
        input_weights=ResistiveWeights(),
        recurrent_weights=ResistiveWeights(stuck_low=0.1),
    )
    matrices = {"input": liquid.input_matrix(), "recurrent": liquid.recurrent_matrix()}
    for role, matrix in matrices.items():
        assert np.array_equal(0.07 * liquid.cells(role).difference_us, matrix)
        assert matrix.any()
    with pytest.raises(ValueError, match="the input weights are GaussianWeights"):
        SMALL.cells("input")
    with pytest.raises(ValueError, match="no recurrence"):
        liquid.replace(recurrent_wiring=None).cells("recurrent")


def test_gain_is_a_factor():
    assert np.allclose(SMALL.replace(input_gain=0.14).input_matrix(), 2 * SMALL.input_matrix())


def test_neurons_lie_evenly_over_the_window():
    places = SMALL.replace(neurons=4000).places()
    assert places.min(axis=0) == pytest.approx([-0.5, -0.5], abs=0.05)
    assert places.max(axis=0) == pytest.approx([5.5, 4.5], abs=0.05)
    assert places.mean(axis=0) == pytest.approx([2.5, 2.0], abs=0.15)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neurons": 0}, "Liquid.neurons = 0"),
        ({"decay": ()}, "give at least one"),
        ({"decay": (0.5,) * 8}, r"at most one a neuron \(7\)"),
        ({"decay": (0.5, 1.1)}, "Liquid.decay = .*1.1"),
        ({"decay": (-0.1,)}, "Liquid.decay"),
        ({"decay": (float("nan"),)}, r"Liquid.decay = \(nan,\)"),
        ({"decay": 0.9}, r"Liquid.decay = 0\.9: must be array"),
        ({"v_thresh": 0.0}, "Liquid.v_thresh"),
        ({"v_thresh": float("inf")}, "Liquid.v_thresh = inf"),
        ({"input_gain": 0.0}, "Liquid.input_gain"),
        ({"input_gain": float("nan")}, "Liquid.input_gain = nan"),
        ({"features": Features(bins=9)}, "Liquid.features.bins = 9: must not exceed the 8 steps"),
        ({"seed": -1}, "Liquid.seed"),
        ({"input_wiring": None}, "Liquid.input_wiring"),
    ],
)
def test_bad_liquids_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        SMALL.replace(**changes)

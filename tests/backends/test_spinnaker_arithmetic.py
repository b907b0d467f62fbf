"""The board's number formats, against sPyNNaker's own functions."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.backends.spinnaker.fixed_point import (
    inputs_to_exceed,
    largest_raw_sum,
    needed_shift,
    quantised,
    raw_weights,
    to_s1615,
    weight_scale,
)

SUMS = st.floats(0, 1e7) | st.integers(0, 24).map(lambda n: 2.0**n)
SHIFTS = st.integers(0, 21)
RAW = st.lists(st.integers(0, 2**16 - 1), max_size=60).map(np.array)


@pytest.fixture(scope="module")
def vertex_of():
    """Return a function that makes a sPyNNaker population which expects a sum of weights."""
    pytest.importorskip(
        "spynnaker", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third parties' own, on import
        from spynnaker.pyNN.config_setup import unittest_setup
        from spynnaker.pyNN.models.neuron.builds import IFCurrExpBase
        from spynnaker.pyNN.models.neuron.population_vertex import PopulationVertex

    unittest_setup()
    impl = IFCurrExpBase()._model

    def made(largest_sum: float):
        vertex = object.__new__(PopulationVertex)  # what it is asked for needs no machine
        vertex._PopulationVertex__neuron_impl = impl
        vertex._PopulationVertex__max_expected_summed_weight = [largest_sum, 0.0]
        return vertex

    return made


@given(largest_sum=SUMS)
def test_the_shift_is_the_one_that_spynnaker_chooses(vertex_of, largest_sum):
    vertex = vertex_of(largest_sum)
    shifts = vertex.get_ring_buffer_shifts()
    assert shifts == [needed_shift(largest_sum), 0]
    assert vertex.get_weight_scales(shifts).tolist() == [weight_scale(s) for s in shifts]


@given(
    weights=st.lists(st.floats(-3, 3), min_size=1, max_size=20).map(np.array),
    spare=st.integers(0, 3),
)
def test_weights_are_written_as_spynnaker_writes_them(vertex_of, weights, spare):
    from spynnaker.pyNN.models.neural_projections.connectors import AbstractConnector
    from spynnaker.pyNN.models.neuron.synapse_dynamics import SynapseDynamicsStatic

    largest_sum = float(np.abs(weights).sum())
    shift = needed_shift(largest_sum) + spare
    connections = np.zeros(len(weights), dtype=AbstractConnector.NUMPY_SYNAPSES_DTYPE)
    connections["weight"] = weights * weight_scale(shift)
    rows, _ = SynapseDynamicsStatic(weight=1.0, delay=1.0).get_static_synaptic_data(
        connections, np.zeros(len(weights), dtype=int), 1, 2, len(weights), 256
    )
    assert (rows[0] >> 16).tolist() == raw_weights(weights, shift).tolist()


@given(weights=st.lists(st.floats(-100, 100), max_size=30).map(np.array), spare=st.integers(0, 4))
def test_a_weight_is_off_by_half_a_step_at_most(weights, spare):
    shift = needed_shift(float(np.abs(weights).sum())) + spare
    held = quantised(weights, shift)
    assert np.all(np.abs(held - weights) <= 0.5 / weight_scale(shift) * (1 + 1e-9))
    assert np.all(held * weights >= 0)


@given(weights=st.lists(st.floats(0, 1e6), max_size=30).map(np.array))
def test_the_sum_for_which_a_buffer_was_made_fits_into_half_of_it(weights):
    """Up to the rounding of each weight, and up to the sign beyond a shift of 15."""
    shift = needed_shift(float(weights.sum()))
    total = raw_weights(weights, shift).sum()
    assert total <= 2**15 + len(weights)


@given(raw=RAW, shift=SHIFTS)
def test_the_inputs_that_saturate_are_the_fewest(raw, shift):
    limit = largest_raw_sum(shift)
    found = inputs_to_exceed(raw, limit)
    largest_first = sorted(raw.tolist(), reverse=True)
    if found is None:
        assert sum(largest_first) <= limit
    else:
        assert sum(largest_first[:found]) > limit >= sum(largest_first[: found - 1])


@given(raw=st.integers(0, 2**16 - 1), shift=SHIFTS)
def test_a_sum_within_the_limit_keeps_its_sign_in_32_bits(raw, shift):
    as_read = np.array([raw << shift], dtype=np.uint64).astype(np.uint32).view(np.int32)[0]
    intact = as_read == raw << shift
    assert intact == (raw <= largest_raw_sum(shift))


@given(value=st.floats(-65535, 65535))
def test_fixed_point_is_the_nearest_number(value):
    held = to_s1615(value)
    assert abs(held - value) <= 2.0**-16
    assert math.isclose(held * 2**15, round(held * 2**15))


@pytest.mark.parametrize("value", [65536.0, -70000.0, math.inf])
def test_what_fixed_point_cannot_hold_is_refused(value):
    with pytest.raises(ValueError, match=r"-65536\.\.65536"):
        to_s1615(value)

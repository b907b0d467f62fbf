"""What is said of the board without sPyNNaker: currents that lose weights, sums that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem.backends.spinnaker.currents import NOTABLE_SHARE, arrival_share, check_currents
from neuromem.backends.spinnaker.fixed_point import inputs_to_exceed
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    Network,
    Population,
    Projection,
    SpikeSource,
    StaticSynapse,
)


def onto(tau_ms: float, timestep_ms: float = 1.0, receptor: str = "excitatory") -> Network:
    """Return a network with one kind of input onto a neuron with a slow excitatory current."""
    return Network(
        name="slow",
        populations=(
            SpikeSource(name="line", size=1),
            Population(name="cell", size=1, neuron=IF_curr_exp(tau_syn_E_ms=tau_ms)),
        ),
        projections=(
            Projection(
                pre="line", post="cell", connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=1.0), receptor_type=receptor,
            ),
        ),
        timestep_ms=timestep_ms,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("tau_ms", "timestep_ms", "said"),
    [
        (5.0, 1.0, None),
        (862.0, 1.0, None),
        (862.25, 1.0, "gets 0.0001 on the board, and 0.9994 as defined: it is lost"),
        (863.0, 1.0, "gets 0.9746 on the board, and 0.9994 as defined"),
        (327.0, 0.1, "it is lost"),
    ],
)
def test_slow_currents_that_lose_weights_are_found(tau_ms, timestep_ms, said):
    findings = list(check_currents(onto(tau_ms, timestep_ms)))
    assert [said in f.what for f in findings] == ([] if said is None else [True])
    assert list(check_currents(onto(tau_ms, timestep_ms, "inhibitory"))) == []


@given(ticks=st.floats(300, 6000), timestep_ms=st.sampled_from([0.1, 0.5, 1.0]))
def test_the_remedy_of_a_slow_current_is_one(ticks, timestep_ms):
    tau_ms = ticks * timestep_ms
    finding = next(check_currents(onto(tau_ms, timestep_ms)), None)
    found, exact = arrival_share(tau_ms, timestep_ms)
    assert (finding is None) == (abs(found - exact) <= NOTABLE_SHARE * exact)
    if finding is not None:
        other = float(finding.remedy.split("time constant of ")[1].split(" ms")[0])
        assert 0 < other < tau_ms
        assert list(check_currents(onto(other, timestep_ms))) == []


@given(data=st.data(), limit=st.integers(0, 2**16 - 1))
def test_the_fewest_inputs_are_those_of_the_neuron_that_needs_fewest(data, limit):
    """Not of the neuron whose weights have the largest sum."""
    weights = st.lists(st.integers(0, 2**16 - 1), max_size=12)
    of = data.draw(st.lists(weights, min_size=1, max_size=5))
    raw = np.array([w for neuron in of for w in neuron], dtype=np.int64)
    post = np.repeat(np.arange(len(of)), [len(neuron) for neuron in of])
    order = data.draw(st.permutations(range(len(raw))))
    found = inputs_to_exceed(raw[list(order)], limit, post[list(order)])
    each = [inputs_to_exceed(np.array(neuron, dtype=np.int64), limit) for neuron in of]
    assert found == min((n for n in each if n is not None), default=None)

"""What cannot be built, and that the message says what, how much, the bound and the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    FixedProbabilityConnector,
    FromListConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
    Values,
)

ALL, ONE = AllToAllConnector(), OneToOneConnector()
PLASTIC = {"A_plus": 1, "A_minus": 1, "w_max": 6}


def network(synapse: Any = None, connector: Any = ALL, **changes: Any) -> Network:
    """Return 3 input lines on 2 neurons of ``neuron``, with some things changed."""
    neuron = changes.pop("neuron", LIF_hard_reset())
    projection = {
        "pre": "input",
        "post": "cells",
        "connector": connector,
        "synapse": synapse or StaticSynapse(weight=1),
        **{key: changes.pop(key) for key in ("pre", "post", "receptor_type") if key in changes},
    }
    return Network(
        **{
            "name": "small",
            "populations": [
                SpikeSource(name="input", size=3),
                Population(name="cells", size=2, neuron=neuron),
            ],
            "projections": [Projection(**projection)],
            **changes,
        }
    )


def recorded(**recording: Any) -> Network:
    return network(recordings=[Recording(**recording)])


def stdp(**changes: Any) -> STDPSynapse:
    return STDPSynapse(**{**PLASTIC, **changes})


NAN, INF = float("nan"), float("inf")
LIF = LIF_hard_reset()
REJECTED: dict[str, tuple[Callable[[], Any], tuple[str, ...]]] = {
    "population of size 0": (
        lambda: Population(name="p", size=0, neuron=LIF),
        ("Population.size", "0", ">= 1"),
    ),
    "source of size -2": (
        lambda: SpikeSource(name="s", size=-2),
        ("SpikeSource.size", "-2", ">= 1"),
    ),
    "size that is no integer": (
        lambda: SpikeSource(name="s", size=2.5),
        ("SpikeSource.size", "2.5", "int"),
    ),
    "name with a space": (lambda: SpikeSource(name="a b", size=1), ("SpikeSource.name", "a b")),
    "name with a line break": (lambda: SpikeSource(name="a\n", size=1), ("SpikeSource.name",)),
    "no population": (lambda: Network(name="n", populations=[]), ("populations", ">= 1")),
    "duplicate population": (
        lambda: network(populations=[SpikeSource(name="a", size=1)] * 2, projections=[]),
        ("'a'", "2 times", "rename"),
    ),
    "duplicate label": (
        lambda: network(
            projections=[
                Projection(
                    pre="input", post="cells", connector=ALL, synapse=stdp(), label="learned"
                )
            ]
            * 2
        ),
        ("'learned'", "2 times", "rename"),
    ),
    "unknown population": (
        lambda: network(pre="inptu"),
        ("inptu->cells", "'inptu'", "input, cells"),
    ),
    "empty view": (lambda: network(pre="input[2:2]"), ("input[2:2]", "empty", "0..3", "correct")),
    "reversed view": (lambda: network(pre="input[2:1]"), ("input[2:1]", "0..3", "correct")),
    "view out of range": (lambda: network(pre="input[1:4]"), ("input[1:4]", "outside", "0..3")),
    "view of one index": (lambda: network(pre="input[1]"), ("input[1]", "name[start:stop]")),
    "view from the end": (lambda: network(pre="input[-1:]"), ("input[-1:]", "name[start:stop]")),
    "view with a line break": (lambda: network(pre="input\n"), ("name[start:stop]",)),
    "negative weight": (
        lambda: network(StaticSynapse(weight=-2), neuron=IF_curr_exp()),
        ("input->cells", "-2 nA", "at least 0", "receptor_type"),
    ),
    "negative weight in a matrix": (
        lambda: network(StaticSynapse(weight=np.array([[1.0, 2], [3, -4], [5, 6]]))),
        ("input->cells", "-4", "at least 0", "receptor_type"),
    ),
    "NaN weight": (lambda: StaticSynapse(weight=NAN), ("StaticSynapse.weight", "nan", "finite")),
    "infinite weight": (
        lambda: StaticSynapse(weight=INF),
        ("StaticSynapse.weight", "inf", "finite"),
    ),
    "NaN among weights": (
        lambda: StaticSynapse(weight=np.array([[0.0, 1.0], [NAN, 1.0]])),
        ("(1, 0)", "nan", "finite"),
    ),
    "negative delay": (
        lambda: StaticSynapse(weight=1, delay_ms=-1),
        ("StaticSynapse.delay_ms", "-1", "> 0"),
    ),
    "NaN delay": (
        lambda: StaticSynapse(weight=1, delay_ms=NAN),
        ("StaticSynapse.delay_ms", "nan", "finite"),
    ),
    "infinite delay": (
        lambda: StaticSynapse(weight=1, delay_ms=np.array([1, INF])),
        ("(1,)", "inf", "finite"),
    ),
    "delay off the grid": (
        lambda: network(StaticSynapse(weight=1, delay_ms=1.5)),
        ("input->cells", "delay_ms = 1.5", "whole number", "1 ms"),
    ),
    "delay below a tick": (
        lambda: network(StaticSynapse(weight=1, delay_ms=0.25), timestep_ms=0.5),
        ("delay_ms = 0.25", "0.5 ms", "at least one"),
    ),
    "zero among delays": (
        lambda: network(StaticSynapse(weight=1, delay_ms=np.array([1, 1, 1, 1, 1, 0]))),
        ("delay_ms = 0", "at least one"),
    ),
    "negative time constant": (
        lambda: IF_curr_exp(tau_m_ms=-3),
        ("IF_curr_exp.tau_m_ms", "-3", "> 0"),
    ),
    "infinite time constant": (lambda: IF_curr_delta(tau_m_ms=INF), ("tau_m_ms", "inf", "finite")),
    "zero capacitance": (lambda: IF_curr_exp(cm_nf=0), ("IF_curr_exp.cm_nf", "0", "> 0")),
    "negative refractory time": (
        lambda: IF_curr_delta(tau_refrac_ms=-1),
        ("IF_curr_delta.tau_refrac_ms", "-1", ">= 0"),
    ),
    "NaN refractory time": (lambda: IF_curr_exp(tau_refrac_ms=NAN), ("tau_refrac_ms", "nan")),
    "decay above 1": (lambda: LIF_hard_reset(decay=1.1), ("LIF_hard_reset.decay", "1.1", "<= 1")),
    "threshold of 0": (lambda: LIF_hard_reset(v_thresh=0), ("LIF_hard_reset.v_thresh", "0", "> 0")),
    "reset above threshold": (
        lambda: IF_curr_exp(v_reset_mv=-40),
        ("IF_curr_exp.v_reset_mv", "-40", "below", "v_thresh_mv = -50"),
    ),
    "reset at threshold": (
        lambda: IF_curr_delta(v_reset_mv=-50),
        ("IF_curr_delta.v_reset_mv", "-50", "below", "v_thresh_mv"),
    ),
    "negative time step": (lambda: network(timestep_ms=-1), ("Network.timestep_ms", "-1", "> 0")),
    "NaN time step": (lambda: network(timestep_ms=NAN), ("Network.timestep_ms", "nan", "finite")),
    "signed receptor with two currents": (
        lambda: network(receptor_type="signed", neuron=IF_curr_exp()),
        ("input->cells", "'signed'", "IF_curr_exp", "split"),
    ),
    "unknown receptor": (lambda: network(receptor_type="gaba"), ("receptor_type", "gaba")),
    "source as a target": (
        lambda: network(pre="cells", post="input"),
        ("cells->input", "'input'", "spike source", "target"),
    ),
    "plastic weight above its bound": (
        lambda: network(stdp(weight=7)),
        ("input->cells", "7", "w_min..w_max", "0..6"),
    ),
    "plastic weight below its bound": (
        lambda: network(stdp(weight=np.array([1.0, 2, 3, 4, 0.5, 2]), w_min=1)),
        ("input->cells", "0.5", "1..6"),
    ),
    "bounds the wrong way round": (
        lambda: stdp(w_min=7),
        ("STDPSynapse.w_min", "7", "w_max = 6"),
    ),
    "negative amplitude": (lambda: stdp(A_plus=-1), ("STDPSynapse.A_plus", "-1", ">= 0")),
    "infinite amplitude": (lambda: stdp(A_minus=INF), ("STDPSynapse.A_minus", "inf", "finite")),
    "STDP time constant of 0": (lambda: stdp(tau_plus_ms=0), ("tau_plus_ms", "0", "> 0")),
    "no history": (lambda: stdp(post_history=0), ("STDPSynapse.post_history", "0", ">= 1")),
    "half a dendrite": (
        lambda: stdp(dendritic_delay_fraction=0.5),
        ("dendritic_delay_fraction", "0.5"),
    ),
    "axonal delay with an ignored tie of nearest pairs": (
        lambda: stdp(dendritic_delay_fraction=0, dt_zero="ignore", pairing="nearest"),
        ("pairing = 'nearest'", "dendritic_delay_fraction = 0", "'potentiate'"),
    ),
    "axonal delay with depression on a tie": (
        lambda: stdp(dendritic_delay_fraction=0, dt_zero="depress"),
        ("dt_zero = 'depress'", "dendritic_delay_fraction = 0", "'potentiate' or 'ignore'"),
    ),
    "recording of an unknown population": (
        lambda: recorded(target="cell"),
        ("'cell'", "input, cells"),
    ),
    "recording of an unknown projection": (
        lambda: recorded(target="cells", variable="weights"),
        ("'cells'", "input->cells"),
    ),
    "recording of a missing state": (
        lambda: recorded(target="cells", variable="isyn_exc"),
        ("'isyn_exc'", "'cells'", "spikes, v"),
    ),
    "recording of a source's state": (
        lambda: recorded(target="input", variable="v"),
        ("'v'", "'input'", "spikes"),
    ),
    "recording of an unknown variable": (
        lambda: Recording(target="cells", variable="w"),
        ("Recording.variable", "'w'"),
    ),
    "recording off the grid": (
        lambda: recorded(target="cells", variable="v", every_ms=1.5),
        ("'cells'", "every_ms", "1.5", "1 ms"),
    ),
    "recording every -1 ms": (lambda: Recording(target="cells", every_ms=-1), ("every_ms", "-1")),
    "one-to-one of unequal sizes": (
        lambda: network(connector=ONE),
        ("input->cells", "3 and 2", "equal"),
    ),
    "probability above 1": (
        lambda: FixedProbabilityConnector(p_connect=1.5, seed=0),
        ("FixedProbabilityConnector.p_connect", "1.5", "<= 1"),
    ),
    "negative seed": (
        lambda: FixedProbabilityConnector(p_connect=0.5, seed=-1),
        ("FixedProbabilityConnector.seed", "-1", ">= 0"),
    ),
    "duplicate connection": (
        lambda: FromListConnector(connections=[(0, 1), (2, 1), (0, 1)]),
        ("(0, 1)", "twice", "merge"),
    ),
    "negative index": (
        lambda: FromListConnector(connections=[(0, -1)]),
        ("FromListConnector.connections", "-1", ">= 0"),
    ),
    "index out of range": (
        lambda: network(connector=FromListConnector(connections=[(0, 1), (1, 2)])),
        ("input->cells", "(1, 2)", "below (3, 2)"),
    ),
    "matrix of connections of the wrong shape": (
        lambda: network(connector=ArrayConnector(array=np.ones((2, 3)))),
        ("input->cells", "(2, 3)", "(3, 2)"),
    ),
    "matrix of weights of the wrong shape": (
        lambda: network(StaticSynapse(weight=np.ones((2, 3)))),
        ("input->cells", "weight", "(2, 3)", "(3, 2)"),
    ),
    "weights of the wrong number": (
        lambda: network(StaticSynapse(weight=np.ones(5))),
        ("input->cells", "weight", "(5,)", "6 values"),
    ),
    "delays of the wrong number": (
        lambda: network(StaticSynapse(weight=1, delay_ms=np.ones(7))),
        ("input->cells", "delay_ms", "(7,)", "6 values"),
    ),
    "array of texts": (lambda: Values(array=np.array(["a"])), ("dtype", "numbers")),
    "negative spike time": (lambda: SpikeTrains.of([[3, -1]]), ("spike time -1", "not negative")),
    "NaN spike time": (lambda: SpikeTrains.of([[NAN]]), ("spike time nan", "finite")),
    "spike of a missing neuron": (
        lambda: SpikeTrains.of({5: [1.0]}, size=3),
        ("neuron 5", "0..2"),
    ),
    "unequal spike lists": (
        lambda: SpikeTrains(np.arange(3), np.arange(2), 3),
        ("(3,)", "(2,)", "give"),
    ),
    "half neurons": (
        lambda: SpikeTrains(np.arange(1), np.array([0.5]), 3),
        ("float64", "whole indices"),
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_bad_value_is_named(case: str) -> None:
    build, said = REJECTED[case]
    with pytest.raises(ValueError) as caught:
        build()
    missing = [text for text in said if text not in str(caught.value)]
    assert not missing, str(caught.value)


def test_recording_interval_below_a_tick_is_rejected() -> None:
    with pytest.raises(ValueError, match="every_ms"):
        recorded(target="cells", variable="v", every_ms=1e-9)


def test_unknown_field_is_rejected() -> None:
    with pytest.raises(TypeError, match="weigth"):
        StaticSynapse(weigth=1)  # type: ignore[call-arg]


def test_definitions_are_immutable() -> None:
    synapse = StaticSynapse(weight=np.ones(6))
    with pytest.raises(AttributeError):
        synapse.delay_ms = 3.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        network(synapse).projections[0].synapse.weight.array[0] = 2


def test_definition_does_not_follow_its_array() -> None:
    weights = np.ones(6)
    synapse = StaticSynapse(weight=weights)
    weights[:] = 5
    assert np.all(synapse.weight.array == 1)  # type: ignore[union-attr]


def test_labels_are_made_unique() -> None:
    one = Projection(pre="input", post="cells", connector=ALL, synapse=StaticSynapse(weight=1))
    named = Projection(
        pre="input", post="cells", connector=ALL, synapse=stdp(), label="input->cells#2"
    )
    labels = [p.label for p in network(projections=[one, named, one]).projections]
    assert labels == ["input->cells", "input->cells#2", "input->cells#3"]


def test_unknown_names_list_the_known_ones() -> None:
    small = network()
    with pytest.raises(ValueError, match=re.escape("'x': there are input, cells")):
        small.population("x")
    with pytest.raises(ValueError, match=re.escape("'x': there are input->cells")):
        small.projection("x")

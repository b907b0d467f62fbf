"""What the definition alone says: errors before anything is mapped, each with its remedy."""

import msgspec
import pytest

from neuromem import backends
from neuromem.backends.spinnaker import deploy
from neuromem.backends.spinnaker.definition import (
    check_definition,
    delay_slots,
    longest_delay_ticks,
)
from neuromem.backends.spinnaker.translate import cell, jump
from neuromem.network import (
    AllToAllConnector,
    FromListConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    StaticSynapse,
    STDPSynapse,
)

RULE = STDPSynapse(A_plus=1.0, A_minus=0.5, w_max=4.0, post_history=15)


def network(*synapses, neuron=None, size=4, recordings=(), timestep_ms=1.0) -> Network:
    """Return a network with one projection of each synapse onto one population."""
    return Network(
        name="net",
        timestep_ms=timestep_ms,
        populations=(
            SpikeSource(name="lines", size=3),
            Population(name="cells", size=size, neuron=neuron or IF_curr_exp()),
        ),
        projections=tuple(
            Projection(pre="lines", post="cells", connector=AllToAllConnector(), synapse=s)
            for s in synapses
        ),
        recordings=recordings,
    )


def changed(**fields) -> STDPSynapse:
    return msgspec.structs.replace(RULE, **fields)


def only(found, severity="error"):
    assert [finding.severity for finding in found] == [severity], found
    return found[0]


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        (changed(dendritic_delay_fraction=0, dt_zero="potentiate"), "dendritic_delay_fraction = 1"),
        (changed(dt_zero="ignore"), "dt_zero = 'depress'"),
        (changed(dt_zero="potentiate"), "dt_zero = 'depress'"),
    ],
)
def test_a_rule_that_the_board_lacks_is_an_error_with_a_remedy(rule, remedy):
    found = [f for f in check_definition(network(rule)) if f.severity == "error"]
    assert any(remedy in finding.remedy for finding in found)
    assert all(finding.where == "projection 'lines->cells'" for finding in found)


@pytest.mark.parametrize("history", [None, 16, 3])
def test_another_history_than_the_boards_is_a_warning(history):
    found = only(check_definition(network(changed(post_history=history))), "warning")
    assert "keeps 15 post spikes" in found.what
    assert check_definition(network(RULE)) == []


def test_nearest_pairing_is_a_warning():
    found = only(check_definition(network(changed(pairing="nearest"))), "warning")
    assert "only the first post spike" in found.what


def test_two_rules_onto_one_population_are_an_error():
    found = only(check_definition(network(RULE, changed(A_plus=2.0))))
    assert "another STDP rule than that of 'lines->cells'" in found.what
    assert found.where == "projection 'lines->cells#2'"
    assert check_definition(network(RULE, changed(delay_ms=3.0), StaticSynapse(weight=1.0))) == []


@pytest.mark.parametrize(
    ("neuron", "name"),
    [(IF_curr_exp(tau_m_ms=1e6), "1e+06"), (LIF_hard_reset(decay=1.0), "decay = 1")],
)
def test_a_neuron_that_the_board_cannot_hold_is_an_error(neuron, name):
    assert name in only(check_definition(network(neuron=neuron))).what


def test_a_parameter_that_rounding_changes_is_a_warning():
    found = check_definition(network(neuron=IF_curr_exp(i_offset_na=1e-5)))
    assert "i_offset = 1e-05 becomes 0" in only(found, "warning").what


def test_the_hard_reset_neuron_says_what_differs():
    found = only(check_definition(network(neuron=LIF_hard_reset(v_thresh=5.0))), "note")
    assert "IF_curr_delta" in found.what
    assert "split into excitatory and inhibitory" in found.what


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.97])
def test_a_hard_reset_neuron_decays_jumps_and_fires_as_defined(decay):
    """In exact arithmetic, with the parameters that sPyNNaker gets: R, tau and threshold."""
    import math

    neuron = LIF_hard_reset(decay=decay, v_thresh=0.3)
    of = cell(neuron, 2.0).parameters
    kept = math.exp(-2.0 / of["tau_m"])
    assert kept == pytest.approx(decay, abs=1e-8)
    # V <- I R + (V - I R) kept, with I = w / h for the tick of arrival
    assert of["tau_m"] / of["cm"] / 2.0 * (1 - kept) == pytest.approx(1)
    assert jump(neuron, 2.0) == pytest.approx(1, rel=1e-3)
    step = 2.0**-15
    last_silent = math.floor(0.3 / step) * step
    assert last_silent < of["v_thresh"] == last_silent + step
    assert (of["v_rest"], of["v_reset"], of["tau_refrac"]) == (0, 0, 0)


@pytest.mark.parametrize("decay", [0.9995])
def test_a_decay_too_near_to_one_is_a_warning(decay):
    found = only(check_definition(network(neuron=LIF_hard_reset(decay=decay))), "warning")
    assert "lifts V by" in found.what


def test_the_delta_neuron_keeps_its_offset_current():
    neuron = IF_curr_delta(i_offset_na=2.0, cm_nf=0.5, tau_m_ms=10.0)
    of = cell(neuron, 1.0).parameters
    assert of["i_offset"] * of["tau_m"] / of["cm"] == pytest.approx(2.0 * 10.0 / 0.5)


@pytest.mark.parametrize(("size", "slots"), [(1, 4096), (2, 4096), (64, 128), (256, 32), (600, 32)])
def test_the_longest_delay_depends_on_the_neurons_of_a_core(size, slots):
    net = network(size=size)
    assert delay_slots(net, net.population("cells")) == slots
    longest = longest_delay_ticks(net, net.population("cells"))
    assert longest == 9 * slots
    fits = network(StaticSynapse(weight=1.0, delay_ms=float(longest)), size=size)
    assert check_definition(fits) == []
    late = StaticSynapse(weight=1.0, delay_ms=longest + 1.0)
    found = only(check_definition(network(late, size=size)))
    assert f"longest onto 'cells' is {longest} ms" in found.what


def test_a_time_step_between_microseconds_is_an_error():
    found = only(check_definition(network(timestep_ms=0.0015)))
    assert "whole number of microseconds" in found.what


def test_an_error_ends_the_deployment_before_it_maps(tmp_path):
    pytest.importorskip(
        "spynnaker", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'"
    )
    folder = tmp_path / "run"
    wrong = network(changed(dt_zero="ignore"))
    preflight = deploy(wrong, folder=folder).preflight
    assert not preflight.ok
    assert preflight.machine is None
    assert not folder.exists()
    assert "CANNOT run" in str(preflight)


def test_the_virtual_board_gives_no_spikes():
    pytest.importorskip(
        "spynnaker", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'"
    )
    with pytest.raises(backends.Unsupported, match=r"gives no spikes.*board='HOST'"):
        backends.run(network(RULE), 10, backend="pynn:spinnaker", fidelity="native")


def test_nothing_is_exact_on_the_board():
    pytest.importorskip(
        "spynnaker", reason="needs sPyNNaker: pip install 'neuromem-snn[spinnaker]'"
    )
    with pytest.raises(backends.Unsupported, match="fidelity='native'"):
        backends.start(network(RULE), "pynn:spinnaker")
    with pytest.raises(backends.Unsupported, match="record weights"):
        recorded = network(RULE, recordings=(Recording(target="lines->cells", variable="weights"),))
        backends.start(recorded, "pynn:spinnaker", fidelity="native")


def test_an_empty_connector_needs_no_part():
    net = Network(
        name="none",
        populations=(
            SpikeSource(name="lines", size=2),
            Population(name="cells", size=2, neuron=IF_curr_exp()),
        ),
        projections=(
            Projection(
                pre="lines",
                post="cells",
                connector=FromListConnector(connections=()),
                synapse=StaticSynapse(weight=1.0),
            ),
        ),
    )
    assert check_definition(net) == []

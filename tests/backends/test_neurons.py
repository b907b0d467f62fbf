"""Laws of single neurons and connections, on both native engines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neuromem import backends
from neuromem.network import (
    AllToAllConnector,
    Connector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Neuron,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    firing_weight,
    refractory_ticks,
)
from neuromem.results import Result

pytestmark = pytest.mark.parametrize("backend", ["native", "native-reference"])

ALL, ONE = AllToAllConnector(), OneToOneConnector()
CA3 = {
    "tau_syn_E_ms": 0.3,
    "tau_syn_I_ms": 0.3,
    "tau_refrac_ms": 1.0,
    "v_rest_mv": -60.0,
    "v_reset_mv": -60.0,
    "v_thresh_mv": -57.0,
}
SLOW = IF_curr_exp(cm_nf=0.27, tau_m_ms=3.0, **CA3)
FAST = IF_curr_exp(cm_nf=0.14, tau_m_ms=0.5, **CA3)
SILENT = {"v_rest_mv": -65.0, "v_thresh_mv": 1000.0}


def drive(
    neuron: Neuron,
    inputs: dict[str, tuple[float, list[float]]],
    duration_ms: float,
    backend: str,
    *,
    h: float = 1.0,
    delay_ms: float | None = None,
) -> Result:
    """Run one neuron with inputs ``{receptor: (weight, times_ms)}``, recording everything."""
    network = Network(
        name="one neuron",
        timestep_ms=h,
        populations=[
            *(SpikeSource(name=receptor, size=1) for receptor in inputs),
            Population(name="cell", size=1, neuron=neuron),
        ],
        projections=[
            Projection(
                pre=receptor,
                post="cell",
                connector=ALL,
                synapse=StaticSynapse(weight=weight, delay_ms=delay_ms or h),
                receptor_type=receptor,
            )
            for receptor, (weight, _) in inputs.items()
        ],
        recordings=[
            Recording(target="cell"),
            *(Recording(target="cell", variable=variable) for variable in neuron.variables),
        ],
    )
    stimulus = {receptor: SpikeTrains.of([times]) for receptor, (_, times) in inputs.items()}
    return backends.run(network, duration_ms, stimulus, backend)


def fired(result: Result) -> list[float]:
    return result.spikes["cell"].times_ms.tolist()


def potential(result: Result) -> np.ndarray:
    return result.states["cell"]["v"].values[:, 0]


def psp(neuron: IF_curr_exp, tau_syn: float, weight: float, h: float, n: int) -> np.ndarray:
    """Return V - V_rest after 1..n ticks, the first of which takes one weight.

    With the current held over each tick, I_k = I_0 s^k with s = exp(-h / tau_syn), the exact
    relaxation by m = exp(-h / tau_m) gives the geometric sum R I_0 (1 - m) sum_j s^j m^(k-j).
    """
    m, s = math.exp(-h / neuron.tau_m_ms), math.exp(-h / tau_syn)
    start = weight * tau_syn / h * (1 - s)
    k = np.arange(n)
    total = (k + 1) * m**k if m == s else (m ** (k + 1) - s ** (k + 1)) / (m - s)
    return neuron.tau_m_ms / neuron.cm_nf * start * (1 - m) * total


@pytest.mark.parametrize(
    "h, tau_m, tau_syn",
    [(1.0, 3.0, 0.3), (1.0, 0.5, 0.3), (1.0, 20.0, 5.0), (1.0, 5.0, 5.0), (0.1, 0.5, 0.3)],
)
@pytest.mark.parametrize("receptor, sign", [("excitatory", 1), ("inhibitory", -1)])
def test_single_psp(backend, h, tau_m, tau_syn, receptor, sign) -> None:
    neuron = IF_curr_exp(
        cm_nf=0.27, tau_m_ms=tau_m, tau_syn_E_ms=tau_syn, tau_syn_I_ms=tau_syn, **SILENT
    )
    result = drive(neuron, {receptor: (2.0, [3 * h])}, 80 * h, backend, h=h, delay_ms=2 * h)
    v = potential(result)
    assert np.all(np.abs(v[:5] + 65) < 1e-12)
    expected = sign * psp(neuron, tau_syn, 2.0, h, 75)
    np.testing.assert_allclose(v[5:] + 65, expected, rtol=1e-9, atol=1e-10)


def test_psps_add_up(backend) -> None:
    neuron = IF_curr_exp(tau_m_ms=7, tau_syn_E_ms=2, tau_syn_I_ms=3, **SILENT)
    inputs = {"excitatory": (2.0, [0.0, 1.0, 9.0]), "inhibitory": (3.0, [4.0])}
    v = potential(drive(neuron, inputs, 40, backend))
    expected = np.zeros(40)
    for time in (1, 2, 10):
        expected[time:] += psp(neuron, 2.0, 2.0, 1.0, 40 - time)
    expected[5:] -= psp(neuron, 3.0, 3.0, 1.0, 35)
    np.testing.assert_allclose(v + 65, expected, atol=1e-10)


def test_currents_are_those_left_after_the_tick(backend) -> None:
    result = drive(SLOW, {"excitatory": (2.0, [0.0]), "inhibitory": (1.0, [1.0])}, 6, backend)
    s = math.exp(-1 / 0.3)
    left = 0.3 * (1 - s) * s ** np.arange(1, 6)
    for variable, weight, first in (("isyn_exc", 2.0, 1), ("isyn_inh", 1.0, 2)):
        values = result.states["cell"][variable].values[:, 0]
        np.testing.assert_allclose(values[first:], weight * left[: 6 - first], rtol=1e-12)
        assert np.all(values[:first] == 0)


@pytest.mark.parametrize("neuron, known", [(SLOW, 3.292), (FAST, 3.358)])
def test_smallest_firing_weight_of_the_ca3_neurons(backend, neuron, known) -> None:
    weight = firing_weight(neuron, 1.0)
    assert round(weight, 3) == known
    assert fired(drive(neuron, {"excitatory": (weight * (1 + 1e-9), [2.0])}, 9, backend)) == [3.0]
    assert fired(drive(neuron, {"excitatory": (weight * (1 - 1e-9), [2.0])}, 9, backend)) == []


@pytest.mark.parametrize("h", [1.0, 0.1])
@pytest.mark.parametrize("neuron", [IF_curr_exp(tau_m_ms=2.0), IF_curr_delta(), LIF_hard_reset()])
def test_firing_weight_fires_at_once(backend, neuron, h) -> None:
    weight = firing_weight(neuron, h)
    above = drive(neuron, {"excitatory": (weight * (1 + 1e-9), [2 * h])}, 3 * h + h, backend, h=h)
    below = drive(neuron, {"excitatory": (weight * (1 - 1e-9), [2 * h])}, 3 * h + h, backend, h=h)
    np.testing.assert_allclose(fired(above), [3 * h])
    assert fired(below) == []


def test_thresholds_are_reached_or_passed(backend) -> None:
    """V >= V_thresh fires IF_curr_delta; LIF_hard_reset must exceed its threshold."""
    assert fired(drive(IF_curr_delta(), {"excitatory": (15.0, [0.0])}, 3, backend)) == [1.0]
    lif = LIF_hard_reset(v_thresh=1.0)
    assert fired(drive(lif, {"excitatory": (1.0, [0.0])}, 3, backend)) == []
    above = math.nextafter(1.0, 2)
    assert firing_weight(lif, 1.0) == above
    assert fired(drive(lif, {"excitatory": (above, [0.0])}, 3, backend)) == [1.0]


@pytest.mark.parametrize("kind", [IF_curr_exp, IF_curr_delta])
@pytest.mark.parametrize(
    "tau_refrac, h, ticks",
    [(0.0, 1.0, 0), (0.1, 1.0, 1), (1.0, 1.0, 1), (1.2, 1.0, 2), (3.0, 1.0, 3), (0.3, 0.1, 3)],
)
def test_refractory_time_rounds_up(backend, kind, tau_refrac, h, ticks) -> None:
    neuron = kind(tau_refrac_ms=tau_refrac)
    assert refractory_ticks(neuron, h) == ticks
    every = [i * h for i in range(20)]
    result = drive(neuron, {"excitatory": (1e5, every)}, 20 * h, backend, h=h)
    assert np.rint(np.array(fired(result)) / h).tolist() == list(range(1, 20, ticks + 1))


def test_refractory_neuron_keeps_its_currents_but_not_its_jumps(backend) -> None:
    exp = IF_curr_exp(tau_refrac_ms=3, tau_m_ms=5, tau_syn_E_ms=4, v_thresh_mv=-60)
    result = drive(exp, {"excitatory": (50.0, [0.0])}, 5, backend)
    assert fired(result) == [1.0]
    assert potential(result)[1:5].tolist() == [-65.0] * 4
    current = result.states["cell"]["isyn_exc"].values[:, 0]
    np.testing.assert_allclose(current[2:] / current[1:-1], math.exp(-1 / 4))
    delta = IF_curr_delta(tau_refrac_ms=3)
    result = drive(delta, {"excitatory": (20.0, [0.0]), "inhibitory": (4.0, [1.0])}, 6, backend)
    assert potential(result)[1:].tolist() == [-65.0] * 5


def test_inhibition_cancels_excitation(backend) -> None:
    inputs = {"excitatory": (6.0, [0.0, 10.0, 40.0]), "inhibitory": (6.0, [10.0])}
    assert fired(drive(SLOW, inputs, 50, backend)) == [1.0, 41.0]
    inputs = {"excitatory": (6.0, [0.0, 10.0]), "inhibitory": (60.0, [9.0])}
    assert fired(drive(SLOW, inputs, 30, backend)) == [1.0]


def test_hard_reset_acceptance_vector(backend) -> None:
    """d = 0.9, V_th = 1, inputs 0.6, 0.6, 0.3: u = 0.6, then 1.14 and a spike, then 0.3."""
    network = Network(
        name="acceptance",
        populations=[
            SpikeSource(name="in", size=2),
            Population(name="cell", size=2, neuron=LIF_hard_reset(decay=0.9, v_thresh=1.0)),
            Population(name="high", size=1, neuron=LIF_hard_reset(decay=0.9, v_thresh=5.0)),
        ],
        projections=[
            Projection(
                pre="in",
                post=post,
                connector=ALL,
                synapse=StaticSynapse(weight=np.array([[0.6] * n, [0.3] * n])),
            )
            for post, n in (("cell", 2), ("high", 1))
        ],
        recordings=[
            Recording(target="cell"),
            Recording(target="cell", variable="v"),
            Recording(target="high", variable="v"),
        ],
    )
    stimulus = {"in": SpikeTrains.of([[0, 1], [2]])}
    result = backends.run(network, 5, stimulus, backend)
    assert result.spikes["cell"].pairs() == {(2.0, 0), (2.0, 1)}
    v = result.states["cell"]["v"]
    assert v.unit == "1"
    np.testing.assert_allclose(v.values[:, 0], [0, 0.6, 0, 0.3, 0.27], rtol=1e-14)
    unfired = result.states["high"]["v"].values[:, 0]
    np.testing.assert_allclose(unfired[:4], [0, 0.6, 1.14, 1.326], rtol=1e-14)


def test_hard_reset_takes_both_signs(backend) -> None:
    neuron = LIF_hard_reset(decay=0.5)
    v = potential(drive(neuron, {"signed": (-2.0, [0.0]), "excitatory": (0.75, [1.0])}, 5, backend))
    assert v.tolist() == [0, -2, -0.25, -0.125, -0.0625]


def test_delta_jumps_and_relaxes(backend) -> None:
    neuron = IF_curr_delta(tau_m_ms=10, v_init_mv=-60)
    inputs = {"excitatory": (4.0, [0.0, 4.0]), "inhibitory": (7.0, [1.0]), "signed": (-1.5, [4.0])}
    v = potential(drive(neuron, inputs, 9, backend))
    jumps = {1: 4.0, 2: -7.0, 5: 4.0 - 1.5}
    above, expected = 5.0, []
    for tick in range(9):
        above = above * math.exp(-0.1) + jumps.get(tick, 0.0)
        expected.append(above - 65)
    np.testing.assert_allclose(v, expected, atol=1e-10)


@pytest.mark.parametrize("kind", [IF_curr_exp, IF_curr_delta])
def test_constant_current_fires_by_itself(backend, kind) -> None:
    neuron = kind(tau_m_ms=10, cm_nf=0.5, i_offset_na=1.0, tau_refrac_ms=2.0)
    v_end = 10 / 0.5 * 1.0
    ticks = math.ceil(-10 * math.log(1 - 15 / v_end))
    result = drive(neuron, {"excitatory": (0.0, [])}, 100, backend)
    assert fired(result) == list(range(ticks - 1, 100, ticks + 2))
    below = kind(tau_m_ms=10, cm_nf=0.5, i_offset_na=0.7499)
    result = drive(below, {"excitatory": (0.0, [])}, 300, backend)
    assert fired(result) == []
    np.testing.assert_allclose(potential(result)[-1], -65 + 0.7499 * 20, atol=1e-9)


def test_potential_that_starts_above_the_threshold_fires_at_once(backend) -> None:
    result = drive(IF_curr_exp(v_init_mv=-40), {"excitatory": (0.0, [])}, 50, backend)
    assert fired(result) == [0.0]
    resting = drive(IF_curr_delta(v_rest_mv=-45.0), {"excitatory": (0.0, [])}, 50, backend)
    assert len(fired(resting)) > 1


@pytest.mark.parametrize("neuron", [FAST, IF_curr_delta(), LIF_hard_reset()])
@pytest.mark.parametrize("h", [1.0, 0.1])
def test_every_delay_arrives_on_time(backend, neuron, h) -> None:
    n = 15
    strong = 1.5 * firing_weight(neuron, h)
    network = Network(
        name="delays",
        timestep_ms=h,
        populations=[
            SpikeSource(name="in", size=1),
            Population(name="each", size=n, neuron=neuron),
            *(Population(name=f"d{d}", size=1, neuron=neuron) for d in range(1, n + 1)),
        ],
        projections=[
            Projection(
                pre="in",
                post="each",
                connector=ALL,
                synapse=StaticSynapse(weight=strong, delay_ms=np.arange(1, n + 1) * h),
            ),
            *(
                Projection(
                    pre="in",
                    post=f"d{d}",
                    connector=ALL,
                    synapse=StaticSynapse(weight=strong, delay_ms=d * h),
                )
                for d in range(1, n + 1)
            ),
        ],
    )
    simulation = backends.start(network, backend)
    simulation.stimulate({"in": SpikeTrains.of([[2 * h, 40 * h]])})
    simulation.run(60 * h)
    for d in range(1, n + 1):
        single = simulation.spikes(f"d{d}").times_ms / h
        assert np.rint(single).tolist() == [2 + d, 40 + d]
    each = simulation.spikes("each").per_neuron()
    assert [np.rint(np.array(t) / h).tolist() for t in each] == [
        [2 + d, 40 + d] for d in range(1, n + 1)
    ]


def relay(connector: Connector, pre: str, post: str, sources: int, cells: int, backend: str):
    """Return which cells fire when each input line spikes alone, every 10 ms."""
    network = Network(
        name="relay",
        populations=[
            SpikeSource(name="in", size=sources),
            Population(name="cell", size=cells, neuron=SLOW),
        ],
        projections=[
            Projection(pre=pre, post=post, connector=connector, synapse=StaticSynapse(weight=6.0))
        ],
        recordings=[Recording(target="cell")],
    )
    stimulus = {"in": SpikeTrains.of([[10.0 * line] for line in range(sources)])}
    spikes = backends.run(network, 10.0 * sources, stimulus, backend).spikes["cell"]
    return [
        sorted(spikes.between(10 * line + 1, 10 * line + 2).neurons.tolist())
        for line in range(sources)
    ]


def test_connectors_reach_their_targets(backend) -> None:
    other = AllToAllConnector(skip_same_index=True)
    assert relay(ONE, "in", "cell", 3, 3, backend) == [[0], [1], [2]]
    assert relay(ONE, "in[1:3]", "cell[2:]", 4, 4, backend) == [[], [2], [3], []]
    assert relay(ALL, "in", "cell", 2, 3, backend) == [[0, 1, 2]] * 2
    assert relay(other, "in", "cell", 3, 3, backend) == [[1, 2], [0, 2], [0, 1]]
    assert relay(other, "in[1:]", "cell[:2]", 4, 3, backend) == [[], [1], [0], [0, 1]]
    assert relay(other, "in[:2]", "cell[1:]", 3, 4, backend) == [[2, 3], [1, 3], []]


def test_slow_synapse_can_fire_its_neuron_later(backend) -> None:
    neuron = IF_curr_exp(tau_m_ms=10, tau_syn_E_ms=5, cm_nf=1.0, v_thresh_mv=-60)
    rise = psp(neuron, 5.0, 2.0, 1.0, 50)
    first = int(np.argmax(rise >= 5.0))
    assert first > 0
    assert fired(drive(neuron, {"excitatory": (2.0, [0.0])}, 60, backend))[0] == 1.0 + first


@pytest.mark.parametrize(
    "neuron", [LIF_hard_reset(decay=0.5, v_thresh=9), IF_curr_delta(tau_m_ms=1.0)]
)
def test_relaxes_after_a_steady_drive(backend, neuron) -> None:
    """A drive so long that the potential stands still, to the last bit, before it ends."""
    v = potential(drive(neuron, {"excitatory": (1.0, list(range(80)))}, 110, backend))
    assert v[79] == v[80]
    decay = v[81:101] - v[0]
    factor = 0.5 if isinstance(neuron, LIF_hard_reset) else math.exp(-1)
    np.testing.assert_allclose(decay, (v[80] - v[0]) * factor ** np.arange(1, 21), atol=1e-10)

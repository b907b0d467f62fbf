"""The board's arithmetic against the board's own programs, bit for bit.

One network of many small groups, which have nothing to do with each other, is mapped by sPyNNaker
and run on the emulated board, because a mapping takes seconds.
"""

from __future__ import annotations

import numpy as np
import pytest

from neuromem import backends
from neuromem.backends.arithmetic import fixed
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytestmark = pytest.mark.slow

TWIN, BOARD = "spinnaker-arithmetic", "spinnaker-emulated"
LINES, NEURONS = 5, 6
#: Weights of about this size make a neuron of each model fire now and then.
SCALE = {IF_curr_exp: 4.0, IF_curr_delta: 9.0, LIF_hard_reset: 0.9}


def random_neuron(rng: np.random.Generator, h: float):
    kind = rng.choice(4)
    if kind == 0 and h == 1:
        return LIF_hard_reset(
            decay=float(rng.choice([0, 0.5, 0.9, 0.97])), v_thresh=float(rng.choice([0.5, 1.7]))
        )
    common = {
        "cm_nf": h * float(rng.choice([0.14, 0.27, 1.0])),
        "tau_m_ms": h * float(rng.choice([0.5, 3, 20, rng.uniform(0.3, 30)])),
        "tau_refrac_ms": h * float(rng.choice([0, 0.1, 1, 2.5, 4] if h == 1 else [4])),
        "v_rest_mv": -60.0,
        "v_reset_mv": float(rng.choice([-60, -63, -58, -60.123])),
        "v_thresh_mv": float(rng.choice([-57, -55])),
        "v_init_mv": float(rng.choice([-60, -70, -57.01, -40])),
        "i_offset_na": float(rng.choice([0, 0, 0, -0.3, 0.05, 2])),
    }
    if kind == 1:
        return IF_curr_delta(**common)
    taus = [0.3, 1, 3, 5, rng.uniform(0.1, 20), 1000]
    return IF_curr_exp(
        tau_syn_E_ms=h * float(rng.choice(taus)), tau_syn_I_ms=h * float(rng.choice(taus)), **common
    )


def random_rule(rng: np.random.Generator, scale: float, h: float) -> dict:
    w_max = scale * float(rng.choice([0.5, 1.5, 40], p=[0.4, 0.4, 0.2]))
    taus = [0.5, 3, 20, rng.uniform(0.2, 40)]
    return {
        "tau_plus_ms": h * float(rng.choice(taus)),
        "tau_minus_ms": h * float(rng.choice(taus)),
        "A_plus": w_max * float(rng.choice([0, 0.013, 0.3, 1])),
        "A_minus": w_max * float(rng.choice([0, 0.011, 0.2, 1])),
        "w_min": w_max * float(rng.choice([0, 0, 0.2])),
        "w_max": w_max,
        "post_history": 15,
        "pairing": str(rng.choice(["all", "all", "all", "nearest"])),
    }


def random_projection(rng: np.random.Generator, group: int, pre: str, neuron, rule: dict, h: float):
    size, scale = (LINES if pre[0] == "s" else NEURONS), SCALE[type(neuron)]
    shape = (size, NEURONS)
    longest = int(rng.choice([1, 2, 6, 16]))
    delays = h * rng.integers(1, longest + 1, shape)
    delay = delays if rng.random() < 0.5 else float(delays[0, 0])
    receptor = str(rng.choice(["excitatory", "excitatory", "inhibitory"]))
    if rng.random() < 0.6:
        weights = rng.uniform(rule["w_min"], rule["w_max"], shape)
        synapse = STDPSynapse(weight=weights, delay_ms=delay, **rule)
    else:
        low = 0.0
        if neuron.signed_weights and rng.random() < 0.5:
            receptor, low = "signed", -scale
        synapse = StaticSynapse(weight=rng.uniform(low, 2 * scale, shape), delay_ms=delay)
    mask = rng.random(shape) < rng.choice([0.3, 0.6])
    mask[0, 0] = True
    connector = AllToAllConnector() if rng.random() < 0.4 else ArrayConnector(array=mask)
    return Projection(
        pre=pre, post=f"p{group}", connector=connector, synapse=synapse, receptor_type=receptor
    )


def random_groups(seed: int, groups: int, h: float = 1.0) -> Network:
    rng = np.random.default_rng(seed)
    populations, projections, recordings = [], [], []
    for group in range(groups):
        neuron = random_neuron(rng, h)
        rule = random_rule(rng, SCALE[type(neuron)], h)
        populations += [
            SpikeSource(name=f"s{group}", size=LINES),
            Population(name=f"p{group}", size=NEURONS, neuron=neuron),
        ]
        for pre in [f"s{group}", f"s{group}", f"p{group}"][: 3 if h == 1 else 2]:
            projections.append(random_projection(rng, group, pre, neuron, rule, h))
        recordings += [
            Recording(target=f"p{group}", variable=v) for v in ("spikes", *neuron.variables)
        ]
    return Network(
        name="groups",
        populations=tuple(populations),
        projections=tuple(projections),
        recordings=tuple(recordings),
        timestep_ms=h,
    )


def random_input(network: Network, ticks: int, seed: int) -> dict[str, SpikeTrains]:
    rng = np.random.default_rng(seed)
    stimulus = {}
    for source in network.populations:
        if isinstance(source, SpikeSource):
            density = rng.choice([0.03, 0.1, 0.3, 0.6])
            at, lines = np.nonzero(rng.random((ticks, source.size)) < density)
            stimulus[source.name] = SpikeTrains(at * network.timestep_ms, lines, source.size)
    return stimulus


def run(network: Network, stimulus, ticks: int, backend: str, **options) -> backends.Simulation:
    simulation = backends.start(network, backend, fidelity="native", **options)
    simulation.stimulate(stimulus)
    simulation.run(ticks * network.timestep_ms)
    return simulation


def same_states(network: Network, ours: backends.Simulation, theirs: backends.Simulation) -> None:
    """Compare all samples; the emulator gives currents decayed by the exact factor."""
    found, expected = ours.result().states, theirs.result().states
    for name, states in expected.items():
        for variable, samples in states.items():
            values, board = found[name][variable].values[: len(samples.values)], samples.values
            if variable != "v":
                population = network.population(name)
                assert isinstance(population, Population)
                neuron = population.neuron
                assert isinstance(neuron, IF_curr_exp)
                tau = neuron.tau_syn_E_ms if variable == "isyn_exc" else neuron.tau_syn_I_ms
                h = network.timestep_ms
                before = np.rint(board / np.exp(-h / tau) * fixed.ONE).astype(np.int64)
                decay, _ = fixed.arrival(fixed.encoded(tau), fixed.encoded(h))
                board = ((before * decay) >> 32) / fixed.ONE
            assert np.array_equal(values, board), (name, variable)


@pytest.mark.parametrize(("seed", "options"), [(4, {}), (2, {"fit_weights": True})])
def test_every_bit_is_the_boards(seed, options):
    ours = same_bits(random_groups(seed, 30), 120, seed, **options)
    assert (int(ours["saturated inputs"]) > 0) == (not options)
    assert int(ours["plastic synapses that deliver nothing"]) > 0


def test_every_bit_is_the_boards_with_synapses_on_cores_of_their_own():
    """Below 1 ms; as long as no memory of post spikes is full, and no spike comes back in a row."""
    ours = same_bits(without_full_delays(random_groups(3, 12, 0.5)), 60, 3)
    assert "full memories" not in ours


@pytest.mark.parametrize(("size", "h"), [(130, 1.0), (64, 0.5)])
def test_every_bit_is_the_boards_through_delay_cores(size, h):
    """Delays in up to three stages; the plastic ones beside them fill the ring buffers."""
    network = late_groups(1, size, h)
    delays = [int(network.delays_ticks(p).max()) for p in network.projections]
    held = 32 if size > 128 else 128
    assert max(delays) > 2 * held
    ours = same_bits(network, 6 * held, 1, plastic=2 if h == 1 else 0)
    assert (int(ours["plastic synapses that deliver nothing"]) > 0) == (h == 1)


def late_groups(seed: int, size: int, h: float) -> Network:
    """Return two populations of one size that reach each other late, with random parameters."""
    rng = np.random.default_rng([5, seed])
    populations = [SpikeSource(name="s", size=12)]
    populations += [Population(name=n, size=size, neuron=random_neuron(rng, h)) for n in "ab"]
    sizes = {p.name: p.size for p in populations}
    scales = {p.name: SCALE[type(p.neuron)] for p in populations if isinstance(p, Population)}
    rules = {name: random_rule(rng, scale, h) for name, scale in scales.items()}
    held = 32 if size > 128 else 128

    def projection(pre, post, delays, density, share, receptor="excitatory", plastic=False):
        shape, rule = (sizes[pre], size), rules[post]
        mask = rng.random(shape) < density
        mask[0, 0] = True
        delay = h * rng.integers(delays[0], delays[1] + 1, shape)
        if plastic:
            weights = rng.uniform(rule["w_min"], rule["w_max"], shape)
            synapse = STDPSynapse(weight=weights, delay_ms=delay, **rule)
        else:
            weights = rng.uniform(0, 2 * share * scales[post], shape)
            synapse = StaticSynapse(weight=weights, delay_ms=delay)
        return Projection(
            pre=pre, post=post, connector=ArrayConnector(array=mask), synapse=synapse,
            receptor_type=receptor, label=f"{pre}{post}{receptor}{plastic}{delays}",
        )  # fmt: skip

    projections = [
        projection("s", "a", (1, 20), 0.3, 1.0),
        projection("a", "b", (1, 3 * held), 0.05, 0.5),
        projection("b", "a", (held + 1, 3 * held), 0.03, 0.4),
        projection("a", "a", (1, 2 * held), 0.03, 0.3, "inhibitory"),
    ]
    if h == 1:
        projections += [
            projection("s", "b", delays, 0.1, 1.0, plastic=True)
            for delays in ((1, 16), (held - 2, held))
        ]
    return Network(
        name="late groups",
        populations=tuple(populations),
        projections=tuple(projections),
        recordings=tuple(
            Recording(target=p.name, variable=v)
            for p in populations
            if isinstance(p, Population)
            for v in ("spikes", *p.neuron.variables)
        ),
        timestep_ms=h,
    )


def same_bits(
    network: Network, ticks: int, seed: int, plastic: int = 11, **options
) -> dict[str, str]:
    """Compare everything that both give, and return our settings."""
    stimulus = random_input(network, ticks, seed)
    ours = run(network, stimulus, ticks, TWIN, **options)
    theirs = run(network, stimulus, ticks, BOARD, **options)
    spikes = 0
    for population in network.populations:
        assert ours.spikes(population.name).pairs() == theirs.spikes(population.name).pairs()
        spikes += len(theirs.spikes(population.name)) * isinstance(population, Population)
    assert spikes > 2 * ticks
    same_states(network, ours, theirs)
    learning = [p.label for p in network.projections if p.plastic]
    assert len(learning) >= plastic
    for label in learning:
        assert np.array_equal(ours.weights(label), theirs.weights(label), equal_nan=True), label
    return ours.result().provenance.settings


def without_full_delays(network: Network) -> Network:
    """Return the network with one more connection onto each population, longer than all others."""
    late = tuple(
        Projection(
            pre=f"s{population.name[1:]}[:1]", post=population.name,
            connector=AllToAllConnector(),
            synapse=StaticSynapse(weight=0.1, delay_ms=17 * network.timestep_ms), label=f"late {n}",
        )
        for n, population in enumerate(network.populations)
        if isinstance(population, Population)
    )  # fmt: skip
    return Network(
        name=network.name,
        populations=network.populations,
        projections=(*network.projections, *late),
        recordings=network.recordings,
        timestep_ms=network.timestep_ms,
    )

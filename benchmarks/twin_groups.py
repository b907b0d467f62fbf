"""Random networks for the board's arithmetic, and a comparison that leaves no bit out.

A network is many small groups that have nothing to do with each other, because a mapping by
sPyNNaker takes seconds: a source and a population of random neurons, with two or three random
projections onto the population. Used by ``twin_agreement.py`` and by the tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np

from neuromem import backends
from neuromem.backends.arithmetic import fixed
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    IF_curr_delta,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Neuron,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
    Values,
)

TWIN, BOARD = "spinnaker-arithmetic", "spinnaker-emulated"
LINES, NEURONS = 5, 6
#: Weights of about this size make a neuron of each model fire now and then.
SCALE = {IF_curr_exp: 4.0, IF_curr_delta: 9.0, LIF_hard_reset: 0.9}
#: A weight that no ring buffer of these networks holds, and how many of the static ones are that.
TINY, SHARE_TINY = 1e-6, 0.1


class Disagreement(NamedTuple):
    """Where twin and board differ: the population concerned, empty for a count, and in what."""

    population: str
    what: str


def random_neuron(rng: np.random.Generator, h: float) -> Neuron:
    """Return a neuron whose time constants are some ticks of ``h``."""
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
    """Return the parameters of a pair rule, which all plastic projections of a group have."""
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


def random_projection(
    rng: np.random.Generator, group: int, pre: str, neuron: Neuron, rule: dict, h: float
) -> Projection:
    """Return a projection onto a group's neurons, plastic or not, with delays of 1..16 ticks."""
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
    """Return a network of random groups that records every spike and state."""
    rng, small = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    populations, projections, recordings = [], [], []
    for group in range(groups):
        neuron = random_neuron(rng, h)
        rule = random_rule(rng, SCALE[type(neuron)], h)
        populations += [
            SpikeSource(name=f"s{group}", size=LINES),
            Population(name=f"p{group}", size=NEURONS, neuron=neuron),
        ]
        for pre in [f"s{group}", f"s{group}", f"p{group}"][: 3 if h == 1 else 2]:
            made = random_projection(rng, group, pre, neuron, rule, h)
            projections.append(made if made.plastic else with_tiny_weights(made, small))
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


def with_tiny_weights(projection: Projection, rng: np.random.Generator) -> Projection:
    """Return a static projection of which some weights become 0 on the board."""
    shape = (LINES if projection.pre[0] == "s" else NEURONS, NEURONS)
    assert isinstance(projection.synapse.weight, Values)
    given = projection.synapse.weight.array
    weights = np.where(rng.random(shape) < SHARE_TINY, TINY, given)
    synapse = msgspec.structs.replace(projection.synapse, weight=weights)
    return msgspec.structs.replace(projection, synapse=synapse)


def random_input(network: Network, ticks: int, seed: int) -> dict[str, SpikeTrains]:
    """Return random spikes for every source, dense for some and sparse for others."""
    rng = np.random.default_rng(seed)
    stimulus = {}
    for source in network.populations:
        if isinstance(source, SpikeSource):
            density = rng.choice([0.03, 0.1, 0.3, 0.6])
            at, lines = np.nonzero(rng.random((ticks, source.size)) < density)
            stimulus[source.name] = SpikeTrains(at * network.timestep_ms, lines, source.size)
    return stimulus


def run(
    network: Network, stimulus: dict[str, SpikeTrains], ticks: int, backend: str, **options: object
) -> backends.Simulation:
    """Return a simulation that has run, in the board's own fidelity."""
    simulation = backends.start(network, backend, fidelity="native", **options)
    simulation.stimulate(stimulus)
    simulation.run(ticks * network.timestep_ms)
    return simulation


def disagreements(
    network: Network, ours: backends.Simulation, theirs: backends.Simulation
) -> Iterator[Disagreement]:
    """Yield every spike train, state, plastic weight and count in which twin and board differ."""
    for population in network.populations:
        name = population.name
        differ = ours.spikes(name).pairs() ^ theirs.spikes(name).pairs()
        if differ:
            time_ms, neuron = min(differ)
            first = f"the first of neuron {neuron} at {time_ms:g} ms"
            yield Disagreement(name, f"{len(differ)} spikes of {name!r}, {first}")
    yield from _states(network, ours, theirs)
    for projection in network.projections:
        if projection.plastic:
            label = projection.label
            mine, board = ours.weights(label), theirs.weights(label)
            if not np.array_equal(mine, board, equal_nan=True):
                same = (mine == board) | (np.isnan(mine) & np.isnan(board))
                target = network.view(projection.post).population.name
                yield Disagreement(target, f"{int((~same).sum())} weights of {label!r}")
    yield from _counts(ours, theirs)


def _states(
    network: Network, ours: backends.Simulation, theirs: backends.Simulation
) -> Iterator[Disagreement]:
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
            if not np.array_equal(values, board):
                tick, neuron = np.argwhere(values != board)[0]
                what = f"{variable} of {name!r}, first of neuron {neuron} in tick {tick}"
                yield Disagreement(name, what)


def _counts(ours: backends.Simulation, theirs: backends.Simulation) -> Iterator[Disagreement]:
    """Compare what both counted.

    A sum at its limit counts once here. The board counts every weight beyond it, in the tick of the
    spike, so that it may count some that would arrive after the run's end.
    """
    mine, board = ours.result().provenance.settings, theirs.result().provenance.settings
    if mine["weights rounded to zero"] != board["weights rounded to zero"]:
        yield Disagreement("", "the number of weights rounded to zero")
    if int(mine["saturated inputs"]) > int(board["weights beyond a full ring buffer"]):
        yield Disagreement("", "saturated inputs, of which the board counted fewer")
    silent = int(mine["plastic synapses that deliver nothing"])
    if not silent and int(board["plastic weights skipped as too late"]):
        yield Disagreement("", "plastic synapses that deliver nothing, which only the board has")


def without_full_delays(network: Network) -> Network:
    """Return the network with one more connection onto each population, longer than all others.

    Then no delay fills the ring buffers, which the twin refuses for plastic ones below 1 ms.
    """
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

"""Hypothesis strategies: random networks and random stimuli for them."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    Connector,
    FixedProbabilityConnector,
    FromListConnector,
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
    STDPSynapse,
)

SEEDS = st.integers(0, 2**32 - 1)
# Weights of about this size make a neuron of each model fire now and then.
SCALE = {IF_curr_exp: 4.0, IF_curr_delta: 9.0, LIF_hard_reset: 0.9}


@st.composite
def neurons(draw, h: float) -> Neuron:
    """Return a neuron whose time constants are some ticks of ``h``."""
    model = draw(st.sampled_from([IF_curr_exp, IF_curr_exp, IF_curr_delta, LIF_hard_reset]))
    if model is LIF_hard_reset:
        decay = draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))
        return LIF_hard_reset(decay=decay, v_thresh=draw(st.sampled_from([0.5, 1.0, 1.7])))
    common = {
        "cm_nf": h * draw(st.sampled_from([0.14, 0.27, 1.0])),
        "tau_m_ms": h * draw(st.sampled_from([0.5, 3.0, 12.0])),
        "tau_refrac_ms": h * draw(st.sampled_from([0.0, 0.1, 1.0, 2.5, 4.0])),
        "v_rest_mv": -60.0,
        "v_reset_mv": draw(st.sampled_from([-60.0, -63.0, -58.0])),
        "v_thresh_mv": draw(st.sampled_from([-57.0, -55.0])),
        "v_init_mv": draw(st.sampled_from([None, None, -70.0, -57.01, -40.0])),
        "i_offset_na": draw(st.sampled_from([0.0, 0.0, 0.0, -0.3, 0.05, 2.0])),
    }
    if model is IF_curr_delta:
        return IF_curr_delta(**common)
    taus = st.sampled_from([0.3 * h, h, 3 * h, 5 * h])
    return IF_curr_exp(tau_syn_E_ms=draw(taus), tau_syn_I_ms=draw(taus), **common)


@st.composite
def views(draw, name: str, size: int) -> tuple[str, int]:
    """Return a view of a population and its size."""
    start = draw(st.integers(0, size - 1))
    stop = draw(st.integers(start + 1, size))
    if (start, stop) == (0, size):
        return name, size
    return f"{name}[{start or ''}:{stop if stop < size else ''}]", stop - start


@st.composite
def connectors(draw, n_pre: int, n_post: int) -> Connector:
    kinds = ["all", "all", "probability", "list", "matrix"]
    if n_pre == n_post:
        kinds += ["one", "one"]
    kind = draw(st.sampled_from(kinds))
    if kind == "one":
        return OneToOneConnector()
    skip = draw(st.booleans())
    if kind == "all":
        return AllToAllConnector(skip_same_index=skip)
    density = draw(st.sampled_from([0.1, 0.5, 0.9]))
    seed = draw(SEEDS)
    if kind == "probability":
        return FixedProbabilityConnector(p_connect=density, seed=seed, skip_same_index=skip)
    mask = np.random.default_rng(seed).random((n_pre, n_post)) < density
    if kind == "matrix":
        return ArrayConnector(array=mask)
    return FromListConnector(connections=[(int(i), int(j)) for i, j in np.argwhere(mask)])


@st.composite
def spread(draw, rng: np.random.Generator, pairs, shape, values):
    """Return one value, a value per connection, or a matrix, out of a function of the shape."""
    form = draw(st.sampled_from(["one", "one", "each", "matrix"]))
    if form == "one":
        return float(values(rng, ()))
    return values(rng, (len(pairs[0]),) if form == "each" else shape)


@st.composite
def synapses(draw, connector: Connector, shape: tuple[int, int], neuron: Neuron, h: float):
    rng = np.random.default_rng(draw(SEEDS))
    pairs = connector.pairs(*shape)
    scale = SCALE[type(neuron)]
    receptor = draw(st.sampled_from(["excitatory", "excitatory", "inhibitory", "signed"]))
    if receptor == "signed" and not neuron.signed_weights:
        receptor = "excitatory"
    longest = draw(st.integers(1, 6))
    delay = draw(spread(rng, pairs, shape, lambda g, s: g.integers(1, longest + 1, s) * h))
    if not draw(st.booleans()):
        low = -scale if receptor == "signed" else 0.0
        weight = draw(spread(rng, pairs, shape, lambda g, s: g.uniform(low, 2 * scale, s)))
        return receptor, StaticSynapse(weight=weight, delay_ms=delay)
    w_max = scale * draw(st.sampled_from([0.5, 1.5]))
    w_min = w_max * draw(st.sampled_from([0.0, 0.0, 0.2]))
    weight = draw(spread(rng, pairs, shape, lambda g, s: g.uniform(w_min, w_max, s)))
    dendritic = draw(st.sampled_from([1, 1, 0]))
    ties = ["potentiate", "ignore"] + ["depress", "depress"] * dendritic
    tie = draw(st.sampled_from(ties))
    refused = not dendritic and tie == "ignore"
    pairings = ["all"] if refused else ["all", "all", "nearest"]
    return receptor, STDPSynapse(
        weight=weight,
        delay_ms=delay,
        tau_plus_ms=h * draw(st.sampled_from([0.5, 3.0, 20.0])),
        tau_minus_ms=h * draw(st.sampled_from([0.5, 3.0, 20.0])),
        A_plus=w_max * draw(st.sampled_from([0.0, 0.013, 0.3, 1.0])),
        A_minus=w_max * draw(st.sampled_from([0.0, 0.011, 0.2, 1.0])),
        w_min=w_min,
        w_max=w_max,
        dendritic_delay_fraction=dendritic,
        dt_zero=tie,
        pairing=draw(st.sampled_from(pairings)),
        post_history=draw(st.sampled_from([None, None, 1, 2, 3, 15])),
    )


@st.composite
def networks(draw, states: bool | None = None) -> Network:
    """Return a network; ``states``: whether states are recorded, at random where None."""
    h = draw(st.sampled_from([1.0, 1.0, 0.5, 0.1]))
    sizes = st.integers(1, 5)
    sources = [SpikeSource(name=f"s{i}", size=draw(sizes)) for i in range(draw(st.integers(1, 2)))]
    populations = [
        Population(name=f"p{i}", size=draw(sizes), neuron=draw(neurons(h)))
        for i in range(draw(st.integers(1, 3)))
    ]
    projections = []
    for number in range(draw(st.integers(1, 6))):
        # The first one has input, so that something happens.
        before = draw(st.sampled_from(sources if number == 0 else [*sources, *populations]))
        after = draw(st.sampled_from(populations))
        pre, n_pre = draw(views(before.name, before.size))
        post, n_post = draw(views(after.name, after.size))
        connector = draw(connectors(n_pre, n_post))
        receptor, synapse = draw(synapses(connector, (n_pre, n_post), after.neuron, h))
        projections.append(
            Projection(
                pre=pre, post=post, connector=connector, synapse=synapse, receptor_type=receptor
            )
        )
    order = draw(st.permutations([*sources, *populations]))
    network = Network(name="random", populations=order, projections=projections, timestep_ms=h)
    recordings = [Recording(target=p.name) for p in order]
    if states or (states is None and draw(st.booleans())):
        every = draw(st.sampled_from([None, h, 3 * h]))
        recordings += [
            Recording(target=p.name, variable=variable, every_ms=every)
            for p in populations
            for variable in p.neuron.variables
        ]
        recordings += [
            Recording(target=p.label, variable="weights", every_ms=5 * h)
            for p in network.projections
        ]
    return network.recording(*recordings)


@st.composite
def stimuli(draw, network: Network, n_ticks: int) -> dict[str, SpikeTrains]:
    """Return input for every source, with a silence of random length at the end."""
    rng = np.random.default_rng(draw(SEEDS))
    density = draw(st.sampled_from([0.05, 0.2, 0.5]))
    until = draw(st.integers(1, n_ticks))
    stimulus = {}
    for source in network.populations:
        if isinstance(source, SpikeSource):
            ticks, lines = np.nonzero(rng.random((until, source.size)) < density)
            stimulus[source.name] = SpikeTrains(ticks * network.timestep_ms, lines, source.size)
    return stimulus

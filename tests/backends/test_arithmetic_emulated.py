"""The board's arithmetic against the board's own programs, bit for bit, on a few random networks.

``benchmarks/twin_agreement.py`` does the same on as many as one likes.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.twin_groups import (
    BOARD,
    SCALE,
    TWIN,
    disagreements,
    random_groups,
    random_input,
    random_neuron,
    random_rule,
    run,
    without_full_delays,
)
from neuromem.network import (
    ArrayConnector,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    StaticSynapse,
    STDPSynapse,
)

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("seed", "options"), [(4, {}), (2, {"fit_weights": True})])
def test_every_bit_is_the_boards(seed, options):
    ours = same_bits(random_groups(seed, 30), 120, seed, **options)
    assert (int(ours["saturated inputs"]) > 0) == (not options)
    assert int(ours["plastic synapses that deliver nothing"]) > 0
    assert int(ours["weights rounded to zero"]) > 0


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
    assert list(disagreements(network, ours, theirs)) == []
    populations = [p.name for p in network.populations if isinstance(p, Population)]
    assert sum(len(theirs.spikes(name)) for name in populations) > 2 * ticks
    assert sum(p.plastic for p in network.projections) >= plastic
    return ours.result().provenance.settings

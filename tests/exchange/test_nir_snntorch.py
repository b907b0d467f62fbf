"""snnTorch's own importer reads our graphs, as far as it reads any."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import numpy as np
import pytest

from neuromem import backends
from neuromem.exchange import to_nir
from neuromem.network import (
    AllToAllConnector,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
)

torch: Any = pytest.importorskip("torch", reason="snnTorch's importer needs torch")
pytest.importorskip("nir", reason="exchange with NIR needs nir")
pytest.importorskip("nirtorch", reason="snnTorch's importer needs nirtorch")
importer = pytest.importorskip("snntorch.import_nir", reason="needs snntorch")

STEPS, LINES, CELLS = 40, 5, 7


def layers(number: int, recurrent: bool, decay: float, v_thresh: float) -> Network:
    rng = np.random.default_rng(number)
    populations: list[Any] = [SpikeSource(name="input", size=LINES)]
    projections = []

    def connect(pre, post, mean):
        projections.append(
            Projection(
                pre=pre.name,
                post=post.name,
                connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=rng.normal(mean, 0.5, (pre.size, post.size))),
                receptor_type="signed",
            )
        )

    for i in range(number):
        neuron = LIF_hard_reset(decay=decay, v_thresh=v_thresh)
        populations.append(Population(name=f"layer{i}", size=CELLS, neuron=neuron))
        connect(populations[-2], populations[-1], 0.3)
        if recurrent:
            connect(populations[-1], populations[-1], 0.0)
    return Network(name="layers", populations=populations, projections=projections).recording()


def both(network: Network, capsys) -> tuple[np.ndarray, np.ndarray]:
    """Return the spikes [steps, cells] of the last layer here and in snnTorch."""
    from neuromem.network import Recording

    last = network.populations[-1].name
    network = network.recording(Recording(target=last))
    # snnTorch's importer takes every step for 0.1 ms.
    module = importer.import_from_nir(to_nir(network, timestep_ms=0.1))
    capsys.readouterr()  # it prints as it goes
    x = (np.random.default_rng(0).random((STEPS, LINES)) < 0.4).astype(np.float32)
    state, theirs = None, []
    with torch.no_grad():
        for row in x:
            out, state = module(torch.tensor(row[None]), state)
            theirs.append((out if isinstance(out, torch.Tensor) else out[0])[0].numpy())
    ticks, lines = np.nonzero(x)
    stimulus = {"input": SpikeTrains(ticks.astype(float), lines, LINES)}
    trains = backends.run(network, 2.0 * STEPS, stimulus).spikes[last]
    ours = np.zeros((2 * STEPS, CELLS))
    ours[np.rint(trains.times_ms).astype(int), trains.neurons] = 1
    return ours, np.array(theirs)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize(("decay", "v_thresh"), [(0.9, 1.0), (0.5, 0.8), (0.0, 0.4)])
def test_feed_forward_spikes_are_equal_but_for_a_tick_a_layer(number, decay, v_thresh, capsys):
    ours, theirs = both(layers(number, False, decay, v_thresh), capsys)
    assert theirs.sum() > 20
    np.testing.assert_array_equal(ours[number : number + STEPS], theirs)


@pytest.mark.xfail(
    metadata.version("snntorch") == "1.0.0",
    reason="snnTorch 1.0.0 sends the input of a recurrent layer through its recurrent weights",
)
def test_recurrent_spikes_are_equal_but_for_a_tick(capsys):
    ours, theirs = both(layers(1, True, 0.9, 1.0), capsys)
    np.testing.assert_array_equal(ours[1 : 1 + STEPS], theirs)

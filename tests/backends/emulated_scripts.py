"""PyNN scripts that the tests map with sPyNNaker and run on the emulated board.

They show what a :class:`~neuromem.network.Network` cannot: sources that draw their own spikes, and
a chosen number of cores for synapses. Each runs in a child process, ``python -m
tests.backends.emulated_scripts FOLDER``, as :mod:`neuromem.backends.emulated.worker` is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from neuromem.backends.emulated import capture
from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.snapshot import load
from neuromem.backends.spinnaker import child
from neuromem.backends.spinnaker.board import Board
from neuromem.backends.spinnaker.card import load_card
from neuromem.backends.spinnaker.worker import guarded

SCRIPT = "script.json"
#: A neuron that fires once in the tick after a strong input, and rests again.
RELAY = {
    "cm": 0.27, "tau_m": 3.0, "tau_refrac": 0.0, "tau_syn_E": 0.1, "tau_syn_I": 0.1,
    "v_rest": -60.0, "v_reset": -60.0, "v_thresh": -57.5,
}  # fmt: skip


def booted(folder: Path, script: str, **given: Any) -> Machine:
    """Map a script in a folder, and return a machine with its network."""
    configuration = Board("virtual").configuration(load_card("spinn-5").version)
    (folder / child.USER_CONFIGURATION).write_text(configuration, encoding="utf-8")
    (folder / SCRIPT).write_text(json.dumps({"script": script, **given}), encoding="utf-8")
    child.run(folder, "tests.backends.emulated_scripts")
    machine = Machine(load(folder), folder)
    machine.boot()
    return machine


def poisson(
    sim: Any, rates_hz: list[float], seed: int, projections: int, synapse_cores: int | None
) -> None:
    """Poisson sources, each onto a relay; a single projection may pass through shared memory."""
    size = len(rates_hz)
    source = sim.Population(size, sim.SpikeSourcePoisson(rate=rates_hz), label="source", seed=seed)
    source.record("spikes")
    relay = sim.Population(
        size, sim.IF_curr_exp(**RELAY), label="relay", n_synapse_cores=synapse_cores
    )
    relay.record("spikes")
    for _ in range(projections):
        sim.Projection(
            source, relay, sim.OneToOneConnector(),
            sim.StaticSynapse(weight=24 / projections, delay=sim.get_time_step()),
        )  # fmt: skip


def crowd(
    sim: Any, seed: int, neurons_per_core: int, synapse_cores: int, recurrent: bool, plastic: bool
) -> None:
    """A recurrent population with several inputs, and as many cores for synapses as given."""
    rng = np.random.default_rng(seed)
    h, size = sim.get_time_step(), 40
    cells = sim.Population(
        size, sim.IF_curr_exp(**RELAY), label="cells", neurons_per_core=neurons_per_core,
        n_synapse_cores=synapse_cores, max_expected_summed_weight=[500.0, 500.0],
    )  # fmt: skip
    cells.record("spikes")
    ends = [cells] if recurrent else []
    for number in range(4):
        fired = rng.random((12, 150)) < 0.05
        times = [list(np.flatnonzero(row) * h) for row in fired]
        ends.append(
            sim.Population(12, sim.SpikeSourceArray(spike_times=times), label=f"input {number}")
        )
    rule = sim.STDPMechanism(
        timing_dependence=sim.SpikePairRule(tau_plus=3.0, tau_minus=3.0, A_plus=0.3, A_minus=0.2),
        weight_dependence=sim.AdditiveWeightDependence(w_min=0.0, w_max=8.0),
        weight=1.0,
        delay=h,
    )
    for number, pre in enumerate(ends):
        for receptor, scale in (("excitatory", 4.0), ("inhibitory", 2.0)):
            rows, columns = np.nonzero(rng.random((pre.size, size)) < 0.3)
            weights = np.round(rng.uniform(0, scale, len(rows)) * 64) / 64
            delays = h * rng.integers(1, 20, len(rows))
            table = np.column_stack([rows, columns, weights, delays])
            learns = plastic and number == len(ends) - 1 and receptor == "excitatory"
            connector = sim.FromListConnector(table, column_names=["weight", "delay"])
            sim.Projection(
                pre, cells, connector, rule if learns else sim.StaticSynapse(),
                receptor_type=receptor,
            )  # fmt: skip


SCRIPTS = {"poisson": poisson, "crowd": crowd}


def _map(folder: Path) -> None:
    import spynnaker.pyNN as sim

    given = json.loads((folder / SCRIPT).read_text(encoding="utf-8"))
    h, ticks = given.pop("timestep_ms"), given.pop("ticks")
    sim.setup(timestep=h, min_delay=h)
    SCRIPTS[given.pop("script")](sim, **given)
    sim.run(ticks * h)
    capture.save(folder, [])
    sim.end()


if __name__ == "__main__":
    sys.exit(guarded(Path(sys.argv[1]), _map))

"""Kinds of cores: several for the synapses of one neuron core, and Poisson sources.

Every network is mapped by sPyNNaker in a process of its own, which takes seconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neuromem import backends
from neuromem.backends.emulated import readout
from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.snapshot import load
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)
from tests.backends.emulated_scripts import booted

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytestmark = pytest.mark.slow

NAME = "spinnaker-emulated"


def programs(machine: Machine) -> Counter[str]:
    return Counter(Path(core.program).stem for core in machine.snapshot.cores)


def fired(machine: Machine, population: str) -> list[tuple[int, int]]:
    """Return (tick, neuron) of all recorded spikes, in order."""
    rows = readout.spikes(machine, population)
    return sorted((int(tick), int(neuron)) for tick, neuron in rows)


# --- several cores for synapses ------------------------------------------------------------------

TICKS = 150


def crowd(tmp_path: Path, *, plastic: bool, recurrent: bool, **cores: int) -> Machine:
    folder = tmp_path / "-".join(str(n) for n in cores.values())
    folder.mkdir()
    return booted(
        folder, "crowd", timestep_ms=0.5, ticks=TICKS, seed=1, plastic=plastic,
        recurrent=recurrent, **cores,
    )  # fmt: skip


@pytest.mark.parametrize(("plastic", "recurrent"), [(False, True), (True, False)])
def test_as_many_synapse_cores_as_asked_for_give_the_same_spikes(tmp_path, plastic, recurrent):
    kind = "synapses_stdp_mad_pair_additive" if plastic else "synapses"
    given = {"plastic": plastic, "recurrent": recurrent}
    found = []
    for synapse_cores, neurons_per_core in ((1, 40), (2, 40), (3, 16)):
        machine = crowd(
            tmp_path, **given, synapse_cores=synapse_cores,
            neurons_per_core=neurons_per_core,
        )  # fmt: skip
        parts = -(-40 // neurons_per_core)
        count = programs(machine)
        assert (count["IF_curr_exp_neuron"], count[kind]) == (parts, parts * synapse_cores)
        if synapse_cores == 3:  # the order of the cores within a tick does not matter
            machine.cores = dict(reversed(machine.cores.items()))
        machine.run(TICKS)
        found.append(fired(machine, "cells"))
    assert len(found[0]) > TICKS
    assert found[0] == found[1] == found[2]


def test_plasticity_away_from_the_core_that_gets_the_recurrent_spikes_learns_nothing(tmp_path):
    """SPyNNaker 7.4.1 sends a recurrent population's spikes to one of its synapse cores only."""
    found = {}
    for plastic, synapse_cores in ((True, 1), (True, 3), (False, 3)):
        folder = tmp_path / str(plastic)
        folder.mkdir(exist_ok=True)
        machine = crowd(
            folder, plastic=plastic, recurrent=True, synapse_cores=synapse_cores,
            neurons_per_core=40,
        )  # fmt: skip
        machine.run(TICKS)
        found[plastic, synapse_cores] = fired(machine, "cells")
    assert found[True, 3] == found[False, 3] != found[True, 1]


def test_a_busy_network_gets_several_synapse_cores_and_is_the_definitions(tmp_path):
    """SPyNNaker plans for 30 spikes a second of each line: more synaptic events than one core has.

    At first many lines inhibit, and a few in vain excite; later these do it alone. One delay is
    shorter than the ring buffers, whose last slot would make weights depend on the packets' order.
    """
    rng, h, lines, cells = np.random.default_rng(0), 0.5, 1500, 64
    neuron = IF_curr_exp(
        cm_nf=0.27, tau_m_ms=3.0, tau_refrac_ms=1.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3,
        v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.5,
    )  # fmt: skip
    weights: Any = np.round(rng.uniform(0, 0.2, (lines, cells)) * 1024) / 1024
    rule = STDPSynapse(
        weight=0.5, A_plus=0.125, A_minus=0.125, tau_plus_ms=3.0, tau_minus_ms=3.0, w_max=1.0,
        post_history=15,
    )  # fmt: skip
    network = Network(
        name="busy",
        populations=(
            SpikeSource(name="many", size=lines),
            SpikeSource(name="few", size=2),
            Population(name="cells", size=cells, neuron=neuron),
        ),
        projections=(
            Projection(
                pre="many", post="cells", connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=weights, delay_ms=1.5), receptor_type="inhibitory",
            ),
            Projection(
                pre="few", post="cells", connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=16.0),
            ),
            Projection(
                pre="few", post="cells", connector=AllToAllConnector(), synapse=rule,
                label="learned",
            ),
        ),
        recordings=(Recording(target="cells"),),
        timestep_ms=h,
    )  # fmt: skip
    at, line = np.nonzero(rng.random((30, lines)) < 0.05)
    stimulus = {
        "many": SpikeTrains(at * h, line, lines),
        "few": SpikeTrains.of([[5.0, 9.0, 30.0], [7.0, 32.0]]),
    }
    result = backends.run(network, 40.0, stimulus, NAME, folder=str(tmp_path), fit_weights=True)
    assert len(result.spikes["cells"]) == 2 * cells
    assert min(time for time, _ in result.spikes["cells"].pairs()) == 31.0
    kinds = Counter(Path(core.program).stem for core in load(tmp_path).cores)
    assert kinds["IF_curr_exp_neuron"] == 1
    assert kinds["synapses_stdp_mad_pair_additive"] >= 2


def test_a_run_longer_than_its_recordings_have_room_for_is_refused_before_it_starts():
    network = Network(
        name="long",
        populations=(Population(name="cells", size=256, neuron=IF_curr_exp()),),
        recordings=tuple(Recording(target="cells", variable=v) for v in ("v", "isyn_exc")),
    )
    with pytest.raises(ValueError, match="what is recorded fills the memory of a chip after"):
        backends.run(network, 200_000.0, None, NAME, fidelity="native")


# --- speed ---------------------------------------------------------------------------------------


def test_the_speed_is_measured(tmp_path):
    script = Path(__file__).parents[2] / "benchmarks" / "emulator_speed.py"
    found = tmp_path / "speed.json"
    done = subprocess.run(
        [sys.executable, str(script), "--quick", "--cores", "3", "--json", str(found)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(found.read_text())
    assert (record["cores"], record["neurons"]) == (3, 128)
    assert min(record.values()) > 0


# --- Poisson sources -----------------------------------------------------------------------------

#: Sources of each rate, and ticks: at the lowest rate 200 expected spikes in all.
RATES_HZ, EACH, LONG = (0.0, 5.0, 80.0, 700.0), 20, 2000


@pytest.fixture(scope="module")
def poisson(tmp_path_factory):
    """Map and boot the script with Poisson sources, with what differs from these values."""
    usual = {
        "timestep_ms": 1.0, "ticks": LONG, "rates_hz": np.repeat(RATES_HZ, EACH).tolist(),
        "seed": 3, "projections": 1, "synapse_cores": None,
    }  # fmt: skip
    return lambda **given: booted(tmp_path_factory.mktemp("poisson"), "poisson", **(usual | given))


def test_poisson_sources_fire_at_their_rate_and_irregularly(poisson):
    """Within 4.5 standard deviations of what independent Poisson draws give, each."""
    machine = poisson()
    assert programs(machine) == {"spike_source_poisson": 1, "IF_curr_exp": 1}
    machine.run(LONG)
    drawn = fired(machine, "source")
    counts = np.zeros((LONG, len(RATES_HZ) * EACH))
    np.add.at(counts, tuple(np.array(drawn).T), 1)
    for number, rate_hz in enumerate(RATES_HZ):
        of = counts[:, number * EACH : (number + 1) * EACH]
        expected = rate_hz / 1000 * of.size
        assert abs(of.sum() - expected) <= 4.5 * np.sqrt(expected)
        if rate_hz:
            # Variance by mean of the counts in bins of 20 ticks is 1; regular spikes have less.
            bins = of.reshape(LONG // 20, 20, EACH).sum(axis=1)
            fano = bins.var(ddof=1) / bins.mean()
            mean = bins.mean()
            deviation = np.sqrt((2 + 1 / mean) / bins.size)
            assert abs(fano - 1) <= 4.5 * deviation, rate_hz
    relayed = set(fired(machine, "relay"))
    assert relayed == {(tick + 1, neuron) for tick, neuron in drawn if tick + 1 < LONG}
    # The same seed gives the same spikes, another one others.
    again, other = poisson(ticks=200), poisson(ticks=200, seed=4)
    for repeated in (again, other):
        repeated.run(200)
    first = [(tick, neuron) for tick, neuron in drawn if tick < 200]
    assert fired(again, "source") == first
    assert fired(other, "source") != first


@pytest.mark.parametrize("projections", [1, 2])
@pytest.mark.parametrize("reverse", [False, True])
def test_poisson_input_to_split_cores_comes_a_tick_later(poisson, projections, reverse):
    """A single one-to-one projection passes through shared memory, two are packets."""
    machine = poisson(ticks=200, projections=projections, synapse_cores=1, timestep_ms=0.5)
    assert programs(machine) == {"spike_source_poisson": 1, "synapses": 1, "IF_curr_exp_neuron": 1}
    if reverse:
        machine.cores = dict(reversed(machine.cores.items()))
    machine.run(200)
    assert (machine.router.sent == 0) == (projections == 1)
    drawn = fired(machine, "source")
    assert len(drawn) > 1000
    assert set(fired(machine, "relay")) == {
        (tick + 1, neuron) for tick, neuron in drawn if tick + 1 < 200
    }

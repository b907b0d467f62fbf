"""What a simulation refuses, and what it reports on the way."""

from __future__ import annotations

import math
import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromem import backends
from neuromem.network import (
    AllToAllConnector,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    STDPSynapse,
)
from neuromem.results import Result, write_tree

BACKENDS = ("native", "native-reference")
both = pytest.mark.parametrize("backend", BACKENDS)

NETWORK = Network(
    name="small",
    timestep_ms=0.5,
    populations=[
        SpikeSource(name="in", size=2),
        Population(name="cells", size=3, neuron=LIF_hard_reset()),
    ],
    projections=[
        Projection(
            pre="in",
            post="cells",
            connector=AllToAllConnector(),
            synapse=STDPSynapse(weight=0.6, A_plus=0.1, A_minus=0.1, w_max=2),
            label="learned",
        )
    ],
    recordings=[Recording(target="cells"), Recording(target="cells", variable="v", every_ms=1.5)],
)
INPUT = {"in": SpikeTrains.of([[0, 0.5, 7], [0.5, 3]])}


def started(backend: str) -> backends.Simulation:
    simulation = backends.start(NETWORK, backend)
    simulation.run(4)
    return simulation


@pytest.mark.parametrize(
    "stimulus, said",
    [
        ({"inn": SpikeTrains.of([[9], [9]])}, ("'inn'", "in, cells")),
        ({"cells": SpikeTrains.of([[9], [9], []])}, ("'cells'", "neurons", "spike source")),
        ({"in": SpikeTrains.of([[9]])}, ("1 spike trains", "'in'", "size 2")),
        ({"in": SpikeTrains.of([[3.5, 9], []])}, ("3.5 ms", "at 4 ms")),
        ({"in": SpikeTrains.of([[9.25], []])}, ("9.25 ms", "0.5 ms grid")),
    ],
)
@both
def test_bad_stimulus(backend, stimulus, said) -> None:
    simulation = started(backend)
    with pytest.raises(ValueError) as caught:
        simulation.stimulate(stimulus)
    assert all(text in str(caught.value) for text in said), str(caught.value)
    simulation.run(10)
    assert len(simulation.spikes("in")) == 0


@pytest.mark.parametrize("duration", [-1, math.nan, math.inf, 0.25])
@both
def test_bad_duration(backend, duration) -> None:
    simulation = started(backend)
    with pytest.raises(ValueError, match="duration_ms") as caught:
        simulation.run(duration)
    assert str(duration) in str(caught.value) and "0.5 ms" in str(caught.value)
    assert simulation.time_ms == 4


def test_unknown_backend() -> None:
    for call in (backends.start, lambda n, b: backends.run(n, 1, {}, b)):
        with pytest.raises(ValueError, match=r"'nest'.*native, native-reference"):
            call(NETWORK, "nest")
    with pytest.raises(ValueError, match="'nest'"):
        backends.capabilities("nest")


@both
def test_unknown_names(backend) -> None:
    simulation = started(backend)
    with pytest.raises(ValueError, match=r"'cell'.*in, cells"):
        simulation.spikes("cell")
    with pytest.raises(ValueError, match=r"'cells'.*learned"):
        simulation.weights("cells")


@both
def test_capabilities(backend) -> None:
    can = backends.capabilities(backend)
    assert can.name == backend and can.exact == can.native == frozenset(backends.FEATURES)
    assert can.version and not can.missing


@both
def test_progress_and_time(backend) -> None:
    seen: list[tuple[float, float]] = []
    backends.run(NETWORK, 2500, {}, backend, progress=lambda *step: seen.append(step))
    assert seen[-1] == (2500, 2500) and seen == sorted(seen) and len(seen) > 1
    simulation = started(backend)
    simulation.run(0)
    assert simulation.time_ms == 4


@both
def test_interruption_leaves_the_simulation_whole(backend) -> None:
    def interrupt(done: float, total: float) -> None:
        raise KeyboardInterrupt

    simulation = backends.start(NETWORK, backend)
    simulation.stimulate({"in": SpikeTrains.of([[0, 2000.5], [0]])})
    with pytest.raises(KeyboardInterrupt):
        simulation.run(3000, interrupt)
    assert 0 < simulation.time_ms < 3000
    simulation.run(3000 - simulation.time_ms)
    assert simulation.spikes("in").times_ms.tolist() == [0, 0, 2000.5]


@both
def test_input_can_be_added_in_any_order(backend) -> None:
    simulation = backends.start(NETWORK, backend)
    for times in ([7.0], [0.5], [0.0, 0.5]):
        simulation.stimulate({"in": SpikeTrains.of([times, []])})
    simulation.run(2)
    simulation.stimulate({"in": SpikeTrains.of([[], [2.0, 6.5]])})
    simulation.run(8)
    assert simulation.spikes("in").per_neuron() == [[0, 0.5, 7], [2, 6.5]]


@both
@pytest.mark.parametrize("recorded", [True, False])
def test_presented_lines_equal_a_stimulus(backend, recorded) -> None:
    network = NETWORK if recorded else NETWORK.recording()
    one, other = (backends.start(network, backend) for _ in range(2))
    one.present("in", [0, 1], 2, 3, 8)
    one.present("in", [1], 8, 1, 4)
    held = [1.0, 1.5, 2.0]
    other.stimulate({"in": SpikeTrains.of([held, [*held, 4.0]])})
    other.run(6)
    for population in ("in", "cells"):
        assert one.spikes(population) == other.spikes(population)
        for ago in range(14):
            expected = other.spikes(population).between(5.25 - ago / 2, 5.75 - ago / 2)
            assert one.fired(population, ago) == expected.neurons.tolist()
    assert np.array_equal(one.weights("learned"), other.weights("learned"))


@both
def test_fired_after_a_resume(backend) -> None:
    simulation = backends.start(NETWORK, backend)
    simulation.stimulate(INPUT)
    simulation.run(2)
    resumed = backends.from_tree(simulation.tree())
    for population in ("in", "cells"):
        for ago in range(5):
            assert resumed.fired(population, ago) == simulation.fired(population, ago)
    assert simulation.fired("in", 3) == [0]


@both
def test_a_network_of_sources_only_runs(backend) -> None:
    network = Network(
        name="lines",
        populations=[SpikeSource(name="in", size=2)],
        recordings=[Recording(target="in")],
    )
    trains = SpikeTrains.of([[1], [2]])
    assert backends.run(network, 3, {"in": trains}, backend).spikes["in"] == trains


@both
def test_hardly_any_leak(backend) -> None:
    network = Network(
        name="integrator",
        populations=[Population(name="p", size=1, neuron=IF_curr_exp(tau_m_ms=1e17))],
    )
    assert backends.run(network, 3, {}, backend).stop_ms == 3


@both
def test_seed_is_kept(backend, tmp_path: Path) -> None:
    for seed in (None, 0, 12345):
        simulation = backends.start(NETWORK, backend, seed=seed)
        again = backends.resume(simulation.save(tmp_path / "s.h5"))
        assert again.result().provenance.seed == seed


@both
def test_sampled_states_survive_a_resume(backend, tmp_path: Path) -> None:
    whole, first = (backends.start(NETWORK, backend) for _ in range(2))
    for simulation in (whole, first):
        simulation.stimulate(INPUT)
    whole.run(10)
    first.run(4)
    second = backends.resume(first.save(tmp_path / "s.h5"))
    second.run(6)
    one, other = (s.result().states["cells"]["v"] for s in (whole, second))
    assert one.times_ms.tolist() == [0, 1.5, 3, 4.5, 6, 7.5, 9] == other.times_ms.tolist()
    assert np.array_equal(one.values, other.values)


def test_resume_names_the_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape(str(tmp_path / "missing.h5"))):
        backends.resume(tmp_path / "missing.h5")
    simulation = started("native")
    good = simulation.save(tmp_path / "good.h5").read_bytes()
    bad = tmp_path / "bad.h5"
    for content in (b"", b"no HDF5", good[: len(good) // 2], good[:-1]):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(str(bad))):
            backends.resume(bad)
    simulation.result().save(bad)
    with pytest.raises(ValueError, match=r"holds a neuromem result, not a simulation"):
        backends.resume(bad)
    with pytest.raises(ValueError, match=r"holds a neuromem simulation, not a result"):
        Result.load(tmp_path / "good.h5")
    with h5py.File(bad, "w") as file:
        file["x"] = 1
    with pytest.raises(ValueError, match=r"bad\.h5.*not one written by neuromem"):
        backends.resume(bad)


@pytest.mark.parametrize("lost", ["backend", "network", "state", "events", "spikes", "samples"])
def test_resume_names_the_file_that_lacks_something(lost: str, tmp_path: Path) -> None:
    tree = started("native").tree()
    del tree[lost]
    path = write_tree(tmp_path / "bad.h5", "simulation", tree)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        backends.resume(path)


@pytest.mark.parametrize(
    "part, value",
    [("network", "{}"), ("backend", "none"), ("state", {"tick": np.array(3)})],
)
def test_resume_names_the_file_that_makes_no_sense(part, value, tmp_path: Path) -> None:
    tree = {**started("native").tree(), part: value}
    path = write_tree(tmp_path / "bad.h5", "simulation", tree)
    with pytest.raises(ValueError, match=re.escape(str(path))):
        backends.resume(path)


@both
def test_save_that_fails_leaves_nothing(backend, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "folder", tmp_path / "missing" / "s.h5"):
        with pytest.raises(OSError):
            started(backend).save(path)
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]

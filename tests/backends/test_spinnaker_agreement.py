"""What the preflight report says, what the emulated board counts, and what the twin counts.

The report predicts from a map, the other two run. Where they mean the same they must give the same
number; where the board counts something else, the relation is computed here by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from neuromem import backends
from neuromem.backends.spinnaker import deploy
from neuromem.backends.spinnaker.currents import arrival_share
from neuromem.backends.spinnaker.parts import parts
from neuromem.backends.spinnaker.preflight import Preflight
from neuromem.cli import app
from neuromem.network import (
    AllToAllConnector,
    ArrayConnector,
    IF_curr_delta,
    IF_curr_exp,
    Network,
    OneToOneConnector,
    Population,
    Projection,
    Recording,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
    save,
)

pytest.importorskip("unicorn", reason="the emulator needs unicorn")
pytest.importorskip("spinn_utilities", reason="the board's programs need sPyNNaker")
pytestmark = pytest.mark.slow

TWIN, BOARD = "spinnaker-arithmetic", "spinnaker-emulated"
LIMIT = 2**16 - 1
#: No spike of it goes anywhere: what arrives is what is sent.
SILENT = IF_curr_exp(v_thresh_mv=1000.0)
RECEPTORS = ("excitatory", "inhibitory")


@dataclass
class Three:
    """A network by all three."""

    network: Network
    preflight: Preflight
    board: backends.Simulation
    twin: backends.Simulation

    @property
    def zeros(self) -> tuple[int, str, str]:
        """How many weights became 0."""
        name = "weights rounded to zero"
        board, twin = (settings(run)[name] for run in (self.board, self.twin))
        return sum(use.zeros for use in self.preflight.weights), board, twin

    def count(self, name: str) -> int:
        """What the board counted."""
        return int(settings(self.board)[name])

    @property
    def saturated(self) -> int:
        """Sums at their limit by the twin: a neuron, receptor and tick each."""
        return int(settings(self.twin)["saturated inputs"])


def settings(simulation: backends.Simulation) -> dict[str, str]:
    return simulation.result().provenance.settings


def by_all_three(network: Network, stimulus, duration_ms: float, folder: Path) -> Three:
    preflight = deploy(network, folder=folder, duration_ms=duration_ms, stimulus=stimulus).preflight
    runs = [backends.start(network, name, fidelity="native") for name in (BOARD, TWIN)]
    for simulation in runs:
        simulation.stimulate(stimulus)
        simulation.run(duration_ms)
    return Three(network, preflight, *runs)


# --- at the edge ---------------------------------------------------------------------------------

LINES = 100
#: Of so many weights some are too small for a step of any buffer.
MIXED = np.where(np.arange(LINES) % 4 == 1, 1e-6, np.where(np.arange(LINES) % 4, 1.0, 0.0))
#: Time constants (ms) and whether a weight arrives: 862.25 loses it, and its neighbours do not.
TAUS = {"fast": 5.0, "slow": 862.0, "lost": 862.25, "slower": 863.0}
#: sPyNNaker makes the buffers for 100 inputs of weight 1 that fire at 30 Hz, each when it likes:
#: they hold 65535 of 2048 for a weight, and so many at once are one too many.
ENOUGH = 32
BELOW, AT, ALL = 5.0, 15.0, 25.0
#: Spikes in a row of two post neurons: with a time constant of 20 ms their traces reach 15.9 and
#: 16.2, where the board's changes its sign. Then a pre spike depresses the synapse.
FIRED, USED, END = (30, 31), 36.0, 40.0
RELAY = IF_curr_exp(
    cm_nf=0.27, tau_m_ms=3.0, tau_refrac_ms=0.0, tau_syn_E_ms=0.3, tau_syn_I_ms=0.3,
    v_rest_mv=-60.0, v_reset_mv=-60.0, v_thresh_mv=-57.5,
)  # fmt: skip


def edge() -> Network:
    """Return a network whose buffers are made for fewer inputs than come, by delays that differ."""
    delays = np.where(np.arange(LINES) < LINES - 1, 1.0, 2.0)[:, None]
    rule = STDPSynapse(
        weight=1.0, delay_ms=delays * np.ones((1, 2)), A_plus=0.0, A_minus=0.0, w_max=1.0,
        post_history=15,
    )  # fmt: skip
    static = StaticSynapse(weight=1.0, delay_ms=delays * np.ones((1, 2)))
    onto = {
        "static": (2, SILENT, static, "excitatory"),
        "plastic": (2, SILENT, rule, "excitatory"),
        "inhibited": (1, SILENT, StaticSynapse(weight=1.0, delay_ms=delays), "inhibitory"),
        "mixed": (1, SILENT, StaticSynapse(weight=MIXED[:, None]), "excitatory"),
    }
    for name, tau in TAUS.items():
        neuron = IF_curr_exp(v_thresh_mv=1000.0, tau_syn_E_ms=tau)
        onto[name] = (1, neuron, StaticSynapse(weight=0.5), "excitatory")
    learning = STDPSynapse(
        weight=0.5, A_plus=0.0, A_minus=0.1, tau_minus_ms=20.0, w_max=1.0, post_history=15
    )
    trained = (
        Projection(pre="drive", post="relay", connector=OneToOneConnector(),
                   synapse=StaticSynapse(weight=12.0)),
        *(
            Projection(pre="used", post=f"relay[{n}:{n + 1}]", connector=AllToAllConnector(),
                       synapse=learning, label=f"after {fired}")
            for n, fired in enumerate(FIRED)
        ),
    )  # fmt: skip
    return Network(
        name="edge",
        populations=(
            SpikeSource(name="lines", size=LINES),
            SpikeSource(name="drive", size=len(FIRED)),
            SpikeSource(name="used", size=1),
            *(Population(name=k, size=v[0], neuron=v[1]) for k, v in onto.items()),
            Population(name="relay", size=len(FIRED), neuron=RELAY),
        ),
        projections=(
            *(
                Projection(
                    pre="lines[:1]" if name in TAUS else "lines", post=name,
                    connector=AllToAllConnector(), synapse=synapse, receptor_type=receptor,
                    label=name,
                )
                for name, (_, _, synapse, receptor) in onto.items()
            ),
            *trained,
        ),
        recordings=tuple(Recording(target=name, variable="isyn_exc") for name in TAUS),
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> Three:
    bursts = {BELOW: ENOUGH - 1, AT: ENOUGH, ALL: LINES - 1}
    trains = [[t for t, count in bursts.items() if line < count] for line in range(LINES)]
    stimulus = {
        "lines": SpikeTrains.of(trains),
        "drive": SpikeTrains.of([[float(t) for t in range(1, 1 + n)] for n in FIRED]),
        "used": SpikeTrains.of([[USED]]),
    }
    return by_all_three(edge(), stimulus, END, tmp_path_factory.mktemp("edge"))


def test_weights_that_become_zero_are_the_same_number(found):
    assert found.zeros == (25, "25", "25")
    of = {use.projection: use.zeros for use in found.preflight.weights}
    assert of == {**dict.fromkeys(of, 0), "mixed": 25}
    (finding,) = (f for f in found.preflight.of("warning") if f.check == "weights")
    assert finding.where == "projection 'mixed', excitatory"
    assert "25 of 100 weights became 0" in finding.what


def test_sums_saturate_from_the_predicted_number_of_inputs_on(found):
    """One input fewer does not, in either; each weight beyond the limit is one on the board."""
    predicted = {
        (b.population, b.receptor_type): b.saturating_inputs for b in found.preflight.ring_buffers
    }
    full = [("static", "excitatory"), ("plastic", "excitatory"), ("inhibited", "inhibitory")]
    assert predicted == {**dict.fromkeys(predicted), **dict.fromkeys(full, ENOUGH)}
    findings = [f for f in found.preflight.of("warning") if f.check == "ring buffer"]
    assert [f"can saturate if {ENOUGH} inputs of a neuron" in f.what for f in findings] == [
        True
    ] * 3
    neurons = 2 + 2 + 1
    assert found.saturated == 2 * neurons
    beyond = 1 + (LINES - 1 - ENOUGH + 1)
    assert found.count("weights beyond a full ring buffer") == beyond * neurons


def test_the_most_packets_at_once_are_the_same_number(found):
    assert max(load.packets for load in found.preflight.loads) == LINES - 1
    assert found.count("most packets waiting at a core") == LINES - 1


def test_a_current_that_loses_its_weights_is_found(found):
    """A weight arrives before and after the time constant that loses it, by a quarter of a ms."""
    findings = {
        f.where.split("'")[1]: f for f in found.preflight.of("warning") if "tau_syn" in f.what
    }
    assert set(findings) == {"lost", "slower"}
    assert "it is lost" in findings["lost"].what
    assert "862 ms" in findings["lost"].remedy
    assert "it is lost" not in findings["slower"].what
    for name, tau in TAUS.items():
        share, exact = arrival_share(tau, 1.0)
        assert (share > 0.9 * exact) == (name != "lost")
        for result in (found.board, found.twin):
            current = result.result().states[name]["isyn_exc"].values[int(BELOW) + 1, 0]
            arrived = 0.5 * share * np.exp(-1 / tau)
            assert current == pytest.approx(arrived, rel=1e-3, abs=2.0**-14), name


def test_a_trace_that_changes_its_sign_is_found(found):
    """After one spike more in a row the pre spike potentiates beyond w_max, on the board too."""
    assert np.bincount(found.board.spikes("relay").neurons).tolist() == list(FIRED)
    for fired in FIRED:
        board, twin = (run.weights(f"after {fired}") for run in (found.board, found.twin))
        assert np.array_equal(board, twin, equal_nan=True)
        assert (board > 1.0).all() == (fired == 31)
        assert (board < 0.5).all() == (fired == 30)
    findings = [f for f in found.preflight.of("warning") if "trace" in f.what]
    assert {f.where for f in findings} == {"projection 'after 31'"}
    assert "reaches 16.2" in findings[0].what


# --- random sums ---------------------------------------------------------------------------------


def random_sums(seed: int, populations: int = 8, size: int = 5) -> Network:
    """Return neurons with weights over many orders of magnitude and of both signs."""
    rng = np.random.default_rng(seed)
    targets, projections = [], []
    for n in range(populations):
        neuron = SILENT if n % 2 else IF_curr_delta(v_thresh_mv=30000.0, v_rest_mv=-60.0)
        targets.append(Population(name=f"p{n}", size=size, neuron=neuron))
        for k in range(int(rng.integers(1, 3))):
            shape = (LINES, size)
            mask = rng.random(shape) < rng.choice([0.3, 0.9])
            mask[0, 0] = True
            receptor = str(rng.choice(RECEPTORS))
            weights = rng.lognormal(0.0, rng.choice([0.1, 2.0, 5.0]), shape)
            weights[rng.random(shape) < 0.1] = 0.0
            projections.append(
                Projection(
                    pre="lines", post=f"p{n}", connector=ArrayConnector(array=mask),
                    synapse=StaticSynapse(
                        weight=weights, delay_ms=rng.integers(1, 17, shape).astype(float)
                    ),
                    receptor_type=receptor, label=f"{n} {k}",
                )
            )  # fmt: skip
    return Network(
        name="sums",
        populations=(SpikeSource(name="lines", size=LINES), *targets),
        projections=tuple(projections),
    )


def sums(network: Network, preflight: Preflight, spikes: SpikeTrains) -> dict[tuple, np.ndarray]:
    """Return the raw weights that arrive together: by population, receptor, neuron and tick.

    From the definition and the shifts in the report alone.
    """
    chosen = {(b.population, b.receptor_type): b.shift for b in preflight.ring_buffers}
    fired = spikes.per_neuron()
    found: dict[tuple, list[int]] = {}
    for projection in network.projections:
        for part in parts(network, projection):
            for pre, post, weight, delay in zip(
                part.pre, part.post, part.weights, part.delays_ms, strict=True
            ):
                of = projection.post, part.receptor_type
                raw = int(np.rint(weight * 2.0 ** (15 - chosen[of])))
                for t in fired[pre] if raw else ():
                    found.setdefault((*of, post, t + delay), []).append(raw)
    return {key: np.array(raw) for key, raw in found.items()}


def beyond(raw: np.ndarray) -> int:
    """Return how many weights do not fit, if they come in this order."""
    return int((np.cumsum(raw) > LIMIT).sum())


@pytest.mark.parametrize("seed", [0, 1])
def test_random_sums_are_counted_alike(tmp_path, seed):
    network, rng = random_sums(seed), np.random.default_rng(seed)
    # Some ticks are dense; the last ones, whose spikes would arrive after the end, are empty.
    chance = rng.choice([0.02, 0.3, 0.9], 24)[:, None]
    at, lines = np.nonzero(rng.random((24, LINES)) < chance)
    spikes = SpikeTrains(at.astype(float), lines, LINES)
    found = by_all_three(network, {"lines": spikes}, 45.0, tmp_path)
    zeros = int(found.zeros[0])
    assert zeros > 50
    assert found.zeros == (zeros, str(zeros), str(zeros))
    arriving = sums(network, found.preflight, spikes)
    full = {key: raw for key, raw in arriving.items() if raw.sum() > LIMIT}
    assert found.saturated == len(full) > 10
    # A buffer that is full stays so; small weights first leave the most that fit.
    fewest = sum(beyond(np.sort(raw)) for raw in full.values())
    most = sum(beyond(np.sort(raw)[::-1]) for raw in full.values())
    assert fewest <= found.count("weights beyond a full ring buffer") <= most
    needed = {(b.population, b.receptor_type): b.saturating_inputs
              for b in found.preflight.ring_buffers}  # fmt: skip
    for (population, receptor, _, _), raw in full.items():
        assert len(raw) >= (needed[population, receptor] or np.inf)
    assert found.count("most packets waiting at a core") == np.bincount(at).max()


# --- more packets than fit -----------------------------------------------------------------------


def test_packets_that_find_no_room_are_lost_and_counted(tmp_path):
    """The emulated board holds 255; the report says so, and that a board may keep up."""
    size = 300
    network = Network(
        name="burst",
        populations=(
            SpikeSource(name="lines", size=size),
            Population(name="cell", size=1, neuron=SILENT),
        ),
        projections=(
            Projection(
                pre="lines", post="cell", connector=AllToAllConnector(),
                synapse=StaticSynapse(weight=0.01),
            ),
        ),
    )  # fmt: skip
    found = by_all_three(network, {"lines": SpikeTrains.of([[2.0]] * size)}, 6.0, tmp_path)
    (finding,) = (f for f in found.preflight.of("warning") if f.check == "load")
    assert "300 spikes reach a core in one tick; 255 may wait" in finding.what
    assert settings(found.board)["most packets waiting at a core"] == "255"
    assert settings(found.board)["packets lost at a full buffer"].startswith("45,")
    assert "up to 300 onto a population" in settings(found.twin)["packets in a tick"]


# --- in words ------------------------------------------------------------------------------------


def test_the_command_prints_what_the_run_counted_beside_what_was_predicted(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    network = Network(
        name="words",
        populations=(
            SpikeSource(name="lines", size=4),
            Population(name="relay", size=4, neuron=IF_curr_exp()),
        ),
        projections=(
            Projection(
                pre="lines[1:3]", post="relay[2:]", connector=OneToOneConnector(),
                synapse=StaticSynapse(weight=np.array([4.0, 1e-7])), label="ones",
            ),
        ),
    )  # fmt: skip
    save(network, tmp_path / "words.json")
    result = backends.run(
        network.recording(Recording(target="lines")), 20.0,
        {"lines": SpikeTrains.of([[3.0]] * 4)},
    )  # fmt: skip
    result.save(tmp_path / "input.h5")
    command = ["deploy", "words.json", "--board", "emulated", "--stimulus", "input.h5"]
    assert app.run(command) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "what preflight predicts the emulated board counted" in lines
    assert "weights rounded to zero 1 1" in lines
    assert "sums beyond a ring buffer cannot be 0 weights" in lines
    assert "most packets at a core in a tick 4 4, none lost" in lines

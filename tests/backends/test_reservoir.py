"""Batches through a liquid: the engines agree to the last bit, and with a run of the network."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neuromem import backends
from neuromem.backends import reservoir as reservoir_package
from neuromem.backends.reservoir import OUTPUTS, Reservoir, fast, run_batch
from neuromem.network import (
    AllToAllConnector,
    FixedProbabilityConnector,
    IF_curr_exp,
    LIF_hard_reset,
    Network,
    Population,
    Projection,
    Recording,
    SpikeBatch,
    SpikeSource,
    SpikeTrains,
    StaticSynapse,
    STDPSynapse,
)

ALL = tuple(OUTPUTS)


def random_reservoir(rng, channels, neurons, recurrent=True):
    return Reservoir(
        w_in=rng.normal(0, 0.6, (channels, neurons)),
        w_rec=rng.normal(0, 0.4, (neurons, neurons)) if recurrent else None,
        decay=rng.uniform(0, 1, neurons),
        v_thresh=rng.uniform(0.3, 2, neurons),
    )


def random_batch(rng, samples, steps, channels, p=0.3, most=1):
    spikes = rng.random((samples, steps, channels)) < p
    return SpikeBatch.of_dense(spikes * rng.integers(1, most + 1, spikes.shape))


def same_bits(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype == OUTPUTS[name]
        assert one[name].tobytes() == other[name].tobytes(), name


@given(
    seed=st.integers(0, 2**32),
    samples=st.integers(0, 9),
    steps=st.integers(1, 20),
    channels=st.integers(1, 40),
    neurons=st.integers(1, 150),
    recurrent=st.booleans(),
    most=st.sampled_from([1, 3]),
    precision=st.sampled_from(["float32", "int8"]),
    data=st.data(),
)
def test_native_equals_the_reference_to_the_last_bit(
    seed, samples, steps, channels, neurons, recurrent, most, precision, data
):
    rng = np.random.default_rng(seed)
    liquid = random_reservoir(rng, channels, neurons, recurrent)
    batch = random_batch(rng, samples, steps, channels, most=most)
    bins = data.draw(st.integers(1, steps))
    kept = {"bins": bins, "outputs": ALL, "precision": precision}
    same_bits(
        run_batch(liquid, batch, **kept),
        run_batch(liquid, batch, engine="native-reference", **kept),
    )


@given(
    seed=st.integers(0, 2**32),
    samples=st.integers(1, 30),
    threads=st.integers(1, 5),
    group=st.integers(1, 12),
    currents=st.integers(1, 20_000),
    precision=st.sampled_from(["float32", "int8"]),
)
@settings(max_examples=30)
def test_threads_and_chunks_change_nothing(seed, samples, threads, group, currents, precision):
    rng = np.random.default_rng(seed)
    liquid = random_reservoir(rng, 20, 70)
    batch = random_batch(rng, samples, 12, 20)
    kept = {"bins": 5, "outputs": ALL, "precision": precision}
    whole = run_batch(liquid, batch, threads=1, **kept)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast, "group_size", lambda neurons: group)
        patch.setattr(fast, "CURRENTS", currents)
        same_bits(run_batch(liquid, batch, threads=threads, **kept), whole)
    cut = samples // 2
    parts = [run_batch(liquid, batch.part(a, b), **kept) for a, b in ((0, cut), (cut, samples))]
    same_bits({name: np.concatenate([p[name] for p in parts]) for name in ALL}, whole)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_many_rows_and_many_neurons(precision):
    # More neurons than a tile holds, and more int8 rows in a step than 16 bits can sum.
    rng = np.random.default_rng(1)
    liquid = Reservoir(
        w_in=np.abs(rng.normal(0, 0.02, (700, 2100))),
        w_rec=rng.normal(0, 0.05, (2100, 2100)),
        decay=np.full(2100, 0.9),
        v_thresh=np.ones(2100),
    )
    batch = random_batch(rng, 20, 3, 700, p=0.9)
    kept = {"outputs": ALL, "precision": precision}
    native = run_batch(liquid, batch, **kept)
    assert native["count"].any()
    same_bits(native, run_batch(liquid, batch, engine="native-reference", **kept))


# -- against a run of the network ------------------------------------------------------------------


@st.composite
def networks(draw):
    """A network whose sums are exact in float32, and the dense input of some samples."""
    grid = st.integers(-16, 16).map(lambda i: i / 8)
    lines = draw(st.integers(1, 6))
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    populations = [SpikeSource(name="input", size=lines)]
    for i, size in enumerate(sizes):
        neuron = LIF_hard_reset(
            decay=draw(st.sampled_from([0.0, 0.5, 1.0])),
            v_thresh=draw(st.integers(1, 12)) / 8,
        )
        populations.append(Population(name=f"p{i}", size=size, neuron=neuron))
    projections = []
    for _ in range(draw(st.integers(1, 5))):
        pre, post = draw(st.sampled_from(populations)), draw(st.sampled_from(populations[1:]))
        cut = draw(st.integers(0, post.size - 1))
        kind = draw(st.sampled_from(["signed", "excitatory", "inhibitory"]))
        weight = draw(grid if kind == "signed" else grid.map(abs))
        seed = draw(st.integers(0, 99))
        connector = draw(
            st.sampled_from(
                [AllToAllConnector(), FixedProbabilityConnector(p_connect=0.5, seed=seed)]
            )
        )
        projections.append(
            Projection(
                pre=pre.name,
                post=f"{post.name}[{cut}:]",
                connector=connector,
                synapse=StaticSynapse(weight=weight),
                receptor_type=kind,
            )
        )
    recordings = [Recording(target=p.name) for p in populations[1:]]
    network = Network(
        name="liquid", populations=populations, projections=projections, recordings=recordings
    )
    steps = draw(st.integers(1, 12))
    bits = draw(st.lists(st.booleans(), min_size=steps * lines, max_size=steps * lines))
    return network, np.array(bits).reshape(steps, lines)


@given(networks())
def test_a_batch_is_a_run_of_the_network_one_tick_later(case):
    network, spikes = case
    steps, lines = spikes.shape
    liquid = Reservoir.of(network)
    got = run_batch(liquid, SpikeBatch.of_dense(spikes[None]), bins=steps)["count"][0]
    ticks, neurons = np.nonzero(spikes)
    result = backends.run(
        network, steps + 1, {"input": SpikeTrains(ticks, neurons, lines)}, "native-reference"
    )
    expected, start = np.zeros((steps + 1, liquid.neurons)), 0
    for population in network.populations[1:]:
        trains = result.spikes[population.name]
        np.add.at(expected, (np.rint(trains.times_ms).astype(int), start + trains.neurons), 1)
        start += population.size
    assert np.array_equal(got, expected[1:])


def test_lif_step_by_hand():
    # u = 0.6, then 0.9 * 0.6 + 0.6 = 1.14 > 1: a spike; then the input alone.
    liquid = Reservoir(w_in=[[0.6]], w_rec=None, decay=[0.9], v_thresh=[1.0])
    batch = SpikeBatch.of_dense(np.ones((1, 3, 1)))
    kept = run_batch(liquid, batch, bins=3, outputs=ALL, trace_decay=0.5)
    np.testing.assert_allclose(kept["membrane"].ravel(), [0.6, 1.14, 0.6], rtol=1e-6)
    assert kept["count"].ravel().tolist() == [0, 1, 0]
    assert kept["trace"].ravel().tolist() == [0, 1, 0.5]
    assert kept["latency"].ravel().tolist() == [1, 0, 1]
    whole = run_batch(liquid, batch, outputs=ALL, trace_decay=0.5)
    assert whole["latency"].item() == 1
    np.testing.assert_allclose(whole["membrane"].item(), (0.6 + 1.14 + 0.6) / 3, rtol=1e-6)


def test_threshold_is_strict():
    liquid = Reservoir(w_in=[[1.0]], w_rec=None, decay=[0.0], v_thresh=[1.0])
    assert run_batch(liquid, SpikeBatch.of_dense(np.ones((1, 4, 1))))["count"].item() == 0


def test_recurrence_takes_one_step():
    w_rec = np.array([[0, 2.0], [0, 0]])
    liquid = Reservoir(w_in=[[2.0, 0]], w_rec=w_rec, decay=[0, 0], v_thresh=[1.0, 1.0])
    spikes = np.zeros((1, 3, 1))
    spikes[0, 0] = 1
    counts = run_batch(liquid, SpikeBatch.of_dense(spikes), bins=3)["count"][0]
    assert counts.tolist() == [[1, 0], [0, 1], [0, 0]]


@given(steps=st.integers(1, 40), data=st.data())
def test_bins_partition_the_steps(steps, data):
    bins = data.draw(st.integers(1, steps))
    liquid = Reservoir(w_in=[[2.0]], w_rec=None, decay=[0.0], v_thresh=[1.0])
    counts = run_batch(liquid, SpikeBatch.of_dense(np.ones((1, steps, 1))), bins=bins)["count"]
    edges = [k * steps // bins for k in range(bins + 1)]
    assert counts.ravel().tolist() == np.diff(edges).tolist()


# -- what can be asked for -------------------------------------------------------------------------


def test_int8_is_close_where_weights_are_fine():
    rng = np.random.default_rng(2)
    liquid, batch = random_reservoir(rng, 40, 100), random_batch(rng, 10, 20, 40)
    floats, coarse = (
        run_batch(liquid, batch, precision=precision)["count"].ravel().astype(float)
        for precision in ("float32", "int8")
    )
    assert np.corrcoef(floats, coarse)[0, 1] > 0.9
    exact = Reservoir(
        rng.integers(-127, 128, (40, 100)) / 64, None, np.full(100, 0.5), np.ones(100)
    )
    same_bits(run_batch(exact, batch, precision="int8"), run_batch(exact, batch))


def test_torch_agrees_where_sums_are_exact():
    pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    liquid = Reservoir(
        w_in=rng.integers(-16, 17, (20, 30)) / 8,
        w_rec=rng.integers(-16, 17, (30, 30)) / 8,
        decay=np.full(30, 0.5),
        v_thresh=np.ones(30),
    )
    batch = random_batch(rng, 6, 8, 20, most=2)
    kept = {"bins": 4, "outputs": ALL, "trace_decay": 0.5}
    same_bits(
        run_batch(liquid, batch, engine="torch", **kept),
        run_batch(liquid, batch, engine="native-reference", **kept),
    )


class Still:
    """A stepper without noise that counts its steps."""

    def __init__(self, liquid):
        self.liquid, self.steps = liquid, 0

    def step(self):
        self.steps += 1
        return self.liquid.w_in, self.liquid.w_rec


def test_weights_of_step_without_noise_change_nothing():
    rng = np.random.default_rng(4)
    liquid, batch = random_reservoir(rng, 20, 30), random_batch(rng, 7, 9, 20)
    made, numbers = [], []

    def still(own_rng):
        made.append(Still(liquid))
        numbers.append(own_rng.integers(2**40))
        return made[-1]

    kept = {"outputs": ALL, "bins": 2}
    noisy = run_batch(liquid, batch, weights_of_step=still, group=3, rng=5, **kept)
    same_bits(noisy, run_batch(liquid, batch, **kept))
    assert [s.steps for s in made] == [9, 9, 9]
    assert len(set(numbers)) == 3
    again = numbers.copy()
    run_batch(liquid, batch, weights_of_step=still, group=3, rng=5, **kept)
    assert numbers[3:] == again


def test_column_transform_acts_on_the_sums():
    rng = np.random.default_rng(6)
    liquid, batch = random_reservoir(rng, 20, 30), random_batch(rng, 4, 9, 20)
    same = run_batch(liquid, batch, column_transform=lambda current: current)
    same_bits(same, run_batch(liquid, batch))
    none = run_batch(liquid, batch, column_transform=np.zeros_like)["count"]
    assert not none.any() and same["count"].any()


def test_progress_reaches_the_end():
    rng = np.random.default_rng(7)
    liquid, batch = random_reservoir(rng, 5, 9), random_batch(rng, 11, 4, 5)
    for engine in reservoir_package.ENGINES:
        if engine == "torch":
            pytest.importorskip("torch")
        seen = []
        run_batch(liquid, batch, engine=engine, progress=lambda *pair, to=seen: to.append(pair))
        assert seen[-1] == (11, 11)


# -- what is refused -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"engine": "brian2"}, "no engine 'brian2'"),
        ({"precision": "int4"}, "no precision 'int4'"),
        ({"outputs": ("count", "spikes")}, "'spikes'"),
        ({"outputs": ()}, "nothing asked for"),
        ({"bins": 5}, "must be in 1..4"),
        ({"bins": 0}, "must be in 1..4"),
        ({"threads": 0}, "threads = 0"),
        ({"group": 0}, "group = 0"),
        ({"trace_decay": 1.5}, "trace_decay = 1.5"),
        ({"trace_decay": float("nan")}, "trace_decay = nan"),
        ({"precision": "int8", "engine": "torch"}, "use 'float32'"),
    ],
)
def test_bad_requests_are_refused_before_anything_runs(change, text):
    rng = np.random.default_rng(8)
    liquid, batch = random_reservoir(rng, 5, 9), random_batch(rng, 2, 4, 5)

    def never(done, total):
        raise AssertionError("it ran")

    with pytest.raises(ValueError, match=text):
        run_batch(liquid, batch, **{"progress": never, **change})


def test_channels_must_fit():
    rng = np.random.default_rng(9)
    with pytest.raises(ValueError, match="6 channels into a reservoir of 5"):
        run_batch(random_reservoir(rng, 5, 9), random_batch(rng, 2, 4, 6))


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("w_in", [[np.nan, 1.0]], r"w_in\[0, 0\] = nan"),
        ("w_in", [[1e39, 1.0]], "finite in float32"),
        ("w_in", [1.0, 2.0], "channels, N"),
        ("w_rec", np.zeros((2, 3)), r"w_rec of shape \(2, 3\)"),
        ("decay", [0.5, 1.5], "decay = 1.5"),
        ("decay", [0.5], "decay of shape"),
        ("v_thresh", [1.0, 0.0], "v_thresh = 0.0"),
    ],
)
def test_bad_reservoirs_are_refused(field, value, text):
    fields = {"w_in": [[1.0, 1.0]], "w_rec": None, "decay": [0.5, 0.5], "v_thresh": [1.0, 1.0]}
    with pytest.raises(ValueError, match=text):
        Reservoir(**{**fields, field: value})


def test_reservoirs_do_not_change_with_the_arrays_they_were_made_of():
    w_in = np.ones((1, 2), dtype=np.float32)
    liquid = Reservoir(w_in, None, np.zeros(2), np.ones(2))
    w_in[:] = 5
    assert (liquid.w_in == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        liquid.w_in[0, 0] = 2


LIF = LIF_hard_reset()
ONE_INPUT = SpikeSource(name="input", size=2)
STATIC = StaticSynapse(weight=1.0)


@pytest.mark.parametrize(
    ("populations", "synapse", "text"),
    [
        ([Population(name="a", size=2, neuron=LIF)], None, "0 spike sources"),
        (
            [ONE_INPUT, SpikeSource(name="b", size=1), Population(name="a", size=2, neuron=LIF)],
            None,
            "2 spike sources",
        ),
        ([ONE_INPUT, Population(name="a", size=2, neuron=IF_curr_exp())], None, "IF_curr_exp"),
        (
            [ONE_INPUT, Population(name="a", size=2, neuron=LIF)],
            STDPSynapse(A_plus=0.1, A_minus=0.1, w_max=1.0),
            "plastic",
        ),
        (
            [ONE_INPUT, Population(name="a", size=2, neuron=LIF)],
            StaticSynapse(weight=1.0, delay_ms=2.0),
            "delay of 2 ticks",
        ),
    ],
)
def test_networks_that_are_no_reservoir(populations, synapse, text):
    projections = []
    if synapse is not None:
        projections.append(
            Projection(pre="input", post="a", connector=AllToAllConnector(), synapse=synapse)
        )
    network = Network(name="no", populations=populations, projections=projections)
    with pytest.raises(ValueError, match=f"{text}.*neuromem.backends.run can"):
        Reservoir.of(network)


INTERRUPTED = """
    import numpy as np
    from neuromem.backends.reservoir import Reservoir, run_batch
    from neuromem.network import SpikeBatch
    rng = np.random.default_rng(0)
    n = 2000
    liquid = Reservoir(rng.normal(0, 0.5, (n, n)), rng.normal(0, 0.1, (n, n)),
                       np.full(n, 0.9), np.ones(n))
    steps, each = 2000, 40
    channel = np.sort(rng.integers(0, n, (200 * steps, each)), axis=1).ravel()
    long = SpikeBatch(np.arange(200 * steps + 1) * each, channel, steps, n)
    short = SpikeBatch(np.arange(11) * each, channel[: 10 * each], 10, n)
    before = run_batch(liquid, short)["count"]
    print("ready", flush=True)
    try:
        run_batch(liquid, long)
    except KeyboardInterrupt:
        print("interrupted", (run_batch(liquid, short)["count"] == before).all())
"""


def test_an_interruption_stops_it_soon_and_breaks_nothing():
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(INTERRUPTED)], stdout=subprocess.PIPE, text=True
    )
    killer = threading.Timer(120, process.kill)
    killer.start()
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(1)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate()
    killer.cancel()
    assert out == "interrupted True\n"
    assert time.monotonic() - sent < 10

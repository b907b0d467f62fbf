"""The board's own spikes, none missing and none extra; and how sharply they tell conventions apart.

The recordings (Casanueva-Morato et al. 2024, doi 10.1016/j.neunet.2024.106474) are the authors'
and are read from a folder outside the project.
"""

import json

import msgspec
import pytest

from neuromem import backends
from neuromem.memory import (
    Learn,
    Memory,
    RecallByContent,
    RecallByCue,
    load_recording,
    replay,
)
from neuromem.network import Network, SpikeTrains, STDPSynapse
from tests.recordings import of_the_board

BACKENDS = ("native", "native-reference")
POPULATIONS = {
    "CueCue",
    "ContCue",
    "ContCond",
    "ContCondInt",
    "CueCont",
    "ContCont",
    "MergeCue",
    "MergeCont",
    "OUTcue",
    "OUTcont",
}
SPIKES = {"functional": 262, "state_map": 402}


def with_rule(network: Network, **changes) -> Network:
    """Return the network with another convention in its plastic synapses."""
    projections = []
    for projection in network.projections:
        if projection.plastic:
            synapse = msgspec.structs.replace(projection.synapse, **changes)
            projection = msgspec.structs.replace(projection, synapse=synapse)
        projections.append(projection)
    return msgspec.structs.replace(network, projections=tuple(projections))


def spikes_by_part(result, cues: int) -> dict[str, set[tuple[float, int]]]:
    """Return the spikes of a run under the names used in the recordings."""
    parts = {name: trains.pairs() for name, trains in result.spikes.items()}
    output = parts.pop("output")
    parts["OUTcue"] = {(time, line) for time, line in output if line < cues}
    parts["OUTcont"] = {(time, line - cues) for time, line in output if line >= cues}
    return parts


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", SPIKES)
def test_every_recorded_spike_is_reproduced_and_no_other(name, backend):
    comparisons, result = replay(load_recording(of_the_board(name)), backend)
    assert {c.population for c in comparisons} == POPULATIONS
    differing = {c.population: (c.missing, c.extra) for c in comparisons if c.missing or c.extra}
    assert differing == {}
    assert sum(len(c.recorded) for c in comparisons) == SPIKES[name]
    assert sum(len(c.reproduced) for c in comparisons) == SPIKES[name]
    assert result.provenance.backend == backend


@pytest.mark.parametrize("name", SPIKES)
def test_the_count_of_every_population_is_the_recorded_one(name):
    path = of_the_board(name)
    counts = json.loads(path.read_text())["recorded_spike_counts"]
    comparisons, _ = replay(load_recording(path))
    found = {c.population: len(c.reproduced) for c in comparisons}
    assert {name: counts[name] for name in found} == found


# "Post not delayed" is left out: with the delay on the pre side the definition rightly refuses a
# depression at dt = 0, so that this one convention cannot be changed alone.
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("change", "functional", "state_map"),
    [
        ({}, (0, 0), (0, 0)),
        ({"dt_zero": "ignore"}, (0, 22), (0, 0)),
        ({"dt_zero": "potentiate"}, (0, 22), (0, 0)),
        ({"pairing": "nearest"}, (0, 0), (3, 0)),
        ({"A_plus": 36.0, "A_minus": 36.0}, (19, 6), (9, 18)),
        # An amplitude that these recordings cannot tell from 6 nA, and one that they can.
        ({"A_plus": 4.8, "A_minus": 4.8}, (0, 0), (0, 0)),
        ({"A_plus": 6.5, "A_minus": 6.5}, (0, 0), (0, 0)),
        ({"A_plus": 4.7, "A_minus": 4.7}, (0, 3), (0, 0)),
        ({"post_history": None}, (0, 0), (0, 0)),
    ],
    ids=str,
)
def test_one_changed_convention_costs_a_known_number_of_spikes(
    change, functional, state_map, backend
):
    """Pairs of (missing, extra) spikes."""
    for name, expected in (("functional", functional), ("state_map", state_map)):
        recording = load_recording(of_the_board(name))
        sizes = recording.params
        network = with_rule(Memory(sizes.cue_size, sizes.content_size).network, **change)
        inputs = SpikeTrains.of(recording.inputs.cue + recording.inputs.content)
        result = backends.run(network, sizes.sim_time_ms, {"input": inputs}, backend)
        made = spikes_by_part(result, sizes.cue_size)
        missing = extra = 0
        for population, trains in recording.recorded.items():
            recorded = {(float(time), neuron) for neuron, times in trains for time in times}
            missing += len(recorded - made[population])
            extra += len(made[population] - recorded)
        assert (missing, extra) == expected, name


def test_a_post_spike_without_delay_cannot_depress_at_once():
    """Why one row of the table of conventions is not tested: the definition refuses it."""
    rule = next(p.synapse for p in Memory(2, 2).network.projections if p.plastic)
    assert isinstance(rule, STDPSynapse)
    with pytest.raises(ValueError, match="arrives before the post fires"):
        msgspec.structs.replace(rule, dendritic_delay_fraction=0)


def operation_of(entry: dict):
    if entry["op"] == "learn":
        (cue,) = entry["cue_in"]
        return Learn(cue=cue, content=tuple(entry["content_in"]), at_ms=entry["t_start_ms"])
    if entry["op"] == "recall_by_cue":
        (cue,) = entry["cue_in"]
        return RecallByCue(cue=cue, at_ms=entry["t_start_ms"])
    return RecallByContent(content=tuple(entry["content_in"]), at_ms=entry["t_start_ms"])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(
    ("name", "learns", "recalls"), [("functional", 4, 5), ("state_map", 16, 4)]
)
def test_operations_get_the_answers_that_the_board_gave(name, learns, recalls, backend):
    path = of_the_board(name)
    recording, entries = load_recording(path), json.loads(path.read_text())["operations"]
    memory = Memory(recording.params.cue_size, recording.params.content_size)
    session = memory.run([operation_of(entry) for entry in entries], backend)
    answers = session.answers()
    assert [answer.at_ms for answer in answers] == [entry["t_start_ms"] for entry in entries]
    seen = {"learn": 0, "recall": 0}
    for entry, answer in zip(entries, answers, strict=True):
        if entry["op"] == "learn":
            seen["learn"] += 1
            assert list(answer.cues) == entry["cue_in"]
            assert list(answer.content) == entry["learned_content_echo_t+5"]
            assert list(answer.replaced) == entry["old_content_burst_t+6"]
            continue
        seen["recall"] += 1
        if entry["op"] == "recall_by_cue":
            assert list(answer.content) == entry["recalled_content"] == entry["ideal"]
            assert list(answer.cues) == entry["echoed_cue"]
        else:
            assert list(answer.cues) == entry["recalled_cues"] == entry["ideal"]
            assert list(answer.content) == entry["echoed_content"]
    assert seen == {"learn": learns, "recall": recalls}


@pytest.mark.parametrize("name", SPIKES)
def test_operations_are_the_very_inputs_that_the_board_got(name):
    path = of_the_board(name)
    recording, entries = load_recording(path), json.loads(path.read_text())["operations"]
    memory = Memory(recording.params.cue_size, recording.params.content_size)
    session = memory.run([operation_of(entry) for entry in entries])
    assert session.result().spikes["input"] == SpikeTrains.of(
        recording.inputs.cue + recording.inputs.content
    )

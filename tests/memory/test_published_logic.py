"""The memory of logic gates against spikes recorded on a SpiNNaker board.

The numbers are facts taken from the recordings 2, 3 and 4 in the folder ``data`` of the authors'
repository (GPL-3) dancasmor/A-bio-inspired-implementation-of-a-sparse-learning-spike-based-
hippocampus-memory-model, which belongs to doi 10.1109/TETC.2024.3387026; 5 cues, 10 content
neurons. Times in ms; a-b stands for every ms from a to b.
"""

import pytest

from neuromem.memory import Memory

B = 3
RECORDING_4 = {
    "bits": {0: "1-3 15-17 22 41-43 54", 1: "15-17 41-43 54", 2: "1-3 8-10 22 28 34-36 48"},
    "content in": {
        0: "34-36 41-43",
        1: "34-36 41-43",
        5: "15-17 34-36",
        6: "8-10 15-17 34-36",
        7: "1-3 8-10 15-17 34-36",
        8: "1-3 8-10 41-43",
        9: "1-3 41-43",
    },
    "decoded": {3: "18-20 44-46 57", 4: "11-13 31 37-39 51", 5: "4-6 25"},
    "cue": {2: "19 21 45 47 58", 3: "12 14 32 38 40 52", 4: "5 7 26"},
    "content": {
        0: "38 40 45 47 53 59",
        1: "38 40 45 47 53 59",
        5: "19 21 38 40 46 53",
        6: "12 14 19 21 33 38 40 46 53",
        7: "5 7 12 14 19 21 27 33 38 40 46 53",
        8: "5 7 12 14 27 33 39 45 47 59",
        9: "5 7 27 45 47 59",
    },
    "CA1": {0: "6 8 20 22 27 46 48 59", 1: "20 22 46 48 59", 2: "6 8 13 15 27 33 39 41 53"},
}
RECORDING_3 = {
    "bits": {0: "1-3 8 14-16 21", 2: "1-3 8 14-16 21"},
    "content in": {6: "14-16", 7: "1-3 14-16", 8: "1-3 14-16", 9: "1-3"},
    "cue": {4: "5 7 12 18 20 25"},
    "content": {6: "18 20 26", 7: "5 7 13 18 20 26", 8: "5 7 13 18 20 26", 9: "5 7 13 19"},
}
RECORDING_2 = {
    "bits": {2: "1-3 11"},
    "content in": {0: "1-3", 7: "1-3", 8: "1-3", 9: "1-3"},
    "cue": {3: "5 7 15"},
    "content": {0: "5 7 16", 7: "5 7 16", 8: "5 7 16", 9: "5 7 16"},
    "CA1": {2: "6 8 16"},
}


def trains(rows: dict[int, str]) -> dict[int, list[int]]:
    times: dict[int, list[int]] = {}
    for neuron, text in rows.items():
        times[neuron] = []
        for part in text.split():
            first, _, last = part.partition("-")
            times[neuron].extend(range(int(first), int(last or first) + 1))
    return times


def fired(simulation, population: str) -> dict[int, list[int]]:
    every = enumerate(simulation.spikes(population).per_neuron())
    return {neuron: [int(time) for time in times] for neuron, times in every if times}


@pytest.mark.parametrize("backend", ["native", "native-reference"])
@pytest.mark.parametrize(
    "recording", [RECORDING_2, RECORDING_3, RECORDING_4], ids=["data 2", "data 3", "data 4"]
)
def test_recorded_spike_trains_are_reproduced(drive, recording, backend):
    lines = trains(recording["bits"])
    lines |= {B + k: times for k, times in trains(recording["content in"]).items()}
    simulation = drive(Memory(5, 10, model="hippocampus-logic"), lines, 70, backend)
    for population in ("cue", "content", "CA1"):
        if population in recording:
            assert fired(simulation, population) == trains(recording[population]), population
    if "decoded" in recording:
        decoded = fired(simulation, "AND_OUT")
        idle = decoded.pop(0)
        assert decoded == trains(recording["decoded"])
        assert {62, 63, 64, 65} < set(idle)  # code 0 is what silence decodes to
    # The output repeats CA1 a tick later, and the content after two.
    output = {b: [t + 1 for t in times] for b, times in fired(simulation, "CA1").items()}
    output |= {B + k: [t + 2 for t in ts] for k, ts in trains(recording["content"]).items()}
    assert fired(simulation, "output") == output

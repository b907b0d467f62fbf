"""What a user may get wrong: each is told as an error that names the value and the remedy."""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from neuromem.memory import (
    MODELS,
    Learn,
    Memory,
    RecallByContent,
    RecallByCue,
    load_recording,
    replay,
)

ROOT = Path(__file__).parents[2]
NAN, INF = float("nan"), float("inf")


# -- sizes and names ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, -1, 1.0, 2.5, True, "5", None, NAN, [3]])
@pytest.mark.parametrize("which", ["cues", "content"])
def test_sizes(which, size):
    sizes = {"cues": 5, "content": 10, which: size}
    with pytest.raises(ValueError) as caught:
        Memory(**sizes)
    assert f"{which} = {size!r}: must be a whole number, at least 1" in str(caught.value)


@pytest.mark.parametrize("model", ["ca4", "", None, "CA3"])
def test_unknown_model(model):
    with pytest.raises(ValueError) as caught:
        Memory(5, 10, model=model)
    assert f"no memory model {model!r}" in str(caught.value)
    assert all(name in str(caught.value) for name in MODELS)


def test_unknown_backend():
    with pytest.raises(ValueError, match="no backend 'nest4': there are native, native-reference"):
        Memory(5, 10).start("nest4")
    with pytest.raises(ValueError, match="no backend"):
        Memory(5, 10).run([RecallByCue(cue=0)], "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"post_history": 0}, "post_history = 0"),
        ({"post_history": 1.5}, "post_history = 1.5"),
        ({"weights_every_ms": 0}, "every_ms = 0"),
        ({"weights_every_ms": -1}, "every_ms = -1"),
        ({"weights_every_ms": 0.5}, "every_ms = 0.5 ms: must be a whole number"),
        ({"weights_every_ms": NAN}, "every_ms = nan"),
        ({"initial": {5: [0]}}, r"initial contents: .*cue 5: must be .* in 0\.\.4"),
        ({"initial": {-1: [0]}}, "initial contents: .*cue -1"),
        ({"initial": {0: []}}, "initial contents: .*content bit missing"),
        ({"initial": {0: [1, 1]}}, "initial contents: .*content bit 1 is given twice"),
        ({"initial": {0: [10]}}, "initial contents: .*content bit 10"),
        ({"initial": {"0": [1]}}, "initial contents: .*cue '0'"),
    ],
    ids=str,
)
def test_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        Memory(5, 10, **settings)


# -- operations -----------------------------------------------------------------------------------

BAD_CUES = [5, -1, True, "0", ()]
BAD_BITS = [[], [10], [-1], [1, 1], [0.5], [True], "12", ["a"]]


@pytest.mark.parametrize("cue", BAD_CUES)
def test_a_cue_out_of_range(cue):
    session = Memory(5, 10).start()
    for ask in (lambda: session.learn(cue, [1]), lambda: session.recall_by_cue(cue)):
        with pytest.raises(ValueError, match=r"cue .*0\.\.4"):
            ask()
    with pytest.raises(ValueError, match=r"operation 1: recall by cue: cue .*0\.\.4"):
        Memory(5, 10).run([RecallByCue(cue=0), RecallByCue(cue=cue)])
    assert (session.operations, session.time_ms) == ([], 0)


@pytest.mark.parametrize("bits", BAD_BITS, ids=str)
def test_a_bit_out_of_range(bits):
    session = Memory(5, 10).start()
    for ask in (lambda: session.learn(0, bits), lambda: session.recall_by_content(bits)):
        with pytest.raises(ValueError, match="content bit"):
            ask()
    with pytest.raises(ValueError, match="operation 0: recall by content: content bit"):
        Memory(5, 10).run([RecallByContent(content=tuple(bits))])
    assert (session.operations, session.time_ms) == ([], 0)


def test_a_cue_named_twice():
    with pytest.raises(ValueError, match="cue 2 is given twice: name each once"):
        Memory(5, 10).start().recall_by_cue((2, 1, 2))


@pytest.mark.parametrize("model", ["hippocampus", "hippocampus-logic"])
def test_a_binary_cue_names_one_cue_at_a_time(model):
    with pytest.raises(ValueError, match="names one cue at a time"):
        Memory(5, 10, model=model).start().recall_by_cue((0, 1))


@pytest.mark.parametrize("cue", [1.5, np.int64(7), NAN])
def test_a_cue_that_is_no_whole_number_of_python(cue):
    with pytest.raises(ValueError, match="cue"):
        Memory(5, 10).start().recall_by_cue(cue)


def test_several_cues_in_a_list():
    answer = Memory(5, 10, initial={0: [1], 2: [3]}).start().recall_by_cue([0, 2])
    assert answer.content == (1, 3)


@pytest.mark.parametrize("at_ms", [-1, 0.5, NAN, INF, -INF, -0.5])
@pytest.mark.parametrize("force", [False, True])
def test_times_must_be_whole_finite_and_not_negative(at_ms, force):
    for operation in (
        Learn(cue=0, content=(1,), at_ms=at_ms),
        RecallByCue(cue=0, at_ms=at_ms),
        RecallByContent(content=(1,), at_ms=at_ms),
    ):
        with pytest.raises(ValueError, match=rf"operation 0: .*at_ms = {at_ms}: must be a whole"):
            Memory(5, 10).run([operation], force=force)


def test_overlapping_operations():
    overlapping = [Learn(cue=0, content=(1,), at_ms=0), Learn(cue=1, content=(1,), at_ms=2)]
    with pytest.raises(ValueError, match=r"operation 1 .* 5 ms too early"):
        Memory(5, 10).run(overlapping)
    backwards = [RecallByCue(cue=0, at_ms=50), RecallByCue(cue=0, at_ms=20)]
    with pytest.raises(ValueError, match=r"operation 1 .* 36 ms too early"):
        Memory(5, 10).run(backwards)
    same_time = [RecallByCue(cue=0, at_ms=50), RecallByCue(cue=1, at_ms=50)]
    with pytest.raises(ValueError, match=r"operation 1 .* 6 ms too early"):
        Memory(5, 10).run(same_time)


def test_a_forced_program_may_run_backwards_but_not_into_the_past():
    memory = Memory(5, 10, initial={0: [1], 3: [4]})
    session = memory.run([RecallByCue(cue=0, at_ms=50), RecallByCue(cue=3, at_ms=20)], force=True)
    assert [answer.content for answer in session.answers()] == [(1,), (4,)]
    with pytest.raises(ValueError, match="input spike at 10 ms: the simulation is at 57 ms"):
        session.run([RecallByCue(cue=0, at_ms=10)])


@pytest.mark.parametrize("spacing_ms", [7.5, NAN, INF, "8"])
def test_a_spacing_must_be_a_whole_number(spacing_ms):
    with pytest.raises(ValueError, match="spacing_ms"):
        Memory(5, 10).start(spacing_ms=spacing_ms)


@pytest.mark.parametrize("duration_ms", [-1, 0.5, NAN, INF])
def test_a_pause_must_be_whole_finite_and_not_negative(duration_ms):
    session = Memory(5, 10).start()
    with pytest.raises(ValueError, match=f"duration_ms = {duration_ms} ms"):
        session.wait(duration_ms)
    assert session.time_ms == 0


# -- session files --------------------------------------------------------------------------------


@pytest.fixture
def session():
    session = Memory(5, 10).start()
    session.learn(0, [1, 2])
    return session


@pytest.fixture
def file(session, tmp_path):
    return session.save(tmp_path / "session.h5")


def test_a_missing_session_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.h5"):
        Memory.resume(tmp_path / "nowhere.h5")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_truncated_session_file(file, share):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ValueError, match=r"session\.h5: not a readable HDF5 file, or truncated"):
        Memory.resume(file)


def test_a_file_of_something_else(file):
    file.write_text("cue,content\n0,1\n")
    with pytest.raises(ValueError, match=r"session\.h5: not a readable HDF5 file"):
        Memory.resume(file)


def test_a_foreign_hdf5_file(tmp_path):
    path = tmp_path / "weather.h5"
    with h5py.File(path, "w") as foreign:
        foreign["temperature"] = np.arange(5)
    with pytest.raises(ValueError, match=r"weather\.h5: an HDF5 file, but not one written by"):
        Memory.resume(path)


def test_a_file_of_another_kind(session, tmp_path):
    result = session.result().save(tmp_path / "result.h5")
    with pytest.raises(
        ValueError, match=r"result\.h5: holds a neuromem result, not a memory session"
    ):
        Memory.resume(result)
    simulation = session.simulation.save(tmp_path / "simulation.h5")
    with pytest.raises(ValueError, match="holds a neuromem simulation, not a memory session"):
        Memory.resume(simulation)


def test_a_file_of_a_later_version(file):
    with h5py.File(file, "r+") as stored:
        stored.attrs["version"] = 99
    with pytest.raises(ValueError, match=r"session\.h5: file version 99"):
        Memory.resume(file)


def saved_text(file) -> dict:
    with h5py.File(file, "r") as stored:
        return json.loads(stored["session"].asstr()[()])


def put(file, name: str, value) -> None:
    with h5py.File(file, "r+") as stored:
        del stored[name]
        if value is not None:
            stored[name] = value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        '{"settings": {}, "operations": [], "starts": [], "spacing_ms": 20, "force": false}',
        '{"settings": 3, "operations": [], "starts": [], "spacing_ms": 20, "force": false}',
    ],
)
def test_a_damaged_description(file, text):
    put(file, "session", text)
    with pytest.raises(ValueError, match=r"session\.h5: damaged memory session"):
        Memory.resume(file)


@pytest.mark.parametrize(
    ("name", "value"),
    [("cues", 0), ("model", "ca4"), ("content", "ten"), ("colour", "red"), ("initial", {"9": [0]})],
)
def test_a_description_of_an_impossible_memory(file, name, value):
    saved = saved_text(file)
    saved["settings"][name] = value
    put(file, "session", json.dumps(saved))
    with pytest.raises(ValueError, match=r"session\.h5: damaged memory session"):
        Memory.resume(file)


def test_a_description_with_another_operation(file):
    saved = saved_text(file)
    saved["operations"][0]["do"] = "dream"
    put(file, "session", json.dumps(saved))
    with pytest.raises(ValueError, match=r"session\.h5: damaged memory session: .*dream"):
        Memory.resume(file)


def parts(tree, path="") -> list[str]:
    names = []
    for name, value in tree.items():
        if isinstance(value, dict):
            names += parts(value, f"{path}{name}/")
        else:
            names.append(path + name)
    return names


def test_every_missing_part_of_the_state_is_noticed(session, file, tmp_path):
    names = ["next_ms", "session", *(f"simulation/{n}" for n in parts(session.simulation.tree()))]
    assert len(names) > 20
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.h5"
    for name in names:
        damaged.write_bytes(whole)
        put(damaged, name, None)
        with pytest.raises(ValueError, match=r"damaged\.h5: damaged "):
            Memory.resume(damaged)


def test_every_array_of_another_shape_is_noticed(session, file, tmp_path):
    state = session.simulation.tree()["state"]
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.h5"
    for name, value in state.items():
        if np.ndim(value) == 0:
            continue
        damaged.write_bytes(whole)
        put(damaged, f"simulation/state/{name}", value[:-1])
        with pytest.raises(ValueError):
            Memory.resume(damaged)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("simulation/network", "{}"),
        ("simulation/state/v", np.zeros(3)),
        ("simulation/state/tick", "soon"),
    ],
    ids=str,
)
def test_damage_in_the_state_is_told_with_the_file(file, name, value):
    put(file, name, value)
    with pytest.raises(ValueError, match=r"session\.h5"):
        Memory.resume(file)


def test_a_text_instead_of_the_input_queue_is_noticed(file):
    put(file, "simulation/events", "none")
    with pytest.raises(ValueError):
        Memory.resume(file).recall_by_cue(0)


def test_more_operations_than_starts_are_noticed(file):
    saved = saved_text(file)
    saved["starts"] = []
    put(file, "session", json.dumps(saved))
    with pytest.raises(ValueError):
        Memory.resume(file)


def test_a_state_of_another_network_than_the_settings_is_noticed(file):
    saved = saved_text(file)
    saved["settings"]["cues"] = 7
    put(file, "session", json.dumps(saved))
    with pytest.raises(ValueError):
        Memory.resume(file)


def test_resuming_on_an_unknown_backend(file):
    with pytest.raises(ValueError, match="no backend 'nest4'"):
        Memory.resume(file, "nest4")


# -- places that cannot be written ----------------------------------------------------------------


def test_saving_into_a_folder_that_is_not_there(session, tmp_path):
    with pytest.raises(OSError, match="No such file or directory"):
        session.save(tmp_path / "nowhere" / "session.h5")
    assert list(tmp_path.iterdir()) == []


def test_saving_onto_a_folder_leaves_nothing_behind(session, tmp_path):
    (tmp_path / "session.h5").mkdir()
    with pytest.raises(OSError, match=r"session\.h5"):
        session.save(tmp_path / "session.h5")
    assert [path.name for path in tmp_path.iterdir()] == ["session.h5"]
    assert list((tmp_path / "session.h5").iterdir()) == []


def test_saving_below_a_file(session, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OSError):
        session.save(tmp_path / "file" / "session.h5")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_session_that_could_not_be_saved_goes_on(session, tmp_path):
    with pytest.raises(OSError):
        session.save(tmp_path / "nowhere" / "session.h5")
    assert session.recall_by_cue(0).content == (1, 2)


FULL_DISK = """
import resource, sys
from pathlib import Path
from neuromem.memory import Memory
file = Path(sys.argv[1])
session = Memory(5, 10).start("native-reference")
session.save(file)
before = file.read_bytes()
session.learn(0, [1])
resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, resource.RLIM_INFINITY))
try:
    session.save(file)
except OSError:
    pass
else:
    sys.exit("saved what does not fit")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert file.read_bytes() == before
assert list(file.parent.iterdir()) == [file]
assert session.recall_by_cue(0).content == (1,)
session.save(file)
assert Memory.resume(file).operations == session.operations
"""


def test_a_full_disk_keeps_the_old_file(tmp_path):
    pytest.importorskip("resource", reason="a limit on file sizes needs Unix")
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "session.h5")]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


# -- recordings -----------------------------------------------------------------------------------


def recording(**changes) -> dict:
    """Return a made-up recording of a 2 x 2 memory in which the board saw what we do."""
    whole = {
        "params": {"cue_size": 2, "content_size": 2, "sim_time_ms": 30},
        "inputs": {"cue": [[0, 1, 2, 20], []], "content": [[], [0, 1, 2]]},
        "recorded": {"CueCue": [[0, [1, 3, 21]]], "OUTcont": [[1, [5, 7, 26]]]},
    }
    for name, value in changes.items():
        part, _, key = name.partition("__")
        if key:
            whole[part][key] = value
        else:
            whole[part] = value
    return whole


@pytest.fixture
def written(tmp_path):
    def write(data) -> Path:
        path = tmp_path / "recording.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data))
        return path

    return write


def test_a_small_recording_is_compared(written):
    comparisons, result = replay(load_recording(written(recording())))
    assert [(c.population, len(c.recorded)) for c in comparisons] == [("CueCue", 3), ("OUTcont", 3)]
    assert all(c.recorded == c.reproduced and not c.missing | c.extra for c in comparisons)
    assert result.stop_ms == 30
    wrong = recording(recorded__CueCue=[[0, [1, 21]], [1, [9]]])
    comparison = replay(load_recording(written(wrong)))[0][0]
    assert (comparison.missing, comparison.extra) == ({(9, 1)}, {(3, 0)})


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.99])
def test_a_truncated_recording(written, share):
    text = json.dumps(recording())
    with pytest.raises(ValueError, match=r"recording\.json: not a recording"):
        load_recording(written(text[: int(len(text) * share)]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"inputs__cue": [[0]]}, "1 cue inputs, but cue_size is 2"),
        ({"inputs__cue": [[0], [], []]}, "3 cue inputs, but cue_size is 2"),
        ({"inputs__content": []}, "0 content inputs, but content_size is 2"),
        ({"params__cue_size": 3}, "2 cue inputs, but cue_size is 3"),
        ({"params__time_step_ms": 0.5}, "time step 0.5 ms"),
        ({"params__cue_size": "two"}, "not a recording"),
        ({"params__sim_time_ms": None}, "not a recording"),
        ({"params": {}}, "not a recording"),
        ({"inputs": {"cue": []}}, "not a recording"),
        ({"recorded": [1, 2]}, "not a recording"),
        ({"recorded__CueCue": [[0, 1, 3]]}, "not a recording"),
        ({"inputs__cue": [["now"], []]}, "not a recording"),
    ],
    ids=str,
)
def test_a_recording_that_contradicts_itself(written, changes, message):
    with pytest.raises(ValueError, match=rf"recording\.json: {message}"):
        load_recording(written(recording(**changes)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recorded": {"CueCup": []}}, "recorded population 'CueCup' is unknown: there are"),
        ({"inputs__cue": [[-1], []]}, "spike time -1"),
        ({"inputs__cue": [[0.5], []]}, "input spike at 0.5 ms"),
        ({"params__sim_time_ms": -5}, "duration_ms = -5"),
        ({"params__sim_time_ms": 1.5}, "duration_ms = 1.5"),
    ],
    ids=str,
)
def test_a_recording_that_cannot_be_run(written, changes, message):
    with pytest.raises(ValueError, match=message):
        replay(load_recording(written(recording(**changes))))


def test_a_missing_recording(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_recording(tmp_path / "nowhere.json")

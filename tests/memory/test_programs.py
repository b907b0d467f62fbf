"""Programs of operations in TOML files."""

import numpy as np
import pytest

from neuromem.memory import (
    Learn,
    Memory,
    Program,
    RecallByContent,
    RecallByCue,
    load_program,
)

FULL = """
spacing_ms = 9
force = true

[memory]
cues = 5
content = 10
model = "content-addressable"
post_history = 20
weights_every_ms = 10
initial = { 3 = [7, 9] }

[[operations]]
do = "learn"
cue = 0
content = [0, 1, 8, 9]

[[operations]]
do = "recall-by-cue"
cue = 3
at_ms = 30

[[operations]]
do = "recall-by-cue"
cue = [0, 3]

[[operations]]
do = "recall-by-content"
content = [8]
"""
SMALL = """
[memory]
cues = 4
content = 6
"""
RANDOM = SMALL + '[[operations]]\ndo = "random"\ncount = 30\nbits = 2\n'


@pytest.fixture
def written(tmp_path):
    def write(text: str) -> Program:
        path = tmp_path / "program.toml"
        path.write_text(text, encoding="utf-8")
        return load_program(path)

    return write


def test_a_program_is_read_whole_and_does_what_it_says(written):
    program = written(FULL)
    operations = program.expanded(np.random.default_rng(0))
    assert operations == [
        Learn(cue=0, content=(0, 1, 8, 9)),
        RecallByCue(cue=3, at_ms=30),
        RecallByCue(cue=(0, 3)),
        RecallByContent(content=(8,)),
    ]
    assert (program.spacing_ms, program.force) == (9, True)
    memory = program.build()
    assert (memory.cues, memory.content, memory.post_history) == (5, 10, 20)
    assert (memory.initial, memory.weights_every_ms) == ({3: (7, 9)}, 10)
    session = memory.run(operations, spacing_ms=program.spacing_ms, force=program.force)
    assert session.starts == [0, 30, 39, 48]
    answers = session.answers()
    assert answers[1].content == (7, 9)
    assert answers[2].content == (0, 1, 7, 8, 9)
    assert 0 in answers[3].cues


def test_defaults(written):
    program = written(SMALL + "[[operations]]\ndo = 'recall-by-cue'\ncue = 1\n")
    assert (program.spacing_ms, program.force) == (None, False)
    memory = program.build()
    assert memory.network == Memory(4, 6).network
    assert memory.model.name == "content-addressable"


def test_a_built_memory_equals_one_made_by_hand(written):
    memory = Memory(5, 10, post_history=20, weights_every_ms=10, initial={3: [7, 9]})
    assert written(FULL).build().network == memory.network


@pytest.mark.parametrize("model", ["content-addressable", "ca3", "hippocampus"])
def test_random_blocks_are_the_same_for_the_same_seed(written, model):
    program = written(RANDOM.replace("[memory]", f'[memory]\nmodel = "{model}"'))
    first, again, other = (program.expanded(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first) == 30
    kinds = {type(operation) for operation in first}
    assert Learn in kinds
    assert RecallByCue in kinds
    assert (RecallByContent in kinds) == (model == "content-addressable")
    learned: dict[int, tuple[int, ...]] = {}
    for operation in first:
        if isinstance(operation, Learn):
            assert len(operation.content) == 2
            assert 0 <= operation.cue < 4
            learned[operation.cue] = operation.content
        elif isinstance(operation, RecallByCue):
            assert operation.cue in learned
        else:
            assert any(set(operation.content) <= set(bits) for bits in learned.values())
    assert len(program.build().run(first).answers()) == 30


def test_random_blocks_know_what_was_learned_before_them(written):
    learn = '[[operations]]\ndo = "learn"\ncue = 2\ncontent = [5]\n'
    program = written(SMALL + learn + '[[operations]]\ndo = "random"\ncount = 1\nbits = 1\n')
    drawn = [program.expanded(np.random.default_rng(seed))[1] for seed in range(40)]
    recalls = [operation for operation in drawn if not isinstance(operation, Learn)]
    assert set(recalls) == {RecallByCue(cue=2), RecallByContent(content=(5,))}


def test_a_random_block_cannot_ask_for_more_bits_than_there_are(written):
    program = written(RANDOM.replace("bits = 2", "bits = 7"))
    with pytest.raises(ValueError, match="bits = 7: must not exceed content = 6"):
        program.expanded(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "memory"),
        ("operations = []", "memory"),
        (SMALL, "operations"),
        ("[memory]\ncues = 4\n[[operations]]\n", "content"),
        (RANDOM + "seed = 3\n", "seed"),
        ("colour = 1\n" + RANDOM, "colour"),
        (RANDOM.replace("cues = 4", "cues = 4\nsize = 9"), "size"),
        (RANDOM.replace("cues = 4", 'cues = "four"'), "cues"),
        (RANDOM.replace("cues = 4", "cues = 4.5"), "cues"),
        (RANDOM.replace("count = 30", "count = 0"), "count"),
        (RANDOM.replace("count = 30", "count = -1"), "count"),
        (RANDOM.replace("bits = 2\n", ""), "bits"),
        (RANDOM.replace('"random"', '"remember"'), "remember"),
        (RANDOM.replace('do = "random"\n', ""), "do"),
        ("spacing_ms = 0\n" + RANDOM, "spacing_ms"),
        ("spacing_ms = 7.5\n" + RANDOM, "spacing_ms"),
        ('force = "yes"\n' + RANDOM, "force"),
        (SMALL + '[[operations]]\ndo = "learn"\ncue = 0\n', "content"),
        (SMALL + '[[operations]]\ndo = "learn"\ncontent = [0]\n', "cue"),
        (SMALL + '[[operations]]\ndo = "learn"\ncue = [0, 1]\ncontent = [0]\n', "cue"),
        (SMALL + '[[operations]]\ndo = "learn"\ncue = 0\ncontent = 3\n', "content"),
        (SMALL + '[[operations]]\ndo = "learn"\ncue = 0\ncontent = [0.5]\n', "content"),
        (SMALL + '[[operations]]\ndo = "recall-by-cue"\ncue = "a"\n', "cue"),
        (SMALL + '[[operations]]\ndo = "recall-by-content"\ncontent = ["a"]\n', "content"),
        (SMALL + '[[operations]]\ndo = "recall-by-cue"\ncue = 0\nwhen = 3\n', "when"),
        (SMALL + '[[operations]]\ndo = "recall-by-cue"\ncue = 0\nat_ms = "now"\n', "at_ms"),
        (RANDOM.replace("cues = 4", "cues = 4\ninitial = { 0 = 3 }"), "initial"),
    ],
)
def test_mistakes_are_told_with_file_and_key(written, text, named):
    with pytest.raises(ValueError) as caught:
        written(text)
    assert "program.toml" in str(caught.value)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"[memory", b"a = = 1", b"\xff\xfe\x00", b'{"memory": {}}', b"\x00"]
)
def test_what_is_no_toml_is_told_with_the_file(tmp_path, data):
    path = tmp_path / "program.toml"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"program\.toml"):
        load_program(path)


def test_a_missing_file_or_a_folder_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.toml"):
        load_program(tmp_path / "nowhere.toml")
    with pytest.raises(OSError, match=tmp_path.name):
        load_program(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("cues = 4", "cues = 0", "cues = 0: must be a whole number, at least 1"),
        ("content = 6", "content = -2", "content = -2: must be"),
        ("cues = 4", 'cues = 4\nmodel = "ca4"', "no memory model 'ca4'"),
        ("cues = 4", "cues = 4\npost_history = 0", "post_history = 0"),
        ("cues = 4", "cues = 4\ninitial = { 4 = [0] }", "cue 4: must be a whole number in 0..3"),
        ("cues = 4", "cues = 4\ninitial = { 0 = [6] }", "bit 6: must be a whole number in 0..5"),
    ],
)
def test_values_out_of_range_are_found_when_the_memory_is_built(written, old, new, message):
    program = written(RANDOM.replace(old, new))
    with pytest.raises(ValueError, match=message):
        program.build()


@pytest.mark.parametrize(
    ("at_ms", "message"),
    [
        ("nan", "at_ms = nan"),
        ("inf", "at_ms = inf"),
        ("-1", "at_ms = -1"),
        ("2.5", "at_ms = 2.5"),
    ],
)
def test_times_must_be_whole_and_not_negative(written, at_ms, message):
    program = written(SMALL + f'[[operations]]\ndo = "recall-by-cue"\ncue = 0\nat_ms = {at_ms}\n')
    operations = program.expanded(np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"operation 0: recall by cue: {message}"):
        program.build().run(operations)


def test_an_unknown_model_is_told_by_a_random_block_too(written):
    program = written(RANDOM.replace("cues = 4", "cues = 4\nmodel = 'ca4'"))
    with pytest.raises(ValueError, match="no memory model 'ca4'"):
        program.expanded(np.random.default_rng(0))


def test_initial_contents_under_a_name_are_told_by_their_key(written):
    program = written(RANDOM.replace("cues = 4", "cues = 4\ninitial = { first = [0] }"))
    with pytest.raises(ValueError, match="initial"):
        program.build()

"""The parts of the emulated board: programs, memory, routers, and cores that go wrong."""

from __future__ import annotations

import importlib.util
import sqlite3
import struct
from importlib import metadata
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuromem import backends
from neuromem.backends.emulated import EmulationError, sark
from neuromem.backends.emulated.aplx import read_program
from neuromem.backends.emulated.capabilities import capabilities
from neuromem.backends.emulated.chip import Chip
from neuromem.backends.emulated.machine import Machine
from neuromem.backends.emulated.memory import SDRAM_BASE, SDRAM_BYTES
from neuromem.backends.emulated.router import Router
from neuromem.backends.emulated.snapshot import Entry, PlacedChip, PlacedCore, Snapshot, load
from neuromem.network import IF_curr_exp, Network, Population

NAME = "spinnaker-emulated"
WHERE = (0, 0, 3)
needs_unicorn = pytest.mark.skipif(
    importlib.util.find_spec("unicorn") is None, reason="the emulator needs unicorn"
)
needs_programs = pytest.mark.skipif(
    importlib.util.find_spec("spynnaker") is None, reason="the board's programs need sPyNNaker"
)
#: ARM instructions: branch to itself; read the word that r1 points to; sleep, for ever.
LOOP, READ_R1 = 0xEAFFFFFE, 0xE5910000
SLEEP = (0xEE070F90, 0xEAFFFFFD)


def program(path: Path, *instructions: int) -> Path:
    """Write a program of a few instructions at address 0."""
    code = struct.pack(f"<{len(instructions)}I", *instructions)
    commands = [(2, 0, 32, len(code)), (4, 0, 0, 0)]
    path.write_bytes(b"".join(struct.pack("<4I", *c) for c in commands) + b"\0" * 0 + code)
    return path


def specification(path: Path, *regions: tuple[int, str, int, bytes | None]) -> Path:
    """Write a data specification with the regions of one core."""
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.execute(
            "CREATE TABLE region(x, y, p, region_num, region_label, size, content, reference_num)"
        )
        database.execute("CREATE TABLE reference(x, y, p, region_num, reference_num)")
        for region in regions:
            database.execute("INSERT INTO region VALUES (?,?,?,?,?,?,?,NULL)", (*WHERE, *region))
    return path


def one_core(folder: Path, program: Path, data: Path) -> Snapshot:
    """Return a machine of one chip and one core."""
    x, y, p = WHERE
    core = PlacedCore(
        x=x, y=y, p=p, program=str(program), holds="cells", first=0, neurons=4, recorded={},
        send_buffers={},
    )  # fmt: skip
    chip = PlacedChip(x=x, y=y, sdram=100_000_000, links={}, table=[], compressed=[])
    return Snapshot(database=str(data), cores=[core], chips=[chip], plastic=[])


def binary(name: str) -> Path:
    """Return the path of one of sPyNNaker's programs."""
    spec = importlib.util.find_spec("spynnaker")
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / "pyNN" / "model_binaries" / name


# --- programs ------------------------------------------------------------------------------------


def test_a_program_is_copied_filled_and_started(tmp_path):
    commands = [(2, 0x400000, 48, 4), (3, 0x400100, 8, 0xDEAD), (4, 0x20, 0, 0)]
    path = tmp_path / "small.aplx"
    path.write_bytes(b"".join(struct.pack("<4I", *c) for c in commands) + b"data")
    found = read_program(path)
    memory = {}
    found.load(memory.__setitem__)
    assert (found.name, found.entry) == ("small", 0x20)
    assert memory == {0x400000: b"data", 0x400100: struct.pack("<2I", 0xDEAD, 0xDEAD)}


@pytest.mark.parametrize(
    "content", [b"", b"no program at all, but text", struct.pack("<4I", 9, 0, 0, 0)]
)
def test_what_is_no_program_is_refused(tmp_path, content):
    path = tmp_path / "bad.aplx"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.aplx: no APLX program"):
        read_program(path)


def test_a_copy_past_the_end_of_the_file_is_refused(tmp_path):
    path = tmp_path / "short.aplx"
    path.write_bytes(struct.pack("<8I", 2, 0, 32, 4, 4, 0, 0, 0))
    with pytest.raises(ValueError, match="no APLX program"):
        read_program(path)


def test_a_missing_program_says_what_to_install(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no program IF_none\.aplx .* install sPyNNaker"):
        read_program(tmp_path / "IF_none.aplx")


# --- memory --------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=20))
def test_blocks_of_shared_memory_never_overlap(sizes):
    system = Chip(0, 0, 10_000_000).system
    blocks = sorted((system.allocate(size), size) for size in sizes)
    ends = [start + size for start, size in blocks]
    assert all(end <= start for end, (start, _) in zip(ends, blocks[1:], strict=False))
    assert blocks[0][0] > SDRAM_BASE
    assert ends[-1] <= SDRAM_BASE + SDRAM_BYTES


def test_a_full_chip_says_so():
    system = Chip(2, 5, 10_000).system
    system.allocate(9_000)
    with pytest.raises(MemoryError, match=r"chip 2,5 has no 2000 bytes of shared memory left"):
        system.allocate(2_000)


def test_all_of_the_heap_can_be_taken():
    system = Chip(0, 0, 10_000).system
    system.allocate(10_000)
    with pytest.raises(MemoryError):
        system.allocate(4)


# --- routers -------------------------------------------------------------------------------------

LINKS = {
    (x, y): {
        link: (x + dx, y + dy)
        for link, (dx, dy) in enumerate([(1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1)])
        if 0 <= x + dx < 4 and 0 <= y + dy < 4
    }
    for x in range(4)
    for y in range(4)
}


def to_core(p: int) -> int:
    return 1 << 6 + p


def test_the_first_matching_entry_decides():
    table = [Entry(0x10, 0xF0, to_core(3) | to_core(5)), Entry(0x00, 0x00, to_core(7))]
    router = Router({(0, 0): table}, LINKS)
    assert router.route((0, 0), (0x1F, None)) == ((0, 0, 3), (0, 0, 5))
    assert router.route((0, 0), (0x2F, None)) == ((0, 0, 7),)
    assert (router.sent, router.delivered, router.hops) == (2, 3, 0)


@pytest.mark.parametrize("link", range(6))
def test_without_an_entry_a_packet_goes_straight_on(link):
    start = {0: (0, 1), 1: (0, 0), 2: (1, 0), 3: (3, 1), 4: (3, 3), 5: (1, 3)}[link]
    end = start
    for _ in range(3):
        end = LINKS[end][link]
    router = Router({start: [Entry(8, 0xF, 1 << link)], end: [Entry(8, 0xF, to_core(4))]}, LINKS)
    assert router.route(start, (8, None)) == ((*end, 4),)
    assert (router.hops, router.defaulted) == (3, 2)


def test_what_is_dropped_is_counted_with_its_reason():
    router = Router({(0, 0): [Entry(1, 0xF, 1 << 0)], (0, 1): [Entry(3, 0xF, 1 << 3)]}, LINKS)
    assert router.route((0, 0), (2, None)) == ()
    assert router.route((0, 0), (1, None)) == ()
    assert router.route((0, 1), (3, None)) == ()
    assert router.route((0, 1), (3, None)) == ()
    assert dict(router.dropped) == {
        "key 0x2 has no entry on its own chip (0, 0)": 1,
        "key 0x1 leaves chip (3, 0) by a dead link": 1,
        "key 0x3 leaves chip (0, 1) by a dead link": 2,
    }


def test_a_packet_that_runs_in_a_circle_ends():
    tables = {(0, 0): [Entry(0, 0, 1 << 0)], (1, 0): [Entry(0, 0, 1 << 3)]}
    router = Router(tables, LINKS)
    assert router.route((0, 0), (5, None)) == ()
    assert any("runs in a circle" in reason for reason in router.dropped)


# --- cores that go wrong -------------------------------------------------------------------------


@needs_unicorn
def test_a_core_without_memory_under_its_pointer_leaves_a_report(tmp_path):
    wild = program(tmp_path / "wild.aplx", 0xE3A01205, READ_R1)  # r1 = 0x50000000
    data = specification(tmp_path / "ds.sqlite3", (0, "System", 12, bytes(12)))
    machine = Machine(one_core(tmp_path, wild, data), tmp_path)
    with pytest.raises(EmulationError, match=r"core 0,0,3 of 'cells' \(wild\) stopped in tick 0"):
        machine.boot()
    report = (tmp_path / "crash.txt").read_text()
    assert "READ_UNMAPPED" in report
    assert "  r1 50000000" in report
    assert "holds    cells [0:4]" in report


@needs_unicorn
def test_a_core_that_never_sleeps_is_stopped(tmp_path):
    endless = program(tmp_path / "endless.aplx", LOOP)
    data = specification(tmp_path / "ds.sqlite3", (0, "System", 12, bytes(12)))
    machine = Machine(one_core(tmp_path, endless, data), tmp_path, patience_s=0.2)
    with pytest.raises(
        EmulationError, match=r"\(endless\) stopped .* does not go to sleep; report"
    ):
        machine.boot()


@needs_unicorn
def test_a_core_in_the_wrong_state_is_named(tmp_path):
    asleep = program(tmp_path / "asleep.aplx", *SLEEP)
    data = specification(tmp_path / "ds.sqlite3", (0, "System", 12, bytes(12)))
    machine = Machine(one_core(tmp_path, asleep, data), tmp_path)
    with pytest.raises(EmulationError, match="it is dead, and should be paused"):
        machine.boot()


@needs_unicorn
@needs_programs
def test_a_real_program_says_in_its_own_words_what_is_wrong(tmp_path):
    data = specification(tmp_path / "ds.sqlite3", (0, "System", 12, bytes(12)))
    machine = Machine(one_core(tmp_path, binary("IF_curr_exp.aplx"), data), tmp_path)
    with pytest.raises(EmulationError, match=r"\(IF_curr_exp\) stopped in tick 0: run-time error"):
        machine.boot()
    report = (tmp_path / "crash.txt").read_text()
    assert "ITS LOG" in report
    assert "Unexpected magic number 0x00000000" in report  # decoded from the log's numbers


# --- data specifications -------------------------------------------------------------------------


@needs_unicorn
@pytest.mark.parametrize(
    ("regions", "message"),
    [
        ([], r"no regions for core 0,0,3 \('cells'\)"),
        ([(0, "System", 4, bytes(12))], "region 0 of core 0,0,3 has 12 bytes and room for 4"),
    ],
)
def test_a_malformed_data_specification_is_refused(tmp_path, regions, message):
    asleep = program(tmp_path / "asleep.aplx", *SLEEP)
    data = specification(tmp_path / "ds.sqlite3", *regions)
    with pytest.raises(ValueError, match=message):
        Machine(one_core(tmp_path, asleep, data), tmp_path).boot()


def test_a_damaged_data_specification_is_refused(tmp_path):
    data = tmp_path / "ds.sqlite3"
    data.write_bytes(b"this is no database" * 100)
    with pytest.raises(ValueError, match=r"ds\.sqlite3: damaged data specification"):
        Machine(one_core(tmp_path, tmp_path / "none.aplx", data), tmp_path)


def test_a_missing_data_specification_and_snapshot_are_named(tmp_path):
    snapshot = one_core(tmp_path, tmp_path / "none.aplx", tmp_path / "ds.sqlite3")
    with pytest.raises(ValueError, match=r"ds\.sqlite3: no data specification"):
        Machine(snapshot, tmp_path)
    with pytest.raises(ValueError, match=r"snapshot\.json: no snapshot of a mapping"):
        load(tmp_path)
    (tmp_path / "snapshot.json").write_text('{"database": 3}')
    with pytest.raises(ValueError, match="no snapshot of a mapping"):
        load(tmp_path)


@needs_unicorn
def test_synaptic_matrices_left_to_the_board_are_refused(tmp_path):
    asleep = program(tmp_path / "asleep.aplx", *SLEEP)
    builder = struct.pack("<8I", 5, 6, 9, 0xFFFFFFFF, 2, 0, 4, 0)
    data = specification(
        tmp_path / "ds.sqlite3", (12, "ConnectorBuilderRegion", len(builder), builder)
    )
    with pytest.raises(ValueError, match=r"core 0,0,3 \('cells'\) is to make 2 synaptic matrices"):
        Machine(one_core(tmp_path, asleep, data), tmp_path).boot()


def test_a_run_whose_recordings_do_not_fit_is_refused_before_it_starts(tmp_path):
    data = specification(tmp_path / "ds.sqlite3", (0, "System", 12, bytes(12)))
    snapshot = one_core(tmp_path, tmp_path / "none.aplx", data)
    snapshot = msgspec.structs.replace(snapshot, longest_run_ticks=100)
    with pytest.raises(ValueError, match=r"101 ticks: what is recorded fills the memory .* 100"):
        Machine(snapshot, tmp_path).run(101)


@needs_unicorn
def test_a_missing_program_of_a_core_is_named(tmp_path):
    data = specification(tmp_path / "ds.sqlite3", (0, "System", 12, bytes(12)))
    machine = Machine(one_core(tmp_path, tmp_path / "gone.aplx", data), tmp_path)
    with pytest.raises(FileNotFoundError, match=r"gone\.aplx"):
        machine.boot()


# --- what it says of itself ----------------------------------------------------------------------


def test_without_the_emulator_the_extra_is_named(monkeypatch):
    def version(package: str) -> str:
        if package == "unicorn":
            raise metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(metadata, "version", version)
    network = Network(name="n", populations=(Population(name="p", size=1, neuron=IF_curr_exp()),))
    with pytest.raises(ModuleNotFoundError, match=r"neuromem-snn\[emulator\]"):
        backends.start(network, NAME)


@needs_unicorn
@needs_programs
@pytest.mark.parametrize("value", [0, -3, 1.5, "4"])
def test_a_core_holds_a_whole_number_of_neurons(value):
    network = Network(name="n", populations=(Population(name="p", size=1, neuron=IF_curr_exp()),))
    with pytest.raises(
        ValueError, match=r"neurons_per_core = .*: must be a whole number, at least"
    ):
        backends.start(network, NAME, fidelity="native", neurons_per_core=value)


def test_it_never_calls_itself_hardware():
    can = capabilities(NAME)
    assert "emulated" in can.what
    assert "not their timing" in can.what
    assert can.runs
    assert not {"record v", "record isyn_exc", "record isyn_inh"} & can.exact
    assert can.exact < can.native


def test_states_and_errors_of_cores_have_names():
    assert sark.STATES[sark.RUN_TIME_ERROR] == "run-time error"
    assert sark.ERRORS[10] == "out of memory"

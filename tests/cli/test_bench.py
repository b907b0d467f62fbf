"""``neuromem bench``: one command to numbers, the same ones however it is run or interrupted."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from neuromem.cli.app import run
from tests.protocols.small_data import write_folder, write_images

CONTROLS = {
    "random-relu", "random-relu-lda", "random-leaky-relu", "random-leaky-relu-lda",
    "raw-counts", "raw-counts-softmax", "raw-counts-lda",
    "raw-binned", "raw-binned-softmax", "raw-binned-lda",
}  # fmt: skip
LIQUIDS = {"paper", "liquid", "liquid-ridge"}
KEYS = {"name", "neurons", "data", "split", "seed", "accuracy", "chance", "validation_accuracy"}


@pytest.fixture
def bench(capsys):
    """Run the command and return its exit code, output and error."""

    def bench(*arguments):
        code = run(["bench", *map(str, arguments)])
        return code, *capsys.readouterr()

    return bench


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return 100 training and 30 test recordings, simulated, in the official layout."""
    return write_folder(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def first(folder, tmp_path_factory):
    """Run once: (cache, records, arguments without the cache)."""
    place = tmp_path_factory.mktemp("first")
    arguments = ("nmnist", "--data", folder, "--train", 50, "--neurons", 30)
    output = ("--json", place / "records.json", "--plot", place / "figure.png")
    code = run(["bench", *map(str, (*arguments, *output, "--cache", place / "cache"))])
    assert code == 0
    assert (place / "figure.png").read_bytes().startswith(b"\x89PNG")
    return place / "cache", json.loads((place / "records.json").read_text()), arguments


def records_of(path: Path) -> list:
    return json.loads(path.read_text())


def numbers(records: list) -> dict:
    return {(r["name"], r["split"], r["seed"]): r["accuracy"] for r in records}


def test_every_record_says_what_it_is(first):
    _, records, _ = first
    assert {r["name"] for r in records} == LIQUIDS | CONTROLS
    for record in records:
        assert set(record) >= KEYS
        assert (record["split"], record["data"]) == ("test", "simulated N-MNIST")
        assert (record["samples"], record["chance"]) == (30, 0.1)
        assert record["train_samples"] == 60
        assert 0.2 < record["accuracy"] <= 1  # 0.1 is chance; deviation of 30 guesses 0.055
        raw = record["name"].startswith("raw")
        assert (record["neurons"], record["seed"]) == ((None, None) if raw else (30, 0))


def test_what_was_finished_is_not_computed_again(first, bench, tmp_path):
    cache, records, arguments = first
    before = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    again = tmp_path / "again.json"
    code, output, error = bench(*arguments, "--cache", cache, "--json", again)
    assert (code, error) == (0, "")
    assert records_of(again) == records
    assert before == {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    for name in LIQUIDS | CONTROLS:
        assert any(line.startswith(f"{name} ") for line in output.splitlines())
    assert "test: liquid beats" in output
    assert "train: 50 samples of simulated N-MNIST" in output


def test_the_numbers_are_the_same_without_cache_on_one_thread(first, tmp_path):
    _, records, arguments = first
    out = tmp_path / "one.json"
    code = (
        "import os, sys\n"
        "if hasattr(os, 'sched_setaffinity'):\n"
        "    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])\n"
        "from neuromem.cli.app import run\n"
        "sys.exit(run(sys.argv[1:]))"
    )
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
    command = [sys.executable, "-c", code, "bench", *map(str, arguments), "--no-cache", "--json"]
    done = subprocess.run([*command, out], env={**os.environ, **one}, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert numbers(records_of(out)) == numbers(records)


@pytest.mark.parametrize("damage", ["cut", "garbled", "exchanged", "emptied"])
def test_a_damaged_cache_is_computed_again(damage, first, bench, tmp_path):
    cache, records, arguments = first
    # A record is only read where there is one: leave its features alone, then damage them too.
    for suffix in (".json", ".h5") if damage == "cut" else (".json",):
        files = sorted(path for path in cache.iterdir() if path.suffix == suffix)
        contents = [path.read_bytes() for path in files]
        for number, path in enumerate(files):
            data = contents[number]
            middle = len(data) // 2
            path.write_bytes({
                "cut": data[:middle],
                "garbled": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
                "exchanged": contents[number - 1],
                "emptied": b"",
            }[damage])  # fmt: skip
            if number == 2:
                break  # three are enough
    again = tmp_path / "again.json"
    assert bench(*arguments, "--cache", cache, "--json", again)[0] == 0
    assert records_of(again) == records


def test_other_settings_do_not_meet_in_a_cache(first, bench, tmp_path):
    cache, _, arguments = first
    found = {}
    for weights in ("gaussian", "pairs", "half-formed"):
        out = tmp_path / f"{weights}.json"
        options = ("--config", "best", "--weights", weights, "--cache", cache, "--json", out)
        assert bench(*arguments, *options)[0] == 0
        found[weights] = [(r["accuracy"], r["validation_accuracy"]) for r in records_of(out)
                          if not r["name"].startswith("raw")]  # fmt: skip
    assert found["gaussian"] != found["pairs"] != found["half-formed"]


def test_seeds_and_designs_are_chosen(first, bench, tmp_path):
    cache, records, arguments = first
    out = tmp_path / "paper.json"
    options = ("--config", "paper", "--seeds", 2, "--cache", cache, "--json", out)
    code, output, _ = bench(*arguments, *options)
    assert code == 0
    found = records_of(out)
    assert [r["seed"] for r in found if r["name"] == "paper"] == [0, 1]
    assert not any(r["name"].startswith("liquid") for r in found)
    assert "test: paper beats" in output
    assert " ± " in output
    same = ("paper", "test", 0)
    assert numbers(found)[same] == numbers(records)[same]


def test_the_reference_backend_gives_the_same_numbers(first, bench, tmp_path):
    cache, records, arguments = first
    out = tmp_path / "reference.json"
    options = ("--backend", "native-reference", "--cache", cache, "--json", out)
    assert bench(*arguments, *options)[0] == 0
    assert numbers(records_of(out)) == numbers(records)


def test_real_recordings_are_called_real(bench, tmp_path):
    real = write_folder(tmp_path / "real", real=True)
    out = tmp_path / "real.json"
    code, output, error = bench(
        "nmnist", "--data", real, "--config", "paper", "--neurons", 5, "--train", 45,
        "--no-cache", "--json", out,
    )  # fmt: skip
    assert (code, error) == (0, "")
    assert "train: 45 samples of real N-MNIST" in output
    assert {r["data"] for r in records_of(out)} == {"real N-MNIST"}
    assert {r["train_data"] for r in records_of(out)} == {"real N-MNIST"}


def test_images_are_filmed_and_recordings_are_a_further_test(bench, folder, tmp_path):
    images = write_images(tmp_path / "digits.npz")
    damaged = folder / "Test" / "3"
    strange = [damaged / "90001.bin", damaged / "90002.bin"]
    strange[0].write_bytes(b"")
    strange[1].write_bytes(bytes(17))
    out = tmp_path / "out.json"
    try:
        code, output, error = bench(
            "nmnist", "--images", images, "--train", 40, "--config", "paper", "--neurons", 5,
            "--test-dir", folder, "--no-cache", "--json", out,
        )  # fmt: skip
    finally:
        for path in strange:
            path.unlink()
    assert (code, error) == (0, "")
    assert "(Test/3/90001: empty file; Test/3/90002: 17 bytes" in output
    assert {(r["split"], r["samples"]) for r in records_of(out)} == {
        ("test", 30),
        ("real-test", 130),  # none of their images was filmed for training
    }


def test_damaged_training_recordings_are_named_and_left_out(bench, tmp_path):
    folder = write_folder(tmp_path / "data")
    victim = next((folder / "Train" / "7").iterdir())
    victim.write_bytes(victim.read_bytes()[:-2])
    code, output, _ = bench("nmnist", "--data", folder, "--config", "paper", "--neurons", 5,
                            "--no-cache")  # fmt: skip
    assert code == 0
    assert f"not taken: 1 (Train/7/{victim.stem}: " in output
    assert "train: 89 samples" in output


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize(
    ("how", "expected"),
    [("SIGINT", 130), pytest.param("SIGKILL", -9, marks=pytest.mark.slow)],
)
def test_an_interrupted_run_goes_on(how, expected, first, bench, tmp_path):
    _, records, arguments = first
    cache, out = tmp_path / "cache", tmp_path / "records.json"
    command = [sys.executable, "-c", "from neuromem.cli import main; main()", "bench"]
    process = subprocess.Popen(
        [*command, *map(str, arguments), "--cache", cache, "--json", out],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    while process.poll() is None and len(list(cache.glob("*.json"))) < 2:
        time.sleep(0.01)
    process.send_signal(getattr(signal, how))
    error = process.communicate()[1]
    assert process.returncode == expected, error
    assert error.splitlines() == (["neuromem: interrupted"] if how == "SIGINT" else [])
    assert not out.exists()
    finished = {path: path.stat().st_mtime_ns for path in cache.glob("*.json")}
    assert 2 <= len(finished) < len(records)
    assert bench(*arguments, "--cache", cache, "--json", out)[0] == 0
    assert records_of(out) == records
    for path, written in finished.items():
        assert path.stat().st_mtime_ns == written, "a finished record was computed again"


@pytest.fixture(scope="module")
def places(folder, tmp_path_factory) -> dict[str, str]:
    """Return folders and files that are not what they should be."""
    place = tmp_path_factory.mktemp("places")
    (place / "empty").mkdir()
    lacking = write_folder(place / "lacking")
    for path in (lacking / "Train" / "4").iterdir():
        path.unlink()
    flat = write_folder(place / "both") / "Train"
    few = write_folder(place / "few")
    for digit in (few / "Train").iterdir():
        for path in sorted(digit.glob("*.bin"))[3:]:
            path.unlink()
    (place / "text.npz").write_text("no images")
    (place / "nothing.npz").write_bytes(b"")
    whole = write_images(place / "whole.npz", train=3).read_bytes()
    (place / "cut.npz").write_bytes(whole[: len(whole) // 2])
    bit = bytearray(whole)
    bit[len(bit) // 3] ^= 1
    (place / "bit.npz").write_bytes(bit)
    np.savez(place / "other.npz", a=np.zeros(3))
    images, labels = np.zeros((150, 28, 28), np.uint8), np.repeat(np.arange(10), 15)
    arrays = {"images": images, "labels": labels, "index": np.arange(150)}
    sorted_images = {f"{s}_{k}": v for s in ("train", "test") for k, v in arrays.items()}
    np.savez(place / "sorted.npz", **sorted_images)
    card = 'title = "x"\n[window]\nlowest_us = 0\nhighest_us = nan\nsource = "s"\n'
    law = '[conductance]\nkind = "NormalConductance"\nmean_us = nan\nsd_us = 1\nsource = "s"\n'
    (place / "nan.toml").write_text(card + law)
    return {"data": str(folder), "flat": str(flat), "place": str(place)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--weights purple --data {data}", "no weights 'purple': there are gaussian, pairs"),
        ("--backend purple --data {data}", "no backend 'purple': there are native"),
        ("--config purple --data {data}", "config"),
        ("--train 0 --data {data}", "train"),
        ("--train 5 --data {data}", "5 training digits: must be 10..90"),
        ("--train 91 --data {data}", "91 training digits: must be 10..90"),
        ("--train 100000", "100000 training digits: must be 10..3500"),
        ("--neurons 0 --data {data}", "neurons"),
        ("--seeds 0 --data {data}", "seeds"),
        ("--data {data} --images {place}/whole.npz", "give one of --data, --images"),
        ("--data {place}/none", "none: no such file or folder"),
        ("--test-dir {place}/none", "none: no such file or folder"),
        ("--data {place}/empty", "no recordings of the split 'train'"),
        ("--data {place}/lacking", "no recording of the digits 4"),
        ("--data {place}/few", "leave none for validation"),
        ("--data {flat}", "recordings of 'test' are in training too"),
        ("--data {data} --test-dir {flat}", "recordings of 'real-test' are in training too"),
        ("--data {place}/text.npz", "neither a folder nor a zip archive"),
        ("--images {place}/text.npz", "not an .npz file, or cut short"),
        ("--images {place}/nothing.npz", "not an .npz file, or cut short"),
        ("--images {place}/cut.npz", "not an .npz file, or cut short"),
        ("--images {place}/bit.npz", "bit.npz"),
        ("--images {place}/other.npz", "not an .npz file with the train images"),
        ("--images {place}/whole.npz --train 28", "28 training digits"),
        ("--images {place}/sorted.npz --train 100", "shuffle the images"),
        ("--images {place}/empty", "empty"),
        ("--data {data} --json {place}/none/a.json", "none: no such folder"),
        ("--data {data} --json {place}", "is a folder; name a file"),
        ("--data {data} --plot {place}/a.gif", "a figure's name ends in .png"),
        ("--data {data} --cache {place}/text.npz", "is a file; name a folder"),
    ],
)
def test_a_mistake_is_one_line_before_the_work(arguments, message, bench, places):
    code, output, error = bench("nmnist", *arguments.format(**places).split())
    assert code in (1, 2)
    assert output == ""
    assert len(error.splitlines()) == 1
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("resistive --card purple", "purple"),
        ("resistive --card {place}/nan.toml", "nan"),
        ("resistive --card {place}/none.toml", "none.toml"),
        ("resistive --images {place}/none", "no such file"),
        ("resistive --json {place}/none/a.json", "none: no such folder"),
        ("spoken", "data"),
        ("spoken --data {place}/empty", "empty"),
        ("spoken --data {place}/none", "none"),
        ("memory-tasks --neurons 2", "decay"),
        ("memory-tasks --plot {place}/a.txt", "a figure's name ends in .png"),
        ("purple", "purple"),
    ],
)
def test_a_mistake_elsewhere_is_one_line_too(arguments, message, bench, places):
    code, output, error = bench(*arguments.format(**places).split())
    assert code in (1, 2)
    assert output == ""
    assert len(error.splitlines()) == 1
    assert message in error


@pytest.mark.slow
def test_the_default_needs_no_data_of_ones_own(bench, tmp_path):
    out = tmp_path / "out.json"
    code, output, error = bench(
        "nmnist", "--train", 100, "--neurons", 50, "--cache", tmp_path, "--json", out
    )
    assert (code, error) == (0, "")
    assert "test: 1,000 samples of simulated N-MNIST" in output
    found = numbers(records_of(out))
    assert found["liquid", "test", 0] > 0.8  # 88.9 % measured by this command
    assert 0.5 < found["paper", "test", 0] < 0.85


@pytest.mark.slow
def test_the_device_is_swept_and_drawn(bench, tmp_path):
    images = write_images(tmp_path / "digits.npz")
    out, figure = tmp_path / "out.json", tmp_path / "figure.png"
    code, output, error = bench(
        "resistive", "--images", images, "--train", 100, "--seeds", 2, "--cache", tmp_path / "c",
        "--json", out, "--plot", figure,
    )  # fmt: skip
    assert (code, error) == (0, "")
    assert figure.stat().st_size > 10_000
    assert "against normal weights, over 2 seeds." in output
    assert {r["seed"] for r in records_of(out)} == {0, 1}


@pytest.mark.slow
def test_delayed_tasks_need_the_liquids_memory(bench, tmp_path):
    out = tmp_path / "out.json"
    code, _, error = bench("memory-tasks", "--neurons", 100, "--no-cache", "--json", out,
                           "--plot", tmp_path / "figure.svg")  # fmt: skip
    assert (code, error) == (0, "")
    found = {(r["name"], r["split"]): r["accuracy"] for r in records_of(out)}
    for split in ("match after 2", "match after 4"):
        assert found["liquid", split] > 0.8
        assert found["raw-binned", split] < 0.6

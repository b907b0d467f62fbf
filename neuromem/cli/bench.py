"""``neuromem bench``: from events to a table, a figure and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cyclopts

from neuromem.cli.contests import NOWHERE, Outputs, contest_progress
from neuromem.cli.output import (
    prepare,
    print_line,
    print_table,
    stage,
    write_json,
)
from neuromem.cli.parameters import Count, check_there

if TYPE_CHECKING:
    from neuromem.protocols import Contestant, Record, Splits, Store

app = cyclopts.App(name="bench", help="Benchmarks: liquids beside their plain controls.")
app.command(
    "neuromem.cli.zero_shot:zero_shot",
    name="zero-shot",
    help="Recognise classes that were never trained: search one sense with the other.",
)
app.command(
    "neuromem.cli.parity:parity",
    name="parity",
    help="Compare the backends that are installed, spike for spike.",
)


@app.command
def nmnist(
    *,
    config: Literal["paper", "best", "both"] = "both",
    data: Path | None = None,
    images: Path | None = None,
    fetch: bool = False,
    test_dir: Path | None = None,
    train: Count | None = None,
    neurons: Count | None = None,
    seeds: Count = 1,
    weights: str | None = None,
    backend: str = "native",
    only: tuple[str, ...] = (),
    outputs: Outputs = NOWHERE,
) -> int:
    """Classify the digits of N-MNIST with liquids and with plain controls.

    Without data of yours it films 5,000 MNIST digits with a simulated event camera; nothing is
    downloaded. Readouts are chosen on validation samples, every accuracy is on test samples.

    Parameters
    ----------
    config
        The published design, ours, or both.
    data
        Real N-MNIST: a folder (or zip) with Train/<digit>/*.bin and Test/<digit>/*.bin.
    images
        MNIST images (.npz with train_images, train_labels, ...) to film instead of the default.
    fetch
        Download N-MNIST with tonic into the cache, and use it as --data.
    test_dir
        Real recordings to test on as well, all that are there: <digit>/*.bin, or the same in
        Train and Test.
    train
        Number of training digits; all where not given.
    neurons
        Number of neurons; that of each design where not given.
    seeds
        Number of reservoir seeds.
    weights
        Law of the weights: gaussian, pairs or half-formed (pairs of the 40 nm macro's cells).
    backend
        Where the liquids run.
    only
        Run these contestants alone, by the names in the table; may be given several times.
    outputs
        Where results go, and what is kept.
    """
    store = outputs.store()
    check_there(data, images, test_dir)
    from neuromem.protocols import nmnist as protocol

    protocol.check(weights, backend)
    if sum(given for given in (data is not None, images is not None, fetch)) > 1:
        raise ValueError("give one of --data, --images and --fetch")
    if data is not None and test_dir is not None and data.resolve() == test_dir.resolve():
        raise ValueError(f"--test-dir {test_dir} is --data: it would test on what it trained on")
    with stage("reading the data"):
        if fetch:
            data = protocol.fetched(store.folder)
        if data is not None:
            splits = protocol.from_recordings(data, train)
        elif images is not None:
            splits = protocol.from_images(images, train, apart_from=test_dir)
        else:
            splits = protocol.offline(train)
        if test_dir is not None:
            splits = protocol.with_real_test(splits, test_dir)
    prepare(backend)
    with stage("calibrating the liquids"):
        entrants = protocol.contestants(
            splits, config, neurons=neurons, seeds=range(seeds), weights=weights, backend=backend
        )
    entrants = _chosen(entrants, only)
    name = "paper" if config == "paper" else "liquid"
    return _bench([(splits, entrants)], store, name, outputs)


@app.command
def spoken(
    *,
    data: Path,
    neurons: Count | None = None,
    seeds: Count = 1,
    only: tuple[str, ...] = (),
    outputs: Outputs = NOWHERE,
) -> int:
    """Classify spoken digits of speakers who were not heard in training.

    Each speaker is the test once; the next one is for validation.

    Parameters
    ----------
    data
        Folder or zip of recordings <digit>_<speaker>_<index>.wav (Free Spoken Digit Dataset).
    neurons
        Number of neurons; that of the design where not given.
    seeds
        Number of reservoir seeds.
    only
        Run these contestants alone, by the names in the table; may be given several times.
    outputs
        Where results go, and what is kept.
    """
    store = outputs.store()
    from neuromem.protocols import spoken as protocol

    prepare("native")
    with stage("listening to the recordings"):
        folds = list(protocol.unheard_speakers(data))
    contests = [
        (splits, _chosen(protocol.contestants(splits, neurons=neurons, seeds=range(seeds)), only))
        for splits in folds
    ]
    return _bench(contests, store, "liquid", outputs)


@app.command(name="memory-tasks")
def memory_tasks(
    *,
    neurons: Count | None = None,
    seeds: Count = 1,
    outputs: Outputs = NOWHERE,
) -> int:
    """Solve delayed tasks: parity of the last N bits, and a match after N slots.

    Parameters
    ----------
    neurons
        Number of neurons; that of the design where not given.
    seeds
        Number of reservoir seeds.
    outputs
        Where results go, and what is kept.
    """
    store = outputs.store()
    from neuromem.protocols import memory_tasks as protocol

    prepare("native")
    contests = []
    for name in protocol.TASKS:
        splits = protocol.trials(name)
        contests.append((splits, protocol.contestants(splits, neurons=neurons, seeds=range(seeds))))
    return _bench(contests, store, "liquid", outputs)


@app.command
def resistive(
    *,
    images: Path | None = None,
    test_dir: Path | None = None,
    train: Count = 2000,
    card: str = "macro-40nm",
    seeds: Count = 5,
    only: tuple[str, ...] = (),
    outputs: Outputs = NOWHERE,
) -> int:
    """Vary what a resistive device does to the published liquid, one imperfection at a time.

    Parameters
    ----------
    images
        MNIST images (.npz) to film instead of the default ones.
    test_dir
        Real recordings to test on as well.
    train
        Number of training digits.
    card
        The device: see "neuromem rram list".
    seeds
        Number of reservoir seeds.
    only
        Run these sweeps alone, beside the measured device; may be given several times.
    outputs
        Where results go, and what is kept.
    """
    store = outputs.store()
    check_there(images, test_dir)
    from neuromem.liquid import published_nmnist
    from neuromem.protocols import contest
    from neuromem.protocols import nmnist as data
    from neuromem.protocols import resistive as protocol
    from neuromem.rram import load_card

    load_card(card)
    with stage("reading the data"):
        splits = (
            data.offline(train)
            if images is None
            else data.from_images(images, train, apart_from=test_dir)
        )
        if test_dir is not None:
            splits = data.with_real_test(splits, test_dir)
    prepare("native")
    with stage("calibrating the liquids"):
        entrants = protocol.contestants(
            splits, published_nmnist(), seeds=range(seeds), card=card, only=only
        )
    print_data(splits)
    with contest_progress() as report:
        records = contest(entrants, splits, store, report)
    print_records(records)
    for line in protocol.losses(records):
        print_line(line)
    if outputs.plot is not None:
        from neuromem.plotting import device_sweeps, save_figure

        print_line(f"wrote {save_figure(device_sweeps(records), outputs.plot)}")
    write_json(outputs.json, records)
    return 0


def _chosen(entrants: list[Contestant], only: Sequence[str]) -> list[Contestant]:
    """Return the contestants of these names; all where none is given."""
    if unknown := set(only) - {entrant.name for entrant in entrants}:
        known = ", ".join(dict.fromkeys(entrant.name for entrant in entrants))
        raise ValueError(f"--only {', '.join(sorted(unknown))}: the contestants are {known}")
    return [entrant for entrant in entrants if not only or entrant.name in only]


def _bench(
    contests: Sequence[tuple[Splits, Sequence[Contestant]]],
    store: Store,
    of: str,
    outputs: Outputs,
) -> int:
    """Run contests on several data and show, draw and write what came out."""
    from neuromem.protocols import contest
    from neuromem.protocols.summary import verdicts

    records: list[Record] = []
    for splits, entrants in contests:
        print_data(splits)
        with contest_progress() as report:
            records += contest(entrants, splits, store, report)
    print_records(records)
    for sentence in verdicts(records, of, lambda name: name.startswith(("raw", "random"))):
        print_line(sentence)
    if outputs.plot is not None:
        from neuromem.plotting import accuracies, save_figure

        print_line(f"wrote {save_figure(accuracies(records), outputs.plot)}")
    write_json(outputs.json, records)
    return 0


def print_data(splits: Splits) -> None:
    """Print what is trained and tested on, and name what was not taken."""
    for split, samples in splits.named():
        print_line(f"{split}: {len(samples):,} samples of {samples.name}")
        if samples.rejected:
            first = "; ".join(samples.rejected[:5])
            more = " ..." if len(samples.rejected) > 5 else ""
            print_line(f"  not taken: {len(samples.rejected)} ({first}{more})")


def print_records(records: Sequence[Record]) -> None:
    """Print the accuracies, means over seeds."""
    from neuromem.protocols.summary import scores

    table = {(s.name, s.split): s for s in scores(records)}
    tests = list(dict.fromkeys(r.split for r in records))
    rows = []
    for record in {r.name: r for r in records}.values():
        cells = []
        for split in tests:
            score = table[record.name, split]
            spread = f" ± {100 * score.sd:.1f}" if score.seeds > 1 else ""
            cells.append(f"{100 * score.mean:.1f}{spread}")
        if len(tests) > 2:
            mean = sum(table[record.name, split].mean for split in tests) / len(tests)
            cells.append(f"{100 * mean:.1f}")
        seeds = table[record.name, tests[0]].seeds if record.seed is not None else 0
        rows.append((
            record.name, str(record.neurons or "-"), str(record.features), record.readout,
            *cells, str(seeds or "-"),
        ))  # fmt: skip
    columns = [*tests, "mean"] if len(tests) > 2 else tests
    header = ("contestant", "neurons", "features", "readout", *(f"{t} %" for t in columns), "seeds")
    print_table(header, rows)
    print_line(
        f"Mean ± standard deviation over seeds; chance {100 * records[0].chance:.1f} %."
        if records
        else "nothing was run"
    )

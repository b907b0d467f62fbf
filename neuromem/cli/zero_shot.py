"""``neuromem bench zero-shot``: one sense searched with the other, classes never trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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
    from neuromem.protocols.zero_shot.entries import Entrant, Meeting, ZeroShotRecord

_COLUMNS = ("seen", "unseen", "harmonic", "seen_nearest", "unseen_nearest", "harmonic_nearest")


def zero_shot(
    *,
    vision: Path | None = None,
    audio: Path | None = None,
    test_vision: Path | None = None,
    test_audio: Path | None = None,
    test_speaker: str | None = None,
    pairs: Literal["all"] | Count = 5,
    unseen: Count = 2,
    seeds: Count = 1,
    neurons: Count = 200,
    embedding: Count = 64,
    resistive: bool = False,
    only: tuple[str, ...] = (),
    outputs: Outputs = NOWHERE,
) -> int:
    """Recognise classes that were never trained: search one sense with the other.

    Liquids see and hear digits; projections into one space are trained on some classes. A sound of
    the others is then searched among images, and an image among sounds. Without data of yours it
    films and speaks digits itself; these are simulated and synthetic. Tests are on speakers who
    were not heard in training; nothing is chosen on test data, save where a name says so.

    Parameters
    ----------
    vision
        N-MNIST: folder or zip with Train/DIGIT/ID.bin and Test/DIGIT/ID.bin. Without the two, the
        recordings are divided at random; with Test alone, training is on simulated recordings.
    audio
        Recordings DIGIT_SPEAKER_INDEX.wav: folder or zip. One speaker is the test; where
        there is one only, training is on synthetic speech.
    test_vision
        Recordings to test on instead (those in Test where there is a Train); never trained on.
    test_audio
        The same for speech; its speakers are left out of training.
    test_speaker
        Speaker of --audio to test on; the last in the alphabet where not given, "all" for each in
        turn.
    pairs
        Number of sets of unseen classes, or "all" (45 pairs of ten digits).
    unseen
        Number of unseen classes in a set.
    seeds
        Number of seeds, of liquids and heads.
    neurons
        Number of neurons of each liquid.
    embedding
        Dimensions of the common space.
    resistive
        Run our liquids in resistive memory instead of the contestants, and say what that costs.
    only
        Run these contestants alone, by the names in the table; may be given several times.
    outputs
        Where results go, and what is kept.
    """
    store = outputs.store()
    check_there(vision, audio, test_vision, test_audio)
    from neuromem.protocols.zero_shot import contestants as field
    from neuromem.protocols.zero_shot import resistive as device
    from neuromem.protocols.zero_shot.cost import cost_lines, costs, time_lines
    from neuromem.protocols.zero_shot.data import meetings
    from neuromem.protocols.zero_shot.metrics import left_out
    from neuromem.protocols.zero_shot.published import PUBLISHED, UNSEEN, published_protocol
    from neuromem.protocols.zero_shot.summary import verdicts
    from neuromem.protocols.zero_shot.trials import Trainer
    from neuromem.protocols.zero_shot.trials import zero_shot as run

    chosen = tuple(name for name in only if name != PUBLISHED)
    field.check(chosen)
    if resistive and only:
        raise ValueError("--resistive runs all its conditions: leave out --only")
    if outputs.plot is not None and only and not chosen:
        raise ValueError(f"--plot with nothing but {PUBLISHED!r}: add another --only to draw")
    prepare("native")
    with stage("reading the data"):
        data = list(meetings(
            vision, audio, test_vision=test_vision, test_audio=test_audio,
            test_speaker=test_speaker,
        ))  # fmt: skip
    records: list[ZeroShotRecord] = []
    entrants: list[Entrant] = []
    sets: list[tuple[int, ...]] = []
    for meeting in data:
        print_meeting(meeting)
        sets = left_out(meeting.classes, unseen, None if pairs == "all" else pairs)
        with stage("calibrating the liquids"):
            if resistive:
                entrants = device.contestants(
                    meeting, neurons=neurons, embedding=embedding, seeds=range(seeds)
                )
            elif chosen or not only:
                entrants = field.contestants(
                    meeting, neurons=neurons, embedding=embedding, seeds=range(seeds), only=chosen
                )  # fmt: skip
        with contest_progress() as report:
            records += run(entrants, meeting, sets, store, report)
            wanted = not resistive and (not only or PUBLISHED in only)
            for seed in range(seeds if wanted else 0):
                published = published_protocol(meeting, seed)
                if published is not None:
                    records += run([published[0]], published[1], [UNSEEN], store, report)
    print_scores(records)
    ours = device.NORMAL if resistive else field.OURS
    compared = [record for record in records if record.name != PUBLISHED]
    for line in device.losses(records) if resistive else verdicts(compared, ours):
        print_line(line)
    if any(record.name == field.OURS for record in records):
        liquids = field.liquids(data[-1], neurons)
        for line in cost_lines(*costs(data[-1], liquids, embedding)):
            print_line(line)
    for line in time_lines(records, field.OURS, "srnn-clip"):
        print_line(line)
    if outputs.plot is not None:
        from neuromem.plotting import save_figure, zero_shot_figure

        shown = next((one for one in entrants if one.name == ours), entrants[0])
        with stage("drawing"):
            embedded = Trainer(data[-1], store).embedded(shown, sets[-1])
            figure = zero_shot_figure(compared, embedded, of=shown.name, unseen=sets[-1])
        print_line(f"wrote {save_figure(figure, outputs.plot)}")
    write_json(outputs.json, records)
    return 0


def print_meeting(meeting: Meeting) -> None:
    """Print what is trained and tested on, and what was left aside."""
    for name, sense in zip(meeting.names, (meeting.first, meeting.second), strict=True):
        for split, samples in sense.named():
            print_line(f"{name}, {split}: {len(samples):,} samples of {samples.name}")
            if samples.rejected:
                first = "; ".join(samples.rejected[:3])
                print_line(f"  not taken: {len(samples.rejected)} ({first})")
    for note in (*meeting.notes, *meeting.left_aside()):
        print_line(f"note: {note}")
    print_line(f"classes: {', '.join(map(str, meeting.classes))}")


def print_scores(records: Sequence[ZeroShotRecord]) -> None:
    """Print a table for each direction: means over sets and seeds, with 95 % intervals."""
    from neuromem.protocols.zero_shot.published import PUBLISHED
    from neuromem.protocols.zero_shot.summary import CHANCES, estimate

    names = list(dict.fromkeys(record.name for record in records))
    for direction in dict.fromkeys(record.direction for record in records):
        rows = []
        for name in names:
            mine = [r for r in records if (r.name, r.direction) == (name, direction)]
            found = [estimate(mine, column) for column in _COLUMNS]
            rows.append((
                name, *(_cell(*f[:3]) for f in found), str(found[0].sets), str(found[0].seeds),
            ))  # fmt: skip
        for record in {r.chance_full: r for r in reversed(records)}.values():
            of = "chance" if record.name != PUBLISHED else f"chance, {PUBLISHED.split(',')[0]}"
            values = (getattr(record, CHANCES[column]) for column in _COLUMNS)
            rows.append((of, *(f"{100 * value:.1f}" for value in values), "", ""))
        header = ("contestant", *(f"{column} %" for column in _COLUMNS), "sets", "seeds")
        print_table(header, rows, title=direction)
        print_line()
    print_line(
        "Means over sets of unseen classes and seeds, in brackets 95 % intervals (bootstrap over "
        "classes and seeds). seen, unseen: among the seen, the unseen classes; harmonic: of both "
        "among all; nearest: the nearest recording decides, not the nearest class."
    )


def _cell(mean: float, low: float, high: float) -> str:
    if low != low:  # one measurement
        return f"{100 * mean:.1f}"
    return f"{100 * mean:.1f} [{100 * low:.0f}, {100 * high:.0f}]"

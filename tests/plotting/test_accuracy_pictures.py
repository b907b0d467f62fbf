"""Pictures of accuracies: all that was measured is there, nothing is cut off or covered."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from neuromem.plotting import accuracies, device_sweeps, save_figure
from neuromem.protocols import Record, resistive

NAMES = (
    "paper", "liquid", "liquid-ridge", "random-relu", "random-leaky-relu-lda", "raw-counts",
    "raw-binned-softmax",
)  # fmt: skip
SPLITS = {
    1: {"test": "simulated N-MNIST"},
    2: {"test": "simulated N-MNIST", "real-test": "real N-MNIST"},
    5: {name: "spoken digits (cochlea)" for name in ("ann", "bob", "eve", "joe", "maximilian")},
    6: {f"match after {n}": f"match after {n}" for n in range(6)},
}


def record(name: str, split: str, data: str, seed: int | None, accuracy: float) -> Record:
    return Record(
        name=name, neurons=200, features=200, readout="ridge", data=data, split=split,
        samples=1000, train_data=data, train_samples=500, seed=seed, accuracy=accuracy,
        chance=0.1, validation_accuracy=accuracy,
    )  # fmt: skip


def contest(splits: int, seeds: int = 3, top: float = 1.0) -> list[Record]:
    rng = np.random.default_rng(splits)
    return [
        record(name, split, data, seed, top - 0.05 * i - 0.03 * rng.random())
        for i, name in enumerate(NAMES)
        for split, data in SPLITS[splits].items()
        for seed in range(seeds)
    ]


def sweeps(seeds: int = 3, slope: float = 0.05) -> list[Record]:
    rng = np.random.default_rng(0)
    return [
        record(c.name, "test", "simulated N-MNIST", seed,
               0.85 - slope * rng.random() - slope * (c.noise is not None) * c.value)
        for c in resistive.conditions()
        for seed in range(seeds)
    ]  # fmt: skip


def texts(figure: Figure) -> dict[Text, tuple[float, float, float, float]]:
    """Return the visible texts of a figure and their boxes (pixels)."""
    renderer = figure.canvas.get_renderer()
    found = {}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            found[text] = (box.x0, box.y0, box.x1, box.y1)
    return found


def check_readable(figure: Figure) -> None:
    """Hold that no text leaves the figure and no two overlap (by more than a pixel)."""
    there, drawn = ticks(figure)
    boxes = {t: box for t, box in texts(figure).items() if t in drawn or t not in there}
    assert boxes
    for text, (x0, y0, x1, y1) in boxes.items():
        inside = x0 >= -1 and y0 >= -1 and x1 <= figure.bbox.x1 + 1 and y1 <= figure.bbox.y1 + 1
        assert inside, f"{text.get_text()!r} is cut off"
    for (a, p), (b, q) in combinations(boxes.items(), 2):
        apart = p[2] <= q[0] + 1 or q[2] <= p[0] + 1 or p[3] <= q[1] + 1 or q[3] <= p[1] + 1
        assert apart, f"{a.get_text()!r} covers {b.get_text()!r}"


def ticks(figure: Figure) -> tuple[set[Text], set[Text]]:
    """Return the labels of all ticks, and of those that are drawn."""
    axes = [axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)]
    there = {tick.label1 for axis in axes for tick in (*axis.majorTicks, *axis.minorTicks)}
    return there, {tick.label1 for axis in axes for tick in axis._update_ticks()}


@pytest.mark.parametrize("splits", SPLITS)
@pytest.mark.parametrize("seeds", [1, 3])
def test_accuracies_are_readable(splits, seeds):
    check_readable(accuracies(contest(splits, seeds)))


def test_every_seed_is_a_dot_and_its_mean_a_number():
    records = contest(2)
    figure = accuracies(records)
    assert len(figure.axes) == 2
    for axes, split in zip(figure.axes, SPLITS[2], strict=True):
        dots = [x for line in axes.lines if line.get_marker() == "o" for x in line.get_xdata()]
        expected = [100 * r.accuracy for r in records if r.split == split]
        assert sorted(dots) == pytest.approx(sorted(expected))
        shown = {text.get_text() for text in axes.texts}
        for name in NAMES:
            own = [r.accuracy for r in records if (r.name, r.split) == (name, split)]
            assert f"{100 * np.mean(own):.1f}" in shown
        low, high = axes.get_xlim()
        assert low < min(dots)
        assert high == 100
    assert figure.axes[0].get_xlabel() == "accuracy (%), chance 10 %"


def test_data_are_named():
    words = {text.get_text() for text in texts(accuracies(contest(2)))}
    assert {"test", "real-test"} <= words
    assert {"1,000 samples of simulated N-MNIST", "1,000 samples of real N-MNIST"} <= words


def test_the_best_is_on_top():
    axes = accuracies(contest(1)).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == list(NAMES)[::-1]


def test_a_contestant_that_ran_on_one_split_only_is_drawn_there():
    records = [r for r in contest(2) if (r.name, r.split) != ("paper", "real-test")]
    figure = accuracies(records)
    rows = [sum(line.get_marker() == "o" for line in axes.lines) for axes in figure.axes]
    assert rows == [len(NAMES), len(NAMES) - 1]


def test_all_right_and_all_wrong_are_drawn():
    records = [record("liquid", "test", "d", 0, 1.0), record("raw", "test", "d", None, 0.0)]
    assert accuracies(records).axes[0].get_xlim() == (0, 100)
    check_readable(accuracies([record("liquid", "test", "d", 0, 1.0)]))


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("slope", [0.005, 0.4])
def test_sweeps_are_readable(seeds, slope):
    check_readable(device_sweeps(sweeps(seeds, slope)))


def test_every_condition_is_a_point():
    records = sweeps()
    figure = device_sweeps(records)
    drawn = [
        y for axes in figure.axes for line in axes.lines if line.get_marker() == "o"
        for y in line.get_ydata()
    ]  # fmt: skip
    means = {}
    for r in records:
        means.setdefault(r.name, []).append(100 * r.accuracy)
    assert sorted(drawn) == pytest.approx(sorted(np.mean(v) for v in means.values()))
    assert len({axes.get_ylim() for axes in figure.axes}) == 1


def test_another_split_is_drawn_when_asked_for():
    records = sweeps()
    other = [record(r.name, "real-test", r.data, r.seed, r.accuracy - 0.2) for r in records]
    low, high = device_sweeps(records + other, split="real-test").axes[0].get_ylim()
    assert low < 65 < high < 80


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="no record to draw"):
        accuracies([])
    with pytest.raises(ValueError, match="no record to draw"):
        device_sweeps([])
    with pytest.raises(ValueError, match="splits: test"):
        device_sweeps(sweeps(), split="none")
    with pytest.raises(ValueError, match="no record of 'ideal device'"):
        device_sweeps(contest(1))
    with pytest.raises(ValueError, match="mm at least"):
        accuracies(contest(1), width_mm=50)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_is_the_same_every_time(suffix, tmp_path):
    for draw, records in ((accuracies, contest(2)), (device_sweeps, sweeps(1))):
        first, again = (save_figure(draw(records), tmp_path / f"{n}{suffix}") for n in "ab")
        assert first.read_bytes() == again.read_bytes()

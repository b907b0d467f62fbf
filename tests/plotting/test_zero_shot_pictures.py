"""The picture of zero-shot recognition: what was measured is there, and can be read."""

from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text

from neuromem.heads.senses import unit_rows
from neuromem.plotting import save_figure, zero_shot_figure
from neuromem.protocols.zero_shot.entries import Embedded, ZeroShotRecord
from neuromem.protocols.zero_shot.metrics import left_out

NAMES = ("oracle", "liquid", "liquid-prototypes", "raw-binned", "srnn-clip")


def records(k: int = 2, seeds: int = 2, sets: int | None = None, names=NAMES):
    rng = np.random.default_rng(0)
    return [
        ZeroShotRecord(
            name=name, pair=pair, direction=way, seed=seed, seen=0.8,
            unseen=float(np.clip(0.9 - 0.1 * i + 0.2 * rng.normal(), 0, 1)),
            harmonic=0.3, chance_seen=1 / 8, chance_unseen=1 / k, seen_full=0.7, unseen_full=0.2,
            chance_full=0.1, seen_nearest=0.8, unseen_nearest=0.5, harmonic_nearest=0.3,
            neurons=400, embedding=64, train="spikes", test="spikes", train_samples=(9, 9),
            seconds=1.0,
        )
        for i, name in enumerate(names)
        for pair in left_out(range(10), k, sets)
        for seed in range(seeds)
        for way in ("sound->sight", "sight->sound")
    ]  # fmt: skip


def embedded() -> Embedded:
    rng = np.random.default_rng(1)
    centres, labels = rng.normal(size=(10, 16)), np.repeat(np.arange(10), 12)
    first, second = (unit_rows(centres[labels] + 0.5 * rng.normal(size=(120, 16))) for _ in "ab")
    return Embedded(first, labels, second, labels)


def check_readable(figure) -> None:
    """Fail when a text leaves the sheet, or covers another outside the map of recordings."""
    renderer = figure.canvas.get_renderer()
    boxes = {}
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            box = text.get_window_extent(renderer)
            assert box.x0 >= -0.5 and box.y0 >= -0.5, text
            assert box.x1 <= figure.bbox.x1 + 0.5 and box.y1 <= figure.bbox.y1 + 0.5, text
            if text.get_bbox_patch() is None:  # the classes' names in the map lie where they lie
                boxes[text] = box
    for (a, first), (b, second) in combinations(boxes.items(), 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert min(wide, high) <= 0.5, (a, b)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("k, sets", [(2, None), (2, 1), (3, 12)])
def test_all_is_there_and_readable(k, sets, seeds):
    found = records(k, seeds, sets)
    figure = zero_shot_figure(found, embedded(), unseen=(3, 7))
    check_readable(figure)
    strip = figure.axes[2 + (k == 2)]
    rows = [line for line in strip.lines if line.get_marker() == "o"]
    assert len(rows) == len(NAMES)
    drawn = np.sort(np.concatenate([line.get_xdata() for line in rows]))
    means = {}
    for r in found:
        means.setdefault((r.name, r.pair), []).append(100 * r.unseen)
    assert drawn == pytest.approx(sorted(np.mean(v) for v in means.values()))


def test_the_matrix_shows_the_similarity_of_both_senses():
    figure = zero_shot_figure(records(), embedded(), unseen=(3, 7))
    matrix = figure.axes[0].images[0].get_array()
    assert np.array_equal(matrix.argmax(axis=1), np.arange(10))
    bold = [t.get_text() for t in figure.axes[0].get_xticklabels() if t.get_weight() == "bold"]
    assert bold == ["3", "7"]
    pairs = figure.axes[2].images[0].get_array()
    assert np.ma.count_masked(np.ma.masked_invalid(pairs)) == 10
    assert np.allclose(pairs, pairs.T, equal_nan=True)


def test_what_cannot_be_drawn_is_said():
    with pytest.raises(ValueError, match="no record of 'liquid' to draw: the contestants are none"):
        zero_shot_figure([], embedded())
    with pytest.raises(ValueError, match="mm at least"):
        zero_shot_figure(records(), embedded(), width_mm=80)


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_a_picture_is_the_same_every_time(suffix, tmp_path):
    found = records(sets=5)
    first, again = (
        save_figure(zero_shot_figure(found, embedded()), tmp_path / f"{n}{suffix}") for n in "ab"
    )
    assert first.read_bytes() == again.read_bytes()

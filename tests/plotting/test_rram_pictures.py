"""What the picture of a device card shows."""

import numpy as np
import pytest
from matplotlib.patches import StepPatch

from neuromem.plotting import save_figure
from neuromem.plotting.rram import device_card
from neuromem.rram import card_names, load_card


def titles(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def part(figure, gid):
    (found,) = figure.findobj(lambda artist: artist.get_gid() == gid)
    return found


@pytest.fixture(scope="module")
def macro():
    return device_card(load_card("macro-40nm"))


@pytest.fixture(scope="module")
def pcm():
    return device_card(load_card("pcm"))


def test_a_card_shows_what_its_sources_give(macro, pcm):
    common = ["Pairs", "Read noise of three cells", "Spectrum of the read noise"]
    assert titles(macro) == ["Forming", "Cells as formed", *common]
    assert titles(pcm) == ["Programmed cells", "Programming error", *common, "Retention"]


@pytest.mark.parametrize("name", card_names())
@pytest.mark.parametrize("width_mm", [160, 180])
def test_nothing_is_cut_and_panels_do_not_overlap(name, width_mm):
    figure = device_card(load_card(name), width_mm=width_mm)
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_histograms_hold_every_cell(macro):
    for gid in ("cells", "pairs"):
        histogram = part(macro, gid)
        assert isinstance(histogram, StepPatch)
        assert histogram.get_data().values.sum() == pytest.approx(1)
    cells = part(macro, "cells").get_data()
    assert cells.values[0] == pytest.approx(0.505, abs=0.01)
    centres = (cells.edges[1:] + cells.edges[:-1])[1:] / 2
    assert np.average(centres, weights=cells.values[1:]) == pytest.approx(12.3, abs=0.1)


def test_the_formed_fraction_is_marked(macro):
    point = part(macro, "formed fraction")
    assert point.get_ydata() == [0.495]
    assert point.get_xdata()[0] == pytest.approx(3.433, abs=0.01)


def test_white_noise_is_flat_and_flicker_noise_falls(macro, pcm):
    def fall(figure):
        power = part(figure, "spectrum").get_ydata()
        return power[:5].mean() / power[-5:].mean()

    assert fall(macro) == pytest.approx(1, abs=0.3)
    assert fall(pcm) > 20


def test_phase_change_memory_drifts(pcm):
    medians = pcm.findobj(lambda artist: artist.get_gid() == "median")
    assert len(medians) == 3
    for line in medians:
        level = line.get_ydata()
        assert np.all(np.diff(level) <= 0)
        assert level[-1] < 0.6 * level[0]


def test_three_cells_are_read_over_time(macro):
    for cell in range(3):
        assert len(part(macro, f"cell {cell}").get_xdata()) == 200


def test_the_same_seed_gives_the_same_file(tmp_path):
    card = load_card("hfo2")
    files = [
        save_figure(device_card(card, seed=seed), tmp_path / f"{number}.svg").read_bytes()
        for number, seed in enumerate((1, 1, 2))
    ]
    assert files[0] == files[1] != files[2]


def test_a_narrow_figure_is_refused():
    with pytest.raises(ValueError, match="this figure needs"):
        device_card(load_card("pcm"), width_mm=85)

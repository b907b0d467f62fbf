"""What the pictures show, and how they reach a file."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.text import Text

from neuromem import backends
from neuromem.memory import Learn, Memory, Operation, RecallByContent, RecallByCue, Session
from neuromem.network import IF_curr_exp, Network, Population, Recording, SpikeSource, SpikeTrains
from neuromem.plotting import (
    FORMATS,
    operation_timeline,
    raster,
    save_figure,
    weight_history,
    weight_matrices,
    weight_matrix,
)
from neuromem.results import Result, Samples

BACKEND = "native-reference"
FIRST, SECOND = "CueCue->ContCue", "ContCont->CueCont"


@pytest.fixture(scope="module")
def session() -> Session:
    session = Memory(5, 10, weights_every_ms=1).start(BACKEND)
    session.learn(0, [0, 1, 8, 9])
    session.learn(1, [2, 8])
    session.learn(3, [4, 5])
    session.recall_by_cue(0)
    session.recall_by_content([8])
    session.learn(0, [2, 6])
    session.recall_by_cue(0)
    session.recall_by_cue(4)
    return session


@pytest.fixture(scope="module")
def result(session: Session) -> Result:
    return session.result()


def source_result(spikes: SpikeTrains, duration_ms: float = 50) -> Result:
    """Return a run of input lines that reach nothing, recorded alone."""
    silent = Population(name="silent", size=1, neuron=IF_curr_exp())
    network = Network(
        name="lines",
        populations=(SpikeSource(name="lines", size=spikes.size), silent),
        recordings=(Recording(target="lines"),),
    )
    return backends.run(network, duration_ms, {"lines": spikes}, BACKEND)


def marked(figure: Figure, gid: str) -> list[Any]:
    """Return the parts of a figure whose id begins so."""
    return figure.findobj(lambda part: str(part.get_gid() or "").startswith(gid))


def drawn_spikes(figure: Figure) -> dict[str, set[tuple[float, float]]]:
    """Return time and height of every spike drawn, by population."""
    parts = [part for part in marked(figure, "spikes ") if isinstance(part, LineCollection)]
    return {
        str(part.get_gid()).removeprefix("spikes "): {
            (line[0][0], round(line[:, 1].mean(), 6)) for line in part.get_segments()
        }
        for part in parts
    }


def words(figure: Figure, gid: str = "") -> list[str]:
    texts = marked(figure, gid) if gid else figure.findobj(Text)
    return [text.get_text() for text in texts if isinstance(text, Text) and text.get_text()]


def overlaps(figure: Figure, gid: str) -> list[tuple[str, str]]:
    """Return the pairs of texts that overlap."""
    figure.draw_without_rendering()
    texts = [text for text in marked(figure, gid) if isinstance(text, Text)]
    boxes = [text.get_window_extent() for text in texts]
    return [
        (texts[i].get_text(), texts[j].get_text())
        for i in range(len(texts))
        for j in range(i)
        if boxes[i].overlaps(boxes[j])
    ]


def fits(figure: Figure) -> bool:
    """Return whether nothing drawn is cut by the figure's edge."""
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    low, wide, tall = -0.01, width + 0.01, height + 0.01
    return box.x0 >= low and box.y0 >= low and box.x1 <= wide and box.y1 <= tall


def bars(figure: Figure) -> int:
    """Return the number of bars in a timeline."""
    (part,) = marked(figure, "operations")
    return len(part.get_paths())


# Rasters


def test_raster_draws_every_spike(result: Result) -> None:
    drawn = drawn_spikes(raster(result))
    assert {name: len(spikes) for name, spikes in drawn.items()} == {
        name: len(spikes) for name, spikes in result.spikes.items()
    }
    assert sum(map(len, drawn.values())) > 200


def test_raster_draws_the_spikes_of_its_span_only(result: Result) -> None:
    drawn = drawn_spikes(raster(result, start_ms=20, stop_ms=41))
    for name, spikes in result.spikes.items():
        kept = spikes.between(20, 41)
        assert sorted(time for time, _ in drawn[name]) == sorted(kept.times_ms.tolist())


def test_raster_stacks_bands_from_input_to_output_and_neurons_downwards(result: Result) -> None:
    figure = raster(result)
    (axes,) = figure.axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == [f"{p.name} ({p.size})" for p in result.network.populations]
    assert axes.yaxis_inverted()
    assert (np.diff(axes.get_yticks()) > 0).all()
    drawn, highest = drawn_spikes(figure), -1.0
    for population in result.network.populations:
        by_neuron: dict[int, set[float]] = {}
        for time, y in drawn[population.name]:
            for other, neuron in result.spikes[population.name].pairs():
                if other == time:
                    by_neuron.setdefault(neuron, set()).add(y)
        heights = [y for _, y in drawn[population.name]]
        assert min(heights) > highest
        highest = max(heights)
        # Where one neuron fires alone, its height is known: it grows with its number.
        alone = {
            neuron: y
            for neuron in by_neuron
            for time, y in drawn[population.name]
            if [n for t, n in result.spikes[population.name].pairs() if t == time] == [neuron]
        }
        assert [alone[n] for n in sorted(alone)] == sorted(alone.values())


def test_raster_draws_chosen_populations_in_the_order_given(result: Result) -> None:
    figure = raster(result, populations=["output", "CueCue"])
    assert [t.get_text() for t in figure.axes[0].get_yticklabels()] == ["output (15)", "CueCue (5)"]


def test_raster_labels_every_operation_and_explains_its_colours(
    result: Result, session: Session
) -> None:
    figure = raster(result, session=session, title="Learning")
    labels = [
        "learn c0",
        "learn c1",
        "learn c3",
        "cue 0?",
        "bit 8?",
        "learn c0",
        "cue 0?",
        "cue 4?",
    ]
    assert words(figure, "operation") == labels
    assert {"learn", "recall by cue", "recall by content", "Learning"} <= set(words(figure))
    assert not overlaps(figure, "operation") and fits(figure)


def test_spans_last_from_start_to_answer(result: Result, session: Session) -> None:
    figure = raster(result, session=session)
    (spans,) = marked(figure, "span recall by content")
    assert isinstance(spans, PolyCollection)
    (path,) = spans.get_paths()
    answer_ms = session.memory.model.timing.answer_ms
    assert (path.vertices[:, 0].min(), path.vertices[:, 0].max()) == (79.5, 80 + answer_ms + 0.5)


@pytest.mark.parametrize("width_mm", [85, 180])
def test_labels_of_crowded_operations_do_not_overlap(width_mm: float) -> None:
    program = [Learn(cue=i, content=(i, i + 1, 19)) for i in range(18)]
    program += [RecallByContent(content=(i, i + 2)) for i in range(18)]
    session = Memory(20, 20).run(program, BACKEND, spacing_ms=8)
    figure = raster(session.result(), session=session, width_mm=width_mm, title="Crowded")
    assert not overlaps(figure, "operation") and fits(figure)
    shown = words(figure, "operation")
    assert len(shown) == 36 if width_mm == 180 else 10 < len(shown) <= 36


def test_operations_may_come_without_a_session(result: Result) -> None:
    operations: list[Operation] = [
        Learn(cue=2, content=(1,)),
        RecallByCue(cue=(1, 2)),
        RecallByContent(content=(0, 1, 2, 3, 7)),
    ]
    figure = raster(result, operations=operations, starts=[0, 20, 40], answer_ms=5)
    assert words(figure, "operation") == ["learn c2", "cues 1,2?", "bits 0–3,7?"]


def test_operations_outside_the_span_are_left_out(result: Result, session: Session) -> None:
    assert words(raster(result, session=session, start_ms=80, stop_ms=95), "operation") == [
        "bit 8?"
    ]


def test_raster_of_a_plain_network_has_no_operations() -> None:
    figure = raster(source_result(SpikeTrains.of([[1, 2], [], [30]])))
    assert len(drawn_spikes(figure)["lines"]) == 3
    assert not marked(figure, "operation") and not figure.legends


def test_raster_without_spikes_still_draws(tmp_path: Path) -> None:
    figure = raster(source_result(SpikeTrains.of([[], []])))
    assert drawn_spikes(figure) == {"lines": set()}
    assert save_figure(figure, tmp_path / "empty.png").stat().st_size > 0


def test_a_large_raster_fits_a_page() -> None:
    rng = np.random.default_rng(1)
    times, neurons = np.nonzero(rng.random((200, 900)) < 0.15)
    spikes = SpikeTrains(times, neurons, 900)
    figure = raster(source_result(spikes, 200))
    (ticks,) = marked(figure, "spikes lines")
    assert len(ticks.get_segments()) == len(spikes) and ticks.get_rasterized()
    assert figure.get_figheight() < 9.5


def test_raster_refuses_what_it_cannot_draw(result: Result, session: Session) -> None:
    with pytest.raises(ValueError, match=r"no spikes of population 'CA9': recorded are input, Cue"):
        raster(result, populations=["CA9"])
    with pytest.raises(ValueError, match="the end must lie after the start"):
        raster(result, start_ms=20, stop_ms=20)
    with pytest.raises(ValueError, match="starts missing"):
        raster(result, operations=session.operations)
    with pytest.raises(ValueError, match="8 operations but 1 starts"):
        raster(result, operations=session.operations, starts=[0])
    with pytest.raises(ValueError, match="give one of them"):
        raster(result, session=session, starts=[0])
    with pytest.raises(ValueError, match=r"width_mm = 10: this figure needs \d+ mm"):
        raster(result, width_mm=10)


# Weights


def test_matrices_mark_exactly_the_weights_that_fire(session: Session) -> None:
    figure = weight_matrices(session)
    first, second = marked(figure, "above threshold")
    stored = {(cue, bit) for cue, bits in session.stored().items() for bit in bits}
    assert {(int(pre), int(post)) for post, pre in first.get_offsets()} == stored
    # What cue 0 forgot is still half there, below the threshold.
    assert {(int(cue), int(bit)) for cue, bit in second.get_offsets()} == stored
    assert {"CueCue → ContCue", "ContCont → CueCont", "Weight (nA)"} <= set(words(figure))
    assert fits(figure)


def test_matrix_shows_values_and_leaves_out_missing_connections() -> None:
    weights = np.array([[0.0, 1.0, np.nan], [2.0, 4.0, 3.0]])
    figure = weight_matrix(weights, label="a->b", unit="mV", threshold=3)
    (mesh,) = marked(figure, "weights")
    np.testing.assert_array_equal(mesh.get_array().filled(np.nan), weights)
    (dots,) = marked(figure, "above threshold")
    assert {tuple(dot) for dot in dots.get_offsets().tolist()} == {(1, 1), (2, 1)}
    assert {"a → b", "Weight (mV)", "≥ 3 mV"} <= set(words(figure))


@pytest.mark.parametrize(
    "weights", [np.zeros((3, 4)), np.full((2, 2), np.nan), np.ones((300, 900))]
)
def test_matrix_of_any_content_and_size_draws(weights: np.ndarray) -> None:
    figure = weight_matrix(weights, label="w")
    assert fits(figure) and figure.get_figheight() < 9.5


def test_matrix_refuses_what_is_none() -> None:
    with pytest.raises(ValueError, match=r"weights of 'w' of shape \(3,\): give a matrix"):
        weight_matrix(np.zeros(3), label="w")


def test_history_draws_only_synapses_that_move(result: Result, session: Session) -> None:
    samples = result.weights[SECOND]
    figure = weight_history(samples, label=SECOND, session=session, by="post")
    moves = samples.values.max(axis=0) > samples.values.min(axis=0)
    counts = {str(n): int(moves[:, n].sum()) for n in range(5) if moves[:, n].any()}
    assert figure.axes[0].get_legend() is not None
    entries = [t.get_text() for t in figure.axes[0].get_legend().get_texts()]
    assert entries == [f"{n} ({count})" for n, count in counts.items()]
    courses = {tuple(line.get_ydata()) for line in marked(figure, "course")}
    assert courses == {tuple(c) for c in samples.values[:, moves].T}
    assert "threshold" in words(figure) and len(words(figure, "operation")) == 8
    assert fits(figure)


def test_history_without_movement_or_samples_still_draws() -> None:
    still = Samples(np.arange(5.0), np.ones((5, 2, 2)), "nA")
    none = Samples(np.empty(0), np.empty((0, 2, 2)), "nA")
    for samples in (still, none):
        assert not marked(weight_history(samples), "course")


def test_history_of_many_neurons_has_no_legend() -> None:
    values = np.arange(4.0)[:, None, None] * np.ones((4, 20, 3))
    figure = weight_history(Samples(np.arange(4.0), values, "nA"), threshold=1.0)
    assert len(marked(figure, "course")) == 20 and figure.axes[0].get_legend() is None


def test_history_refuses_a_state() -> None:
    with pytest.raises(ValueError, match=r"give weights \(time, pre, post\)"):
        weight_history(Samples(np.arange(3.0), np.zeros((3, 2)), "mV"))


# The timeline


def test_timeline_tells_question_answer_and_latency(session: Session) -> None:
    figure = operation_timeline(session)
    texts = words(figure, "answer")
    for text in (
        "learn 0,1,8,9",
        "→ 0,1,8,9 (6 ms)",
        "was 0,1,8,9",
        "→ cues 0,1 (6 ms)",
        "nothing",
    ):
        assert text in texts
    rows = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert rows == ["cue 0", "cue 1", "cue 3", "cue 4", "by content"]
    assert bars(figure) == len(session.operations)
    assert not overlaps(figure, "answer") and fits(figure)


def test_timeline_of_part_of_a_session(session: Session) -> None:
    figure = operation_timeline(session, start_ms=60, stop_ms=80)
    assert words(figure, "answer") == ["recall?", "→ 0,1,8,9 (6 ms)"]


def test_timeline_of_a_long_session_fits_a_page() -> None:
    program: list[Operation] = [Learn(cue=i, content=(i % 7, 8, 9)) for i in range(45)]
    program += [RecallByCue(cue=(i, i + 1)) for i in range(10)]
    figure = operation_timeline(Memory(45, 10).run(program, BACKEND))
    assert figure.get_figheight() < 9.5 and not overlaps(figure, "answer")
    assert bars(figure) == 45 + 2 * 10


def test_figures_of_an_unused_memory_draw() -> None:
    session = Memory(2, 3).start(BACKEND)
    assert not words(operation_timeline(session), "answer")
    assert weight_matrices(session).axes
    assert raster(session.result(), session=session).axes


@pytest.mark.parametrize("model", ["ca3", "hippocampus", "hippocampus-logic"])
def test_every_model_draws(model: str) -> None:
    session = Memory(3, 4, model=model).start(BACKEND)
    session.learn(0, [1, 2])
    session.recall_by_cue(0)
    assert words(raster(session.result(), session=session), "operation") == ["learn c0", "cue 0?"]
    assert "→ 1,2" in " ".join(words(operation_timeline(session), "answer"))
    assert len(marked(weight_matrices(session), "above threshold")) == 1


# Files


@pytest.mark.parametrize(
    ("suffix", "begin"),
    [(".png", b"\x89PNG"), (".pdf", b"%PDF"), (".svg", b"<?xml"), (".PNG", b"\x89")],
)
def test_figures_reach_files(suffix: str, begin: bytes, session: Session, tmp_path: Path) -> None:
    path = save_figure(weight_matrices(session), tmp_path / f"figure{suffix}")
    content = path.read_bytes()
    assert content.startswith(begin)
    save_figure(weight_matrices(session), path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_png_has_200_dots_an_inch(tmp_path: Path) -> None:
    figure = weight_history(Samples(np.arange(3.0), np.zeros((3, 1, 1)), "nA"))
    path = save_figure(figure, tmp_path / "figure.png")
    width = int.from_bytes(path.read_bytes()[16:20])
    assert width == int(180 / 25.4 * 200)


@pytest.mark.parametrize("name", ["figure.jpg", "figure", "figure.png.partial"])
def test_an_unknown_suffix_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"use \.png, \.pdf, \.svg"):
        save_figure(Figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())
    assert list(FORMATS) == [".png", ".pdf", ".svg"]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = Figure()
    path = save_figure(figure, tmp_path / "figure.png")
    before = path.read_bytes()

    def full(target: Path, **settings: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(figure, "savefig", full)
    with pytest.raises(OSError, match="disk full"):
        save_figure(figure, path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_the_users_settings_neither_change_nor_matter(session: Session, tmp_path: Path) -> None:
    plain = save_figure(weight_matrices(session), tmp_path / "plain.svg").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
        before = dict(matplotlib.rcParams)
        other = save_figure(weight_matrices(session), tmp_path / "other.svg").read_bytes()
        assert dict(matplotlib.rcParams) == before
    assert other == plain


def test_pyplot_is_not_loaded() -> None:
    code = "import sys, neuromem.plotting; print('matplotlib.pyplot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"

"""Figures show every config, and nothing in them hides anything else."""

from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text
from qnn_compare import Comparison
from qnn_compare.experiment.configs import Config
from qnn_compare.report.figures import PICTURES, bits, curves, differences, size
from qnn_compare.report.figures.style import looks
from qnn_core.errors import CompareError, SpecError
from shown_studies import (
    FLOAT,
    STUDIES,
    around,
    at_chance,
    both,
    many,
    nothing_done,
    study,
    typical,
)

EVERY = pytest.mark.parametrize("name", STUDIES)
DRAW = {
    "differences": differences.draw,
    "bits": bits.draw,
    "bytes": size.draw,
    "curves": curves.draw,
}
# Of what cannot be packed there is no size to show.
PACKED = [name for name in STUDIES if name != "none_packed"]
PAIRED = [name for name in STUDIES if name != "one_config"]
SHOWN = {"bytes": PACKED, "differences": PAIRED}
DRAWN = [(what, name) for what in DRAW for name in SHOWN.get(what, STUDIES)]
# Of the others, whose series have a look.
SERIES = [(what, name) for what, name in DRAWN if what != "differences"]


@cache
def drawn(what: str, comparison: Comparison) -> Figure:
    figure = DRAW[what](comparison)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    return figure


def texts(figure: Figure) -> list[Text]:
    """Return all that is written, legends and the labels of ticks included."""
    found = figure.findobj(lambda artist: isinstance(artist, Text) and bool(artist.get_text()))
    # Ticks beyond the ends of an axis are not drawn.
    hidden: set[Any] = set()
    for axes in figure.findobj(lambda artist: hasattr(artist, "xaxis")):
        if not axes.get_visible():
            hidden |= {*axes.findobj(Text)}
        for axis in (axes.xaxis, axes.yaxis):
            shown = {*axis._update_ticks()}
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                if tick not in shown:
                    hidden |= {tick.label1, tick.label2}
    return [text for text in found if text.get_visible() and text not in hidden]


@pytest.mark.parametrize(("what", "name"), DRAWN)
def test_no_text_overlaps_another_or_is_cut_off(what: str, name: str) -> None:
    figure = drawn(what, STUDIES[name]())
    boxes = {}
    for text in texts(figure):
        box = text.get_window_extent()
        if text.get_visible() and box.width and box.height:
            boxes[text] = box
    assert len(boxes) > 5
    for (one, box), (other, other_box) in combinations(boxes.items(), 2):
        # A pixel is no overlap: boxes have room around the letters.
        overlaps = box.padded(-1.5).overlaps(other_box.padded(-1.5))
        assert not overlaps, f"{one.get_text()!r} and {other.get_text()!r}"
    for text, box in boxes.items():
        inside = figure.bbox.padded(2)
        assert inside.contains(box.x0, box.y0), text.get_text()
        assert inside.contains(box.x1, box.y1), text.get_text()


@pytest.mark.parametrize(("what", "name"), SERIES)
def test_a_legend_names_every_series_and_hides_nothing(what: str, name: str) -> None:
    comparison = STUDIES[name]()
    figure = drawn(what, comparison)
    [legend] = figure.legends
    named = {"".join(text.get_text().split()) for text in legend.get_texts()}
    shown = [config for config in comparison.configs if comparison.done(config)]
    if what == "bytes":
        shown = [config for config in shown if comparison.nbytes(config)]
    assert {"".join(config.series.split()) for config in shown} <= named
    box = legend.get_window_extent()
    for axes in figure.axes:
        assert not box.overlaps(axes.get_window_extent())


@EVERY
def test_over_bits_every_config_has_its_mean_and_its_seeds(name: str) -> None:
    comparison = STUDIES[name]()
    [axes] = drawn("bits", comparison).axes
    means = sorted(bars.lines[0].get_ydata()[0] for bars in axes.containers)
    configs = [config for config in comparison.configs if comparison.done(config)]
    expected = sorted(100 * comparison.accuracy(config).mean for config in configs)
    assert means == pytest.approx(expected)
    seeds = sum(len(line.get_ydata()) for line in axes.lines if line.get_marker() == ".")
    assert seeds == sum(len(comparison.done(config)) for config in configs)


@pytest.mark.parametrize("name", PACKED)
def test_over_bytes_every_config_stands_at_its_size(name: str) -> None:
    comparison = STUDIES[name]()
    [axes] = drawn("bytes", comparison).axes
    shown = {
        (line.get_xdata()[0], round(line.get_ydata()[0], 6))
        for line in axes.lines
        if len(line.get_xdata()) == 1
    }
    for config in comparison.configs:
        if (known := comparison.accuracy(config)) is not None and comparison.nbytes(config):
            assert (comparison.nbytes(config), round(100 * known.mean, 6)) in shown


def test_configs_far_below_are_marked_and_do_not_squeeze_the_others() -> None:
    for what in ("bits", "bytes"):
        [axes] = drawn(what, at_chance()).axes
        low, high = axes.get_ylim()
        assert 90 < low < 93
        assert 97 < high < 98
        assert {"↓ 11 %", "↓ 13 %"} <= {text.get_text() for text in axes.texts}


def test_lines_join_what_differs_in_one_width_only() -> None:
    configs = [
        Config(weight=f"symmetric:{w}", input=f"uniform:{a}") for w in (1, 2) for a in (2, 4, 8)
    ]
    [axes] = drawn("bits", study({config: around(0.95) for config in configs})).axes
    curves_ = [
        line
        for line in axes.lines
        if line.get_marker() == "None" and len(line.get_xdata()) > 1 and line.get_zorder() == 2
    ]
    assert [len(line.get_xdata()) for line in curves_] == [3, 3]


def test_thirty_series_look_different_even_in_grey() -> None:
    series = looks([both(f"symmetric:2,percentile={n}") for n in range(30)])
    assert len({(look.marker, str(look.line)) for look in series.values()}) == 31


def test_files_have_the_same_bytes_each_time(tmp_path: Path) -> None:
    first, second = (typical().plot(tmp_path / name) for name in ("first", "second"))
    assert [path.name for path in first] == [
        f"{picture.name}.{suffix}"
        for suffix in ("png", "svg")
        for picture in PICTURES
        if picture.name != "accuracy-over-cycles"  # of nets that are measured as C
    ]
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    for path in first[:3]:
        assert imread(path).std() > 0.05  # something is drawn


def test_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="got 'pngg'; did you mean 'png'"):
        typical().plot(tmp_path, ["pngg"])
    with pytest.raises(SpecError, match="must be a list"):
        typical().plot(tmp_path, "png")
    assert not [*tmp_path.iterdir()]


def test_nothing_is_drawn_of_a_study_without_a_result(tmp_path: Path) -> None:
    with pytest.raises(CompareError, match="no run has been trained"):
        nothing_done().plot(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CompareError, match="cannot be written to"):
        typical().plot(tmp_path / "file")


def test_a_study_of_many_configs_is_no_larger_than_a_page() -> None:
    for what in ("bits", "bytes"):
        width, height = drawn(what, many()).get_size_inches()
        assert width <= 12
        assert height <= 8


@pytest.mark.parametrize("name", PAIRED)
def test_differences_show_every_verdict(name: str) -> None:
    comparison = STUDIES[name]()
    [axes] = drawn("differences", comparison).axes
    pairs = [pair for pair in comparison.against() if pair.n]
    assert len(axes.get_yticklabels()) == len(pairs)
    points = {
        line.get_ydata()[0]: line for line in axes.lines if line.get_marker() not in ("None", None)
    }
    low, high = axes.get_xlim()
    for place, pair in enumerate(pairs):
        assert pair.difference is not None
        if place not in points:  # an arrow says how far it is
            assert not low <= 100 * pair.difference <= high
            continue
        assert points[place].get_xdata()[0] == pytest.approx(100 * pair.difference)
        assert (points[place].get_markerfacecolor() == "white") == (not pair.decided)
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (band.x0, band.x1) == pytest.approx((-0.5, 0.5))


def test_a_noisy_config_does_not_squeeze_the_others() -> None:
    noisy = {both("uniform:1"): [0.5, 0.97, 0.3, 0.9, 0.6]}
    quiet = {both(f"symmetric:{b}"): around(0.97, shift=b) for b in (2, 3, 4, 8)}
    comparison = study({FLOAT: around(0.97)} | quiet | noisy)
    for what in ("bits", "bytes"):
        low, high = drawn(what, comparison).axes[0].get_ylim()
        assert high - low < 5
    low, high = drawn("differences", comparison).axes[0].get_xlim()
    assert high - low < 5


def test_one_figure_is_returned_and_takes_axes() -> None:
    comparison = typical()
    assert isinstance(comparison.plot(), Figure)
    own = comparison.plot(of="accuracy-over-bits")
    assert own.get_axes()[0].get_ylabel() == "test accuracy (%)"
    mine = Figure(figsize=(12, 5), layout="constrained")
    for ax, of in zip(mine.subplots(1, 2), ("differences", "accuracy-over-bytes"), strict=True):
        assert comparison.plot(of=of, ax=ax) is mine
    mine.draw_without_rendering()
    assert mine.get_size_inches().tolist() == [12, 5]
    assert [axes.get_xlabel()[:10] for axes in mine.get_axes()] == ["difference", "bytes of t"]


def test_a_figure_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"no such figure: 'curves'; there are differences, .*"):
        typical().plot(of="curves")
    with pytest.raises(SpecError, match="nothing to show in it: 'accuracy-over-bytes'"):
        STUDIES["none_packed"]().plot(of="accuracy-over-bytes")
    with pytest.raises(SpecError, match="leave ax out"):
        typical().plot(of="training-curves", ax=Figure().subplots())
    with pytest.raises(SpecError, match="a folder gets every figure"):
        typical().plot(tmp_path, of="differences")  # type: ignore[call-overload] # refused
    with pytest.raises(CompareError, match="no run has been trained"):
        nothing_done().plot()


def test_names_are_drawn_as_they_are_and_not_as_mathematics(tmp_path: Path) -> None:
    named = {name: {0: 0.9, 1: 0.8, 2: 0.85} for name in ("a", r"$\no$", "$b$ < c")}
    comparison = Comparison.from_results(named)
    figure = comparison.plot()
    figure.draw_without_rendering()
    names = [label.get_text() for label in figure.get_axes()[0].get_yticklabels()]
    assert names == [r"\$\no\$", r"\$b\$ < c"]  # dollars without a meaning
    assert comparison.report(tmp_path / "report.html").exists()

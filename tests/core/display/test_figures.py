"""Figures are returned, drawn on given axes, and written to paths."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from matplotlib.figure import Figure
from matplotlib.image import imread
from qnn_core import nn
from qnn_core.errors import SpecError, StateError

X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
MODEL = qnn.MLP([6, 5, 2], weight="symmetric:2", input="uniform:2", seed=0)
HISTORY = qnn.fit(
    MODEL, (X, Y), epochs=3, optimizer=qnn.optim.SGD(MODEL.parameters(), lr=0.1), validation=(X, Y)
)
NAME = r"$\no$"
ANATOMY = qnn.anatomy(MODEL, (X, Y))

DRAWN: dict[str, Callable[..., Any]] = {
    "history": HISTORY.plot,
    "anatomy": ANATOMY.plot,
    "graph": lambda *path, **options: qnn.draw(MODEL, X[:1], *path, **options),
}


def texts(figure: Figure) -> list[str]:
    """Return all that is written in a figure."""
    figure.draw_without_rendering()
    found = [text for axes in figure.get_axes() for text in axes.findobj(match=is_text)]
    return [text.get_text() for text in found if text.get_visible() and text.get_text()]


def is_text(artist: Any) -> bool:
    return hasattr(artist, "get_text")


@pytest.mark.parametrize("name", DRAWN)
def test_without_a_path_there_is_a_figure_that_a_notebook_shows(name: str) -> None:
    figure = DRAWN[name]()
    assert isinstance(figure, Figure)
    assert figure._repr_png_()[:4] == b"\x89PNG"
    assert texts(figure)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("placed", ["subplots", "by hand"])
def test_axes_of_the_caller_are_drawn_on(name: str, placed: str) -> None:
    mine = Figure(figsize=(9, 6))
    ax = mine.subplots(2, 1)[1] if placed == "subplots" else mine.add_axes((0.1, 0.1, 0.8, 0.8))
    assert DRAWN[name](ax=ax) is mine
    assert texts(mine)
    assert mine.get_size_inches().tolist() == [9, 6]


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_no_axes_is_refused(name: str) -> None:
    with pytest.raises(TypeError, match=r"ax must be one Axes of matplotlib, .* got Figure"):
        DRAWN[name](ax=Figure())


@pytest.mark.parametrize("name", ["history", "anatomy"])
def test_paths_are_written(name: str, tmp_path: Path) -> None:
    path = DRAWN[name](tmp_path / "figure.png")
    assert path == tmp_path / "figure.png"
    assert imread(path)[..., :3].min() < 0.3
    with pytest.raises(SpecError, match=r"figure needs a suffix that says the format"):
        DRAWN[name](tmp_path / "figure")


def test_a_history_shows_its_metric_beside_its_loss() -> None:
    written = texts(HISTORY.plot())
    assert {"loss", "accuracy, %", "epoch", "training", "validation"} <= set(written)
    curve = HISTORY.plot().get_axes()[1].get_lines()[1]
    wanted = [100 * e.val_accuracy for e in HISTORY.epochs if e.val_accuracy is not None]
    assert np.allclose(np.asarray(curve.get_ydata(), float), wanted)


def test_a_history_without_a_metric_has_one_panel() -> None:
    model = nn.Linear(6, 1)
    history = qnn.fit(
        model, (X, X[:, :1]), epochs=1, optimizer=qnn.optim.SGD(model.parameters(), lr=0.01),
        loss=lambda outputs, targets: ((outputs - targets) ** 2).mean(), metric=None,
    )  # fmt: skip # one call
    assert len(history.plot().get_axes()) == 1
    with pytest.raises(StateError, match="no epoch yet"):
        qnn.History().plot()


def test_a_graph_has_each_operation_below_what_it_takes() -> None:
    figure = qnn.draw(MODEL, X[:1])
    axes = figure.get_axes()[0]
    place = {text.get_text().split("\n")[0]: text.get_position() for text in axes.texts}
    order = ["input0", "layers.0.input_quantizer: fake_quantize", "layers.0: linear", "output"]
    heights = [place[name][1] for name in order]
    assert heights == sorted(heights, reverse=True)
    assert any("weight 5 x 6" in text.get_text() for text in axes.texts)


def test_a_residual_sum_is_drawn_around_what_it_skips() -> None:
    class Residual(nn.Module):
        def __init__(self) -> None:
            self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)

        def forward(self, x: Any) -> Any:
            return x + self.second(qnn.ops.relu(self.first(x)))

    axes = qnn.draw(Residual(), X[:1]).get_axes()[0]
    boxes = [t for t in axes.texts if t.get_bbox_patch() and "linear" in t.get_text()]
    around = [line for line in axes.get_lines() if len(np.asarray(line.get_xdata())) == 3]
    assert len(around) == 1
    assert max(np.asarray(around[0].get_xdata())) > max(t.get_position()[0] for t in boxes) + 0.3


def test_a_graph_has_either_a_path_or_axes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave out path= or ax="):
        qnn.draw(MODEL, X[:1], tmp_path / "net.dot", ax=Figure().subplots())  # type: ignore[call-overload] # refused


def test_without_matplotlib_all_shows_itself_but_figures(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "sys.modules['matplotlib'] = None\n"
        "import numpy as np, qnn_core as qnn\n"
        "x, y = np.eye(2), np.array([0, 1])\n"
        "model = qnn.MLP([2, 3, 2], weight='binary', seed=0)\n"
        "optimizer = qnn.optim.SGD(model.parameters(), lr=1.0)\n"
        "history = qnn.fit(model, (x, y), epochs=2, optimizer=optimizer)\n"
        "for one in (model, history, qnn.summary(model, x), qnn.get_quantizer('binary')):\n"
        "    assert '<table' in one._repr_html_()\n"
        "for draw in (history.plot, lambda: qnn.draw(model, x)):\n"
        "    try:\n"
        "        draw()\n"
        "    except ImportError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    needs = "a figure needs matplotlib: pip install matplotlib"
    assert done.stdout.splitlines() == [f"plot: {needs}", f"draw: {needs}"]


def test_names_are_drawn_as_they_are_and_not_as_mathematics() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            setattr(self, NAME, nn.QuantLinear(6, 2, weight="symmetric:2"))

        def forward(self, x: qnn.Tensor) -> Any:
            return getattr(self, NAME)(x)

    model = Named()
    epochs = [replace(epoch, metric_name=NAME) for epoch in HISTORY.epochs]
    drawn = [
        qnn.draw(model, X[:1]),
        qnn.anatomy(model, (X, Y)).plot(),
        qnn.History(epochs).plot(),
    ]
    for figure in drawn:
        assert any(r"\$\no\$" in text for text in texts(figure))  # dollars without a meaning


def test_a_metric_without_a_number_leaves_the_legend_to_the_loss() -> None:
    epochs = [
        replace(epoch, metric=np.nan, val_metric=np.nan, metric_name="auc")
        for epoch in HISTORY.epochs
    ]
    figure = qnn.History(epochs).plot()
    assert [axes.get_legend() is not None for axes in figure.get_axes()] == [True, False]

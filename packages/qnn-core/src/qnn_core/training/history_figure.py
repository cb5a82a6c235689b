"""The figure of a history."""

from typing import TYPE_CHECKING

import numpy as np

from ..display import BLUE, ORANGE, panels_for, plain
from .history_table import shown_metric

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from .history import History


def history_figure(history: "History", ax: "Axes | None") -> "Figure":
    """Return the figure of a history's loss and metric; see `History.plot`."""
    measured = any(e.metric is not None or e.val_metric is not None for e in history.epochs)
    widths = [1, 1] if measured else [1]
    figure, panels = panels_for("plot", ax, widths, size=(4.2 * len(widths), 3.4))
    _draw(panels[0], history, "loss", "loss", 1)
    if measured:
        _draw(panels[1], history, "metric", *shown_metric(history))
    for axes in [axes for axes in panels if axes.get_legend_handles_labels()[1]][-1:]:
        axes.legend(loc="best", fontsize=8, frameon=False)
    return figure


def _draw(axes: "Axes", history: "History", of: str, label: str, factor: float) -> None:
    epochs = [epoch.epoch for epoch in history.epochs]
    for name, told, look, color in (
        (of, "training", "o--", ORANGE),
        (f"val_{of}", "validation", "s-", BLUE),
    ):
        values = np.array([getattr(epoch, name) for epoch in history.epochs], np.float64)
        if np.isfinite(values).any():
            every = max(1, len(epochs) // 12)
            shown = factor * values
            axes.plot(epochs, shown, look, color=color, label=told, ms=4, markevery=every)
    axes.axvline(history.best_epoch, color="0.6", linewidth=0.8, linestyle=":")
    axes.set_xlabel("epoch")
    axes.set_title(plain(label), fontsize=10)
    axes.locator_params(axis="x", integer=True)
    if len(epochs) == 1:
        axes.set_xlim(epochs[0] - 0.5, epochs[0] + 0.5)
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

"""Training curves."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray
from qnn_core.display import plain
from qnn_core.display.shown_figure import ShownFigure
from qnn_core.errors import SpecError

from ...experiment.configs import Config
from ...formatting import width
from .scale import floor
from .style import FONT, Look, legend, looks

if TYPE_CHECKING:
    from ...comparison import Comparison

Array = NDArray[np.float64]
ACROSS = 4  # panels beside each other; more are too small to read


def known(comparison: "Comparison") -> bool:
    """Whether the test accuracy of an epoch is known of every config."""
    done = [result for config in comparison.configs for result in comparison.done(config)]
    return all(any(math.isfinite(e["test_accuracy"]) for e in r.history) for r in done)


def draw(comparison: "Comparison", ax: Axes | None = None) -> Figure:
    """Return the figure: a panel for each width, test accuracy above and training loss below.

    Raises:
        SpecError: if axes are given: its panels need a figure of their own.
    """
    if ax is not None:
        raise SpecError(
            "plot: training-curves have a panel for each width, and a figure of their own: leave "
            "ax out"
        )
    configs = [config for config in comparison.configs if comparison.done(config)]
    widths = list(dict.fromkeys(config.bits for config in configs if not config.is_float))
    widths = sorted(widths) or [configs[0].bits]
    down = -(-len(widths) // ACROSS)
    across = -(-len(widths) // down)
    size = max(4.5, 1.0 + 2.3 * across), 0.4 + 4.4 * down
    figure = ShownFigure(figsize=size, layout="constrained")
    blocks = figure.subfigures(down, 1, squeeze=False)[:, 0]
    styles = looks(configs)
    metric = comparison.metric
    tests = {
        config: metric.factor * _curve(comparison, config, "test_accuracy") for config in configs
    }
    losses = {config: _curve(comparison, config, "loss") for config in configs}
    for start, block in zip(range(0, len(widths), across), blocks, strict=True):
        panels = block.subplots(2, across, sharex=True, sharey="row", squeeze=False)
        _label_row(panels, metric.label)
        panels[0, 0].set_ylim(*_limits([*tests.values()], shares=metric.shares))
        if all(len(curve) == 1 for curve in tests.values()):
            panels[0, 0].set_xlim(0.5, 1.5)  # one epoch: round it, that it has a whole tick
        _scale_losses(panels[1], [*losses.values()])
        for bits, (above, below) in zip(widths[start:], panels.T, strict=False):
            shown = [config for config in configs if config.bits == bits or config.is_float]
            for config in shown:
                _draw_curve(above, tests[config], styles[config.series])
                _draw_curve(below, losses[config], styles[config.series])
            above.set_title("float" if min(bits) == 32 else _bits(bits), fontsize=FONT + 1)
            _list_below(above, {config.series: tests[config] for config in shown})
        for empty in panels[:, len(widths) - start :].flat:
            empty.set_visible(False)
    told = "means over seeds"
    if any(comparison.partial(config) for config in configs):
        told += "; not all series have the same seeds"
    blocks[0].suptitle(told, fontsize=FONT, color="0.3")
    legend(figure, [styles[series].entry(series) for series in _present(configs, styles)])
    return figure


def _present(configs: Sequence[Config], styles: dict[str, Look]) -> list[str]:
    present = {config.series for config in configs}
    return [series for series in styles if series in present]


def _curve(comparison: "Comparison", config: Config, key: str) -> Array:
    """Return the mean over seeds of a measurement, epoch by epoch."""
    runs = [[epoch[key] for epoch in result.history] for result in comparison.done(config)]
    mean: Array = np.array(runs, dtype=np.float64).mean(axis=0)
    return mean


def _limits(curves: Sequence[Array], *, shares: bool) -> tuple[float, float]:
    """Return the values to show: where most curves are after the first epochs."""
    settled = np.array([value for curve in curves for value in curve[len(curve) // 4 :]])
    settled = settled[np.isfinite(settled)]
    if not shares:
        margin = 0.06 * float(np.ptp(settled)) or 0.06 * max(abs(float(settled[0])), 1e-9)
        return settled.min() - margin, settled.max() + margin
    low = settled[settled > floor(settled)].min()
    margin = max(0.06 * (settled.max() - low), 0.25)
    return max(0.0, low - margin), min(100.0, settled.max() + margin)


def _draw_curve(axes: Axes, curve: Array, look: Look) -> None:
    axes.plot(
        np.arange(1, len(curve) + 1),
        curve,
        color=look.color,
        linestyle=look.line,
        marker=look.marker,
        markersize=4,
        markevery=max(1, len(curve) // 5),
        linewidth=1.2,
    )


def _label_row(panels: Any, metric: str) -> None:
    panels[0, 0].set_ylabel(plain(f"test {metric}"), fontsize=FONT)
    panels[1, 0].set_ylabel("training loss", fontsize=FONT)
    for panel in panels.flat:
        panel.grid(color="0.92")
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=FONT - 1)
    for panel in panels[1]:
        panel.set_xlabel("epoch", fontsize=FONT)
        panel.xaxis.set_major_locator(MaxNLocator(4, integer=True, min_n_ticks=1))


def _scale_losses(panels: Sequence[Axes], losses: Sequence[Array]) -> None:
    """Give all panels of losses one range; a log scale, if it is wide enough to have ticks."""
    values = np.concatenate(losses)
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size or values.max() < 4 * values.min():
        return
    for axes in panels:
        axes.set_yscale("log")
        axes.set_ylim(values.min() / 1.2, values.max() * 1.2)
        subs = (1.0, 2.0, 5.0) if values.max() < 300 * values.min() else (1.0,)
        axes.yaxis.set_major_locator(LogLocator(subs=subs))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())


def _bits(bits: tuple[int, int]) -> str:
    return "1 bit" if bits == (1, 1) else f"{width(bits)} bits"


def _list_below(axes: Axes, curves: dict[str, Array]) -> None:
    """Name the series whose curve lies below what is shown."""
    best = {series: curve.max() for series, curve in curves.items()}
    least, _ = axes.get_ylim()
    below = [f"{series}: {value:.0f} %" for series, value in best.items() if value < least]
    if below:
        axes.text(
            0.97,
            0.03,
            plain("\n".join(["below:", *below])),
            fontsize=FONT - 1,
            ha="right",
            transform=axes.transAxes,
            zorder=5,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        )

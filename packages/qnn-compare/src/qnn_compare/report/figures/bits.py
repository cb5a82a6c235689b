"""Accuracy over bits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from qnn_core.display import figure_for, plain

from ...experiment.configs import Config
from ...experiment.spec_bits import FLOAT
from ...formatting import width
from .points import draw_reference, points_of
from .scale import Below, Point, limits, mark_below
from .style import FONT, HOLLOW, OF_FLOAT, Look, legend, looks

if TYPE_CHECKING:
    from ...comparison import Comparison

BESIDE = 0.05  # of the same room, from an interval to its seeds
SPREAD = 0.64  # of the room of a width is shared by the series


def draw(comparison: "Comparison", ax: Axes | None = None) -> Figure:
    """Return the figure: a curve for each series, its intervals, and what is equivalent."""
    points = points_of(comparison)
    widths = sorted({config.bits for config in points}, key=lambda bits: (min(bits) == 32, *bits))
    size = max(5.0, min(12.0, 2.5 + 0.95 * len(widths))), 4.6
    figure, axes = figure_for("plot", ax, size=size)
    axes.set_ylim(*limits([*points.values()], shares=comparison.metric.shares))
    places: dict[Config, float] = {config: widths.index(config.bits) for config in points}
    entries = [band] if (band := draw_reference(axes, comparison, points)) else []
    for config in points:
        if config.series == FLOAT:
            _draw_point(axes, places[config], points[config], OF_FLOAT, 10)
            entries.append(OF_FLOAT._replace(line="").entry(FLOAT))
    styles = looks([*points])
    series = [name for name in styles if name != FLOAT]
    for n, name in enumerate(series):
        # Side by side: points of equal height must not hide each other.
        shift = SPREAD * ((n + 0.5) / len(series) - 0.5)
        x = {config: place + shift for config, place in places.items() if config.series == name}
        for curve in _curves(sorted(x, key=lambda config: x[config])):
            _draw_curve(axes, [(x[config], points[config]) for config in curve], styles[name])
        places |= x
        entries.append(styles[name].entry(name))
    _mark_below(
        axes,
        [Below(x, points[a].mean, styles[a.series], points[a].hollow) for a, x in places.items()],
    )
    _label(axes, widths, comparison.metric.label)
    if any(point.hollow for point in points.values()):
        entries.append(HOLLOW)
    legend(figure, entries, ax)
    return figure


def _mark_below(axes: Axes, points: Sequence[Below]) -> None:
    """Mark what lies below the axes, all of one width together."""
    groups: dict[int, list[Below]] = {}
    for point in points:
        if point.accuracy < axes.get_ylim()[0]:
            groups.setdefault(round(point.x), []).append(point)
    for place, group in groups.items():
        mark_below(axes, group, place)


def _curves(configs: Sequence[Config]) -> list[list[Config]]:
    """Return the configs that a line joins: not where bits of weights and of inputs both vary."""
    weights, inputs = ({config.bits[side] for config in configs} for side in (0, 1))
    if all(config.bits[0] == config.bits[1] for config in configs):
        return [[*configs]]
    fixed, few = (0, weights) if len(weights) <= len(inputs) else (1, inputs)
    return [[config for config in configs if config.bits[fixed] == bits] for bits in sorted(few)]


def _draw_curve(axes: Axes, points: Sequence[tuple[float, Point]], look: Look) -> None:
    """Draw means, joined, with their intervals and seeds."""
    axes.plot(
        [x for x, _ in points],
        [point.mean for _, point in points],
        color=look.color,
        linestyle=look.line,
        linewidth=1.2,
        zorder=2,
    )
    for x, point in points:
        _draw_point(axes, x, point, look, 6)


def _draw_point(axes: Axes, x: float, point: Point, look: Look, size: float) -> None:
    ends = np.array([[point.mean - point.low], [point.high - point.mean]])
    axes.errorbar(
        [x],
        [point.mean],
        ends if point.low < point.high else None,
        color=look.color,
        marker=look.marker,
        markersize=size,
        markerfacecolor="white" if point.hollow else look.color,
        markeredgecolor=look.color if point.hollow else "white",
        markeredgewidth=1.2 if point.hollow else 0.5,
        elinewidth=1.2,
        capsize=2.5,
        zorder=4,
    )
    beside = [x + BESIDE] * len(point.seeds)
    axes.plot(beside, point.seeds, ".", color=look.color, alpha=0.4, mew=0, ms=6, zorder=3)


def _label(axes: Axes, widths: Sequence[tuple[int, int]], metric: str) -> None:
    names = ["32\n(float)" if min(bits) == 32 else width(bits) for bits in widths]
    axes.set_xticks(range(len(widths)), names)
    axes.set_xlim(-0.5, len(widths) - 0.5)
    same = all(weight == input for weight, input in widths)
    axes.set_xlabel("bits of weights and inputs" if same else "bits of weights x bits of inputs")
    axes.set_ylabel(plain(f"test {metric}"))
    axes.set_title(
        "means with their 95 % intervals; pale dots: single seeds", fontsize=FONT, color="0.3"
    )
    axes.grid(axis="y", color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)

"""Accuracy over what nets cost, bytes of the packed file or cycles as C, and the Pareto front."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox
from qnn_core.display import figure_for, plain

from ...experiment.configs import Config
from ...experiment.spec_bits import FLOAT
from ...formatting import width
from .labels import Label, place
from .points import draw_reference, points_of
from .scale import Below, Point, limits, mark_below
from .style import FONT, HOLLOW, legend, looks

if TYPE_CHECKING:
    from ...comparison import Comparison

FRONT = "0.35"
APART = 1.05  # factor between the marks of two configs that lie below at one size


def draw(comparison: "Comparison", ax: Axes | None = None) -> Figure:
    """Return the figure: a point for each config with its bits, and the front as a stair."""
    return _draw(comparison, "nbytes", "bytes of the packed file (log scale)", ax)


def draw_cycles(comparison: "Comparison", ax: Axes | None = None) -> Figure:
    """Return the same over the modelled cycles of an inference as C."""
    target = comparison.plan.configuration["c"].get("target", "any")
    return _draw(comparison, "c_cycles", f"cycles as C, modelled for {target} (log scale)", ax)


def _draw(comparison: "Comparison", of: str, label: str, ax: Axes | None) -> Figure:
    known = {config: comparison.cost(config, of) for config in comparison.configs}
    front = comparison.front(of)
    points = {config: point for config, point in points_of(comparison).items() if known[config]}
    sizes = {config: float(known[config] or 0) for config in points}
    figure, axes = figure_for("plot", ax, size=(7.5, 4.8))
    axes.set_xscale("log")
    axes.set_ylim(*limits([*points.values()], shares=comparison.metric.shares))
    axes.set_xlim(min(sizes.values()) / 1.25, max(sizes.values()) * 1.25)
    band = draw_reference(axes, comparison, points)
    styles = looks([*points])
    _draw_front(axes, comparison, points, sizes, front)
    below = []
    for config, point in points.items():
        color, marker, _ = look = styles[config.series]
        axes.vlines(sizes[config], point.low, point.high, color=color, alpha=0.45, linewidth=1.2)
        face, edge, width = ("white", color, 1.2) if point.hollow else (color, "white", 0.5)
        axes.plot(
            sizes[config], point.mean, marker, color=color, ms=11 if config.series == FLOAT else 7,
            zorder=4, mfc=face, mec=edge, mew=width,
        )  # fmt: skip # one look
        if point.mean < axes.get_ylim()[0]:
            below.append(Below(sizes[config], point.mean, look, point.hollow))
    for group in _near(below):
        middle = (group[0].x * group[-1].x) ** 0.5
        apart = [APART ** (n - (len(group) - 1) / 2) for n in range(len(group))]
        beside = [p._replace(x=p.x * f) for p, f in zip(group, apart, strict=True)]
        mark_below(axes, beside, middle)
    _label(axes, comparison.metric.label, label, of)
    used = [styles[series]._replace(line="").entry(series) for series in _series(points, styles)]
    line = Line2D([], [], color=FRONT, linewidth=1, linestyle="--", label="Pareto front")
    hollow = [HOLLOW] if any(point.hollow for point in points.values()) else []
    legend(figure, [*([band] if band else []), *used, line, *hollow], ax)
    _write_bits(figure, axes, points, sizes, _on_line(comparison, points, front))
    return figure


def _draw_front(
    axes: Axes,
    comparison: "Comparison",
    points: Mapping[Config, Point],
    sizes: Mapping[Config, float],
    front: Sequence[Config],
) -> None:
    front = _on_line(comparison, points, front)
    if not front:
        return
    x = [sizes[config] for config in front]
    y = [points[config].mean for config in front]
    # From the worse edge to the first, and from the last to the right: what a size can have.
    low, high = axes.get_ylim()
    edge = min(low, y[0]) if comparison.metric.higher_is_better else max(high, y[0])
    x, y = [x[0], *x, axes.get_xlim()[1]], [edge, *y, y[-1]]
    axes.plot(x, y, drawstyle="steps-post", color=FRONT, linewidth=1, linestyle="--", zorder=1)


def _on_line(
    comparison: "Comparison", points: Mapping[Config, Point], front: Sequence[Config]
) -> list[Config]:
    """Return the configs on the line: a stair through means over other seeds could go down."""
    return [config for config in front if config in points and not comparison.partial(config)]


def _near(points: list[Below]) -> list[list[Below]]:
    """Return points in groups whose texts would overlap if each had its own."""
    groups: list[list[Below]] = []
    for point in sorted(points, key=lambda point: point.x):
        if groups and point.x < 1.3 * groups[-1][0].x:
            groups[-1].append(point)
        else:
            groups.append([point])
    return groups


def _series(points: Mapping[Config, Point], styles: Mapping[str, object]) -> list[str]:
    present = {config.series for config in points}
    return [series for series in styles if series in present]


def _write_bits(
    figure: Figure,
    axes: Axes,
    points: Mapping[Config, Point],
    sizes: Mapping[Config, float],
    front: Sequence[Config],
) -> None:
    styles = looks([*points])
    first = [*front, *(config for config in points if config not in front)]
    labels = [
        Label(
            sizes[config],
            points[config].mean,
            width(config.bits),
            styles[config.series].color,
            config in front,
        )
        for config in first
        if config in points
    ]
    # An interval is thin: a label beside it is readable, one on it is not.
    figure.draw_without_rendering()
    bars = []
    for label, config in zip(labels, (config for config in first if config in points), strict=True):
        (x, low), (_, high) = axes.transData.transform(
            [(label.x, points[config].low), (label.x, points[config].high)]
        )
        bars.append(Bbox.from_extents(x - 1, low, x + 1, high))
    texts = [text.get_window_extent() for text in axes.texts]
    place(figure, axes, labels, [*bars, *texts])


def _label(axes: Axes, metric: str, label: str, of: str) -> None:
    low, high = axes.get_xlim()
    subs = range(1, 10) if high < 8 * low else (1, 2, 5) if high < 300 * low else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=[*map(float, subs)]))
    axes.xaxis.set_major_formatter(FuncFormatter(partial(_tick, of)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(label)
    axes.set_ylabel(plain(f"test {metric}"))
    axes.set_title(
        "means with their 95 % intervals; numbers: bits, bold on the Pareto front",
        fontsize=FONT,
        color="0.3",
    )
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _tick(of: str, value: float, _: int) -> str:
    return _size(value) if of == "nbytes" else _count(value)


def _count(value: float) -> str:
    """Return a number of cycles, in thousands or millions of them.

    Example:
        >>> _count(500), _count(20_000), _count(5e6)
        ('500', '20 k', '5 M')
    """
    return _size(value).removesuffix("B")


def _size(value: float) -> str:
    """Return a number of bytes, in thousands or millions of them.

    Example:
        >>> _size(500), _size(20_000), _size(5e6)
        ('500', '20 kB', '5 MB')
    """
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if value >= factor:
            return f"{value / factor:g} {unit}"
    return f"{value:g}"

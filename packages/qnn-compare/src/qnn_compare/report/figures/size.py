"""Accuracy over the bytes of the packed file, and the Pareto front."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from matplotlib.transforms import Bbox

from ...experiment.configs import Arm
from ...formatting import width
from .labels import Label, place
from .points import spots_of
from .scale import Below, Spot, limits, mark_below
from .style import FONT, HOLLOW, legend, looks

if TYPE_CHECKING:
    from ...comparison import Comparison

FRONT = "0.35"
APART = 1.05  # factor between the marks of two arms that lie below at one size


def draw(comparison: "Comparison") -> Figure:
    """Return the figure: a point for each arm with its bits, and the front as a stair."""
    known = {arm: comparison.nbytes(arm) for arm in comparison.arms}
    spots = {arm: spot for arm, spot in spots_of(comparison).items() if known[arm]}
    sizes = {arm: float(known[arm] or 0) for arm in spots}
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log")
    axes.set_ylim(*limits([*spots.values()]))
    axes.set_xlim(min(sizes.values()) / 1.25, max(sizes.values()) * 1.25)
    styles = looks([*spots])
    _draw_front(axes, comparison, spots, sizes)
    below = []
    for arm, spot in spots.items():
        color, marker, _ = look = styles[arm.series]
        axes.vlines(sizes[arm], spot.low, spot.high, color=color, alpha=0.45, linewidth=1.2)
        axes.plot(
            sizes[arm], spot.mean, marker, color=color, ms=11 if arm.is_float else 7, zorder=4,
            mfc="white" if spot.partial else color, mec=color if spot.partial else "white",
            mew=1.2 if spot.partial else 0.5,
        )  # fmt: skip # one look
        if spot.mean < axes.get_ylim()[0]:
            below.append(Below(sizes[arm], spot.mean, look))
    for group in _near(below):
        middle = (group[0].x * group[-1].x) ** 0.5
        apart = [APART ** (n - (len(group) - 1) / 2) for n in range(len(group))]
        beside = [p._replace(x=p.x * f) for p, f in zip(group, apart, strict=True)]
        mark_below(axes, beside, middle)
    _label(axes)
    used = [styles[series]._replace(line="").entry(series) for series in _series(spots, styles)]
    front = Line2D([], [], color=FRONT, linewidth=1, linestyle="--", label="Pareto front")
    hollow = [HOLLOW] if any(spot.partial for spot in spots.values()) else []
    legend(figure, [*used, front, *hollow])
    _write_bits(figure, axes, comparison, spots, sizes)
    return figure


def _draw_front(
    axes: Axes, comparison: "Comparison", spots: Mapping[Arm, Spot], sizes: Mapping[Arm, float]
) -> None:
    # A stair through means over other seeds could go down.
    front = [arm for arm in comparison.pareto if arm in spots and not spots[arm].partial]
    if not front:
        return
    x = [sizes[arm] for arm in front]
    y = [spots[arm].mean for arm in front]
    # From the lower edge to the first, and from the last to the right: what a size can have.
    x, y = [x[0], *x, axes.get_xlim()[1]], [min(axes.get_ylim()[0], y[0]), *y, y[-1]]
    axes.plot(x, y, drawstyle="steps-post", color=FRONT, linewidth=1, linestyle="--", zorder=1)


def _near(points: list[Below]) -> list[list[Below]]:
    """Return points in groups whose texts would overlap if each had its own."""
    groups: list[list[Below]] = []
    for point in sorted(points, key=lambda point: point.x):
        if groups and point.x < 1.3 * groups[-1][0].x:
            groups[-1].append(point)
        else:
            groups.append([point])
    return groups


def _series(spots: Mapping[Arm, Spot], styles: Mapping[str, object]) -> list[str]:
    present = {arm.series for arm in spots}
    return [series for series in styles if series in present]


def _write_bits(
    figure: Figure,
    axes: Axes,
    comparison: "Comparison",
    spots: Mapping[Arm, Spot],
    sizes: Mapping[Arm, float],
) -> None:
    styles = looks([*spots])
    first = [*comparison.pareto, *(arm for arm in spots if arm not in comparison.pareto)]
    labels = [
        Label(
            sizes[arm],
            spots[arm].mean,
            width(arm.bits),
            styles[arm.series].color,
            arm in comparison.pareto,
        )
        for arm in first
        if arm in spots
    ]
    # An interval is thin: a label beside it is readable, one on it is not.
    figure.draw_without_rendering()
    bars = []
    for label, arm in zip(labels, (arm for arm in first if arm in spots), strict=True):
        (x, low), (_, high) = axes.transData.transform(
            [(label.x, spots[arm].low), (label.x, spots[arm].high)]
        )
        bars.append(Bbox.from_extents(x - 1, low, x + 1, high))
    texts = [text.get_window_extent() for text in axes.texts]
    place(figure, axes, labels, [*bars, *texts])


def _label(axes: Axes) -> None:
    low, high = axes.get_xlim()
    subs = range(1, 10) if high < 8 * low else (1, 2, 5) if high < 300 * low else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=[*map(float, subs)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _size(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("bytes of the packed file (log scale)")
    axes.set_ylabel("test accuracy (%)")
    axes.set_title(
        "means with their 95 % intervals; numbers: bits, bold on the Pareto front",
        fontsize=FONT,
        color="0.3",
    )
    axes.grid(color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


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

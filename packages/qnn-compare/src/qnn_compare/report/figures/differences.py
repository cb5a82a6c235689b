"""The difference of each config to the reference: verdicts as a picture."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from qnn_core.display import figure_for, plain

from ...formatting import broken
from ...statistics import Pair
from .style import FONT, HOLLOW, legend

if TYPE_CHECKING:
    from ...comparison import Comparison

# Dark and warm for a loss, for all eyes; hollow and grey for what is not known.
COLORS = {"worse": "#D55E00", "better": "#009E73", "equivalent": "#0072B2", "undecided": "0.4"}
MARKERS = {"worse": "v", "better": "^", "equivalent": "o", "undecided": "o"}
NAME = 30  # characters in a line
# A config that loses so many times what others do would squeeze them: an arrow says how much.
FAR = 4.0
ROOM = 0.12  # of the axis, for arrows


def draw(comparison: "Comparison", ax: Axes | None = None) -> Figure:
    """Return the figure: a line for each config, in their order, and a band for the margin."""
    pairs = [pair for pair in comparison.against() if pair.n]
    metric, margin = comparison.metric, comparison.metric.factor * comparison.margin
    names = [plain(broken(pair.config, NAME)) + (" †" if pair.unstable else "") for pair in pairs]
    row = max(0.3, *(0.08 + 0.17 * (name.count("\n") + 1) for name in names))
    figure, axes = figure_for("plot", ax, size=(7.5, max(2.0, 1.1 + row * len(pairs))))
    low, high = _limits(pairs, metric.factor, margin)
    axes.set_xlim(low, high)
    axes.set_ylim(len(pairs) - 0.4, -0.6)
    axes.axvspan(-margin, margin, color="0.93", linewidth=0, zorder=0)
    axes.axvline(0, color="0.4", linewidth=1, zorder=1)
    for place, pair in enumerate(pairs):
        _draw_pair(axes, place, pair, metric.factor)
    axes.set_yticks(range(len(pairs)), names, fontsize=FONT)
    unit = "points" if metric.shares else metric.name
    told = plain(f"difference to {comparison.reference.name} ({unit})")
    axes.set_xlabel(told, fontsize=FONT)
    axes.tick_params(axis="x", labelsize=FONT)
    axes.grid(axis="x", color="0.92")
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    shown = {pair.verdict for pair in pairs}
    entries: list[Line2D | Patch] = [
        Line2D([], [], color=COLORS[verdict], marker=MARKERS[verdict], linestyle="", label=verdict)
        for verdict in ("better", "equivalent", "worse")
        if verdict in shown
    ]
    if "undecided" in shown:
        entries.append(HOLLOW)
    band = f"within {metric.margin(comparison.margin)}"
    entries.append(Patch(color="0.93", label=band))
    if any(pair.unstable for pair in pairs):
        entries.append(Line2D([], [], linestyle="", label="† unstable"))
    legend(figure, entries, ax)
    return figure


def _limits(pairs: list[Pair], factor: float, margin: float) -> tuple[float, float]:
    """Return the least and the greatest difference to show; what is far beyond gets an arrow."""
    means = factor * np.array([pair.difference for pair in pairs])
    typical = max(margin, float(np.median(np.abs(means))))
    near = np.abs(means) <= FAR * typical
    ends = [
        (factor * pair.low, factor * pair.high)
        for pair, shown in zip(pairs, near, strict=True)
        if shown and pair.low is not None and pair.high is not None
    ]
    bound = FAR * typical
    low = min(-margin, *means[near], *(max(e, -1.5 * bound) for e, _ in ends), 0)
    high = max(margin, *means[near], *(min(e, 1.5 * bound) for _, e in ends), 0)
    room = 0.06 * (high - low)
    beyond = ROOM * (high - low)
    return (
        low - room - beyond * bool((means[~near] < 0).any()),
        high + room + beyond * bool((means[~near] > 0).any()),
    )


def _draw_pair(axes: Axes, place: int, pair: Pair, factor: float) -> None:
    assert pair.difference is not None
    mean, (left, right) = factor * pair.difference, axes.get_xlim()
    color = COLORS[pair.verdict]
    if pair.low is not None and pair.high is not None:
        ends = [max(factor * pair.low, left), min(factor * pair.high, right)]
        if ends[0] < ends[1]:
            axes.plot(ends, [place, place], color=color, linewidth=1.6, zorder=3)
    if left <= mean <= right:
        axes.plot(
            mean,
            place,
            MARKERS[pair.verdict],
            color=color,
            mfc=color if pair.decided else "white",
            mec=color,
            ms=7,
            zorder=4,
        )
        return
    side, align = (left, "left") if mean < left else (right, "right")
    arrow = f"← {mean:.3g}" if mean < left else f"{mean:+.3g} →"
    axes.annotate(
        arrow, (side, place), (4 if mean < left else -4, 0), textcoords="offset points", ha=align,
        va="center", fontsize=FONT, color=color, zorder=5,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
    )  # fmt: skip # one look

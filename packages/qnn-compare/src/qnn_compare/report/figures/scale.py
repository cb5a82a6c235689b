"""The range of accuracies that a figure shows: all configs, but for those far below the others."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from .style import FONT, Look, darker

# A mean further below the median than this, in points, would squeeze all others.
FAR_BELOW = 12.0
# An interval may take so much of the range more than the seeds do; few seeds have wide ones.
MORE = 0.6
FOOT = 0.12  # room at the lower edge for marks of what lies below, as a share
LEAST = 0.4  # points: what differs by less is not drawn as if it were much


class Point(NamedTuple):
    """A config's accuracy in per cent: the mean, the ends of its interval, and its seeds.

    It is `hollow` if it is undecided against the reference.
    """

    mean: float
    low: float
    high: float
    seeds: Sequence[float]
    hollow: bool = False


def limits(points: Sequence[Point], *, shares: bool = True) -> tuple[float, float]:
    """Return the least and greatest value to show: of shares in per cent, but those far below.

    Example:
        >>> near = [Point(m, m - 0.1, m + 0.1, [m]) for m in (97.0, 97.5, 98.0)]
        >>> low, high = limits([*near, Point(11.0, 10.0, 12.0, [11.0])])
        >>> 96.4 < low < 96.9 and 98.1 < high < 98.5
        True
    """
    if not shares:  # there is no scale that all such numbers have
        values = [value for point in points for value in (point.mean, *point.seeds)]
        low, high = min(values), max(values)
        more = MORE * (high - low)
        low = max(low - more, min(low, *(point.low for point in points)))
        high = min(high + more, max(high, *(point.high for point in points)))
        margin = 0.07 * (high - low) or 0.07 * max(abs(high), 1e-9)
        return low - margin, high + margin
    means = np.array([point.mean for point in points])
    shown = [point for point in points if point.mean > floor(means)]
    # Single seeds of a training that goes wrong here and there are far below too.
    low = max(min(min(point.seeds) for point in shown), floor(means))
    high = max(max(point.seeds) for point in shown)
    more = MORE * max(high - low, LEAST)
    low = max(low - more, min(low, *(point.low for point in shown)))
    high = min(high + more, max(high, *(point.high for point in shown)))
    margin = max(0.07 * (high - low), LEAST / 4)
    if len(shown) < len(points):
        low -= FOOT * (high - low + 2 * margin)
    # Above 100 there is nothing but half of a marker.
    return max(-margin, low - margin), min(100.0 + margin / 2, high + margin)


def floor(accuracies: Iterable[float]) -> float:
    """Return where far below begins: five times the spread of the middle half under the median."""
    quarter, middle, three_quarters = np.percentile([*accuracies], [25, 50, 75])
    return float(middle - np.clip(5 * (three_quarters - quarter), 1, FAR_BELOW))


class Below(NamedTuple):
    """A point below what axes show."""

    x: float
    accuracy: float
    look: Look
    hollow: bool = False


def mark_below(axes: Axes, points: Sequence[Below], at: float) -> None:
    """Say at the lower edge which points lie below it, and how far, each in its own colour.

    Args:
        axes: with its limits set.
        points: that lie below.
        at: where on the x axis to write.
    """
    if not points:
        return
    for point in points:
        color, marker, _ = point.look
        axes.plot(
            point.x,
            0.0,  # on the frame: higher up it would be a value
            marker=marker,
            color=color,
            mfc="white" if point.hollow else color,
            markersize=6.5,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            zorder=4,
        )
    for number, point in enumerate(sorted(points, key=lambda point: point.accuracy)):
        axes.annotate(
            f"↓ {point.accuracy:.0f} %",
            xy=(at, 0.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 6 + number * (FONT + 2)),
            textcoords="offset points",
            fontsize=FONT,
            color=darker(point.look.color),
            ha="center",
            va="bottom",
            zorder=5,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        )

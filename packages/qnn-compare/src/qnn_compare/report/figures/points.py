"""What figures draw of a config."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from matplotlib.artist import Artist
from matplotlib.axes import Axes

from ...experiment.configs import Config
from .scale import Point

if TYPE_CHECKING:
    from ...comparison import Comparison


def points_of(comparison: "Comparison") -> dict[Config, Point]:
    """Return the metric of the configs that have it, as it is shown; an interval may be a point."""
    found = {}
    undecided = {pair.config for pair in comparison.against() if not pair.decided}
    factor = comparison.metric.factor
    for config in comparison.configs:
        if (known := comparison.accuracy(config)) is not None:
            low = known.mean if known.low is None else known.low
            high = known.mean if known.high is None else known.high
            seeds = [factor * result.accuracy for result in comparison.done(config)]
            hollow = config.name in undecided
            found[config] = Point(factor * known.mean, factor * low, factor * high, seeds, hollow)
    return found


def draw_reference(
    axes: Axes, comparison: "Comparison", points: Mapping[Config, Point]
) -> Artist | None:
    """Draw the level of the reference and what is equivalent to it, under all else."""
    reference = points.get(comparison.reference)
    if reference is None:
        return None
    margin = comparison.metric.factor * comparison.margin
    level = reference.mean
    axes.axhline(level, color="0.4", linewidth=1, zorder=1)
    return axes.axhspan(
        level - margin,
        level + margin,
        color="0.93",
        linewidth=0,
        zorder=0,
        label=f"within {comparison.metric.margin(comparison.margin)} of "
        f"{comparison.reference.name}",
    )

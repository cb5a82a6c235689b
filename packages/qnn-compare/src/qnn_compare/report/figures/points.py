"""What figures draw of a config."""

from typing import TYPE_CHECKING

from ...experiment.configs import Config
from .scale import Point

if TYPE_CHECKING:
    from ...comparison import Comparison


def points_of(comparison: "Comparison") -> dict[Config, Point]:
    """Return the accuracy of the configs that have one, in per cent; an interval may be a point."""
    found = {}
    for config in comparison.configs:
        if (known := comparison.accuracy(config)) is not None:
            low = known.mean if known.low is None else known.low
            high = known.mean if known.high is None else known.high
            seeds = [100 * result.accuracy for result in comparison.done(config)]
            partial = comparison.partial(config)
            found[config] = Point(100 * known.mean, 100 * low, 100 * high, seeds, partial)
    return found

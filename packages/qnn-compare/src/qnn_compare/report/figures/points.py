"""What figures draw of an arm."""

from typing import TYPE_CHECKING

from ...experiment.configs import Arm
from .scale import Spot

if TYPE_CHECKING:
    from ...comparison import Comparison


def spots_of(comparison: "Comparison") -> dict[Arm, Spot]:
    """Return the accuracy, in per cent, of the arms that have one; an interval may be a point."""
    found = {}
    for arm in comparison.arms:
        if (known := comparison.accuracy(arm)) is not None:
            low = known.mean if known.low is None else known.low
            high = known.mean if known.high is None else known.high
            seeds = [100 * result.accuracy for result in comparison.done(arm)]
            partial = comparison.partial(arm)
            found[arm] = Spot(100 * known.mean, 100 * low, 100 * high, seeds, partial)
    return found

"""The results of a study so far, and what they come to."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from qnn_compare.statistics import estimate

from .cell import Cell, Result
from .plan import Arm, Recipe, Study


class Interval(NamedTuple):
    """A mean over seeds and its 95 % interval (Student's t), in percent; NaN with one seed."""

    mean: float
    low: float
    high: float


@dataclass
class Results:
    """A study, and what its cells came to.

    Attributes:
        study: the study.
        cells: what is to be run, arm by arm within each seed.
        found: results by arm and seed.
    """

    study: Study
    cells: list[Cell]
    found: dict[tuple[str, int], Result] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Enter a result."""
        self.found[result.cell["arm"], result.cell["seed"]] = result

    def of_arm(self, arm: Arm) -> list[Result]:
        """Return an arm's results by seed."""
        return [result for (name, _), result in sorted(self.found.items()) if name == arm.name]

    def arms(self) -> list[Arm]:
        """Return the arms that have results."""
        return [arm for arm in self.study.arms if self.of_arm(arm)]

    def recipe(self, arm: Arm) -> Recipe:
        """Return how an arm is trained here."""
        return next(cell.recipe for cell in self.cells if cell.arm == arm.name)

    @property
    def complete(self) -> bool:
        """Whether every cell has a result."""
        return len(self.found) == len(self.cells)

    def accuracies(self, arm: Arm) -> list[float]:
        """Return the accuracy of each seed, in percent."""
        return [100 * result.accuracy for result in self.of_arm(arm)]

    def interval(self, arm: Arm) -> Interval:
        """Return the mean accuracy and its interval."""
        return interval(self.accuracies(arm))

    def mark(self, arm: Arm) -> float | None:
        """Return the accuracy that an arm should reach, in percent."""
        if arm.within is None:
            return arm.mark
        return self.interval(self.arms()[0]).mean - arm.within

    def reached(self, arm: Arm) -> bool:
        """Return whether the mean, and the greatest file, keep the marks."""
        fits = max(r.nbytes for r in self.of_arm(arm)) <= (arm.bytes_mark or np.inf)
        # Means of counts: what is equal in exact numbers must not fail by a rounding error.
        return fits and self.interval(arm).mean >= (self.mark(arm) or 0) - 1e-9

    def neighbours(self) -> Iterator[tuple[Arm, Arm, Interval]]:
        """Yield each two arms in a row, and the difference of their paired seeds."""
        arms = self.arms()
        for before, after in pairwise(arms):
            yield before, after, self.difference(before, after)

    def difference(self, one: Arm, other: Arm) -> Interval:
        """Return the accuracy of `one` less that of `other`, over the seeds that both have."""
        seeds = [seed for name, seed in self.found if name == one.name]
        pairs = [(self.found[one.name, s], self.found.get((other.name, s))) for s in sorted(seeds)]
        return interval([100 * (a.accuracy - b.accuracy) for a, b in pairs if b is not None])


def interval(values: list[float]) -> Interval:
    """Return the mean and its interval."""
    found = estimate(values)
    low, high = (np.nan if end is None else end for end in (found.low, found.high))
    return Interval(found.mean, low, high)

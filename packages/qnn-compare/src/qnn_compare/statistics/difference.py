"""The difference of two configs over the seeds that both have."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from .estimate import half_width

# Critical values beyond which SciPy's inverse of the noncentral t may search without an end.
FAR = 1e4

POWER = 0.8  # the usual one: four studies of five find what is there (Cohen, 1988)


@dataclass(frozen=True)
class Difference:
    """Paired values, first - second, seed by seed.

    What needs a spread is None with fewer than two seeds.

    Attributes:
        n: seeds that both configs have.
        mean: mean difference; None without a seed.
        sd: standard deviation of the differences, not below that of rounding.
    """

    n: int
    mean: float | None
    sd: float | None

    @property
    def t(self) -> float | None:
        """Student's statistic: the mean in units of its standard error."""
        if self.mean is None or self.sd is None:
            return None
        return self.mean / (self.sd / math.sqrt(self.n))

    @property
    def p(self) -> float | None:
        """The p of the paired t test, two-sided: could the mean be zero?"""
        return None if self.t is None else float(2 * special.stdtr(self.n - 1, -abs(self.t)))

    @property
    def p_greater(self) -> float | None:
        """The p of the one-sided test: could the first config be no better than the second?"""
        return None if self.t is None else float(special.stdtr(self.n - 1, -self.t))

    def interval(self, confidence: float) -> tuple[float, float] | tuple[None, None]:
        """Return the t interval of the mean."""
        if self.mean is None or self.sd is None:
            return None, None
        half = half_width(self.n, self.sd, confidence)
        return self.mean - half, self.mean + half

    def detectable(self, alpha: float) -> float | None:
        """Return the true difference that the test at alpha finds in four of five such studies.

        With the noncentral t distribution (Cohen, Statistical Power Analysis, 1988, chapter 2):
        the noncentrality at which t stays below its critical value in one study of five. That t is
        beyond the other critical value is left out: for alpha up to 0.05 it is in less than one
        study of 10,000.

        Not by statsmodels' TTestPower: its noncentral distribution gives NaN here and there, and
        its solver then a wrong number without a word (0.15.0 with SciPy 1.17, few seeds and a
        small alpha).
        """
        if self.sd is None:
            return None
        critical = -special.stdtrit(self.n - 1, alpha / 2)
        if critical > FAR:
            # Beside it, the normal part of t is nothing: what is left is that of the spread, chi.
            spread = math.sqrt(special.chdtri(self.n - 1, 1 - POWER) / (self.n - 1))
            return float(critical * spread) * self.sd / math.sqrt(self.n)
        noncentrality = float(special.nctdtrinc(self.n - 1, 1 - POWER, critical))
        return noncentrality * self.sd / math.sqrt(self.n)


def paired(first: Mapping[int, float], second: Mapping[int, float], step: float) -> Difference:
    """Return the difference of two configs over the seeds that both have.

    Accuracies are whole multiples of `step`, 1 / images, and so are their differences. Few of them
    can be equal by chance, and a standard deviation of zero would make any difference certain. So
    sd is not taken below that of the difference of two rounded numbers, step / sqrt(6).

    Example:
        >>> found = paired({0: 0.981, 1: 0.984, 2: 0.99}, {0: 0.98, 1: 0.98}, step=0.001)
        >>> print(f"{found.n} seeds, {found.mean:.4f}, sd {found.sd:.4f}, p = {found.p:.2f}")
        2 seeds, 0.0025, sd 0.0021, p = 0.34
    """
    differences = [first[seed] - second[seed] for seed in sorted(first) if seed in second]
    if not differences:
        return Difference(0, None, None)
    mean = float(np.mean(differences))
    if len(differences) == 1:
        return Difference(1, mean, None)
    sd = max(float(np.std(differences, ddof=1)), step / math.sqrt(6))
    return Difference(len(differences), mean, sd)

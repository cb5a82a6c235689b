"""A mean over seeds, and how far it is known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # not stats: its import takes as long as the study of a small net

from .errors import StatisticsError


@dataclass(frozen=True)
class Estimate:
    """A mean and its confidence interval, in the unit of the values.

    Attributes:
        n: how many values there are.
        mean: their mean.
        sd: standard deviation, with n - 1; None for one value.
        low, high: ends of the interval; None for one value.

    Example:
        >>> found = estimate([0.90, 0.92, 0.91])
        >>> found.n, round(found.mean, 3), found.low < 0.91 < found.high
        (3, 0.91, True)
    """

    n: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None


def estimate(values: Sequence[float], confidence: float = 0.95, *, step: float = 0.0) -> Estimate:
    """Return the mean, standard deviation and t interval of independent values.

    The interval is mean -+ t(n - 1) * sd / sqrt(n) (Student, "The probable error of a mean",
    Biometrika 6, 1908): it holds the mean of endlessly many seeds in `confidence` of all studies
    if the values are normal, and nearly so if they are near it.

    Args:
        values: one for each seed.
        confidence: share of studies whose interval holds the true mean, between 0 and 1.
        step: what the values are whole multiples of, such as 1 / images for an accuracy. Values
            that happen to be equal then get an interval that is not a point: rounding alone has
            the variance step^2 / 12, and the interval takes sd for no less than its root.

    Raises:
        StatisticsError: if there are no values, one is NaN or infinity, or confidence is not
            between 0 and 1.

    Example:
        >>> found = estimate([0.981, 0.983, 0.985])
        >>> print(f"{found.mean:.4f}, {found.low:.4f} to {found.high:.4f}")
        0.9830, 0.9780 to 0.9880
        >>> estimate([0.98])
        Estimate(n=1, mean=0.98, sd=None, low=None, high=None)
    """
    check_share("estimate: confidence", confidence)
    if len(values) == 0:
        raise StatisticsError("estimate: there are no values to estimate from")
    if not np.isfinite(values).all():
        raise StatisticsError(f"estimate: the values must be finite, got {list(values)}")
    n, mean = len(values), float(np.mean(values))
    if n == 1:
        return Estimate(n, mean, None, None, None)
    sd = float(np.std(values, ddof=1))
    half = half_width(n, max(sd, step / math.sqrt(12)), confidence)
    return Estimate(n, mean, sd, mean - half, mean + half)


def half_width(n: int, sd: float, confidence: float) -> float:
    """Return half the width of the t interval of a mean of n values.

    Example:
        >>> round(half_width(4, 2.0, 0.95), 3)
        3.182
    """
    return float(-special.stdtrit(n - 1, (1 - confidence) / 2)) * sd / math.sqrt(n)


def check_share(name: str, value: float) -> None:
    """Refuse what is not between 0 and 1.

    Example:
        >>> check_share("pairs: alpha", 5)
        Traceback (most recent call last):
            ...
        qnn_compare.statistics.errors.StatisticsError: pairs: alpha must be between 0 and 1, got 5
    """
    if not 0 < value < 1:
        raise StatisticsError(f"{name} must be between 0 and 1, got {value}")

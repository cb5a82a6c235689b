"""What a study measures of each net, and how its numbers are said."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qnn_core.errors import CompareError

from .formatting import NONE, percent, within

# Of shares. Nobody calls nets equivalent that are further apart; points given as such are greater.
GREATEST_MARGIN = 0.2


@dataclass(frozen=True)
class Metric:
    """The metric that configs are compared by: a mean over the test samples.

    Attributes:
        name: as tables call it.
        higher_is_better: False for errors and losses.
        shares: whether it is a share from 0 to 1, said in per cent and points.

    Example:
        >>> Metric().within(0.983, 0.981, 0.985), Metric().amounts(0.0031, 0.0031)
        ('98.30 ± 0.20', '0.31 points')
        >>> error = Metric("MAE", higher_is_better=False, shares=False)
        >>> error.within(0.12345, 0.12, 0.127), error.amounts(0.031, 0.031)
        ('0.1235 ± 0.0035', '0.031')
    """

    name: str = "accuracy"
    higher_is_better: bool = True
    shares: bool = True

    @classmethod
    def of_configuration(cls, configuration: Mapping[str, Any]) -> "Metric":
        """Return what a study is judged by; studies of before are judged by their accuracy.

        Raises:
            TypeError, KeyError: if it is none.
        """
        told = configuration.get(KEY)
        if told is None:
            return ACCURACY
        kinds = {"name": str, "higher_is_better": bool, "shares": bool}
        given = {name: told[name] for name in kinds}
        if not all(type(given[name]) is kind for name, kind in kinds.items()):
            raise TypeError(f"a metric is {told!r}")
        return cls(**given)

    def to_configuration(self) -> dict[str, Any]:
        """Return what `of_configuration` reads; nothing for the accuracy."""
        return {} if self == ACCURACY else {KEY: {**vars(self)}}

    @property
    def factor(self) -> float:
        """What its numbers are multiplied by where they are shown."""
        return 100.0 if self.shares else 1.0

    @property
    def label(self) -> str:
        """The name with its unit."""
        return f"{self.name} (%)" if self.shares else self.name

    def value(self, value: float | None) -> str:
        """Return a value, without its unit."""
        if self.shares:
            return percent(value)
        return NONE if value is None else f"{value:.4g}"

    def within(
        self, value: float | None, low: float | None, high: float | None, sign: str = ""
    ) -> str:
        """Return a value and half the width of its interval."""
        if self.shares:
            return within(value, low, high, sign)
        if value is None:
            return NONE
        middle = f"{value:{sign}.4g}"
        return middle if low is None or high is None else f"{middle} ± {(high - low) / 2:.2g}"

    def amounts(self, least: float, most: float) -> str:
        """Return a range of sizes.

        Example:
            >>> Metric().amounts(0.0019, 0.0043), Metric().amounts(0.00041, 0.00043)
            ('0.19 to 0.43 points', '0.04 points')
        """
        digits = ".2f" if self.shares else ".2g"
        ends = list(dict.fromkeys(f"{self.factor * abs(end):{digits}}" for end in (least, most)))
        return " to ".join(ends) + (" points" if self.shares else "")

    def check_margin(self, margin: float) -> None:
        """Raise a CompareError if a margin can only be meant in points: all would be equivalent.

        Example:
            >>> Metric().check_margin(0.5)
            Traceback (most recent call last):
                ...
            qnn_core.errors.CompareError: compare: margin is a share, as accuracy is: 0.005 for half
            a point. Got 0.5, which is 50 points: divide points by 100
        """
        if self.shares and margin > GREATEST_MARGIN:
            raise CompareError(
                f"compare: margin is a share, as {self.name} is: 0.005 for half a point. Got "
                f"{margin:g}, which is {100 * margin:g} points: divide points by 100"
            )

    def margin(self, margin: float) -> str:
        """Return a margin in words.

        Example:
            >>> [Metric().margin(m) for m in (0.005, 0.01, 0.002)]
            ['half a point', 'one point', '0.2 points']
        """
        if not self.shares:
            return f"{margin:g}"
        said = {0.005: "half a point", 0.01: "one point"}
        return said.get(margin, f"{100 * margin:g} points")


ACCURACY = Metric()
# Of a configuration.
KEY = "metric"

# Words in the names of metrics that say which direction is better.
SHARES = ("accuracy", "acc", "top1", "top5")
HIGHER = (*SHARES, "auc", "f1", "r2", "precision", "recall", "psnr", "score", "correct", "map")
LOWER = (
    *("loss", "error", "err", "errors", "mae", "mse", "rmse", "nll", "perplexity", "ppl", "wer"),
    *("cer", "entropy", "distance"),
)


def metric_of(
    name: str, higher_is_better: bool | None = None, shares: bool | None = None
) -> Metric:
    """Return the metric of a name, which says what is not given.

    Raises:
        CompareError: if it does not say which direction is better.

    Example:
        >>> metric_of("val_loss").higher_is_better, metric_of("test acc").shares
        (False, True)
    """
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    lower, higher = not words.isdisjoint(LOWER), not words.isdisjoint(HIGHER)
    if higher_is_better is None:
        if lower == higher:
            raise CompareError(
                f"compare: is more of {name!r} better, or less? Say higher_is_better=True or False "
                "(qnn report --higher-is-better or --lower-is-better)"
            )
        higher_is_better = higher
    if shares is None:
        shares = higher_is_better and not words.isdisjoint(SHARES)
    return Metric(name, higher_is_better, shares)

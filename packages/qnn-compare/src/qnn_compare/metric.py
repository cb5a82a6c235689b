"""What a study measures of each net, and how its numbers are said."""

from dataclasses import dataclass

from .formatting import NONE, percent, points, within


@dataclass(frozen=True)
class Metric:
    """The metric that configs are compared by: a mean over the test samples.

    Attributes:
        name: as tables call it.
        higher_is_better: False for errors and losses.
        shares: whether it is a share from 0 to 1, said in per cent and points.

    Example:
        >>> Metric().within(0.983, 0.981, 0.985), Metric().amount(0.0031)
        ('98.30 ± 0.20', '0.31 points')
        >>> error = Metric("MAE", higher_is_better=False, shares=False)
        >>> error.within(0.12345, 0.12, 0.127), error.amount(0.031)
        ('0.1235 ± 0.0035', '0.031')
    """

    name: str = "accuracy"
    higher_is_better: bool = True
    shares: bool = True

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

    def amount(self, difference: float) -> str:
        """Return the size of a difference, with its unit."""
        return points(abs(difference)) if self.shares else f"{abs(difference):.2g}"

    def amounts(self, least: float, most: float) -> str:
        """Return a range of sizes.

        Example:
            >>> Metric().amounts(0.0019, 0.0043), Metric().amounts(0.00041, 0.00043)
            ('0.19 to 0.43 points', '0.04 points')
        """
        digits = ".2f" if self.shares else ".2g"
        ends = list(dict.fromkeys(f"{self.factor * abs(end):{digits}}" for end in (least, most)))
        return " to ".join(ends) + (" points" if self.shares else "")

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

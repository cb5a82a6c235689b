"""The verdict of each config against each other one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...statistics import Verdict

if TYPE_CHECKING:
    from ...comparison import Comparison

SYMBOLS: dict[Verdict, str] = {"better": "▲", "worse": "▼", "equivalent": "≈", "undecided": "?"}


@dataclass(frozen=True)
class Square:
    """A cell of the matrix: a config against another.

    Attributes:
        verdict: in words.
        symbol: for the eye.
        difference: in points, with half its interval.
    """

    verdict: Verdict
    symbol: str
    difference: str


def names(comparison: "Comparison") -> list[str]:
    """Return the configs that have a result, in their order."""
    return [config.name for config in comparison.configs if comparison.done(config)]


def squares(comparison: "Comparison") -> dict[tuple[str, str], Square]:
    """Return the squares by both names; there is none of a config against itself."""
    both = [either for pair in comparison.pairs for either in (pair, pair.turned())]
    return {
        (pair.config, pair.reference): Square(
            pair.verdict,
            SYMBOLS[pair.verdict],
            comparison.metric.within(pair.difference, None, None, sign="+"),
        )
        for pair in both
    }

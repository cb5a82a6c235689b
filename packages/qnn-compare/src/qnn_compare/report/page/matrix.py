"""The verdict of each config against each other one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...formatting import within
from ...statistics import Verdict
from ..rows import both_ways

if TYPE_CHECKING:
    from ...comparison import Comparison

SYMBOLS: dict[Verdict, str] = {"better": "▲", "worse": "▼", "not distinguishable": "≈"}


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
    return {
        key: Square(
            pair.verdict, SYMBOLS[pair.verdict], within(pair.difference, None, None, sign="+")
        )
        for key, pair in both_ways(comparison).items()
    }

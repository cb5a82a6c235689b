"""What the results of paired configs say: estimates, tests, verdicts. Names and numbers only."""

from .errors import StatisticsError
from .estimate import Estimate, estimate
from .pairs import Pair, Verdict, pairs, resolution, verdict_matrix

__all__ = [
    "Estimate",
    "Pair",
    "StatisticsError",
    "Verdict",
    "estimate",
    "pairs",
    "resolution",
    "verdict_matrix",
]

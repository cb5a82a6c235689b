"""What the results of paired arms say: estimates, tests, verdicts. Names and numbers only."""

from .estimate import Estimate, estimate
from .pairs import Pair, Verdict, pairs, resolution, verdict_matrix

__all__ = ["Estimate", "Pair", "Verdict", "estimate", "pairs", "resolution", "verdict_matrix"]

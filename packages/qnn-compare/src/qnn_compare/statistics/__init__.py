"""What the results of paired configs say: estimates, tests, verdicts. Names and arrays only.

They do for results of any framework: `against` takes which test samples each run had right.
"""

from .errors import StatisticsError
from .estimate import Estimate, estimate
from .looks import LOOKS, sequential
from .needs import Needs
from .verdicts import MARGIN, Pair, Verdict, against, all_pairs

__all__ = [
    "LOOKS",
    "MARGIN",
    "Estimate",
    "Needs",
    "Pair",
    "StatisticsError",
    "Verdict",
    "against",
    "all_pairs",
    "estimate",
    "sequential",
]

"""Comparison as an experiment: arms paired by seed, and what their differences are worth."""

from .arms import Arm, LeftOut
from .compare import compare
from .comparison import Comparison
from .result import Result

__all__ = ["Arm", "Comparison", "LeftOut", "Result", "compare"]

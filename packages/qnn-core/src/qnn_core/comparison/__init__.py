"""Comparison as an experiment: arms paired by seed, and what their differences are worth."""

from .arms import Arm, LeftOut
from .comparison import Comparison
from .entry import compare
from .result import Result

__all__ = ["Arm", "Comparison", "LeftOut", "Result", "compare"]

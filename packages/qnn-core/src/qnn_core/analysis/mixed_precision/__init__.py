"""Mixed precision: the bits of each layer, chosen under a budget of bytes."""

from .allocate import allocate
from .report import Allocation, Plan, Sensitivity

__all__ = ["Allocation", "Plan", "Sensitivity", "allocate"]

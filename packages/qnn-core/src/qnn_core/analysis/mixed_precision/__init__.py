"""Mixed precision: the bits of each layer, chosen under a budget of bytes."""

from .allocate import allocate
from .learned_bits import learn_bits
from .report import Allocation, Plan, Sensitivity

__all__ = ["Allocation", "Plan", "Sensitivity", "allocate", "learn_bits"]

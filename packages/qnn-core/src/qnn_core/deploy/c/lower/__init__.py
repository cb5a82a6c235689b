"""From a packed graph to steps on integers."""

from .lower import Floats, lower, scaled

__all__ = ["Floats", "lower", "scaled"]

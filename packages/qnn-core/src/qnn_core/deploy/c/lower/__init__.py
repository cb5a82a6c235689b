"""From a packed graph to steps on integers."""

from .lower import Floats, lower

__all__ = ["Floats", "lower"]

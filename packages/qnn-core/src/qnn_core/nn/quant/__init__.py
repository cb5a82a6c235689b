"""Layers that quantize, and what they are made of."""

from .conv import QuantConv2d
from .linear import QuantLinear
from .quantize import Quantize, QuantizeWeight

__all__ = ["QuantConv2d", "QuantLinear", "Quantize", "QuantizeWeight"]

"""Layers that quantize, and what they are made of."""

from .conv import QuantConv1d, QuantConv2d
from .linear import QuantLinear
from .quantize import Quantize, QuantizeWeight

__all__ = ["QuantConv1d", "QuantConv2d", "QuantLinear", "Quantize", "QuantizeWeight"]

"""Layers and ready-made models."""

from .activation import HardTanh, ReLU, Sigmoid, Tanh
from .container import Flatten, Sequential
from .linear import Linear
from .mlp import MLP
from .module import Module
from .norm import BatchNorm, Dropout
from .quant_linear import QuantLinear
from .quantize import Quantize, QuantizeWeight

__all__ = [
    "MLP",
    "BatchNorm",
    "Dropout",
    "Flatten",
    "HardTanh",
    "Linear",
    "Module",
    "QuantLinear",
    "Quantize",
    "QuantizeWeight",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
]

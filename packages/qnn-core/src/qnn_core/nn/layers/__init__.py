"""Layers that compute in floats."""

from .activation import HardTanh, ReLU, Sigmoid, Tanh
from .container import Flatten, Reshape, Sequential
from .conv import Conv2d
from .linear import Linear
from .norm import BatchNorm, Dropout
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d

__all__ = [
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "HardTanh",
    "Linear",
    "MaxPool2d",
    "ReLU",
    "Reshape",
    "Sequential",
    "Sigmoid",
    "Tanh",
]

"""Layers that compute in floats."""

from .activation import HardTanh, ReLU, Sigmoid, Tanh
from .container import Flatten, Reshape, Sequential
from .conv import Conv2d
from .linear import Linear
from .norm import BatchNorm, Dropout
from .one_dimension import AvgPool1d, Conv1d, GlobalAvgPool1d, MaxPool1d
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "HardTanh",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "ReLU",
    "Reshape",
    "Sequential",
    "Sigmoid",
    "Tanh",
]

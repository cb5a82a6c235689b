"""Layers that compute in floats."""

from .activation import (
    Clip,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from .container import Flatten, Reshape, Sequential
from .conv import Conv2d
from .elementwise import Elementwise, Mean
from .graph_module import GraphModule, Step
from .linear import Linear
from .movement import Concatenate, Pad2d, Permute, Select
from .norm import BatchNorm, Dropout
from .one_dimension import AvgPool1d, Conv1d, GlobalAvgPool1d, MaxPool1d
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d

__all__ = [
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Clip",
    "Concatenate",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Elementwise",
    "Flatten",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "GraphModule",
    "HardSigmoid",
    "HardSwish",
    "HardTanh",
    "LeakyReLU",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Mean",
    "Pad2d",
    "Permute",
    "ReLU",
    "Reshape",
    "Select",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Step",
    "Tanh",
]

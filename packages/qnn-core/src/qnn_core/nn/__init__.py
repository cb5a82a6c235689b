"""Layers and ready-made models."""

from .layers import (
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    HardTanh,
    Linear,
    MaxPool2d,
    ReLU,
    Reshape,
    Sequential,
    Sigmoid,
    Tanh,
)
from .models import MLP, LeNet, ResidualBlock, ResNet
from .module import Module
from .quant import QuantConv2d, Quantize, QuantizeWeight, QuantLinear
from .state_file import load_state, save_state

__all__ = [
    "MLP",
    "AvgPool2d",
    "BatchNorm",
    "Conv2d",
    "Dropout",
    "Flatten",
    "GlobalAvgPool2d",
    "HardTanh",
    "LeNet",
    "Linear",
    "MaxPool2d",
    "Module",
    "QuantConv2d",
    "QuantLinear",
    "Quantize",
    "QuantizeWeight",
    "ReLU",
    "ResNet",
    "Reshape",
    "ResidualBlock",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "load_state",
    "save_state",
]

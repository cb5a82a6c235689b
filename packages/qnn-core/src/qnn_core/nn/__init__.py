"""Layers and ready-made models."""

from .activation import HardTanh, ReLU, Sigmoid, Tanh
from .container import Flatten, Reshape, Sequential
from .conv import Conv2d
from .lenet import LeNet
from .linear import Linear
from .mlp import MLP
from .module import Module
from .norm import BatchNorm, Dropout
from .pool import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from .quant_conv import QuantConv2d
from .quant_linear import QuantLinear
from .quantize import Quantize, QuantizeWeight
from .resnet import ResidualBlock, ResNet

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
]

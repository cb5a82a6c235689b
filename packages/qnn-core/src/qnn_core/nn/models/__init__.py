"""Models that are ready to use."""

from .lenet import LeNet
from .mlp import MLP
from .resnet import ResidualBlock, ResNet

__all__ = ["MLP", "LeNet", "ResNet", "ResidualBlock"]

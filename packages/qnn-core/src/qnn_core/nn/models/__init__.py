"""Models that are ready to use."""

from .autoencoder import Autoencoder
from .dscnn import DSCNN
from .lenet import LeNet
from .mlp import MLP
from .resnet import ResidualBlock, ResNet
from .vgg import VGGSmall

__all__ = ["DSCNN", "MLP", "Autoencoder", "LeNet", "ResNet", "ResidualBlock", "VGGSmall"]

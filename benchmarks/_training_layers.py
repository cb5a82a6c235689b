"""What nets are made of, for whoever builds them; nothing here imports any framework."""

from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise


class Plain(Enum):
    """Layers that have nothing to say of themselves."""

    RELU = auto()
    MAX = auto()  # of 2x2 pixels
    MEAN = auto()  # over the image
    FLATTEN = auto()


@dataclass(frozen=True)
class Dense:
    """``x @ w + b``; `quantized` are weight and input, `data`: the input are images."""

    inputs: int
    outputs: int
    quantized: bool = True
    data: bool = False


@dataclass(frozen=True)
class Conv:
    """A convolution of `size` x `size`, as `Dense`."""

    inputs: int
    outputs: int
    size: int
    stride: int = 1
    padding: int = 0
    bias: bool = True
    quantized: bool = True
    data: bool = False


@dataclass(frozen=True)
class Norm:
    """Batch normalization in training, the running statistics included."""

    channels: int


@dataclass(frozen=True)
class Residual:
    """``body(x) + shortcut(x)``; without a shortcut's layers x itself."""

    body: "Layers"
    shortcut: "Layers"


Layer = Dense | Conv | Norm | Residual | Plain
Layers = tuple[Layer, ...]


def dense_net(sizes: tuple[int, ...], norm: bool = False, last_quantized: bool = True) -> Layers:
    """Return dense layers with ReLU between them; `norm` puts batch normalization before it."""
    layers: list[Layer] = []
    last = len(sizes) - 2
    for n, (before, after) in enumerate(pairwise(sizes)):
        layers.append(Dense(before, after, n < last or last_quantized, data=n == 0))
        if n < last:
            layers += [Norm(after), Plain.RELU] if norm else [Plain.RELU]
    return tuple(layers)


def lenet() -> Layers:
    """Return 5x5 convolutions without padding, ReLU and maxima behind them, and dense layers."""
    return (
        *(Conv(1, 32, 5, data=True), Plain.RELU, Plain.MAX),
        *(Conv(32, 64, 5), Plain.RELU, Plain.MAX),
        *(Plain.FLATTEN, Dense(1024, 512), Plain.RELU, Dense(512, 10)),
    )


def resnet8(colours: int) -> Layers:
    """Return a stem, three residual blocks and a dense layer; the stem and the last are float."""
    stem = Conv(colours, 16, 3, padding=1, bias=False, quantized=False, data=True)
    blocks = (*_block(16, 16, 1), *_block(16, 32, 2), *_block(32, 64, 2))
    return (stem, Norm(16), Plain.RELU, *blocks, Plain.MEAN, Dense(64, 10, quantized=False))


def _block(before: int, after: int, stride: int) -> Layers:
    body = (
        *(Conv(before, after, 3, stride, padding=1, bias=False), Norm(after), Plain.RELU),
        *(Conv(after, after, 3, padding=1, bias=False), Norm(after)),
    )
    across = (Conv(before, after, 1, stride, bias=False), Norm(after))
    return Residual(body, across if stride > 1 else ()), Plain.RELU

"""What is trained: the nets, the variants of their quantizers, and the batches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from _training_layers import Conv, Dense, Layers, dense_net, lenet, resnet8
from numpy.typing import NDArray

Array = NDArray[Any]

# Of each optimizer; the rest of Adam is as in its paper.
LR = {"SGD": 0.01, "Adam": 0.001}


@dataclass(frozen=True)
class Net:
    """A net that is trained with softmax cross-entropy; `what` says what it is made of."""

    name: str
    batch: int
    inputs: tuple[int, ...]
    layers: Layers
    what: str
    optimizer: str = "SGD"

    @property
    def classes(self) -> int:
        last = self.layers[-1]
        assert isinstance(last, Dense)
        return last.outputs

    @property
    def lr(self) -> float:
        return LR[self.optimizer]

    @property
    def quantizes_data(self) -> bool:
        """Whether the first layer is quantized."""
        first = self.layers[0]
        assert isinstance(first, Dense | Conv)
        return first.quantized

    @property
    def label(self) -> str:
        return f"{self.name} ({self.what})"


@dataclass(frozen=True)
class Variant:
    """Bits of every quantized layer's weight and input; 32 is float.

    `first` is what becomes of the scale of the data's quantizer: "learned" like the others, or
    "fixed", which needs no gradient. `powers`: levels are zero and powers of two, with a sign.
    """

    name: str
    bits: int
    first: str = "learned"
    powers: bool = False

    def fits(self, net: Net) -> bool:
        """Whether it is another than the variants before it for this net."""
        return self.first == "learned" or net.quantizes_data


NETS = {
    net.name: net
    for net in (
        Net("mlp", 100, (784,), dense_net((784, 1000, 10)), "784-1000-10"),
        Net(
            "bn",
            100,
            (784,),
            dense_net((784, 128, 128, 10), norm=True, last_quantized=False),
            "784-128-128-10 with batch norm",
            "Adam",
        ),
        Net("lenet", 64, (28, 28, 1), lenet(), "28x28x1-conv5x5x32-conv5x5x64-512-10"),
        Net("resnet8", 64, (32, 32, 3), resnet8(3), "32x32x3, blocks of 16, 32, 64 channels, 10"),
        Net("small", 32, (64,), dense_net((64, 64, 64)), "64-64-64"),
    )
}

VARIANTS = {
    "float": Variant("float", 32),
    "w4a4": Variant("w4a4", 4),
    "w4a4-fixed": Variant("w4a4-fixed", 4, "fixed"),
    "w2a2": Variant("w2a2", 2),
    "w2a2-fixed": Variant("w2a2-fixed", 2, "fixed"),
    "w1a1": Variant("w1a1", 1),
    "log3": Variant("log3", 3, powers=True),
}


def batches(net: Net, variant: Variant, count: int = 8) -> list[tuple[Array, Array]]:
    """Return batches that look like digits to a kernel: in 0..1, four pixels of five are zero.

    One bit would make them all +1, so they are centred for it.
    """
    rng = np.random.default_rng(0)
    size = int(np.prod(net.inputs))
    strokes = rng.random((net.classes, size)) < 0.2
    made = []
    for _ in range(count):
        labels = rng.integers(0, net.classes, net.batch)
        x = strokes[labels] * rng.uniform(0.3, 1.0, (net.batch, size))
        x = x - 0.5 if variant.bits == 1 else x
        made.append((x.reshape(net.batch, *net.inputs).astype(np.float32), labels))
    return made


def weights(layer: Dense | Conv, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return a first weight and bias: ``[out, in]``, or ``[size, size, in, out]``.

    For those who write every line by hand.
    """
    if isinstance(layer, Conv):
        fan_in = layer.size**2 * layer.inputs
        shape: tuple[int, ...] = (layer.size, layer.size, layer.inputs, layer.outputs)
    else:
        fan_in, shape = layer.inputs, (layer.outputs, layer.inputs)
    weight = rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(fan_in))
    return weight, np.zeros(layer.outputs, np.float32)

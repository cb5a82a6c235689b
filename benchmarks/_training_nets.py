"""What is trained: the nets, the variants of their quantizers, and the batches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LR = 0.01


@dataclass(frozen=True)
class Net:
    """A net with ReLU between its layers, trained with softmax cross-entropy and plain SGD.

    LeNet: 5x5 convolutions without padding, each with ReLU and 2x2 maxima, then dense layers.
    """

    name: str
    batch: int
    inputs: tuple[int, ...]
    channels: tuple[int, ...]
    dense: tuple[int, ...]

    @property
    def classes(self) -> int:
        return self.dense[-1]

    @property
    def label(self) -> str:
        parts = [f"conv5x5x{n}" for n in self.channels] + [str(n) for n in self.dense]
        return f"{self.name} ({'-'.join(['x'.join(map(str, self.inputs)), *parts])})"


@dataclass(frozen=True)
class Variant:
    """Bits of every layer's weight and input; 32 is float.

    `first` is what becomes of the scale of the data's quantizer: "learned" like the others, or
    "fixed", which needs no gradient.
    """

    name: str
    bits: int
    first: str = "learned"


NETS = {
    "mlp": Net("mlp", 100, (784,), (), (1000, 10)),
    "lenet": Net("lenet", 64, (28, 28, 1), (32, 64), (512, 10)),
    "small": Net("small", 32, (64,), (), (64, 64)),
}

VARIANTS = {
    "float": Variant("float", 32),
    "w4a4": Variant("w4a4", 4),
    "w4a4-fixed": Variant("w4a4-fixed", 4, "fixed"),
    "w2a2": Variant("w2a2", 2),
    "w2a2-fixed": Variant("w2a2-fixed", 2, "fixed"),
    "w1a1": Variant("w1a1", 1),
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


def weights(net: Net, seed: int = 0) -> list[tuple[Array, Array]]:
    """Return weight and bias of each layer: ``[out, in]``, or ``[5, 5, in, out]`` of a convolution.

    For those who write every line by hand.
    """
    rng = np.random.default_rng(seed)
    shapes: list[tuple[tuple[int, ...], int, int]] = []
    before, side = net.inputs[-1], net.inputs[0]
    for channels in net.channels:
        shapes.append(((5, 5, before, channels), 25 * before, channels))
        before, side = channels, (side - 4) // 2
    before *= side * side if net.channels else 1
    for width in net.dense:
        shapes.append(((width, before), before, width))
        before = width
    return [
        (
            rng.uniform(-1, 1, shape).astype(np.float32) / np.float32(np.sqrt(fan_in)),
            np.zeros(outputs, np.float32),
        )
        for shape, fan_in, outputs in shapes
    ]

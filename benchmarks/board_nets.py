"""Nets for microcontrollers of shapes whose cycles and memory others publish; weights are random.

Cycles do not depend on what a net has learned, but on how many codes are 0: about half, as behind a
ReLU. Weights are random and the scales powers of two, so that about half of all sums are below 0.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from numpy.typing import NDArray

Array = NDArray[Any]


# The scale of weights.
STEP = 1 / 64


@dataclass(frozen=True, eq=False)
class BoardNet:
    """A packed net with what it is fed.

    Attributes:
        packed: the net.
        samples: uint8, as the C takes them.
        transform: from those to what the packed model takes.
    """

    packed: qnn.PackedModel
    samples: Array
    transform: Any

    def inputs(self, samples: Array) -> Array:
        """Return samples as the packed model takes them."""
        x: Array = np.asarray(self.transform(samples), np.float32)
        return x


def digits(count: int, *shape: int, seed: int = 0) -> Array:
    """Return images that are mostly black, strokes of about a fifth of the pixels."""
    rng = np.random.default_rng(seed)
    strokes = rng.random((count, *shape)) < 0.3
    made: Array = np.where(strokes, rng.integers(1, 256, (count, *shape)), 0).astype(np.uint8)
    return made


def as_numbers(pixels: Array) -> Array:
    """Return pixels as float32 numbers of the same value."""
    return pixels.astype(np.float32)


def packed(model: qnn.Module, samples: Array) -> qnn.PackedModel:
    """Return a model packed: weights from end to end of their levels, scales about powers of two.

    From a sum to a code is a shift then, as in the nets that these are compared with. With powers
    of two themselves it is not: a float that is half of a step is rounded to the even code.
    """
    x = as_numbers(samples)
    for _, part in model.named_modules():
        quantizer = getattr(part, "weight_quantizer", None)
        if quantizer is not None and isinstance(part, qnn.QuantLinear | qnn.QuantConv2d):
            weight = part.weight.data
            weight *= STEP * quantizer.scheme.levels[-1] / np.abs(weight).max()
    model(x)
    less = 0.0
    for _, part in model.named_modules():
        scale = getattr(getattr(part, "input_quantizer", None), "frozen_scale", None)
        if scale is not None:
            scale.array[...] = 2.0 ** np.round(np.log2(scale.array)) * (1 - less)
            less += 2**-17
    return qnn.pack(model.eval(), x)


def fully_connected() -> BoardNet:
    """256-64-64-64-10, weights of 4 bits, activations of 8: the net of BitNetMCU."""
    samples = digits(64, 256)
    model = qnn.MLP(
        [256, 64, 64, 64, 10],
        weight=f"symmetric:4,scale={STEP}",
        input="uniform:8,scale=calibrated",
        last_weight=f"symmetric:4,scale={STEP}",
        last_input="uniform:8,scale=calibrated",
        bias=False,
        seed=0,
    )
    return BoardNet(packed(model, samples), samples, as_numbers)


def binary() -> BoardNet:
    """784-256-256-10, all weights and inputs bits."""
    samples = digits(64, 784)
    model = qnn.MLP(
        [784, 256, 256, 10],
        weight="binary",
        input="binary",
        last_weight="binary",
        last_input="binary",
        activation="hardtanh",
        batch_norm=True,
        seed=0,
    )

    def transform(pixels: Array) -> Array:
        made: Array = pixels.astype(np.float32) / 127.5 - 1
        return made

    x = transform(samples)
    model(x)
    return BoardNet(qnn.pack(model, x), samples, transform)


class Cnn(qnn.Module):
    """Channels by themselves: 3x3, 3x3, pool, 3x3, pool on 16x16; then 4C-96-64-10."""

    def __init__(self, channels: int = 64, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        o: Any = {"input": "uniform:8,scale=calibrated", "bias": False, "seed": rng}
        each: Any = {**o, "groups": channels, "weight": f"symmetric:8,scale={STEP}"}
        self.conv1 = qnn.QuantConv2d(1, channels, 3, weight=f"symmetric:8,scale={STEP}", **o)
        self.conv2 = qnn.QuantConv2d(channels, channels, 3, **each)
        self.conv3 = qnn.QuantConv2d(channels, channels, 3, **each)
        self.linear1 = qnn.QuantLinear(4 * channels, 96, weight=f"symmetric:2,scale={STEP}", **o)
        self.linear2 = qnn.QuantLinear(96, 64, weight=f"symmetric:4,scale={STEP}", **o)
        self.linear3 = qnn.QuantLinear(64, 10, weight=f"symmetric:4,scale={STEP}", **o)
        self.pool = qnn.MaxPool2d(2)

    def forward(self, x: Any) -> Any:
        """Return scores ``[n, 10]`` of images ``[n, 256]``."""
        x = qnn.ops.relu(self.conv1(x.reshape(-1, 16, 16, 1)))
        x = qnn.ops.relu(self.pool(self.conv2(x)))
        x = qnn.ops.relu(self.pool(self.conv3(x)))
        x = qnn.ops.relu(self.linear1(x.reshape(-1, self.linear1.weight.shape[1])))
        return self.linear3(qnn.ops.relu(self.linear2(x)))


def convolutional() -> BoardNet:
    """The net of BitNetMCU with 64 channels."""
    samples = digits(64, 256)
    return BoardNet(packed(Cnn(), samples), samples, as_numbers)


class Separable(qnn.Module):
    """The net that CMSIS-NN's kernels are measured on: 3x3 by 2, three depthwise blocks, a mean.

    28x28x1 to 16 channels; depthwise 3x3 and 1x1 to 16, to 16, by 2 to 32; the mean, and 10.
    """

    def __init__(self, seed: int = 0) -> None:
        weight, input = f"symmetric:4,scale={STEP}", "uniform:8,scale=calibrated"
        o: Any = {"weight": weight, "input": input, "bias": False}
        o["seed"] = np.random.default_rng(seed)
        self.first = qnn.QuantConv2d(1, 16, 3, stride=2, padding=1, **o)
        blocks = ((16, 1), (16, 1), (32, 2))
        self.depthwise = [
            qnn.QuantConv2d(16, 16, 3, stride=step, padding=1, groups=16, **o) for _, step in blocks
        ]
        self.pointwise = [qnn.QuantConv2d(16, after, 1, **o) for after, _ in blocks]
        self.codes = qnn.nn.Quantize(input)
        self.last = qnn.QuantLinear(32, 10, **o)

    def forward(self, x: Any) -> Any:
        """Return scores ``[n, 10]`` of images ``[n, 784]``."""
        x = qnn.ops.relu(self.first(x.reshape(-1, 28, 28, 1)))
        for depthwise, pointwise in zip(self.depthwise, self.pointwise, strict=True):
            x = qnn.ops.relu(pointwise(qnn.ops.relu(depthwise(x))))
        return self.last(qnn.ops.global_avg_pool2d(self.codes(x)))


def separable() -> BoardNet:
    """A depthwise-separable net, weights of 4 bits, activations of 8."""
    samples = digits(32, 784)
    return BoardNet(packed(Separable(), samples), samples, as_numbers)


def as_shares(pixels: Array) -> Array:
    """Return pixels divided by 255, float32."""
    return pixels.astype(np.float32) / np.float32(255)


def stored(name: str) -> BoardNet:
    """Return one of the nets of MNIST that lie in ``nets``: see its README."""
    images = qnn_data.MNISTMini(train=False, transform=None).x.reshape(-1, 784)
    found = qnn.load(Path(__file__).with_name("nets") / f"{name}.qnn")
    return BoardNet(found, images, as_shares)


NETS = {
    "digits_cnn": lambda: stored("digits-cnn"),
    "digits_fc": lambda: stored("digits-fc"),
    "fc": fully_connected,
    "binary": binary,
    "cnn64": convolutional,
    "separable": separable,
}

"""A small convolutional net after LeNet-5, with any quantizers."""

from typing import Any

from ...arguments import whole
from ...errors import ShapeError
from ..init import Seed, generator
from ..layers.activation import ReLU
from ..layers.container import Flatten, Reshape, Sequential
from ..layers.norm import BatchNorm
from ..layers.pool import MaxPool2d
from ..left_float import Bounds
from ..module import Module
from .specs import Pair, Shape, Spec, activation_of, conv_layer, image_shape, linear_layer

KERNEL = 5


class LeNet(Sequential):
    """Two convolutions with pooling and two linear layers, after LeCun et al. 1998 (LeNet-5).

    conv 5x5x32, max pool 2, conv 5x5x64, max pool 2, linear 512, linear `classes`; an activation
    after each layer but the last. The maximum of relus is the relu of the maximum, so that relu
    comes after pooling, where it has a quarter of the work; others come before.
    It takes images with their axes or flat: ``[n, 784]``, ``[n, 28, 28]`` or ``[n, 28, 28, 1]``.

    The first convolution and the last linear layer are float unless told otherwise, as is usual in
    the field: they hold few of the weights (0.2 % and 0.9 %) and cost most accuracy. For a seed,
    the initial weights are the same whatever the quantizers, so that runs can be compared in pairs.

    Args:
        weight: quantizer of the weights of the layers between, None for float.
        input: quantizer of their inputs, None for float.
        batch_norm: whether to normalize before each activation.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        shape: of an image, (height, width, channels).
        channels: of the two convolutions.
        hidden: outputs of the first linear layer.
        classes: number of outputs.
        bias: whether the layers have one.
        first_weight: quantizer of the first convolution's weight.
        first_input: quantizer of the images.
        last_weight: quantizer of the last layer's weight.
        last_input: quantizer of the last layer's input.
        weight_bounds: ``(low, high)`` for the latent weights of the quantized layers.
        seed: of the initial weights.

    Raises:
        ShapeError: if a length is no whole number >= 1, or an image is smaller than 16 x 16 pixels.
        SpecError: for an unknown activation or quantizer.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> model = qnn.LeNet(weight="binary", input="uniform:2", batch_norm=True, seed=0)
        >>> model(np.ones((2, 784))).shape
        (2, 10)
    """

    def __init__(
        self,
        *,
        weight: Spec = None,
        input: Spec = None,
        batch_norm: bool = False,
        activation: str = "relu",
        shape: Shape = (28, 28, 1),
        channels: tuple[int, int] = (32, 64),
        hidden: int = 512,
        classes: int = 10,
        bias: bool = True,
        first_weight: Spec = None,
        first_input: Spec = None,
        last_weight: Spec = None,
        last_input: Spec = None,
        weight_bounds: Bounds = None,
        seed: Seed = None,
    ) -> None:
        height, width, colours = image_shape("LeNet", shape)
        pixels = _left(height) * _left(width)
        if min(_left(height), _left(width)) < 1:
            raise ShapeError(
                f"LeNet: an image must have at least 16 x 16 pixels, got {height} x {width}"
            )
        one, two = _channels(channels)
        hidden = whole("LeNet", "hidden", hidden, least=1, error=ShapeError)
        active, rng = activation_of("LeNet", activation), generator(seed)
        options: dict[str, Any] = {"bias": bias, "seed": rng}
        inner: Pair = (weight, input)

        def normalized(width: int) -> list[Module]:
            return [BatchNorm(width)] if batch_norm else []

        def pooled() -> list[Module]:
            pool = MaxPool2d(2)
            return [pool, active()] if active is ReLU else [active(), pool]

        first: Pair = (first_weight, first_input)
        last: Pair = (last_weight, last_input)
        super().__init__(
            Reshape(height, width, colours, images=True),
            conv_layer(first, weight_bounds, colours, one, KERNEL, place="first", **options),
            *normalized(one),
            *pooled(),
            conv_layer(inner, weight_bounds, one, two, KERNEL, **options),
            *normalized(two),
            *pooled(),
            Flatten(),
            linear_layer(inner, weight_bounds, pixels * two, hidden, **options),
            *normalized(hidden),
            active(),
            linear_layer(last, weight_bounds, hidden, classes, place="last", **options),
        )


def _left(length: int) -> int:
    """Return how many pixels of a side are left after both convolutions and poolings."""
    for _ in range(2):
        length = (length - KERNEL + 1) // 2
    return length


def _channels(channels: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(channels, tuple | list) or len(channels) != 2:
        raise ShapeError(f"LeNet: channels must be those of two convolutions, got {channels!r}")
    one, two = (whole("LeNet", "channels", n, least=1, error=ShapeError) for n in channels)
    return one, two

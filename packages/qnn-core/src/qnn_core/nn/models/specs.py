"""What the ready-made models have in common: activations, and layers with or without quantizers."""

from collections.abc import Callable
from typing import Any

from ...arguments import whole
from ...errors import ShapeError, SpecError, nearest
from ...quantizer import Quantizer
from ..layers.activation import HardTanh, ReLU, Sigmoid, Tanh
from ..layers.conv import Conv2d
from ..layers.linear import Linear
from ..left_float import Bounds, leave_float, not_asked
from ..module import Module
from ..quant.conv import QuantConv2d
from ..quant.linear import QuantLinear
from ..quant.quantize import Quantize

ACTIVATIONS: dict[str, Callable[[], Module]] = {
    "hardtanh": HardTanh,
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
}

Spec = str | Quantizer | None
# Quantizers of a layer's weight and input.
Pair = tuple[Spec, Spec]


# Height, width and channels.
Shape = tuple[int, int, int]


def image_shape(model: str, shape: Shape) -> Shape:
    """Return the shape of an image, checked.

    Raises:
        ShapeError: if it is no height, width and number of channels.
    """
    if not isinstance(shape, tuple | list) or len(shape) != 3:
        raise ShapeError(f"{model}: shape must be (height, width, channels), got {shape!r}")
    names = ("height", "width", "channels")
    height, width, channels = (
        whole(model, f"{name} of shape", n, least=1, error=ShapeError)
        for name, n in zip(names, shape, strict=True)
    )
    return height, width, channels


def activation_of(model: str, name: str) -> Callable[[], Module]:
    """Return the class of an activation.

    Raises:
        SpecError: if there is none of that name.
    """
    if name not in ACTIVATIONS:
        raise SpecError(
            f"{model}: activation must be one of {', '.join(ACTIVATIONS)}, got {name!r}"
            + nearest(str(name), ACTIVATIONS)
        )
    return ACTIVATIONS[name]


def coded(quantizer: Spec) -> list[Module]:
    """Return a layer that quantizes what follows others, or none."""
    return [] if quantizer is None else [Quantize(quantizer)]


def linear_layer(
    quantizers: Pair, bounds: Bounds, *shape: int, place: str = "", **options: Any
) -> Linear:
    """Return a linear layer with quantizers, or a float one if there are none.

    Args:
        quantizers: of weight and input.
        bounds: of the latent weights, where it is quantized.
        shape: number of features before and after.
        place: "first" or "last", if it has arguments of its own.
        options: of the layer.
    """
    weight, input = quantizers
    if weight is None and input is None:
        layer = Linear(*shape, **options)
        leave_float(layer, not_asked(place), bounds)
        return layer
    return QuantLinear(*shape, weight=weight, input=input, weight_bounds=bounds, **options)


def conv_layer(
    quantizers: Pair, bounds: Bounds, *shape: int, place: str = "", **options: Any
) -> Conv2d:
    """Return a convolution with quantizers, or a float one if there are none; as `linear_layer`."""
    weight, input = quantizers
    if weight is None and input is None:
        layer = Conv2d(*shape, **options)
        leave_float(layer, not_asked(place), bounds)
        return layer
    return QuantConv2d(*shape, weight=weight, input=input, weight_bounds=bounds, **options)

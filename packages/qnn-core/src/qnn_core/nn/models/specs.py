"""What the ready-made models have in common: activations, and layers with or without quantizers."""

from collections.abc import Callable
from typing import Any

from ...arguments import whole
from ...errors import ShapeError, SpecError, nearest
from ...quantizer import Quantizer
from ...registry import get_quantizer
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
# None is float, so another value says that the first or last layer is as the others.
SAME = "same"

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


def of_the_ends(usual: Pair, first: Pair, last: Pair, *, only: bool = False) -> tuple[Pair, Pair]:
    """Return the quantizers of the first and the last layer.

    Args:
        usual: those of the others, of weight and input, for which ``"same"`` stands.
        first: what was given for the first layer.
        last: what was given for the last one.
        only: whether both are one layer. It has what was given for the last one; where that is
            None or ``"same"``, what was given for the first one.

    Example:
        >>> of_the_ends(("binary", None), ("same", "uniform:8"), (None, None))
        (('binary', 'uniform:8'), (None, None))
        >>> of_the_ends(("binary", None), ("same", "uniform:8"), (None, None), only=True)
        ((None, 'uniform:8'), (None, 'uniform:8'))
    """
    if only:
        # No layer may have them, and then nobody else would say what is wrong with them.
        for given in usual:
            if given is not None:
                get_quantizer(given)
        first = last = _of_both(first[0], last[0]), _of_both(first[1], last[1])
    return _or(usual, first), _or(usual, last)


def _of_both(first: Spec, last: Spec) -> Spec:
    return first if (last is None or _same(last)) and not _same(first) else last


def _or(usual: Pair, given: Pair) -> Pair:
    weight, input = (u if _same(g) else g for u, g in zip(usual, given, strict=True))
    return weight, input


def _same(given: Spec) -> bool:
    return isinstance(given, str) and given == SAME


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

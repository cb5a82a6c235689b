"""Layers with the weights of a file."""

from dataclasses import replace
from typing import Any

import numpy as np

from ...autodiff import Parameter
from ...nn import Conv1d, Conv2d, Linear, Module, QuantConv1d, QuantConv2d, QuantLinear
from .builder import Unsupported
from .document import Array
from .grid import Grid

QUANTIZED: dict[type[Module], Any] = {
    Linear: QuantLinear,
    Conv1d: QuantConv1d,
    Conv2d: QuantConv2d,
}


def with_weights(layer: Any, weight: Array, bias: Array | None) -> Any:
    """Return a layer like another, with other weights.

    Args:
        layer: linear or convolutional, quantized or not.
        weight: of the shape of its weight.
        bias: ``[outputs]``, or None.

    Raises:
        Unsupported: if they are of other shapes, or hold NaN or infinity.
    """
    kind: Any = type(layer)
    made = kind.__new__(kind)
    vars(made).update(vars(layer))
    outputs = layer.weight.shape[:1]
    made.weight = _parameter("weight", weight, layer.weight.shape, layer.weight.decay)
    made.bias = None if bias is None else _parameter("bias", bias, outputs, False)
    return made


def quantized(layer: Any, grid: Grid | None, channel: int) -> Any:
    """Return a layer whose weight is quantized as the file has it.

    Args:
        layer: float, with its weight.
        grid: None for a float weight.
        channel: the axis in the file along which outputs lie; ours is 0.

    Raises:
        Unsupported: if there are scales along another axis.
    """
    if grid is None:
        return layer
    quantizer = grid.quantizer
    if quantizer.axis is not None:
        if quantizer.axis != channel:
            raise Unsupported(f"a scale along axis {quantizer.axis} of a weight, not its outputs")
        quantizer = replace(quantizer, axis=0)
    made = QUANTIZED[type(layer)].from_float(layer, weight=quantizer)
    made.weight_quantizer.take_qparams(grid.qparams)
    return made


def finite(what: str, array: Array) -> Array:
    """Return an array of a file as float32.

    Raises:
        Unsupported: if it holds NaN or infinity.
    """
    with np.errstate(over="ignore"):
        made = np.asarray(array, np.float32)
    if not np.all(np.isfinite(made)):
        raise Unsupported(f"{what} that holds NaN or infinity, as float32 has it")
    return made


def _parameter(what: str, array: Array, shape: tuple[int, ...], decay: bool) -> Parameter:
    if array.shape != shape:
        raise Unsupported(f"a {what} of shape {array.shape} where {shape} is needed")
    return Parameter(finite(f"a {what}", array).copy(), decay=decay)

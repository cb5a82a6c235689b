"""Pooling of images, channels last."""

import math
from typing import Any

import numpy as np

from ..autodiff import Array, Op, Packed, Shape, Tensor, op
from ..autodiff.packed import Kind
from ..errors import ShapeError
from ..gemm import Window, mean_of_codes, mean_operand
from ..gemm.pooling import (
    window_maximum,
    window_maximum_choice,
    window_maximum_gradient,
    window_mean,
    window_mean_gradient,
)
from ..qtensor import QuantizedTensor
from .shape import reshape
from .windows import IntPair, Pair, pair, windows_of


def _pooled(name: str) -> Any:
    def rule(x: Shape, *, kernel: Pair, stride: Pair, padding: Pair) -> Shape:
        return (x[0], *windows_of(name, x, Window(kernel, stride, padding)), x[3])

    return rule


_max_shape, _mean_shape = _pooled("max_pool2d"), _pooled("avg_pool2d")


def _max_gradient_shape(g: Shape, x: Shape, **how: Any) -> Shape:
    if _max_shape(x, **how) != g:
        raise ShapeError(f"max_pool2d_gradient: gradient of shape {g} for input of shape {x}")
    return x


def _choice_shape(h: Shape, x: Shape, **how: Any) -> Shape:
    if h != x:
        raise ShapeError(f"max_pool2d_choice: shapes {h} and {x} must be equal")
    found: Shape = _max_shape(x, **how)
    return found


def _mean_gradient_shape(g: Shape, *, shape: Shape, **how: Any) -> Shape:
    if _mean_shape(shape, **how) != g:
        raise ShapeError(f"avg_pool2d_gradient: gradient of shape {g} for input of shape {shape}")
    return shape


WINDOWS: dict[str, Kind] = {"kernel": "strides", "stride": "strides", "padding": "paddings"}


def _max_pool2d(x: Array, *, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    return window_maximum(x, Window(kernel, stride, padding))


def _max_gradient(g: Array, x: Array, *, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    return window_maximum_gradient(g, x, Window(kernel, stride, padding))


def _max_choice(h: Array, x: Array, *, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    return window_maximum_choice(h, x, Window(kernel, stride, padding))


def _avg_pool2d(
    x: Array,
    *,
    quantized: tuple[QuantizedTensor | None, ...] = (None,),
    kernel: Pair,
    stride: Pair,
    padding: Pair,
) -> Array:
    window, (coded,) = Window(kernel, stride, padding), quantized
    operand = mean_operand(coded, math.prod(kernel)) if x.dtype == np.float32 else None
    if coded is None or operand is None:
        return window_mean(x, window)
    return mean_of_codes(coded.codes, operand, window)


def _of_codes(quantized: QuantizedTensor, *, kernel: Pair, **_: Any) -> str | None:
    return "integer_avg_pool2d" if mean_operand(quantized, math.prod(kernel)) else None


def _avg_gradient(g: Array, *, shape: Shape, kernel: Pair, stride: Pair, padding: Pair) -> Array:
    return window_mean_gradient(g, Window(kernel, stride, padding), shape)


# Scales are positive and levels ascend, so the greatest value has the greatest code: the codes of a
# quantized tensor are pooled as its values are.
_max_pool2d_op: Op = op(
    "max_pool2d",
    _max_pool2d,
    shape=_max_shape,
    vjps=[lambda g, y, x, **how: max_pool2d_gradient(g, x, **how)],
    reads=[(0,)],
    codes="moves",
    packed=Packed(attributes=WINDOWS, beside_quantizer="passes"),
)

# Both are linear in the first argument, and constant in the second almost everywhere.
max_pool2d_gradient: Op = op(
    "max_pool2d_gradient",
    _max_gradient,
    shape=_max_gradient_shape,
    vjps=[
        lambda h, y, g, x, **how: max_pool2d_choice(h, x, **how),
        lambda h, y, g, x, **how: h * 0,
    ],
    reads=[(1,)],
)

max_pool2d_choice: Op = op(
    "max_pool2d_choice",
    _max_choice,
    shape=_choice_shape,
    vjps=[
        lambda g, y, h, x, **how: max_pool2d_gradient(g, x, **how),
        lambda g, y, h, x, **how: h * 0,
    ],
    reads=[(1,)],
)

_avg_pool2d_op: Op = op(
    "avg_pool2d",
    _avg_pool2d,
    shape=_mean_shape,
    vjps=[lambda g, y, x, **how: avg_pool2d_gradient(g, shape=x.shape, **how)],
    reads=[],
    codes="reads",
    packed=Packed(attributes=WINDOWS, of_codes=_of_codes, batch_invariant=False),
)

avg_pool2d_gradient: Op = op(
    "avg_pool2d_gradient",
    _avg_gradient,
    shape=_mean_gradient_shape,
    vjps=[lambda h, y, g, *, shape, **how: _avg_pool2d_op(h, **how)],
    reads=[],
)


def max_pool2d(
    x: Any, kernel: IntPair, *, stride: IntPair | None = None, padding: IntPair = 0
) -> Tensor:
    """Return the maximum of each window of each channel; padding never is the maximum.

    The gradient goes to the first element that is the maximum. Codes of a quantized tensor are
    pooled too: what follows stays a computation on integers.

    Args:
        x: ``[batch, height, width, channels]``.
        kernel: pixels of a window, a whole number >= 1 or a pair (vertical, horizontal).
        stride: from one window to the next; None for `kernel`.
        padding: pixels on each side, >= 0 and smaller than the window.

    Raises:
        ShapeError: if shapes or arguments do not fit; the message holds them.

    Example:
        >>> max_pool2d([[[[1.0], [4.0]], [[3.0], [2.0]]]], 2)
        Tensor([[[[4.]]]])
    """
    return _max_pool2d_op(x, **_arguments("max_pool2d", kernel, stride, padding))


def avg_pool2d(
    x: Any, kernel: IntPair, *, stride: IntPair | None = None, padding: IntPair = 0
) -> Tensor:
    """Return the mean of each window of each channel; padding counts as zeros.

    Summed pixel by pixel, line by line, in blocks of 64 that are added up in double, and then
    divided: a sample's result has the same bits whatever else is in the batch. Of a quantized
    tensor with one scale, integers are summed: the mean of codes is exact before it is rounded.
    Arguments and errors are those of `max_pool2d`.

    Example:
        >>> avg_pool2d([[[[1.0], [4.0]], [[3.0], [2.0]]]], 2)
        Tensor([[[[2.5]]]])
    """
    return _avg_pool2d_op(x, **_arguments("avg_pool2d", kernel, stride, padding))


def global_avg_pool2d(x: Any) -> Tensor:
    """Return the mean of each channel over the whole image, ``[batch, channels]``.

    Args:
        x: ``[batch, height, width, channels]``.

    Raises:
        ShapeError: if `x` has another number of axes, or no pixels.

    Example:
        >>> global_avg_pool2d([[[[1.0], [4.0]], [[3.0], [2.0]]]])
        Tensor([[2.5]])
    """
    images = x if isinstance(x, Tensor) else Tensor(x)
    if images.ndim != 4:
        raise ShapeError(
            f"global_avg_pool2d: images [batch, height, width, channels] are needed, got shape "
            f"{images.shape}"
        )
    batch, height, width, channels = images.shape
    return reshape(avg_pool2d(images, (height, width)), (batch, channels))


def _arguments(name: str, kernel: IntPair, stride: IntPair | None, padding: IntPair) -> Any:
    size = pair(name, "kernel", kernel, 1)
    return {
        "kernel": size,
        "stride": size if stride is None else pair(name, "stride", stride, 1),
        "padding": pair(name, "padding", padding, 0),
    }

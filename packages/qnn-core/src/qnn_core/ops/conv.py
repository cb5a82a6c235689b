"""Convolution of images, channels last (docs/adr/0011-channels-last.md)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..arguments import whole
from ..autodiff import Array, Op, Packed, Shape, Tensor, op
from ..errors import ShapeError
from ..gemm import (
    GemmOperand,
    Window,
    channel_sums,
    convolve,
    input_gradient,
    operand_of,
    weight_gradient,
)
from ..qtensor import QuantizedTensor, decoded
from .linear import data_of
from .windows import IntPair, Pair, pair, same_padding, windows_of


def _window(weight: Shape, stride: Pair, padding: Pair, dilation: Pair) -> Window:
    return Window((weight[1], weight[2]), stride, padding, dilation)


def convolved_shape(
    x: Shape,
    weight: Shape,
    bias: Shape | None = None,
    *,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Shape:
    """Return the shape of `conv2d`."""
    if len(weight) != 4 or 0 in weight:
        raise ShapeError(
            f"conv2d: a weight [out, kernel height, kernel width, channels / groups] of lengths "
            f">= 1 is needed, got shape {weight}"
        )
    if len(x) == 4 and x[3] != groups * weight[3] and x[1] == groups * weight[3]:
        raise ShapeError(
            f"conv2d: images [batch, height, width, channels] of {x[1]} channels are needed, got "
            f"shape {x}: are the channels first? transpose(0, 2, 3, 1) moves them last"
        )
    found = windows_of("conv2d", x, _window(weight, stride, padding, dilation))
    if groups < 1 or weight[0] % groups or x[3] != groups * weight[3]:
        divided = "" if groups == 1 else f", and groups={groups} must divide {weight[0]} outputs"
        raise ShapeError(
            f"conv2d: input of shape {x} does not fit weight of shape {weight}: "
            f"{groups * weight[3]} channels are needed{divided}"
        )
    if bias is not None and bias != weight[:1]:
        raise ShapeError(f"conv2d: bias of shape {bias} does not fit weight of shape {weight}")
    return (x[0], *found, weight[0])


def _conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    *,
    quantized: tuple[QuantizedTensor | None, ...],
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> Array:
    window = _window(weight.shape, stride, padding, dilation)
    if x.dtype != np.float32:
        return _plain(x, weight, bias, window, groups)
    x_operand, w_operand = operand_of(quantized[0], None), operand_of(quantized[1], 0)
    return convolve(
        data_of(x, quantized[0], x_operand),
        data_of(weight, quantized[1], w_operand),
        bias,
        x_operand,
        w_operand,
        window=window,
        groups=groups,
    )


def _plain(x: Array, weight: Array, bias: Array | None, window: Window, groups: int) -> Array:
    """The same in NumPy, for float64."""
    made = []
    for own, part in zip(_split(x, groups, -1), _split(weight, groups, 0), strict=True):
        patches = window.patches(own)
        rows = patches.reshape(*patches.shape[:3], math.prod(part.shape[1:]))
        made.append(rows @ part.reshape(len(part), -1).T)
    y: Array = np.concatenate(made, axis=-1)
    return y if bias is None else y + bias


def _split(x: Array, groups: int, axis: int) -> list[Array]:
    return [x] if groups == 1 else np.split(x, groups, axis)


def _channels(x: Array | QuantizedTensor, groups: int) -> Sequence[Array | QuantizedTensor]:
    """Return images, or codes of images, of each group."""
    if isinstance(x, QuantizedTensor):
        return [x._replace(codes=codes) for codes in _split(x.codes, groups, -1)]
    return _split(x, groups, -1)


def _shape_of(x: Array | QuantizedTensor) -> Shape:
    return x.codes.shape if isinstance(x, QuantizedTensor) else x.shape


def _input_shape(g: Shape, weight: Shape, *, shape: Shape, **geometry: Any) -> Shape:
    if convolved_shape(shape, weight, **geometry) != g:
        raise ShapeError(f"conv2d_input_gradient: gradient of shape {g} for input {shape}")
    return shape


def input_gradients(
    g: Array,
    weight: Array,
    *,
    shape: Shape,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    finite: bool = False,
) -> Array:
    """Return the gradient of the images, of `shape`; `finite`: all weights are known to be."""
    window = _window(weight.shape, stride, padding, dilation)
    parts = zip(_split(g, groups, -1), _split(weight, groups, 0), strict=True)
    image = shape[1], shape[2]
    made = [input_gradient(own, part, window, image, finite=finite) for own, part in parts]
    return made[0] if groups == 1 else np.concatenate(made, axis=-1)


def _weight_shape(g: Shape, x: Shape, *, shape: Shape, **geometry: Any) -> Shape:
    if convolved_shape(x, shape, **geometry) != g:
        raise ShapeError(f"conv2d_weight_gradient: gradient of shape {g} for weight {shape}")
    return shape


def weight_gradients(
    g: Array,
    x: Array | QuantizedTensor,
    *,
    shape: Shape,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
    finite: bool = False,
) -> Array:
    """Return the gradient of the weight, of `shape`; `x` may be of codes, or be `finite`."""
    window = _window(shape, stride, padding, dilation)
    parts = zip(_split(g, groups, -1), _channels(x, groups), strict=True)
    made = [weight_gradient(own, part, window, finite=finite) for own, part in parts]
    return made[0] if groups == 1 else np.concatenate(made, axis=0)


def _to_input(g: Tensor, y: Tensor, x: Tensor, weight: Tensor, *rest: Tensor, **how: Any) -> Tensor:
    return conv2d_input_gradient(g, weight, shape=x.shape, **how)


def _to_weight(
    g: Tensor, y: Tensor, x: Tensor, weight: Tensor, *rest: Tensor, **how: Any
) -> Tensor:
    return conv2d_weight_gradient(g, x, shape=weight.shape, **how)


_conv2d_op: Op = op(
    "conv2d",
    _conv2d,
    shape=convolved_shape,
    vjps=[_to_input, _to_weight, lambda g, y, x, weight, bias, **_: g.sum(axis=(0, 1, 2))],
    reads=[(1,), (0,)],
    macs=lambda x, weight, bias=None, **how: (
        math.prod(convolved_shape(x, weight, **how)) * math.prod(weight[1:])
    ),
    codes="reads",
    packed=Packed(
        inputs=(2, 3),
        attributes={
            "stride": "strides",
            "padding": "paddings",
            "dilation": "strides",
            "groups": "whole",
        },
    ),
)

# The convolution is linear in its input and in its weight, so these three are each other's
# derivatives.
conv2d_input_gradient: Op = op(
    "conv2d_input_gradient",
    input_gradients,
    shape=_input_shape,
    vjps=[
        lambda h, y, g, weight, *, shape, **how: _conv2d_op(h, weight, **how),
        lambda h, y, g, weight, *, shape, **how: conv2d_weight_gradient(
            g, h, shape=weight.shape, **how
        ),
    ],
    reads=[(1,), (0,)],
)

conv2d_weight_gradient: Op = op(
    "conv2d_weight_gradient",
    weight_gradients,
    shape=_weight_shape,
    vjps=[
        lambda h, y, g, x, *, shape, **how: _conv2d_op(x, h, **how),
        lambda h, y, g, x, *, shape, **how: conv2d_input_gradient(g, h, shape=x.shape, **how),
    ],
    reads=[(1,), (0,)],
)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    *,
    stride: IntPair = 1,
    padding: IntPair | str = 0,
    dilation: IntPair = 1,
    groups: int = 1,
) -> Tensor:
    """Return the cross-correlation of images with a kernel, what deep learning calls convolution.

    ``y[b, i, j, n] = sum over (ky, kx, c) of x[b, i * stride + ky * dilation - padding, ...] *
    weight[n, ky, kx, c] + bias[n]``: `linear` on the patches under each window, and in float32 the
    very sums of it, in this order (see `gemm.operand.factor`). A pixel outside of the image is 0.0.

    Args:
        x: ``[batch, height, width, channels]``.
        weight: ``[out, kernel height, kernel width, channels / groups]``.
        bias: ``[out]`` or None.
        stride: from one window to the next, a whole number >= 1 or a pair (vertical, horizontal).
        padding: zeros on each side, >= 0 and smaller than the window; ``"valid"`` is 0, and
            ``"same"`` keeps height and width.
        dilation: from one pixel of a window to the next, >= 1.
        groups: so many parts of the channels make so many parts of the outputs.

    Raises:
        ShapeError: if shapes or arguments do not fit; the message holds them.

    Example:
        >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
        >>> conv2d(x, np.ones((1, 2, 2, 1)), stride=1).data[0, :, :, 0]
        array([[ 8., 12.],
               [20., 24.]], dtype=float32)
    """
    steps, spread = pair("conv2d", "stride", stride, 1), pair("conv2d", "dilation", dilation, 1)
    if type(groups) is not int:
        groups = whole("conv2d", "groups", groups, least=1, error=ShapeError)
    if isinstance(padding, str):
        shape = np.shape(weight.array if isinstance(weight, Tensor) else weight)
        qparams = _named_padding(padding, shape, steps, spread)
    else:
        qparams = pair("conv2d", "padding", padding, 0)
    given = (x, weight) if bias is None else (x, weight, bias)
    return _conv2d_op(*given, stride=steps, padding=qparams, dilation=spread, groups=groups)


def _named_padding(name: str, weight: Shape, stride: Pair, dilation: Pair) -> Pair:
    if name not in ("same", "valid"):
        raise ShapeError(f'conv2d: padding must be numbers, "same" or "valid", got {name!r}')
    if name == "valid" or len(weight) != 4:  # the shape rule says what such a weight lacks
        return 0, 0
    return same_padding("conv2d", (weight[1], weight[2]), stride, dilation)


@dataclass(frozen=True)
class ConvProduct:
    """`conv2d`, with arguments as pairs, as `quantized_product` takes it."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    of_matrices: ClassVar[bool] = False
    keeps_codes: ClassVar[bool] = True

    def shape(self, x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
        """Return the shape of the product."""
        return convolved_shape(x, weight, bias, **vars(self))

    def of(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """Return the product of tensors."""
        return conv2d(x, weight, bias, **vars(self))

    def forward(
        self,
        x: Array,
        weight: Array,
        bias: Array | None,
        x_operand: GemmOperand,
        w_operand: GemmOperand,
    ) -> Array:
        """Return the product of codes or values."""
        window = _window(weight.shape, self.stride, self.padding, self.dilation)
        return convolve(x, weight, bias, x_operand, w_operand, window=window, groups=self.groups)

    def gradients(
        self, g: Array, x: Array | QuantizedTensor, weight: Array, needs: tuple[bool, ...]
    ) -> list[Array | None]:
        """Return the gradients of input, weight and bias: of what was quantized, and is finite."""
        how: dict[str, Any] = {**vars(self), "finite": True}
        return [
            input_gradients(g, weight, shape=_shape_of(x), **how) if needs[0] else None,
            weight_gradients(g, x, shape=weight.shape, **how) if needs[1] else None,
            channel_sums(g) if needs[2] else None,
        ]

    def qparams_of_data(
        self,
        g: Array,
        x: Array | QuantizedTensor,
        slopes: tuple[Array, Array | None],
        weight: QuantizedTensor,
    ) -> tuple[tuple[float, float], Array] | None:
        """Return the sums by way of a weight gradient, with the slopes in the images' place."""
        by_scale, by_shift = slopes
        if by_shift is not None:
            return None  # two such products are no less than the one of the images' gradient
        shape = weight.codes.shape
        how: dict[str, Any] = {**vars(self), "finite": True}
        by_weight = weight_gradients(g, by_scale, shape=shape, **how)
        total = np.multiply(by_weight, decoded(weight), dtype=np.float64).sum()
        return (float(total), 0.0), weight_gradients(g, x, shape=shape, **how)

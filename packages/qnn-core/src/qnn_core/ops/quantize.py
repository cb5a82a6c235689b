"""Fake quantization: the one operation that takes a quantizer."""

from typing import Any

import numpy as np

from ..autodiff import Array, Shape, Tensor, op
from ..autodiff.mode import MODE
from ..machine import empty
from ..qtensor import QuantizedTensor, clip_gradients, clip_surrogate, clips, quantized, units
from ..qtensor.fake_quantize import aligned, check_qparams
from ..quantizer import Quantizer, codebook
from ..quantizer.trained_fields import MOST_FIELDS
from ..registry import get_quantizer
from .reduction import sum as sum_
from .shape import reshape


def _shape(x: Shape, scale: Shape, shift: Shape, *fields: Shape, quantizer: Quantizer) -> Shape:
    check_qparams("fake_quantize", x, quantizer.axis, scale, shift)
    return x


def _fake_quantize(
    x: Array, scale: Array, shift: Array, *fields: Array, quantizer: Quantizer
) -> tuple[Array, QuantizedTensor]:
    values = empty(x.shape, x.dtype)
    return values, quantized(x, scale, shift, quantizer, values)


def _passes(quantizer: Quantizer) -> bool:
    """Whether the surrogate is 1 everywhere."""
    kind = type(quantizer)
    own = kind.surrogate, kind.gradient_factor
    usual = own == (Quantizer.surrogate, Quantizer.gradient_factor)
    return usual and quantizer.ste == "identity"


def _surrogate(
    x: Array, kept: QuantizedTensor, quantizer: Quantizer, upstream: Array
) -> tuple[Array, Array, Array]:
    """Return the factor on the gradient in x, the surrogate w(u), and the scale_gradient."""
    codes, scale, shift = kept.codes, kept.scale, kept.shift
    if clips(quantizer):
        surrogate, scale_gradient = clip_surrogate(x, codes, scale, shift, quantizer)
        return surrogate, surrogate, scale_gradient
    u = units(x, scale, shift, quantizer.axis)
    return slopes(quantizer, u, codebook(quantizer).levels.astype(x.dtype)[codes], upstream)


def slopes(
    quantizer: Quantizer, u: Array, level: Array, upstream: Array
) -> tuple[Array, Array, Array]:
    """Return the factor on the gradient in x, the surrogate, and the scale_gradient, at each u."""
    surrogate = factor = np.asarray(quantizer.surrogate(u), u.dtype)
    if type(quantizer).gradient_factor is not Quantizer.gradient_factor:
        factor = np.asarray(quantizer.gradient_factor(u, level, upstream), u.dtype)
    return factor, surrogate, np.asarray(quantizer.scale_gradient(u, level, surrogate), u.dtype)


def _vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
) -> list[Tensor | None]:
    """The straight-through gradients: linear in g; surrogate and scale gradient are constants."""
    x, quantizer = inputs[0], attributes["quantizer"]
    if _passes(quantizer) and not any(needs[1:]):
        return [g, *[None] * (len(needs) - 1)]
    # The qparams as it was: a calibrated one may have changed in place since.
    kept = y.quantized
    rest: list[Tensor | None] = [None] * len(needs[3:])
    if any(needs[3:]):
        u = units(x.array, kept.scale, kept.shift, quantizer.axis)
        rest = field_gradients(quantizer, u, kept.codes, g.array, kept.scale)
    if clips(quantizer) and not MODE.grad:
        # Nobody differentiates again: one pass without the arrays in between.
        fused = clip_gradients(g.array, x.array, kept, quantizer, needs[:3])
        if fused is not None:
            return [*(None if made is None else Tensor.of(made) for made in fused), *rest]
    factors = _surrogate(x.array, kept, quantizer, g.array)
    return [*gradients(g, inputs, factors, needs, quantizer.axis), *rest]


def gradients(
    g: Tensor,
    inputs: tuple[Tensor, ...],
    factors: tuple[Array, Array, Array],
    needs: tuple[bool, ...],
    axis: int | None,
) -> list[Tensor | None]:
    """Return the gradients of x, scale and shift, of the factors that `slopes` gives."""
    _, scale, shift, *_ = inputs
    factor, surrogate, scale_gradient = factors
    return [
        g * factor if needs[0] else None,
        _to_qparams(g * scale_gradient, scale, axis) if needs[1] else None,
        _to_qparams(g * (1 - surrogate), shift, axis) if needs[2] else None,
    ]


def field_gradients(
    quantizer: Quantizer, u: Array, code: Array, g: Array, scale: Array
) -> list[Tensor | None]:
    """Return the gradients of the fields that are trained; constants in further derivatives."""
    of_levels = g * aligned(scale, u.ndim, quantizer.axis)
    found = quantizer.trained_gradients(u, code, of_levels)
    return [Tensor.of(np.asarray(found[name], u.dtype)) for name in quantizer.trained]


def _to_qparams(gradient: Tensor, qparams: Tensor, axis: int | None) -> Tensor:
    """Sum over all that shares an entry of the qparams."""
    if qparams.ndim == 0 or axis is None:
        return reshape(sum_(gradient), qparams.shape)
    axis %= gradient.ndim
    return sum_(gradient, axis=tuple(a for a in range(gradient.ndim) if a != axis))


# The qparams are kept as it was.
_fake_quantize_op = op(
    "fake_quantize",
    _fake_quantize,
    shape=_shape,
    vjp=_vjp,
    codes="makes",
    reads=[(0,)] * (3 + MOST_FIELDS),
)


def fake_quantize(x: Any, scale: Any, shift: Any = 0.0, *, quantizer: str | Quantizer) -> Tensor:
    """Return the quantized value of each element, ``scale * levels[encode(u)] + shift``.

    With ``u = (x - shift) / scale`` rounded to float32. The gradients are those of the
    straight-through estimator (Bengio et al. 2013, arXiv:1308.3432) with the quantizer's surrogate
    gradient w: ``w(u)`` for x, ``levels[code] - u * w(u)`` for the scale (or the quantizer's own
    `scale_gradient`), ``1 - w(u)`` for the shift; for x, a quantizer may have a factor of its own
    that depends on the gradient that comes in (`gradient_factor`). They count as constants in
    further derivatives.

    Args:
        x: any shape.
        scale: > 0; shape (), or (channels,) along the quantizer's axis.
        shift: likewise.
        quantizer: spec string or quantizer.

    Raises:
        NonFiniteError: if `x` holds NaN or infinity, or the scale is not a finite number > 0.
        ShapeError: if the qparams do not fit `x`.

    Example:
        >>> fake_quantize([-0.9, 0.2, 7.0], 0.5, quantizer="symmetric:3")
        Tensor([-1. ,  0. ,  1.5])
    """
    return _fake_quantize_op(x, scale, shift, quantizer=get_quantizer(quantizer))


def fake_quantize_trained(
    x: Tensor, scale: Any, shift: Any, *fields: Tensor, quantizer: Quantizer
) -> Tensor:
    """Return what `fake_quantize` does; gradients reach the quantizer's trained fields too.

    Args:
        x: see there.
        scale: see there.
        shift: see there.
        fields: what the quantizer's `trained` fields hold now, in their order.
        quantizer: with these values in them.
    """
    return _fake_quantize_op(x, scale, shift, *fields, quantizer=quantizer)

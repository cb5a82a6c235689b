"""Quantization as schemes that are stochastic in training do it there."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..autodiff import Array, Shape, Tensor, op
from ..errors import NonFiniteError, ShapeError
from ..qtensor import units
from ..qtensor.fake_quantize import aligned, check_qparams
from ..quantizer import Quantizer
from .quantize import field_gradients, gradients, slopes

# u, the level that was taken, and the scale: they may have changed in place since.
Made = tuple[Array, Array, Array]
Draw = Callable[[Array], np.random.Generator]


def _shape(
    x: Shape, scale: Shape, shift: Shape, *fields: Shape, quantizer: Quantizer, draw: Any
) -> Shape:
    check_qparams("noisy_quantize", x, quantizer.axis, scale, shift)
    return x


def _forward(
    x: Array,
    scale: Array,
    shift: Array,
    *fields: Array,
    quantizer: Quantizer,
    draw: Draw,
) -> tuple[Array, Made]:
    name = type(quantizer).__name__
    if not np.isfinite(x).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise NonFiniteError(f"{name}: cannot quantize {x[where]} at index {where}")
    u = units(x, scale, shift, quantizer.axis)
    level = np.asarray(quantizer.training_levels(u, draw(x)), u.dtype)
    if level.shape != u.shape:
        raise ShapeError(
            f"{name}: training_levels gave shape {level.shape} for data of shape {u.shape}"
        )
    at, start = (aligned(part, x.ndim, quantizer.axis) for part in (scale, shift))
    return level * at + start, (u, level, scale.copy())


def _vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
    *,
    residual: Made,
) -> list[Tensor | None]:
    quantizer, (u, level, scale) = attributes["quantizer"], residual
    rest: list[Tensor | None] = [None] * len(needs[3:])
    if any(needs[3:]):
        rest = field_gradients(quantizer, u, quantizer.encode(u), g.array, scale)
    factors = slopes(quantizer, u, level, g.array)
    return [*gradients(g, inputs, factors, needs, quantizer.axis), *rest]


_noisy_quantize_op = op("noisy_quantize", _forward, shape=_shape, vjp=_vjp, reads=[], residual=True)


def noisy_quantize(
    x: Tensor,
    scale: Any,
    shift: Any,
    *fields: Tensor,
    quantizer: Quantizer,
    draw: Draw,
) -> Tensor:
    """Return ``scale * training_levels(u) + shift``, with the gradients of `fake_quantize`.

    Args:
        x: any shape.
        scale: > 0; shape (), or (channels,) along the quantizer's axis.
        shift: likewise.
        fields: what the quantizer's `trained` fields hold now, in their order.
        quantizer: with these values in them.
        draw: gives the generator of its noise, for these data.

    Raises:
        NonFiniteError: if `x` holds NaN or infinity.
        ShapeError: if the qparams do not fit `x`, or the scheme gives another shape.
    """
    return _noisy_quantize_op(x, scale, shift, *fields, quantizer=quantizer, draw=draw)

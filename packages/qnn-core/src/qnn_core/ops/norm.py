"""Batch normalization and dropout."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .._kernels import normalize as kernel
from ..arguments import real
from ..autodiff import Array, Op, Packed, Shape, Tensor, op
from ..autodiff.mode import MODE
from ..errors import ShapeError
from ..gemm.channel_sums import (
    channel_moments,
    normalization_gradient,
    normalization_sums,
    normalized,
    pieces_of,
)
from .arithmetic import sqrt
from .reduction import mean as mean_
from .reduction import sum as sum_
from .reduction import variance as variance_


def _normalized(x: Shape, *channels: Shape, **how: Any) -> Shape:
    if len(x) < 2 or any(c != x[-1:] for c in channels):
        listed = ", ".join(str(c) for c in channels)
        raise ShapeError(
            f"batch_norm: input of shape {x} with vectors of shapes {listed}: "
            "input [batch, ..., channels] and a vector per channel are needed"
        )
    return x


def _with_moments(x: Shape, *channels: Shape, **how: Any) -> Shape:
    if 0 in x[:-1]:
        raise ShapeError(f"normalize_batch: input of shape {x} has no mean and no variance")
    return _normalized(x, *channels)


def _batch_norm(
    x: Array, weight: Array, bias: Array, mean: Array, variance: Array, *, eps: float
) -> Array:
    factor = weight / np.sqrt(variance + variance.dtype.type(eps))
    if x.dtype == np.float32:
        return normalized(x, mean, factor, bias)
    y: Array = (x - mean) * factor
    y += bias
    return y


def _batch_norm_vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
) -> list[Tensor | None]:
    x, weight, _, mean, variance = inputs
    axes = tuple(range(x.ndim - 1))
    inverse = 1 / sqrt(variance + attributes["eps"])
    factor = weight * inverse
    total = sum_(g, axis=axes)
    # sum(g * (x - mean)) serves the weight and the variance.
    moment = sum_(g * (x - mean), axis=axes) if needs[1] or needs[4] else None
    return [
        g * factor if needs[0] else None,
        moment * inverse if needs[1] and moment is not None else None,
        total if needs[2] else None,
        -total * factor if needs[3] else None,
        moment * factor * inverse * inverse * -0.5 if needs[4] and moment is not None else None,
    ]


def _folded(
    shape: Shape, weight: Array, bias: Array, mean: Array, variance: Array, *, eps: float
) -> tuple[str, dict[str, Array]]:
    """Return what it is in evaluation: ``(x - mean) * factor + bias``, with its root taken once."""
    # As the operation itself computes it, to the bit.
    factor = weight / np.sqrt(variance + variance.dtype.type(eps))
    # Of a table of rows axis 1 is the last one, and it is what files always held.
    name = "normalize" if len(shape) == 2 else "normalize_channels"
    return name, {"mean": mean, "weight / sqrt(variance + eps)": factor, "bias": bias}


_batch_norm_op = op(
    "batch_norm",
    _batch_norm,
    shape=_normalized,
    vjp=_batch_norm_vjp,
    reads=[(1, 4), (0, 3, 4), (), (1, 4), (0, 1, 3, 4)],
    packed=Packed(inputs=5, attributes={"eps": "number"}, folded=_folded),
)


def batch_norm(
    x: Any, weight: Any, bias: Any, mean: Any, variance: Any, *, eps: float = 1e-5
) -> Tensor:
    """Return ``(x - mean) * (weight / sqrt(variance + eps)) + bias`` for each channel.

    (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.) Mean and variance are those that are
    kept for evaluation; `normalize_batch` takes the batch's own.

    Args:
        x: ``[batch, ..., channels]``.
        weight: ``[channels]``.
        bias: ``[channels]``.
        mean: ``[channels]``.
        variance: ``[channels]``.
        eps: keeps the root away from zero.

    Raises:
        ShapeError: if the shapes do not fit.

    Example:
        >>> batch_norm([[1.0], [3.0]], [1.0], [0.0], [2.0], [1.0], eps=0.0)
        Tensor([[-1.],
                [ 1.]])
    """
    return _batch_norm_op(x, weight, bias, mean, variance, eps=eps)


class Moments(NamedTuple):
    """Mean and variance of a batch, each ``[channels]``."""

    mean: Array
    variance: Array


def _normalize_batch(x: Array, weight: Array, bias: Array, *, eps: float) -> tuple[Array, Moments]:
    if x.dtype == np.float32:
        moments = Moments(*channel_moments(x))
    else:
        axes = tuple(range(x.ndim - 1))
        moments = Moments(np.mean(x, axis=axes), np.var(x, axis=axes))
    return _batch_norm(x, weight, bias, *moments, eps=eps), moments


def _normalize_batch_vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
    *,
    residual: Moments,
) -> list[Tensor | None]:
    x, weight, _ = inputs
    if x.dtype == np.float32 and not MODE.grad:
        # Nobody differentiates again: two passes without the arrays in between.
        found = _gradients(g.array, x.array, weight.array, residual, **attributes)
        return [Tensor.of(f) if need else None for f, need in zip(found, needs, strict=True)]
    count = x.size // max(weight.size, 1)
    axes = tuple(range(x.ndim - 1))
    inverse = 1 / sqrt(variance_(x, axis=axes) + attributes["eps"])
    normal = (x - mean_(x, axis=axes)) * inverse
    total, moment = sum_(g, axis=axes), sum_(g * normal, axis=axes)
    dx = weight * inverse * (g - total / count - normal * (moment / count)) if needs[0] else None
    return [dx, moment, total]


def _gradients(
    g: Array, x: Array, weight: Array, moments: Moments, *, eps: float
) -> tuple[Array, Array, Array]:
    """Return the gradients of input, weight and bias."""
    count = np.float32(x.size // max(weight.size, 1))
    inverse = 1 / np.sqrt(moments.variance + np.float32(eps))
    total, moment = normalization_sums(g, x, moments.mean)
    moment *= inverse
    factor = weight * inverse
    dx = normalization_gradient(
        g,
        x,
        mean=moments.mean,
        factor=factor,
        slope=-factor * inverse * moment / count,
        offset=-factor * total / count,
    )
    return dx, moment, total


def _normalize_batch_instruction(shapes: tuple[Shape, ...], attributes: dict[str, Any]) -> Any:
    shape, most = pieces_of(shapes[0])
    made = kernel.NormalizeBatch(shape, most, attributes["eps"])
    made.residual = Moments(*made.moments)
    return made


_normalize_batch_op: Op = op(
    "normalize_batch",
    _normalize_batch,
    shape=_with_moments,
    vjp=_normalize_batch_vjp,
    reads=[(0, 1), (0,)],
    residual=True,
    instruction=_normalize_batch_instruction,
)


def normalize_batch(x: Any, weight: Any, bias: Any, *, eps: float = 1e-5) -> Tensor:
    """Return `batch_norm` by the mean and variance of `x` itself, whose derivative is taken too.

    (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1; the variance is not the unbiased
    estimate.)

    Args:
        x: ``[batch, ..., channels]``, at least one row.
        weight: ``[channels]``.
        bias: ``[channels]``.
        eps: keeps the root away from zero.

    Raises:
        ShapeError: if the shapes do not fit, or there is no row.

    Example:
        >>> normalize_batch([[1.0], [3.0]], [1.0], [0.0], eps=0.0)
        Tensor([[-1.],
                [ 1.]])
    """
    return _normalize_batch_op(x, weight, bias, eps=eps)


def normalize_batch_with_moments(
    x: Any, weight: Any, bias: Any, *, eps: float = 1e-5
) -> tuple[Tensor, Moments]:
    """Return `normalize_batch`, and mean and variance for whoever keeps running ones.

    Backward needs them too: they are to be read only.

    Example:
        >>> normalize_batch_with_moments([[1.0], [3.0]], [1.0], [0.0])[1].mean
        array([2.], dtype=float32)
    """
    output, moments = _normalize_batch_op.with_residual(x, weight, bias, eps=eps)
    return output, moments


def _dropout(
    x: Array, *, rate: float, draw: Callable[[], np.random.Generator]
) -> tuple[Array, Array]:
    keep = draw().random(x.shape, dtype=np.float32) >= rate
    mask = keep * x.dtype.type(1 / (1 - rate))
    return x * mask, mask


def _dropout_vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
    *,
    residual: Array,
) -> list[Tensor | None]:
    return [g * residual]


_dropout_op: Op = op(
    "dropout", _dropout, shape=lambda x, **_: x, vjp=_dropout_vjp, reads=[], residual=True
)


def dropout_by(x: Any, rate: float, draw: Callable[[], np.random.Generator]) -> Tensor:
    """Return `dropout` with a generator that is asked for when the mask is drawn."""
    return _dropout_op(x, rate=rate, draw=draw)


def dropout(x: Any, rate: float, rng: np.random.Generator) -> Tensor:
    """Return `x` with a random share `rate` set to zero and the rest scaled by ``1 / (1 - rate)``.

    (Srivastava et al. 2014, JMLR 15; the "inverted" form, so that evaluation needs no scaling.)

    Args:
        x: any shape.
        rate: probability of zero, 0 <= rate < 1.
        rng: source of randomness.

    Raises:
        ValueError: if the rate is out of range.

    Example:
        >>> dropout(np.ones(4), 0.5, np.random.default_rng(0)).data
        array([2., 2., 2., 0.], dtype=float32)
    """
    return dropout_by(x, real("dropout", "rate", rate, least=0, below=1), lambda: rng)

"""Batch normalization and dropout."""

from typing import Any

import numpy as np

from ..autodiff import Array, Shape, Tensor, op
from ..errors import ShapeError
from .arithmetic import sqrt
from .reduction import sum as sum_
from .shapes import broadcasting


def _normalized(x: Shape, *channels: Shape, eps: float) -> Shape:
    if len(x) < 2 or any(c != x[-1:] for c in channels):
        listed = ", ".join(str(c) for c in channels)
        raise ShapeError(
            f"batch_norm: input of shape {x} with weight, bias, mean, variance of shapes {listed}: "
            "input [batch, ..., channels] and a vector per channel are needed"
        )
    return x


def _batch_norm(
    x: Array, weight: Array, bias: Array, mean: Array, variance: Array, *, eps: float
) -> Array:
    factor = weight / np.sqrt(variance + variance.dtype.type(eps))
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


_batch_norm_op = op("batch_norm", _batch_norm, shape=_normalized, vjp=_batch_norm_vjp)


def batch_norm(
    x: Any, weight: Any, bias: Any, mean: Any, variance: Any, *, eps: float = 1e-5
) -> Tensor:
    """Return ``(x - mean) * (weight / sqrt(variance + eps)) + bias`` for each channel.

    (Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.) Training passes the mean and variance
    of the batch as tensors, so that their derivative is taken too; evaluation passes running ones.

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


_dropout_op = op(
    "dropout",
    lambda x, *, mask: x * mask,
    shape=lambda x, *, mask: broadcasting("dropout")(x, mask.shape),
    vjps=[lambda g, y, x, *, mask: g * mask],
)


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
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate must be at least 0 and below 1, got {rate}")
    tensor = x if isinstance(x, Tensor) else Tensor(x)
    keep = rng.random(tensor.shape, dtype=np.float32) >= rate
    return _dropout_op(tensor, mask=keep * tensor.dtype.type(1 / (1 - rate)))

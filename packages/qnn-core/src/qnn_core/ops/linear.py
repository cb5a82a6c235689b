"""Matrix products."""

import math
from typing import Any

import numpy as np

from ..autodiff import Array, Op, Shape, Tensor, op
from ..errors import ShapeError
from .shape import reshape, transpose
from .shapes import broadcast


def _product(a: Shape, b: Shape) -> Shape:
    if len(a) < 2 or len(b) < 2 or a[-1] != b[-2]:
        raise ShapeError(
            f"matmul: shapes {a} and {b} do not fit: the last axis of the first must have the "
            "length of the last but one of the second"
        )
    return (*broadcast("matmul", a[:-2], b[:-2]), a[-2], b[-1])


def _swap(x: Tensor) -> Tensor:
    axes = list(range(x.ndim))
    return transpose(x, [*axes[:-2], axes[-1], axes[-2]])


_matmul_op: Op = op(
    "matmul",
    np.matmul,
    shape=_product,
    vjps=[
        lambda g, y, a, b: _matmul_op(g, _swap(b)),
        lambda g, y, a, b: _matmul_op(_swap(a), g),
    ],
    macs=lambda a, b: math.prod(_product(a, b)) * a[-1],
)


def matmul(a: Any, b: Any) -> Tensor:
    """Return the matrix product, with NumPy's rules for vectors and for stacks of matrices.

    Args:
        a: ``[..., m, k]`` or ``[k]``.
        b: ``[..., k, n]`` or ``[k]``.

    Raises:
        ShapeError: if the shapes do not fit; the message holds both.

    Example:
        >>> matmul([[1.0, 2.0]], [3.0, 4.0])
        Tensor([11.])
    """
    shapes = np.shape(a), np.shape(b)
    if not all(shapes):
        raise ShapeError(f"matmul: shapes {shapes[0]} and {shapes[1]}: numbers have no product")
    if len(shapes[0]) > 1 and len(shapes[1]) > 1:
        return _matmul_op(a, b)
    left = a if len(shapes[0]) > 1 else reshape(a, (1, -1))
    right = b if len(shapes[1]) > 1 else reshape(b, (-1, 1))
    if np.shape(left)[-1] != np.shape(right)[-2]:
        raise ShapeError(f"matmul: shapes {shapes[0]} and {shapes[1]} do not fit")
    product = _matmul_op(left, right)
    lead = product.shape[:-2]
    rows = product.shape[-2:-1] if len(shapes[0]) > 1 else ()
    columns = product.shape[-1:] if len(shapes[1]) > 1 else ()
    return reshape(product, (*lead, *rows, *columns))


def _affine(x: Shape, weight: Shape, bias: Shape | None = None) -> Shape:
    if len(x) < 1 or len(weight) != 2 or x[-1] != weight[1]:
        raise ShapeError(
            f"linear: input of shape {x} does not fit weight of shape {weight}: "
            f"(..., {weight[-1] if weight else '?'}) is needed"
        )
    if bias is not None and bias != weight[:1]:
        raise ShapeError(f"linear: bias of shape {bias} does not fit weight of shape {weight}")
    return (*x[:-1], weight[0])


def _linear(x: Array, weight: Array, bias: Array | None = None) -> Array:
    y: Array = x @ weight.T
    if bias is not None:
        y += bias
    return y


def _flat(x: Tensor) -> Tensor:
    return x if x.ndim == 2 else reshape(x, (math.prod(x.shape[:-1]), x.shape[-1]))


_linear_op = op(
    "linear",
    _linear,
    shape=_affine,
    vjps=[
        lambda g, y, x, weight, bias=None: matmul(g, weight),
        lambda g, y, x, weight, bias=None: matmul(transpose(_flat(g)), _flat(x)),
        lambda g, y, x, weight, bias: _flat(g).sum(axis=0),
    ],
    macs=lambda x, weight, bias=None: math.prod(x) * weight[0],
)


def linear(x: Any, weight: Any, bias: Any = None) -> Tensor:
    """Return ``x @ weight.T + bias``.

    Args:
        x: ``[..., in]``.
        weight: ``[out, in]``.
        bias: ``[out]`` or None.

    Raises:
        ShapeError: if the shapes do not fit; the message holds them.

    Example:
        >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [0.5])
        Tensor([[11.5]])
    """
    return _linear_op(x, weight) if bias is None else _linear_op(x, weight, bias)

"""Operations that choose between two tensors, element by element."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..autodiff import Array, Op, Shape, Tensor, op
from ..autodiff.tensor import plain
from .shapes import broadcast, broadcasting


def _chosen(a: Shape, b: Shape, *, mask: Array) -> Shape:
    return broadcast("where", a, b, mask.shape)


# What is not chosen has no gradient, even where the gradient is infinite: a product would be NaN.
_where_op: Op = op(
    "where",
    lambda a, b, *, mask: np.where(mask, a, b),
    shape=_chosen,
    vjps=[
        lambda g, y, a, b, *, mask: where(mask, g, 0),
        lambda g, y, a, b, *, mask: where(mask, 0, g),
    ],
    reads=[],
)


def where(condition: ArrayLike, a: Any, b: Any) -> Tensor:
    """Return `a` where the condition holds and `b` elsewhere, each broadcast against the others.

    Args:
        condition: true and false, or numbers of which 0 is false; it has no derivative.
        a: any shape.
        b: any shape.

    Raises:
        ShapeError: if the shapes do not fit.

    Example:
        >>> where([True, False], [1.0, 2.0], 0.0)
        Tensor([1., 0.])
    """
    # A copy: backward needs it as it is now, whatever becomes of the caller's.
    return _where_op(a, b, mask=np.array(plain(condition), bool))


def _share(g: Tensor, own: Tensor, other: Tensor, wins: Array) -> Tensor:
    """Return the gradient of an operand of an extreme: those that tie have half each."""
    factor = np.where(own.array == other.array, own.dtype.type(0.5), own.dtype.type(1))
    return where(wins, g * factor, 0)


maximum = op(
    "maximum",
    np.maximum,
    shape=broadcasting("maximum"),
    vjps=[
        lambda g, y, a, b: _share(g, a, b, a.array >= b.array),
        lambda g, y, a, b: _share(g, b, a, b.array >= a.array),
    ],
    reads=[(0, 1), (0, 1)],
    doc="""Return the greater of `a` and `b`, element by element.

    Its derivative is 1 in the one that is chosen and 0 in the other; where they tie each has half.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> maximum([1.0, 5.0], 3.0)
        Tensor([3., 5.])
    """,
)

minimum = op(
    "minimum",
    np.minimum,
    shape=broadcasting("minimum"),
    vjps=[
        lambda g, y, a, b: _share(g, a, b, a.array <= b.array),
        lambda g, y, a, b: _share(g, b, a, b.array <= a.array),
    ],
    reads=[(0, 1), (0, 1)],
    doc="""Return the lesser of `a` and `b`, element by element.

    Its derivative is 1 in the one that is chosen and 0 in the other; where they tie each has half.

    Args:
        a: any shape; a tensor, an array or a number.
        b: any shape that broadcasts with it, of the same dtype if both are tensors.

    Raises:
        ShapeError: if the shapes do not broadcast.
        DtypeError: if they are tensors of different dtypes.

    Example:
        >>> minimum([1.0, 5.0], 3.0)
        Tensor([1., 3.])
    """,
)

"""Images with a margin."""

from typing import Any

import numpy as np

from ..autodiff import Array, Packed, Shape, Tensor, op
from ..errors import ShapeError
from .windows import IntPair, Pair, pair


def _wider(x: Shape, *, before: Pair, after: Pair, value: float) -> Shape:
    if len(x) != 4:
        raise ShapeError(
            f"pad2d: images [batch, height, width, channels] are needed, got shape {x}"
        )
    height, width = (n + b + a for n, b, a in zip(x[1:3], before, after, strict=True))
    return x[0], height, width, x[3]


def _pad2d(x: Array, *, before: Pair, after: Pair, value: float) -> Array:
    widths = [(0, 0), *zip(before, after, strict=True), (0, 0)]
    return np.pad(x, widths, constant_values=x.dtype.type(value))


def _inside(g: Tensor, y: Tensor, x: Tensor, *, before: Pair, **_: Any) -> Tensor:
    top, left = before
    return g[:, top : top + x.shape[1], left : left + x.shape[2]]


_pad2d_op = op(
    "pad2d",
    _pad2d,
    shape=_wider,
    vjps=[_inside],
    reads=[],
    packed=Packed(attributes={"before": "paddings", "after": "paddings", "value": "number"}),
)


def pad2d(x: Any, before: IntPair, after: IntPair, *, value: float = 0.0) -> Tensor:
    """Return images with a margin of one value: for windows that pad more on one side.

    Args:
        x: ``[batch, height, width, channels]``.
        before: pixels above and on the left, a whole number >= 0 or a pair (vertical, horizontal).
        after: pixels below and on the right, likewise.
        value: of the new pixels.

    Raises:
        ShapeError: if `x` has another number of axes, or a number of pixels is none.

    Example:
        >>> pad2d([[[[1.0], [2.0]]]], 0, (0, 1)).data.ravel()
        array([1., 2., 0.], dtype=float32)
    """
    return _pad2d_op(
        x,
        before=pair("pad2d", "before", before, 0),
        after=pair("pad2d", "after", after, 0),
        value=float(value),
    )

"""Sums, means and extremes over axes."""

import math
from typing import Any

import numpy as np

from ..autodiff import OUTPUT, Array, Packed, Tensor, op
from ..autodiff.packed import Kind
from ..gemm.channel_sums import channel_sums, plane_sums
from .selection import where
from .shape import broadcast_to, reshape
from .shapes import Axes, kept, normalized_axes, reducing

# Every function here has the name and the arguments of NumPy's. What adds up does so over an array
# in C order: NumPy sums in an order that follows the layout in memory. Over the last axes it sums
# pairwise. Over others it adds one after the other, which is off by a hundredth for a million
# numbers: from more than FEW on, float32 is summed in blocks, as `gemm.channel_sums` says.
FEW = 64

# What np.sum comes to, without its detours. (Any: its type knows no keepdims that varies.)
_add_up: Any = np.add.reduce


def _sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    if x.ndim > 1 and x.dtype == np.float32:
        axes = normalized_axes("sum", axis, x.shape)
        if axes == tuple(range(x.ndim - 1)):
            return channel_sums(x).reshape(kept(x.shape, axis) if keepdims else x.shape[-1:])
        if _adds_in_turn(x, axes):
            return _in_blocks(x, axes, keepdims)
    result: Array = _add_up(np.asarray(x, order="C"), axis=axis, keepdims=keepdims)
    return result


def _adds_in_turn(x: Array, axes: tuple[int, ...]) -> bool:
    """Whether NumPy would add many numbers one after the other: not over the last axes."""
    across = axes[: _last_axes(x.ndim, axes)]
    return math.prod(x.shape[a] for a in across) > FEW and x.size > 0


def _last_axes(ndim: int, axes: tuple[int, ...]) -> int:
    """Return how many of the axes are not among the last ones, which follow each other."""
    count = len(axes)
    while count and axes[count - 1] == ndim - len(axes) + count - 1:
        count -= 1
    return count


def _in_blocks(x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    left = [a for a in range(x.ndim) if a not in axes]
    # What lies before all that is added up stays apart, so that no sample's sum depends on others.
    before = [a for a in left if a < axes[0]]
    turned = x.transpose([*before, *axes, *left[len(before) :]])
    rows = math.prod(x.shape[a] for a in axes)
    arrays = math.prod(x.shape[a] for a in before)
    total = plane_sums(turned.reshape(arrays, rows, x.size // (arrays * rows)))
    shape = kept(x.shape, axes) if keepdims else tuple(x.shape[a] for a in left)
    return total.reshape(shape)


def _sum_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    return broadcast_to(reshape(g, kept(x.shape, axis)), x.shape)


def _mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    result: Array
    if x.dtype == np.float32 and _adds_in_turn(x, axes := normalized_axes("mean", axis, x.shape)):
        total = _in_blocks(x, axes, keepdims)
        result = (total / np.float64(x.size // total.size)).astype(np.float32)
    else:
        result = np.mean(np.asarray(x, order="C"), axis=axis, keepdims=keepdims)
    return result


def _mean_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    return _sum_vjp(g / _count(x, axis), y, x, axis=axis, keepdims=keepdims)


def _max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    return _of_one_zero(np.max(x, axis=axis, keepdims=keepdims))


def _min(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    return _of_one_zero(np.min(x, axis=axis, keepdims=keepdims))


def _of_one_zero(extreme: Array) -> Array:
    """Return extremes without -0.0: which of two zeros NumPy takes depends on its vectors."""
    result: Array = extreme + extreme.dtype.type(0)
    return result


def _extreme_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    # Elements that tie for the extreme share the gradient evenly.
    shape = kept(x.shape, axis)
    ties = x.array == y.array.reshape(shape)
    share = ties.astype(x.dtype)
    share /= share.sum(axis=axis, keepdims=True)
    # Not a product alone: where the gradient is infinite, the others still have none.
    return where(ties, reshape(g, shape) * share, 0)


def _variance(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    result: Array
    if x.dtype == np.float32 and _adds_in_turn(x, normalized_axes("variance", axis, x.shape)):
        off = x - _mean(x, axis=axis, keepdims=True)
        result = _mean(off * off, axis=axis, keepdims=keepdims)
    else:
        result = np.var(np.asarray(x, order="C"), axis=axis, keepdims=keepdims)
    return result


def _variance_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    centred = x - mean(x, axis=axis, keepdims=True)
    spread: Tensor = reshape(g, kept(x.shape, axis)) * centred
    return spread * (2 / _count(x, axis))


def _norm(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    # In double: squares of float32 overflow from 1e19 on.
    square = np.square(np.asarray(x, order="C"), dtype=np.float64)
    return np.asarray(np.sqrt(square.sum(axis=axis, keepdims=keepdims)), x.dtype)


def _norm_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    shape = kept(x.shape, axis)
    length = reshape(y, shape)
    # At 0, where it points nowhere, the derivative is taken as 0.
    nowhere = length.array == 0
    return where(nowhere, 0, reshape(g, shape) * (x / (where(nowhere, 1, length))))


def _count(x: Tensor, axis: Axes) -> int:
    return int(np.prod([x.shape[a] for a in normalized_axes("mean", axis, x.shape)]))


_OVER: dict[str, Kind] = {"axis": "axes", "keepdims": "flag"}
# Extremes are the same in any order; sums are not.
_CHOSEN, _SUMMED = Packed(attributes=_OVER), Packed(attributes=_OVER, batch_invariant=False)

_sum_op = op(
    "sum",
    _sum,
    shape=reducing("sum", empty=True),
    vjps=[_sum_vjp],
    reads=[],
    packed=_SUMMED,
)
_mean_op = op(
    "mean",
    _mean,
    shape=reducing("mean", empty=False),
    vjps=[_mean_vjp],
    reads=[],
    packed=_SUMMED,
)
_max_op = op(
    "max",
    _max,
    shape=reducing("max", empty=False),
    vjps=[_extreme_vjp],
    reads=[(0, OUTPUT)],
    packed=_CHOSEN,
)
_min_op = op(
    "min",
    _min,
    shape=reducing("min", empty=False),
    vjps=[_extreme_vjp],
    reads=[(0, OUTPUT)],
    packed=_CHOSEN,
)
_variance_op = op(
    "variance",
    _variance,
    shape=reducing("variance", empty=False),
    vjps=[_variance_vjp],
    reads=[(0,)],
    packed=_SUMMED,
)
_norm_op = op(
    "norm", _norm, shape=reducing("norm", empty=True), vjps=[_norm_vjp], reads=[(0, OUTPUT)]
)


def sum(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the sum over `axis` (an axis, a tuple of axes, or None for all).

    Example:
        >>> sum([[1.0, 2.0], [3.0, 4.0]], axis=0)
        Tensor([4., 6.])
    """
    return _sum_op(x, axis=axis, keepdims=keepdims)


def mean(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the mean over `axis`.

    Raises:
        ShapeError: if there is nothing to average.

    Example:
        >>> mean([[1.0, 2.0], [3.0, 4.0]])
        Tensor(2.5)
    """
    return _mean_op(x, axis=axis, keepdims=keepdims)


def max(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the maximum over `axis`; elements that tie share the gradient evenly.

    Example:
        >>> max([[1.0, 2.0], [3.0, 0.0]], axis=1)
        Tensor([2., 3.])
    """
    return _max_op(x, axis=axis, keepdims=keepdims)


def min(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the minimum over `axis`; elements that tie share the gradient evenly.

    Example:
        >>> min([[1.0, 2.0], [3.0, 0.0]], axis=1)
        Tensor([1., 0.])
    """
    return _min_op(x, axis=axis, keepdims=keepdims)


def variance(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the mean squared deviation from the mean over `axis` (not the unbiased estimate).

    Example:
        >>> variance([1.0, 3.0])
        Tensor(1.)
    """
    return _variance_op(x, axis=axis, keepdims=keepdims)


def norm(x: Any, axis: Axes = None, keepdims: bool = False) -> Tensor:
    """Return the Euclidean norm over `axis`, the root of the sum of squares.

    At 0 its derivative is taken as 0.

    Example:
        >>> norm([3.0, 4.0])
        Tensor(5.)
    """
    return _norm_op(x, axis=axis, keepdims=keepdims)

"""Sums, means and extremes over axes."""

from typing import Any

import numpy as np

from ..autodiff import Array, Tensor, op
from ..products.channels import channel_sums
from .shape import broadcast_to, reshape
from .shapes import Axes, kept, normalized_axes, reducing

# Every function here has the name and the arguments of NumPy's. What adds up does so over an array
# in C order: NumPy sums in an order that follows the layout in memory.

# What np.sum comes to, without its detours. (Any: its type knows no keepdims that varies.)
_add_up: Any = np.add.reduce


def _sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    if x.ndim > 1 and x.dtype == np.float32 and _all_but_last(x, axis):
        return channel_sums(x).reshape(kept(x.shape, axis) if keepdims else x.shape[-1:])
    result: Array = _add_up(np.asarray(x, order="C"), axis=axis, keepdims=keepdims)
    return result


def _all_but_last(x: Array, axis: Axes) -> bool:
    return normalized_axes("sum", axis, x.shape) == tuple(range(x.ndim - 1))


def _sum_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    return broadcast_to(reshape(g, kept(x.shape, axis)), x.shape)


def _mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    result: Array = np.mean(np.asarray(x, order="C"), axis=axis, keepdims=keepdims)
    return result


def _mean_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    return _sum_vjp(g / _count(x, axis), y, x, axis=axis, keepdims=keepdims)


def _max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    result: Array = np.max(x, axis=axis, keepdims=keepdims)
    return result


def _min(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    result: Array = np.min(x, axis=axis, keepdims=keepdims)
    return result


def _extreme_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    # Elements that tie for the extreme share the gradient evenly.
    shape = kept(x.shape, axis)
    ties = (x.data == y.data.reshape(shape)).astype(x.dtype)
    shared: Tensor = reshape(g, shape) * (ties / ties.sum(axis=axis, keepdims=True))
    return shared


def _variance(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    result: Array = np.var(np.asarray(x, order="C"), axis=axis, keepdims=keepdims)
    return result


def _variance_vjp(g: Tensor, y: Tensor, x: Tensor, *, axis: Axes, keepdims: bool) -> Tensor:
    centred = x - mean(x, axis=axis, keepdims=True)
    spread: Tensor = reshape(g, kept(x.shape, axis)) * centred
    return spread * (2 / _count(x, axis))


def _count(x: Tensor, axis: Axes) -> int:
    return int(np.prod([x.shape[a] for a in normalized_axes("mean", axis, x.shape)]))


_sum_op = op("sum", _sum, shape=reducing("sum", empty=True), vjps=[_sum_vjp])
_mean_op = op("mean", _mean, shape=reducing("mean", empty=False), vjps=[_mean_vjp])
_max_op = op("max", _max, shape=reducing("max", empty=False), vjps=[_extreme_vjp])
_min_op = op("min", _min, shape=reducing("min", empty=False), vjps=[_extreme_vjp])
_variance_op = op(
    "variance", _variance, shape=reducing("variance", empty=False), vjps=[_variance_vjp]
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

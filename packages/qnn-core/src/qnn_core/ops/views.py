"""Selections and arrangements of elements, made of `getitem`, `reshape` and `transpose`."""

from typing import Any

import numpy as np

from ..autodiff import Tensor
from .shape import add_at, getitem, reshape, transpose
from .shapes import normalized_axes


def moved(x: Tensor, source: Any, destination: Any) -> Tensor:
    """Return `x` with axes at other places, as `numpy.moveaxis`."""
    # Of an array whose lengths are its axes' numbers: NumPy moves them, with its own errors.
    numbered = np.broadcast_to(np.float32(0), tuple(range(x.ndim)))
    return transpose(x, np.moveaxis(numbered, source, destination).shape)


def along(x: Tensor, axis: int, part: Any) -> Tensor:
    """Return ``x[:, ..., part]`` with `part`, a slice or indices, at an axis."""
    (at,) = normalized_axes("getitem", axis, x.shape)
    return getitem(x, index=(*(slice(None),) * at, part))


def diagonal(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Return the diagonal of two axes as the last axis, as `numpy.diagonal`."""
    x = moved(x, (axis1, axis2), (-2, -1))
    rows, columns = x.shape[-2:]
    start, shift = max(-offset, 0), max(offset, 0)
    count = max(0, min(rows - start, columns - shift))
    numbers = np.arange(count)
    return getitem(x, index=(..., numbers + start, numbers + shift))


def diagonal_matrix(x: Tensor, offset: int = 0) -> Tensor:
    """Return a matrix of zeros with the vector `x` as its diagonal, as `numpy.diag`."""
    size = len(x) + abs(offset)
    numbers = np.arange(len(x))
    index = (numbers + max(-offset, 0), numbers + max(offset, 0))
    return add_at(x, index=index, shape=(size, size))


def expanded(x: Tensor, axis: Any) -> Tensor:
    """Return `x` with axes of length 1 there, as `numpy.expand_dims`."""
    return reshape(x, np.expand_dims(_hollow(x), axis).shape)


def squeezed(x: Tensor, axis: Any = None) -> Tensor:
    """Return `x` without axes of length 1, as `numpy.squeeze`."""
    return reshape(x, np.squeeze(_hollow(x), axis).shape)


def _hollow(x: Tensor) -> Any:
    """Return an array of the shape of `x`, without memory of its own."""
    return np.broadcast_to(np.float32(0), x.shape)

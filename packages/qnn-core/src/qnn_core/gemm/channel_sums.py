"""Sums and normalization of channels, the last axis of float32 arrays, in one order."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import channels as kernel
from ..machine import cpu, empty
from ..machine.threads import LEAST_WORK, threads_for

Array = NDArray[Any]
Floats = NDArray[np.float32]

# Elements that loops have at least, of a piece, and that are passed over in a nanosecond, about.
LONG = 256
PIECE = 2**14
RATE = 8
# From so many elements on, a loop of our own adds channels up faster than NumPy; from so many rows
# on, more exactly: NumPy adds one after the other.
MANY, MANY_ROWS = 2**14, 256


def channel_sums(x: Array) -> Floats:
    """Return the sum of each channel.

    Args:
        x: float32 ``[..., channels]``.

    Returns:
        float32 ``[channels]``: the same bits on every path and for every number of threads.

    Example:
        >>> channel_sums(np.float32([[1, 2], [3, 4]]))
        array([4., 6.], dtype=float32)
    """
    x = np.asarray(x, order="C")
    if few_rows(x.shape):
        few = np.zeros(x.shape[-1], np.float32)
        if x.size:
            kernel.few_sums(x, few, x.size // x.shape[-1], x.shape[-1])
        return few
    total = np.zeros(x.shape[-1])
    kernel.sums(*_where(x), x, total)
    return total.astype(np.float32)


def few_rows(shape: tuple[int, ...]) -> bool:
    """Whether channels of an array of this shape are added up row by row."""
    size = math.prod(shape)
    return size < MANY and size <= MANY_ROWS * shape[-1]


def plane_sums(x: Array) -> Floats:
    """Return the sums over the middle axis, for each of the arrays by itself.

    Args:
        x: float32 ``[arrays, rows, channels]``, none of them 0.

    Returns:
        float32 ``[arrays, channels]``: what `channel_sums` of large arrays gives.

    Example:
        >>> plane_sums(np.float32([[[1], [2]], [[3], [4]]])).tolist()
        [[3.0], [7.0]]
    """
    total = np.zeros((x.shape[0], x.shape[2]))
    path, _, shape = _where(x[0])
    threads = threads_for(x[0].size / RATE)
    kernel.sums(path, threads, shape, np.asarray(x, order="C"), total)
    return total.astype(np.float32)


def channel_moments(x: Array) -> tuple[Floats, Floats]:
    """Return mean and variance (not the unbiased estimate) of each channel.

    Args:
        x: float32 ``[..., channels]`` with at least one row.

    Example:
        >>> channel_moments(np.float32([[1, 2], [3, 2]]))
        (array([2., 2.], dtype=float32), array([1., 0.], dtype=float32))
    """
    where, x = _where(x), np.asarray(x, order="C")
    channels = x.shape[-1]
    mean, square = np.zeros(channels), np.zeros(channels)
    if x.size:
        kernel.moments(*where, x, mean, square)
        square /= x.size // channels
    return mean.astype(np.float32), np.maximum(square, 0).astype(np.float32)


def normalized(x: Array, mean: Array, factor: Array, bias: Array) -> Floats:
    """Return ``(x - mean) * factor + bias``, each operation rounded.

    Args:
        x: float32 ``[..., channels]``.
        mean: float32 ``[channels]``.
        factor: likewise.
        bias: likewise.

    Example:
        >>> one = np.float32([1])
        >>> normalized(np.float32([[1], [3]]), one, one * 2, one)
        array([[1.],
               [5.]], dtype=float32)
    """
    where, x = _where(x), np.asarray(x, order="C")
    y = empty(x.shape, np.float32)
    if x.size:
        kernel.normalize(*where, x, _repeated(where[2], mean, factor, bias), y)
    return y


def normalization_sums(g: Array, x: Array, mean: Array) -> tuple[Floats, Floats]:
    """Return the sums of ``g`` and of ``g * (x - mean)`` for each channel."""
    where, x, g = _where(x), np.asarray(x, order="C"), np.asarray(g, order="C")
    total, moment = np.zeros(x.shape[-1]), np.zeros(x.shape[-1])
    if x.size:
        kernel.products(*where, x, g, _repeated(where[2], mean), total, moment)
    return total.astype(np.float32), moment.astype(np.float32)


def normalization_gradient(
    g: Array, x: Array, *, mean: Array, factor: Array, slope: Array, offset: Array
) -> Floats:
    """Return ``factor * g + (slope * (x - mean) + offset)``; constants are ``[channels]``."""
    where, x, g = _where(x), np.asarray(x, order="C"), np.asarray(g, order="C")
    dx = empty(x.shape, np.float32)
    if x.size:
        kernel.normalize_backward(
            *where, x, g, _repeated(where[2], mean, factor, slope, offset), dx
        )
    return dx


def pieces_of(shape: tuple[int, ...]) -> tuple[tuple[int, int, int, int], int]:
    """Return rows, channels, rows at a time and rows of a piece; and the most threads that pay."""
    c = shape[-1]
    rows = math.prod(shape[:-1])
    # Whole vectors of sixteen.
    step = 16 // math.gcd(c, 16)
    ways = step * -(-LONG // (step * max(c, 1)))
    piece = ways * max(1, PIECE // (ways * max(c, 1)))
    return (rows, c, ways, piece), max(1, int(rows * c / RATE / LEAST_WORK))


def _where(x: Array) -> tuple[int, int, tuple[int, int, int, int]]:
    """Return path, threads, and the shape for the kernels."""
    shape, _ = pieces_of(x.shape)
    return cpu.active_index(), threads_for(x.size / RATE), shape


def _repeated(shape: tuple[int, int, int, int], *constants: Array) -> Floats:
    """Return constants of the channels for as many rows as are taken at a time."""
    out = np.empty((len(constants), shape[2], shape[1]), np.float32)
    for rows, constant in zip(out, constants, strict=True):
        rows[...] = constant
    return out

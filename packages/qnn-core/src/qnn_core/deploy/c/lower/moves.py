"""What only moves elements, as strides or a table of indices."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...graph import Shape
from ..plan import Integers

MOST_AXES = 6


def moved_indices(shape: Shape, move: Callable[[Any], Any]) -> Integers:
    """Return for each element of what `move` makes of a sample where it was: flat, with its shape.

    Args:
        shape: of a sample.
        move: of a batch of one.
    """
    indices = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(1, *shape)
    moved: Integers = np.asarray(move(indices))[0]
    return moved


def strided(indices: Integers) -> tuple[tuple[int, ...], tuple[int, ...], int] | None:
    """Return indices as lengths, strides and start, axes that go together as one; or None.

    Example:
        >>> strided(np.arange(6).reshape(2, 3).T)
        ((3, 2), (1, 3), 0)
        >>> strided(np.array([0, 1, 5])) is None
        True
    """
    if not indices.size:
        return (0,), (1,), 0
    start = int(indices.flat[0])
    lengths: list[int] = []
    strides: list[int] = []
    for axis, length in enumerate(indices.shape):
        if length == 1:
            continue
        second = tuple(1 if a == axis else 0 for a in range(indices.ndim))
        stride = int(indices[second]) - start
        if lengths and strides[-1] == stride * length:
            lengths[-1] *= length
            strides[-1] = stride
        else:
            lengths.append(length)
            strides.append(stride)
    if not lengths:
        lengths, strides = [1], [1]
    grid = np.full(1, start, np.int64)
    for length, stride in zip(lengths, strides, strict=True):
        grid = (grid[:, None] + np.arange(length) * stride).reshape(-1)
    if len(lengths) > MOST_AXES or not np.array_equal(grid, indices.reshape(-1)):
        return None
    return tuple(lengths), tuple(strides), start


def is_identity(lengths: tuple[int, ...], strides: tuple[int, ...], start: int, size: int) -> bool:
    """Whether nothing moves: only the shape is another."""
    return start == 0 and strides == (1,) and lengths == (size,)

"""A few points that stand for many numbers: what calibrations search on."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Elements of a row that are looked at, and points that are kept of them.
SAMPLE = 2**16
POINTS = {"row": 128, "tensor": 1024}

# Elements that are taken together: a cache line is as quick to fetch as one of its numbers.
LINE = 16


def sketch(x_cn: Array, unit: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points of each row and their weights.

    A row is sorted and cut into pieces, which are short at both ends, where a single number
    matters, and long in the middle; each piece is kept as its middle number, with the piece's
    length as weight. Of long rows a sample is looked at.

    Args:
        x_cn: finite floats.
        unit: > 0, one for each row: what the points are divided by, see `units`.

    Returns:
        Ascending points, float32 ``[channel, point]``; weights, float32 ``[point]``.
    """
    ordered = np.sort(sampled(x_cn, SAMPLE), axis=1)
    middle, weight = _pieces(ordered.shape[1], POINTS["tensor" if len(x_cn) == 1 else "row"])
    point_cm = ordered[:, middle] / unit[:, None]
    return np.ascontiguousarray(point_cm, np.float32), weight


def units(low: Array, high: Array) -> Array:
    """Return the greatest magnitude of ranges, 1 where that is 0.

    Squares and sums of what is divided by it do not overflow.
    """
    greatest = np.maximum(-low, high)
    return np.where(greatest > 0, greatest, greatest.dtype.type(1))


def sampled(x_cn: Array, most: int) -> Array:
    """Return about `most` elements of each row, or all if there are not many more.

    They are spread by the golden ratio (a Kronecker sequence): an even stride would meet the same
    few columns of a matrix again and again.
    """
    rows, length = x_cn.shape
    lines = length // LINE
    if length <= 2 * most:
        return x_cn
    whole = x_cn[:, : lines * LINE].reshape(rows, lines, LINE)
    return whole[:, _spread(lines, most // LINE)].reshape(rows, -1)


@lru_cache(maxsize=64)
def _spread(length: int, count: int) -> NDArray[np.intp]:
    golden = (5**0.5 - 1) / 2
    return np.sort((np.arange(count) * golden % 1 * length).astype(np.intp))


@lru_cache(maxsize=64)
def _pieces(length: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the middles and lengths of up to `count` pieces of ``0..length - 1``.

    Their bounds are those of equal arcs of a half circle over the row.
    """
    if length <= count:
        return np.arange(length), np.ones(length, np.float32)
    arcs = (1 - np.cos(np.pi * np.arange(count + 1) / count)) / 2
    bounds = np.unique(np.rint(arcs * length).astype(np.intp))
    return (bounds[:-1] + bounds[1:] - 1) // 2, np.diff(bounds).astype(np.float32)

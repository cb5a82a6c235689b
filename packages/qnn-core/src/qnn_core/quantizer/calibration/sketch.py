"""A few points that stand for many numbers: what calibrations search on."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Points = NDArray[np.float32]

# Elements of a row that are looked at, and points that are kept of them.
SAMPLE = 2**16
POINTS = {"row": 128, "tensor": 1024}

# Of a long row, what lies beyond this many elements of its sample is looked at as a whole, on both
# sides: a sample would miss most of it, and a single number may decide.
TAIL = 4
BLOCK = 1024

# Elements that are taken together: a cache line is as quick to fetch as one of its numbers.
LINE = 16


@dataclass(frozen=True)
class Sample:
    """Rows in ascending order; of the middle of a long row only a part.

    Attributes:
        x_cn: the elements, ``[channel, element]``.
        weight_n: how many of the row each stands for; None if all are there.
    """

    x_cn: Array
    weight_n: Points | None

    def sketch(self, unit: Array) -> tuple[Points, Points]:
        """Return points of each row and their weights.

        A row is cut into pieces, which are short at both ends, where a single number matters, and
        long in the middle; each piece is kept as its middle number, with the elements that it
        stands for as weight.

        Args:
            unit: > 0, one for each row: what the points are divided by, see `units`.

        Returns:
            Ascending points, float32 ``[channel, point]``; weights, float32 ``[point]``.
        """
        rows, length = self.x_cn.shape
        first, middle, weight_m = _pieces(length, POINTS["tensor" if rows == 1 else "row"])
        if self.weight_n is not None:
            weight_m = np.add.reduceat(self.weight_n, first)
        point_cm = self.x_cn[:, middle] / unit[:, None]
        return np.ascontiguousarray(point_cm, np.float32), weight_m

    def magnitude(self, share: float) -> Array:
        """Return what `share` of the magnitudes of each row do not exceed."""
        length = self.x_cn.shape[1]
        total = length if self.weight_n is None else float(self.weight_n.sum(dtype=np.float64))
        beyond = (total - 1) * (1 - share)
        # The greatest magnitudes are at both ends.
        most = int(beyond) + 2
        kept = np.r_[:most, -most:0] if 2 * most < length else np.arange(length)
        magnitude_cn = np.abs(self.x_cn[:, kept])
        if self.weight_n is not None:
            falling = np.argsort(-magnitude_cn[0], kind="stable")
            passed = np.searchsorted(np.cumsum(self.weight_n[kept][falling]), beyond, side="right")
            return magnitude_cn[:, falling[passed]]
        falling_cn = np.sort(magnitude_cn, axis=1)[:, ::-1]
        above, below = falling_cn[:, int(beyond)], falling_cn[:, min(int(beyond) + 1, length - 1)]
        between: Array = above + (below - above) * above.dtype.type(beyond - int(beyond))
        return between


def is_long(x_cn: Array) -> bool:
    """Whether rows are too long to look at all of their elements."""
    return int(x_cn.shape[1]) > 2 * SAMPLE


def sample(x_cn: Array) -> Sample:
    """Return rows in ascending order, or a sample of a long one, of which there is to be one.

    What lies far out is in the sample as a whole.
    """
    ordered_cn = np.sort(sampled(x_cn, SAMPLE), axis=1)
    if not is_long(x_cn):
        return Sample(ordered_cn, None)
    ordered_n = ordered_cn[0]
    low, high = ordered_n[TAIL], ordered_n[-1 - TAIL]
    beyond = _beyond(x_cn[0], low, high)
    inside = ordered_n[np.searchsorted(ordered_n, low) : np.searchsorted(ordered_n, high, "right")]
    below = np.searchsorted(beyond, low)
    ordered_n = np.concatenate([beyond[:below], inside, beyond[below:]])
    weight_n = np.ones(ordered_n.size, np.float32)
    weight_n[below : below + inside.size] = (x_cn.size - beyond.size) / inside.size
    return Sample(ordered_n[None], weight_n)


def _beyond(x_n: Array, low: Any, high: Any) -> Array:
    """Return in ascending order what is less than `low` or greater than `high`."""
    blocks = x_n[: x_n.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    # Most blocks have nothing so far out.
    far = blocks[(blocks.min(axis=1) < low) | (blocks.max(axis=1) > high)].ravel()
    far = np.concatenate([far, x_n[blocks.size :]])
    return np.sort(far[(far < low) | (far > high)])


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
def _pieces(length: int, count: int) -> tuple[NDArray[np.intp], NDArray[np.intp], Points]:
    """Return starts, middles and lengths of up to `count` pieces of ``0..length - 1``.

    Their bounds are those of equal arcs of a half circle over the row.
    """
    if length <= count:
        return np.arange(length), np.arange(length), np.ones(length, np.float32)
    arcs = (1 - np.cos(np.pi * np.arange(count + 1) / count)) / 2
    bounds = np.unique(np.rint(arcs * length).astype(np.intp))
    middles = (bounds[:-1] + bounds[1:] - 1) // 2
    return bounds[:-1], middles, np.diff(bounds).astype(np.float32)

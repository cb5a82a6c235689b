"""A part of a large array: what shows itself must not take longer than to look at it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MOST = 2**18  # elements, which tell a distribution to a few thousandths


def sampled(array: Array) -> tuple[Array, str]:
    """Return the elements of an array, in a row, and in words how many of a large one.

    Of a large one they are drawn, with repetition, the same each time.

    Example:
        >>> sampled(np.arange(3.0))
        (array([0., 1., 2.]), '')
        >>> some, told = sampled(np.zeros((1000, 1000), np.uint8))
        >>> some.shape, told
        ((262144,), '262,144 drawn of 1,000,000')
    """
    if array.size <= MOST:
        return array.ravel(), ""
    # Not each n-th: it could be the same column of every row.
    places = np.random.default_rng(0).integers(array.size, size=MOST)
    return array[np.unravel_index(places, array.shape)], f"{MOST:,} drawn of {array.size:,}"

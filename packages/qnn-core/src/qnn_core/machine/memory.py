"""Arrays whose memory is used again by the next one of their size."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._kernels import memory

# Smaller ones the C library keeps by itself.
LEAST = 2**15


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array as `numpy.empty` does, large ones in memory that is used again.

    Up to 256 MiB that no array uses any longer are kept for the next ones.
    """
    size = np.dtype(dtype).itemsize
    for length in shape:
        size *= length
    if size < LEAST:
        return np.empty(shape, dtype)
    block: Any = memory.Block(size)  # a buffer, which NumPy's types do not name
    return np.ndarray(shape, dtype, block)

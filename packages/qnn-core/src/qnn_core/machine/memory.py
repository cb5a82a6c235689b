"""Arrays whose memory is used again by the next one of their size."""

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .._kernels import memory

# Arrays of fewer elements the C library keeps by itself.
LEAST = 2**13


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array as `numpy.empty` does, large ones in memory that is used again.

    Up to 256 MiB that no array uses any longer are kept for the next ones.
    """
    elements = math.prod(shape)
    if elements < LEAST:
        return np.empty(shape, dtype)
    # A buffer, which NumPy's types do not name.
    block: Any = memory.Block(elements * np.dtype(dtype).itemsize)
    return np.ndarray(shape, dtype, block)

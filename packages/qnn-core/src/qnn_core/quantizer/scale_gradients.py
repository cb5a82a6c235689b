"""How a quantized value depends on the scale: ``dx^/dscale``, with codes and window held.

Each takes `u` (the input in units of the scale), the level of its code, the window there, and the
lowest and highest level. Which one a quantizer uses follows from its argument ``scale``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def rounding(u: Array, level: Array, window: Array, low: float, high: float) -> Array:
    """``level - u * window``: the rounding error counts (Esser et al. 2020, 1902.08153, eq. 3)."""
    slope = np.array(level)
    # Far outside u may be infinite; where the window is zero it does not count.
    slope -= np.multiply(u, window, out=np.zeros_like(u), where=window != 0)
    return slope


def clipping(u: Array, level: Array, window: Array, low: float, high: float) -> Array:
    """The level outside of the range, 0 inside: only what is clipped counts.

    (PACT, Choi et al. 2018, arXiv:1805.06085, eq. 3, there for the clipping value.)
    """
    slope: Array = np.where((u < low) | (u > high), level, level.dtype.type(0))
    return slope

"""Scale gradients: ``dx^/dscale``, with the codes and the surrogate held constant.

Each takes `u` (the input in units of the scale), the level of its code, the surrogate there, and
the lowest and highest level. Which one a quantizer uses follows from its argument ``scale``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def rounding(u: Array, level: Array, surrogate: Array, low: float, high: float) -> Array:
    """``level - u * surrogate``: the rounding error counts (Esser et al., 1902.08153, eq. 3)."""
    scale_gradient = np.array(level)
    # Far outside u may be infinite; where the surrogate is zero it does not count.
    scale_gradient -= np.multiply(u, surrogate, out=np.zeros_like(u), where=surrogate != 0)
    return scale_gradient


def clipping(u: Array, level: Array, surrogate: Array, low: float, high: float) -> Array:
    """The level outside of the range, 0 inside: only what is clipped counts.

    (PACT, Choi et al. 2018, arXiv:1805.06085, eq. 3, there for the clipping value.)
    """
    scale_gradient: Array = np.where((u < low) | (u > high), level, level.dtype.type(0))
    return scale_gradient

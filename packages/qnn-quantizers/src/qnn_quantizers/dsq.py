"""Symmetric quantization whose gradients are those of a soft staircase."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError

from .symmetric import Symmetric

Array = NDArray[np.floating]


@dataclass(frozen=True)
class DSQ(Symmetric):
    """`Symmetric` with the gradients of a row of tanh: Gong et al. 2019, arXiv:1908.05033.

    Between two levels, a step apart, with d from -1/2 to 1/2 of it::

        soft    tanh(k d) / (2 tanh(k / 2))        k = ln(2 / alpha - 1)       (eqs. 4, 5, 9)
        d/dx    k / (2 tanh(k / 2)) * (1 - tanh(k d)**2)

    so that values near the middle between two levels get large gradients, and those near a level
    small ones; in the mean it is 1. Codes and values are those of `Symmetric`, as in the paper,
    where the soft value is rounded too. There alpha and the range are trained with the weights;
    here alpha is a number, and the range follows from the scale, which may be learned.

    Args:
        alpha: above 0 and below 1: how much of a step is missing at its ends; about 1 is the
            straight-through estimator.
        bits, grid, ...: see `Symmetric`.

    Example:
        >>> q = DSQ(bits=3, alpha=0.2)
        >>> q.surrogate(np.array([0.0, 0.25, 0.5, 9.0])).round(3)
        array([0.494, 1.03 , 1.373, 0.   ])
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        right = isinstance(self.alpha, int | float) and not isinstance(self.alpha, bool)
        if not right or not 1e-6 <= self.alpha < 1:
            raise SpecError(f"DSQ: alpha must be a number above 0 and below 1, got {self.alpha!r}")
        super().__post_init__()

    def surrogate(self, u: Array) -> Array:
        """Return the derivative of the soft staircase, 0 outside of the range."""
        levels = self.levels.astype(u.dtype)
        k = math.log(2 / self.alpha - 1)
        inside = (u >= levels[0]) & (u <= levels[-1])
        places = (np.where(inside, u, levels[0]) - levels[0]) / (levels[1] - levels[0])
        from_middle = places - np.floor(places) - 0.5
        peak = k / (2 * math.tanh(k / 2))
        soft: Array = peak * (1 - np.tanh(k * from_middle) ** 2) * inside
        return soft.astype(u.dtype, copy=False)

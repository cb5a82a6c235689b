"""Symmetric quantization whose gradients are scaled by how far a value lies from its level."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError

from .symmetric import Symmetric

Array = NDArray[np.floating]


@dataclass(frozen=True)
class EWGS(Symmetric):
    """`Symmetric` with element-wise gradient scaling: Lee et al. 2021, arXiv:2104.00903.

    ::

        d/dx    (1 + delta * sign(g) * (u - level)) * w(u)

    where g is the gradient that comes in and w the surrogate. A step against the gradient that
    would move a value towards the middle between two levels, where its code may change, is made
    larger, and one away from it smaller. The gradients of the scale are those of `Symmetric`.

    The paper finds delta anew in each epoch, from the trace of a Hessian; here it is a number, and
    u and level are in steps of the grid, where the paper's are shares of the range.

    Args:
        delta: 0 is the straight-through estimator; less than 2, so that no gradient turns round.
        bits, grid, ...: see `Symmetric`.

    Example:
        >>> q = EWGS(bits=2, delta=0.5)
        >>> u, level = np.array([0.4, 0.4]), np.array([0.0, 0.0])
        >>> q.gradient_factor(u, level, np.array([1.0, -1.0]))
        array([1.2, 0.8])
    """

    delta: float = 0.2

    def __post_init__(self) -> None:
        right = isinstance(self.delta, int | float) and not isinstance(self.delta, bool)
        if not right or not 0 <= self.delta < 2:
            raise SpecError(f"EWGS: delta must be a number from 0, below 2, got {self.delta!r}")
        super().__post_init__()

    def gradient_factor(self, u: Array, level: Array, upstream: Array) -> Array:
        """Return ``(1 + delta * sign(upstream) * (u - level)) * surrogate(u)``."""
        # In steps; far outside the surrogate is 0, and the distance could overflow.
        step = self.levels[1] - self.levels[0]
        distance = np.clip((u - level) / u.dtype.type(step), -1, 1)
        factor: Array = (1 + self.delta * np.sign(upstream) * distance) * self.surrogate(u)
        return factor.astype(u.dtype, copy=False)

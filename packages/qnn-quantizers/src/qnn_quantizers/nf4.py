"""Four-bit normal floats."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class NF4(Quantizer):
    """Levels at quantiles of the normal distribution: each is about equally often the nearest.

    ::

        levels      F(p) / F(d) for p from 1/2 to d, 9 of them with 0, and 8 below, with 0
                    F: quantiles of the normal distribution;  d = (1 - 1/30 + 1 - 1/32) / 2
        value       scale * level
        code        that of the level nearest to u = x / scale
        d/dx        1 inside the range, 0 outside
        d/dscale    level - u inside, level outside

    The data type of QLoRA (Dettmers et al. 2023, arXiv:2305.14314, section 3 and appendix E), for
    weights that are distributed normally; 0, -1 and 1 are among the levels. There each 64 weights
    have a scale of their own; here a tensor or a channel has. The levels are no whole numbers, so
    products are ones of floats, in training and deployed, with the same bits.

    Args:
        bits: 4.
        axis, scale, calibration, ...: see `Quantizer`. The calibration is ``absmax``, as in the
            paper, unless another is named.

    Example:
        >>> NF4().levels[[0, 6, 7, 8, 15]]
        array([-1.        , -0.09104998,  0.        ,  0.07958031,  1.        ],
              dtype=float32)
    """

    bits: int = 4

    def __post_init__(self) -> None:
        if self.bits != 4:
            raise SpecError(f"NF4: there are four bits, got bits={self.bits!r}")
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """The sixteen of them, ascending."""
        far = (1 - 1 / 30 + 1 - 1 / 32) / 2
        quantile = NormalDist().inv_cdf
        above = [quantile(p) / quantile(far) for p in np.linspace(0.5, far, 9)]
        below = [-quantile(p) / quantile(far) for p in np.linspace(far, 0.5, 8)[:-1]]
        return np.array(below + above, np.float32)

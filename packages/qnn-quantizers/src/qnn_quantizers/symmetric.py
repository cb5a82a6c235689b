"""Uniform quantization around zero."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError, nearest
from qnn_core.quantizer import Quantizer

Grid = Literal["odd", "even", "twos-complement"]
GRIDS = get_args(Grid)


@dataclass(frozen=True)
class Symmetric(Quantizer):
    """Evenly spaced levels around zero; 0.0 means level 0 (there is no shift).

    ::

        odd               -q, ..., -1, 0, 1, ..., q     q = 2**(bits-1) - 1
        even              ..., -3, -1, 1, 3, ...        2**bits of them (mid-rise)
        twos-complement   -2**(bits-1), ..., 2**(bits-1) - 1

        value       scale * level
        code        that of the level nearest to u = x / scale, ties to the even code
        d/dx        1 inside the range, 0 outside
        d/dscale    level - u inside, level outside

    An even code is an odd level on the odd grid, whose lowest level is odd: 0.5 becomes 1 and 1.5
    becomes 1, where ``round`` of NumPy and PyTorch gives 0 and 2. Two's complement rounds as they
    do. Ties are rare, but for data on a grid of their own.

    The odd grid is the usual one for weights (Krishnamoorthi 2018, arXiv:1806.08342, section 2.2).
    Its two bits, -1, 0, 1, are ternary weights: those of TWN (Li et al. 2016, arXiv:1605.04711)
    with ``calibration=twn``, of BitNet b1.58 (Ma et al. 2024, arXiv:2402.17764) with
    ``calibration=absmean`` (a weight of just half the scale becomes 1 here, 0 with the paper's
    round). The even grid has no zero; its two bits, -3, -1, 1, 3, are those of
    SAWB (Choi et al. 2019, "Accurate and efficient 2-bit quantized neural networks", MLSys) with
    ``calibration=sawb``, and of DoReFa-Net's weights (Zhou et al. 2016, arXiv:1606.06160) with
    ``transform=tanh``. Two's complement uses all codes, one more below zero than above; it is the
    grid of LSQ (Esser et al. 2020, arXiv:1902.08153), as is d/dscale (eq. 3).

    Args:
        bits: 1 to 8; with grid odd or twos-complement from 2.
        grid: which levels.
        axis, scale, calibration, ...: see `Quantizer`. The calibration is ``mse`` unless another is
            named: with few levels, clipping outliers costs less than stretching the steps.

    Example:
        >>> [Symmetric(bits=2, grid=grid).levels.tolist() for grid in GRIDS]
        [[-1.0, 0.0, 1.0], [-3.0, -1.0, 1.0, 3.0], [-2.0, -1.0, 0.0, 1.0]]
    """

    bits: int = 4
    grid: Grid = "odd"
    calibration: str = "mse"

    def __post_init__(self) -> None:
        if self.grid not in GRIDS:
            raise SpecError(
                f"Symmetric: grid must be one of {', '.join(GRIDS)}, got {self.grid!r}"
                + nearest(str(self.grid), GRIDS)
            )
        if self.bits == 1 and self.grid != "even":
            raise SpecError(
                f"Symmetric: one bit of the {self.grid} grid would leave nothing above zero; "
                "use 'binary', or grid='even' with the levels -1 and 1"
            )
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """The levels of the grid."""
        half = 2 ** (self.bits - 1)
        if self.grid == "even":
            return np.arange(1 - 2 * half, 2 * half, 2, dtype=np.float32)
        lowest = 1 - half if self.grid == "odd" else -half
        return np.arange(lowest, half, dtype=np.float32)

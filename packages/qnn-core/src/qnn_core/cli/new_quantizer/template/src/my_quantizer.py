"""Write here what the scheme is, and where it comes from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class MyQuantizer(Quantizer):
    """Evenly spaced levels on both sides of zero; replace them by your own.

    ::

        levels      ..., -3, -1, 1, 3, ...     2**bits of them
        value       scale * level
        code        that of the level nearest to u = x / scale
        d/dx        1 inside the range, 0 outside

    Args:
        bits: 1 to 8.
        axis, scale, calibration, ste: see `Quantizer`.
    """

    bits: int = 4

    @property
    def levels(self) -> NDArray[np.float32]:
        """The value of each code in units of the scale, ascending."""
        highest = 2**self.bits - 1
        return np.arange(-highest, highest + 1, 2, dtype=np.float32)

"""Logarithmic quantization: powers of two."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class Logarithmic(Quantizer):
    """Zero and powers of two; the rounding is done in the exponent.

    ::

        levels      0, 2**-(n-1), ..., 1/2, 1     unsigned: n = 2**bits - 1
                    and their negatives           signed: n = 2**(bits-1) - 1
        value       scale * level
        code        that of sign(u) * 2**round(log2|u|), |u| limited to the greatest level;
                    0 where |u| is below the least one by more than half an octave
        d/dx        1 inside the range, 0 outside
        d/dscale    level - u inside, level outside

    The scheme of Miyashita et al. 2016 (arXiv:1603.01025, eq. 3 and 4): a product with such a
    weight is a shift. Between two powers the boundary is their geometric mean, not the middle;
    exactly there, the greater one is taken.

    Args:
        bits: 2 to 8; 1 to 7 without a sign.
        signed: False for data that are never negative, as after ReLU: all codes above zero.
        axis, scale, calibration, ste: see `Quantizer`.

    Example:
        >>> Logarithmic(bits=3).levels.tolist()
        [-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]
        >>> import numpy as np
        >>> quantizer = Logarithmic(bits=3)
        >>> quantizer.levels[quantizer.encode(np.float32([0.7, 0.72, -0.1]))].tolist()
        [0.5, 1.0, 0.0]
    """

    bits: int = 4
    signed: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.signed, bool):
            raise SpecError(f"Logarithmic: signed must be True or False, got {self.signed!r}")
        if self.bits == 1 and self.signed:
            raise SpecError(
                "Logarithmic: one bit with a sign would leave only zero; "
                "use 'binary', or signed=False with the levels 0 and 1"
            )
        if self.bits == 8 and not self.signed:
            raise SpecError(
                "Logarithmic: 8 bits without a sign would need powers down to 2**-254, below "
                "the least float32: use up to 7 bits"
            )
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """Zero and powers of two up to 1, ascending."""
        powers = np.exp2(np.arange(1 - self._powers, 1)).astype(np.float32)
        negative = -powers[::-1] if self.signed else powers[:0]
        return np.concatenate([negative, np.zeros(1, np.float32), powers])

    def encode(self, u: NDArray[Any]) -> NDArray[np.uint8]:
        """Round in the exponent: 0 for zero, 1 for the least power, and so on, then the sign."""
        u = np.asarray(u, np.float64)
        mantissa, exponent = np.frexp(np.abs(u))
        # |u| = mantissa * 2**exponent with 1/2 <= mantissa < 1: round(log2|u|) without a logarithm.
        rounded = exponent - (mantissa < np.sqrt(0.5))
        steps = np.clip(rounded + self._powers, 0, self._powers)
        steps = np.where(u == 0, 0, steps)
        if not self.signed:
            return np.where(u > 0, steps, 0).astype(np.uint8)
        return (self._powers + np.where(u < 0, -steps, steps)).astype(np.uint8)

    @property
    def _powers(self) -> int:
        return (1 << (self.bits - self.signed)) - 1

"""Logarithmic quantization: powers of two, or of its square root."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import Quantizer

Base = Literal[2, "sqrt2"]


@dataclass(frozen=True)
class Logarithmic(Quantizer):
    """Zero and powers of a base; the rounding is done in the exponent.

    ::

        levels      0, base**-(n-1), ..., 1/base, 1     unsigned: n = 2**bits - 1
                    and their negatives                 signed: n = 2**(bits-1) - 1
        value       scale * level
        code        that of sign(u) * base**round(log|u|), |u| limited to the greatest level, with
                    the logarithm to that base; 0 where |u| is below the least level by more than
                    half a step of the exponent
        d/dx        1 inside the range, 0 outside
        d/dscale    level - u inside, level outside

    The scheme of Miyashita et al. 2016 (arXiv:1603.01025, section 3), for weights and, with
    ``signed=False``, for activations after ReLU. Between two powers the boundary is their geometric
    mean, not the middle; exactly there, the greater one is taken. Where the paper has a power of
    two as full scale, the scale here may be any.

    With base 2 a product is a shift, and levels are whole numbers but for a power of two: products
    are ones of integers up to 5 bits, 4 without a sign, as long as sums stay below 2**31. Odd
    powers of the square root of 2 are no whole numbers: products are ones of floats, in training
    and deployed, with the same bits.

    Args:
        bits: 2 to 8; 1 to 7 without a sign.
        signed: False for data that are never negative, as after ReLU: all codes above zero.
        base: 2, or ``"sqrt2"`` for twice as many levels in an octave.
        axis, scale, calibration, ...: see `Quantizer`.

    Example:
        >>> Logarithmic(bits=3).levels.tolist()
        [-1.0, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0]
        >>> Logarithmic(bits=2, signed=False, base="sqrt2").levels
        array([0.        , 0.5       , 0.70710677, 1.        ], dtype=float32)
        >>> import numpy as np
        >>> quantizer = Logarithmic(bits=3)
        >>> quantizer.levels[quantizer.encode(np.float32([0.7, 0.72, -0.1]))].tolist()
        [0.5, 1.0, 0.0]
    """

    bits: int = 4
    signed: bool = True
    base: Base = 2

    def __post_init__(self) -> None:
        if not isinstance(self.signed, bool):
            raise SpecError(f"Logarithmic: signed must be True or False, got {self.signed!r}")
        if self.base not in get_args(Base):
            raise SpecError(f"Logarithmic: base must be 2 or sqrt2, got {self.base!r}")
        if self.bits == 1 and self.signed:
            raise SpecError(
                "Logarithmic: one bit with a sign would leave only zero; "
                "use 'binary', or signed=False with the levels 0 and 1"
            )
        if self.bits == 8 and not self.signed:
            raise SpecError(
                "Logarithmic: 8 bits without a sign would need 255 powers, the least of them below "
                "the least normal float32: use up to 7 bits"
            )
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """Zero and the powers up to 1, ascending."""
        powers = np.exp2(self._exponents).astype(np.float32)
        negative = -powers[::-1] if self.signed else powers[:0]
        return np.concatenate([negative, np.zeros(1, np.float32), powers])

    def encode(self, u: NDArray[Any]) -> NDArray[np.uint8]:
        """Round in the exponent: 0 for zero, 1 for the least power, and so on, then the sign."""
        u = np.asarray(u, np.float64)
        exponents = self._exponents
        # Half a step below each power: its geometric mean with the next smaller one.
        bounds = np.exp2(exponents - (0.5 if self.base == 2 else 0.25))
        steps = np.searchsorted(bounds, np.abs(u), side="right")
        codes: NDArray[Any] = exponents.size + np.where(u < 0, -steps, steps)
        if not self.signed:
            codes = np.where(u > 0, steps, 0)
        return codes.astype(np.uint8)

    @property
    def _exponents(self) -> NDArray[np.float64]:
        """The exponents of 2 of the powers, ascending to 0."""
        count = (1 << (self.bits - self.signed)) - 1
        exponents: NDArray[np.float64] = np.arange(1.0 - count, 1.0)
        return exponents if self.base == 2 else exponents / 2

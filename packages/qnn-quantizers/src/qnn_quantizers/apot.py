"""Additive powers of two."""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class APoT(Quantizer):
    """Sums of a few powers of two: dense near zero like powers of two, less sparse far from it.

    ::

        levels      m in {sum of one number from each set}, and their negatives if signed
                    sets of four:  {0, 2**-a, 2**-b, 2**-c},  one for two bits of the magnitude
                    set of two:    {0, 2**-d},                for a bit that is left
                    in whole numbers: times the power of two that makes the least one 1
        value       scale * level
        code        that of the level nearest to u = x / scale
        d/dx        1 inside the range, 0 outside
        d/dscale    level - u inside, level outside

    The scheme of Li et al. 2020 (arXiv:1909.13144, section 2.2) with k = 2, as in the paper. The
    exponents 1, 2, 3, ... are dealt to the sets in turn, so that every sum is another number: for 3
    bits of magnitude {0, 1/2, 1/4, 1/16} and {0, 1/8}. The paper divides the levels by the
    greatest; here they are whole numbers, which integer kernels multiply, and the scale takes the
    factor. A product with such a level is a few shifts and additions. d/dscale is that of the
    paper's reparametrized clipping function (section 2.3); its normalization of weights (section
    2.4) is ``transform=standardize``.

    Its authors' code has two versions. As in that for ImageNet, no gradient passes to a weight that
    is clipped, and those of weights pass through their mean and deviation. That for CIFAR-10 passes
    it (here ``ste=identity`` would, but changes d/dscale too) and takes mean and deviation as
    constants. Both divide by n - 1 in the deviation, here by n: 0.06 % for 784 weights.

    Args:
        bits: 2 to 8; from 1 without a sign.
        signed: False for data that are never negative, as after ReLU.
        axis, scale, calibration, ...: see `Quantizer`. The calibration is ``mse`` unless another is
            named.

    Example:
        >>> APoT(bits=3).levels.tolist()
        [-4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0]
        >>> APoT(bits=3, signed=False).levels.tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0]
    """

    bits: int = 4
    signed: bool = True
    calibration: str = "mse"

    def __post_init__(self) -> None:
        if not isinstance(self.signed, bool):
            raise SpecError(f"APoT: signed must be True or False, got {self.signed!r}")
        if self.bits == 1 and self.signed:
            raise SpecError(
                "APoT: one bit with a sign would leave only zero; "
                "use 'binary', or signed=False with the levels 0 and 1"
            )
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """The sums in whole numbers, ascending."""
        sums = np.sort([sum(terms) for terms in product(*_sets(self.bits - self.signed))])
        magnitudes = (sums / sums[1]).astype(np.float32)
        negative: NDArray[Any] = -magnitudes[:0:-1] if self.signed else magnitudes[:0]
        return np.concatenate([negative, magnitudes])


def _sets(bits: int) -> list[list[float]]:
    """Return the sets whose sums are the magnitudes of `bits` bits."""
    fours, pair = [[0.0] for _ in range(bits // 2)], [[0.0] for _ in range(bits % 2)]
    # The set of two comes in before the last round.
    order = [*fours, *fours, *pair, *fours]
    for exponent, terms in enumerate(order, start=1):
        terms.append(2.0**-exponent)
    return fours + pair

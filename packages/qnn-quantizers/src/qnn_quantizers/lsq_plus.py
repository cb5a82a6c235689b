"""LSQ+: learned step sizes, and learned offsets for what is not symmetric."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import QParams, Quantizer, positive

Array = NDArray[np.floating]


@dataclass(frozen=True)
class LSQPlus(Quantizer):
    """Evenly spaced levels with a learned step, and for activations a learned offset.

    ::

        shift=learned   0, ..., 2**bits - 1                       value  scale * level + shift
        shift=fitted    -2**(bits - 1), ..., 2**(bits - 1) - 1    value  scale * level
        d/dx            1 inside the range, 0 outside
        d/dscale        level - u inside, level outside
        d/dshift        0 inside, 1 outside

    Bhalgat et al. 2020, arXiv:2004.09576, equations 3 to 8. ``shift=fitted`` has no offset and is
    for weights: ``scale = max(|mean - 3 sd|, |mean + 3 sd|) / 2**(bits - 1)`` at first (equation
    10). ``shift=learned,calibration=mse`` is for activations (configuration 4 of the paper's table
    1: levels without sign, scale and offset learned): both begin where the squared error on the
    first data is least (section 3.2.2). Gradients of scale and offset are scaled as in LSQ (Esser
    et al. 2020, arXiv:1902.08153, section 2.2).

    After an activation that reaches below zero, such as Swish, an offset uses all levels. 0.0 may
    lie between two of them: then padding is no zero, and products are ones of floats.

    Args:
        bits: 1 to 8; from 2 without an offset.
        shift: ``"fitted"`` for weights, ``"learned"`` for activations.
        scale, calibration, ...: see `Quantizer`; the scale is that of LSQ, the calibration
            ``three-sigma`` unless another is named.

    Example:
        >>> import qnn_core as qnn
        >>> of_input = "lsq-plus:4,shift=learned,calibration=mse"
        >>> net = qnn.MLP([8, 8, 2], weight="lsq-plus:4", input=of_input, seed=0)
        >>> LSQPlus(bits=2).levels, LSQPlus(bits=2, shift="learned").levels
        (array([-2., -1.,  0.,  1.], dtype=float32), array([0., 1., 2., 3.], dtype=float32))
    """

    bits: int = 4
    scale: str | float = "lsq"
    calibration: str = "three-sigma"

    def __post_init__(self) -> None:
        if self.bits == 1 and self.shift == "fitted":
            raise SpecError(
                "LSQPlus: one bit without an offset would leave nothing above zero; use 'binary'"
            )
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """As many whole numbers as there are codes."""
        count = 2**self.bits
        return np.arange(count, dtype=np.float32) - (0 if self.shift == "learned" else count // 2)

    def qparams_from_range(self, low: Array, high: Array) -> QParams:
        """Return qparams from `low` to `high`; with an offset, wherever they lie."""
        if self.shift != "learned":
            return super().qparams_from_range(low, high)
        steps = 2**self.bits - 1
        scale = positive((high / steps - low / steps).astype(low.dtype))
        return QParams(scale, -low / scale)

"""Uniform affine quantization."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.quantizer import QParams, Quantizer

Array = NDArray[Any]


@dataclass(frozen=True)
class Uniform(Quantizer):
    """Evenly spaced levels over the range of the data, with 0.0 among the values.

    ::

        levels      0, 1, ..., 2**bits - 1
        value       scale * (code - zero_point),  zero_point a whole number
        code        clip(round(x / scale + zero_point), 0, 2**bits - 1), ties to the even code
        d/dx        1 inside the range, 0 outside
        d/dscale    round(u) - u inside (u = x / scale + zero_point), code - zero_point outside

    The scheme of Jacob et al. 2018 (arXiv:1712.05877, eq. 1), called affine or asymmetric. The
    range is made to include 0, and the zero point is rounded to a whole number, so that zeros, as
    after ReLU or in padding, stay exactly zero. Others round before they add the zero point, which
    is another thing at ties where that is odd: ``x = scale / 2`` becomes 0 there, and `scale` here.
    d/dscale is LSQ's (Esser et al. 2020, arXiv:1902.08153, eq. 3), with the zero point held.

    After ReLU it is the grid of PACT's activations (Choi et al. 2018, arXiv:1805.06085) with
    ``scale=pact`` (the paper has no zero point: with one, for data of both signs, what is trained
    is ``scale * (2**bits - 1)``, the width of the range, and both ends move with it), of LSQ's with
    ``scale=lsq``, of LSQ+'s (Bhalgat et al. 2020, arXiv:2004.09576) with ``shift=learned`` besides,
    of DoReFa-Net's (Zhou et al. 2016, arXiv:1606.06160) with ``scale=fixed,calibration=unit``.

    Args:
        bits: 1 to 8.
        axis, scale, calibration, ...: see `Quantizer`. The calibration is ``mse`` unless another is
            named: with one or two bits, the full range of bell-shaped weights would round nearly
            all of them to zero.

    Example:
        >>> import numpy as np
        >>> quantizer = Uniform(bits=2, calibration="absmax")
        >>> qparams = quantizer.fit(np.float32([-1, 0, 2]))
        >>> float(qparams.scale), float(qparams.zero_point), float(qparams.shift)
        (1.0, 1.0, -1.0)
    """

    bits: int = 4
    calibration: str = "mse"

    @property
    def levels(self) -> NDArray[np.float32]:
        """``0..2**bits - 1``."""
        return np.arange(2**self.bits, dtype=np.float32)

    def qparams_from_range(self, low: Array, high: Array) -> QParams:
        """Return qparams from `low` to `high`, widened to include 0; the zero point is whole."""
        low, high = np.minimum(low, 0), np.maximum(high, 0)
        steps = 2**self.bits - 1
        width = high / steps - low / steps
        scale = np.where(width >= np.finfo(np.float32).tiny, width, 1).astype(low.dtype)
        return QParams(scale, np.clip(np.rint(-low / scale), 0, steps))

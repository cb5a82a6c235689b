"""Binarization."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class Binary(Quantizer):
    """The sign, times a scale. Zero counts as positive.

    ::

        levels      -1, 1
        value       scale * sign(x),  sign(0) = 1
        scale       mean|x| (calibration absmean), or 1 (scale=1)
        d/dx        1 where |x| <= scale, 0 elsewhere (ste=clip)

    With the scale ``mean|x|`` of each output channel, ``axis=0,scale=calibrated``, it is the
    binarization of XNOR-Net's weights (Rastegari et al. 2016, arXiv:1603.05279, eq. 6), which
    minimizes the squared error; with ``scale=1`` that of BinaryNet (Courbariaux et al. 2016,
    arXiv:1602.02830), for weights and activations. ``ste=identity`` passes every gradient, as is
    usual for weights whose latent values are clipped instead.

    Instead of ``ste=clip``, the derivative of hard tanh, ``ste=triangle`` is that of Bi-Real Net's
    ApproxSign (Liu et al. 2018, arXiv:1808.00278, eq. 5), ``2 - 2|u|``, and ``ste=swish`` that of
    BNN+'s SignSwish (Darabi et al. 2018, arXiv:1812.11800).

    Args:
        bits: 1.
        axis, scale, calibration, ...: see `Quantizer`. The calibration is ``absmean`` unless
            another is named.

    Example:
        >>> import numpy as np
        >>> Binary().encode(np.float32([-0.5, -0.0, 0.0, 2.0]))
        array([0, 1, 1, 1], dtype=uint8)
    """

    bits: int = 1
    calibration: str = "absmean"

    def __post_init__(self) -> None:
        if self.bits != 1:
            raise SpecError(f"Binary: there is one bit, got bits={self.bits!r}")
        super().__post_init__()

    @property
    def levels(self) -> NDArray[np.float32]:
        """-1 and 1."""
        return np.array([-1, 1], np.float32)

    def encode(self, u: NDArray[Any]) -> NDArray[np.uint8]:
        """Return 1 where ``u >= 0``, else 0."""
        return (np.asarray(u) >= 0).astype(np.uint8)

"""QParams that are trained: what the parameters are, and how scale and shift follow from them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...autodiff import Parameter, Tensor
from ...ops import exp, scale_gradient
from ...quantizer import QParams, Quantizer, codebook

Array = NDArray[Any]
Number = TypeVar("Number", Tensor, Array)


@dataclass(frozen=True, eq=False)
class ShiftedQParams(QParams):
    """Qparams with a shift that is trained, as in LSQ+: it does not follow the scale.

    Qparams that is fitted has none: layers keep its scale and zero point.

    Attributes:
        own_shift: the shift, of the scale's shape; 0.0 may lie between two levels.
    """

    own_shift: Array

    @property
    def shift(self) -> Array:
        """`own_shift`."""
        return self.own_shift


@dataclass(frozen=True)
class TrainedScale:
    """What is trained in place of a scale. ``top`` is the greatest level.

    Attributes:
        name: of the parameter.
        of: ``of(scale, top)``: the parameter that means a scale.
        scale: ``scale(parameter, top)``: the scale that a parameter means, as an operation or as
            arrays, with the same bits.
        bounded: whether the parameter must be kept above 0.
        decay: whether weight decay applies.
    """

    name: str
    of: Callable[[Array, float], Array]
    scale: Callable[[Any, float], Any]
    bounded: bool
    decay: bool

    def parameter(self, scale: Array, top: float) -> Parameter:
        """Return a parameter that means `scale`."""
        least = float(np.finfo(np.float32).tiny) * max(top, 1.0)
        bounds = (least, math.inf) if self.bounded else None
        return Parameter(self.of(scale, top), bounds=bounds, decay=self.decay)


def _exp(x: Number) -> Number:
    return exp(x) if isinstance(x, Tensor) else np.exp(x)


# By the quantizer's argument scale. PACT keeps its clipping value small by weight decay.
TRAINED = {
    "learned": TrainedScale(
        "log_scale", lambda s, top: np.log(s), lambda p, top: _exp(p), bounded=False, decay=False
    ),
    "lsq": TrainedScale("step", lambda s, top: s, lambda p, top: p, bounded=True, decay=False),
    "pact": TrainedScale(
        "clip", lambda s, top: s * top, lambda p, top: p / top, bounded=True, decay=True
    ),
}


def trained_scale(quantizer: Quantizer) -> TrainedScale | None:
    """Return what is trained in place of a quantizer's scale, None if nothing is."""
    return TRAINED.get(quantizer.scale) if isinstance(quantizer.scale, str) else None


def top_level(quantizer: Quantizer) -> float:
    """Return the greatest level, or the magnitude of the lowest if none is above 0."""
    levels = codebook(quantizer).levels
    return float(levels[-1] if levels[-1] > 0 else -levels[0])


def gradient_factor(quantizer: Quantizer, parameter: Tensor, shape: tuple[int, ...]) -> float:
    """Return the factor on the gradient of the qparams' parameters that the quantizer wants.

    Args:
        quantizer: whose qparams they are.
        parameter: one of them: it says among how many the elements are divided.
        shape: of one sample, or of the weight.
    """
    factor = quantizer.gradient_scale
    if factor is None:
        factor = "lsq" if quantizer.scale == "lsq" else 1.0
    if factor != "lsq":
        return float(factor)
    elements = math.prod(shape) // max(parameter.size, 1)
    return 1 / math.sqrt(max(elements, 1) * top_level(quantizer))


def scaled(parameter: Tensor, factor: float) -> Tensor:
    """Return a parameter whose gradient is multiplied by a factor."""
    return parameter if factor == 1 else scale_gradient(parameter, factor)

"""What holds the quantization parameters (qparams) of a layer: trained parameters, or buffers."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...arguments import real, whole
from ...autodiff import Buffer, Parameter, Tensor
from ...errors import ShapeError, SpecError
from ...ops import exp
from ...quantizer import QParams, Quantizer, codebook
from .owns_quantizer import OwnsQuantizer

Array = NDArray[Any]


@dataclass(frozen=True)
class TrainedScale:
    """What is trained in place of a scale.

    Attributes:
        name: of the parameter.
        of: ``of(scale, top)``: the parameter that means a scale; ``top`` is the greatest level.
        scale: the scale that a parameter means, as an operation; None if it is the parameter
            itself, or with `by_top` the parameter divided by the greatest level.
        array: the same for an array, with the same bits.
        by_top: see `scale`.
        bounded: whether the parameter must be kept above 0.
        decay: whether weight decay applies.
    """

    name: str
    of: Callable[[Array, float], Array]
    scale: Callable[[Tensor], Tensor] | None = None
    array: Callable[[Array], Array] | None = None
    by_top: bool = False
    bounded: bool = True
    decay: bool = False

    def parameter(self, scale: Array, top: float) -> Parameter:
        """Return a parameter that means `scale`."""
        least = float(np.finfo(np.float32).tiny) * max(top, 1.0)
        bounds = (least, math.inf) if self.bounded else None
        return Parameter(self.of(scale, top), bounds=bounds, decay=self.decay)


# By the quantizer's argument scale. PACT keeps its clipping value small by weight decay.
TRAINED: dict[str | float, TrainedScale] = {
    "learned": TrainedScale("log_scale", lambda s, top: np.log(s), exp, np.exp, bounded=False),
    "lsq": TrainedScale("step", lambda s, top: s),
    "pact": TrainedScale("clip", lambda s, top: s * top, by_top=True, decay=True),
}


def top_level(quantizer: Quantizer) -> float:
    """Return the greatest level, or the magnitude of the lowest if none is above 0."""
    lowest, highest = codebook(quantizer).ends
    return highest if highest > 0 else -lowest


class OwnsQParams(OwnsQuantizer):
    """A module with the scale and zero point of a quantizer; see `Quantize`, whose base it is."""

    # Whether axis 0 of what is quantized is the batch.
    batched = True

    def __init__(
        self, quantizer: str | Quantizer, *, channels: int | None = None, momentum: float = 0.1
    ) -> None:
        super().__init__(quantizer)
        self.momentum = real("Quantize", "momentum", momentum, above=0, most=1)
        self.log_scale: Parameter | None = None
        self.step: Parameter | None = None
        self.clip: Parameter | None = None
        self.shift: Parameter | None = None
        self.frozen_scale: Buffer | None = None
        shape = self._qparams_shape(channels)
        low, high = -np.ones(shape, np.float32), np.ones(shape, np.float32)
        self._create_params(self.quantizer.qparams_from_range(low, high))
        self.calibrated = Buffer(np.zeros(()))
        if not isinstance(self.quantizer.scale, str):
            scale = np.full(shape, float(self.quantizer.scale), np.float32)
            self._set(QParams(scale, np.zeros(shape, np.float32)))
            self.forget()

    def forget(self) -> None:
        """Let the qparams be fitted anew, to the next data; a scale that is a number stays."""
        self.begin_anew()
        known = not isinstance(self.quantizer.scale, str)
        if known:
            # A zero point other than 0 is still to be fitted.
            one = np.ones(self.zero_point.shape, np.float32)
            known = not np.any(self.quantizer.qparams_from_range(-one, one).zero_point)
            known = known and not self.trained  # neither are fields, which may be fitted too
        self.calibrated.array[...] = known
        self.calibrated.written()

    def take_qparams(self, qparams: QParams) -> None:
        """Take a scale and zero point over, as if they had been fitted to data.

        Raises:
            ShapeError: if they are of another shape.
        """
        self._set(qparams)
        self.calibrated.array[...] = 1
        self.calibrated.written()

    def freeze(self) -> Self:
        """Keep the range as it is, and do not train the parameters that it follows from."""
        return self._keep_range(True)

    def unfreeze(self) -> Self:
        """Undo `freeze`."""
        return self._keep_range(False)

    def fixed_tensors(self) -> Iterable[Tensor]:
        """Return the buffers that only a fit changes; in evaluation all that the qparams are of.

        And the fields that are trained: of their numbers a quantizer is made.
        """
        own = [value for value in vars(self).values() if isinstance(value, Tensor)]
        if self.training:
            own = [t for t in own if isinstance(t, Buffer) and t is not self.noise]
            if self.quantizer.scale == "calibrated":
                own = [self.calibrated]
        return [*own, *self.trained.values()]

    def _keep_range(self, kept: bool) -> Self:
        for value in [*vars(self).values(), *self.trained.values()]:
            if isinstance(value, Parameter):
                value.requires_grad = not kept
        return super().freeze() if kept else super().unfreeze()

    def _qparams_shape(self, channels: int | None) -> tuple[int, ...]:
        axis = self.quantizer.axis
        if axis is None:
            return ()
        if axis == 0 and self.batched:
            raise self._batch_axis()
        if channels is None:
            raise SpecError(f"Quantize({self.quantizer}): with an axis, channels= is needed")
        return (whole("Quantize", "channels", channels, least=1, error=ShapeError),)

    def _batch_axis(self) -> SpecError:
        return SpecError(
            f"Quantize({self.quantizer}): axis {self.quantizer.axis} of an input is the batch; "
            "qparams for each sample would make answers depend on their neighbours. Use axis=1"
        )

    def _create_params(self, qparams: QParams) -> None:
        """Create the parameters, or the buffer, that hold the qparams."""
        self.zero_point = Buffer(qparams.zero_point)
        trained = TRAINED.get(self.quantizer.scale)
        if trained is None:
            self.frozen_scale = Buffer(qparams.scale)
            return
        parameter = trained.parameter(qparams.scale, top_level(self.quantizer))
        setattr(self, trained.name, parameter)
        if self.quantizer.shift == "learned":
            self.shift = Parameter(qparams.shift, decay=False)

    def _set(self, qparams: QParams) -> None:
        kept: Any = qparams.scale
        holder = self.frozen_scale
        trained = TRAINED.get(self.quantizer.scale)
        if trained is not None:
            kept = trained.of(qparams.scale, top_level(self.quantizer))
            holder = getattr(self, trained.name)
        assert holder is not None
        if holder.shape != qparams.scale.shape:
            raise ShapeError(
                f"Quantize({self.quantizer}): a scale of shape {qparams.scale.shape} was fitted, "
                f"{holder.shape} is needed: does channels= fit the data?"
            )
        holder.array[...] = kept
        holder.written()
        self.zero_point.array[...] = qparams.zero_point
        self.zero_point.written()
        if self.shift is not None:
            self.shift.array[...] = qparams.shift
            self.shift.written()

"""The layer that owns the quantization parameters (qparams): scale and zero point."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...arguments import real, whole
from ...autodiff import Buffer, Parameter, Tensor
from ...autodiff.mode import MODE
from ...errors import ShapeError, SpecError, StateError
from ...ops import fake_quantize
from ...qtensor import PackedTensor, encode
from ...quantizer import QParams, Quantizer
from ...registry import get_quantizer
from ..module import Module
from .learned_qparams import (
    ShiftedQParams,
    TrainedScale,
    gradient_factor,
    scaled,
    top_level,
    trained_scale,
)
from .transforms import TRANSFORMS

Array = NDArray[Any]


class Quantize(Module):
    """Fake quantization with qparams of its own; stands before the layer whose input it quantizes.

    In training the qparams are fitted or learned, as the quantizer's ``scale`` says; in evaluation
    they are frozen, so that an answer never depends on the other samples of its batch. A learned
    scale is kept as its logarithm: it stays positive, and a step changes it by a share of itself,
    whatever its size (Jain et al. 2020, "Trained quantization thresholds", arXiv:1903.08066).
    LSQ's and PACT's are kept as they are, and clipped above 0 by the optimizer.

    Args:
        quantizer: spec string or quantizer.
        channels: number of channels along the quantizer's axis; needed if it has one.
        momentum: share of a new batch in the running range of a calibrated scale, 0..1.

    Attributes:
        quantizer: the scheme.
        log_scale: logarithm of a scale that is learned, else None.
        step: the scale of ``scale="lsq"``, else None.
        clip: the value of the greatest level, of ``scale="pact"``, else None.
        frozen_scale: a scale that is not trained, else None.
        zero_point: see `QParams`.
        shift: one that is learned, else None: it follows from scale and zero point.

    Raises:
        SpecError: if the quantizer's axis is the batch, `channels` is missing, or there is a
            transform, which is for weights.

    Example:
        >>> import qnn_core as qnn
        >>> layer = qnn.nn.Quantize("uniform:2")
        >>> layer(qnn.Tensor([0.0, 0.4, 3.0])).data
        array([0., 0., 3.], dtype=float32)
    """

    # Whether axis 0 of what is quantized is the batch.
    batched = True

    def __init__(
        self, quantizer: str | Quantizer, *, channels: int | None = None, momentum: float = 0.1
    ) -> None:
        self.quantizer = get_quantizer(quantizer)
        self.momentum = real("Quantize", "momentum", momentum, above=0, most=1)
        self.log_scale: Parameter | None = None
        self.step: Parameter | None = None
        self.clip: Parameter | None = None
        self.shift: Parameter | None = None
        self.frozen_scale: Buffer | None = None
        if self.batched and self.quantizer.transform != "none":
            raise SpecError(
                f"Quantize({self.quantizer}): transform={self.quantizer.transform} is for weights; "
                "of an input it would depend on the other samples of the batch"
            )
        shape = self._qparams_shape(channels)
        low, high = -np.ones(shape, np.float32), np.ones(shape, np.float32)
        self._create_params(self.quantizer.qparams_from_range(low, high))
        self.calibrated = Buffer(np.zeros(()))
        if not isinstance(self.quantizer.scale, str):
            self._set_fixed_scale(float(self.quantizer.scale), shape)
            # A zero point other than 0 is still to be fitted.
            self.calibrated.array[...] = not np.any(
                self.quantizer.qparams_from_range(low, high).zero_point
            )

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return the quantized values of `x`, of its shape."""
        return self.quantized(self.prepare_input(x))

    def prepare_input(self, x: Tensor) -> Tensor:
        """Return what is to be quantized; in training, fit the qparams to it first."""
        axis = self.quantizer.axis
        if axis is not None and axis % max(x.ndim, 1) == 0:
            raise self._batch_axis()
        if self.training:
            self.observe(x.array)
        elif not self.calibrated.array and not (MODE.recorder and MODE.recorder.lenient):
            frozen = " (it was frozen before: unfreeze it)" if self.frozen else ""
            raise StateError(
                f"Quantize({self.quantizer}): the scale was never fitted to data, so an evaluation "
                f"would have no meaning: train first, or run one batch in training mode{frozen}"
            )
        return x

    def quantized(self, x: Tensor) -> Tensor:
        """Return the quantized values of `x` with the qparams as they are."""
        return fake_quantize(x, *self.tensors(x.shape), quantizer=self.quantizer)

    def tensors(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and shift for data of a shape; in training as what they follow from."""
        trained = self._trained
        if trained is None or not self.training:
            qparams = self.qparams()
            return qparams.scale, qparams.shift
        return self._trained_qparams(trained, shape)

    def qparams(self) -> QParams:
        """Return the qparams as arrays."""
        if self._trained is None:
            assert self.frozen_scale is not None
            return QParams(self.frozen_scale.array, self.zero_point.array)
        parameter = getattr(self, self._trained.name).array
        scale = np.asarray(self._trained.scale(parameter, top_level(self.quantizer)))
        if self.shift is not None:
            return ShiftedQParams(scale, self.zero_point.array, self.shift.array)
        return QParams(scale, self.zero_point.array)

    def observe(self, x: Array) -> None:
        """Fit the qparams to training data, if they still must be fitted."""
        mode = self.quantizer.scale
        if self.calibrated.array and mode != "calibrated":
            return
        fitted = self.quantizer.fit(x, self.quantizer.axis)
        if mode == "calibrated":
            self._set(fitted if not self.calibrated.array else self._averaged(fitted))
        else:
            self._set(fitted if isinstance(mode, str) else self._fit_zero_point(fitted))
        self.calibrated.array[...] = 1

    def freeze(self) -> Self:
        """Keep the range as it is, and do not train the parameters that it follows from."""
        return self._keep_range(True)

    def unfreeze(self) -> Self:
        """Undo `freeze`."""
        return self._keep_range(False)

    def _keep_range(self, kept: bool) -> Self:
        for value in vars(self).values():
            if isinstance(value, Parameter):
                value.requires_grad = not kept
        return super().freeze() if kept else super().unfreeze()

    def encode(self, x: Array) -> PackedTensor:
        """Return `x` as codes, with the qparams as they are."""
        return encode(x, self.quantizer, self.qparams())

    def describe(self) -> str:
        """Return the quantizer."""
        return str(self.quantizer)

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

    @property
    def _trained(self) -> TrainedScale | None:
        return trained_scale(self.quantizer)

    def _trained_qparams(self, trained: TrainedScale, shape: tuple[int, ...]) -> tuple[Tensor, Any]:
        """Return scale and shift as tensors that know where they come from."""
        parameter = getattr(self, trained.name)
        factor = gradient_factor(self.quantizer, parameter, shape[1:] if self.batched else shape)
        scale = trained.scale(scaled(parameter, factor), top_level(self.quantizer))
        if self.shift is not None:
            return scale, scaled(self.shift, factor)
        zero = self.zero_point.array
        # float() of a 0-d array is faster than any(), and a product with 0.0 slower than both.
        return scale, scale * -zero if (zero.any() if zero.ndim else float(zero)) else 0.0

    def _create_params(self, qparams: QParams) -> None:
        """Create the parameters, or the buffer, that hold the qparams."""
        self.zero_point = Buffer(qparams.zero_point)
        if self._trained is None:
            self.frozen_scale = Buffer(qparams.scale)
            return
        parameter = self._trained.parameter(qparams.scale, top_level(self.quantizer))
        setattr(self, self._trained.name, parameter)
        if self.quantizer.shift == "learned":
            self.shift = Parameter(qparams.shift, decay=False)

    def _set_fixed_scale(self, scale: float, shape: tuple[int, ...]) -> None:
        self._set(QParams(np.full(shape, scale, np.float32), np.zeros(shape, np.float32)))

    def _set(self, qparams: QParams) -> None:
        kept: Any = qparams.scale
        holder = self.frozen_scale
        if self._trained is not None:
            kept = self._trained.of(qparams.scale, top_level(self.quantizer))
            holder = getattr(self, self._trained.name)
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

    def _fit_zero_point(self, fitted: QParams) -> QParams:
        """Return qparams with the fixed scale and a range with the middle of the fitted one."""
        levels = np.asarray(self.quantizer.levels, dtype=np.float64)
        scale = self.qparams().scale
        middle = fitted.scale * ((levels[0] + levels[-1]) / 2 - fitted.zero_point)
        half = scale * (levels[-1] - levels[0]) / 2
        low, high = ((middle + end).astype(scale.dtype) for end in (-half, half))
        return QParams(scale, self.quantizer.qparams_from_range(low, high).zero_point)

    def _averaged(self, fitted: QParams) -> QParams:
        """Return the qparams of the running average of the range that the levels reach."""
        levels = np.asarray(self.quantizer.levels, dtype=np.float64)
        before = self.qparams()
        ends = []
        for level in (levels[0], levels[-1]):
            old = before.scale * (level - before.zero_point)
            new = fitted.scale * (level - fitted.zero_point)
            ends.append(((1 - self.momentum) * old + self.momentum * new).astype(old.dtype))
        return self.quantizer.qparams_from_range(*ends)


class QuantizeWeight(Quantize):
    """Fake quantization of a parameter: fitted to it when made; calibrated means at every use.

    Args:
        quantizer: spec string or quantizer.
        weight: the parameter, ``[out, ...]``; its channels lie on the quantizer's axis.
    """

    batched = False

    def __init__(self, quantizer: str | Quantizer, weight: Parameter) -> None:
        scheme = get_quantizer(quantizer)
        axis = scheme.axis
        if axis is not None and not -weight.ndim <= axis < weight.ndim:
            raise SpecError(f"{scheme}: axis {axis} is not in a weight of shape {weight.shape}")
        super().__init__(scheme, channels=None if axis is None else weight.shape[axis])
        if not self.calibrated.array:
            self.observe(self._transformed(weight.array))

    def forward(self, weight: Tensor) -> Tensor:  # type: ignore[override]
        """Return the quantized weight."""
        return self.quantized(self.prepare_input(weight))

    def prepare_input(self, x: Tensor) -> Tensor:
        """Transform a weight, and fit a calibrated scale to it."""
        x = TRANSFORMS[self.quantizer.transform](x)
        self._refit(x.array)
        return x

    def refresh(self, weight: Array) -> None:
        """Fit a calibrated scale to the weight as it is now, in training and evaluation alike."""
        self._refit(self._transformed(weight))

    def encode(self, x: Array) -> PackedTensor:
        """Return a weight as codes, with the qparams as they are."""
        return super().encode(self._transformed(x))

    def _refit(self, weight: Array) -> None:
        if self.quantizer.scale == "calibrated" and not self.frozen:
            self._set(self.quantizer.fit(weight, self.quantizer.axis))

    def _transformed(self, weight: Array) -> Array:
        """Return what is quantized of a latent weight."""
        return TRANSFORMS[self.quantizer.transform](Tensor(weight, weight.dtype)).array

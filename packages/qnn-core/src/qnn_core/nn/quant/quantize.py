"""The layer that owns a frame: scale and zero point, fixed, calibrated or learned."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...arguments import real, whole
from ...autodiff import Buffer, Parameter, Tensor
from ...autodiff.mode import MODE
from ...errors import ShapeError, SpecError, StateError
from ...ops import fake_quantize
from ...qtensor import Coded, encode
from ...quantizer import Frame, Quantizer
from ...registry import get_quantizer
from ..module import Module
from .learned_qparams import (
    ShiftedFrame,
    TrainedScale,
    gradient_factor,
    scaled,
    top_level,
    trained_scale,
)
from .transforms import TRANSFORMS

Array = NDArray[Any]


class Quantize(Module):
    """Fake quantization with a frame of its own; stands before the layer whose input it quantizes.

    In training a frame is fitted or learned as the quantizer's ``scale`` says; in evaluation it is
    frozen, so that an answer never depends on the other samples of its batch. A learned scale is
    kept as its logarithm: it stays positive, and a step changes it by a share of itself, whatever
    its size (Jain et al. 2020, "Trained quantization thresholds", arXiv:1903.08066). LSQ's and
    PACT's are kept as they are, and clipped above 0 by the optimizer.

    Args:
        quantizer: spec string or quantizer.
        channels: number of channels along the quantizer's axis; needed if it has one.
        momentum: share of a new batch in the running range of a calibrated frame, 0..1.

    Attributes:
        quantizer: the scheme.
        log_scale: logarithm of a scale that is learned, else None.
        step: the scale of ``scale="lsq"``, else None.
        clip: the value of the greatest level, of ``scale="pact"``, else None.
        frozen_scale: a scale that is not trained, else None.
        zero_point: see `Frame`.
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
        shape = self._frame_shape(channels)
        low, high = -np.ones(shape, np.float32), np.ones(shape, np.float32)
        self._hold(self.quantizer.span(low, high))
        self.calibrated = Buffer(np.zeros(()))
        if not isinstance(self.quantizer.scale, str):
            self._fix(float(self.quantizer.scale), shape)
            # A zero point other than 0 is still to be fitted.
            self.calibrated.array[...] = not np.any(self.quantizer.span(low, high).zero_point)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return the quantized values of `x`, of its shape."""
        return self.quantized(self.meet(x))

    def meet(self, x: Tensor) -> Tensor:
        """Get ready for data, and return what is to be quantized.

        In training the frame is fitted to them, if it is still to be fitted.
        """
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
        """Return the quantized values of `x` with the frame as it is."""
        return fake_quantize(x, *self.tensors(x.shape), quantizer=self.quantizer)

    def tensors(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return scale and shift for data of a shape; in training as what they follow from."""
        trained = self._trained
        if trained is None or not self.training:
            frame = self.frame()
            return frame.scale, frame.shift
        return self._trained_frame(trained, shape)

    def frame(self) -> Frame:
        """Return the frame as arrays."""
        if self._trained is None:
            assert self.frozen_scale is not None
            return Frame(self.frozen_scale.array, self.zero_point.array)
        parameter = getattr(self, self._trained.name).array
        scale = np.asarray(self._trained.scale(parameter, top_level(self.quantizer)))
        if self.shift is not None:
            return ShiftedFrame(scale, self.zero_point.array, self.shift.array)
        return Frame(scale, self.zero_point.array)

    def observe(self, x: Array) -> None:
        """Fit the frame to training data, if it is still to be fitted."""
        mode = self.quantizer.scale
        if self.calibrated.array and mode != "calibrated":
            return
        fitted = self.quantizer.fit(x, self.quantizer.axis)
        if mode == "calibrated":
            self._set(fitted if not self.calibrated.array else self._averaged(fitted))
        else:
            self._set(fitted if isinstance(mode, str) else self._held(fitted))
        self.calibrated.array[...] = 1

    def freeze(self) -> Self:
        """Keep the range as it is; parameters that are trained in place of a scale are its."""
        return self._keep_range(True)

    def unfreeze(self) -> Self:
        """Undo `freeze`."""
        return self._keep_range(False)

    def _keep_range(self, kept: bool) -> Self:
        for value in vars(self).values():
            if isinstance(value, Parameter):
                value.requires_grad = not kept
        return super().freeze() if kept else super().unfreeze()

    def encode(self, x: Array) -> Coded:
        """Return `x` as codes, with the frame as it is."""
        return encode(x, self.quantizer, self.frame())

    def describe(self) -> str:
        """Return the quantizer."""
        return str(self.quantizer)

    def _frame_shape(self, channels: int | None) -> tuple[int, ...]:
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
            "a frame for each sample would make answers depend on their neighbours. Use axis=1"
        )

    @property
    def _trained(self) -> TrainedScale | None:
        return trained_scale(self.quantizer)

    def _trained_frame(self, trained: TrainedScale, shape: tuple[int, ...]) -> tuple[Tensor, Any]:
        """Return scale and shift as tensors that know where they come from."""
        parameter = getattr(self, trained.name)
        factor = gradient_factor(self.quantizer, parameter, shape[1:] if self.batched else shape)
        scale = trained.scale(scaled(parameter, factor), top_level(self.quantizer))
        if self.shift is not None:
            return scale, scaled(self.shift, factor)
        zero = self.zero_point.array
        # A number is asked for what it is; looking for one in an array takes longer than a product.
        return scale, scale * -zero if (zero.any() if zero.ndim else float(zero)) else 0.0

    def _hold(self, frame: Frame) -> None:
        """Make the parameters or the buffer for the frame."""
        self.zero_point = Buffer(frame.zero_point)
        if self._trained is None:
            self.frozen_scale = Buffer(frame.scale)
            return
        parameter = self._trained.parameter(frame.scale, top_level(self.quantizer))
        setattr(self, self._trained.name, parameter)
        if self.quantizer.shift == "learned":
            self.shift = Parameter(frame.shift, decay=False)

    def _fix(self, scale: float, shape: tuple[int, ...]) -> None:
        self._set(Frame(np.full(shape, scale, np.float32), np.zeros(shape, np.float32)))

    def _set(self, frame: Frame) -> None:
        kept: Any = frame.scale
        holder = self.frozen_scale
        if self._trained is not None:
            kept = self._trained.of(frame.scale, top_level(self.quantizer))
            holder = getattr(self, self._trained.name)
        assert holder is not None
        if holder.shape != frame.scale.shape:
            raise ShapeError(
                f"Quantize({self.quantizer}): a frame of shape {frame.scale.shape} was fitted, "
                f"{holder.shape} is needed: does channels= fit the data?"
            )
        holder.array[...] = kept
        holder.written()
        self.zero_point.array[...] = frame.zero_point
        self.zero_point.written()
        if self.shift is not None:
            self.shift.array[...] = frame.shift
            self.shift.written()

    def _held(self, fitted: Frame) -> Frame:
        """Return the frame with the given scale whose range has the middle of the fitted one."""
        levels = np.asarray(self.quantizer.levels, dtype=np.float64)
        scale = self.frame().scale
        middle = fitted.scale * ((levels[0] + levels[-1]) / 2 - fitted.zero_point)
        half = scale * (levels[-1] - levels[0]) / 2
        low, high = ((middle + end).astype(scale.dtype) for end in (-half, half))
        return Frame(scale, self.quantizer.span(low, high).zero_point)

    def _averaged(self, fitted: Frame) -> Frame:
        """Return the frame of the running average of the range that the levels reach."""
        levels = np.asarray(self.quantizer.levels, dtype=np.float64)
        before = self.frame()
        ends = []
        for level in (levels[0], levels[-1]):
            old = before.scale * (level - before.zero_point)
            new = fitted.scale * (level - fitted.zero_point)
            ends.append(((1 - self.momentum) * old + self.momentum * new).astype(old.dtype))
        return self.quantizer.span(*ends)


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
        return self.quantized(self.meet(weight))

    def meet(self, x: Tensor) -> Tensor:
        """Get ready for a weight, and return it as it is to be quantized."""
        x = TRANSFORMS[self.quantizer.transform](x)
        self._refit(x.array)
        return x

    def refresh(self, weight: Array) -> None:
        """Fit a calibrated frame to the weight as it is now, in training and evaluation alike."""
        self._refit(self._transformed(weight))

    def encode(self, x: Array) -> Coded:
        """Return a weight as codes, with the frame as it is."""
        return super().encode(self._transformed(x))

    def _refit(self, weight: Array) -> None:
        if self.quantizer.scale == "calibrated" and not self.frozen:
            self._set(self.quantizer.fit(weight, self.quantizer.axis))

    def _transformed(self, weight: Array) -> Array:
        """Return what is quantized of a latent weight."""
        return TRANSFORMS[self.quantizer.transform](Tensor(weight, weight.dtype)).array

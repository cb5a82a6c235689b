"""Fake quantization as a layer, of an input and of a weight: qparams are fitted, read, and used."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...autodiff import Parameter, Tensor
from ...autodiff.mode import MODE, effect
from ...errors import SpecError, StateError
from ...ops import fake_quantize, negative, scale_gradient
from ...ops.noisy_quantize import noisy_quantize
from ...ops.quantize import fake_quantize_trained
from ...qtensor import PackedTensor, encode
from ...quantizer import QParams, Quantizer
from ...quantizer.shown import quantizer_html
from ...registry import get_quantizer
from .qparams import TRAINED, OwnsQParams, top_level
from .transforms import TRANSFORMS

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class ShiftedQParams(QParams):
    """Qparams with a shift that is trained, as in LSQ+: it does not follow the scale.

    Qparams that are fitted have none: layers keep their scale and zero point.

    Attributes:
        own_shift: the shift, of the scale's shape; 0.0 may lie between two levels.
    """

    own_shift: Array

    @property
    def shift(self) -> Array:
        """`own_shift`."""
        return self.own_shift


def _with_gradient_scale(parameter: Tensor, quantizer: Quantizer, shape: tuple[int, ...]) -> Tensor:
    """Return a parameter of the qparams with the factor on its gradient that the quantizer wants.

    Args:
        parameter: it also says among how many scales the elements are divided.
        quantizer: whose qparams they are.
        shape: of one sample, or of the weight.
    """
    factor = quantizer.gradient_scale
    if factor is None:
        factor = "lsq" if quantizer.scale == "lsq" else 1.0
    if factor == "lsq":
        elements = math.prod(shape) // max(parameter.size, 1)
        factor = 1 / math.sqrt(max(elements, 1) * top_level(quantizer))
    return parameter if factor == 1 else scale_gradient(parameter, float(factor))


class Quantize(OwnsQParams):
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
        quantizer: the scheme, with what was trained in its fields.
        scheme: as it was given.
        trained: its fields that are trained, see `Quantizer.trained`.
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

    def __init__(
        self, quantizer: str | Quantizer, *, channels: int | None = None, momentum: float = 0.1
    ) -> None:
        scheme = get_quantizer(quantizer)
        if self.batched and scheme.transform != "none":
            raise SpecError(
                f"Quantize({scheme}): transform={scheme.transform} is for weights; "
                "of an input it would depend on the other samples of the batch"
            )
        super().__init__(scheme, channels=channels, momentum=momentum)

    def forward(self, x: Tensor) -> Tensor:
        """Return the quantized values of `x`, of its shape."""
        x, scale, shift = self.operands(x)
        if self.plain or not self.training:
            return fake_quantize(x, scale, shift, quantizer=self.quantizer)
        fields, quantizer = [*self.trained.values()], self.quantizer
        if self.noise is None:
            return fake_quantize_trained(x, scale, shift, *fields, quantizer=quantizer)
        return noisy_quantize(x, scale, shift, *fields, quantizer=quantizer, draw=self.draw)

    def operands(self, x: Tensor) -> tuple[Tensor, Any, Any]:
        """Return what `fake_quantize` takes: data, scale, shift; in training, fit these first."""
        axis = self.quantizer.axis
        if axis is not None and axis % max(x.ndim, 1) == 0:
            raise self._batch_axis()
        if self.training:
            if not self.calibrated.array or self.quantizer.scale == "calibrated":
                effect(self._see, x)
        elif not self.calibrated.array and not (MODE.recorder and MODE.recorder.lenient):
            frozen = " (it was frozen before: unfreeze it)" if self.frozen else ""
            raise StateError(
                f"Quantize({self.quantizer}): the scale was never fitted to data, so an evaluation "
                f"would have no meaning: train first, or qnn.calibrate(model, data){frozen}"
            )
        return x, *self._scale_and_shift(x.array.shape[1:])

    def qparams(self) -> QParams:
        """Return the qparams as arrays."""
        trained = TRAINED.get(self.quantizer.scale)
        if trained is None:
            assert self.frozen_scale is not None
            return QParams(self.frozen_scale.array, self.zero_point.array)
        scale = getattr(self, trained.name).array
        if trained.array is not None:
            scale = trained.array(scale)
        elif trained.by_top:
            scale = scale / top_level(self.quantizer)
        if self.shift is not None:
            return ShiftedQParams(np.asarray(scale), self.zero_point.array, self.shift.array)
        return QParams(np.asarray(scale), self.zero_point.array)

    def observe(self, x: Array) -> None:
        """Fit the qparams to training data, if they still must be fitted."""
        mode = self.quantizer.scale
        if self.calibrated.array and mode != "calibrated":
            return
        if self.trained and not self.calibrated.array:
            quantizer, fitted = self.scheme.fitted(x, self.scheme.axis)
            self._take(quantizer)
        else:
            fitted = self.quantizer.fit(x, self.quantizer.axis)
        if mode == "calibrated":
            self._set(fitted if not self.calibrated.array else self._averaged(fitted))
        else:
            self._set(fitted if isinstance(mode, str) else self._fit_zero_point(fitted))
        if not self.calibrated.array:
            self.calibrated.array[...] = 1
            self.calibrated.written()

    def _see(self, x: Tensor, residual: Any) -> None:
        self.observe(x.array)

    def encode(self, x: Array) -> PackedTensor:
        """Return `x` as codes, with the qparams as they are."""
        return encode(x, self.quantizer, self.qparams())

    def describe(self) -> str:
        """Return the quantizer as it was given: a checkpoint is known by it."""
        return str(self.scheme)

    def _repr_html_(self) -> str:
        """Return the staircase, and where its levels lie now, as notebooks show them."""
        fitted = bool(self.calibrated.array)
        return quantizer_html(self.quantizer, self.qparams() if fitted else None)

    def _scale_and_shift(self, shape: tuple[int, ...]) -> tuple[Any, Any]:
        """Return both for a sample, or a weight, of a shape; in training as what they follow from.

        With the bits of `qparams`.
        """
        trained = TRAINED.get(self.quantizer.scale)
        if self.training and self.quantizer.scale == "calibrated":
            assert self.frozen_scale is not None
            return self.frozen_scale, negative(self.frozen_scale * self.zero_point)
        if trained is None or not self.training:
            qparams = self.qparams()
            return qparams.scale, qparams.shift
        scale = _with_gradient_scale(getattr(self, trained.name), self.quantizer, shape)
        if trained.scale is not None:
            scale = trained.scale(scale)
        elif trained.by_top:
            scale = scale / top_level(self.quantizer)
        if self.shift is not None:
            return scale, _with_gradient_scale(self.shift, self.quantizer, shape)
        zero = self.zero_point.array
        # float() of a 0-d array is faster than any(), and a product with 0.0 slower than both.
        return scale, scale * -zero if (zero.any() if zero.ndim else float(zero)) else 0.0

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

    Example:
        >>> from qnn_core.autodiff import Parameter
        >>> weight = Parameter([[0.9, -0.1], [0.3, -1.0]])
        >>> quantize = QuantizeWeight("symmetric:2,calibration=absmax", weight)
        >>> quantize(weight)
        Tensor([[ 1.,  0.],
                [ 0., -1.]], op=fake_quantize)
        >>> quantize.encode(weight.data).codes
        array([[2, 1],
               [1, 0]], dtype=uint8)
    """

    batched = False

    def __init__(self, quantizer: str | Quantizer, weight: Parameter) -> None:
        scheme = get_quantizer(quantizer)
        axis = scheme.axis
        if axis is not None and not -weight.ndim <= axis < weight.ndim:
            raise SpecError(f"{scheme}: axis {axis} is not in a weight of shape {weight.shape}")
        super().__init__(scheme, channels=None if axis is None else weight.shape[axis])
        if not self.calibrated.array:
            self.observe(self.transformed(weight.array))

    def operands(self, x: Tensor) -> tuple[Tensor, Any, Any]:
        """Return the weight as it is quantized, transformed, and scale and shift."""
        if self.quantizer.transform != "none":
            x = TRANSFORMS[self.quantizer.transform](x)
        if not self.calibrated.array:  # a warm start brought other weights
            self.observe(x.array)
        elif self.quantizer.scale == "calibrated" and not self.frozen:
            effect(self._fit_again, x)
        return x, *self._scale_and_shift(x.array.shape)

    def _fit_again(self, x: Tensor, residual: Any) -> None:
        self._set(self.quantizer.fit(x.array, self.quantizer.axis))

    def qparams_now(self, weight: Array) -> QParams:
        """Return the qparams that a weight would have if it were used now.

        Nothing is changed by it, unlike by `refresh`.
        """
        if self.calibrated.array and (self.quantizer.scale != "calibrated" or self.frozen):
            return self.qparams()
        return self.quantizer.fit(self.transformed(weight), self.quantizer.axis)

    def coded(self, weight: Array) -> PackedTensor:
        """Return a weight as codes, with `qparams_now`."""
        return encode(self.transformed(weight), self.quantizer, self.qparams_now(weight))

    def refresh(self, weight: Array) -> None:
        """Fit a calibrated scale to the weight as it is now, in training and evaluation alike."""
        if not self.calibrated.array:
            self.observe(self.transformed(weight))
        elif self.quantizer.scale == "calibrated" and not self.frozen:
            self._set(self.quantizer.fit(self.transformed(weight), self.quantizer.axis))

    def encode(self, x: Array) -> PackedTensor:
        """Return a weight as codes, with the qparams as they are."""
        return super().encode(self.transformed(x))

    def transformed(self, weight: Array) -> Array:
        """Return what is quantized of a latent weight."""
        return TRANSFORMS[self.quantizer.transform](Tensor(weight, weight.dtype)).array

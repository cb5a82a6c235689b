"""The quantizer interface: levels, a rule that picks one, a scale and a zero point."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import NonFiniteError, ShapeError, SpecError, nearest
from .calibration import CALIBRATIONS
from .codebook import checked_levels, codebook
from .former_names import accept_former_names
from .scale_gradients import clipping, rounding
from .shown import quantizer_html
from .surrogates import SURROGATES
from .trained_fields import check_fields, level_gradients

Array = NDArray[Any]

# What is trained in place of a scale: its logarithm, itself, the value of the greatest level.
LEARNED = ("learned", "lsq", "pact")
SCALES = (*LEARNED, "calibrated", "fixed")
SHIFTS = ("fitted", "learned")
TRANSFORMS = ("none", "standardize", "tanh")


@dataclass(frozen=True, eq=False)
class QParams:
    """Where the levels lie: ``value = scale * level + shift``.

    Attributes:
        scale: > 0; shape () for a whole tensor or (channels,).
        zero_point: the level, not always a whole one, that means 0.0; same shape.

    Example:
        >>> qparams = QParams(np.float32(0.5), np.float32(2))
        >>> qparams.shift  # of level 2 the value is 0.5 * 2 - 1 = 0
        np.float32(-1.0)
    """

    scale: Array
    zero_point: Array

    @property
    def shift(self) -> Array:
        """``-scale * zero_point``: exactly minus the value of that level, so that 0.0 is exact."""
        # What overflows is refused where the qparams are used.
        with np.errstate(over="ignore"):
            shift: Array = -(self.scale * self.zero_point)
        return shift


@dataclass(frozen=True, kw_only=True)
class Quantizer(ABC):
    """A quantization scheme: subclass it as a frozen dataclass and register it as an entry point.

    A subclass must give `bits` and `levels`; everything else has a default. With
    ``u = (x - shift) / scale`` and ``code = encode(u)``, a layer computes::

        value       scale * levels[code] + shift
        d/dx        surrogate(u)
        d/dscale    levels[code] - u * surrogate(u)
        d/dshift    1 - surrogate(u)

    so a subclass need not write a gradient, but may: see `gradient_factor`. With the clip
    surrogate, d/dscale is that of LSQ (Esser et al. 2020, arXiv:1902.08153, eq. 3).

    Attributes:
        trained: fields that are trained with the net, and the bounds that each number in them is
            kept inside: a clipping value, a threshold, a codebook. A field is a number or a tuple
            of them. Each layer has values of its own, with which it quantizes as an object would
            that had them from the first; deployed are their levels and thresholds. They get no
            weight decay. See `trained_gradients`, `fitted`.

    Args:
        bits: 1 to 8.
        axis: the axis with a scale and zero point for each channel, or None for one of each for the
            whole tensor. Weights have their output channels on axis 0.
        scale: how it is found. Fitted to the first data, then trained: ``"learned"``, its
            logarithm; ``"lsq"``, the scale itself (LSQ's step); ``"pact"``, the value of the
            greatest level (PACT's clipping value), with d/dscale = level outside of the range and 0
            inside. Or ``"calibrated"``: fitted to the data throughout training, weights at each
            step, activations by a running average; ``"fixed"``: fitted to the first data, then left
            alone; a number > 0.
        calibration: how a scale is fitted, a name in `CALIBRATIONS`.
        ste: the surrogate of the straight-through estimator, a name in `SURROGATES`.
        shift: ``"fitted"``, with the scale, which it follows; ``"learned"``, a number of its own
            that is trained (LSQ+, Bhalgat et al. 2020, arXiv:2004.09576), with a learned or
            lsq scale. Then 0.0 may lie between levels, and products are ones of floats.
        gradient_scale: factor on the gradients of a learned scale and shift: a number > 0, or
            ``"lsq"`` for ``1 / sqrt(N * Q)``, with N the elements of a sample or weight that share
            the scale and Q the greatest level (LSQ, section 2.2). None is ``"lsq"`` with an lsq
            scale, else 1. Optimizers that normalize gradients, such as Adam, undo it.
        percentile: percent of the magnitudes that ``calibration="percentile"`` does not clip.
        transform: of a latent weight, before it is quantized: ``"none"``; ``"tanh"``,
            ``tanh(w) / max|tanh(w)|`` (DoReFa-Net, Zhou et al. 2016, arXiv:1606.06160, section
            2.3); ``"standardize"``, to mean 0 and standard deviation 1 (APoT, Li et al. 2020,
            arXiv:1909.13144, section 2.4). Not for inputs, where it would depend on the batch.

    Raises:
        SpecError: on construction, for values outside of these, or for a class whose objects may be
            equal though their arguments differ: tables are found by equality.

    Example:
        >>> from dataclasses import dataclass, fields
        >>> @dataclass(frozen=True)
        ... class Ternary(Quantizer):
        ...     bits: int = 2
        ...
        ...     @property
        ...     def levels(self):
        ...         return [-1, 0, 1]
        >>> Ternary().encode(np.array([-0.7, 0.2, 5.0], np.float32))
        array([0, 1, 2], dtype=uint8)
    """

    bits: int
    axis: int | None = None
    scale: str | float = "learned"
    calibration: str = "absmax"
    ste: str = "clip"
    shift: str = "fitted"
    gradient_scale: str | float | None = None
    percentile: float = 99.9
    transform: str = "none"

    trained: ClassVar[Mapping[str, tuple[float, float]]] = {}

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        accept_former_names(cls)

    def __post_init__(self) -> None:
        name = type(self).__name__
        if gap := equality_gap(type(self)):
            raise SpecError(f"{name}: {gap}")
        for f in fields(self):
            value = getattr(self, f.name)
            if f.init and isinstance(value, np.generic | np.ndarray) and value.ndim == 0:
                # NumPy's number, as loops over arrays give them, counts as the number that it is.
                object.__setattr__(self, f.name, value.item())
        if not _whole(self.bits) or not 1 <= self.bits <= 8:
            raise SpecError(f"{name}: bits must be a whole number from 1 to 8, got {self.bits!r}")
        if self.axis is not None and not _whole(self.axis):
            raise SpecError(f"{name}: axis must be a whole number or None, got {self.axis!r}")
        self._check_scale()
        for option, known in CHOICES.items():
            choice(name, option, getattr(self, option), known)
        self._check_learned()
        if not _number(self.percentile) or not 0 < self.percentile <= 100:
            raise SpecError(
                f"{name}: percentile must be above 0 and at most 100, got {self.percentile!r}"
            )
        check_fields(self)
        checked_levels(self.levels, self.bits, name)

    def _check_scale(self) -> None:
        name = type(self).__name__
        if isinstance(self.scale, str):
            choice(name, "scale", self.scale, SCALES)
        elif not _positive_number(self.scale):
            raise SpecError(
                f"{name}: scale must be {', '.join(SCALES)} or a number > 0 that float32 can "
                f"hold, got {self.scale!r}"
            )

    def _check_learned(self) -> None:
        name, factor = type(self).__name__, self.gradient_scale
        if self.shift == "learned" and self.scale not in ("learned", "lsq"):
            raise SpecError(
                f"{name}: shift=learned needs scale=learned or scale=lsq, got {self.scale!r}"
            )
        if factor is None:
            return
        if factor != "lsq" and not _positive_number(factor):
            raise SpecError(f"{name}: gradient_scale must be lsq or a number > 0, got {factor!r}")
        if self.scale not in LEARNED:
            raise SpecError(
                f"{name}: gradient_scale is for a scale that is trained ({', '.join(LEARNED)}), "
                f"not {self.scale!r}"
            )

    def __str__(self) -> str:
        shown = (
            f"{f.name}={_shown(getattr(self, f.name))}"
            for f in fields(self)
            if f.name == "bits" or getattr(self, f.name) != f.default
        )
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        """Return the staircase, the gradient and the levels, as notebooks show them."""
        return quantizer_html(self)

    @property
    @abstractmethod
    def levels(self) -> ArrayLike:
        """The value of each code in units of the scale.

        Ascending numbers, as many as need just `bits` bits: more than ``2**(bits-1)``, at most
        ``2**bits``.
        """

    def encode(self, u: Array) -> NDArray[np.uint8]:
        """Return the code of each finite float32 number, monotone in `u`.

        The default takes the nearest level; halfway between two, the one with the even code,
        counted from the lowest level: which of the *levels* is even does not matter.
        """
        levels = np.asarray(self.levels, dtype=np.float32).astype(np.float64)
        middles = (levels[1:] + levels[:-1]) / 2
        u = np.asarray(u, dtype=np.float64)
        below = np.searchsorted(middles, u, side="left")
        through = np.searchsorted(middles, u, side="right")
        # They differ exactly on a middle; of the two codes there, the even one is taken.
        return np.where(below % 2 == 0, below, through).astype(np.uint8)

    def surrogate(self, u: Array) -> Array:
        """Return ``dx^/dx`` at each `u`, in its dtype; the default is what `ste` names."""
        levels = codebook(self).levels
        return SURROGATES[self.ste](u, float(levels[0]), float(levels[-1]))

    def gradient_factor(self, u: Array, level: Array, upstream: Array) -> Array:
        """Return the factor on the gradient that comes in, at each `u`: the default is `surrogate`.

        A scheme whose estimator depends on that gradient too overrides it, as EWGS does (Lee et al.
        2021, arXiv:2104.00903). The factor counts as a constant in further derivatives.

        Args:
            u: ``(x - shift) / scale``.
            level: the level that was chosen, of the shape and dtype of `u`.
            upstream: the gradient that comes in, likewise.
        """
        return self.surrogate(u)

    def scale_gradient(self, u: Array, level: Array, surrogate: Array) -> Array:
        """Return ``dx^/dscale`` at each `u`, of which `level` and `surrogate` are given."""
        levels = codebook(self).levels
        chosen = clipping if self.scale == "pact" else rounding
        return chosen(u, level, surrogate, float(levels[0]), float(levels[-1]))

    def training_levels(self, u: Array, rng: np.random.Generator) -> Array:
        """Return what stands for the levels in training; the default is ``levels[encode(u)]``.

        A scheme that is stochastic in training overrides it: it may draw one of two levels
        (stochastic rounding), or add noise in place of rounding. In evaluation, and deployed, the
        level is that of `encode`. Gradients are the same functions of `u` and of what is returned.

        Args:
            u: ``(x - shift) / scale``, finite but where x lies far outside.
            rng: a generator of the layer's own: the same numbers for the same data and step.

        Returns:
            As many numbers, of the dtype of `u`, in units of the scale.
        """
        levels: Array = codebook(self).levels.astype(u.dtype)[self.encode(u)]
        return levels

    def trained_values(self) -> dict[str, Array]:
        """Return what the fields in `trained` begin with: as they are."""
        return {name: np.asarray(getattr(self, name), np.float32) for name in self.trained}

    def trained_gradients(self, u: Array, code: Array, gradient: Array) -> dict[str, Array]:
        """Return the gradient of the loss in each field of `trained`, of its shape.

        The default is that of the levels, with the codes held: by difference quotients of `levels`,
        exact but for rounding where they are linear in the field. A field that moves thresholds
        alone, or levels through a formula that rounds, needs a gradient of its own.

        Args:
            u: ``(x - shift) / scale``.
            code: of each element, uint8, of the shape of `u`.
            gradient: of the loss in the level of each element, likewise.
        """
        return level_gradients(self, code, gradient)

    def fitted(self, x: Array, axis: int | None = None) -> tuple[Self, QParams]:
        """Return the quantizer with the fields in `trained` fitted to data, and qparams.

        The default leaves the fields as they are. For arguments and errors see `fit`.
        """
        return self, self.fit(x, axis)

    def qparams_from_range(self, low: Array, high: Array) -> QParams:
        """Return qparams whose levels just reach from `low` to `high`.

        The default keeps 0.0 at level 0, and takes the least scale at which the greatest level
        reaches `high` and the lowest `low`: max|x| / max|level| for levels that are symmetric.
        Levels that are all of one sign leave the other side out.
        """
        levels = codebook(self).levels
        sides = [
            np.maximum(end / level, 0)
            for end, level in ((low, levels[0]), (high, levels[-1]))
            if level != 0
        ]
        scale = np.maximum(sides[0], sides[-1])
        return QParams(positive(scale), np.zeros_like(scale))

    # Former names, by which plugins may still call the defaults.
    window, slope, span = surrogate, scale_gradient, qparams_from_range

    def fit(self, x: Array, axis: int | None = None) -> QParams:
        """Return qparams for data `x`, for the whole array or for each channel along `axis`.

        The default spans the range that the calibration gives.

        Raises:
            NonFiniteError: if `x` holds NaN or infinity.
            ShapeError: if `x` is empty or has no such axis.
        """
        x_cn = rows(np.asarray(x), axis, type(self).__name__)
        with np.errstate(over="ignore", invalid="ignore"):
            low, high = CALIBRATIONS[self.calibration](self, x_cn)
            qparams = self.qparams_from_range(low.astype(x_cn.dtype), high.astype(x_cn.dtype))
        if not np.all(np.isfinite(qparams.scale)):
            raise NonFiniteError(
                f"{type(self).__name__}: the data, from {x_cn.min()} to {x_cn.max()}, reach too "
                f"far for a scale in {x_cn.dtype}"
            )
        if axis is None:
            return QParams(qparams.scale.reshape(()), qparams.zero_point.reshape(()))
        return qparams


@cache
def equality_gap(cls: type[Quantizer]) -> str:
    """Return what keeps equality from asking for all arguments of a dataclass, or ``""``.

    Codebooks are found by it, and two schemes that count as equal would share one.
    """
    params: Any = cls.__dataclass_params__  # type: ignore[attr-defined] # typeshed leaves it out
    if not params.eq:
        return "its objects must be equal only if their arguments are: leave out eq=False"
    left_out = [f.name for f in fields(cls) if f.init and not f.compare]
    if left_out:
        return f"compare=False leaves {', '.join(left_out)} out of equality: tables would be shared"
    return ""


FEW = 4  # numbers that are written out

CHOICES: dict[str, Iterable[str]] = {
    "calibration": CALIBRATIONS,
    "shift": SHIFTS,
    "ste": SURROGATES,
    "transform": TRANSFORMS,
}


def _shown(value: Any) -> str:
    """Return a value as it is, of many numbers how many and their range."""
    if isinstance(value, tuple) and len(value) > FEW:
        return f"{len(value)} from {min(value):.4g} to {max(value):.4g}"
    return str(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _positive_number(value: Any) -> bool:
    """Whether float32 can hold a value > 0, and divide by it."""
    limits = np.finfo(np.float32)
    return _number(value) and float(limits.tiny) <= value <= float(limits.max)


def choice(name: str, option: str, value: Any, known: Any) -> None:
    """Raise a SpecError unless `value` is one of `known`."""
    if not isinstance(value, str) or value not in known:
        raise SpecError(
            f"{name}: {option} must be one of {', '.join(sorted(known))}, got {value!r}"
            + nearest(str(value), known)
        )


def positive(scale: Array) -> Array:
    """Return `scale` with 1 where it is too small to divide by: data that are all zero.

    Example:
        >>> positive(np.float32([0.5, 0.0]))
        array([0.5, 1. ], dtype=float32)
    """
    return np.where(scale >= np.finfo(np.float32).tiny, scale, scale.dtype.type(1))


def rows(x: Array, axis: int | None, name: str) -> Array:
    """Return `x` as ``[channel, element]``, checked."""
    if x.size == 0:
        raise ShapeError(f"{name}: cannot fit a scale to an empty array of shape {x.shape}")
    if axis is not None and not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"{name}: axis {axis} is not in an array of shape {x.shape}")
    # NaN is the least and the greatest of numbers; a pass over booleans would take longer.
    if not (np.isfinite(x.min()) and np.isfinite(x.max())):
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise NonFiniteError(f"{name}: cannot fit a scale to {x[where]} at index {where}")
    if x.dtype not in (np.float32, np.float64):
        x = x.astype(np.float32)
    return x.reshape(1, -1) if axis is None else np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)

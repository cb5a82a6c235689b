"""Arrays and qparams as the quantization kernels want them, and the kernels' checks."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import quantize as kernel
from .._kernels import training
from ..errors import NonFiniteError, ShapeError
from ..machine import empty, kernel_settings
from ..quantizer import Quantizer, codebook
from .quantized_tensor import QuantizedTensor

Array = NDArray[Any]
Codes = NDArray[np.uint8]


def check_qparams(
    name: str, shape: tuple[int, ...], axis: int | None, *qparams: tuple[int, ...]
) -> None:
    """Raise a ShapeError unless scales and shifts of the shapes `qparams` fit data of `shape`."""
    if axis is not None and not -len(shape) <= axis < len(shape):
        raise ShapeError(f"{name}: the quantizer's axis {axis} is not in data of shape {shape}")
    expected = () if axis is None else (shape[axis],)
    for found in qparams:
        if found and found != expected:
            raise ShapeError(
                f"{name}: a scale or shift of shape {found} does not fit data of shape {shape} "
                f"with axis {axis}: () or {expected} is needed"
            )


def codes_of(x: Array, scale: Array, shift: Array, quantizer: Quantizer) -> Codes:
    """Return the uint8 codes of float data, of its shape; see `quantized`."""
    return quantized(x, scale, shift, quantizer).codes


def quantized(
    x: Array, scale: Array, shift: Array, quantizer: Quantizer, values: Array | None = None
) -> QuantizedTensor:
    """Return float data as codes, with qparams of their own: those of a layer change in place.

    Args:
        x: float data.
        scale: of shape (), or one for each channel of the quantizer's axis.
        shift: likewise.
        quantizer: the scheme.
        values: of the shape and dtype of `x`, where the values of the codes are written to; None if
            nobody wants them.

    Raises:
        NonFiniteError: if `x` holds NaN or infinity, or a scale is not a finite number > 0.
        ShapeError: if the qparams do not fit the data.
    """
    book, axis = codebook(quantizer), quantizer.axis
    _check_scale(scale, shift, book.ends)
    codes = empty(x.shape, np.uint8)
    row = _row_qparams(x, scale, shift, axis)
    if row is not None:
        path, threads = kernel_settings()
        finite = training.fake_forward(path, threads, book.book, *row, code=codes, value=values)
    else:
        x_rn, scale_rn, shift_rn = _rows(x, scale, shift, axis)
        code_rn = codes.reshape(x_rn.shape)
        how = book.thresholds, book.per_step, book.search
        bad = kernel.encode(x_rn, scale_rn, shift_rn, *how, code_rn)
        finite = not bad
        if finite and values is not None:
            values[...] = values_of(codes, book.levels, scale, shift, axis)
    if not finite:
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(x))[0])
        raise NonFiniteError(
            f"{type(quantizer).__name__}: cannot quantize {x[where]} at index {where}"
        )
    return QuantizedTensor(codes, quantizer.bits, book.levels, scale.copy(), shift.copy(), axis)


def values_of(codes: Codes, levels: Array, scale: Array, shift: Array, axis: int | None) -> Array:
    """Return ``scale * levels[codes] + shift`` in the dtype of the scale."""
    code_rn, scale_rn, shift_rn = _rows(codes, scale, shift, axis)
    values = np.empty(codes.shape, scale.dtype)
    kernel.decode(
        code_rn,
        scale_rn,
        shift_rn,
        levels.astype(scale.dtype, copy=False),
        values.reshape(code_rn.shape),
    )
    return values


def decoded(quantized: QuantizedTensor) -> Array:
    """Return the float32 values that codes mean."""
    codes, levels, scale, shift = (*quantized[:1], *quantized[2:5])
    if quantized.per_tensor:
        out = empty(codes.shape, np.float32)
        table = np.multiply(scale, levels, dtype=np.float32)
        codes = np.asarray(codes, order="C")
        training.lookup(*kernel_settings(), codes, table + shift, out)
        return out
    return values_of(codes, levels, scale, shift, quantized.axis)


def clips(quantizer: Quantizer) -> bool:
    """Whether the gradients of a quantizer are those of the clip surrogate: what kernels have."""
    kind = type(quantizer)
    own = (
        kind.surrogate is not Quantizer.surrogate
        or kind.scale_gradient is not Quantizer.scale_gradient
        or kind.gradient_factor is not Quantizer.gradient_factor
    )
    return not own and quantizer.ste == "clip" and quantizer.scale != "pact"


def qparam_slopes(
    x: Array, quantized: QuantizedTensor, quantizer: Quantizer, *, shift: bool
) -> tuple[Array, Array | None]:
    """Return ``level - u * surrogate``, d/dscale, of each element of float32 data.

    With the clip surrogate, and one scale and zero point for all. And ``1 - surrogate``, d/dshift;
    None if that is not asked for.
    """
    book = codebook(quantizer).book
    by_scale = empty(x.shape, np.float32)
    by_shift = empty(x.shape, np.float32) if shift else None
    codes, x = np.asarray(quantized.codes, order="C"), np.asarray(x, order="C")
    where = kernel_settings()
    qparams = quantized.scale, quantized.shift
    training.fake_slopes(*where, book, x, *qparams, 1, x.size, False, codes, by_scale, by_shift)
    return by_scale, by_shift


def clip_surrogate(
    x: Array, codes: Codes, scale: Array, shift: Array, quantizer: Quantizer
) -> tuple[Array, Array]:
    """Return the clip surrogate w and ``levels[codes] - u * w``, both of the data's shape."""
    x_rn, scale_rn, shift_rn = _rows(x, scale, shift, quantizer.axis)
    surrogate, scale_gradient = np.empty(x.shape, x.dtype), np.empty(x.shape, x.dtype)
    kernel.clip_surrogate(
        x_rn,
        scale_rn,
        shift_rn,
        np.asarray(codes, order="C").reshape(x_rn.shape),
        codebook(quantizer).levels.astype(x.dtype, copy=False),
        surrogate.reshape(x_rn.shape),
        scale_gradient.reshape(x_rn.shape),
    )
    return surrogate, scale_gradient


def clip_gradients(
    g: Array,
    x: Array,
    quantized: QuantizedTensor,
    quantizer: Quantizer,
    needs: tuple[bool, ...],
    *,
    in_place: bool = False,
) -> list[Array | None] | None:
    """Return the gradients for x, scale and shift in one pass; None where `needs` says no.

    With the clip surrogate w: ``g * w(u)``, and the sums of ``g * (level - u * w(u))`` and
    ``g * (1 - w(u))`` over all that shares a scale. Returns None as a whole for data that the
    kernel does not take: of float64, or with qparams for each column. With `in_place`, the gradient
    for x is written over `g`.
    """
    scale, shift = quantized.scale, quantized.shift
    row = _row_qparams(x, scale, shift, quantizer.axis)
    if row is None or g.dtype != np.float32:
        return None
    count = row[3] if row[5] else 1
    dx = None
    if needs[0]:
        dx = g if in_place else empty(x.shape, np.float32)
    sums = [np.empty(count) if need else None for need in needs[1:]]
    book, path, threads = codebook(quantizer).book, *kernel_settings()
    codes, g = (np.asarray(array, order="C") for array in (quantized.codes, g))
    training.fake_backward(
        path, threads, book, *row, code=codes, g=g, dx=dx, scale_sums=sums[0], shift_sums=sums[1]
    )
    return [dx, *(_in_qparams(sums[n], f) for n, f in enumerate((scale, shift)))]


def _in_qparams(total: Array | None, qparams: Array) -> Array | None:
    """Return sums over rows as the gradient of a scale or shift of the qparams' shape."""
    if total is None:
        return None
    if qparams.ndim:
        return total.astype(qparams.dtype)
    return np.array(total[0] if total.size == 1 else total.sum(), qparams.dtype)


def _row_qparams(
    x: Array, scale: Array, shift: Array, axis: int | None
) -> tuple[Array, Array, Array, int, int, bool] | None:
    """Return data, scale, shift, rows, their length, and whether each has qparams of its own.

    None where the qparams changes along the innermost axis, or the data are not float32.
    """
    if x.dtype != np.float32 or scale.dtype != np.float32 or shift.dtype != np.float32:
        return None
    if scale.ndim == 0 and shift.ndim == 0:
        return np.asarray(x, order="C"), scale, shift, 1, x.size, False
    if axis is None or axis % x.ndim != 0 or x.ndim < 2:
        return None
    rows = x.shape[0]
    scale, shift = (np.ascontiguousarray(np.broadcast_to(f, (rows,))) for f in (scale, shift))
    return np.asarray(x, order="C"), scale, shift, rows, x.size // max(rows, 1), True


def units(x: Array, scale: Array, shift: Array, axis: int | None) -> Array:
    """Return ``u = (x - shift) / scale`` rounded to float32, in the data's dtype."""
    # Far outside the levels u may be infinite, as it may in the kernels.
    with np.errstate(over="ignore"):
        u = (x - aligned(shift, x.ndim, axis)) / aligned(scale, x.ndim, axis)
        return u.astype(np.float32).astype(x.dtype, copy=False)


def aligned(qparams: Array, ndim: int, axis: int | None) -> Array:
    """Return scales or shifts of channels so that they broadcast over data of `ndim` axes."""
    if axis is None or not qparams.ndim:
        return qparams
    return qparams.reshape(-1, *(1,) * (ndim - 1 - axis % ndim))


def _check_scale(scale: Array, shift: Array, ends: tuple[float, float]) -> None:
    if scale.ndim == shift.ndim == 0:
        # The usual case, in plain numbers: two that are clearly in order.
        one, start, (low, high) = float(scale), float(shift), ends
        if one > 0 and abs(one * low + start) < 1e38 and abs(one * high + start) < 1e38:
            return
    if not (np.all(scale > 0) and np.all(np.isfinite(scale))):
        raise NonFiniteError(f"a quantizer's scale must be finite and > 0, got {scale}")
    with np.errstate(over="ignore", invalid="ignore"):
        lowest, highest = (scale * scale.dtype.type(end) + shift for end in ends)
    if not (np.all(np.isfinite(lowest)) and np.all(np.isfinite(highest))):
        raise NonFiniteError(
            f"a quantizer's values must be finite; with scale {scale} and shift {shift} "
            f"they reach from {lowest} to {highest}"
        )


def _rows(x: Array, scale: Array, shift: Array, axis: int | None) -> tuple[Array, Array, Array]:
    """Return data as contiguous rows, and the qparams broadcast to them along with its strides."""
    check_qparams("encode", x.shape, axis, scale.shape, shift.shape)
    x = np.asarray(x, order="C")
    if axis is None or (scale.ndim == 0 and shift.ndim == 0):
        x_rn = x.reshape(1, -1)
        return x_rn, np.broadcast_to(scale, x_rn.shape), np.broadcast_to(shift, x_rn.shape)
    axis %= x.ndim
    channels = x.shape[axis]
    inner = math.prod(x.shape[axis + 1 :])
    outer = math.prod(x.shape[:axis])
    if inner == 1:
        x_rn = x.reshape(outer, channels)
        return x_rn, _per_column(scale, x_rn.shape), _per_column(shift, x_rn.shape)
    x_rn = x.reshape(outer * channels, inner)
    return x_rn, _per_row(scale, channels, x_rn.shape), _per_row(shift, channels, x_rn.shape)


def _per_column(qparams: Array, shape: tuple[int, ...]) -> Array:
    """Qparams for each column, or one for all: both with a stride of one element."""
    columns = np.asarray(np.broadcast_to(qparams, (shape[1],)), order="C")
    return np.broadcast_to(columns, shape)


def _per_row(qparams: Array, channels: int, shape: tuple[int, ...]) -> Array:
    per_channel = np.broadcast_to(qparams, (channels,))
    tiled = np.tile(per_channel, shape[0] // channels if channels else 0)
    return np.broadcast_to(tiled[:, None], shape)

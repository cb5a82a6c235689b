"""Calibrations: the range of values that a frame is made to span.

Each takes a quantizer and rows ``[channel, element]`` of float data, and gives ``(low, high)`` per
channel. Which one a quantizer uses is its argument ``calibration``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .base import Quantizer

Array = NDArray[Any]
Range = tuple[Array, Array]


def absmax(quantizer: "Quantizer", x_cn: Array) -> Range:
    """From the least to the greatest value: nothing is clipped."""
    return x_cn.min(axis=1), x_cn.max(axis=1)


def absmean(quantizer: "Quantizer", x_cn: Array) -> Range:
    """So that levels and values agree in mean magnitude: ``scale = mean|x| / mean|level|``.

    For levels -1 and +1 it is the scale of XNOR-Net (Rastegari et al. 2016, arXiv:1603.05279,
    eq. 6). The range never goes beyond the greatest magnitude.
    """
    levels = np.abs(np.asarray(quantizer.levels, dtype=np.float64))
    magnitude = np.abs(x_cn)
    high = np.minimum(
        magnitude.mean(axis=1) * (levels.max() / levels.mean()), magnitude.max(axis=1)
    )
    return np.where(x_cn.min(axis=1) < 0, -high, 0 * high), high


def mse(quantizer: "Quantizer", x_cn: Array) -> Range:
    """The share of the full range, out of 40, with the least mean squared error."""
    x = _sample(x_cn)
    full_low, full_high = absmax(quantizer, x_cn)
    best_error = np.full(len(x), np.inf)
    best_share = np.ones(len(x))
    for share in np.linspace(0.025, 1, 40)[::-1]:
        error = _error(quantizer, x, full_low * share, full_high * share)
        better = error < best_error
        best_share[better] = share
        best_error[better] = error[better]
    share = best_share.astype(x_cn.dtype)
    return full_low * share, full_high * share


def _sample(x_cn: Array, limit: int = 4096) -> Array:
    """Return up to `limit` elements of each row: enough for an error.

    They are spread by the golden ratio (a Kronecker sequence): an even stride would meet the same
    few columns of a matrix again and again.
    """
    length = x_cn.shape[1]
    if length <= limit:
        return x_cn
    golden = (5**0.5 - 1) / 2
    return x_cn[:, (np.arange(limit) * golden % 1 * length).astype(np.intp)]


def _error(quantizer: "Quantizer", x_cn: Array, low: Array, high: Array) -> Array:
    frame = quantizer.span(low, high)
    scale = frame.scale[:, None]
    shift = frame.shift[:, None]
    levels = np.asarray(quantizer.levels, dtype=np.float32)
    codes = quantizer.encode(((x_cn - shift) / scale).astype(np.float32))
    error: Array = ((scale * levels[codes] + shift - x_cn) ** 2).mean(axis=1)
    return error


CALIBRATIONS: dict[str, Callable[["Quantizer", Array], Range]] = {
    "absmax": absmax,
    "absmean": absmean,
    "mse": mse,
}

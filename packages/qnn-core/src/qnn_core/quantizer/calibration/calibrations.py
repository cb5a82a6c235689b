"""Calibrations: the range of values that qparams are made to span.

Each takes a quantizer and rows ``[channel, element]`` of float data, and gives ``(low, high)`` per
channel. Which one a quantizer uses is its argument ``calibration``.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from .mse import mse
from .octav import octav
from .ranges import (
    Array,
    Range,
    magnitudes,
    mean_magnitude,
    top_level,
    with_scale,
    within,
)
from .sawb import sawb
from .sketch import sampled, units

if TYPE_CHECKING:
    from ..base import Quantizer


def absmax(quantizer: "Quantizer", x_cn: Array) -> Range:
    """From the least to the greatest value: nothing is clipped."""
    return x_cn.min(axis=1), x_cn.max(axis=1)


def absmean(quantizer: "Quantizer", x_cn: Array) -> Range:
    """So that levels and values agree in mean magnitude: ``scale = mean|x| / mean|level|``.

    The level 0 does not count. For levels -1 and 1 it is the scale of XNOR-Net (Rastegari et al.
    2016, arXiv:1603.05279, eq. 6), for -1, 0 and 1 that of BitNet b1.58 (Ma et al. 2024,
    arXiv:2402.17764, eq. 1 to 3). The range never goes beyond the greatest magnitude.
    """
    levels = np.abs(np.asarray(quantizer.levels, dtype=np.float64))
    reach = mean_magnitude(x_cn) * (levels.max() / levels[levels > 0].mean())
    low, high = x_cn.min(axis=1), x_cn.max(axis=1)
    reach = np.minimum(reach, np.maximum(-low, high))
    return np.where(low < 0, -reach, 0), reach


def lsq(quantizer: "Quantizer", x_cn: Array) -> Range:
    """The first step of LSQ: ``scale = 2 mean|x| / sqrt(Q)``, with Q the greatest level.

    (Esser et al. 2020, arXiv:1902.08153, section 2.1.) Of levels that are not negative, and data of
    both signs, Q is half of the greatest.
    """
    scale = 2 * mean_magnitude(x_cn) / np.sqrt(top_level(quantizer, x_cn))
    return with_scale(quantizer, x_cn, scale)


def three_sigma(quantizer: "Quantizer", x_cn: Array) -> Range:
    """Three standard deviations around the mean: the first step of LSQ+ for weights.

    ``scale = max(|m - 3 s|, |m + 3 s|) / max|level|`` with m the mean and s the standard deviation
    (Bhalgat et al. 2020, arXiv:2004.09576, section 3), where ``max|level|`` is ``2**(bits - 1)``
    on the grid of two's complement.
    """
    unit = units(x_cn.min(axis=1), x_cn.max(axis=1))
    share_cn = x_cn / unit[:, None]
    mean, deviation = share_cn.mean(axis=1), share_cn.std(axis=1)
    reach = (np.abs(mean) + 3 * deviation) * unit.astype(np.float64)
    levels = np.asarray(quantizer.levels, np.float64)
    farthest = -levels[0] if -levels[0] > levels[-1] else top_level(quantizer, x_cn)
    return with_scale(quantizer, x_cn, reach / farthest)


def percentile(quantizer: "Quantizer", x_cn: Array) -> Range:
    """All but the greatest magnitudes: `quantizer.percentile` percent of them are in the range.

    (McKinstry et al. 2018, arXiv:1809.04191; Wu et al. 2020, arXiv:2004.09602.) Of long rows a
    sample is looked at, of which some 64 are left outside.
    """
    outside = 1 - quantizer.percentile / 100
    most = x_cn.shape[1] if outside == 0 else max(4096, round(64 / outside))
    magnitude = np.abs(sampled(x_cn, most))
    return within(x_cn, np.quantile(magnitude, quantizer.percentile / 100, axis=1))


def twn(quantizer: "Quantizer", x_cn: Array) -> Range:
    """The scale of ternary weight networks: the mean of what is above ``0.7 mean|x|``.

    The greatest level lies at the mean of the magnitudes above that threshold (Li et al. 2016,
    arXiv:1605.04711, section 2), which for levels -1, 0 and 1 is the scale.
    """
    magnitude_cn, unit = magnitudes(x_cn)
    above_cn = magnitude_cn > 0.7 * magnitude_cn.mean(axis=1, keepdims=True)
    total, count = (magnitude_cn * above_cn).sum(axis=1), np.count_nonzero(above_cn, axis=1)
    reach = unit * total / np.maximum(count, 1)
    return with_scale(quantizer, x_cn, reach / top_level(quantizer, x_cn))


def unit(quantizer: "Quantizer", x_cn: Array) -> Range:
    """From -1 to 1, or from 0 to 1 if no level is negative, whatever the data.

    So activations are clipped in DoReFa-Net (Zhou et al. 2016, arXiv:1606.06160, section 2.4).
    """
    high = np.ones(len(x_cn))
    return (-high if np.asarray(quantizer.levels)[0] < 0 else 0 * high), high


CALIBRATIONS: dict[str, Callable[["Quantizer", Array], Range]] = {
    "absmax": absmax,
    "absmean": absmean,
    "lsq": lsq,
    "mse": mse,
    "octav": octav,
    "percentile": percentile,
    "sawb": sawb,
    "three-sigma": three_sigma,
    "twn": twn,
    "unit": unit,
}
"""The calibrations by name: functions of a quantizer and of data ``[channels, elements]`` that give
the low and the high end of the range of each channel.

Example:
    >>> import qnn_core as qnn
    >>> quantizer = qnn.get_quantizer("symmetric:4")
    >>> low, high = CALIBRATIONS["absmax"](quantizer, np.float32([[-3.0, 1.0]]))
    >>> float(low[0]), float(high[0])
    (-3.0, 1.0)
    >>> sorted(CALIBRATIONS)[:3]
    ['absmax', 'absmean', 'lsq']
"""

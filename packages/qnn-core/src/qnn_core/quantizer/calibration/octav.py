"""The clipping of OCTAV: the least error of a model of rounding, by Newton's method."""

from typing import TYPE_CHECKING

import numpy as np

from .ranges import Array, Range, row_by_row, within
from .sketch import is_long, sample, units

if TYPE_CHECKING:
    from ..base import Quantizer

STEPS = 30


def octav(quantizer: "Quantizer", x_cn: Array) -> Range:
    """Clip at the magnitude s that solves the recursion of OCTAV.

    ::

        s = mean(|x| where |x| > s) / (noise * share(0 < |x| <= s) + share(|x| > s))

    (Sakr et al. 2022, arXiv:2206.06501, section 3.) ``noise = 1 / (12 n**2)`` is the variance of
    the rounding error for ``s = 1``, with n the number of steps up to s: ``2**(bits - 1)`` for
    signed numbers in the paper, here what the levels have, so one less on the odd grid. It takes
    rounding errors as evenly spread, which is nearly true from 4 bits on, and levels as evenly
    spaced. Where that does not hold, `mse` is better and as quick.
    """
    if is_long(x_cn) and len(x_cn) > 1:
        return row_by_row(octav, quantizer, x_cn)
    unit = units(x_cn.min(axis=1), x_cn.max(axis=1))
    return within(x_cn, clipping_magnitude(quantizer, *sample(x_cn).sketch(unit)) * unit)


def clipping_magnitude(quantizer: "Quantizer", point_cm: Array, weight_m: Array) -> Array:
    """Return where OCTAV clips each row of points with their weights."""
    # In double: the shares outside are small.
    magnitude_cm, weight_m = np.abs(point_cm, dtype=np.float64), weight_m / weight_m.sum()
    return _fixed_point(magnitude_cm, weight_m, _noise(quantizer, point_cm[:, 0] < 0))


def _fixed_point(magnitude_cm: Array, weight_m: Array, noise: Array) -> Array:
    """Return the clipping magnitude of each row: at first the mean of what is not zero."""
    weighted_cm = magnitude_cm * weight_m
    present: Array = ((magnitude_cm > 0) * weight_m).sum(axis=1)
    clip: Array = weighted_cm.sum(axis=1) / np.maximum(present, np.finfo(np.float64).tiny)
    for _ in range(STEPS):
        above_cm = magnitude_cm > clip[:, None]
        beyond = (weighted_cm * above_cm).sum(axis=1)
        outside = (above_cm * weight_m).sum(axis=1)
        # Above the greatest magnitude nothing is left to be clipped.
        divisor = noise * (present - outside) + outside
        better = np.divide(beyond, divisor, out=clip.copy(), where=beyond > 0)
        settled = np.all(np.abs(better - clip) <= 1e-4 * clip)
        clip = better
        if settled:
            break
    return clip


def _noise(quantizer: "Quantizer", negative: Array) -> Array:
    """Return the variance of the rounding error in units of the clipping magnitude squared."""
    levels = np.asarray(quantizer.levels, np.float64)
    step = (levels[-1] - levels[0]) / (levels.size - 1)
    reach = np.abs(levels).max() if levels[0] < 0 else levels[-1] / np.where(negative, 2, 1)
    return np.broadcast_to((step / reach) ** 2 / 12, negative.shape)

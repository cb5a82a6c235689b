"""What calibrations have in common: statistics that do not overflow, and ranges made of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .sketch import units

if TYPE_CHECKING:
    from ..base import Quantizer

Array = NDArray[Any]
Range = tuple[Array, Array]


def magnitudes(x_cn: Array) -> tuple[Array, NDArray[np.float64]]:
    """Return ``|x|`` of each row in some unit, and those units in float64.

    It is 1, or the greatest magnitude where sums of squares might overflow or vanish.
    """
    greatest = units(x_cn.min(axis=1), x_cn.max(axis=1))
    moderate = (greatest > 1e-12) & (greatest < 1e12)
    unit = np.where(moderate, greatest.dtype.type(1), greatest)
    magnitude_cn = np.abs(x_cn)
    if not np.all(moderate):
        magnitude_cn /= unit[:, None]
    return magnitude_cn, unit.astype(np.float64)


def mean_magnitude(x_cn: Array) -> Array:
    """Return ``mean|x|`` of each row, float64."""
    magnitude_cn, unit = magnitudes(x_cn)
    return np.asarray(magnitude_cn.mean(axis=1) * unit)


def top_level(quantizer: "Quantizer", x_cn: Array) -> Array:
    """Return for each row how many units of the scale its greatest values lie above zero.

    It is the greatest level; or half of it, where levels that are not negative meet data of both
    signs, since the zero point is then in the middle.
    """
    levels = np.asarray(quantizer.levels, np.float64)
    if levels[0] < 0:
        top = levels[-1] if levels[-1] > 0 else -levels[0]
        return np.full(len(x_cn), top)
    return np.asarray(np.where(x_cn.min(axis=1) < 0, levels[-1] / 2, levels[-1]))


def with_scale(quantizer: "Quantizer", x_cn: Array, scale: Array) -> Range:
    """Return the range that the levels reach with a scale, one for each row.

    Of levels that are not negative, and data of both signs, zero is the middle.
    """
    # Qparams whose ends a float cannot hold is of no use.
    scale = np.minimum(scale, np.finfo(x_cn.dtype).max / 4 / np.abs(quantizer.levels).max())
    levels = np.asarray(quantizer.levels, np.float64)
    top = top_level(quantizer, x_cn)
    low = np.where(levels[0] < 0, levels[0], np.where(top < levels[-1], -top, 0))
    return scale * low, scale * np.where(levels[0] < 0, levels[-1], top)


def within(x_cn: Array, reach: Array) -> Range:
    """Return the part of the data's range that is not further from zero than `reach`."""
    return np.maximum(x_cn.min(axis=1), -reach), np.minimum(x_cn.max(axis=1), reach)


def row_by_row(
    calibration: Callable[["Quantizer", Array], Range], quantizer: "Quantizer", x_cn: Array
) -> Range:
    """Return the ranges of a calibration that takes long rows one at a time."""
    ranges = [calibration(quantizer, x_n[None]) for x_n in x_cn]
    return np.concatenate([low for low, _ in ranges]), np.concatenate([high for _, high in ranges])

"""Statistics-aware weight binning: the best range as a function of two moments."""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .mse import best_share
from .ranges import Array, Range, magnitudes, within

if TYPE_CHECKING:
    from ..base import Quantizer

# Densities of |x|, and where they end or are as good as zero.
DENSITIES: dict[str, tuple[Callable[[Array], Array], float]] = {
    "normal": (lambda x: np.exp(-x * x / 2), 8),
    "Laplace": (lambda x: np.exp(-x), 20),
    "logistic": (lambda x: np.cosh(x / 2) ** -2.0, 24),
    "uniform": (np.ones_like, 1),
    "triangular": (lambda x: 1 - x, 1),
}
POINTS = 4096


def sawb(quantizer: "Quantizer", x_cn: Array) -> Range:
    """Clip at ``c1 sqrt(mean(x**2)) - c2 mean|x|``, with c1 and c2 made for the levels.

    SAWB (Choi et al. 2019, "Accurate and efficient 2-bit quantized neural networks", MLSys,
    section 4; arXiv:1807.06964). It costs two means, so it suits weights that are fitted at each
    step. `coefficients` says where c1 and c2 come from. The range is no narrower than the mean
    magnitude, no wider than the data: c1 and c2 are large with many levels, and moments like no
    distribution that they were made for would lead astray.
    """
    magnitude_cn, unit = magnitudes(x_cn)
    mean, square = magnitude_cn.mean(axis=1), np.square(magnitude_cn).mean(axis=1)
    one_sided, two_sided = (coefficients(quantizer, two_sided=s) for s in (False, True))
    c1, c2 = np.where(x_cn.min(axis=1) < 0, *np.array([two_sided, one_sided])[..., None])
    return within(x_cn, np.maximum(c1 * np.sqrt(square) - c2 * mean, mean) * unit)


@lru_cache(maxsize=1024)
def coefficients(quantizer: "Quantizer", *, two_sided: bool = True) -> tuple[float, float]:
    """Return c1 and c2 for a quantizer's levels, as the paper finds them, by least squares.

    For each of several distributions, the normal, Laplace, logistic, uniform and triangular, the
    clipping magnitude a with the least mean squared error is searched for; then the line
    ``a / mean|x| = c1 sqrt(mean(x**2)) / mean|x| - c2`` is laid through the five points. (The paper
    has the von Mises distribution as a sixth; with it, c1 of 2 bits changes by 0.2 %.)

    Args:
        quantizer: whose levels, and way to span a range, count; not its qparams or gradient.
        two_sided: whether the distributions are those of x, or of its magnitude.

    Example:
        >>> import qnn_core as qnn
        >>> c1, c2 = coefficients(qnn.get_quantizer("symmetric:2,grid=even"))
        >>> round(c1, 1), round(c2, 1)
        (3.1, 2.1)
    """
    share_cm = np.tile((np.arange(POINTS) + 0.5) / POINTS, (len(DENSITIES), 1))
    ends = np.array([end for _, end in DENSITIES.values()])
    weight_cm = np.stack([density(share_cm[0] * end) for density, end in DENSITIES.values()])
    weight_cm /= weight_cm.sum(axis=1, keepdims=True)
    mean = ends * (share_cm * weight_cm).sum(axis=1)
    root = ends * np.sqrt((share_cm**2 * weight_cm).sum(axis=1))
    if two_sided:
        share_cm = np.concatenate([-share_cm[:, ::-1], share_cm], axis=1)
        weight_cm = np.concatenate([weight_cm[:, ::-1], weight_cm], axis=1)
    high = np.ones(len(ends), np.float32)
    points, weights = (array.astype(np.float32) for array in (share_cm, weight_cm))
    best = ends * best_share(quantizer, points, weights, high, rounds=3)
    scale_gradient, offset = np.polyfit(root / mean, best / mean, 1)
    return float(scale_gradient), -float(offset)

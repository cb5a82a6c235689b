"""The calibration with the least squared error: searched on a few points, decided on all."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..._kernels import training
from ...machine import kernel_settings
from ..codebook import codebook
from .octav import clipping_magnitude
from .ranges import Range, row_by_row
from .sketch import is_long, sample, units

if TYPE_CHECKING:
    from ..base import Quantizer

Array = NDArray[Any]
Points = NDArray[np.float32]

# Half octaves of the full range; then factors around the best of them.
COARSE = 15
FINE = np.exp2(np.arange(-5, 6) / 10).astype(np.float32)

# Factors on the range that was found on points, which are tried on all elements; of long rows one.
NEAR = np.exp2(np.array([0, -2, 2, -1, 1, -3, 3, -4, 4, -5, 5, -6, 6]) / 80).astype(np.float32)
FEW_NEAR = 1

# Points that are quantized at a time, so that they stay in the cache.
BLOCK = 2**18


def mse(quantizer: "Quantizer", x_cn: Array) -> Range:
    """The range with the least mean squared error.

    Ranges are searched on a few points that stand for the data, see `Sample.sketch`. What is found
    there, ranges next to it, and those of `absmax`, `percentile` and `octav` are then measured on
    all elements: so none of these is better.
    """
    if is_long(x_cn) and len(x_cn) > 1:
        return row_by_row(mse, quantizer, x_cn)
    low, high = x_cn.min(axis=1), x_cn.max(axis=1)
    unit = units(low, high)
    part = sample(x_cn)
    point_cm, weight_m = part.sketch(unit)
    first, last = ((end / unit).astype(np.float32) for end in (low, high))
    found = best_range(quantizer, point_cm, weight_m, first, last, coarse=_coarse(x_cn.shape[1]))
    reaches = (
        clipping_magnitude(quantizer, point_cm, weight_m) * unit,
        part.magnitude(quantizer.percentile / 100),
        unit,
    )
    clipped = [(np.maximum(low, -reach), np.minimum(high, reach)) for reach in reaches]
    near = NEAR if part.weight_n is None else NEAR[:FEW_NEAR]
    low_cf, high_cf = (
        np.concatenate([(end * unit)[:, None] * near, np.stack(others, axis=1)], axis=1)
        for end, *others in zip(found, *clipped, strict=True)
    )
    # All elements of a long row are looked at but where levels are uneven: it would take too long.
    if part.weight_n is None or not codebook(quantizer).rounds:
        x_cn, weight_n = part.x_cn, part.weight_n
    else:
        weight_n = None
    error_cf = _measured(quantizer, x_cn, low_cf, high_cf, unit=unit, weight_n=weight_n)
    # Ranges a little wider than the data may reach beyond the numbers that there are.
    scale = quantizer.qparams_from_range(low_cf.ravel(), high_cf.ravel()).scale
    error_cf[~np.isfinite(scale).reshape(error_cf.shape)] = np.inf
    best_c = error_cf.argmin(axis=1)[:, None]
    low, high = (np.take_along_axis(end_cf, best_c, 1)[:, 0] for end_cf in (low_cf, high_cf))
    return low, high


def _measured(
    quantizer: "Quantizer",
    x_cn: Array,
    low_cf: Array,
    high_cf: Array,
    *,
    unit: Array,
    weight_n: Points | None,
) -> NDArray[np.float64]:
    """Return the errors of ranges in the data's own unit, or in one where squares are moderate."""
    if x_cn.dtype != np.float32 or not np.all((unit > 1e-12) & (unit < 1e12)):
        x_cn, low_cf, high_cf = (array / unit[:, None] for array in (x_cn, low_cf, high_cf))
    x_cn, low_cf, high_cf = (np.ascontiguousarray(a, np.float32) for a in (x_cn, low_cf, high_cf))
    return errors(quantizer, x_cn, low_cf, high_cf, weight_n)


def _coarse(length: int) -> int:
    """Return how many half octaves to try.

    To clip an outlier of magnitude A costs more than all the other numbers together unless the best
    range is wider than about ``A / sqrt(length)``.
    """
    return max(COARSE, 2 * int(np.ceil(np.log2(length) / 2)) + 5)


def best_share(
    quantizer: "Quantizer", point_cm: Points, weight: Points, high: Points, *, rounds: int = 1
) -> Points:
    """Return the share of the range up to `high` with the least error, see `best_range`."""
    low = np.where(point_cm[:, 0] < 0, -high, 0).astype(np.float32)
    ends = best_range(quantizer, point_cm, weight, low, high, rounds=rounds, both=False)
    share: Points = ends[1] / high
    return share


def best_range(
    quantizer: "Quantizer",
    point_cm: Points,
    weight: Points,
    low: Points,
    high: Points,
    *,
    coarse: int = COARSE,
    rounds: int = 1,
    both: bool = True,
) -> tuple[Points, Points]:
    """Return for each row the part of the range from `low` to `high` with the least error.

    Args:
        quantizer: any.
        point_cm: float32, of magnitudes up to about 1.
        weight: of each point, ``[point]`` or ``[channel, point]``.
        low: one for each row.
        high: likewise.
        coarse: how many half octaves to try.
        rounds: of finer and finer steps: a tenth of an octave, an eighth of that, and so on.
        both: whether each end may be clipped at a magnitude of its own, where that matters.
    """
    free = both and _is_free(quantizer)
    best = np.empty(len(point_cm), np.float32), np.empty(len(point_cm), np.float32)
    rows = max(1, BLOCK // (coarse * max(point_cm.shape[1], 1)))
    for start in range(0, len(point_cm), rows):
        part = slice(start, start + rows)
        weights = weight if weight.ndim == 1 else weight[part]
        search = _Search(quantizer, point_cm[part], weights, low[part], high[part])
        best[0][part], best[1][part] = search.best(coarse, rounds, free=free)
    return best


class _Search:
    """Tries ranges on a few rows of points."""

    def __init__(
        self, quantizer: "Quantizer", point_cm: Points, weight: Points, low: Points, high: Points
    ) -> None:
        self.quantizer = quantizer
        self.point_cm, self.weight = point_cm, weight
        self.ends = low[:, None], high[:, None]
        self.range = self.ends
        self.error = np.full((len(point_cm), 1), np.inf)

    def best(self, coarse: int, rounds: int, *, free: bool) -> tuple[Points, Points]:
        """Return the ends of the best range of each row.

        Both ends are clipped at one magnitude, in steps of half an octave; and each at its own
        where they are `free`: a zero point lets the levels lie anywhere. Then come finer steps, and
        the factor that fits the codes then found by least squares.
        """
        share = np.exp2(-np.arange(coarse) / 2).astype(np.float32)
        widest = np.maximum(-self.ends[0], self.ends[1])
        self._try(-widest * share, widest * share)
        if free:
            each = share[:COARSE]
            self._try(
                self.ends[0] * np.repeat(each, each.size), self.ends[1] * np.tile(each, each.size)
            )
        for n in range(rounds):
            fine = FINE ** np.float32(1 / 8**n)
            for _ in range(2 * free):
                self._move(fine)
            self._try(*(end * fine for end in self.range))
        self._fit()
        return self.range[0][:, 0], self.range[1][:, 0]

    def _move(self, factor: Points) -> None:
        """Try one end alone, then the other."""
        self._try(self.range[0], self.range[1] * factor)
        self._try(self.range[0] * factor, self.range[1])

    def _try(self, low_cs: Points, high_cs: Points) -> None:
        """Keep what is better than all before."""
        low_cs, high_cs = np.maximum(low_cs, self.ends[0]), np.minimum(high_cs, self.ends[1])
        self._keep(*np.broadcast_arrays(low_cs, high_cs))

    def _keep(self, low_cs: Points, high_cs: Points) -> None:
        error_cs = errors(self.quantizer, self.point_cm, low_cs, high_cs, self.weight)
        best = error_cs.argmin(axis=1)[:, None]
        error = np.take_along_axis(error_cs, best, axis=1)
        better = error < self.error
        self.range = (
            np.where(better, np.take_along_axis(low_cs, best, axis=1), self.range[0]),
            np.where(better, np.take_along_axis(high_cs, best, axis=1), self.range[1]),
        )
        self.error = np.where(better, error, self.error)

    def _fit(self) -> None:
        """Try the factor that fits the quantized points best, their codes as they are."""
        value_cm = _values(self.quantizer, self.point_cm, *(end[:, 0] for end in self.range))
        weighted_cm = value_cm * self.weight
        # Not a matrix product: its sums may depend on the number of rows.
        squares, products = (
            (weighted_cm * other).sum(axis=1, keepdims=True) for other in (value_cm, self.point_cm)
        )
        one = np.ones_like(squares)
        factor = np.divide(products, squares, out=one, where=(squares > 0) & (products > 0))
        self._keep(*(end * factor for end in self.range))


def _is_free(quantizer: "Quantizer") -> bool:
    """Whether both ends of a range count: there is a zero point that follows them."""
    one = np.ones(1, np.float32)
    return bool(np.any(quantizer.qparams_from_range(-one, 0 * one).zero_point))


def errors(
    quantizer: "Quantizer",
    x_cn: Points,
    low_cf: Points,
    high_cf: Points,
    weight: Points | None = None,
) -> NDArray[np.float64]:
    """Return the sum of squared errors of each row with each of its ranges, ``[channel, range]``.

    Args:
        quantizer: any.
        x_cn: finite, contiguous; squares must not overflow.
        low_cf: the least number of each range, ``[channel, range]``.
        high_cf: the greatest.
        weight: of each element, ``[element]`` or ``[channel, element]``.
    """
    qparams = quantizer.qparams_from_range(low_cf.ravel(), high_cf.ravel())
    error_cf = np.empty(low_cf.shape, np.float64)
    book = codebook(quantizer)
    training.fake_error(
        *kernel_settings(),
        book.book,
        x_cn,
        np.ascontiguousarray(qparams.scale, np.float32),
        np.ascontiguousarray(qparams.shift, np.float32),
        len(x_cn),
        x_cn.shape[1],
        low_cf.shape[1],
        book.rounds,
        weight,
        0 if weight is None or weight.ndim == 1 else x_cn.shape[1],
        error_cf,
    )
    return error_cf


def _values(quantizer: "Quantizer", x_cn: Points, low: Points, high: Points) -> Points:
    """Return the quantized elements of each row with its range."""
    qparams = quantizer.qparams_from_range(low, high)
    value_cn = np.empty_like(x_cn)
    training.fake_forward(
        *kernel_settings(),
        codebook(quantizer).book,
        x_cn,
        np.ascontiguousarray(qparams.scale, np.float32),
        np.ascontiguousarray(qparams.shift, np.float32),
        len(x_cn),
        x_cn.shape[1],
        True,
        code=np.empty(x_cn.shape, np.uint8),
        value=value_cn,
    )
    return value_cn

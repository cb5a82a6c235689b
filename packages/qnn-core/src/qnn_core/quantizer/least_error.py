"""The calibration with the least squared error, found by a search of few steps."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import training
from ..machine import cpu, get_num_threads
from .codebook import codebook
from .sketch import sketch, units

if TYPE_CHECKING:
    from .base import Quantizer

Array = NDArray[Any]
Points = NDArray[np.float32]

# Shares of the full range, then factors around the best of them.
COARSE = np.exp2(-np.arange(15) / 2).astype(np.float32)
FINE = np.exp2(np.arange(-4, 5) / 10).astype(np.float32)

# Points that are quantized at a time, so that they stay in the cache.
BLOCK = 2**18


def mse(quantizer: "Quantizer", x_cn: Array) -> tuple[Array, Array]:
    """The share of the full range with the least mean squared error, down to 1/128 of it.

    Shares in steps of half an octave are tried, then of a tenth of one around the best, and at last
    the one that fits the codes then found by least squares, ``sum(x^ x) / sum(x^ x^)``. The error
    is that of a few points that stand for the data, see `sketch`.
    """
    low, high = x_cn.min(axis=1), x_cn.max(axis=1)
    unit = units(low, high)
    ends = ((end / unit).astype(np.float32) for end in (low, high))
    share = best_share(quantizer, *sketch(x_cn, unit), *ends).astype(unit.dtype)
    return low * share, high * share


def best_share(
    quantizer: "Quantizer",
    point_cm: Points,
    weight: Points,
    low: Points,
    high: Points,
    *,
    rounds: int = 1,
) -> Points:
    """Return for each row the share of the range from `low` to `high` with the least error.

    Args:
        quantizer: any.
        point_cm: float32, of magnitudes up to about 1.
        weight: of each point, ``[point]`` or ``[channel, point]``.
        low: one for each row.
        high: likewise.
        rounds: of finer and finer steps: a tenth of an octave, an eighth of that, and so on.
    """
    share = np.empty(len(point_cm), np.float32)
    rows = max(1, BLOCK // (COARSE.size * max(point_cm.shape[1], 1)))
    for start in range(0, len(point_cm), rows):
        part = slice(start, start + rows)
        weights = weight if weight.ndim == 1 else weight[part]
        search = _Search(quantizer, point_cm[part], weights, low[part], high[part])
        share[part] = search.best(rounds)
    return share


class _Search:
    """Tries shares of the range on a few rows."""

    def __init__(
        self, quantizer: "Quantizer", point_cm: Points, weight: Points, low: Points, high: Points
    ) -> None:
        self.quantizer = quantizer
        self.point_cm = point_cm
        self.weight = weight if weight.ndim == 1 else weight[:, None]
        self.low, self.high = low[:, None], high[:, None]
        self.share = np.ones((len(point_cm), 1), np.float32)
        self.error = np.full((len(point_cm), 1), np.inf, np.float32)

    def best(self, rounds: int) -> Points:
        """Return the best share of each row."""
        self._try(self.share * COARSE)
        for n in range(rounds):
            self._try(np.minimum(self.share * FINE ** np.float32(1 / 8**n), 1))
        self._try(self.share * self._fitting())
        return self.share[:, 0]

    def _try(self, share_cs: Points) -> None:
        """Keep what is better than all before."""
        error_csm = self._values(share_cs)
        error_csm -= self.point_cm[:, None]
        error_csm *= error_csm
        error_cs = self._weighted(error_csm)
        best = error_cs.argmin(axis=1)[:, None]
        error = np.take_along_axis(error_cs, best, axis=1)
        better = error < self.error
        self.share = np.where(better, np.take_along_axis(share_cs, best, axis=1), self.share)
        self.error = np.where(better, error, self.error)

    def _fitting(self) -> Points:
        """Return the factor that fits the quantized points best, their codes as they are."""
        value = self._values(self.share)
        squares = self._weighted(value**2)
        products = self._weighted(value * self.point_cm[:, None])
        one = np.ones_like(squares)
        return np.divide(products, squares, out=one, where=(squares > 0) & (products > 0))

    def _weighted(self, term_csm: Points) -> Points:
        # Not a matrix product: its sums may depend on the number of rows.
        term_csm *= self.weight
        total: Points = term_csm.sum(axis=2)
        return total

    def _values(self, share_cs: Points) -> Points:
        """Return the points quantized with each share, ``[channel, share, point]``."""
        frame = self.quantizer.span((self.low * share_cs).ravel(), (self.high * share_cs).ravel())
        shape = (*share_cs.shape, self.point_cm.shape[1])
        x = np.ascontiguousarray(np.broadcast_to(self.point_cm[:, None], shape))
        value = np.empty(shape, np.float32)
        training.fake_forward(
            cpu.active_index(),
            get_num_threads(),
            codebook(self.quantizer).book,
            x,
            np.ascontiguousarray(frame.scale, np.float32),
            np.ascontiguousarray(frame.shift, np.float32),
            share_cs.size,
            shape[2],
            True,
            code=np.empty(shape, np.uint8),
            value=value,
        )
        return value

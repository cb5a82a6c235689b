"""How the engine turns numbers into the elements of the next product: thresholds and increments."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import engine, search
from ..quantizer.codebook import LEAST_STEP, from_ordinal, ordinal
from .layouts import aligned, per_column

Array = NDArray[Any]

NEVER = np.iinfo(np.int32).max


def float_requantizer(
    cuts: Array, form: str, bits: int, elements: Array | None
) -> engine.Requantizer:
    """Return the requantizer of a quantizer on floats.

    Args:
        cuts: float32, the least number of each code but the first, see `cuts_of`.
        form: of the elements, see `Prepacked`.
        bits: of a code.
        elements: int16, the element of each code; None for the code itself.
    """
    # Nothing reaches a NaN: no number, infinity included, has a code beyond the last one.
    bounded = np.concatenate([[-np.inf], cuts, [np.nan]]).astype(np.float32)
    per_step = _per_step(cuts)
    return engine.Requantizer(
        format=form,
        bits=bits,
        count=cuts.size,
        float_thresholds=bounded,
        per_step=per_step,
        search=None if per_step else search.Search(bounded[1:-1]),
        **_gains(elements, cuts.size),
    )


# Up to so many thresholds, counting them is quicker than a line.
MOST_COUNTED = 16

# Whole numbers below this are doubles.
DOUBLE_LIMIT = 2.0**53


class SumLines(NamedTuple):
    """The codes of sums among many thresholds: ``sum * slope + start``, rounded down and clipped.

    Attributes:
        slope: float64 ``[n]``.
        start: float64 ``[n]``.
        searched: bool ``[n]``: columns without a line.
    """

    slope: NDArray[np.float64]
    start: NDArray[np.float64]
    searched: NDArray[np.bool_]


def sum_requantizer(
    thresholds: Array,
    flip: Array,
    form: str,
    bits: int,
    elements: Array | None,
    *,
    lines: SumLines | None = None,
) -> engine.Requantizer:
    """Return the requantizer on sums of integers: what code a sum has among thresholds.

    Args:
        thresholds: int32 ``[levels - 1, n]``, ascending along the first axis.
        flip: int32 ``[n]``: -1 where the complement of the sum is compared, else 0.
        form: of the elements, see `Prepacked`.
        bits: of a code.
        elements: int16, the element of each code; None for the code itself.
        lines: that have the same codes, where thresholds are more than `MOST_COUNTED`; None for
            counting them.
    """
    count, n = thresholds.shape
    gains = _gains(elements, count)
    if lines is not None:
        # Halves of what is left are whole then.
        never = np.full((2 ** count.bit_length() - 1 - count, n), NEVER, np.int32)
        thresholds = np.concatenate([thresholds, never])
        even = gains["increments"].size and np.ptp(gains["increments"]) == 0
        gains |= {
            "slopes": per_column(np.where(lines.searched, 0.0, lines.slope), n, np.float64),
            "starts": per_column(np.where(lines.searched, 0.0, lines.start), n, np.float64),
            "searched": per_column(lines.searched, n, np.uint8) if lines.searched.any() else None,
            "gain": int(gains["increments"][0]) if even else 0,
        }
    return engine.Requantizer(
        format=form,
        bits=bits,
        count=count,
        sum_thresholds=per_column(thresholds, n, np.int32, fill=NEVER),
        flips=per_column(flip, n, np.int32) if np.any(flip) else None,
        **gains,
    )


def cuts_of(thresholds: Array, scale: Array, shift: Array) -> NDArray[np.float32]:
    """Return the least float32 x for which ``u = (x - shift) / scale`` reaches each threshold.

    Found by bisection over that expression, in float32, so comparing with x decides the same. It
    is infinite where no finite x, or every one, reaches the threshold.

    Args:
        thresholds: float32, ascending, on u.
        scale: float32 of one element.
        shift: likewise.
    """
    top = np.full(thresholds.shape, np.finfo(np.float32).max)
    low, high = ordinal(-top) - 1, ordinal(top) + 1
    while np.any(high - low > 1):
        middle = (low + high) >> 1
        with np.errstate(over="ignore"):
            u = (from_ordinal(middle) - shift.reshape(())) / scale.reshape(())
        reached = u >= thresholds
        high = np.where(reached, middle, high)
        low = np.where(reached, low, middle)
    # One beyond the greatest number is infinity, in the ordinals too.
    cuts = from_ordinal(high)
    return np.where(high <= ordinal(-top), np.float32(-np.inf), cuts)


def _gains(elements: Array | None, count: int) -> dict[str, Any]:
    """Return what each threshold adds to an element, and the elements for many thresholds."""
    chosen = np.arange(count + 1) if elements is None else elements.astype(np.int64)
    increments = aligned((count,), np.int32)
    increments[:] = np.diff(chosen)
    return {"base": int(chosen[0]), "increments": increments, "elements": chosen.astype(np.int16)}


def _per_step(cuts: NDArray[np.float32]) -> float:
    """Return 1 / distance of the cuts if counting steps misses none by more than a quarter.

    Counting starts with ``x - cuts[0]``, which must not overflow for an x among the cuts.
    """
    wide = cuts.astype(np.float64)
    finite = np.all(np.isfinite(wide))
    if cuts.size < 2 or not finite or not np.ptp(wide) < np.finfo(np.float32).max:
        return 0.0
    step = (wide[-1] - wide[0]) / (cuts.size - 1)
    if step < LEAST_STEP:
        return 0.0
    counted = (wide - wide[0]) / step
    return float(1 / step) if np.abs(counted - np.arange(cuts.size)).max() < 0.25 else 0.0

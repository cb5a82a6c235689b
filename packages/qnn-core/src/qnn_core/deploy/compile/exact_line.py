"""Thresholds on integer sums as a line: the same codes by one product, one sum and one shift.

A code is how many thresholds ``t_1 <= t_2 <= ... <= t_T`` a sum s reaches. It is
``clip((s * M + B) >> S, 0, T)`` for every sum if, for each i,

    t_i * M + B >= i << S > (t_i - 1) * M + B

since both sides only grow with s. For two thresholds these inequalities leave an interval of slopes
``M / 2**S``, and whatever slope lies in the intervals of all pairs has an offset: an integer B
that is at least one number and less than another exists if and only if the first is below the
second. So nothing is searched for but the least S with a whole M in one open interval.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Integers = NDArray[np.int64]

# Beyond all sums, which 32 bits hold; its products with numbers of levels stay below 2**63.
_FAR = 2**48

# So many bits that all that is computed here has fewer than 63.
MOST_SHIFT = 48

MOST_THRESHOLDS = 255


@dataclass(frozen=True)
class Line:
    """``code = clip((clip(sum, lowest, highest) * multiplier + offset) >> shift, 0, top)``.

    Attributes:
        multiplier: of 32 bits with its sign, which is - where codes fall as sums grow.
        offset: of 64 bits.
        shift: to the right, rounding down, 0 to `MOST_SHIFT`.
        lowest: least sum that the line is right for: clip sums to it, if any can be below.
        highest: greatest, likewise.
        narrow: whether ``sum * multiplier + offset``, and ``sum * multiplier``, are int32 for all
            sums from `lowest` to `highest`.
    """

    multiplier: int
    offset: int
    shift: int
    lowest: int
    highest: int
    narrow: bool


@dataclass(frozen=True, eq=False)
class Lines:
    """A `Line` for each channel, int64 ``[n]`` each, and which channels have one.

    Attributes:
        exact: bool ``[n]``; the numbers of a channel without a line mean nothing.
        multiplier, offset, shift, lowest, highest, narrow: see `Line`.
        top: the greatest code.
    """

    exact: NDArray[np.bool_]
    multiplier: Integers
    offset: Integers
    shift: Integers
    lowest: Integers
    highest: Integers
    narrow: NDArray[np.bool_]
    top: int

    def codes(self, sums: Array) -> Integers:
        """Return the codes of sums ``[..., n]``, of channels that have a line.

        Example:
            >>> lines = exact_lines(np.array([[-4], [1], [6]]), 100)
            >>> lines.codes(np.array([[-5], [-4], [0], [1], [50]])).ravel()
            array([0, 1, 1, 2, 3])
        """
        s = np.clip(np.asarray(sums, np.int64), self.lowest, self.highest)
        codes: Integers = np.clip((s * self.multiplier + self.offset) >> self.shift, 0, self.top)
        return codes


def exact_line(thresholds: Array, reach: int, *, clamped: bool = False) -> Line | None:
    """Return the line of one channel with the least shift, or None if there is none.

    Args:
        thresholds: integers ``[T]``, ascending; several may be equal. One that is greater than
            every sum means never, one that no sum is below means always.
        reach: sums lie from ``-reach`` to `reach`.
        clamped: whether sums are clipped to the thresholds before they are multiplied: shifts are
            smaller then, and more lines are narrow.

    Raises:
        ValueError: see `exact_lines`.

    Example:
        >>> exact_line(np.array([-4, 1, 6]), 100)
        Line(multiplier=3, offset=30, shift=4, lowest=-100, highest=100, narrow=True)
        >>> exact_line(np.array([0, 10, 11]), 100) is None
        True
    """
    lines = exact_lines(np.asarray(thresholds)[:, None], reach, clamped=clamped)
    if not lines.exact[0]:
        return None
    return Line(
        multiplier=int(lines.multiplier[0]),
        offset=int(lines.offset[0]),
        shift=int(lines.shift[0]),
        lowest=int(lines.lowest[0]),
        highest=int(lines.highest[0]),
        narrow=bool(lines.narrow[0]),
    )


def exact_lines(
    thresholds: Array,
    reach: int | Array,
    *,
    flip: Array | None = None,
    clamped: bool = False,
    ends: tuple[Array, Array] | None = None,
) -> Lines:
    """Return the line of each channel with the least shift; see `exact_line`.

    Args:
        thresholds: integers ``[T, n]``, at most 255 of 32 bits for each channel.
        reach: of all channels, or of each, ``[n]``; at most ``2**31 - 1``.
        flip: ``[n]``: -1 where thresholds are on the complement ``~sum`` of sums, as in a fused
            node; else 0. None for no such channel. The lines are on the sums themselves.
        clamped: see `exact_line`.
        ends: least and greatest sums of each channel, ``[n]``, where these are known to lie nearer
            than `reach`; without `flip`.

    Raises:
        ValueError: if there are more thresholds than a code of 8 bits has, if they do not ascend,
            or if a sum could be no int32.

    Example:
        >>> lines = exact_lines(np.array([[0, -3], [8, 90]]), 90)
        >>> lines.exact, lines.multiplier, lines.offset, lines.shift
        (array([ True,  True]), array([ 1, 11]), array([   8, 1058]), array([ 3, 10]))
    """
    t = np.asarray(thresholds, np.int64)
    turned = np.zeros(t.shape[1], np.int64) if flip is None else np.asarray(flip, np.int64)
    reaches = np.broadcast_to(np.asarray(reach, np.int64), turned.shape)
    _check(t, reaches)
    low, high = (-reaches + turned, reaches + turned) if ends is None else ends
    always, never = t <= low, t > high
    reached = ~always & ~never
    some = reached.any(axis=0)
    if clamped:
        low = np.where(some, np.where(reached, t, _FAR).min(axis=0, initial=_FAR) - 1, low)
        high = np.where(some, np.where(reached, t, -_FAR).max(axis=0, initial=-_FAR), high)
    # Code i is reached at `from_` at the latest, and not yet at `below`.
    from_ = np.where(always, low, np.where(never, _FAR, t))
    below = np.where(never, high, np.where(always, -_FAR, t - 1))
    multiplier, shift, exact = _slopes(from_, below)
    # A channel of one code has no slope.
    multiplier, shift = np.where(some, multiplier, 0), np.where(some, shift, 0)
    exact |= ~some
    code = np.arange(1, len(t) + 1)[:, None] << shift
    # What is always has no upper end, what is never no lower one.
    least = np.where(never, -(2**62), code - from_ * multiplier).max(axis=0, initial=-(2**62))
    offset = np.where(some, least, always.sum(axis=0))
    # As lines on the sums themselves: ~s * M + B = s * -M + (B - M).
    falls = turned < 0
    offset = np.where(falls, offset - multiplier, offset)
    multiplier = np.where(falls, -multiplier, multiplier)
    lowest, highest = np.where(falls, ~high, low), np.where(falls, ~low, high)
    numbers = np.stack([end * multiplier for end in (lowest, highest)])
    numbers = np.concatenate([numbers, numbers + offset, [offset]])
    narrow = exact & np.all((numbers >= -(2**31)) & (numbers < 2**31), axis=0)
    return Lines(exact, multiplier, offset, shift, lowest, highest, narrow, len(t))


def _check(thresholds: Integers, reach: Integers) -> None:
    if len(thresholds) > MOST_THRESHOLDS:
        raise ValueError(f"at most {MOST_THRESHOLDS} thresholds are needed, got {len(thresholds)}")
    if np.any(np.diff(thresholds, axis=0) < 0):
        raise ValueError("thresholds must ascend along the first axis")
    if np.any(reach < 0) or np.any(reach >= 2**31) or np.any(np.abs(thresholds) > 2**32):
        raise ValueError(
            f"sums of 32 bits are needed, got a reach up to {reach.max(initial=0)} and thresholds "
            f"from {thresholds.min(initial=0)} to {thresholds.max(initial=0)}"
        )


def _slopes(from_: Integers, below: Integers) -> tuple[Integers, Integers, NDArray[np.bool_]]:
    """Return multiplier and shift of each channel, and whether there are any.

    ``below_j * M + B < j << S`` and ``from_i * M + B >= i << S`` have an integer B in common if and
    only if ``(below_j - from_i) * M < (j - i) << S``. For each distance of the codes only the
    extreme difference counts.
    """
    count, n = from_.shape
    # Numbers of 32 bits are compared in half the time; what is far stays beyond all differences.
    near = max(np.abs(ends[np.abs(ends) < _FAR]).max(initial=0) for ends in (from_, below))
    small = near < 2**27
    far = 2**29 if small else _FAR
    dtype = np.int32 if small else np.int64
    first: Array = np.clip(from_, -far, far).astype(dtype)
    last: Array = np.clip(below, -far, far).astype(dtype)
    # Slopes are above low_p / low_q and below high_p / high_q.
    low_p, low_q = np.zeros(n, np.int64), np.ones(n, np.int64)
    high_p, high_q = np.ones(n, np.int64), np.zeros(n, np.int64)
    for d in range(1, count):
        across = (first[d:] - last[:-d]).min(axis=0).astype(np.int64)
        steeper = (across < far // 2) & (d * low_q > low_p * across)
        low_p, low_q = np.where(steeper, d, low_p), np.where(steeper, across, low_q)
        across = (last[d:] - first[:-d]).max(axis=0).astype(np.int64)
        flatter = (across > 0) & (d * high_q < high_p * across)
        high_p, high_q = np.where(flatter, d, high_p), np.where(flatter, across, high_q)
    multiplier, shift = np.zeros(n, np.int64), np.zeros(n, np.int64)
    exact = np.zeros(n, np.bool_)
    for s in range(MOST_SHIFT + 1):
        least = (low_p << s) // low_q + 1
        # least < (high_p << s) / high_q, without a product that could be too long.
        fits = (high_q == 0) | (least < -(-(high_p << s) // np.maximum(high_q, 1)))
        fits &= least < 2**31
        new = fits & ~exact
        multiplier, shift = np.where(new, least, multiplier), np.where(new, s, shift)
        exact |= fits
        if exact.all():
            break
    return multiplier, shift, exact

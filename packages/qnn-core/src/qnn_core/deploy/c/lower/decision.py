"""From a float expression of one integer to thresholds and lines, proved on every sum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compile.exact_line import exact_lines
from ...graph import Node
from ..plan import Decision, Integers
from .expression import Expression

# Sums that are looked at at a time.
BLOCK = 2**18

# So many are put through the expression one by one. Of more, only those next to the thresholds are,
# if every operation is monotone to the last bit; else all, up to the second limit.
FEW = 2**24
MOST = 2**30


def decide(expression: Expression, quantizer: Node) -> Decision | None:
    """Return the codes of an expression of one integer as thresholds, or None if there are none.

    Every sum that can occur, of every channel, is put through the packed model's float32
    expression, or is shown to lie between two that were and have its code. The thresholds are read
    off the codes, so they are right by construction; codes that do not rise or fall throughout
    have none.
    """
    (source,) = expression.sources
    low, high = source.low, source.high
    total = int((high - low + 1).sum())
    if total > MOST and not expression.monotone:
        return None
    ends = [expression.codes(quantizer, [end[None]])[0].astype(int) for end in (low, high)]
    turned: NDArray[np.bool_] = ends[1] < ends[0]
    sign = np.where(turned, -1, 1)
    first, last = np.where(turned, -high, low), np.where(turned, -low, high)
    top = quantizer.tables["levels"].size - 1
    search = _bisected if expression.monotone and total > FEW else _enumerated
    thresholds = search(_Turned(expression, quantizer, sign, first, last), top)
    if thresholds is None:
        return None
    reach = np.maximum(np.abs(first), np.abs(last))
    same = None if turned.any() else _shared(thresholds, first, last)
    if same is None:
        lines = exact_lines(thresholds, reach, ends=(first, last))
    else:
        thresholds = np.repeat(same, first.size, axis=1)
        all_sums = np.full_like(first, first.min()), np.full_like(last, last.max())
        lines = exact_lines(thresholds, reach.max(), ends=all_sums)
    return Decision(thresholds, turned, first, last, lines, total, same is not None)


def _shared(thresholds: Integers, first: Integers, last: Integers) -> Integers | None:
    """Return thresholds ``[T, 1]`` that give every channel its codes, or None if there are none.

    A channel tells those that lie within its own sums; beyond its last sum any will do.
    """
    if first.size < 2:
        return None
    always, never = thresholds <= first, thresholds > last
    told = np.where(always | never, np.iinfo(np.int64).min, thresholds).max(axis=1)
    for_all = np.where(never.all(axis=1), last.max() + 1, first.min())
    same: Integers = np.where((always | never).all(axis=1), for_all, told)[:, None]
    fits = np.where(always, same <= first, np.where(never, same > last, same == thresholds))
    return same if np.all(fits) and np.all(np.diff(same, axis=0) >= 0) else None


@dataclass(frozen=True, eq=False)
class _Turned:
    """Codes as they grow with turned sums, from `first` to `last` of each channel."""

    expression: Expression
    quantizer: Node
    sign: Integers
    first: Integers
    last: Integers

    def codes(self, sums: Integers) -> NDArray[np.uint8]:
        return self.expression.codes(self.quantizer, [sums * self.sign])


def _enumerated(turned: _Turned, top: int) -> Integers | None:
    """Return the least turned sum of each code but the first; one beyond the last for never."""
    first, last = turned.first, turned.last
    found = np.repeat((last + 1)[None], top, axis=0)
    before = np.full(first.size, -1)
    longest = int((last - first).max(initial=0)) + 1
    rows = max(1, BLOCK // max(first.size, 1))
    numbers = np.arange(1, top + 1)[:, None]
    for begin in range(0, longest, rows):
        sums = np.arange(begin, min(begin + rows, longest))[:, None] + first
        # Channels of fewer sums stay at their last one, where nothing changes any more.
        sums = np.minimum(sums, last)
        codes = turned.codes(sums).astype(np.int16)
        if begin == 0:
            found = np.where(numbers <= codes[0], first, found)
            before = codes[0].astype(int)
        steps = np.diff(np.concatenate([before[None], codes]), axis=0)
        if np.any(steps < 0):
            return None
        for row, column in np.argwhere(steps > 0):
            code, step = int(codes[row, column]), int(steps[row, column])
            found[code - step : code, column] = sums[row, column]
        before = codes[-1].astype(int)
    return found


def _bisected(turned: _Turned, top: int) -> Integers:
    """Return the same of an expression that is monotone, by bisection."""
    wanted = np.arange(1, top + 1)[:, None]
    low = np.broadcast_to(turned.first, (top, turned.first.size))
    high = np.broadcast_to(turned.last + 1, low.shape)
    while np.any(low < high):
        middle = (low + high) >> 1
        reached = turned.codes(np.minimum(middle, turned.last)) >= wanted
        open_ = low < high
        high = np.where(open_ & reached, middle, high)
        low = np.where(open_ & ~reached, middle + 1, low)
    return high

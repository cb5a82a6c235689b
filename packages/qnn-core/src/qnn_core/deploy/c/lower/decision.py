"""From a float expression of one integer to thresholds and lines, proved on every sum."""

import numpy as np
from numpy.typing import NDArray

from ...compile.exact_line import exact_lines
from ...graph import Node
from ..plan import Decision, Integers
from .expression import Expression

# Sums that are looked at at a time.
BLOCK = 2**18

# More are not enumerated: a decision on them is not proved, and not made.
MOST = 2**30


def decide(expression: Expression, quantizer: Node) -> Decision | None:
    """Return the codes of an expression of one integer as thresholds, or None if there are none.

    Every sum that can occur, of every channel, is put through the packed model's float32
    expression. The thresholds are read off the codes, so they are right by construction; codes
    that do not rise or fall throughout have none.
    """
    (source,) = expression.sources
    low, high = source.low, source.high
    total = int((high - low + 1).sum())
    if total > MOST:
        return None
    ends = [expression.codes(quantizer, [end[None]])[0].astype(int) for end in (low, high)]
    turned: NDArray[np.bool_] = ends[1] < ends[0]
    sign = np.where(turned, -1, 1)
    first, last = np.where(turned, -high, low), np.where(turned, -low, high)
    top = quantizer.tables["levels"].size - 1
    thresholds = _enumerated(expression, quantizer, first, last, sign, top)
    if thresholds is None:
        return None
    reach = np.maximum(np.abs(first), np.abs(last))
    # Never is one beyond the last sum, which must be beyond the reach too.
    never = thresholds > last
    always = thresholds <= first
    given = np.where(never, reach + 1, np.where(always, -reach, thresholds))
    lines = exact_lines(given, reach)
    return Decision(thresholds, turned, first, last, lines, total, total)


def _enumerated(
    expression: Expression,
    quantizer: Node,
    first: Integers,
    last: Integers,
    sign: Integers,
    top: int,
) -> Integers | None:
    """Return the least turned sum of each code but the first; one beyond the last for never."""
    n = first.size
    found = np.repeat((last + 1)[None], top, axis=0)
    before = np.full(n, -1)
    longest = int((last - first).max(initial=0)) + 1
    rows = max(1, BLOCK // max(n, 1))
    numbers = np.arange(1, top + 1)[:, None]
    for begin in range(0, longest, rows):
        sums = np.arange(begin, min(begin + rows, longest))[:, None] + first
        # Channels of fewer sums stay at their last one, where nothing changes any more.
        sums = np.minimum(sums, last)
        codes = expression.codes(quantizer, [sums * sign]).astype(np.int16)
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

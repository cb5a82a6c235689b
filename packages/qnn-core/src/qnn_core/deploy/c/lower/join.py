"""From a float expression of two integers, such as a residual sum, to a plane, proved on pairs.

Among millions of pairs a few lie so near to the edge of a code that float32's rounding decides. No
plane says what it says there: such pairs are exceptions, and are kept with their code.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...graph import Node
from ..plan import Integers
from .expression import Expression, Source

# So many pairs are put through the expression one by one; of more, those next to the plane's edges,
# if every operation is monotone to the last bit.
FEW = 2**22

# Evaluations at most, and of these at a time.
MOST, BLOCK = 2**28, 2**19

# Exceptions of a layer, and of an edge in a row, at most.
MOST_EXCEPTIONS, MOST_STEPS = 2**12, 64

# Of each integer, at which slopes are measured.
POINTS = 9

INT32, INT64 = 31, 61

# So much of a code a plane is moved by, if it has more exceptions than are few.
NUDGES, ENOUGH = (0.0, 2.0**-20, -(2.0**-20)), 64


@dataclass(frozen=True, eq=False)
class Plane:
    """See `plan.Join`.

    Attributes:
        sources: a and b, in the order of their factors.
    """

    sources: tuple[Source, Source]
    multiplier: Integers
    factor: Integers
    offset: Integers
    shift: int
    top: int
    wide: bool
    exceptions: Integers
    near: int
    pairs: int

    def heights(self, a: Integers, b: Integers) -> Integers:
        """Return ``a * multiplier + b * factor + offset``, of columns on the last axis."""
        return a * self.multiplier + b * self.factor + self.offset

    def codes(self, a: Integers, b: Integers) -> Integers:
        """Return the codes of pairs, without exceptions."""
        made: Integers = np.clip(self.heights(a, b) >> self.shift, 0, self.top)
        return made


def plane(expression: Expression, quantizer: Node) -> Plane | None:
    """Return the codes of an expression of two integers as a plane, or None if there is none.

    ``code = clip((a * M + b * Q + O) >> S, 0, top)``, with 32 bits if they are enough for a plane
    without exceptions, else with 64.
    """
    a, b = expression.sources
    pairs = int(((a.high - a.low + 1) * (b.high - b.low + 1)).sum())
    # The edges of the codes are found along a, for each b.
    swapped = int((b.high - b.low).max(initial=0)) > int((a.high - a.low).max(initial=0))
    longest = int(((a if swapped else b).high - (a if swapped else b).low).max(initial=0)) + 1
    work = longest * (quantizer.tables["levels"].size - 1) * expression.columns * 2
    if (pairs > FEW and (not expression.monotone or work > MOST)) or not pairs:
        return None
    slopes = _slopes(expression, quantizer)
    for bits in (INT32, INT64):
        fitted = _fitted(expression, quantizer, slopes, bits, swapped=swapped)
        if fitted is None:
            continue
        found = _every_pair if pairs <= FEW else _next_to_edges
        best: tuple[Plane, Integers] | None = None
        for nudge in NUDGES:
            # Pairs exactly on an edge are on one side of it, all of them.
            made = replace(fitted, offset=fitted.offset + round(nudge * 2.0**fitted.shift))
            exceptions = found(expression, quantizer, made, swapped=swapped)
            if exceptions is not None and (best is None or len(exceptions) < len(best[1])):
                best = made, exceptions
            if best is not None and len(best[1]) <= ENOUGH:
                break
        if best is not None and (not len(best[1]) or bits == INT64):
            return _with(*best, pairs)
    return None


def _slopes(expression: Expression, quantizer: Node) -> NDArray[np.float64]:
    """Return how codes grow with a and with b where nothing is clipped, and their value at 0.

    By least squares on the float numbers themselves at points all over the range; ``[3, n]``.
    """
    a, b = expression.sources
    parts = np.linspace(0, 1, POINTS)[:, None]
    grids = [np.rint(s.low + parts * (s.high - s.low)).astype(np.int64) for s in (a, b)]
    a_grid, b_grid = np.repeat(grids[0], POINTS, axis=0), np.tile(grids[1], (POINTS, 1))
    levels, scale = quantizer.tables["levels"], float(quantizer.tables["scale"].reshape(()))
    shift, first = quantizer.tables["shift"].reshape(()), quantizer.tables["thresholds"][0]
    step = float(levels[1] - levels[0])
    x = expression.apply([a_grid, b_grid]).astype(np.float64)
    height = ((x - float(shift)) / scale - float(first)) / step + 1
    found = np.zeros((3, expression.columns))
    for column in range(expression.columns):
        value = height[:, column]
        inside = (value > value.min()) & (value < value.max())
        if inside.sum() < POINTS:
            inside = np.ones(value.size, bool)
        ones = np.ones(int(inside.sum()))
        points = np.stack([a_grid[inside, column], b_grid[inside, column], ones], axis=1)
        found[:, column] = np.linalg.lstsq(points.astype(float), value[inside], rcond=None)[0]
    return found


def _fitted(
    expression: Expression,
    quantizer: Node,
    slopes: NDArray[np.float64],
    bits: int,
    *,
    swapped: bool,
) -> Plane | None:
    """Return the finest plane whose numbers have so many bits, without exceptions."""
    sources = expression.sources[::-1] if swapped else expression.sources
    order = [1, 0, 2] if swapped else [0, 1, 2]
    ends = [np.maximum(np.abs(s.low), np.abs(s.high)) for s in sources]
    reach = np.abs(slopes[order]) * np.stack([*ends, np.ones(expression.columns)])
    highest = float(reach.sum(axis=0).max())
    steepest = float(np.abs(slopes[:2]).max())
    if not np.isfinite(highest) or highest >= 2**20 or not steepest:
        return None
    # Factors have 32 bits with their sign.
    shift = min(int(bits - 1 - np.log2(highest + 2)), int(30 - np.log2(steepest)), 45)
    if shift < 1:
        return None
    numbers = np.rint(slopes[order] * 2.0**shift).astype(np.int64)
    return Plane(
        sources=(sources[0], sources[1]),
        multiplier=numbers[0],
        factor=numbers[1],
        offset=numbers[2],
        shift=shift,
        top=quantizer.tables["levels"].size - 1,
        wide=bits > INT32,
        exceptions=np.zeros((0, 4), np.int64),
        near=0,
        pairs=0,
    )


def _every_pair(
    expression: Expression, quantizer: Node, made: Plane, *, swapped: bool
) -> Integers | None:
    """Return the pairs of which the plane says another code, ``(column, a, b, code)`` each."""
    a, b = made.sources
    a_range, b_range = _range(a), _range(b)
    rows = max(1, BLOCK // max(a_range.size, 1))
    found = []
    for begin in range(0, len(b_range), rows):
        shape = (len(b_range[begin : begin + rows]), *a_range.shape)
        b_grid = np.broadcast_to(b_range[begin : begin + rows, None], shape).reshape(-1, shape[-1])
        a_grid = np.broadcast_to(a_range[None], shape).reshape(-1, shape[-1])
        codes = _codes(expression, quantizer, a_grid, b_grid, swapped=swapped)
        found.append(_wrong(made, a_grid, b_grid, codes))
        if sum(map(len, found)) > MOST_EXCEPTIONS:
            return None
    return np.unique(np.concatenate(found), axis=0)


def _next_to_edges(
    expression: Expression, quantizer: Node, made: Plane, *, swapped: bool
) -> Integers | None:
    """Return the same of an expression that is monotone, from both sides of each edge on."""
    a, b = made.sources
    b_range = _range(b)
    rows = max(1, BLOCK // max(made.top * expression.columns, 1))
    found: list[Integers] = []
    for begin in range(0, len(b_range), rows):
        bs = b_range[begin : begin + rows, None]
        # The first and the last a of each b are looked at too: edges may lie beyond them.
        ends = [np.broadcast_to(end, bs.shape) for end in (a.low, a.high + 1)]
        edge = np.concatenate([ends[0], _edges(made, bs), ends[1]], axis=1)
        for side in (-1, 1):
            at = edge + (side - 1) // 2
            for _ in range(MOST_STEPS):
                inside = np.clip(at, a.low, a.high)
                shape = (-1, at.shape[-1])
                grids = inside.reshape(shape), np.broadcast_to(bs, at.shape).reshape(shape)
                codes = _codes(expression, quantizer, *grids, swapped=swapped)
                found.append(_wrong(made, *grids, codes))
                wrong = made.codes(*grids) != codes
                if not np.any(wrong & (inside == at).reshape(shape)):
                    break
                at = at + side
            else:
                return None
        if sum(map(len, found)) > MOST_EXCEPTIONS:
            return None
    return np.unique(np.concatenate(found), axis=0)


def _edges(made: Plane, b: Integers) -> Integers:
    """Return the a at which the plane comes to each code but the first, ``[rows, top, n]``.

    Where the plane falls along a, it is the first that has left the code.
    """
    m = np.where(made.multiplier == 0, 1, made.multiplier)
    wanted = (np.arange(1, made.top + 1, dtype=np.int64)[:, None]) << made.shift
    rest = wanted - b * made.factor - made.offset
    # Both directions: the least a of rest <= a * m, or of a * m < rest.
    found: Integers = np.where(m > 0, -(-rest // np.abs(m)), (-rest) // np.abs(m) + 1)
    return found


def _wrong(made: Plane, a: Integers, b: Integers, codes: NDArray[np.uint8]) -> Integers:
    rows, columns = np.nonzero(made.codes(a, b) != codes)
    parts = columns, a[rows, columns], b[rows, columns], codes[rows, columns]
    return np.stack([np.asarray(part, np.int64) for part in parts], axis=1)


def _codes(
    expression: Expression, quantizer: Node, a: Integers, b: Integers, *, swapped: bool
) -> NDArray[np.uint8]:
    return expression.codes(quantizer, [b, a] if swapped else [a, b])


def _range(source: Source) -> Integers:
    """Return all integers of each column; columns with fewer stay at their last one."""
    count = int((source.high - source.low).max(initial=0)) + 1
    numbers: Integers = np.minimum(source.low + np.arange(count)[:, None], source.high)
    return numbers


def _with(made: Plane, exceptions: Integers, pairs: int) -> Plane:
    """Return a plane with its exceptions, and how near to an edge they are at most."""
    near = 0
    if len(exceptions):
        column, a, b, _ = exceptions.T
        heights = a * made.multiplier[column] + b * made.factor[column] + made.offset[column]
        behind = heights & ((1 << made.shift) - 1)
        near = int(np.minimum(behind, (1 << made.shift) - behind).max())
    return replace(made, exceptions=exceptions, near=near, pairs=pairs)

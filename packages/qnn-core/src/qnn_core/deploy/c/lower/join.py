"""From a float expression of two integers, such as a residual sum, to a plane, proved on pairs."""

from typing import NamedTuple

import numpy as np

from ...graph import Node
from ..plan import Integers
from .expression import Expression

# Pairs that are looked at at a time, and at most.
BLOCK = 2**18
MOST = 2**29

SHIFTS = range(6, 31)

# Of each integer, at which slopes are measured.
POINTS = 9


class Plane(NamedTuple):
    """See `plan.Join`; `first` is which of the two sources is multiplied by `multiplier`."""

    multiplier: Integers
    factor: Integers
    offset: Integers
    shift: int
    top: int
    wide: bool
    total: int


def plane(expression: Expression, quantizer: Node) -> Plane | None:
    """Return the codes of an expression of two integers as a plane, or None if there is none.

    ``code = clip((a * M + b * Q + O) >> S, 0, top)``. Every pair that can occur, of every channel,
    is put through the packed model's float32 expression; of all codes, the first and the last a of
    each b bound what O may be. If an O fits them all, the plane is the expression.
    """
    a, b = expression.sources
    counts = (a.high - a.low + 1) * (b.high - b.low + 1)
    total = int(counts.sum())
    top = quantizer.tables["levels"].size - 1
    if total > MOST or not total:
        return None
    edges = _edges(expression, quantizer)
    slopes = _slopes(expression, quantizer)
    for shift in SHIFTS:
        made = [_fitted(edge, slope, shift, top) for edge, slope in zip(edges, slopes, strict=True)]
        if all(m is not None for m in made):
            multiplier, factor, offset = np.array(made, np.int64).T
            reach = np.maximum(np.abs(a.low), np.abs(a.high)) * np.abs(multiplier)
            other = np.maximum(np.abs(b.low), np.abs(b.high)) * np.abs(factor)
            wide = bool(np.any(reach + other + np.abs(offset) >= 2**31))
            return Plane(multiplier, factor, offset, shift, top, wide, total)
    return None


Edges = tuple[Integers, Integers, Integers]


def _edges(expression: Expression, quantizer: Node) -> list[Edges]:
    """Return for each column (a, b, code) of the pairs at both ends of every run of equal codes.

    A run is of one b, along a. A plane is monotone in a: what is right at both ends of a run is
    right in it.
    """
    a, b = expression.sources
    n = expression.columns
    a_count, b_count = (int((s.high - s.low).max(initial=0)) + 1 for s in (a, b))
    # Columns with fewer integers stay at their last one.
    a_range = np.minimum(a.low + np.arange(a_count)[:, None], a.high)
    b_range = np.minimum(b.low + np.arange(b_count)[:, None], b.high)
    rows = max(1, BLOCK // max(a_count * n, 1))
    found: list[Edges] = []
    columns: list[Integers] = []
    for begin in range(0, b_count, rows):
        bs = b_range[begin : begin + rows]
        shape = (len(bs), a_count, n)
        grids = [np.broadcast_to(x, shape).reshape(-1, n) for x in (a_range[None], bs[:, None])]
        codes = expression.codes(quantizer, grids).reshape(shape)
        change = np.diff(codes, axis=1) != 0
        edge = np.ones(shape, bool)
        edge[:, 1:-1] = change[:, :-1] | change[:, 1:]
        row, along, column = np.nonzero(edge)
        codes_there = codes[row, along, column].astype(np.int64)
        found.append((a_range[along, column], bs[row, column], codes_there))
        columns.append(column)
    where = np.concatenate(columns)
    whole = [np.concatenate(part) for part in zip(*found, strict=True)]
    return [(whole[0][where == c], whole[1][where == c], whole[2][where == c]) for c in range(n)]


def _slopes(expression: Expression, quantizer: Node) -> list[tuple[float, float]]:
    """Return how much a code grows with a and with b in each column, where nothing is clipped.

    By least squares on the float numbers themselves at points all over the range.
    """
    a, b = expression.sources
    parts = np.linspace(0, 1, POINTS)[:, None]
    grids = [np.rint(s.low + parts * (s.high - s.low)).astype(np.int64) for s in (a, b)]
    a_grid = np.repeat(grids[0], POINTS, axis=0)
    b_grid = np.tile(grids[1], (POINTS, 1))
    scale, levels = quantizer.tables["scale"], quantizer.tables["levels"]
    step = float(scale.reshape(())) * float(levels[1] - levels[0])
    x = expression.apply([a_grid, b_grid]).astype(np.float64) / step
    found = []
    for column in range(expression.columns):
        value = x[:, column]
        inside = (value > value.min()) & (value < value.max())
        if inside.sum() < 3:
            inside = np.ones(value.size, bool)
        points = np.stack([a_grid[inside, column], b_grid[inside, column]], axis=1).astype(float)
        columns = np.concatenate([points, np.ones((len(points), 1))], axis=1)
        slopes = np.linalg.lstsq(columns, value[inside], rcond=None)[0]
        found.append((float(slopes[0]), float(slopes[1])))
    return found


def _fitted(
    edges: Edges, slopes: tuple[float, float], shift: int, top: int
) -> tuple[int, int, int] | None:
    a, b, code = edges
    for nudge_a in (0, 1, -1):
        for nudge_b in (0, 1, -1):
            m = round(slopes[0] * 2**shift) + nudge_a
            q = round(slopes[1] * 2**shift) + nudge_b
            height = a * m + b * q
            least = np.where(code > 0, (code << shift) - height, -(2**61)).max()
            most = np.where(code < top, ((code + 1) << shift) - 1 - height, 2**61).min()
            if least <= most:
                return m, q, int(least if least > -(2**60) else most)
    return None

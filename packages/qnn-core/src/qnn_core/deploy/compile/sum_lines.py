"""Thresholds of a fused node as lines, in the doubles that the engine computes with."""

import numpy as np

from ...gemm.requantizer import DOUBLE_LIMIT, MOST_COUNTED, SumLines
from ..graph import Node
from .exact_line import exact_lines

# So many columns tell whether a node has lines.
SOME = 8


def sum_lines(node: Node, reach: int) -> SumLines | None:
    """Return the lines of a fused node of many thresholds, None for one of few.

    Multiplier, offset and their sums are doubles without rounding, and so are they divided by a
    power of two; a column where they are not is searched.

    Args:
        node: with thresholds on sums.
        reach: the greatest magnitude that a sum can have.
    """
    thresholds = node.tables["thresholds"]
    if len(thresholds) <= MOST_COUNTED:
        return None
    flip, n = node.tables["flip"], thresholds.shape[1]
    alike = n > 1 and np.all(thresholds == thresholds[:, :1]) and np.all(flip == flip[:1])
    some = slice(1 if alike else n)
    lines = exact_lines(thresholds[:, some], reach, flip=flip[some])
    slope = np.ldexp(lines.multiplier.astype(np.float64), -lines.shift)
    start = np.ldexp(lines.offset.astype(np.float64), -lines.shift)
    far = reach * np.abs(lines.multiplier.astype(np.float64)) + np.abs(lines.offset)
    searched = ~lines.exact | (far >= DOUBLE_LIMIT)
    each = n if alike else 1
    return SumLines(np.repeat(slope, each), np.repeat(start, each), np.repeat(searched, each))


def is_curved(node: Node) -> bool:
    """Whether a fused node has many thresholds and, as far as some columns tell, no lines.

    That is what tanh and sigmoid make. Searching takes longer than the operations of its chain.
    """
    thresholds = node.tables["thresholds"]
    if len(thresholds) <= MOST_COUNTED or not thresholds.size:
        return False
    some = thresholds[:, :: -(-thresholds.shape[1] // SOME)].astype(np.int64)
    lines = exact_lines(some, min(int(np.abs(some).max()), 2**31 - 1))
    return 2 * int(lines.exact.sum()) < lines.exact.size

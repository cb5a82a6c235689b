"""Thresholds of a fused node as lines, in the doubles that the engine computes with."""

import numpy as np

from ...gemm.requantizer import DOUBLE_LIMIT, MOST_COUNTED, SumLines
from ..graph import Node
from .exact_line import exact_lines


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
    lines = exact_lines(thresholds, reach, flip=node.tables["flip"])
    slope = np.ldexp(lines.multiplier.astype(np.float64), -lines.shift)
    start = np.ldexp(lines.offset.astype(np.float64), -lines.shift)
    far = reach * np.abs(lines.multiplier.astype(np.float64)) + np.abs(lines.offset)
    return SumLines(slope, start, ~lines.exact | (far >= DOUBLE_LIMIT))

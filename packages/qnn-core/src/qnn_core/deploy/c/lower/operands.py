"""Both sides of a product as plain integers: what codes enter with, and what sums mean."""

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from ....gemm import GemmOperand
from ..plan import Integers


@dataclass(frozen=True, eq=False)
class InputForm:
    """How the codes of a product's input enter: ``element = unit * x + shift`` with an integer x.

    Attributes:
        offset: taken off a code, where there is no table: ``x = code - offset``.
        table: x of each code, int64; None where it is the code less `offset`.
        unit: of an element.
        shift: of an element.
        low, high: ends of x.
    """

    offset: int
    table: Integers | None
    unit: int
    shift: int
    low: int
    high: int


def input_form(operand: GemmOperand, *, padded: bool) -> InputForm:
    """Return how codes enter.

    The element of padding is 0. What lies outside of an image adds nothing to a sum, so where
    there is padding x must be 0 for it: its code's number, less the code of zero if that is not
    the first; or a table where the levels have no zero or no common step.

    Args:
        operand: of the input, with integer levels.
        padded: whether windows reach beyond the image.
    """
    levels = operand.integer_levels
    assert levels is not None
    elements = levels.centred.reshape(-1)
    top = elements.size - 1
    if levels.step:
        step, first = levels.step, int(elements[0])
        if not padded or first == 0:
            return InputForm(0, None, step, first, 0, top)
        zero = -first // step
        if -first % step == 0 and 0 <= zero <= top:
            return InputForm(zero, None, step, 0, -zero, top - zero)
    unit = _common(elements)
    table = elements // unit
    return InputForm(0, table, unit, 0, int(table.min()), int(table.max()))


def weight_integers(operand: GemmOperand, codes: Integers) -> tuple[Integers, int]:
    """Return the elements of weights ``[n, ...]`` in units, and the unit."""
    levels = operand.integer_levels
    assert levels is not None
    centred = levels.centred
    if centred.ndim == 1:
        elements = centred[codes]
    else:
        rows = np.arange(len(codes)).reshape(-1, *(1,) * (codes.ndim - 1))
        elements = centred[rows, codes]
    unit = _common(elements)
    return elements // unit, unit


def turned_weights(
    weights: Integers, falls: NDArray[np.bool_], allowed: Integers
) -> tuple[Integers, NDArray[np.bool_]]:
    """Return weights with the sign changed where codes fall as sums grow, and which still fall.

    A row keeps its sign if its weights would be none of those that the layer has.

    Args:
        weights: ``[n, ...]``.
        falls: bool ``[n]``.
        allowed: the elements that the codes of a weight can say.
    """
    turned = weights.copy()
    left = falls.copy()
    known = set(allowed.tolist())
    for row in np.flatnonzero(falls):
        if set((-weights[row]).reshape(-1).tolist()) <= known:
            turned[row] = -weights[row]
            left[row] = False
    return turned, left


def _common(elements: Integers) -> int:
    """Return the greatest common divisor, 1 of zeros."""
    found = 0
    for element in np.unique(np.abs(elements)).tolist():
        found = gcd(found, element)
    return max(found, 1)

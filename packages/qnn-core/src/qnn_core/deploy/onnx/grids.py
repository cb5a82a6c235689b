"""Values and weights as whole numbers with a scale, for operators that know nothing else."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...gemm import GemmOperand, operand_of
from ...gemm.operand import quantized_operand
from ...qtensor import QuantizedTensor

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Grid:
    """Values as whole numbers: ``scale * (whole - zero)``, from `low` to `high`.

    Attributes:
        scale: float32, of shape () or (channels,).
        zero: of the same or shape ().
        low: the whole number of code 0.
        high: of the last code.
    """

    scale: Array
    zero: Array
    low: int
    high: int

    @property
    def signed(self) -> bool:
        """Whether some of the whole numbers are negative."""
        return self.low < 0


def grid_of(coding: QuantizedTensor) -> Grid | None:
    """Return the values of a quantizer as evenly spaced whole numbers, or None if they are not.

    Such numbers have 0.0 among them, or it is a whole number of steps away.
    """
    side = quantized_operand(coding.levels, coding.scale, coding.shift, along_reduction=False)
    numbers = side.integer_levels
    if numbers is None or not numbers.step:
        return None
    step, zero = numbers.step, numbers.zero
    if numbers.integers[0] % step or np.any(zero % step):
        return None
    first = int(numbers.integers[0]) // step
    scale = (side.scale * np.float32(numbers.unit * step)).astype(np.float32)
    zero = zero // step
    count = len(numbers.integers)
    if not zero.any() and first < 0:
        return Grid(scale, np.zeros((), np.int64), first, first + count - 1)
    # Codes count from 0; the whole number that means 0.0 is the zero point.
    return Grid(scale, zero - first, 0, count - 1)


def operand_scale(side: GemmOperand) -> Array:
    """Return what elements in units are multiplied by."""
    assert side.integer_levels is not None
    return (side.scale * np.float32(side.integer_levels.unit)).astype(np.float32)


def elements(weight: QuantizedTensor) -> tuple[NDArray[np.int64], Array] | None:
    """Return a weight as whole numbers and the scale that they are multiplied by, if it is such.

    Returns:
        The numbers, of the weight's shape; the scale, of shape () or (channels,), along axis 0.
    """
    side = operand_of(weight, 0)
    if side.integer_levels is None:
        return None
    zero = side.integer_levels.zero
    column = zero.reshape(-1, *(1,) * (weight.codes.ndim - 1)) if zero.ndim else zero
    return side.integer_levels.integers[weight.codes] - column, operand_scale(side)

"""What a product means, for quantized and float operands alike, in training and deployed.

::

    element     level - zero point    of a quantized operand whose qparams do not vary along the sum
                value                 of any other
    sum_mn      sum over k of element(x_mk) * element(w_nk)
    y_mn        sum_mn * (scale_x * scale_w_n) + bias_n

If the elements of both sides are whole numbers times powers of two, the sum is one of integers,
exact in any order. Else it is taken in float32 in one order: ``sum = fma(x_mk, w_nk, sum)`` for k
ascending, from 0. Either way it does not depend on the kernel, the threads or the other rows.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..qtensor import QuantizedTensor

Array = NDArray[Any]

# Whole numbers up to here are float32 numbers, and so are their sums.
FLOAT_LIMIT = 2**24

# Sums of integers stay below this, so that 32 bits hold them.
SUM_LIMIT = 2**31

ONE = np.ones((), np.float32)
ZERO = np.zeros((), np.float32)


@dataclass(frozen=True, eq=False)
class IntegerLevels:
    """Levels as whole numbers: ``level - zero point = unit * (integers[code] - zero)``.

    Attributes:
        integers: int64, ascending, one for each code.
        zero: int64 of shape () or (channels,).
        unit: a power of two.
    """

    integers: NDArray[np.int64]
    zero: NDArray[np.int64]
    unit: float

    @cached_property
    def centred(self) -> NDArray[np.int64]:
        """The elements in units, of shape ``[levels]`` or ``[channels, levels]``."""
        return self.integers - (self.zero[:, None] if self.zero.ndim else self.zero)

    @cached_property
    def floats(self) -> NDArray[np.float32]:
        """The same as float32, which holds them exactly."""
        return self.centred.astype(np.float32)

    @cached_property
    def step(self) -> int:
        """The distance of neighbouring levels in units if it is the same for all, else 0."""
        steps = np.diff(self.integers)
        return int(steps[0]) if np.all(steps == steps[0]) else 0

    @cached_property
    def bits(self) -> int:
        """Bits of a code."""
        return (self.integers.size - 1).bit_length()

    @cached_property
    def reach(self) -> int:
        """The greatest magnitude of an element in units."""
        ends = self.integers[[0, -1]]
        return max(int(np.abs(end - self.zero).max(initial=0)) for end in ends)


class GemmOperand(NamedTuple):
    """One side of a product, without its data.

    Attributes:
        levels: float32, the level of each code; None if the elements are float values.
        zero: float32 of shape () or (channels,): the level that means 0.0, a whole number.
        scale: float32 of shape () or (channels,), taken out of the sum.
        grid: the elements as whole numbers, None if they are not.
    """

    levels: NDArray[np.float32] | None
    zero: Array
    scale: Array
    integer_levels: IntegerLevels | None

    def elements(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return ``level - zero point`` of each code of a ``[row, k]`` operand, in float32."""
        assert self.levels is not None
        zero = self.zero[:, None] if self.zero.ndim else self.zero
        elements: NDArray[np.float32] = self.levels[codes] - zero
        return elements


# Float values: nothing is taken out of the sum.
VALUES = GemmOperand(None, ZERO, ONE, None)


def quantized_operand(
    levels: Array, scale: Array, shift: Array, *, along_reduction: bool
) -> GemmOperand:
    """Return the side of a product that a quantized operand is.

    Args:
        levels: float32, ascending.
        scale: float32 of shape () or (channels,).
        shift: likewise.
        along_reduction: whether the qparams' channels lie along the axis that is summed over.

    Returns:
        `VALUES` if the qparams cannot be taken out of the sum: they vary along it, or the shift is
        not a whole number of steps.
    """
    if along_reduction and (scale.size > 1 or shift.size > 1):
        return VALUES
    scale, shift = np.asarray(scale, np.float32), np.asarray(shift, np.float32)
    if along_reduction:
        scale, shift = scale.reshape(()), shift.reshape(())
    if not (shift.any() if shift.ndim else float(shift)):
        return GemmOperand(levels, ZERO, scale, _grid_around_zero(levels))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        zero = np.rint(-shift / scale) + np.float32(0)
        whole = np.array_equal(-(scale * zero), shift)
    if not whole or not np.all(np.abs(zero) < 2**24):
        return VALUES
    # One zero point for all channels is what most schemes have; more kernels take that.
    if zero.size and np.all(zero == zero.flat[0]):
        zero = zero.reshape(-1)[:1].reshape(())
    grid = _grid_of(levels.tobytes(), zero.tobytes(), zero.shape)
    return GemmOperand(levels, zero, scale, grid)


def operand_of(quantized: QuantizedTensor | None, rows: int | None) -> GemmOperand:
    """Return what a tensor is in a product that sums over its last axis.

    Args:
        quantized: the tensor's codes, None for float values.
        rows: the axis that is not summed over and may have a scale for each entry; None for none,
            as in the input of a layer, where it is the batch.

    Returns:
        `VALUES` where the tensor enters with its values: it is float, or its qparams cannot be
        taken out of the sum. Else an operand with levels: it enters with its codes.
    """
    if quantized is None:
        return VALUES
    levels, scale, shift = quantized.levels, quantized.scale, quantized.shift
    if scale.size == shift.size == 1:
        return quantized_operand(
            levels, scale.reshape(()), shift.reshape(()), along_reduction=False
        )
    assert quantized.axis is not None
    along_reduction = rows is None or quantized.axis % quantized.codes.ndim != rows
    return quantized_operand(levels, scale, shift, along_reduction=along_reduction)


def channels_of(operand: GemmOperand, rows: slice) -> GemmOperand:
    """Return what some output channels of a weight are."""
    grid = operand.integer_levels
    if grid is not None and grid.zero.ndim:
        grid = replace(grid, zero=grid.zero[rows])
    zero, scale = (f[rows] if f.ndim else f for f in (operand.zero, operand.scale))
    return GemmOperand(operand.levels, zero, scale, grid)


def integer_sum(x: GemmOperand, w: GemmOperand, k: int) -> bool:
    """Whether the sum over `k` elements is one of integers."""
    return (
        x.integer_levels is not None
        and w.integer_levels is not None
        and max(k, 1) * x.integer_levels.reach * w.integer_levels.reach < SUM_LIMIT
    )


def joint_scale(x: GemmOperand, w: GemmOperand, k: int) -> NDArray[np.float32]:
    """Return what the sum is multiplied by: float32 of shape () or (channels,).

    For a sum of integers it includes both units; multiplying by them is exact.
    """
    unit = np.float32(1)
    if x.integer_levels is not None and w.integer_levels is not None and integer_sum(x, w, k):
        unit = np.float32(x.integer_levels.unit * w.integer_levels.unit)
    if x.scale.ndim == w.scale.ndim == 0:
        # A double holds the product exactly: it is rounded once, as that of float32 is.
        both = float(x.scale) * float(w.scale)
        if 1e-30 < both < 1e30:
            return np.asarray(np.float32(both) * unit)
    # What overflows becomes infinite, in every place that computes it.
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(x.scale * w.scale * unit, np.float32)


# The grids of levels that were asked for before, with the levels, so that an id stays theirs.
_KNOWN: dict[int, tuple[NDArray[np.float32], IntegerLevels | None]] = {}
_MOST_KNOWN = 512


def _grid_around_zero(levels: NDArray[np.float32]) -> IntegerLevels | None:
    """Return `_grid_of` the zero point 0 and levels that never change: those of a codebook."""
    known = _KNOWN.get(id(levels))
    if known is not None:
        return known[1]
    grid = _grid_of(levels.tobytes(), ZERO.tobytes(), ())
    if not levels.flags.writeable and levels.base is None:
        if len(_KNOWN) >= _MOST_KNOWN:
            _KNOWN.clear()
        _KNOWN[id(levels)] = levels, grid
    return grid


# A scale changes at each step of training, a grid hardly ever.
@lru_cache(maxsize=1024)
def _grid_of(level_bytes: bytes, zero_bytes: bytes, shape: tuple[int, ...]) -> IntegerLevels | None:
    """Return levels and zero points as integers of one unit, or None if that takes over 15 bits."""
    levels = np.frombuffer(level_bytes, np.float32)
    zero = np.frombuffer(zero_bytes, np.float32).reshape(shape)
    numbers = np.concatenate([levels, zero.reshape(-1)]).astype(np.float64)
    numbers = numbers[numbers != 0]
    if not numbers.size:
        return IntegerLevels(np.zeros(levels.size, np.int64), zero.astype(np.int64), 1.0)
    # The lowest set bit of each number, as an exponent: 24 bits make every float32 an integer.
    mantissa, exponent = np.frexp(numbers)
    whole = np.abs(mantissa * 2**24).astype(np.int64)
    lowest = exponent - 24 + np.log2((whole & -whole).astype(np.float64)).astype(np.int64)
    unit = math.ldexp(1.0, int(lowest.min()))
    steps = np.concatenate([levels, zero.reshape(-1)]).astype(np.float64) / unit
    if np.abs(steps).max() >= 2**15:
        return None
    integers = steps.astype(np.int64)
    grid = IntegerLevels(integers[: levels.size], integers[levels.size :].reshape(zero.shape), unit)
    return grid if grid.reach < 2**15 else None

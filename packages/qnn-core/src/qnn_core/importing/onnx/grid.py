"""The quantizers of quantized files: their levels and scales are given, and taken as they are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import SpecError
from ...nn import Quantize
from ...qtensor import QuantizedTensor, quantized, values_of
from ...quantizer import QParams, Quantizer
from .document import Array


@dataclass(frozen=True)
class IntegerGrid(Quantizer):
    """Whole numbers from one to another: those of QuantizeLinear, and of QONNX's Quant.

    Where a zero point has moved both ends, 0.0 is the level 0.

    Args:
        bits: 1 to 8.
        lowest: the least number.
        highest: the greatest.

    Example:
        >>> list(IntegerGrid(bits=2, lowest=-2, highest=1).levels)
        [-2, -1, 0, 1]
    """

    bits: int = 8
    lowest: int = -128
    highest: int = 127

    def __post_init__(self) -> None:
        """Check the ends before anything is made of them."""
        ends = self.lowest, self.highest
        if not all(isinstance(n, int) for n in ends) or not 0 < ends[1] - ends[0] < 256:
            raise SpecError(f"IntegerGrid: lowest and highest must be 1 to 255 apart, got {ends}")
        super().__post_init__()

    @property
    def levels(self) -> range:
        """The whole numbers."""
        return range(self.lowest, self.highest + 1)

    def encode(self, u: Array) -> NDArray[np.uint8]:
        """Return the nearest; halfway between two, the even number."""
        # Not the even code: that of an even number is odd where the least one is.
        nearest = np.clip(np.rint(np.asarray(u, np.float64)), self.lowest, self.highest)
        return (nearest - self.lowest).astype(np.uint8)


@dataclass(frozen=True)
class SignGrid(Quantizer):
    """-1 and 1, as QONNX's BipolarQuant has them; 0 counts as 1."""

    bits: int = 1

    @property
    def levels(self) -> list[int]:
        """Both signs."""
        return [-1, 1]

    def encode(self, u: Array) -> NDArray[np.uint8]:
        """Return 1 for what is not negative."""
        return (np.asarray(u) >= 0).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Grid:
    """A quantizer with its qparams.

    Attributes:
        quantizer: levels, and the axis of a scale for each channel.
        scale: shape () or (channels,).
        zero_point: a level, of the same shape.
    """

    quantizer: Quantizer
    scale: Array
    zero_point: Array

    def __post_init__(self) -> None:
        """Check the numbers, which are a file's.

        Raises:
            ValueError: if a scale is not above 0, or a zero point is no number.
        """
        if not np.all(self.scale > 0) or not np.all(np.isfinite(self.scale)):
            raise ValueError("a scale that is not above 0")
        if not np.all(np.isfinite(self.zero_point)):
            raise ValueError("a zero point that is no number")

    @property
    def qparams(self) -> QParams:
        """Scale and zero point, for a layer."""
        return QParams(self.scale.astype(np.float32), self.zero_point.astype(np.float32))

    def same(self, other: "Grid") -> bool:
        """Return whether both mean the same numbers."""
        return (
            np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
            and self.quantizer == other.quantizer
        )

    def quantized(self, x: Array) -> QuantizedTensor:
        """Return constants as a layer with this grid quantizes them."""
        return quantized(x, self.qparams.scale, self.qparams.shift, self.quantizer)

    def values(self, x: Array) -> Array:
        """Return constants as the values that their codes stand for."""
        made = self.quantized(x)
        return values_of(made.codes, made.levels, made.scale, made.shift, made.axis)

    def moved(self, perm: Sequence[int]) -> "Grid":
        """Return the grid of a value whose axes have another order."""
        if self.quantizer.axis is None:
            return self
        axis = list(perm).index(self.quantizer.axis % len(perm))
        return replace(self, quantizer=replace(self.quantizer, axis=axis))

    def layer(self, channels: int) -> Quantize:
        """Return what quantizes an activation so."""
        per_channel = None if self.quantizer.axis is None else channels
        made = Quantize(self.quantizer, channels=per_channel)
        made.take_qparams(self.qparams)
        return made


@dataclass(frozen=True)
class Numbers:
    """The whole numbers that some bits can hold.

    Attributes:
        bits: 1 to 8.
        signed: ``-2**(bits-1) .. 2**(bits-1) - 1``; else ``0 .. 2**bits - 1``.
        narrow: without the least of them if signed, the greatest if not.
    """

    bits: int
    signed: bool
    narrow: bool = False

    @property
    def ends(self) -> tuple[int, int]:
        """The least and the greatest."""
        lowest = -(2 ** (self.bits - 1)) if self.signed else 0
        highest = lowest + 2**self.bits - 1
        if self.narrow:
            return lowest + self.signed, highest - (not self.signed)
        return lowest, highest


def integer_grid(
    numbers: Numbers, scale: Array, zero: Array, axis: int | None, *, moves: bool
) -> Grid:
    """Return a grid of whole numbers, with a scale that is kept to the bit, and can be trained on.

    Args:
        numbers: which there are.
        scale: shape () or (channels,), > 0.
        zero: the number that means 0.0, of the same shape.
        axis: of the channels, None for one scale.
        moves: whether ties are rounded to the even number before the zero point is added, as
            QuantizeLinear does: then one that all channels share moves into the levels, so that
            products need no correction. Else after it, as QONNX's Quant does; an even one moves.

    Raises:
        ValueError: if a scale is not above 0, or a zero point is no number.
    """
    first = float(zero.reshape(-1)[0]) if zero.size else 0.0
    common = bool(np.all(zero == first)) and first % (1 if moves else 2) == 0
    moved = int(first) if common else 0
    lowest, highest = (end - moved for end in numbers.ends)
    quantizer = IntegerGrid(
        bits=numbers.bits, lowest=lowest, highest=highest, axis=axis, scale="lsq"
    )
    zero = np.zeros_like(zero) if common else zero
    return Grid(quantizer, scale.astype(np.float32), zero.astype(np.float32))


def along(array: Array, axis: int | None, rank: int) -> Array:
    """Return an array of shape () or (channels,) as it broadcasts against a value.

    Args:
        array: scales, or zero points.
        axis: of the channels in the value, None for one of all.
        rank: of the value.
    """
    lengths = [1] * rank
    if axis is not None:
        lengths[axis] = -1
    return array.reshape(lengths)

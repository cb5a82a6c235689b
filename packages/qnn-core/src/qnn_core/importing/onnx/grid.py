"""The quantizers of quantized files: their levels and scales are given, and taken as they are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import SpecError
from ...nn import Quantize
from ...quantizer import QParams, Quantizer
from .document import Array


@dataclass(frozen=True)
class IntegerGrid(Quantizer):
    """Whole numbers from one to another: those of QuantizeLinear, and of QONNX's Quant.

    A zero point moves both ends, so that 0.0 is the level 0, and ties are rounded as there.

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
        """Return the nearest; halfway between two, the even number, as those operators do."""
        # Not the even code: that of an even number is odd where the least one is.
        nearest = np.clip(np.rint(np.asarray(u, np.float64)), self.lowest, self.highest)
        return (nearest - self.lowest).astype(np.uint8)


def integer_grid(bits: int, signed: bool, narrow: bool, zero: int) -> IntegerGrid:
    """Return the numbers that `bits` bits can hold, less a zero point.

    Args:
        bits: 1 to 8.
        signed: ``-2**(bits-1) .. 2**(bits-1) - 1``; else ``0 .. 2**bits - 1``.
        narrow: without the least of them if signed, the greatest if not.
        zero: the number that means 0.0.
    """
    lowest = -(2 ** (bits - 1)) if signed else 0
    highest = lowest + 2**bits - 1
    if narrow:
        lowest, highest = lowest + signed, highest - (not signed)
    # A scale that a file gives is kept to the bit, and can be trained on: LSQ's step.
    return IntegerGrid(bits=bits, lowest=lowest - zero, highest=highest - zero, scale="lsq")


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

    @property
    def qparams(self) -> QParams:
        """Scale and zero point, for a layer."""
        return QParams(self.scale.astype(np.float32), self.zero_point.astype(np.float32))

    @property
    def ends(self) -> tuple[int, int]:
        """The least level and the greatest."""
        levels = np.asarray(self.quantizer.levels)
        return int(levels[0]), int(levels[-1])

    def same(self, other: "Grid") -> bool:
        """Return whether both mean the same numbers."""
        return (
            np.array_equal(self.scale, other.scale)
            and np.array_equal(self.zero_point, other.zero_point)
            and self.quantizer == other.quantizer
        )

    def values(self, x: Array) -> Array:
        """Return constants as the values that their codes stand for."""
        qparams, lengths = self.qparams, [1] * x.ndim
        if self.quantizer.axis is not None:
            lengths[self.quantizer.axis] = -1
        scale, shift = qparams.scale.reshape(lengths), qparams.shift.reshape(lengths)
        levels = np.asarray(self.quantizer.levels, np.float32)
        values: Array = scale * levels[self.quantizer.encode((x - shift) / scale)] + shift
        return values

    def layer(self, channels: int) -> Quantize:
        """Return what quantizes an activation so."""
        per_channel = None if self.quantizer.axis is None else channels
        made = Quantize(self.quantizer, channels=per_channel)
        made.take_qparams(self.qparams)
        return made

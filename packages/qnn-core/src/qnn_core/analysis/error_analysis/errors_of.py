"""What one quantizer does to data: its squared error in two parts, and how it uses its codes."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...qtensor import QuantizedTensor

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Errors:
    """Sums over all elements that a quantizer took.

    An element x is inside of the range if it lies between the values of the lowest and the highest
    level (those of its channel, where each has qparams of its own), ends included. The squared
    error ``(quantized - x)**2`` of an element inside counts as rounding, that of one outside as
    clipping: every element is one or the other, so they sum to the whole.

    Attributes:
        counts: int64 ``[levels]``, how often each code occurs.
        signal: sum of ``x**2``.
        rounding: sum of the squared errors of the elements inside.
        clipping: that of the elements outside.
        outside: number of elements outside.
    """

    counts: NDArray[np.int64]
    signal: float
    rounding: float
    clipping: float
    outside: int

    @property
    def elements(self) -> int:
        """Number of elements."""
        return int(self.counts.sum())

    @property
    def total(self) -> float:
        """Sum of the squared errors: rounding + clipping."""
        return self.rounding + self.clipping

    @property
    def saturated(self) -> float:
        """Share of the elements that lie outside of the range, 0..1."""
        return self.outside / self.elements

    @property
    def unused(self) -> int:
        """Number of levels that no element took."""
        return int(np.count_nonzero(self.counts == 0))

    @property
    def entropy(self) -> float:
        """Entropy of the codes in bits, at most the number of bits."""
        share = self.counts[self.counts > 0] / self.elements
        return float(abs(np.sum(share * np.log2(share))))

    @property
    def sqnr(self) -> float:
        """Signal-to-quantization-noise ratio in decibels: ``10 log10(signal / total)``.

        Infinite without an error; of data that are all zero minus infinity if there is one.
        """
        if self.total == 0:
            return math.inf
        return 10 * math.log10(self.signal / self.total) if self.signal else -math.inf

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(
            counts=self.counts + other.counts,
            signal=self.signal + other.signal,
            rounding=self.rounding + other.rounding,
            clipping=self.clipping + other.clipping,
            outside=self.outside + other.outside,
        )


def errors_of(x: Array, values: Array, quantized: QuantizedTensor) -> Errors:
    """Return what became of `x` when it was quantized.

    Args:
        x: what went in, any shape.
        values: what came out, of the same shape.
        quantized: codes and qparams of the values.

    Example:
        >>> codes, levels = np.uint8([1, 2]), np.float32([-1, 0, 1])
        >>> quantized = QuantizedTensor(codes, 2, levels, np.float32(1), np.float32(0), None)
        >>> found = errors_of(np.float32([0.25, 3.0]), np.float32([0.0, 1.0]), quantized)
        >>> found.rounding, found.clipping, found.saturated, found.counts
        (0.0625, 4.0, 0.5, array([0, 1, 1]))
    """
    low, high = (_end(quantized, level, x.ndim) for level in (0, -1))
    outside = (x < low) | (x > high)
    exact = x.astype(np.float64)
    squared = (values - exact) ** 2
    clipping = np.where(outside, squared, 0.0)
    return Errors(
        counts=np.bincount(quantized.codes.ravel(), minlength=quantized.levels.size),
        signal=float(np.sum(exact**2)),
        rounding=float(np.sum(squared - clipping)),
        clipping=float(np.sum(clipping)),
        outside=int(np.count_nonzero(outside)),
    )


def _end(quantized: QuantizedTensor, level: int, ndim: int) -> Array:
    """Return the value of a level, per channel if need be, in a shape that broadcasts with x."""
    scale, shift = quantized.scale, quantized.shift
    value: Array = scale * quantized.levels[level].astype(scale.dtype) + shift
    if value.ndim and quantized.axis is not None:
        value = value.reshape(-1, *(1,) * (ndim - 1 - quantized.axis % ndim))
    return value

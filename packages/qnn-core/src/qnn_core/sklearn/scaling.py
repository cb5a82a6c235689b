"""Standardization as a part of the net, so that what is packed and exported has it too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Buffer, Tensor
from ..nn import Module

Array = NDArray[Any]


class Moments:
    """Weighted mean and variance of columns, over all the rows that were added so far.

    Rows may come in parts (Chan, Golub and LeVeque 1979, "Updating formulae and a pairwise
    algorithm for computing sample variances").

    Example:
        >>> moments = Moments()
        >>> moments.add(np.array([[1.0], [3.0]]), None)
        >>> moments.mean, moments.deviation
        (array([2.]), array([1.]))
    """

    def __init__(self) -> None:
        self.weight = 0.0
        self.mean: Any = 0.0
        self._squares: Any = 0.0

    def add(self, rows: Array, weights: Array | None) -> None:
        """Take rows ``[n, columns]`` into account, each counted by its weight or once."""
        weight = float(len(rows)) if weights is None else float(weights.sum())
        mean = np.average(rows, axis=0, weights=weights).astype(np.float64)
        spread = (rows - mean) ** 2
        squares = spread.sum(axis=0) if weights is None else weights @ spread
        total = self.weight + weight
        difference = mean - self.mean
        self._squares = self._squares + squares + difference**2 * (self.weight * weight / total)
        self.mean = self.mean + difference * (weight / total)
        self.weight = total

    @property
    def deviation(self) -> Array:
        """Standard deviation of each column; 1 where there is none, as in `StandardScaler`."""
        deviation = np.sqrt(self._squares / self.weight)
        # What float32 cannot tell from a constant is one.
        constant = deviation <= 10 * np.finfo(np.float32).eps * np.abs(self.mean)
        return np.where(constant, 1.0, deviation)


class Standardize(Module):
    """``(x - mean) * factor`` for each column, with numbers that are measured and not trained.

    Args:
        columns: how many.

    Example:
        >>> layer = Standardize(1)
        >>> moments = Moments()
        >>> moments.add(np.array([[1.0], [3.0]]), None)
        >>> layer.measured(moments)
        >>> layer([[5.0]]).data
        array([[3.]], dtype=float32)
    """

    def __init__(self, columns: int) -> None:
        self.mean = Buffer(np.zeros(columns))
        self.factor = Buffer(np.ones(columns))

    def measured(self, moments: Moments) -> None:
        """Take over what was measured."""
        _write(self.mean, moments.mean)
        # Of less, float32 does not hold the factor.
        _write(self.factor, 1 / np.maximum(moments.deviation, np.finfo(np.float32).tiny))

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` with columns of mean 0 and variance 1."""
        return (x - self.mean) * self.factor


class Rescale(Module):
    """``x * factor + mean`` for each column: what `Standardize` does to targets, undone.

    Args:
        columns: how many.

    Example:
        >>> Rescale(2)([[1.0, 2.0]]).data
        array([[1., 2.]], dtype=float32)
    """

    def __init__(self, columns: int) -> None:
        self.mean = Buffer(np.zeros(columns))
        self.factor = Buffer(np.ones(columns))

    def measured(self, moments: Moments) -> None:
        """Take over what was measured."""
        _write(self.mean, moments.mean)
        _write(self.factor, moments.deviation)

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` in the units of the targets."""
        return x * self.factor + self.mean


def _write(buffer: Buffer, values: Array) -> None:
    buffer.array[...] = values
    buffer.written()

"""Training samples and what they count: weights, and samples that are there several times."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor

Array = NDArray[Any]

# A batch of less than this wastes time, one of more needs more epochs; the latter are for data
# that are many anyway.
LEAST_BATCH = 16
GREATEST_BATCH = 256
STEPS_OF_AUTO = 50

# Of what fits into one batch, an epoch would be a single step: too few for the usual epochs.
STEPS_ON_ALL = 8


class Samples(NamedTuple):
    """Training samples.

    Attributes:
        x: float32 ``[n, features]``.
        targets: ``[n]`` classes, or ``[n, outputs]``.
        weights: float64 ``[n]``, above 0; None if all count the same.
    """

    x: Array
    targets: Array
    weights: Array | None

    @classmethod
    def of(cls, x: Array, targets: Array, weights: Array | None) -> "Samples":
        """Return samples without those that count nothing.

        Example:
            >>> Samples.of(np.eye(3), np.arange(3), np.array([4.0, 0.0, 2.0])).targets
            array([0, 2])
        """
        samples = cls(x, targets, weights)
        return samples if weights is None or weights.all() else samples.take(weights > 0)

    def take(self, rows: Array) -> "Samples":
        """Return the samples of some rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Samples(self.x[rows], self.targets[rows], weights)

    @property
    def relative_weights(self) -> Array | None:
        """Weights with a mean of 1; None if they are all the same.

        Example:
            >>> Samples(np.eye(2), np.arange(2), np.array([3.0, 1.0])).relative_weights
            array([1.5, 0.5])
        """
        weights = self.weights
        if weights is None or np.all(weights == weights[0]):
            return None
        relative: Array = weights / weights.mean()
        return relative


def merged(samples: Samples, most: int) -> Samples | None:
    """Return samples without repetitions, in an order of their own; None if more than `most` stay.

    So a sample of weight k, the same sample k times, and either in another order are the same
    batch, and a net that is trained on it has the same bits.

    Args:
        samples: as they are.
        most: how many may stay.

    Example:
        >>> found = merged(Samples(np.float32([[2], [1], [2]]), np.array([0, 0, 0]), None), 2)
        >>> found.x.ravel(), found.weights
        (array([2., 1.], dtype=float32), array([2., 1.]))
    """
    few = 4 * most
    if len(samples.x) > few and len(np.unique(_keys(samples, few))) > most:
        return None  # without a look at all of them
    keys = _keys(samples, len(samples.x))
    _, first, which = np.unique(keys, return_index=True, return_inverse=True)
    if len(first) > most:
        return None
    counts = np.bincount(which.ravel(), samples.weights, minlength=len(first))
    return Samples(samples.x[first], samples.targets[first], counts.astype(np.float64))


def _keys(samples: Samples, rows: int) -> Array:
    """Return the bytes of each sample, input and targets, as one value that can be sorted."""
    parts = [samples.x[:rows], samples.targets[:rows].reshape(rows, -1)]
    flat = [np.ascontiguousarray(part).view(np.uint8).reshape(rows, -1) for part in parts]
    both = np.ascontiguousarray(np.concatenate(flat, axis=1))
    keys: Array = both.view(np.dtype((np.void, both.shape[1]))).ravel()
    return keys


def batch_size(given: int | str, rows: int) -> int:
    """Return the size of batches, such that none has one sample, which has no variance.

    Args:
        given: a number, or ``"auto"``: a power of two from 16 to 256, by the number of samples.
        rows: number of samples.

    Example:
        >>> batch_size("auto", 150), batch_size("auto", 60_000), batch_size(32, 65)
        (16, 256, 33)
    """
    if isinstance(given, str):
        size = LEAST_BATCH
        while size < GREATEST_BATCH and size * STEPS_OF_AUTO < rows:
            size *= 2
    else:
        size = given
    while size > 1 and rows > 1 and rows % size == 1:
        size += 1
    return size


class WeightedLoss:
    """A loss whose weights count over all batches alike.

    The weighted mean of each batch would count a batch of light samples as much as one of heavy
    ones. Weights have a mean of 1 over the data, so dividing by the number of samples instead gives
    steps whose mean is the gradient of the weighted mean over the data.

    Args:
        loss: one of `qnn_core.ops` that takes a ``sample_weight``.

    Attributes:
        wrapped_loss: that loss.
    """

    def __init__(self, loss: Any) -> None:
        self.wrapped_loss = loss

    def __call__(self, outputs: Tensor, targets: Any, sample_weight: Any = None) -> Tensor:
        """Return the sum of weighted losses over the number of samples."""
        loss: Tensor = self.wrapped_loss(outputs, targets, sample_weight)
        return loss if sample_weight is None else loss * float(np.mean(sample_weight))

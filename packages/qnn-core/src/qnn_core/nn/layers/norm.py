"""Batch normalization and dropout as layers."""

import numpy as np

from ...arguments import real, whole
from ...autodiff import Array, Buffer, Parameter, Tensor
from ...autodiff.mode import effect
from ...errors import ShapeError
from ...gemm.average import average
from ...ops import batch_norm
from ...ops.norm import Moments, dropout_by, normalize_batch_with_moments
from ..module import Module


class BatchNorm(Module):
    """Batch normalization of the last axis (Ioffe and Szegedy 2015, arXiv:1502.03167).

    Training normalizes by the mean and variance of the batch and keeps running ones; evaluation
    uses those.

    Args:
        channels: length of the last axis.
        eps: keeps the root away from zero, >= 0.
        momentum: share of a new batch in the running statistics, above 0 and at most 1.

    Attributes:
        weight, bias: ``[channels]``, from 1 and 0.
        running_mean, running_variance: ``[channels]``, from 0 and 1; the variance is the unbiased
            estimate.

    Raises:
        ShapeError: if `channels` is not a whole number >= 1; in training, if a batch has fewer than
            two values per channel: it has no variance.

    Example:
        >>> BatchNorm(1)([[1.0], [3.0]]).data.ravel().round(3)
        array([-1.,  1.], dtype=float32)
    """

    def __init__(self, channels: int, *, eps: float = 1e-5, momentum: float = 0.1) -> None:
        channels = whole("BatchNorm", "channels", channels, least=1, error=ShapeError)
        self.eps = real("BatchNorm", "eps", eps, least=0)
        self.momentum = real("BatchNorm", "momentum", momentum, above=0, most=1)
        self.weight = Parameter(np.ones(channels), decay=False)
        self.bias = Parameter(np.zeros(channels), decay=False)
        self.running_mean = Buffer(np.zeros(channels))
        self.running_variance = Buffer(np.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalize ``[batch, ..., channels]``."""
        if not self.training:
            kept = self.running_mean, self.running_variance
            return batch_norm(x, self.weight, self.bias, *kept, eps=self.eps)
        count = x.size // max(self.weight.size, 1)
        if x.ndim < 2 or count < 2:
            raise ShapeError(
                f"BatchNorm: training needs a batch of at least 2 values for each of "
                f"{self.weight.size} channels, got input of shape {x.shape}"
            )
        output, moments = normalize_batch_with_moments(x, self.weight, self.bias, eps=self.eps)
        effect(self._keep_moments, output, moments, reads=False)
        return output

    def describe(self) -> str:
        """Return the number of channels."""
        return str(self.weight.size)

    def _keep_moments(self, output: Tensor, moments: Moments) -> None:
        count = output.size // self.weight.size
        self._keep(self.running_mean, moments.mean, 1)
        self._keep(self.running_variance, moments.variance, count / (count - 1))

    def _keep(self, running: Buffer, batch: Array, factor: float) -> None:
        average(running.array, batch, 1 - self.momentum, self.momentum * factor)
        running.written()


class Dropout(Module):
    """Sets a random share of its input to zero in training; evaluation passes it on unchanged.

    The mask of the n-th training batch is a function of the seed and n alone, and n is part of the
    state: a run that is resumed draws the same masks as one that was not interrupted.

    Args:
        rate: the share, 0 <= rate < 1.
        seed: of the masks, a whole number >= 0; None for another one each time.

    Example:
        >>> Dropout(0.5, seed=1)(np.ones((1, 4)))
        Tensor([[0., 2., 2., 2.]])
    """

    def __init__(self, rate: float, *, seed: int | None = None) -> None:
        self.rate = real("Dropout", "rate", rate, least=0, below=1)
        if seed is None:
            drawn = int(np.random.default_rng().integers(2**63))
        else:
            drawn = whole("Dropout", "seed", seed, least=0, most=2**63 - 1)
        self.seed = Buffer(drawn, np.int64)
        self.batches = Buffer(0, np.int64)

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements of `x`, of any shape."""
        if not self.training or self.rate == 0:
            return x
        return dropout_by(x, self.rate, self._draw)

    def _draw(self) -> np.random.Generator:
        """Return the generator of the next mask."""
        rng = np.random.default_rng([int(self.seed.array), int(self.batches.array)])
        self.batches.array += 1
        return rng

    def describe(self) -> str:
        """Return the rate."""
        return str(self.rate)

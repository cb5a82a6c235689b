"""What may be done to a latent weight before it is quantized."""

from collections.abc import Callable

from ...autodiff import Tensor
from ...ops import absolute, max, mean, sqrt, tanh, variance

# Added to divisors, for weights that are all zero or all alike; lost in any other.
TINY = 1e-12


def _none(weight: Tensor) -> Tensor:
    return weight


def _tanh(weight: Tensor) -> Tensor:
    bent = tanh(weight)
    return bent / (max(absolute(bent)) + TINY)


def _standardize(weight: Tensor) -> Tensor:
    return (weight - mean(weight)) / sqrt(variance(weight) + TINY)


TRANSFORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": _none,
    "standardize": _standardize,
    "tanh": _tanh,
}

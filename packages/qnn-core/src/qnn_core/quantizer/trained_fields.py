"""Fields of a quantizer that are trained: what a loss changes by through the levels."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .base import Quantizer

Array = NDArray[Any]
Q = TypeVar("Q", bound="Quantizer")

# Of difference quotients, as a share of a value: float64 leaves seven digits on both sides of it.
STEP = 2.0**-20


def with_values(quantizer: "Q", values: Mapping[str, Array]) -> "Q":
    """Return the quantizer with other values in its trained fields: numbers, or tuples of them."""
    told: dict[str, Any] = {
        name: float(array) if array.ndim == 0 else tuple(float(value) for value in array)
        for name, array in values.items()
    }
    return replace(quantizer, **told)


def level_gradients(quantizer: "Quantizer", code: Array, gradient: Array) -> dict[str, Array]:
    """Return the gradient in each trained field by difference quotients of the levels.

    Args:
        quantizer: with `trained` fields.
        code: of each element, uint8.
        gradient: of the loss in the level of each element, of the same shape.
    """
    of_levels = sums_by_code(code, gradient, np.asarray(quantizer.levels).size)
    values = {name: array.astype(np.float64) for name, array in quantizer.trained_values().items()}
    found = {}
    for name, array in values.items():
        slopes = np.zeros(array.size)
        for n, value in enumerate(array.flat):
            step = STEP * max(abs(value), 1.0)
            ends = [_levels(quantizer, values, name, n, value + way * step) for way in (-1, 1)]
            slopes[n] = (ends[1] - ends[0]) @ of_levels / (2 * step)
        found[name] = slopes.reshape(array.shape)
    return found


def sums_by_code(code: Array, values: Array, count: int) -> NDArray[np.float64]:
    """Return the sum of the values of each code's elements.

    Example:
        >>> sums_by_code(np.array([0, 2, 2], np.uint8), np.array([1.0, 2.0, 3.0]), 4)
        array([1., 0., 5., 0.])
    """
    sums: NDArray[np.float64]
    sums = np.bincount(code.ravel(), weights=values.ravel(), minlength=count).astype(np.float64)
    return sums


def _levels(
    quantizer: "Quantizer", values: Mapping[str, Array], name: str, n: int, value: float
) -> Array:
    moved = {key: array.copy() for key, array in values.items()}
    moved[name].flat[n] = value
    return np.asarray(with_values(quantizer, moved).levels, np.float64)

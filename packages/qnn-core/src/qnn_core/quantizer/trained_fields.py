"""Fields of a quantizer that are trained: what a loss changes by through the levels."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..arguments import number
from ..errors import SpecError

if TYPE_CHECKING:
    from .base import Quantizer

Array = NDArray[Any]
Q = TypeVar("Q", bound="Quantizer")

# Of difference quotients, as a share of a value: half of the digits that levels have.
STEPS = {np.dtype(np.float32): 2.0**-10, np.dtype(np.float64): 2.0**-20}
# More are given as tuples.
MOST_FIELDS = 8


def check_fields(quantizer: "Quantizer") -> None:
    """Raise a SpecError unless the fields that are trained are numbers inside of their bounds."""
    name, bounds = type(quantizer).__name__, quantizer.trained
    if not isinstance(bounds, Mapping) or len(bounds) > MOST_FIELDS:
        raise SpecError(
            f"{name}: trained must be a mapping from at most {MOST_FIELDS} fields to their bounds, "
            f"got {bounds!r}"
        )
    if unknown := sorted({*bounds} - {f.name for f in fields(quantizer)}):
        raise SpecError(f"{name}: trained names {', '.join(unknown)}, which is no field of it")
    values = quantizer.trained_values() if bounds else {}
    if values.keys() != bounds.keys():
        raise SpecError(
            f"{name}: trained_values gives {', '.join(values) or 'nothing'}, and trained names "
            f"{', '.join(bounds)}"
        )
    for field, ends in bounds.items():
        _check_field(f"{name}: {field}", values[field], ends)


def _check_field(where: str, value: Array, ends: Any) -> None:
    pair = [number(end) for end in ends] if isinstance(ends, tuple | list) else []
    if len(pair) != 2 or None in pair or not pair[0] < pair[1]:  # type: ignore[operator] # no None
        raise SpecError(f"{where}: its bounds in trained must be (low, high), got {ends!r}")
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or array.ndim > 1 or not array.size:
        raise SpecError(f"{where} is trained, and must be a number or a tuple of them: {value!r}")
    low, high = np.float32(pair[0]), np.float32(pair[1])
    if not np.all((array.astype(np.float32) >= low) & (array.astype(np.float32) <= high)):
        raise SpecError(f"{where} must be inside of {ends}, where training keeps it; got {value}")


def with_values(quantizer: "Q", values: Mapping[str, Array]) -> "Q":
    """Return the quantizer with other values in its trained fields: numbers, or tuples of them.

    Example:
        >>> from dataclasses import dataclass
        >>> from qnn_core.quantizer import Quantizer
        >>> @dataclass(frozen=True)
        ... class Middle(Quantizer):
        ...     bits: int = 2
        ...     middle: float = 0.5
        ...     trained = {"middle": (0.1, 0.9)}
        ...
        ...     @property
        ...     def levels(self):
        ...         return [-1, 0, self.middle, 1]
        >>> with_values(Middle(), {"middle": np.float32(0.25)}).levels
        [-1, 0, 0.25, 1]
    """
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
    step = STEPS.get(np.asarray(quantizer.levels).dtype, STEPS[np.dtype(np.float64)])
    values = {name: array.astype(np.float64) for name, array in quantizer.trained_values().items()}
    found = {}
    for name, array in values.items():
        slopes = np.zeros(array.size)
        for n, value in enumerate(array.flat):
            width = step * max(abs(value), 1.0)
            low, high = np.clip([value - width, value + width], *quantizer.trained[name])
            ends = [_levels(quantizer, values, name, n, end) for end in (low, high)]
            slopes[n] = (ends[1] - ends[0]) @ of_levels / (high - low)
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
    return np.asarray(with_values(quantizer, moved).levels).astype(np.float64)

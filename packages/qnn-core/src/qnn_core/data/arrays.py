"""Whatever holds numbers, as an array: tensors of any library, frames, series, lists.

No library is imported for it: an object is known by what it can do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor
from ..errors import DtypeError, ShapeError

Array = NDArray[Any]


def is_array(value: Any) -> bool:
    """Return whether a value stands for one array of numbers.

    Example:
        >>> [is_array(value) for value in (np.zeros(2), [[1, 2], [3, 4]], [np.zeros(2)], "x", None)]
        [True, True, False, False, False]
    """
    if isinstance(value, str | bytes):
        return False
    return (
        isinstance(value, int | float)
        or hasattr(value, "ndim")
        or hasattr(value, "__array__")
        or _is_numbers(value)
    )


def _is_numbers(value: Any) -> bool:
    """Return whether a list holds numbers, or lists of them; a tuple of lists is several arrays."""
    while isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, tuple) and value:
        value = value[0]
    return isinstance(value, int | float | np.generic)


def as_array(value: Any, what: str) -> Array:
    """Return a value as an array of booleans, whole numbers or floats, without a copy if it is one.

    Args:
        value: an array; a tensor, ours or of another library; a frame or a series of pandas or
            polars; numbers in lists.
        what: what the message of an error calls it.

    Raises:
        DtypeError: if it does not hold numbers; of a frame the columns are named.
        ShapeError: if it is ragged.

    Example:
        >>> as_array([[1, 2], [3, 4]], "inputs").shape
        (2, 2)
    """
    if isinstance(value, np.ndarray):
        array: Array = value
    else:
        array = _converted(value, what)
    if array.dtype.kind in "buif":
        return array
    if array.dtype.kind == "O":
        # As pandas gives columns of several dtypes, or of its own whole numbers and booleans.
        array = _rectangular(array.tolist(), what)
        if array.dtype.kind in "buif":
            return array
    raise DtypeError(f"{what}: real numbers are needed, got {_told(value, array)}")


def _converted(value: Any, what: str) -> Array:
    if isinstance(value, Tensor):
        return value.array
    if hasattr(value, "detach"):  # of PyTorch, whose tensors may be on a device or in a graph
        value = value.detach()
        value = value.cpu() if hasattr(value, "cpu") else value
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    return _rectangular(value, what)


def _rectangular(value: Any, what: str) -> Array:
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ShapeError(f"{what}: a rectangular array is needed: {error}") from error


def _told(value: Any, array: Array) -> str:
    columns = getattr(value, "columns", None)
    if columns is None:
        return f"{array.dtype}"
    others = [str(name) for name in columns if not _holds_numbers(value[name])]
    return (
        f"columns that hold none: {', '.join(others)} (encode them as numbers, or leave them out)"
    )


def _holds_numbers(column: Any) -> bool:
    try:
        as_array(column, "")
    except (DtypeError, ShapeError):
        return False
    return True

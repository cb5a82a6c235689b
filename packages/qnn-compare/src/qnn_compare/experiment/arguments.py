"""What people give, and how messages show it: numbers of Python and of NumPy are the same."""

import operator
from typing import Any

import numpy as np


def whole(value: Any) -> int | None:
    """Return a whole number as Python's, or None if it is none; True and 2.0 are none.

    Example:
        >>> whole(np.int64(5)), whole(True), whole(2.0)
        (5, None, None)
    """
    if isinstance(value, bool | np.bool_ | np.ndarray):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def number(value: Any) -> float | None:
    """Return a number as Python's, or None if it is none.

    Example:
        >>> number(np.float32(0.5)), number(3), number("3")
        (0.5, 3.0, None)
    """
    if isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def listed(value: Any) -> Any:
    """Return a range or an array of one dimension as a list, and all else as it is.

    Example:
        >>> listed(range(2)), listed(np.array([2, 4])), listed("ab")
        ([0, 1], [2, 4], 'ab')
    """
    if isinstance(value, range):
        return [*value]
    return value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value


def short(value: Any) -> str:
    """Return a value for a message; it may have thousands of digits.

    Example:
        >>> short(5), short("9" * 100)
        ('5', "'99999999999999999999999999999999999999...")
    """
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:39]}..."

"""Arguments that are numbers: which values count as one, and what is said of those that do not."""

import math
from numbers import Integral, Real
from typing import Any

import numpy as np


def number(value: Any) -> int | float | None:
    """Return a value as Python's int or float; None if it is no number.

    NumPy's numbers are numbers, and so are arrays without axes; True and False are none.

    Example:
        >>> number(np.int64(3)), number(np.array(0.5)), number(True), number("3")
        (3, 0.5, None, None)
    """
    if type(value) is int or type(value) is float:
        return value  # nearly always
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else None


def whole(
    where: str,
    argument: str,
    value: Any,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    error: type[Exception] = ValueError,
) -> int:
    """Return a whole number in least..most as an int.

    Args:
        where: who wants it, for the message.
        argument: its name.
        value: what was given; 2.0 is no whole number, as in Python's `range`.
        least: the lower end, which is allowed.
        most: the upper end, which is allowed.
        error: what is raised otherwise.

    Example:
        >>> whole("Linear", "in_features", np.int64(3), least=1)
        3
        >>> whole("Linear", "in_features", 0, least=1)
        Traceback (most recent call last):
        ...
        ValueError: Linear: in_features must be a whole number >= 1, got 0
    """
    found = number(value)
    if isinstance(found, int) and least <= found <= most:
        return found
    if most < math.inf:
        wanted = f"a whole number from {least:g} to {most:g}"
    else:
        wanted = "a whole number" if least == -math.inf else f"a whole number >= {least:g}"
    raise error(f"{where}: {argument} must be {wanted}, got {value!r}")


def real(
    where: str,
    argument: str,
    value: Any,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    error: type[Exception] = ValueError,
) -> float:
    """Return a finite number as a float.

    Args:
        where: who wants it, for the message.
        argument: its name.
        value: what was given.
        least: a lower end that is allowed.
        most: an upper end that is allowed.
        above: a lower end that is not.
        below: an upper end that is not.
        error: what is raised otherwise.

    Example:
        >>> real("SGD", "lr", np.int64(1), above=0)
        1.0
        >>> real("SGD", "momentum", 1, least=0, below=1)
        Traceback (most recent call last):
        ...
        ValueError: SGD: momentum must be at least 0 and below 1, got 1
    """
    found = number(value)
    if (
        found is not None
        and math.isfinite(found)
        and (least is None or found >= least)
        and (most is None or found <= most)
        and (above is None or found > above)
        and (below is None or found < below)
    ):
        return float(found)
    ends = {"at least": least, "above": above, "below": below, "at most": most}
    wanted = " and ".join(f"{word} {end:g}" for word, end in ends.items() if end is not None)
    raise error(f"{where}: {argument} must be {wanted or 'a finite number'}, got {value!r}")

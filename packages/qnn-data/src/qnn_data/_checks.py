"""Arguments that are whole numbers."""

import operator


def checked_integer(name: str, value: int, least: int) -> int:
    """Return `value` as an int, or say what is wrong with it.

    Raises:
        TypeError: it is not an integer.
        ValueError: it is below `least`.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, not {value!r}") from None
    if value < least:
        raise ValueError(f"{name} must be {least} or more, not {value}")
    return value

"""Arrays of numbers as C."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 96

# Smallest first; bytes of an element.
SIGNED = (("int8_t", 7), ("int16_t", 15), ("int32_t", 31), ("int64_t", 63))


def array(kind: str, name: str, values: NDArray[Any], comment: str = "") -> str:
    """Return the definition of a constant array.

    Example:
        >>> print(array("int16_t", "offsets", np.array([1, -2])), end="")
        static const FLASH int16_t offsets[2] = {
            1, -2
        };
    """
    flat = np.ravel(values)
    told = f"/* {comment} */\n" if comment else ""
    body = wrapped(literal(kind, v) for v in flat.tolist()) or "    0"
    return f"{told}static const FLASH {kind} {name}[{max(flat.size, 1)}] = {{\n{body}\n}};\n"


def literal(kind: str, value: Any) -> str:
    """Return a number as a constant of a type.

    Example:
        >>> literal("uint32_t", 255), literal("int32_t", -2**31), literal("float", 0.1)
        ('0xffu', '(-2147483647 - 1)', '0x1.999999999999ap-4f')
    """
    if kind == "float":
        return f"{float(value).hex()}f"
    if kind == "uint32_t":
        return f"{value:#x}u"
    if kind == "int32_t" and value == -(2**31):
        return "(-2147483647 - 1)"
    if kind == "int64_t":
        return f"INT64_C({value})"
    return str(value)


def wrapped(words: Iterable[str]) -> str:
    """Return words with commas between them, in lines of `WIDTH` characters."""
    lines, line = [], ""
    for word in words:
        longer = f"{line}, {word}" if line else f"    {word}"
        if len(longer) > WIDTH:
            lines.append(line)
            longer = f"    {word}"
        line = longer
    return ",\n".join([*lines, line]) if line else ""


def smallest(values: NDArray[Any], least: str = "int8_t") -> str:
    """Return the smallest signed type that holds all values, `least` or wider.

    Example:
        >>> smallest(np.array([3, -200])), smallest(np.array([1]), "int16_t")
        ('int16_t', 'int16_t')
    """
    found = False
    low, high = int(np.min(values, initial=0)), int(np.max(values, initial=0))
    for kind, bits in SIGNED:
        found = found or kind == least
        if found and low >= -(2**bits) and high < 2**bits:
            return kind
    raise OverflowError(f"{low} to {high} are no integers of 64 bits")

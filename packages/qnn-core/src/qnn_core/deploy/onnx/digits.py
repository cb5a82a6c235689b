"""Whole numbers as digits of 8 bits, which is what integer products of ONNX take.

Both sides are written as uint8 with a zero point. uint8 times int8 is not exact everywhere: without
VNNI, kernels for x86 add pairs of such products in 16 bits, which may saturate. uint8 times uint8
is widened first.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MIDDLE = 128


class Digit(NamedTuple):
    """A part of some whole numbers: ``weight * (bytes - zero)``.

    Attributes:
        bytes: uint8.
        zero: 0 to 255.
        weight: a whole number.
    """

    bytes: NDArray[np.uint8]
    zero: int
    weight: int


def digits(numbers: NDArray[np.int64]) -> list[Digit]:
    """Return one or two digits that add up to whole numbers of less than 2**15 in magnitude.

    Example:
        >>> [(digit.bytes.tolist(), digit.zero) for digit in digits(np.array([-1, 1]))]
        [([127, 129], 128)]
        >>> high, low = digits(np.array([-300, 300]))
        >>> (high.weight * (high.bytes.astype(int) - high.zero) + low.bytes).tolist()
        [-300, 300]
    """
    least, most = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    # 128 wherever it will do: these are int8 for whoever reads the file.
    zero = MIDDLE if least >= -MIDDLE and most < MIDDLE else -least
    if least + zero >= 0 and most + zero <= 255:
        return [Digit((numbers + zero).astype(np.uint8), zero, 1)]
    above = numbers + MIDDLE * 256
    high, low = (above >> 8).astype(np.uint8), (above & 255).astype(np.uint8)
    return [Digit(high, MIDDLE, 256), Digit(low, 0, 1)]


def spaced(numbers: NDArray[np.int64]) -> tuple[int, int] | None:
    """Return step and zero point if a number is ``step * (code - zero point)``, else None.

    With such numbers the codes themselves are the digit; the zero point fits 8 bits.

    Example:
        >>> spaced(np.array([-4, -2, 0, 2])), spaced(np.array([-1, 1]))
        ((2, 2), None)
    """
    if len(numbers) < 2:
        return None
    step = int(numbers[1] - numbers[0])
    zero, rest = divmod(-int(numbers[0]), step)
    even = np.array_equal(numbers, step * (np.arange(len(numbers)) - zero))
    return (step, zero) if even and not rest and 0 <= zero <= 255 else None

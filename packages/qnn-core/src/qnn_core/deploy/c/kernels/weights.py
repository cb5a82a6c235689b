"""Weights as the codes of a first value and a step: how few bits say them."""

from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..plan import Integers


class Coded(NamedTuple):
    """``weight = first + step * code``.

    Attributes:
        codes: int64, of the shape of the weights, >= 0.
        first, step: integers.
        bits: that a code has.
    """

    codes: Integers
    first: int
    step: int
    bits: int


def coded(weights: Integers) -> Coded:
    """Return weights as codes of the fewest bits with equal steps.

    Example:
        >>> coded(np.array([-1, 1, 1]))
        Coded(codes=array([0, 1, 1]), first=-1, step=2, bits=1)
    """
    first = int(weights.min()) if weights.size else 0
    step = 0
    for value in np.unique(weights - first).tolist():
        step = gcd(step, value)
    step = max(step, 1)
    codes = (weights - first) // step
    return Coded(codes, first, step, max(1, int(codes.max(initial=0)).bit_length()))


def packed_bits(codes: Integers, bits: int) -> NDArray[np.uint8]:
    """Return codes ``[n, k]`` of 1, 2 or 4 bits as bytes ``[n, bytes]``, low bits first."""
    per = 8 // bits
    n, k = codes.shape
    padded = np.zeros((n, -(-k // per) * per), np.int64)
    padded[:, :k] = codes
    shifts = bits * np.arange(per)
    made: NDArray[np.uint8] = (padded.reshape(n, -1, per) << shifts).sum(-1).astype(np.uint8)
    return made

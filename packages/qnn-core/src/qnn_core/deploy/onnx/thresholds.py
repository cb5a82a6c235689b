"""Codes by comparisons: how many thresholds a number reaches, in operators of ONNX.

Whatever is written gives the codes of `interpret.encoded` for every number: comparisons have one
meaning, and what rounds instead is taken only where it is proved equal.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .document import Document

Array = NDArray[Any]

# Up to so many thresholds are compared one by one; beyond, a search takes fewer operators.
FEW = 3


def encode(document: Document, u: str, thresholds: Array, levels: Array, name: str) -> str:
    """Write how many thresholds are not above each element, and return the codes' name.

    Args:
        document: that is written to.
        u: name of float32 numbers.
        thresholds: float32, ascending.
        levels: float32, ascending, one more.
        name: of the codes, uint8.
    """
    if is_rounding(thresholds, levels):
        return _rounded(document, u, levels, name)
    return count(document, u, thresholds, name)


def is_rounding(thresholds: Array, levels: Array) -> bool:
    """Whether rounding to whole numbers and clipping gives the code of every float32 number.

    Both sides are monotone step functions: rounding and clipping keep the order of numbers. They
    are equal everywhere if they are at each threshold and at the number below it.
    """
    if not np.array_equal(levels, levels[0] + np.arange(len(levels))) or levels[0] % 1:
        return False
    codes = np.arange(1, len(levels))
    below = np.nextafter(thresholds, np.float32(-np.inf))

    def rounded(u: Array) -> Array:
        return np.asarray(np.clip(np.rint(u), levels[0], levels[-1]) - levels[0])

    at, under = rounded(thresholds), rounded(below)
    return np.array_equal(at, codes) and np.array_equal(under, codes - 1)


def _rounded(document: Document, u: str, levels: Array, name: str) -> str:
    add, constant = document.add, document.constant
    ends = [constant(np.float32(end), "level") for end in (levels[0], levels[-1])]
    y = add("Clip", [add("Round", [u], f"{name}_rounded"), *ends], f"{name}_clipped")
    if levels[0]:
        y = add("Sub", [y, ends[0]], f"{name}_floats")
    return document.cast(y, "uint8", name)


def count(document: Document, x: str, thresholds: Array, name: str) -> str:
    """Write how many thresholds each element reaches, as uint8.

    Args:
        document: that is written to.
        x: name of float32 or integer numbers.
        thresholds: of their dtype, ascending along axis 0; the other axes broadcast against the
            numbers.
        name: of the codes.
    """
    if len(thresholds) <= FEW:
        return _summed(document, x, thresholds, name)
    return _searched(document, x, thresholds, name)


def _summed(document: Document, x: str, thresholds: Array, name: str) -> str:
    total = ""
    for row in thresholds:
        limit = document.constant(row, f"{name}_threshold")
        reached = document.add("GreaterOrEqual", [x, limit], f"{name}_reached")
        one = document.cast(reached, "uint8", name)
        total = document.add("Add", [total, one], name) if total else one
    return total


def _searched(document: Document, x: str, thresholds: Array, name: str) -> str:
    """Write a binary search: a bit of the code after the other, from the highest.

    A code that has bit `half` reaches threshold number ``code + half``, where `code` is what its
    higher bits say; those numbers are looked up in the thresholds of each column.
    """
    add, constant = document.add, document.constant
    most = len(thresholds)
    bits = most.bit_length()
    columns = thresholds.reshape(most, -1)
    # Beyond the last one: an index that is looked up, and clipped away at the end.
    filled = np.concatenate([columns, np.repeat(columns[-1:], 2**bits - 1 - most, axis=0)])
    offsets = None
    if columns.shape[1] > 1:
        places = np.arange(columns.shape[1], dtype=np.int32).reshape(thresholds.shape[1:])
        offsets = constant(places, f"{name}_columns")
    code = ""
    for half in (2**bit for bit in reversed(range(bits))):
        if not code:
            limit = constant(filled[half - 1].reshape(thresholds.shape[1:]), f"{name}_threshold")
        else:
            index = code
            if offsets is not None:
                width = constant(np.int32(columns.shape[1]), "width")
                index = add("Mul", [code, width], f"{name}_index")
                index = add("Add", [index, offsets], f"{name}_index")
            table = constant(filled[half - 1 :].reshape(-1), f"{name}_thresholds")
            limit = add("Gather", [table, index], f"{name}_threshold", axis=0)
        reached = add("GreaterOrEqual", [x, limit], f"{name}_reached")
        bit = document.cast(reached, "int32", f"{name}_bit")
        if half > 1:
            bit = add("Mul", [bit, constant(np.int32(half), "bit")], f"{name}_bit")
        code = add("Add", [code, bit], f"{name}_code") if code else bit
    if most < 2**bits - 1:
        code = add("Min", [code, constant(np.int32(most), "most")], f"{name}_code")
    return document.cast(code, "uint8", name)

"""Codes of 1 to 8 bits packed into bytes without gaps, and back."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import bits as kernel
from ..arguments import whole
from ..errors import DtypeError, FileError, SpecError


def packed_nbytes(count: int, bits: int) -> int:
    """Return the bytes that `count` codes of `bits` bits take.

    Example:
        >>> packed_nbytes(9, 3)
        4
    """
    return (int(count) * int(bits) + 7) // 8


def pack_bits(codes: NDArray[np.uint8], bits: int) -> NDArray[np.uint8]:
    """Pack codes into bytes: code i is bits ``i*bits`` to ``(i+1)*bits`` of the stream, low first.

    Args:
        codes: uint8 of any shape, read in C order; each below ``2**bits``.
        bits: 1 to 8.

    Returns:
        uint8 of ``packed_nbytes(codes.size, bits)``; unused high bits of the last byte are zero.

    Raises:
        DtypeError: if the codes are not uint8.
        SpecError: for bits out of range, or a code that does not fit.

    Example:
        >>> pack_bits(np.array([1, 0, 3], np.uint8), bits=2)
        array([49], dtype=uint8)
    """
    bits = _checked_bits(bits)
    codes = np.asarray(codes)
    if codes.dtype != np.uint8:
        raise DtypeError(f"pack_bits: codes must be uint8, got {codes.dtype}")
    if codes.size and (top := int(codes.max())) >= 2**bits:
        raise SpecError(f"pack_bits: code {top} does not fit in {bits} bits")
    packed = np.zeros(packed_nbytes(codes.size, bits), np.uint8)
    kernel.pack(np.asarray(codes, order="C").reshape(-1), bits, packed)
    return packed


def unpack_bits(packed: NDArray[np.uint8], bits: int, count: int) -> NDArray[np.uint8]:
    """Undo `pack_bits`.

    Args:
        packed: uint8, one axis, exactly ``packed_nbytes(count, bits)`` long.
        bits: 1 to 8.
        count: how many codes there are.

    Raises:
        FileError: if the length does not fit, or unused bits are set.
        SpecError: for bits or a count out of range.

    Example:
        >>> unpack_bits(np.array([49], np.uint8), bits=2, count=3)
        array([1, 0, 3], dtype=uint8)
    """
    bits = _checked_bits(bits)
    count = whole("unpack_bits", "count", count, least=0, error=SpecError)
    packed = np.asarray(packed)
    expected = packed_nbytes(count, bits)
    if packed.dtype != np.uint8 or packed.shape != (expected,):
        raise FileError(
            f"unpack_bits: {count} codes of {bits} bits are {expected} bytes, "
            f"got {packed.dtype} of shape {packed.shape}"
        )
    unused = expected * 8 - count * bits
    if unused and packed[-1] >> (8 - unused):
        raise FileError(f"unpack_bits: the {unused} unused bits of the last byte are not zero")
    codes = np.empty(count, np.uint8)
    kernel.unpack(np.asarray(packed, order="C"), bits, codes)
    return codes


def _checked_bits(bits: Any) -> int:
    # As a Python number: a NumPy one would wrap around in the count of bytes.
    return whole("packed codes", "bits", bits, least=1, most=8, error=SpecError)

"""Arrays and text in few bytes, and back: differences, planes of bytes, deflate."""

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import FileError

Array = NDArray[Any]

# A file of a few bytes must not ask for all memory: nothing shrinks by more than this factor.
MOST_TIMES = 64

# zlib tries hardest for up to this many bytes: a second for some, and ten times less below that.
MOST_EFFORT = 2**21


def deflated(raw: bytes, level: int = 9) -> bytes:
    """Return bytes as a zlib stream, or as they are where that is not shorter.

    A stream that would shrink too much is filled up with zeros.

    Args:
        raw: what is compressed.
        level: the most effort of zlib, 1 to 9.

    Example:
        >>> [len(deflated(raw)) for raw in (b"short", bytes(64_000))]
        [5, 1000]
    """
    found = zlib.compress(raw, level if len(raw) <= MOST_EFFORT else min(level, 6))
    found += bytes(_missing(len(found), len(raw)))
    return found if len(found) < len(raw) else raw


def inflated(stored: bytes, nbytes: int) -> bytes:
    """Undo `deflated`; no more than `nbytes` are ever made.

    Args:
        stored: what `deflated` returned.
        nbytes: how many there were.

    Raises:
        FileError: if these are not so many bytes, or the stream is damaged.
    """
    if len(stored) == nbytes:
        return stored
    if not len(stored) < nbytes <= MOST_TIMES * len(stored):
        raise FileError(f"{len(stored)} bytes cannot stand for {nbytes}")
    stream = zlib.decompressobj()
    try:
        # One more than there are: it shows whether the stream ends with them.
        raw = stream.decompress(stored, nbytes + 1)
    except zlib.error as error:
        raise FileError(f"a stream is damaged: {error}") from error
    filling = bytes(_missing(len(stored) - len(stream.unused_data), nbytes))
    if len(raw) != nbytes or not stream.eof or stream.unused_data != filling:
        raise FileError(f"a stream of {len(stored)} bytes does not hold {nbytes}")
    return raw


def _missing(stored: int, nbytes: int) -> int:
    """Return how many zeros a stream needs to be long enough for what it holds."""
    return max(0, -(-nbytes // MOST_TIMES) - stored)


def to_bytes(array: Array, level: int = 9) -> bytes:
    """Return the numbers of an array: all first bytes, all second bytes, ..., deflated.

    Thresholds, which are the whole numbers of two axes here, are nearly even along axis 0; their
    second differences, which wrap around, are nearly all zero.
    """
    if _is_thresholds(array.dtype, array.shape):
        array = array.copy()
        for first in (1, 2):
            array[first:] = np.diff(array[first - 1 :], axis=0)
    little = array.astype(array.dtype.newbyteorder("<"), order="C")
    planes = little.reshape(-1).view(np.uint8).reshape(array.size, array.itemsize).T
    return deflated(planes.tobytes(), level)


def from_bytes(stored: bytes, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    """Undo `to_bytes`; errors as of `inflated`."""
    size = math.prod(shape)
    raw = inflated(stored, size * dtype.itemsize)
    planes = np.frombuffer(raw, np.uint8).reshape(dtype.itemsize, size)
    little = np.array(planes.T, order="C").reshape(-1).view(dtype.newbyteorder("<"))
    array: Array = little.astype(dtype, copy=False).reshape(shape)
    if _is_thresholds(dtype, shape):
        for first in (2, 1):
            array[first - 1 :] = np.cumsum(array[first - 1 :], axis=0, dtype=dtype)
    return array


def _is_thresholds(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bool:
    return dtype.kind == "i" and len(shape) == 2

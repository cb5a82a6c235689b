"""The IDX format: a big-endian array of up to 255 axes, as MNIST is published.

A file is: two zero bytes, a dtype code, the number of axes, each axis's length as an unsigned
32-bit number, then the values in C order; all big-endian. Source: http://yann.lecun.com/exdb/mnist/
"""

import gzip
import io
import math
import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ._atomic import atomic_write
from ._stream import GzipStream, PlainStream, open_stream
from .errors import IdxError

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_CODES = {np.dtype(dtype).newbyteorder("="): code for code, dtype in _DTYPES.items()}
_MAX_AXES = 64  # of a NumPy array; the format's own limit is 255
_MAX_LENGTH = 2**32 - 1
_MAX_BYTES = 2**63 - 1


def read_idx(path: str | os.PathLike[str]) -> NDArray[Any]:
    """Read an IDX file, plain or gzipped (told by its content, not by its name).

    Args:
        path: the file.

    Returns:
        A writable C-contiguous array in this machine's byte order: uint8, int8, int16, int32,
        float32 or float64.

    Raises:
        IdxError: the file is not one whole IDX file. A header that claims more than the file can
            hold is refused before anything of that size is allocated or inflated.
        OSError: the file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_idx(f"{folder}/labels.gz", np.array([3, 1, 4], np.uint8))
        ...     read_idx(f"{folder}/labels.gz")
        array([3, 1, 4], dtype=uint8)
    """
    with open(path, "rb") as file:
        return _decode(file, str(path))


def decode_idx(data: bytes | bytearray, source: str = "the data") -> NDArray[Any]:
    """Read the bytes of an IDX file, as `read_idx` reads the file.

    Args:
        data: the whole file, plain or gzipped.
        source: what error messages call it.

    Returns:
        A writable C-contiguous array in this machine's byte order.

    Raises:
        IdxError: the bytes are not one whole IDX file.

    Example:
        >>> decode_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5, 6]))
        array([5, 6], dtype=uint8)
        >>> decode_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 5]), "labels")
        Traceback (most recent call last):
        ...
        qnn_data.errors.IdxError: labels: cut: shape (2,) of uint8 needs 2 bytes; found 1
    """
    return _decode(io.BytesIO(data), source)


def write_idx(
    path: str | os.PathLike[str], array: NDArray[Any], *, compress: bool | None = None
) -> None:
    """Write an array as an IDX file. Nobody sees a half-written file, even if this is interrupted.

    Args:
        path: the file; an existing one is replaced.
        array: of 1 to 64 axes; uint8, int8, int16, int32, float32 or float64.
        compress: gzip it; by default, if the name ends in ``.gz``. The same array gives the same
            bytes each time: no time stamp is stored.

    Raises:
        IdxError: IDX cannot hold the array.
        OSError: the file cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_idx(Path(folder, "labels.gz"), np.array([3, 1], np.uint8))
        ...     read_idx(Path(folder, "labels.gz"))
        array([3, 1], dtype=uint8)
    """
    path = Path(path)
    data = encode_idx(array)
    if path.suffix == ".gz" if compress is None else compress:
        data = gzip.compress(data, mtime=0)
    atomic_write(path, data)


def encode_idx(array: NDArray[Any]) -> bytes:
    """Return the bytes of the IDX file, not gzipped, that holds `array`.

    Args:
        array: of 1 to 64 axes; uint8, int8, int16, int32, float32 or float64.

    Raises:
        IdxError: IDX cannot hold the array.

    Example:
        >>> encode_idx(np.array([1, -1], np.int16)).hex(" ")
        '00 00 0b 01 00 00 00 02 00 01 ff ff'
    """
    array = np.asarray(array)
    code = _CODES.get(array.dtype.newbyteorder("="))
    if code is None:
        known = ", ".join(str(dtype) for dtype in _CODES)
        raise IdxError(f"IDX cannot hold {array.dtype}; it holds {known}")
    if not 1 <= array.ndim <= _MAX_AXES or max(array.shape) > _MAX_LENGTH:
        raise IdxError(f"IDX cannot hold shape {array.shape}: 1 to 64 axes, each below 2**32")
    header = bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(_DTYPES[code], copy=False).tobytes()


def _decode(file: BinaryIO, source: str) -> NDArray[Any]:
    """Read one whole IDX file."""
    stream = open_stream(file, source)
    dtype, shape = _read_header(stream, source)
    size = math.prod(shape) * dtype.itemsize
    what = f"shape {shape} of {dtype.newbyteorder('=')}"
    if size > stream.limit:
        raise IdxError(
            f"{source}: cut, or the header is damaged: {what} needs {size:,} bytes; "
            f"the file can hold {stream.limit:,} at most"
        )
    payload = stream.read(size)
    if len(payload) < size:
        raise IdxError(f"{source}: cut: {what} needs {size:,} bytes; found {len(payload):,}")
    if stream.read(1):
        raise IdxError(f"{source}: more bytes than the {size:,} that {what} needs")
    array = np.frombuffer(payload, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_header(
    stream: PlainStream | GzipStream, source: str
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Read and check what stands before the values."""
    magic = bytes(stream.read(4))
    if len(magic) < len(b"\0\0cn") or magic[:2] != b"\0\0":
        found = magic.hex(" ") or "nothing"
        raise IdxError(
            f"{source}: not IDX: expected to start with 00 00 and two more; found {found}"
        )
    _, _, code, axes = magic
    if code not in _DTYPES:
        known = ", ".join(f"{known:#04x}" for known in _DTYPES)
        raise IdxError(f"{source}: unknown dtype code {code:#04x}; expected one of {known}")
    if not 1 <= axes <= _MAX_AXES:
        raise IdxError(f"{source}: {axes} axes; expected 1 to {_MAX_AXES}")
    lengths = bytes(stream.read(4 * axes))
    if len(lengths) < 4 * axes:
        raise IdxError(f"{source}: cut: {axes} axes need {4 * axes} bytes; found {len(lengths)}")
    shape = tuple(np.frombuffer(lengths, ">u4").tolist())
    dtype = np.dtype(_DTYPES[code])
    # NumPy's limit holds also where an axis of length 0 makes the array empty.
    if math.prod(filter(None, shape)) * dtype.itemsize > _MAX_BYTES:
        raise IdxError(f"{source}: shape {shape} is larger than any array can be")
    return dtype, shape

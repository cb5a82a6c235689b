"""Reading bytes that may be gzipped, and never more of them than asked for."""

import io
import zlib
from typing import BinaryIO

from .errors import IdxError

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_FORMAT = 31  # zlib's wbits for: a gzip header and trailer, with the CRC checked
_CHUNK = 1 << 16
_MAX_DEFLATE_RATIO = 1032  # what deflate reaches at best (zlib.net/zlib_tech.html)


class PlainStream:
    """A binary file, read in order. `limit`: the bytes it can hold at most."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.limit = size

    def read(self, count: int) -> bytearray:
        """Read `count` bytes, or as many as there are."""
        # min: the count that a damaged header claims must not become an allocation
        return bytearray(self._file.read(min(count, self.limit)))


class GzipStream:
    """A gzipped file, inflated as far as it is read. `limit`: the bytes it can hold at most."""

    def __init__(self, file: BinaryIO, size: int, source: str) -> None:
        self._file = file
        self._source = source
        self._inflater = zlib.decompressobj(_GZIP_FORMAT)
        self._pending = b""
        self.limit = size * _MAX_DEFLATE_RATIO

    def read(self, count: int) -> bytearray:
        """Read `count` bytes, or as many as there are.

        Raises:
            IdxError: the gzip stream is damaged, cut, or followed by something else.
        """
        out = bytearray()
        while len(out) < count:
            if self._inflater.eof and not self._next_member():
                break
            out += self._inflate(count - len(out))
        return out

    def _inflate(self, count: int) -> bytes:
        """Inflate one chunk of the file, to `count` bytes at most."""
        compressed = self._pending or self._file.read(_CHUNK)
        try:
            out = self._inflater.decompress(compressed, count)
        except zlib.error as error:
            raise IdxError(f"{self._source}: the gzip stream is damaged: {error}") from error
        if not (compressed or out):
            raise IdxError(f"{self._source}: the gzip stream is cut: its end is missing")
        self._pending = self._inflater.unconsumed_tail
        return out

    def _next_member(self) -> bool:
        """Go on to the next gzip member, which RFC 1952 allows; False at the end of the file."""
        self._pending = self._inflater.unused_data + self._file.read(_CHUNK)
        if not self._pending:
            return False
        if not self._pending.startswith(_GZIP_MAGIC):
            raise IdxError(f"{self._source}: something else follows the end of the gzip stream")
        self._inflater = zlib.decompressobj(_GZIP_FORMAT)
        return True


def open_stream(file: BinaryIO, source: str) -> PlainStream | GzipStream:
    """Read a seekable binary file from its start, inflating it if its content is gzipped."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    gzipped = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    file.seek(0)
    return GzipStream(file, size, source) if gzipped else PlainStream(file, size)


def inflate(data: bytes, size: int, source: str) -> bytearray:
    """Return the content of `data`, plain or gzipped, that should be `size` bytes.

    Raises:
        IdxError: it is gzipped and damaged, or the content is of another size.
    """
    stream = open_stream(io.BytesIO(data), source)
    content = stream.read(size)
    if len(content) < size:
        raise IdxError(f"{source}: {len(content):,} bytes of content; expected {size:,}")
    if stream.read(1):
        raise IdxError(f"{source}: more than the expected {size:,} bytes of content")
    return content

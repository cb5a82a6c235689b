"""What a published data set consists of, and how its files are recognised."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from .._stream import inflate
from ..errors import ChecksumError, DataError, IdxError
from ..idx import decode_idx
from .package_index import PackageIndex

Pair = tuple["IdxFile", "IdxFile"]
"""A file of images and the file of their labels."""

Arrays = dict[str, NDArray[Any]]
"""File names, and what the files hold."""


@dataclass(frozen=True)
class IdxFile:
    """One published IDX file. One of the two checksums is known.

    Attributes:
        name: without ``.gz``.
        size: of the content, in bytes.
        sha256: of the content.
        gz_md5: of the gzipped file as its publisher serves it.
    """

    name: str
    size: int
    sha256: str | None = None
    gz_md5: str | None = None

    @property
    def stored_name(self) -> str:
        """The name in the cache, where what has the checksum is stored."""
        return self.name if self.sha256 else f"{self.name}.gz"

    def verify(self, data: bytes, source: str) -> bytes:
        """Return what to store under `stored_name`, once it has the published checksum.

        Args:
            data: the file, plain or gzipped.
            source: what error messages call it.

        Raises:
            ChecksumError: it is another file, or damaged.
        """
        if self.sha256 is None:
            _check(source, "MD5", self.gz_md5, hashlib.md5(data, usedforsecurity=False).hexdigest())
            return data
        try:
            content = bytes(inflate(data, self.size, source))
        except IdxError as error:
            raise ChecksumError(f"{error} (expected SHA-256 {self.sha256})") from error
        _check(source, "SHA-256", self.sha256, hashlib.sha256(content).hexdigest())
        return content


@dataclass(frozen=True)
class Archive:
    """A published data set.

    Attributes:
        title: what messages call it.
        key: the name of its folder in QNN_DATA and in the cache.
        train, test: the files of images and of labels.
        mirrors: base URLs, in order of preference.
        package: a package that holds the data.
        foreign: SHA-256 of label files that have the same names in another data set.
    """

    title: str
    key: str
    train: Pair
    test: Pair
    mirrors: tuple[str, ...] = ()
    package: PackageIndex | None = None
    foreign: frozenset[str] = frozenset()

    @property
    def files(self) -> tuple[IdxFile, ...]:
        """All files, training first."""
        return self.train + self.test


def decode_stored(file: IdxFile, stored: bytes, source: str) -> NDArray[Any]:
    """Read a verified file.

    Raises:
        DataError: the checksum is right but it is no IDX file: the table is wrong.
    """
    try:
        return decode_idx(stored, source)
    except IdxError as error:
        raise DataError(f"{error}, although its checksum is the published one") from error


def read_verified(file: IdxFile, path: Path) -> NDArray[Any]:
    """Read a file that should be the published one.

    Raises:
        ChecksumError: it is another, or damaged.
        OSError: it cannot be read.
    """
    return decode_stored(file, file.verify(path.read_bytes(), str(path)), str(path))


def _check(source: str, kind: str, expected: str | None, found: str) -> None:
    if found != expected:
        raise ChecksumError(
            f"{source} is not the published file: {kind} {found}; expected {expected}"
        )
